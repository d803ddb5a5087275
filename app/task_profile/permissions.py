"""Licences and commercial use in words."""

import re
from dataclasses import dataclass

_FORBIDDEN = re.compile(
    r"non[- ]?commercial|no commercial|not (?:for )?(?:any )?commercial|(?:for )?(?:research|academic"
    r"|teaching|private|personal)(?: use| purposes)? only"
    r"|(?:only|just|purely|solely) for (?:research|academic|teaching|private|personal)|not for profit"
    r"|non-?profit use|not (?:[a-z]+ ){0,2}commercially"
    r"|非商用|非商业|不商用|不(?:用于|做)商|不(?:会|打算)商用|仅(?:供|限|用于|作)?(?:科研|研究|学术"
    r"|教学|个人)|只(?:用于|做)(?:科研|研究|学术|教学)|纯(?:科研|学术)"
    r"|不(?:卖钱|盈利|营利|赚钱)|非(?:盈利|营利)",
    re.ASCII,
)
_COMMERCIAL = re.compile(
    r"\bcommercially\b|\b(?:paid|for-profit) (?:app|product|service|subscription|saas)\b"
    r"|commercial(?:ly)?[- ](?:[a-z]+ )?(?:use|us(?:able|age)|licen[cs]|purposes?|products?|deploy|ok"
    r"|allowed|permitted|friendly|project|app\b|service"
    r"|settings?|rights|release|software|tool|offering|customers)"
    r"|(?:use|used|deploy|deployed|allowed|permitted|allow|allows|sell|sold|licensed?)[a-z ]{0,20} commercial"
    r"|(?:we|to|will|want to) (?:sell|resell|monetise|monetize) (?:it|this|the (?:model|product|app"
    r"|result|service))"
    r"|商用|商业(?:用途|使用|化|许可|授权|项目|产品|软件|部署|上线|版权|目的)|能卖钱|要卖|拿去卖"
    r"|收费产品|用于商业",
    re.ASCII,
)
_LICENCE_CUE = re.compile(r"licen[cs]e|licen[cs]ed|permissive|协议|许可|开源|授权|证书", re.ASCII)
_LICENCES = (
    ("apache-2.0", re.compile(r"\bapache(?:[ -]?(?:licen[cs]e )?(?:v?2(?:\.0)?))?\b", re.ASCII)),
    ("mit", re.compile(r"(?<![a-z])mit(?![a-z])", re.ASCII)),
    ("bsd-3-clause", re.compile(r"\bbsd(?:[ -]3(?:-clause)?)?\b", re.ASCII)),
    ("gpl-3.0", re.compile(r"(?<![al])gpl(?:[ -]?v?3(?:\.0)?)?\b", re.ASCII)),
    ("lgpl-3.0", re.compile(r"\blgpl(?:[ -]?v?3(?:\.0)?)?\b", re.ASCII)),
    ("agpl-3.0", re.compile(r"\bagpl(?:[ -]?v?3(?:\.0)?)?\b", re.ASCII)),
    ("cc-by-4.0", re.compile(r"\bcc[- ]by(?:[- ]4(?:\.0)?)?\b(?![- ](?:sa|nc|nd))", re.ASCII)),
    ("cc-by-sa-4.0", re.compile(r"\bcc[- ]by[- ]sa(?:[- ]4(?:\.0)?)?\b", re.ASCII)),
    ("cc0-1.0", re.compile(r"\bcc0(?:[- ]1\.0)?\b", re.ASCII)),
    ("openrail", re.compile(r"\bopenrail", re.ASCII)),
)
_UNAMBIGUOUS = re.compile(
    r"apache[ -]?(?:v?2|或|/|or |and )|cc[- ]by|\bmit (?:or|and|/) ?(?:apache|bsd)|cc0|gpl", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Permissions:
    """What the words say of licences.

    Attributes:
        commercial_use: Whether it must be allowed; False where it is ruled out, None where unsaid.
        licences: SPDX ids, lower case, of the licences named, in their order; None where unsaid.
        spans: Where this stands, (start, end).
    """

    commercial_use: bool | None
    licences: tuple[str, ...] | None
    spans: list[tuple[int, int]]


def read_permissions(folded: str) -> Permissions:
    """What a folded text says of licences and commercial use.

    A bare `MIT` or `Apache` is a university or a web server unless a word such as licence is near.
    """
    forbidden, allowed = _FORBIDDEN.search(folded), _COMMERCIAL.search(folded)
    spans = [match.span() for match in (forbidden, allowed) if match]
    licences: list[str] = []
    if _LICENCE_CUE.search(folded) or _UNAMBIGUOUS.search(folded):
        found = sorted((m.span(), name) for name, pattern in _LICENCES if (m := pattern.search(folded)))
        licences = [name for _, name in found]
        spans += [span for span, _ in found]
    return Permissions(
        commercial_use=False if forbidden else True if allowed else None,
        licences=tuple(licences) or None,
        spans=spans,
    )
