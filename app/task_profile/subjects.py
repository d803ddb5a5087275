"""What the data is about and in which languages, from the words around the task."""

import re

from app.task_profile.defaults import default_domain
from app.task_profile.lexicon import domain_phrases, language_phrases
from app.task_profile.normalise import Token
from app.task_profile.phrases import Hit
from models_registry.vocabulary import MODALITY_OF, Domain, Modality, TaskType

_IMAGE = frozenset(
    {
        Domain.NATURAL_IMAGES,
        Domain.FINE_GRAINED_IMAGES,
        Domain.MEDICAL_IMAGES,
        Domain.REMOTE_SENSING,
        Domain.DOCUMENT_IMAGES,
        Domain.STRUCTURED_IMAGES,
    }
)
_AUDIO = frozenset({Domain.SPEECH, Domain.ENVIRONMENTAL_SOUND, Domain.MUSIC})
_TEXT = frozenset(Domain) - _IMAGE - _AUDIO - {Domain.GENERAL}
_DOMAINS: dict[Modality, tuple[frozenset[Domain], ...]] = {
    Modality.TEXT: (_TEXT,),
    Modality.IMAGE: (_IMAGE,),
    Modality.VIDEO: (_IMAGE,),
    Modality.AUDIO: (_AUDIO, _TEXT),
    Modality.IMAGE_TEXT: (_IMAGE, _TEXT),
    Modality.INTERACTIONS: (_TEXT | {Domain.MUSIC},),
}
"""Domains that a modality can have; a later set is asked only where the earlier ones find nothing."""

_SPEAKING = frozenset(
    {
        TaskType.AUTOMATIC_SPEECH_RECOGNITION,
        TaskType.TEXT_TO_SPEECH,
        TaskType.IMAGE_TO_TEXT,
        TaskType.VISUAL_QUESTION_ANSWERING,
        TaskType.IMAGE_TEXT_RETRIEVAL,
    }
)
_SHORT_NAMES = {
    "中": "zh",
    "汉": "zh",
    "英": "en",
    "日": "ja",
    "韩": "ko",
    "法": "fr",
    "德": "de",
    "俄": "ru",
}
_SHORT_PAIR = re.compile(
    r"([中汉英日韩法德俄])([译翻到转]?)([中汉英日韩法德俄])(?![律院规条定官国心间期常志历记子字])"
)
_PAIR_CUE = re.compile(r"翻译|互译|双语|平行|对照|翻成|译")
_CODES = [
    "en",
    "zh",
    "de",
    "fr",
    "es",
    "ja",
    "ko",
    "ru",
    "ar",
    "pt",
    "it",
    "nl",
    "pl",
    "tr",
    "vi",
    "th",
    "id",
    "hi",
    "sv",
    "da",
    "fi",
    "cs",
    "ro",
    "hu",
    "uk",
    "el",
    "he",
    "fa",
]
LANGUAGE_CODES = re.compile(
    r"(?<![a-z])(" + "|".join(_CODES) + r")\s?(-|→|->|=>|/|2|>|to)\s?(" + "|".join(_CODES) + r")(?![a-z])"
)
_HAN = re.compile(r"[㐀-䶿一-鿿]")
_LATIN_WORD = re.compile(r"[a-z]{2,}")
_KANA, _HANGUL = re.compile(r"[぀-ヿ]"), re.compile(r"[가-힣]")
_CAPITALISED = {"polish"}
"""Names that are everyday words in lower case."""
_FOREIGN_SOURCE = re.compile(r"(?:translated|翻译自|译自)(?: into \w+)?(?: from)?\s*$")


def is_worded(task_type: TaskType) -> bool:
    """Whether text goes in or comes out, so that a language matters."""
    return MODALITY_OF[task_type] is Modality.TEXT or task_type in _SPEAKING


def writing_language(folded: str) -> str:
    """Language that the description itself is written in: `zh` or `en`, seldom `ja` or `ko`."""
    han = len(_HAN.findall(folded))
    if _KANA.search(folded):
        return "ja"
    if _HANGUL.search(folded) and not han:
        return "ko"
    # a Chinese sentence with a few technical terms in English is Chinese
    return "zh" if 2 * han > len(_LATIN_WORD.findall(folded)) else "en"


def _is_name(hit: Hit, original: str, folded: str, task_type: TaskType) -> bool:
    word = original[hit.start : hit.end]
    if word.lower() in _CAPITALISED and word.islower():
        return False
    source = task_type is not TaskType.TRANSLATION and _FOREIGN_SOURCE.search(folded[: hit.start][-24:])
    return not source


def _short_names(folded: str) -> list[tuple[int, str]]:
    found = []
    for match in _SHORT_PAIR.finditer(folded):
        certain = match[2] in {"译", "翻"} or {match[1], match[3]} == {"中", "英"}
        if match[1] != match[3] and (certain or _PAIR_CUE.search(folded)):
            found += [(match.start(1), _SHORT_NAMES[match[1]]), (match.start(3), _SHORT_NAMES[match[3]])]
    return found


def _codes(folded: str) -> list[tuple[int, str]]:
    pairs = (m for m in LANGUAGE_CODES.finditer(folded) if m[2] != "to" or {m[1], m[3]} & {"en", "zh"})
    return [place for m in pairs for place in ((m.start(1), m[1]), (m.start(3), m[3]))]


def read_languages(original: str, folded: str, tokens: list[Token], task_type: TaskType) -> tuple[str, ...]:
    """Languages of the data, in the order named; the description's own where it names none.

    A translation with one named language is from or into the description's own.
    """
    if not is_worded(task_type):
        return ()
    phrases = language_phrases()
    named = [
        (hit.start, phrases.names[hit.owner])
        for hit in phrases.phrases.find(tokens)
        if _is_name(hit, original, folded, task_type)
    ]
    places = sorted(
        named + _short_names(folded) + (_codes(folded) if MODALITY_OF[task_type] is Modality.TEXT else [])
    )
    languages = tuple(dict.fromkeys(code for _, code in places))
    own = writing_language(folded)
    if not languages:
        return (own,)
    if task_type is TaskType.TRANSLATION and len(languages) == 1 and languages[0] not in {own, "mul"}:
        return (own, *languages)
    return languages


def read_domain(tokens: list[Token], task_type: TaskType) -> tuple[Domain, list[Hit]]:
    """The domain and the phrases that name it; the type's default and none where no phrase does."""
    phrases = domain_phrases()
    hits = phrases.phrases.find(tokens)
    totals: dict[Domain, float] = {}
    for owner in {(hit.owner, hit.phrase) for hit in hits}:
        domain = Domain(phrases.names[owner[0]])
        totals[domain] = totals.get(domain, 0.0) + phrases.weights[owner[0]]
    for possible in _DOMAINS[MODALITY_OF[task_type]]:
        reached = {domain: total for domain, total in totals.items() if domain in possible}
        if reached:
            # ties go to the narrower domain, which has the larger weight a phrase; then by name
            best = max(sorted(reached), key=lambda domain: reached[domain])
            return best, [hit for hit in hits if phrases.names[hit.owner] == best]
    return default_domain(task_type), []
