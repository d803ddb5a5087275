"""In which languages the data is, from the words around the task."""

import re

from app.task_profile.features import Wording
from app.task_profile.lexicon import lexicon, writing_words
from models_registry.vocabulary import MODALITY_OF, MULTILINGUAL, Modality, TaskType

_SPEAKING = frozenset(
    {
        TaskType.AUTOMATIC_SPEECH_RECOGNITION,
        TaskType.TEXT_TO_SPEECH,
        TaskType.IMAGE_TO_TEXT,
        TaskType.VISUAL_QUESTION_ANSWERING,
        TaskType.IMAGE_TEXT_RETRIEVAL,
        TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION,
    }
)
_PROMPTED = re.compile(
    r"prompt|text[- ]to[- ](?:image|picture)|from (?:a |short |the )?(?:text|words?|sentences?"
    r"|descriptions?)|description|describe|sentence"
    r"|in words|types? |from text|文字|文本|文生|描述|一句|文案|提示词|输入|诗句|故事",
    re.ASCII,
)
_UNPROMPTED = re.compile(r"unconditional|无条件|不带条件", re.ASCII)
_SHORT_NAMES = {
    "中": "zh", "汉": "zh", "英": "en", "日": "ja", "韩": "ko", "法": "fr", "德": "de", "俄": "ru",
    "蒙": "mn", "藏": "bo",     "维": "ug", "泰": "th", "越": "vi", "葡": "pt", "粤": "zh",
}  # fmt: skip
_SHORT_PAIR = re.compile(
    r"([中汉英日韩法德俄蒙藏维泰越葡粤])([译翻到转]?)([中汉英日韩法德俄蒙藏维泰越葡粤])(?![律院规条定官国心间期常志历记子字])"
)
_PAIR_CUE = re.compile(r"翻译|互译|双语|平行|对照|翻成|译|句对|夹杂|混")
_CODES = (
    "en|zh|de|fr|es|ja|ko|ru|ar|pt|it|nl|pl|tr|vi|th|id|hi|sv|da|fi|cs|ro|hu|uk|el|he|fa|"
    "sk|sl|hr|bg|et|lv|lt|ca|eu|sw|ur|bn|ta|te|ms"
)
_CODE_PAIR = re.compile(rf"(?<![a-z])({_CODES})\s?(-|→|->|=>|/|2|>|<->|<>|to)\s?({_CODES})(?![a-z])")
_MANY = re.compile(
    r"\b(?:[4-9]|\d{2,3}|five|six|ten|twelve|twenty|thirty|fifty) (?:different )?languages|(?:\d{2,3}"
    r"|[四五六七八九十]{1,3}|[4-9])(?:种|个|国|门)(?:语言|语种)"
)
_HAN = re.compile(r"[㐀-䶿一-鿿]")
_LATIN_WORD = re.compile(r"[a-zà-öø-ÿ]{2,}")
_KANA, _HANGUL = re.compile(r"[぀-ゟ゠-ヺ]"), re.compile(r"[가-힣]")
_CAPITALISED = frozenset({"polish"})
"""Names that are everyday words in lower case."""
_FOREIGN_SOURCE = re.compile(r"(?:translated|翻译自|译自)(?: into \w+)?(?: from)?\s*$")
_LATIN_LETTERS = re.compile(r"^ (?:letters|script|alphabet|names|square)")
_OWN_WORDS = 2
"""Function words of another language that make a description one in that language."""


def is_worded(task_type: TaskType, folded: str) -> bool:
    """Whether text goes in or comes out, so that a language matters."""
    if task_type is TaskType.IMAGE_GENERATION:
        return bool(_PROMPTED.search(folded)) and not _UNPROMPTED.search(folded)
    return MODALITY_OF[task_type] is Modality.TEXT or task_type in _SPEAKING


def writing_language(folded: str) -> str:
    """Language that the description itself is written in: mostly `zh` or `en`."""
    han = len(_HAN.findall(folded))
    if _KANA.search(folded):
        return "ja"
    if _HANGUL.search(folded) and not han:
        return "ko"
    words = _LATIN_WORD.findall(folded)
    # a Chinese sentence with a few technical terms in English is Chinese
    if 2 * han > len(words):
        return "zh"
    counts = {code: len(known.intersection(words)) for code, known in writing_words().items()}
    best = max(counts, key=lambda code: (counts[code], code == "en"))
    return best if counts[best] >= _OWN_WORDS else "en"


def _named(wording: Wording, original: str, task_type: TaskType) -> list[tuple[int, str]]:
    found = []
    for hit in wording.languages:
        word = original[hit.start : hit.end]
        everyday = word.lower() in _CAPITALISED and word.islower()
        letters = word.lower() == "latin" and _LATIN_LETTERS.match(wording.folded[hit.end :])
        before = wording.folded[max(0, hit.start - 24) : hit.start]
        source = task_type is not TaskType.TRANSLATION and _FOREIGN_SOURCE.search(before)
        if not (everyday or letters or source):
            found.append((hit.start, lexicon().concepts[hit.owner].name))
    return found


def _short_names(folded: str) -> list[tuple[int, str]]:
    found = []
    for match in _SHORT_PAIR.finditer(folded):
        certain = match[2] in {"译", "翻"} or {match[1], match[3]} == {"中", "英"}
        if match[1] != match[3] and (certain or _PAIR_CUE.search(folded)):
            found += [(match.start(1), _SHORT_NAMES[match[1]]), (match.start(3), _SHORT_NAMES[match[3]])]
    return found


def _codes(folded: str) -> list[tuple[int, str]]:
    pairs = (m for m in _CODE_PAIR.finditer(folded) if m[2] != "to" or {m[1], m[3]} & {"en", "zh"})
    return [place for m in pairs for place in ((m.start(1), m[1]), (m.start(3), m[3]))]


def read_languages(wording: Wording, original: str, task_type: TaskType) -> tuple[str, ...]:
    """Languages of the data, in the order named; the description's own where it names none.

    A translation with one named language is from or into the description's own.
    """
    folded = wording.folded
    if not is_worded(task_type, folded):
        return ()
    places = _named(wording, original, task_type) + _short_names(folded)
    if MODALITY_OF[task_type] is Modality.TEXT:
        places += _codes(folded)
    languages = tuple(dict.fromkeys(code for _, code in sorted(places)))
    own = writing_language(folded)
    if not languages:
        return (MULTILINGUAL,) if _MANY.search(folded) else (own,)
    if task_type is TaskType.TRANSLATION and len(languages) == 1 and languages[0] not in {own, MULTILINGUAL}:
        return (own, *languages)
    return languages
