"""Devices in words: cards, processors, how many."""

import re
from dataclasses import dataclass

from app.task_profile.quantities import Quantity

_CARD = re.compile(
    r"(?:(?<![a-z0-9])|(?<=\d[x×*]))(?:nvidia[ -]?)?(?:tesla[ -]?)?(?:geforce[ -]?)?(?:quadro[ -]?)?"
    r"(?:(?P<data>t4g?|l4|l20|l40s?|a2|a10g?|a16|a30|a40|a100|a800|h100|h200|h800|h20|b200|gh200|p4|p40"
    r"|p100|v100|k80)"
    r"|(?P<rtx>rtx[ -]?a?\d{4}|gtx[ -]?\d{4}|a[456]\d00|10[678]0|20[678]0|30[56789]0|40[6789]0|50[6789]0)"
    r"[ -]?(?P<suffix>ti|super|ada|d)?)"
    r"(?:s)?(?![a-z0-9])",
    re.ASCII,
)
_MPS = re.compile(
    r"(?<![a-z0-9])(?:apple silicon|macbook|mac ?(?:mini|studio|pro)|imac|(?:mac"
    r"|apple)(?: with)?(?: an?)? m[1-5]"
    r"|m[1-5] (?:mac|air|chip|ultra|max|pro)|mps)(?![a-z])|苹果 ?(?:电脑|笔记本|芯片|本|m[1-5])"
    r"|m[1-5] ?(?:pro|max|ultra)? ?(?:芯片|笔记本|的?苹果)",
    re.ASCII,
)
_NO_GPU = re.compile(
    r"\b(?:no|without|lacks?|(?:do|does)(?:n'?t| not) have|have(?:n'?t| not) got|can'?t afford|zero)"
    r"(?: an?y?)?(?: (?:dedicated|discrete|nvidia|real|big|decent))? (?:gpus?|graphics cards?"
    r"|video cards?|cuda)\b"
    r"|(?:没有?|无|不能用|用不了|用不上|不用|不带|不需要|不靠|缺|买不起)"
    r" ?(?:独立|英伟达)?(?:gpu|显卡|独显|n卡)|gpu ?(?:都"
    r"|也)?没有|gpu-?less"
    r"|integrated graphics|核显|集显|集成显卡",
    re.ASCII,
)
_PLAIN_MACHINE = (
    r"(?:laptop|notebook|thinkpad|chromebook|netbook|desktop|office (?:pc|computer|machine)|pc\b|computer)"
)
_CPU = re.compile(
    r"(?<![a-z])(?:cpus?|intel|ryzen|xeon|epyc)(?![a-z])|处理器|raspberry pi|树莓派"
    r"|\b(?:only|just|nothing but)(?: have| own| got| on)?(?: an?| my| our| one| this)?(?: [a-z-]+){0,2} "
    + _PLAIN_MACHINE
    + r"|\bon (?:my|our|an?) (?:(?:plain|old|ordinary|normal|cheap|office|school|everyday|\d-year-old) )+"
    + _PLAIN_MACHINE
    + r"|\bon my laptop\b"
    r"|(?:只有|就|仅有?|只能用)(?:一?台|一?个)?(?:普通|旧|老|破|办公|家用|的)*(?:笔记本|台式机?|电脑|pc)"
    r"|(?:普通|老旧?|旧|办公)的?(?:笔记本|台式机?|电脑)(?:电脑)?(?:上|跑|能|训练|$|[,，。;；])",
    re.ASCII,
)
_GPU = re.compile(
    r"(?<![a-z])(?:gpus?|cuda|(?:graphics|video) cards?|nvidia|vram)(?![a-z])|显卡|显存|单卡|双卡"
    r"|[2-8二两三四六八]卡|独显|n卡|(?<=[张块])卡|(?:(?<=\dg )|(?<=gb )|(?<=gib ))cards?\b"
    r"|\bgraphics memory\b",
    re.ASCII,
)
_MEMORY = r"(?:\d{1,3} ?gi?b?(?: ?(?:显存|内存|的?显存|memory|vram|ram))?(?: ?的)? ?)?"
_COUNT_BEFORE = re.compile(
    r" ?(?:x|×|\*|张|块|个|片|台|卡|pieces of|pcs)? ?的? ?" + _MEMORY + r"(?:big |small |old )?",
    re.ASCII,
)
_COUNT_AFTER = re.compile(
    r"(?:的?卡)?(?: ?[(（]?-?(?P<memory>\d{1,3}) ?gi?b?[)）]?(?: ?显存)?)?"
    r"(?: ?[x×*] ?(?P<times>\d{1,2})(?![\d.])|[ ,，]{0,2}共?(?P<cards>\d{1,2}"
    r"|[一两二三四五六七八单双]) ?[张块卡](?!图|照))",
    re.ASCII,
)
_SINGLE = re.compile(r"\bsingle\b|单(?:张|块|卡|显卡)", re.ASCII)
_DOUBLE = re.compile(r"\bdual\b|\bpair of\b|双卡|双路", re.ASCII)
_GPU_TIME = re.compile(r"[ -]?(?:hours?|hrs?|h|days?|minutes?)\b", re.ASCII)
_HAN = {c: i for i, c in enumerate("一二三四五六七八", 1)} | {"两": 2, "单": 1, "双": 2}
_BARE_CARD_CUE = re.compile(
    r"gpu|card|nvidia|geforce|英伟达|老黄|显|卡|张|块|on (?:a|an|my|one|two)\b|上|训练|[x×*]"
    r"|\b(?:one|two|four|an?|my|our|single|dual|pair of) |\d ?gi?b?\b",
    re.ASCII,
)
_REACH = 24
"""Characters before a card's name in which its number is looked for."""
MAX_DEVICES = 64


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device as the words name it.

    Attributes:
        device: `cpu`, `cuda`, `mps` or a card's name; None where unsaid.
        n_devices: Number of cards; None where unsaid.
        span: Where the card and its number stand, so that their digits count nothing else.
        memory_gb: Memory of one card, where that stands between its name and its number, in GB.
    """

    device: str | None
    n_devices: int | None
    span: tuple[int, int] | None
    memory_gb: int | None = None


def _card_name(match: re.Match[str]) -> str:
    if match["data"]:
        return f"NVIDIA {match['data'].upper()}"
    family, digits = re.fullmatch(r"(?:(rtx|gtx)[ -]?)?(a?\d{4})", match["rtx"]).groups()  # type: ignore[union-attr]
    family = family or ("gtx" if digits.startswith("10") else "rtx")
    suffix = match["suffix"]
    tail = f" {suffix.title() if suffix in ('ti', 'super') else suffix.upper()}" if suffix else ""
    return f"NVIDIA {family.upper()} {digits.upper()}{tail}"


@dataclass(frozen=True, slots=True)
class _Counted:
    """Number of the devices named at a span, the span with that number, and the memory that stands within."""

    number: int | None
    start: int
    end: int
    memory_gb: int | None = None


def _counted(folded: str, start: int, end: int, quantities: list[Quantity]) -> _Counted:
    for q in quantities:
        near = q.end <= start and start - q.end <= _REACH and 1 <= q.value <= MAX_DEVICES
        if near and not q.in_range and not _is_article(folded, q) and not _GPU_TIME.match(folded, end):
            gap = folded[q.end : start]
            if _COUNT_BEFORE.fullmatch(gap) and not re.match(r" ?gi?b", gap):
                size = re.search(r"(\d{1,3}) ?gi?b?", gap)
                return _Counted(int(q.value), q.start, end, int(size[1]) if size else None)
    after = _COUNT_AFTER.match(folded, end)
    if after:
        written = after["times"] or after["cards"]
        memory = int(after["memory"]) if after["memory"] else None
        return _Counted(int(_HAN.get(written) or written), start, after.end(), memory)
    before = folded[max(0, start - _REACH) : start + 4]
    if _SINGLE.search(before):
        return _Counted(1, start, end)
    return _Counted(2 if _DOUBLE.search(before) else None, start, end)


def _is_article(folded: str, q: Quantity) -> bool:
    return folded[q.start : q.end] in {"a", "an"}


def _card(folded: str) -> re.Match[str] | None:
    for match in _CARD.finditer(folded):
        bare = match.group().isdigit()  # 3090 may as well be a number of examples
        around = folded[max(0, match.start() - 12) : match.end() + 12]
        if not bare or _BARE_CARD_CUE.search(around):
            return match
    return None


def _number_of(folded: str, gpus: list[re.Match[str]], quantities: list[Quantity]) -> int | None:
    numbers = (_counted(folded, *gpu.span(), quantities).number for gpu in gpus)
    return next((number for number in numbers if number is not None), None)


def read_hardware(folded: str, quantities: list[Quantity]) -> Hardware:
    """The device that a folded text names."""
    card = _card(folded)
    gpus = list(_GPU.finditer(folded))
    if card:
        found = _counted(folded, *card.span(), quantities)
        span = min(found.start, card.start()), max(found.end, card.end())
        number = found.number if found.number is not None else _number_of(folded, gpus, quantities)
        return Hardware(_card_name(card), number, span, found.memory_gb)
    if _NO_GPU.search(folded):
        return Hardware("cpu", None, None)
    if gpus:
        return Hardware("cuda", _number_of(folded, gpus, quantities), None)
    if _MPS.search(folded):
        return Hardware("mps", None, None)
    return Hardware("cpu" if _CPU.search(folded) else None, None, None)
