"""What the numbers in a description count: examples, classes, the length of a text.

A noun that the lexicon does not know counts examples where the number is large; whether it does, or counts
classes, or what is searched, can depend on the task: `app.task_profile.resolution` decides.
"""

import re
from dataclasses import replace

from app.task_profile.counted import Count, CountedWords, Role, words
from app.task_profile.limits import LIMIT
from app.task_profile.normalise import stem
from app.task_profile.quantities import Quantity
from app.task_profile.resolution import MANY

_WORD = re.compile(r"[a-z][a-z'’/-]*", re.ASCII)
_GAP = re.compile(r"[ -]?", re.ASCII)
_LABELLED = re.compile(
    r"label|annotat|graded|checked|coded|tagged|judge|transcribed|by hand|train|pairs?\b|click|querie"
    r"|标注|标好|标过|标了|打标|人工|训练|对$|点击|日志",
    re.ASCII,
)
_NO_NOUN = re.compile(
    r" ?(?:for (?:the )?(?:training|fine-?tuning)\b|(?:in )?train(?:ing)?\b(?! (?:hours|time))"
    r"|of (?:them|these|those|which)\b|in (?:all|total)\b|altogether\b|(?P<per>(?:per|for each"
    r"|for every|in each|in every) (?:class|categor|label)))",
    re.ASCII,
)
_ATTRIBUTE = re.compile(
    r"[ -](?:page|second|minute|hour|day|week|month|year)[ -](?=[a-z])", re.ASCII
)  # in the singular after a number above one: `40 page reports` are reports, not pages
_UP_TO = re.compile(r"[级档星岁月日年等](?:到|至|~|-)$", re.ASCII)
_ONE_OF = re.compile(
    r"(?<!\d )\b(?:out of|one of|any of|some of|each of|which of|of our|of my|of the|any number of)$",
    re.ASCII,
)
_CLAUSE_START = re.compile(
    r"(?:^|[,.;:，。；：(（]|\b(?:about|around|roughly|~)|约|大概|大约|共)\s*$", re.ASCII
)
_CLAUSE_END = re.compile(r"\s*(?:$|[,.;:，。；：)）!?？！])", re.ASCII)
_YEARS = range(1900, 2100)
_COUNTING = frozenset({"", "k", "w", "万", "千", "thousand"})  # 110M counts parameters as often
_NOT_ALL = re.compile(r"(?:last|first|past|previous|latest|next|最近|每秒|前面?|之前|后面?)\s*$", re.ASCII)
_PARTITION = re.compile(
    r"(?:one of|which of|any of|each of|into|among|between|to one of|out of|list of|choose from|set of"
    r"|vocabulary of|top)"
    r"(?: the| our| my| these| those| following| a| about| roughly| some| list of| fixed)*\s*$"
    r"|(?:分成|分为|属于|归到|归为|归入|分到|分|共|一共|哪|转给|给|选|划分为|映射到|对应到)(?:这|那|了"
    r"|的|以下|大概|约)*$",
    re.ASCII,
)
_WHICH_OF = re.compile(r"(?:which|any) of (?:these|those|the|them|our|my)\s*$", re.ASCII)
_AVERAGE = re.compile(
    r"average|averag|\bavg|\bmean\b|about|around|roughly|\blong\b|length|typical|each|per |apiece"
    r"|approx|maybe|circa|\bca\b|some "
    r"|usually|mostly|run to|~|平均|每[条篇段句个份封张则首]|长度|均长|字数|大约|大概|左右|约|上下|一般|通常",
    re.ASCII,
)
_LENGTH_BEFORE = re.compile(
    r"(?:average|avg|mean|typical)[a-z ]{0,12}length(?: of| is|:| =)?\s*$|(?:平均)?(?:长度|字数|句长"
    r"|文本长)[为是约大在:： ]{0,3}$",
    re.ASCII,
)
_OUTPUT = re.compile(
    r"(?:compress|shorten|cut|condense|summar|boil|write|writes|of up) [^,.;]*$|(?:压|缩|写|概括|总结"
    r"|精简|生成)[^,，。]*$",
    re.ASCII,
)
_LIMITED = re.compile(r"(?:" + LIMIT + r")[^\d,.，。]{0,4}$", re.ASCII)
_LIMITED_AFTER = re.compile(r" ?(?:以内|以下|之内|max\b|at most|or less|tops)", re.ASCII)
_PER_CLASS_BEFORE = re.compile(
    r"(?:各|每类|每个类别|每个类|每[种级档]|各有|各约)别?(?:只|仅|大约|大概|收集?了|标了|采集?了)?[有约]?\s*$|(?:class(?:es)?|categor(?:y|ies)"
    r"|labels?)(?: each)?(?: with| has| have) $|(?:class(?:es)?|categor(?:y|ies)|labels?|类) ?[x×*] ?$",
    re.ASCII,
)
_PER_CLASS_AFTER = re.compile(
    r"[^,.;，。；]{0,24}?\b(?:per|each|in every|for every|for each|of each|of every) (?P<noun>[a-z]+)"
    r"|(?:[一-鿿]{0,6})(?:每类|一类)",
    re.ASCII,
)
_WAY = re.compile(
    r"[ -]?way\b(?! of)|-(?:class|label|category|level|point|topic|intent)\b(?! scale)", re.ASCII
)
_UNIT_AFTER = re.compile(r"[a-z%°:/x×]|[ ]?[%°]|\.\d| ?[x×] ?\d|(?:st|nd|rd|th)\b", re.ASCII)
_HAN_NOTHING = re.compile(
    r" ?(?:年|月|日|号|点|岁|楼|层|倍|次|遍|轮|折|度|米|公里|平|元|块|人|秒|分(?!类|成|为)|天|周|小时"
    r"|分钟|星|版|热线|网|平台)",
    re.ASCII,
)
_HAN_NAMES = re.compile(
    r"种(?:语言|方言(?!分|识)|格式|方法|方式|办法|模型|情况|子)|级(?:医院|标题|联动|公路)|类(?:似|人)"
    r"|对(?:话|象|应|比|照|外|于)|行(?:业|为|动|政)|组(?:织|成)|部(?:门|分)|题(?:材|目名)|单(?:位|词"
    r"|标)|案(?:由|情)",
    re.ASCII,
)


