"""What the numbers in a description say: sizes of the data, and limits of time, memory and money.

Each number is judged by the few characters around it; the rules are tried in order and the first that
fits takes the number. Nothing here looks further than `_REACH` characters, so reading stays linear.
"""

import re
from collections.abc import Callable

from app.task_profile.hardware import Hardware
from app.task_profile.quantities import Quantity, find_quantities

Facts = dict[str, float | int | str | bool]
_REACH = 32
_LIMIT = (
    r"under|below|less than|fewer than|smaller than|at most|no more than|max(?:imum)?(?: of)?"
    r"|up to|within|<=?|≤|不超过|不大于|小于|少于|低于|最多|不到|以内|限"
)
_LATENCY = re.compile(
    r"latenc|respon|inference|per (?:request|query|item|call)|real[- ]?time|answer time|延迟"
    r"|时延|响应|推理|耗时|每次|单次|实时"
)
_MODEL = re.compile(r"model|weights|checkpoint|on disk|模型|权重|体积")
_MEMORY = re.compile(r"\b(?:v?ram|memory|gpu|card)\b|显存|内存|显卡")
_CARD_BEFORE = re.compile(r"#\s*$")  # a card's name, masked
_PER_CLASS_BEFORE = re.compile(r"(?:各|每类|每个类别|每种|各有|各约)[有约]?\s*$")
_PER_CLASS_AFTER = re.compile(r"[^,.;，。；]{0,24}?(?:per|each|in every) (?:class|category|label)")
_DATA_HOURS = re.compile(
    r"\s*(?:of |的)?\s*(?:\w+ )?(?:speech|audio|recording|sound|video|voice|footage|talk"
    r"|data\b|calls|语音|录音|音频|视频|数据)"
)
_DATA_BEFORE = re.compile(r"(?:语音|录音|音频|视频|数据|总长|时长|recordings?|audio)[约共有:： ]*$")
_MONEY_BEFORE = re.compile(r"(?P<sign>us\$|\$|¥|￥|€|£|usd|eur|rmb|cny|人民币)\s*$")
_MONEY_AFTER = re.compile(
    r"\s*(?P<sign>dollars?|bucks?|usd|us\$|\$|美元|美金|刀|euros?|eur|€|欧元|pounds?|£|rmb|cny"
    r"|yuan|人民币|元|块钱?(?!\s*(?:t4|显卡|gpu|卡)))"
)
_BUDGET = re.compile(
    r"budget|spend|cost|price cap|pay|afford|for (?:just )?$|only|" + _LIMIT + r"|预算|花|成本|只有|费用"
)
_BUDGET_AFTER = re.compile(
    r"[^,.;，。；]{0,8}(?:budget|or less|max|at most|以内|以下|之内|预算|封顶|左右的预算)"
)
_PER_HOUR = re.compile(r"\s*(?:/|per |an |a |每)\s*(?:h\b|hr\b|hour|小时)|\s*一小时")
_CURRENCY = {
    "USD": {"us$", "$", "usd", "dollar", "dollars", "buck", "bucks", "美元", "美金", "刀"},
    "EUR": {"€", "eur", "euro", "euros", "欧元"},
    "GBP": {"£", "pound", "pounds"},
}  # everything else that the patterns know is Chinese currency
_AVERAGE = re.compile(
    r"average|averag|avg|mean\b|about|around|roughly|long|length|typical|each|per "
    r"|approximately|~|平均|每[条篇段句个份]|长度|均长|字数|大约|约"
)
_LENGTH = re.compile(
    r"[ -]?(?:words?|tokens?|characters?|chars?)\b|\s*(?:个)?(?:字(?!段|典)|词(?!条|典)|字符|汉字|tokens?)"
)
_LENGTH_BEFORE = re.compile(
    r"(?:average|avg|mean|typical)[a-z ]{0,12}length(?: of| is|:| =)?\s*$|(?:平均)?(?:长度"
    r"|字数|句长|文本长)[为是约大:： ]{0,3}$"
)
_CLASS_NOUN = (
    r"class(?:es)?|categor(?:y|ies)|labels?|intents?|types?|topics?|kinds?|groups?|commands?"
    r"|keywords?|breeds?|species|genres?|emotions?|"
    r"departments?|subject areas?|areas|sentiments?|tags|entity types|varieties|grades?"
    r"|levels?|languages to tell apart|buckets|styles|diagnoses|diseases"
)
_CLASSES = re.compile(
    r"(?:[ -]way\b|[ -]class\b|[ -](?:(?!(?:images?|sentences?|examples?|texts?|in|of|with|for"
    r"|and|the)\b)[a-z-]+ ){0,2}(?:" + _CLASS_NOUN + r")\b)"
    r"|\s*(?:个|种|大|级)?(?:不同的?|细?)?(?:分类|类别|类(?!似)|标签|意图|种类|品种|部门|等级"
    r"|级别|主题|情绪|情感|档|实体类型|类型|栏目|学科|流派|罪名|类目)"
    r"|\s*种(?!子)"
)
_CLASSES_BEFORE = re.compile(
    r"(?:(?:n_classes|classes|categories|labels|类别)\s*(?:[:=：]|为|是|有)|(?:类别数|标签数"
    r"|分类数|类别数量)[:=：为是有]?)\s*$"
)
_DATA_NOUN = (
    r"examples?|samples?|rows?|records?|instances?|items?|pairs?|sentences?|documents?|docs"
    r"|texts?|reviews?|tweets?|posts?|comments?|"
    r"messages?|emails?|tickets?|articles?|papers?|abstracts?|notes|summaries|questions?"
    r"|queries|utterances?|dialogues?|conversations?|"
    r"images?|photos?|pictures?|scans|slices|pics|frames|videos?|clips?|recordings?|files?"
    r"|songs?|tracks|users|sessions|interactions|"
    r"contracts?|headlines?|stories|paragraphs?|passages?|products?|titles?|complaints?"
    r"|essays?|datapoints|data points|points|entries|"
    r"annotations|labell?ed|annotated|training|train|lines|reports?|captions?|transcripts?|x-rays?"
    r"|resumes?|cvs|snippets|functions|issues|cases"
)
_EXAMPLES = re.compile(
    r"[ -]?(?:(?!(?:in|of|with|for|and|the|per|each)\b)[a-z-]+ ){0,3}(?:" + _DATA_NOUN + r")\b"
    r"|\s*(?:多|余|来)?(?:条|张|篇|份|对|句|个?样本|例|幅|行|段|则|首|组|个?视频|个?文档"
    r"|个?句子|个?图片|个?对话|封|通|件|个?用户|套|本|道|个?问题|个?音频|个?文件|笔)(?!话)"
)
_EXAMPLES_BEFORE = re.compile(
    r"(?:dataset|data set|corpus|training set|(?<![a-z])n|n_examples|样本量|数据量|训练集"
    r"|样本数)\s*(?:of|has|size|[:=：]|为|是|有|约|大概|about)\s*$"
)
_COUNTED_BEFORE = re.compile(
    r"\b(?:pairs|examples|samples|rows|sentences|images|数据|样本|语料)\s?[:：=(（]?\s*$"
)
_PARAMETERS = re.compile(r"\s*(?:m|b)?[ -]*(?:parameters?|params?|weights\b)|\s*(?:的)?(?:个)?参数")
_PARAMETERS_BEFORE = re.compile(r"(?:param(?:eter)?s?|参数(?:量|数|规模)?)[^\d,，。]{0,14}$")
_LIMIT_BEFORE = re.compile(r"(?:" + _LIMIT + r")[^\d,.，。]{0,6}$")
_MILLISECONDS = re.compile(r"[ -]?(?:ms\b|msec|milliseconds?)|\s*毫秒")
_SECONDS = re.compile(r"[ -]?(?:s|sec|secs|seconds?)\b|\s*秒")
_BYTES = re.compile(r"\s?(?P<unit>gib|gb|g|mib|mb|m|t?b)(?![a-z])(?P<what>[^,.;，。；]{0,14})")
_TIME = re.compile(
    r"(?P<hyphen>-)?\s?(?:an? )?(?:(?P<day>days?\b|天)|(?P<hour>h\b|hrs?\b|hours?\b"
    r"|个?(?:半)?小时|个?钟头)|(?P<minute>min\b|mins\b|minutes?\b|分钟))"
)
_TRAIN = re.compile(
    r"train|budget|fine-?tun|\bfor\b|within|compute|gpu|" + _LIMIT + r"|训练|微调|预算|时间|算力"
)
_APPROXIMATE = re.compile(r"[第几数上]$")


