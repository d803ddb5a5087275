"""What the numbers in a description count: examples, classes, the length of a text.

A noun that the lexicon does not know counts examples where the number is large; whether it does, or counts
classes, or what is searched, can depend on the task: `resolve_counts` decides when the task type is known.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from app.task_profile.lexicon import counted_words
from app.task_profile.limits import LIMIT, Facts, whole
from app.task_profile.normalise import stem
from app.task_profile.quantities import Quantity
from models_registry.vocabulary import TaskType


class Role(Enum):
    """What a number counts."""

    LENGTH = auto()
    CLASSES = auto()
    EXAMPLES = auto()
    PER_CLASS = auto()
    PIECES = auto()  # 个, 位, 家: examples or classes
    THINGS = auto()  # an English noun that is not known: examples if many


@dataclass(frozen=True, slots=True)
class Count:
    """A number with what it counts.

    Attributes:
        role: What it counts.
        value: The number.
        start: First character.
        end: Character after the noun.
        labelled: Whether the words say that these are labelled.
        searched: Whether the words say that these are what is searched.
        partition: Whether one of so many is to be chosen.
    """

    role: Role
    value: float
    start: int
    end: int
    labelled: bool = False
    searched: bool = False
    partition: bool = False


MANY = 50
"""From this number on, things of an unknown name are taken for examples."""
_FEW_CLASSES, _MOST_CLASSES = 2, 100_000
_MOST_PIECES = 5000
_SEARCHING = frozenset({TaskType.TEXT_RETRIEVAL, TaskType.IMAGE_TEXT_RETRIEVAL})
_LABELLING = frozenset(
    {
        TaskType.TEXT_CLASSIFICATION, TaskType.MULTI_LABEL_CLASSIFICATION, TaskType.TEXT_PAIR_CLASSIFICATION,
        TaskType.TOKEN_CLASSIFICATION, TaskType.RELATION_EXTRACTION, TaskType.IMAGE_CLASSIFICATION,
        TaskType.OBJECT_DETECTION, TaskType.IMAGE_SEGMENTATION, TaskType.VIDEO_CLASSIFICATION,
        TaskType.AUDIO_CLASSIFICATION, TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION,
    }
)  # fmt: skip
_UNLABELLED = frozenset({TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION})

_WORD = re.compile(r"[a-z][a-z'’/-]*", re.ASCII)
_GAP = re.compile(r"[ -]?", re.ASCII)
_LABELLED = re.compile(
    r"label|annotat|graded|checked|coded|tagged|judge|transcribed|by hand|train|pairs?\b|click|querie"
    r"|标注|标好|标过|标了|打标|人工|训练|对$|点击|日志",
    re.ASCII,
)
_NO_NOUN = re.compile(
    r" (?:of (?:them|these|those|which)\b|in (?:all|total)\b|altogether\b|(?P<per>(?:per|for each"
    r"|for every|in each|in every) (?:class|categor|label)))",
    re.ASCII,
)
_NOT_ALL = re.compile(r"(?:last|first|past|previous|latest|next|最近|前面?|之前|后面?)\s*$", re.ASCII)
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
    r"(?:各|每类|每个类别|每个类|每种|各有|各约)[有约]?\s*$|(?:class(?:es)?|categor(?:y|ies)"
    r"|labels?)(?: each)?(?: with| has| have) $",
    re.ASCII,
)
_PER_CLASS_AFTER = re.compile(
    r"[^,.;，。；]{0,24}?(?:per|each|in every|for every|for each) (?:class|category|label)"
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


@dataclass(frozen=True, slots=True)
class CountedWords:
    """The lexicon's nouns and measure words, as patterns."""

    stop: frozenset[str]
    classes: frozenset[str]
    examples: frozenset[str]
    length: frozenset[str]
    nothing: frozenset[str]
    length_han: re.Pattern[str]
    classes_han: re.Pattern[str]
    examples_han: re.Pattern[str]
    pieces_han: re.Pattern[str]
    classes_before: re.Pattern[str]
    examples_before: re.Pattern[str]
    searched_before: re.Pattern[str]


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


