"""Words of a text by one rule for every language, so that targets of words depend on no model's tokens."""

import re

_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}]+|[^\w\s]")
"""A character of Chinese, Japanese or Korean, a run of letters and digits, or a sign."""
IS_CJK = re.compile(f"[{_CJK}]")


def cut(text: str) -> list[str]:
    """The words of a text, in order."""
    return WORD.findall(text)


def places(text: str) -> list[tuple[int, int]]:
    """Where each word begins and ends, in characters, the end behind it."""
    return [match.span() for match in WORD.finditer(text)]