def _context(text: str, q: Quantity) -> tuple[str, str]:
    return text[max(0, q.start - _REACH) : q.start], text[q.end : q.end + _REACH]


def _whole(value: float) -> float | int:
    return round(value) if abs(value - round(value)) < 1e-9 else round(value, 6)


def _latency(q: Quantity, before: str, after: str) -> Facts:
    if _MILLISECONDS.match(after):
        return {"max_latency_ms": _whole(q.value)}
    if _SECONDS.match(after) and (_LATENCY.search(before) or _LATENCY.search(after)):
        return {"max_latency_ms": _whole(q.value * 1000)}
    return {}


def _time(q: Quantity, before: str, after: str) -> Facts:
    match = _TIME.match(after)
    if not match or match["hyphen"]:
        return {}
    rest = after[match.end() :]
    if _DATA_HOURS.match(rest) or _DATA_BEFORE.search(before):
        return {}
    if not match["hour"] and not (_TRAIN.search(before) or _TRAIN.search(rest) or "内" in rest[:3]):
        return {}
    hours = q.value * (24.0 if match["day"] else 1.0 if match["hour"] else 1 / 60)
    if match["hour"] and "半" in match["hour"]:
        hours += 0.5
    return {"train_hours": _whole(hours)}


def _bytes(q: Quantity, before: str, after: str) -> Facts:
    match = _BYTES.match(after)
    unit = match["unit"] if match else q.scale
    if unit not in {"gb", "gib", "g", "mb", "mib", "m"}:
        return {}
    what = match["what"] if match else after[:14]
    plain = unit in {"g", "m"}  # 16G显存 and 500M 模型, but not 100M parameters
    value = q.value / 1e6 if not match and unit == "m" else q.value
    gigabytes = _whole(value / 1000 if unit.startswith("m") else value)
    if _MEMORY.search(what) or _CARD_BEFORE.search(before) or (not plain and _MEMORY.search(before)):
        return {"device_memory_gb": gigabytes}
    if _MODEL.search(before) or _MODEL.search(what):
        return {} if plain and unit == "m" and "param" in what else {"max_model_gb": gigabytes}
    if plain or re.match(r"\s*(?:of |的)?(?:\w+ )?(?:text|data|corpus|images|语料|数据|文本)", what):
        return {"device_memory_gb": gigabytes} if unit == "g" and _MEMORY.search(before) else {}
    return {"device_memory_gb": gigabytes} if unit.startswith("g") else {"max_model_gb": gigabytes}


