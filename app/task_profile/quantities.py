"""Numbers as people write them in English and Chinese: `6,200`, `20k`, `1.2万`, `三千`, `half a million`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ENGLISH = {
    word: float(value)
    for value, words in {
        0.5: "half", 1: "one single a an", 2: "two both couple", 3: "three", 4: "four", 5: "five", 6: "six",
        7: "seven", 8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve dozen", 15: "fifteen",
        20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty",
        90: "ninety",
    }.items()
    for word in words.split()
}  # fmt: skip
_SCALES = {
    "k": 1e3, "thousand": 1e3, "hundred": 1e2, "m": 1e6, "mn": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9,
    "billion": 1e9, "百": 1e2, "千": 1e3, "万": 1e4, "w": 1e4, "十万": 1e5,
    "百万": 1e6, "千万": 1e7, "亿": 1e8,
}  # fmt: skip
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
_WORDS = "|".join(sorted(_ENGLISH, key=len, reverse=True))
_QUANTITY = re.compile(
    r"(?<![a-z0-9_.])(?:(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)|[1-9]\d{0,2}(?: \d{3})+(?![\d.,])"
    r"|\d{1,15}(?:\.\d{1,9})?)"
    r"|(?P<word>(?:" + _WORDS + r")(?:[ -](?:a|an|one|two|three|four|five|six|seven|eight|nine))?)\b)"
    r"(?P<scale>[ -]?(?:thousand|hundred|million|billion|mn|bn)\b|[ ]?[kmbw](?![a-z0-9])"
    r"|[ ]?(?:十万|百万|千万|[百千万亿]))?"
    r"|(?P<han>[零〇一二两俩三四五六七八九十百千万亿]{1,12}|半)(?P<point>半)?",
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the text.

    Attributes:
        value: The number, its scale multiplied in.
        start: First character.
        end: Character after the last.
        scale: Written scale, lower case; empty where there is none.
        spelt: Whether it is written in English words.
    """

    value: float
    start: int
    end: int
    scale: str
    spelt: bool


def han_number(numeral: str) -> float:
    """The value of a Chinese numeral: 三千 is 3000, 十二 is 12, 两万五 is 25000, 半 is 0.5."""
    if numeral == "半":
        return 0.5
    total, section, digit, last_unit = 0, 0, 0, 1
    for character in numeral:
        if character in _DIGITS:
            digit = _DIGITS[character]
            if character in "零〇":
                last_unit = 10  # 一千零五 is 1005, not 1500
        elif character in _UNITS:
            section += max(digit, 1) * _UNITS[character]
            digit, last_unit = 0, _UNITS[character]
        else:
            myriad = _MYRIADS[character]
            group = section + digit
            if myriad > 10_000:  # 两万亿: the myriads before 亿 count it
                total = max(total + group, 1) * myriad
            else:
                total += max(group, 1) * myriad
            section, digit, last_unit = 0, 0, myriad
    # a digit left over counts tenths of the unit before it: 两万五 is 25000
    return float(total + section + digit * max(1, last_unit // 10))


def _english_number(words: str) -> float:
    first, _, second = words.replace("-", " ").partition(" ")
    value = _ENGLISH[first]
    if not second or second in {"a", "an"}:
        return value
    return value + _ENGLISH[second] if value >= 20 else _ENGLISH[second]


def _digits_value(match: re.Match[str]) -> float:
    written = match["digits"]
    value = float(written.replace(",", "").replace(" ", "")) if written else _english_number(match["word"])
    return value * _SCALES.get((match["scale"] or "").strip(" -"), 1.0)


def find_quantities(folded: str) -> Iterator[Quantity]:
    """The numbers in a folded text, from left to right."""
    for match in _QUANTITY.finditer(folded):
        if match["han"]:
            value = han_number(match["han"]) + (0.5 if match["point"] else 0.0)
            yield Quantity(value, match.start(), match.end(), "", spelt=False)
        else:
            scale = (match["scale"] or "").strip(" -")
            yield Quantity(_digits_value(match), match.start(), match.end(), scale, bool(match["word"]))
