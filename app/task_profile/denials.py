"""Which parts of a text say what is *not* wanted: `not translation, just language identification`."""

import re

_DENIAL = re.compile(
    r"\b(?:(?<!whether or )(?<!or )not(?: for| about| a)?|instead of|rather than|no need (?:to|for)"
    r"|never mind|please,? no"
    r"|(?:do not|don'?t|does not|doesn'?t) (?:want|need)(?: to| any| a)?|(?:is not|isn'?t)"
    r"|nothing to do with|neither)\b"
    r"(?! (?:only|just|sure|more|enough|longer|exceed|be more|than|exclusive|labell?ed|the words"
    r"|possible|exceed))"
    r"|(?<!是)不(?:是|要|用|想要?|需要|做|必|单独|去)(?!是)|(?<![要分特区级类差个])别(?![人的墅名是针])"
    r"|而非|并非|无需"
)
_END = re.compile(
    r"[.;:!?,，。；：！？、)）\n]|\b(?:but|just|only|instead|simply)\b|而是|只(?!能)|就(?:行|好)|但| [-–—] "
)
REACH = 40
"""Characters that a denial covers at most."""


def denied_spans(folded: str) -> list[tuple[int, int]]:
    """Parts of a folded text that are denied, (start, end), in order; each begins after the denying words."""
    spans = []
    for match in _DENIAL.finditer(folded):
        end = _END.search(folded, match.end(), match.end() + REACH)
        spans.append((match.end(), end.start() if end else min(len(folded), match.end() + REACH)))
    return spans


def is_within(position: int, spans: list[tuple[int, int]]) -> bool:
    """Whether a character lies in one of the spans."""
    return any(start <= position < end for start, end in spans)