def _parameters(q: Quantity, before: str, after: str) -> Facts:
    limited = _LIMIT_BEFORE.search(before) or re.match(
        r"[^,，。]{0,10}(?:以内|以下|之内|or less|or fewer|max)", after
    )
    named = _PARAMETERS.match(after) or _PARAMETERS_BEFORE.search(before)
    if (named and q.value >= 1e5) or (limited and q.scale == "b"):
        return {"max_parameters": int(q.value)}
    return {}


def _money(q: Quantity, before: str, after: str) -> Facts:
    sign_before, sign_after = _MONEY_BEFORE.search(before), _MONEY_AFTER.match(after)
    found = sign_before or sign_after
    if not found:
        return {}
    rest = after[sign_after.end() :] if sign_after else after
    sign = found["sign"]
    currency = next((code for code, signs in _CURRENCY.items() if sign in signs), "CNY")
    if _PER_HOUR.match(rest):
        return {"price_per_hour": _whole(q.value), "currency": currency}
    lead = before[: sign_before.start()] if sign_before else before
    if _BUDGET.search(lead) or _BUDGET_AFTER.match(rest):
        return {"max_price": _whole(q.value), "currency": currency}
    return {}


def _length(q: Quantity, before: str, after: str) -> Facts:
    if _LENGTH_BEFORE.search(before) and q.value >= 2:
        return {"mean_length": _whole(q.value)}
    match = _LENGTH.match(after)
    near = before[-20:] + after[match.end() : match.end() + 12] if match else ""
    if match and q.value >= 2 and (_AVERAGE.search(near) or after[:1] == "-"):
        return {"mean_length": _whole(q.value)}
    return {}


