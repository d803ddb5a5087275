"""Devices in words: cards, processors, how many."""

import re
from dataclasses import dataclass

from app.task_profile.quantities import find_quantities

_CARD = re.compile(
    r"(?<![a-z0-9])(?:nvidia[ -]?)?(?:tesla[ -]?)?(?:geforce[ -]?)?"
    r"(?:(?P<data>t4g?|l4|l40s?|a10g?|a16|a30|a40|a100|a800|h100|h200|h800|h20|b200|gh200|p4"
    r"|p40|p100|v100s?|k80)"
    r"|(?P<rtx>(?:rtx[ -]?a?\d{4}|gtx[ -]?\d{4}|(?:10[678]0|20[678]0|30[56789]0|40[6789]0|50[789]0)))"
    r"[ -]?(?P<suffix>ti|super|ada|d)?)"
    r"(?:s)?(?![a-z0-9])"
)
_MPS = re.compile(
    r"(?<![a-z0-9])(?:apple silicon|macbook|mac m[1-5]|mac ?(?:mini|studio)|imac|apple m[1-5]"
    r"|mps)(?![a-z])|苹果电脑|苹果笔记本"
)
_NO_GPU = re.compile(
    r"\b(?:no|without|lack|don'?t have|do not have"
    r"|haven'?t got)(?: an?y?)?(?: dedicated)? (?:gpus?|graphics cards?|cuda)\b"
    r"|(?:没有|没|无|不用|不带|不需要) ?(?:gpu|显卡|独显)|gpu[- ]?less"
)
_CPU = re.compile(r"(?<![a-z])cpus?(?![a-z])|处理器")
_GPU = re.compile(r"(?<![a-z])(?:gpus?|cuda|graphics cards?|nvidia)(?![a-z])|显卡|单卡|双卡|独显")
_COUNT_BEFORE = re.compile(r"\s*(?:x|×|\*|张|块|个|片|台|卡)?\s*(?:的)?\s*$")
_COUNT_AFTER = re.compile(r"\s*[x×*]\s*(\d{1,2})\b")
_SINGLE, _DOUBLE = re.compile(r"单(?:张|块|卡)"), re.compile(r"双卡")
_BARE_CARD_CUE = re.compile(r"gpu|card|nvidia|geforce|显|卡|张|块|on (?:a|an|my|one|two)\b|上|训练")
_REACH = 10
"""Characters before a card's name in which its number is looked for."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device as the words name it.

    Attributes:
        device: `cpu`, `cuda`, `mps` or a card's name; None where unsaid.
        n_devices: Number of cards; None where unsaid.
        span: Where the card's name stands, so that its digits are not read as a quantity.
    """

    device: str | None
    n_devices: int | None
    span: tuple[int, int] | None


def _card_name(match: re.Match[str]) -> str:
    if match["data"]:
        return f"NVIDIA {match['data'].upper()}"
    family, digits = re.fullmatch(r"(?:(rtx|gtx)[ -]?)?(a?\d{4})", match["rtx"]).groups()  # type: ignore[union-attr]
    family = family or ("gtx" if digits.startswith("10") else "rtx")
    suffix = match["suffix"]
    tail = f" {suffix.title() if suffix in ('ti', 'super') else suffix.upper()}" if suffix else ""
    return f"NVIDIA {family.upper()} {digits.upper()}{tail}"


def _count(folded: str, start: int, end: int) -> int | None:
    after = _COUNT_AFTER.match(folded, end)
    if after:
        return int(after[1])
    window = max(0, start - _REACH)
    for quantity in find_quantities(folded[window:start]):
        article = quantity.spelt and folded[window + quantity.start : window + quantity.end] in {"a", "an"}
        stop = window + quantity.end
        if not article and _COUNT_BEFORE.fullmatch(folded[stop:start]) and 1 <= quantity.value <= 64:
            return int(quantity.value)
    return None


def _spoken_count(folded: str) -> int | None:
    if _SINGLE.search(folded):
        return 1
    return 2 if _DOUBLE.search(folded) else None


def _card(folded: str) -> re.Match[str] | None:
    for match in _CARD.finditer(folded):
        bare = match.group().isdigit()  # 3090 may as well be a number of examples
        around = folded[max(0, match.start() - 12) : match.end() + 6]
        if not bare or _BARE_CARD_CUE.search(around):
            return match
    return None


def read_hardware(folded: str) -> Hardware:
    """The device that a folded text names."""
    card = _card(folded)
    if card:
        count = _count(folded, *card.span()) or _spoken_count(folded)
        return Hardware(_card_name(card), count, card.span())
    if _NO_GPU.search(folded):
        return Hardware("cpu", None, None)
    gpu = _GPU.search(folded)
    if gpu:
        return Hardware("cuda", _count(folded, *gpu.span()) or _spoken_count(folded), gpu.span())
    if _MPS.search(folded):
        return Hardware("mps", None, None)
    return Hardware("cpu" if _CPU.search(folded) else None, None, None)
