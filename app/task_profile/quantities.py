"""Numbers as people write them: `6,200`, `20k`, `1.2万`, `2万3千`, `twenty-five thousand`."""

import re
from dataclasses import dataclass

_ENGLISH = {
    word: float(value)
    for value, words in {
        0.25: "quarter", 0.5: "half", 1: "one single a an", 2: "two couple", 3: "three", 4: "four", 5: "five",
        6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve dozen",
        13: "thirteen", 14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen",
        18: "eighteen", 19: "nineteen", 20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty",
        70: "seventy", 80: "eighty", 90: "ninety", 100: "hundred", 1000: "thousand", 1_000_000: "million",
        1_000_000_000: "billion",
    }.items()
    for word in words.split()
}  # fmt: skip
_SCALES = {
    "k": 1e3, "w": 1e4, "m": 1e6, "mn": 1e6, "mio": 1e6, "mil": 1e6, "lakh": 1e5, "b": 1e9, "bn": 1e9,
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9,
}  # fmt: skip
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10_000, "亿": 100_000_000}
_NUMERAL = r"\d{1,15}(?:\.\d{1,9})?"
_GROUPED = (  # 6,200  6'200  12.500 reviews  6 200
    r"\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:['’]\d{3})+(?!\d)"
    r"|(?P<dotted>[1-9]\d{0,2}(?:(?:\.\d{3}){2,}|\.\d{2}0))(?= [a-z])"
    r"|[1-9]\d{0,2}(?: \d{3})+(?![\d.,])"
)
_POWER = r"\d(?:\.\d)?e[2-9](?![a-z0-9])|10\^[2-9]"  # 2e5  10^6
_WITH_COMMA = r"\d{1,3},\d{1,2}(?= ?(?:[kw万千]|thousand|million|mio))"  # 12,5k
_DECIMAL_COMMA = re.compile(r"\d{1,3},\d{1,2}")
_WORD = "|".join(sorted(_ENGLISH.keys() - {"a", "an"}, key=len, reverse=True))
_QUANTITY = re.compile(
    r"(?<![a-z0-9_.@])(?:(?<![a-z]-)|(?<=sub-))(?:"
    r"(?P<mixed>"
    + _NUMERAL
    + r" ?(?:[多余来几](?=[万亿]))?[十百千万亿]{1,2}(?:\d{1,4}[十百千])?(?:\d(?![\d.a-z]))?\+?)"
    r"|(?P<digits>" + _GROUPED + "|" + _POWER + "|" + _WITH_COMMA + "|" + _NUMERAL + r")"
    r"(?P<scale>[ -]?(?:thousand|hundred|million|billion|mio|mil|mn|bn|lakh)\b|[ ]?[kmbw](?![a-z0-9'’]))?"
    r"(?:\+(?!\d))?"
    r"|(?<!few )(?<!several )(?P<words>(?:" + _WORD + r"|an?(?= (?:(?:full|whole) )?(?:hour|day)\b))\b"
    r"(?:(?:[ -]| and | an? | and an? |(?<=couple) of | of an? (?=million|thousand|hundred))(?:"
    + _WORD
    + r")\b){0,6}))"
    r"|(?<![第几上])(?<![有好约了,，。、 ]数)(?P<han>[零〇一二两俩三四五六七八九十百千万亿]{1,12}"
    r"(?:[多余来几](?=[万亿])[万亿])?"
    r"|半)(?P<half>半)?(?!几)"
)
_RANGE = re.compile(r" ?(?:-|–|—|~|〜|to|through|or|到|至|或) ?-?")
_BETWEEN = re.compile(r"between -?$")
_APPROXIMATE = re.compile(r"[一二两三四五六七八九]{2}")  # 三五句, 七八百: about so many


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the text.

    Attributes:
        value: The number, its scale multiplied in.
        start: First character.
        end: Character after the last.
        scale: Written scale of a numeral (`k`, `m`, `万`), lower case; empty where there is none.
        spelt: Whether it is written in English words.
        in_range: Whether it is the beginning or the end of a range, or only about right: `0 to 5`, 三五.
    """

    value: float
    start: int
    end: int
    scale: str = ""
    spelt: bool = False
    in_range: bool = False


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


def english_number(words: str) -> float:
    """The value of English number words: `twenty-five thousand`, `a couple of hundred`, `one and a half`."""
    total = section = 0.0
    found = [w for w in re.split(r"[ -]", words) if w in _ENGLISH]
    for position, word in enumerate(found):
        value = _ENGLISH[word]
        if word in {"a", "an"} and len(found) > 1:
            continue
        if value == 100:
            section = (section or 1.0) * 100.0
        elif value >= 1000:
            total, section = total + (section or 1.0) * value, 0.0
        elif word == "dozen" and position:
            section = (section or 1.0) * 12.0
        else:
            section += value
    return total + section


def _mixed_number(written: str) -> float:
    total, unit = 0.0, 1.0
    for number, units in re.findall(r"(\d+(?:\.\d+)?) ?[多余来几]?([十百千万亿]*)", written):
        # a digit left over counts tenths of the unit before it: 3千5 is 3500
        unit = han_number("一" + units) if units else max(1.0, unit / 10)
        total += float(number) * unit
    return total


def _numeral(match: re.Match[str]) -> float:
    digits = match["digits"]
    if _DECIMAL_COMMA.fullmatch(digits):
        return float(digits.replace(",", "."))
    if match["dotted"]:
        return float(digits.replace(".", ""))
    return float(re.sub(r"[,'’ ]", "", digits).replace("10^", "1e"))


def _quantity(match: re.Match[str]) -> Quantity:
    start, end = match.span()
    if match["han"]:
        value = han_number(re.sub("[多余来几]", "", match["han"])) + (0.5 if match["half"] else 0.0)
        return Quantity(value, start, end, in_range=bool(_APPROXIMATE.search(match["han"])))
    if match["mixed"]:
        return Quantity(_mixed_number(match["mixed"]), start, end, "万" if "万" in match["mixed"] else "千")
    if match["words"]:
        return Quantity(english_number(match["words"]), start, end, spelt=True)
    scale = (match["scale"] or "").strip(" -")
    return Quantity(_numeral(match) * _SCALES.get(scale, 1.0), start, end, scale)


def _is_no_number(folded: str, match: re.Match[str]) -> bool:
    """Whether what looks like a number is another word: 百科, 万一, the next quarter."""
    if match["words"] == "quarter":
        return not re.match(r" (?:of an )?hour", folded[match.end() :])
    if match["han"] and match["han"] in {"百", "千", "万", "亿"}:
        about = folded[match.end() : match.end() + 1] in {"来", "把"}
        return not about and folded[max(0, match.start() - 1) : match.start()] != "近"
    return False


def find_quantities(folded: str) -> list[Quantity]:
    """The numbers in a folded text, from left to right."""
    found: list[Quantity] = []
    for match in _QUANTITY.finditer(folded):
        q = _quantity(match)
        if _is_no_number(folded, match):
            continue
        if found and _is_range(folded, found[-1], q):
            found[-1] = Quantity(
                found[-1].value, found[-1].start, found[-1].end, found[-1].scale, found[-1].spelt, True
            )
            q = Quantity(q.value, q.start, q.end, q.scale, q.spelt, True)
        found.append(q)
    return found


def _is_range(folded: str, first: Quantity, second: Quantity) -> bool:
    between = folded[first.end : second.start]
    if _RANGE.fullmatch(between):
        return True
    return between.strip(" -") == "and" and bool(_BETWEEN.search(folded[: first.start][-12:]))
