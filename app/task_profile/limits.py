"""What the numbers in a description say of limits: time, memory, money, sizes of models.

Each number is judged by the few characters around it; the rules are tried in order and the first that
fits takes the number. Nothing here looks further than `REACH` characters, so reading stays linear.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from app.task_profile.quantities import Quantity

Fact = float | int | str | bool
Facts = dict[str, Fact]
REACH = 36
LIMIT = (
    r"sub-|under|below|less than|fewer than|smaller than|at most|(?:no|not) (?:more|longer|larger"
    r"|bigger) than|max(?:imum|\.)?(?: of)?"
    r"|up to|within|cap(?:ped)?(?: at| of)?|limit(?:ed)?(?: to| of| is)?|<=?|≤|不(?:能|可|得"
    r"|要)?(?:超过|大于|高于|多于)|小于|少于|低于"
    r"|最多|最大|不到|以内|限|控制在|至多"
)
_LATENCY = re.compile(
    r"latenc|respon|inference|per (?:request|query|item|call|image|frame|sentence)|real[- ]?time|answer"
    r"|first (?:sound|token)|reply"
    r"|延迟|时延|响应|推理|耗时|每次|单次|实时|返回|出结果|首字|首包|每帧|每张|每条",
    re.ASCII,
)
_MODEL = re.compile(
    r"model|weights|checkpoint|on disk|download|package|apk|模型|权重|体积|安装包|大小", re.ASCII
)
_MEMORY = re.compile(r"(?<![a-z])(?:v?ram|memory|gpus?|cards?)(?![a-z])|显存|内存|显卡|运存", re.ASCII)
_MACHINE = re.compile(
    r"(?<![a-z])(?:mac|macbook|laptop|notebook|pc|box|machine|server)(?![a-z])|每?[张块]?卡|笔记本|电脑|机器|服务器",
    re.ASCII,
)
_MASKED_BEFORE = re.compile(r"#[ (-]*$", re.ASCII)  # a card's name, masked
_DATA_NOUN = (
    r"(?:(?:labell?ed|transcribed|annotated|raw|clean|noisy|[a-z]+) ){0,2}(?:speech|audio|recordings?"
    r"|sound|videos?|voice|footage|talks?|data\b|calls|"
    r"material|interviews?|podcasts?|radio|tapes?|meetings?|lectures?|music|transcri)"
    r"|(?:的)?(?:[一-鿿]{0,4})(?:语音|录音|音频|视频|数据|素材|录像|访谈|磁带|语料)"
)
_DATA_HOURS = re.compile(
    r" ?(?:of |的)? ?(?:" + _DATA_NOUN + r")|[- ]long\b| ?(?:per|a|each) (?:day|week)|长的?", re.ASCII
)
_DATA_BEFORE = re.compile(
    r"(?:语音|录音|音频|视频|数据|总长|时长|每天|每周|(?:recordings?|audio|speech|data"
    r"|video)[:, (]{0,3}(?:about |~|ca\.? )?)[约共有:： ]*$",
    re.ASCII,
)
_MONEY_BEFORE = re.compile(r"(?P<sign>us\$|\$|¥|￥|€|£|usd|eur|gbp|rmb|cny|人民币) ?$", re.ASCII)
_MONEY_AFTER = re.compile(
    r" ?(?P<sign>dollars?|bucks?|usd|us\$|\$|美元|美金|刀(?!具)|euros?|eur\b|€|欧元?|pounds?|gbp|£|rmb"
    r"|cny|yuan|人民币|元(?!组|数|素|音)"
    r"|块钱?(?:(?P<tenths>[一二三四五六七八九])(?![一-鿿])|(?![一-鿿]{0,2}(?:t4|显卡|gpu|卡|屏|区域|板))))",
    re.ASCII,
)
_BUDGET = re.compile(
    r"budget|spend|costs?|price cap|pay|afford|for (?:just |only )?$|only|total|"
    + LIMIT
    + r"|预算|花|成本|只有|费用|经费|总共|一共",
    re.ASCII,
)
_BUDGET_AFTER = re.compile(
    r"[^,.;，。；]{0,8}(?:budget|or less|max|at most|in total|total|cap\b|ceiling|limit|以内|以下|之内"
    r"|预算|封顶|搞定|够)",
    re.ASCII,
)
_PER_HOUR = re.compile(
    r" ?(?:/|per |an |a |each |every |每) ?(?:h\b|hr\b|hour|小时|钟头)| ?一?个?(?:小时|钟头)", re.ASCII
)
_HOURLY_BEFORE = re.compile(r"(?:每|一)个?(?:小时|钟头)[^,.;，。；\d]{0,4}$|(?:per|an) hour[: ]*$", re.ASCII)
_CURRENCY = {
    "USD": {"us$", "$", "usd", "dollar", "dollars", "buck", "bucks", "美元", "美金", "刀"},
    "EUR": {"€", "eur", "euro", "euros", "欧元", "欧"},
    "GBP": {"£", "gbp", "pound", "pounds"},
}  # everything else that the patterns know is Chinese currency
_PARAMETERS = re.compile(
    r" ?(?:m|b)?[ -]*(?:(?:trainable |model )?param(?:eter)?s?\b|weights\b)| ?(?:的)?(?:个)?参数", re.ASCII
)
_PARAMETERS_BEFORE = re.compile(r"(?:param(?:eter)?s?|参数(?:量|数|规模)?)[^\d,，。]{0,14}$", re.ASCII)
_LIMIT_BEFORE = re.compile(r"(?:" + LIMIT + r")(?: than| of| to)?[^\d,.，。]{0,8}$", re.ASCII)
_LIMIT_AFTER = re.compile(
    r"[^,.;，。；]{0,14}?(?:以内|以下|之内|往下|内的|or (?:less|fewer|smaller|below)|max\b|at most"
    r"|limit|tops)",
    re.ASCII,
)
_MILLISECONDS = re.compile(r"[ -]?(?:ms\b|msecs?\b|milliseconds?|millis\b)| ?毫秒", re.ASCII)
_SECONDS = re.compile(r"(?: of)?(?: an?)?[ -]?(?:s|secs?|seconds?)\b| ?秒(?!级)", re.ASCII)
_BYTES = re.compile(
    r"[ -]?(?P<unit>gib|gb|gigabytes?|gigs?|g|mib|mb|megabytes?|m|兆)(?![a-z])(?P<what>[^,.;，。；]{0,14})",
    re.ASCII,
)
_TIME = re.compile(
    r"(?P<hyphen>-)?\s?(?:an? |of )?(?:(?:full |whole |gpu[- ])?(?:(?P<day>days?\b|天)|(?P<hour>h(?![a-z])"
    r"|hrs?\b|hours?\b|个?小时|个?半小时|个?钟头)"
    r"|(?P<minute>min\b|mins\b|minutes?\b|分钟)))",
    re.ASCII,
)
_FURTHER = re.compile(r" and a half\b|(?:and )?(?P<minutes>[1-5]\d)(?: ?min(?:ute)?s?)?\b", re.ASCII)
_TRAIN = re.compile(
    r"train|budget|fine-?tun|\bfor\b|within|compute|gpu|#|\bcpu|overnight|finish|done|"
    + LIMIT
    + r"|训练|训(?!稿)|微调|预算|时间|算力|跑|租|卡|之内",
    re.ASCII,
)
_MOST_HOURS = 100
_TRAINING = re.compile(r"train|fine-?tun|gpu hours|训练|微调", re.ASCII)
_ALONE_BEFORE = re.compile(r"(?:^|[,.;:，。；：(（、]) ?(?:about |大概|大约|约)?$", re.ASCII)
_ALONE_AFTER = re.compile(
    r" ?(?:$|[,.;，。；)）!]|max\b|tops\b|以内|内|at most|of training|of compute|训练)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Found:
    """What one number says, and the part of the text that says it."""

    facts: Facts
    start: int
    end: int


def whole(value: float) -> float | int:
    """The value, as an integer where it is one."""
    return round(value) if abs(value - round(value)) < 1e-9 else round(value, 6)


def _latency(q: Quantity, before: str, after: str) -> tuple[Facts, int] | None:
    match = _MILLISECONDS.match(after)
    if match:
        return {"max_latency_ms": whole(q.value)}, match.end()
    match = _SECONDS.match(after)
    rest = after[match.end() :] if match else ""
    if (
        match
        and (_LATENCY.search(before) or _LATENCY.search(rest))
        and not re.match(r" (?:clips?|long)", rest)
    ):
        return {"max_latency_ms": whole(q.value * 1000)}, match.end()
    return None


def _time(q: Quantity, before: str, after: str) -> tuple[Facts, int] | None:
    match = _TIME.match(after)
    if not match or match["hyphen"]:
        return None
    rest = after[match.end() :]
    if _DATA_HOURS.match(rest) or _DATA_BEFORE.search(before):
        return None
    alone = _ALONE_BEFORE.search(before) and _ALONE_AFTER.match(rest) and not match["minute"]
    if not alone and not (_TRAIN.search(before) or _TRAIN.search(rest) or "内" in rest[:3]):
        return None
    if match["hour"] and q.value > _MOST_HOURS and not _TRAINING.search(before + rest):
        return None  # of audio, most likely
    hours = q.value * (24.0 if match["day"] else 1.0 if match["hour"] else 1 / 60)
    if match["hour"] and "半" in match["hour"]:
        hours += 0.5
    further = _FURTHER.match(rest) if match["hour"] else None
    if further:
        hours += int(further["minutes"]) / 60 if further["minutes"] else 0.5
        return {"train_hours": whole(hours)}, match.end() + further.end()
    return {"train_hours": whole(hours)}, match.end()


def _bytes(q: Quantity, before: str, after: str) -> tuple[Facts, int] | None:
    match = _BYTES.match(after)
    unit = match["unit"] if match else q.scale
    if not re.match(r"g|m|兆", unit) or unit in {"mn", "mio", "mil", "million"}:
        return None
    what, end = (match["what"], match.end("unit")) if match else (after[:14], 0)
    mega = unit.startswith("m") or unit == "兆"
    plain = unit in {"g", "m"}  # 16G显存 and 500M 模型, but not 100M parameters
    value = q.value / 1e6 if not match and unit == "m" else q.value
    size = whole(value / 1000 if mega else value)
    near = re.split(r"[,.;，。；]", before)[-1]
    if _MEMORY.search(what) or _MASKED_BEFORE.search(before) or (not plain and _MEMORY.search(near)):
        return {"device_memory_gb": size}, end
    if plain and not mega and (_MEMORY.search(near) or _MACHINE.search(near)):
        return {"device_memory_gb": size}, end
    if _MODEL.search(before) or _MODEL.search(what):
        return None if plain and mega and "param" in what else ({"max_model_gb": size}, end)
    return _loose_bytes(size, what, before, plain=plain, mega=mega, end=end)


def _loose_bytes(
    size: float, what: str, before: str, *, plain: bool, mega: bool, end: int
) -> tuple[Facts, int] | None:
    """A size that no word beside it explains."""
    if re.match(r" ?(?:of |的)?(?:\w+ )?(?:text|data|corpus|images|语料|数据|文本|日志)", what):
        return None
    if plain:
        return ({"max_model_gb": size}, end) if not mega and _LIMIT_BEFORE.search(before) else None
    return ({"max_model_gb": size} if mega else {"device_memory_gb": size}), end


def _parameters(q: Quantity, before: str, after: str) -> tuple[Facts, int] | None:
    limited = _LIMIT_BEFORE.search(before) or _LIMIT_AFTER.match(after)
    match = _PARAMETERS.match(after)
    named = match or _PARAMETERS_BEFORE.search(before)
    if (named and q.value >= 1e5) or (limited and q.scale in {"b", "bn", "billion"}):
        return {"max_parameters": int(q.value)}, match.end() if match else 0
    return None


def _money(q: Quantity, before: str, after: str) -> tuple[Facts, int] | None:
    sign_before, sign_after = _MONEY_BEFORE.search(before), _MONEY_AFTER.match(after)
    found = sign_before or sign_after
    if not found:
        return None
    end = sign_after.end() if sign_after else 0
    rest, sign, value = after[end:], found["sign"], q.value
    if sign_after and sign_after["tenths"]:  # 两块五
        sign, value = "块", value + "零一二三四五六七八九".index(sign_after["tenths"]) / 10
    currency = next((code for code, signs in _CURRENCY.items() if sign in signs), "CNY")
    hourly = _PER_HOUR.match(rest)
    if hourly or _HOURLY_BEFORE.search(before):
        return {"price_per_hour": whole(value), "currency": currency}, end + (hourly.end() if hourly else 0)
    lead = before[: sign_before.start()] if sign_before else before
    alone = _ALONE_BEFORE.search(lead) and _ALONE_AFTER.match(rest)
    if alone or _BUDGET.search(lead) or _BUDGET_AFTER.match(rest):
        return {"max_price": whole(value), "currency": currency}, end
    return None


_RULES: tuple[Callable[[Quantity, str, str], tuple[Facts, int] | None], ...] = (
    _latency, _parameters, _bytes, _money, _time,
)  # fmt: skip


def read_limit(q: Quantity, before: str, after: str) -> Found | None:
    """What a number says of a limit; None where it says nothing.

    Args:
        q: The number.
        before: Up to `REACH` characters before it; a card's name is masked as `#`.
        after: Up to `REACH` characters after it.
    """
    for rule in _RULES:
        found = rule(q, before, after)
        if found:
            return Found(found[0], q.start, q.end + found[1])
    return None