@lru_cache(maxsize=1)
def _words() -> CountedWords:
    w = counted_words()
    many, between = " ?(?:多|余|来)?", "(?:不同的?|细)?"
    return CountedWords(
        stop=frozenset(w["stop"]["en"]),
        classes=frozenset(stem(word) for word in w["classes"]["en"]),
        examples=frozenset(stem(word) for word in w["examples"]["en"]),
        length=frozenset(stem(word) for word in w["length"]["en"]),
        nothing=frozenset(stem(word) for word in w["nothing"]["en"]),
        length_han=re.compile(f" ?(?:{_any(w['length']['zh'])})(?!段|典|条|幕|体)", re.ASCII),
        classes_han=re.compile(
            f"{many}(?:[{w['classes']['measures']}]|(?:个|大|小)?{between}(?:{_any(w['classes']['zh'])}))(?:别)?",
            re.ASCII,
        ),
        examples_han=re.compile(
            f"{many}(?:[{w['examples']['measures']}]|个?{between}(?:[一-鿿]{{0,3}}?)(?:{_any(w['examples']['zh'])}))",
            re.ASCII,
        ),
        pieces_han=re.compile(f"{many}[个位家只名项款辆台间户座瓶](?P<noun>[一-鿿]{{0,6}})", re.ASCII),
        classes_before=re.compile(
            f"(?:{_any(w['classes']['before_zh'])})(?:名)?(?:数|数量)?(?:[:：=为是有共约]|一共|总共)*\\s*$"
            r"|(?:n_classes|classes|categories|labels)\s?[:=]\s*$",
            re.ASCII,
        ),
        examples_before=re.compile(
            f"\\b(?:{_any(w['examples']['before_en'])})\\s?(?:of|has|size|is|about|[:=：(])*\\s*$"
            f"|(?:{_any(w['examples']['before_zh'])})(?:[:：=（(为是有约大概共了]|一共|总共)*\\s*$",
            re.ASCII,
        ),
        searched_before=re.compile(
            f"(?:{_any(w['collection']['zh'])})[一-鿿]{{0,2}}$|\\b(?:{_any(w['collection']['en'])})"
            r"(?: (?:our|my|the|a|an|all|about|roughly|some|these|those))*\s*$",
            re.ASCII,
        ),
    )


def read_count(q: Quantity, before: str, after: str) -> Count | None:
    """What a number counts; None where it counts nothing that is asked for.

    Args:
        q: The number.
        before: A few words before it.
        after: A few words after it.
    """
    w = _words()
    if _LENGTH_BEFORE.search(before) and q.value >= 2 and not q.in_range:
        return Count(Role.LENGTH, q.value, q.start, q.end)
    if re.match(r"-", after):
        way = _WAY.match(after)
        return _count(Role.CLASSES, q, way.end(), before, after) if way else _hyphenated(q, before, after, w)
    if q.in_range or _NOT_ALL.search(before) or (not q.spelt and q.scale == "" and _UNIT_AFTER.match(after)):
        return None
    found = _han(q, before, after, w) or _english(q, before, after, w) or _named_before(q, before, after, w)
    if found is None and q.value <= MANY and _WHICH_OF.search(before):
        return _count(Role.CLASSES, q, 0, before, after)
    return found


def _count(role: Role, q: Quantity, length: int, before: str, after: str) -> Count:
    if role is Role.EXAMPLES and (_PER_CLASS_BEFORE.search(before) or _PER_CLASS_AFTER.match(after)):
        role = Role.PER_CLASS
    return Count(
        role,
        q.value,
        q.start,
        q.end + length,
        labelled=bool(_LABELLED.search(_clause(after[: length + 24])) or _LABELLED.search(before[-10:])),
        searched=bool(_words().searched_before.search(before)),
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
        return _count(role, q, alone.end(), before, after)
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
    return _count(role, q, noun_end, before, after)


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
    if q.value >= 10 and w.examples_before.search(before):
        return _count(Role.EXAMPLES, q, 0, before, after)
    return None


def resolve_counts(counts: list[Count], task_type: TaskType | None) -> Facts:
    """Number of examples, of classes and mean length, under a task type; None where it is not known."""
    facts: Facts = {}
    lengths = [c for c in counts if c.role is Role.LENGTH]
    classes = [c for c in counts if _counts_classes(c, task_type)]
    examples = [c for c in counts if c not in classes and _counts_examples(c, task_type)]
    per_class = [c for c in counts if c.role is Role.PER_CLASS]
    if lengths:
        facts["mean_length"] = whole(lengths[0].value)
    if classes:
        facts["n_classes"] = int(classes[0].value)
    if examples:
        best = next((c for c in examples if c.labelled), examples[0])
        facts["n_examples"] = int(best.value)
    elif per_class and classes:
        facts["n_examples"] = int(per_class[0].value) * int(classes[0].value)
    return facts


def _counts_classes(c: Count, task_type: TaskType | None) -> bool:
    if not _FEW_CLASSES <= c.value <= _MOST_CLASSES or c.value != int(c.value):
        return False
    labelling = task_type is None or task_type in _LABELLING
    if c.role is Role.CLASSES:
        return labelling or not c.searched
    if c.role is Role.PIECES:
        return labelling and c.value <= _MOST_PIECES
    return c.role is Role.THINGS and labelling and c.partition and c.value < 10 * MANY


def _counts_examples(c: Count, task_type: TaskType | None) -> bool:
    if c.value != int(c.value) or task_type in _UNLABELLED:
        return False
    if (c.searched or task_type in _SEARCHING) and not c.labelled:
        return False
    if c.role is Role.EXAMPLES:
        return c.value >= 10
    return c.role in {Role.THINGS, Role.PIECES} and c.value >= MANY
