"""Which languages texts are in."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

MIN_LETTERS = 20
"""Shorter texts are told wrongly too often to be counted one by one
(measured: 7 % of English SMS messages)."""
MIN_CJK = 4
"""A Chinese character says about as much as a word."""
MIN_SHARE = 0.02
"""Rarer languages are more likely mistakes than languages."""
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_LETTERS = re.compile(r"[^\W\d_]")


def count_cjk(text: str) -> int:
    """Number of Chinese and Japanese characters."""
    return 0 if text.isascii() else sum(map(len, _CJK.findall(text)))


def language_shares(texts: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Languages (ISO 639-1) with their share of the texts, largest first, rare ones left out.

    Texts too short to tell are judged together, as one.
    """
    long = [text for text in texts if _is_telling(text)]
    judged = long or ["\n".join(texts)]
    if not any(_LETTERS.search(text) for text in judged):
        return ()
    identifier = _identifier()
    counts = Counter(str(identifier.classify(text)[0]) for text in judged)
    shares = [(code, count / len(judged)) for code, count in counts.items()]
    kept = [(code, share) for code, share in shares if share >= MIN_SHARE]
    return tuple(sorted(kept, key=lambda item: (-item[1], item[0])))


def languages_of(texts: Sequence[str]) -> list[str]:
    """The language (ISO 639-1) of each text that is long enough to tell."""
    identifier = _identifier()
    return [str(identifier.classify(text)[0]) for text in texts if _is_telling(text)]


def _is_telling(text: str) -> bool:
    return count_cjk(text) >= MIN_CJK or len(_LETTERS.findall(text)) >= MIN_LETTERS


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """Restricted to languages that have an ISO 639-1 code, as the rest of the service names languages."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([code for code in identifier.labels if len(code) == 2])
    return identifier