def read_count(q: Quantity, before: str, after: str) -> Count | None:
    """What a number counts; None where it counts nothing that is asked for.

    Args:
        q: The number.
        before: A few words before it.
        after: A few words after it.
    """
    w = words()
    if _LENGTH_BEFORE.search(before) and q.value >= 2 and not q.in_range:
        return Count(Role.LENGTH, q.value, q.start, q.end)
    if re.match(r"-", after) and not _ATTRIBUTE.match(after):
        way = _WAY.match(after)
        return _count(Role.CLASSES, q, way.end(), before, after) if way else _hyphenated(q, before, after, w)
    if _UP_TO.search(before) or (q.value > 1 and _ATTRIBUTE.match(after)):
        return None
    if q.in_range or _NOT_ALL.search(before) or (not q.spelt and q.scale == "" and _UNIT_AFTER.match(after)):
        return None
    found = _han(q, before, after, w) or _english(q, before, after, w) or _named_before(q, before, after, w)
    return found or _alone(q, before, after)


def _alone(q: Quantity, before: str, after: str) -> Count | None:
    """A number without a noun: `one of nine`; `sentiment of tweets, 20k`."""
    ends = _CLAUSE_END.match(after)
    if q.value <= MANY and (_WHICH_OF.search(before) or (ends and _ONE_OF.search(before.rstrip()))):
        return _count(Role.CLASSES, q, 0, before, after)
    many = q.value >= 10 * MANY and int(q.value) not in _YEARS
    if many and ends and not q.spelt and q.scale in _COUNTING and _CLAUSE_START.search(before):
        return _count(Role.THINGS, q, 0, before, after)
    return None


def _is_per_class(before: str, after: str) -> bool:
    if _PER_CLASS_BEFORE.search(before):
        return True
    match = _PER_CLASS_AFTER.match(after)
    return bool(match) and (match["noun"] is None or stem(match["noun"]) in words().classes)  # type: ignore[index]