def _classes(q: Quantity, before: str, after: str) -> Facts:
    if q.scale in {"k", "m", "b", "w"} or not 2 <= q.value <= 100_000 or q.value != int(q.value):
        return {}
    if _CLASSES.match(after) or _CLASSES_BEFORE.search(before):
        return {"n_classes": int(q.value)}
    return {}


def _examples(q: Quantity, before: str, after: str) -> Facts:
    if q.value < 10 or q.value != int(q.value):
        return {}
    counted = q.scale in {"k", "m", "万"} and _COUNTED_BEFORE.search(before)
    if counted or _EXAMPLES.match(after) or _EXAMPLES_BEFORE.search(before):
        per_class = _PER_CLASS_BEFORE.search(before) or _PER_CLASS_AFTER.match(after)
        return {"n_per_class" if per_class else "n_examples": int(q.value)}
    return {}


_RULES: tuple[Callable[[Quantity, str, str], Facts], ...] = (
    _latency, _parameters, _bytes, _time, _money, _length, _classes, _examples,
)  # fmt: skip
_BINARY = re.compile(
    r"\bbinary\b|\btwo[- ]way\b|二分类|二元分类|正面还是负面|\bpositive (?:or|and|vs\.?"
    r"|/) ?negative\b(?!,)|\bpositive/negative\b"
)
_TERNARY = re.compile(
    r"\bpositive, ?(?:negative|neutral),? (?:or|and) (?:neutral|negative)\b|正面、?负面[、和或还是]{1,2}中性"
)


def read_numbers(folded: str, hardware: Hardware) -> Facts:
    """What the numbers of a folded text say; of two that say the same, the first holds."""
    facts: Facts = {}
    if hardware.span:  # the 4 of T4 and the 100 of A100 count nothing
        start, end = hardware.span
        folded = folded[:start] + "#" * (end - start) + folded[end:]
    for quantity in find_quantities(folded):
        before, after = _context(folded, quantity)
        if _APPROXIMATE.search(before):
            continue
        for rule in _RULES:
            found = rule(quantity, before, after)
            if found:
                facts = found | facts
                break
    return _completed(facts, folded)


def _completed(facts: Facts, folded: str) -> Facts:
    """The facts with the number of classes that the labels' names imply, and per-class counts summed."""
    if "n_classes" not in facts and _TERNARY.search(folded):
        facts["n_classes"] = 3
    elif "n_classes" not in facts and _BINARY.search(folded):
        facts["n_classes"] = 2
    per_class = facts.pop("n_per_class", None)
    if per_class is not None and "n_classes" in facts and "n_examples" not in facts:
        facts["n_examples"] = int(per_class) * int(facts["n_classes"])
    return facts
