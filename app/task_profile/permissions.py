"""Licences and commercial use in words."""

import re

_FORBIDDEN = re.compile(
    r"non[- ]?commercial|not (?:for )?commercial|research (?:use )?only|academic use only"
    r"|非商用|非商业|不商用|仅(?:供|限|用于)?(?:科研|研究|学术)"
)
_COMMERCIAL = re.compile(
    r"commercial(?:ly)?[- ](?:use|us(?:able|age)|licen[cs]|purposes?|product|deploy|ok|allowed"
    r"|permitted|friendly)"
    r"|(?:use|deploy|allowed|permitted|sell)[a-z ]{0,20} commercial|商用|商业(?:用途|使用|化|许可)|能卖钱"
)
_LICENCE_CUE = re.compile(r"licen[cs]e|licen[cs]ed|permissive|协议|许可|开源")
_LICENCES = (
    ("apache-2.0", re.compile(r"\bapache(?:[ -]?(?:license )?(?:v?2(?:\.0)?))?\b")),
    ("mit", re.compile(r"(?<![a-z])mit(?![a-z])")),
    ("bsd-3-clause", re.compile(r"\bbsd(?:-3(?:-clause)?)?\b")),
    ("gpl-3.0", re.compile(r"(?<![al])gpl(?:[ -]?v?3(?:\.0)?)?\b")),
    ("lgpl-3.0", re.compile(r"\blgpl\b")),
    ("agpl-3.0", re.compile(r"\bagpl\b")),
    ("cc-by-4.0", re.compile(r"\bcc[- ]by(?:[- ]4(?:\.0)?)?\b(?![- ](?:sa|nc|nd))")),
    ("cc-by-sa-4.0", re.compile(r"\bcc[- ]by[- ]sa\b")),
    ("cc0-1.0", re.compile(r"\bcc0\b")),
    ("openrail", re.compile(r"\bopenrail")),
)
_UNAMBIGUOUS = re.compile(r"apache[ -]?2|apache 或|cc[- ]by")


def read_commercial_use(folded: str) -> bool | None:
    """Whether commercial use must be allowed; False where it is ruled out, None where unsaid."""
    if _FORBIDDEN.search(folded):
        return False
    return True if _COMMERCIAL.search(folded) else None


def read_licences(folded: str) -> tuple[str, ...] | None:
    """SPDX ids, lower case, of the licences named, in their order in the text; None where unsaid.

    A bare `MIT` or `Apache` is a university or a web server unless a word such as licence is near.
    """
    if not (_LICENCE_CUE.search(folded) or _UNAMBIGUOUS.search(folded)):
        return None
    found = sorted((m.start(), name) for name, pattern in _LICENCES if (m := pattern.search(folded)))
    return tuple(name for _, name in found) or None