def _count(role: Role, q: Quantity, length: int, before: str, after: str) -> Count:
    if role is Role.EXAMPLES and _is_per_class(before, after):
        role = Role.PER_CLASS
    return Count(
        role,
        q.value,
        q.start,
        q.end + length,
        labelled=bool(_LABELLED.search(_clause(after[: length + 24])) or _LABELLED.search(before[-10:])),
        searched=bool(words().searched_before.search(before)),
        partition=bool(_PARTITION.search(before)),
    )


def _clause(after: str) -> str:
    return re.split(r"[,.;，。；(（]", after, maxsplit=1)[0]


def _hyphenated(q: Quantity, before: str, after: str, w: CountedWords) -> Count | None:
    match = re.match(r"-([a-z]+)", after)
    word = stem(match[1]) if match else ""
    if match and word in w.length and _AVERAGE.search(before[-20:] + after[:24]):
        return Count(Role.LENGTH, q.value, q.start, q.end + match.end())
    return None


def _length(q: Quantity, before: str, after: str, end: int) -> Count | None:
    near = before[-24:] + " " + after[end : end + 14]
    limited = _LIMITED.search(before) or _LIMITED_AFTER.match(after[end:])
    if q.value < 2 or limited or _OUTPUT.search(before) or not _AVERAGE.search(near):
        return None
    return Count(Role.LENGTH, q.value, q.start, q.end + end)


def _han(q: Quantity, before: str, after: str, w: CountedWords) -> Count | None:
    if match := w.length_han.match(after):
        return _length(q, before, after, match.end())
    if _HAN_NOTHING.match(after) or _HAN_NAMES.match(after):
        return None
    for pattern, role in ((w.classes_han, Role.CLASSES), (w.examples_han, Role.EXAMPLES)):
        if match := pattern.match(after):
            return _count(role, q, match.end(), before, after)
    if match := w.pieces_han.match(after):
        if w.classes_before.search(before):
            return _count(Role.CLASSES, q, match.start("noun"), before, after)
        return _count(Role.PIECES, q, match.start("noun"), before, after)
    return None


def _english(q: Quantity, before: str, after: str, w: CountedWords) -> Count | None:
    if alone := _NO_NOUN.match(after):
        role = Role.EXAMPLES if q.value >= 10 and (q.value >= MANY or alone["per"]) else Role.THINGS
        return _count(Role.PER_CLASS if alone["per"] else role, q, alone.end(), before, after)
    gap = _GAP.match(after)
    position = gap.end() if gap else 0
    noun_end, role, last = 0, Role.THINGS, ""
    for _ in range(5):
        match = _WORD.match(after, position)
        if not match or match[0] in w.stop:
            break
        last, noun_end = stem(match[0]), match.end()
        if last in w.nothing and not _is_modifier(after, match, w):
            return None
        if (role := _noun_role(last, w)) is not Role.THINGS and not _is_modifier(after, match, w):
            break
        position = match.end() + 1
        if after[match.end() : match.end() + 1] != " ":
            break
    if not noun_end:
        return None
    if role is Role.LENGTH:
        return _length(q, before, after, noun_end)
    return replace(_count(role, q, noun_end, before, after), noun=last)


def _noun_role(word: str, w: CountedWords) -> Role:
    if word in w.length:
        return Role.LENGTH
    if word in w.classes:
        return Role.CLASSES
    return Role.EXAMPLES if word in w.examples else Role.THINGS


def _is_modifier(after: str, match: re.Match[str], w: CountedWords) -> bool:
    """Whether a further noun follows, so that this one only describes it: `bug report categories`."""
    if match[0].endswith("s") and not match[0].endswith("ss"):
        return False
    following = _WORD.match(after, match.end() + 1) if after[match.end() : match.end() + 1] in " -" else None
    if not following or following[0] in w.stop:
        return False
    word = stem(following[0])
    return word in w.classes or word in w.examples or following[0].endswith("s")


def _named_before(q: Quantity, before: str, after: str, w: CountedWords) -> Count | None:
    if w.classes_before.search(before):
        return _count(Role.CLASSES, q, 0, before, after)
    named = w.examples_before.search(before)
    if q.value >= 10 and named and (q.value >= MANY or named["plainly"]) and _CLAUSE_END.match(after):
        return _count(Role.EXAMPLES, q, 0, before, after)
    return None
