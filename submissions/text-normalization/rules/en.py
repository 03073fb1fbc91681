"""Rule-based text normalisation of English: written tokens in, spoken words out, one string per token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


def _table(text: str) -> dict[str, str]:
    """Read "written=spoken" pairs (or bare words); an underscore stands for a space."""
    pairs = (pair.replace("_", " ").partition("=") for pair in text.split())
    return {written: spoken for written, _, spoken in pairs}


ONES: Final = "zero one two three four five six seven eight nine"
SMALL: Final = list(_table(f"{ONES} ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"))
TENS: Final = list(_table("zero ten twenty thirty forty fifty sixty seventy eighty ninety"))
SCALES: Final = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
RANKS: Final = _table("one=first two=second three=third five=fifth eight=eighth nine=ninth twelve=twelfth")
MONTHS: Final = list(_table("January February March April May June July August September October November December"))
DAYS: Final = list(_table("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"))
SHORT_NAMES: Final = {name[:size]: name.lower() for name in MONTHS + DAYS for size in (3, 4, 5) if size < len(name)}
WORDS: Final = _table("Mr=mister Mrs=missus Prof=professor Ave=avenue Rd=road Jr=junior vs=versus fig=figure pp=pages")
TITLES: Final = {"Dr": ("doctor", "drive"), "St": ("saint", "street")}
UNITS: Final = _table(
    "km=kilometer m=meter cm=centimeter mm=millimeter mi=mile ft=foot in=inch kg=kilogram g=gram mg=milligram lb=pound "
    "oz=ounce L=liter l=liter ml=milliliter tsp=teaspoon tbsp=tablespoon h=hour hr=hour min=minute sec=second W=watt "
    "MB=megabyte GB=gigabyte TB=terabyte mph=mile_per_hour sq=square kWh=kilowatt_hour MHz=megahertz GHz=gigahertz",
)
PLURALS: Final = _table("foot=feet inch=inches penny=pence half=halves mile_per_hour=miles_per_hour")
SIGNS: Final = _table("%=percent &=and +=plus °=degrees ¢=cents @=at \N{MULTIPLICATION SIGN}=times") | {"=": "equals"}
CURRENCIES: Final = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent"), "¥": ("yen", "yen")}
MULTIPLES: Final = _table("k=thousand m=million bn=billion million=million billion=billion trillion=trillion")
LABELS: Final = _table("Chapter War Part Volume Act Scene Book Section Appendix Type Phase Table Figure Article Bowl")
NOT_NAMES: Final = _table("When Then May Can If As But And Here So While Since Should Do Did Was Would Could What Why")
ROMAN: Final = re.compile(r"(?=.)(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
DATES: Final = ((re.compile(r"(0?[1-9]|1[0-2])/\d{1,2}/\d{4}"), "m/d/y"), (re.compile(r"\d{4}-[01]\d-\d\d"), "y-m-d"))


def cardinal(number: int) -> str:
    """Spell a whole number without "and" or hyphens."""
    if number < len(SMALL):
        return SMALL[number]
    if number in range(100):
        return TENS[number // 10] + (f" {SMALL[number % 10]}" if number % 10 else "")
    size, name = next(scale for scale in SCALES if number >= scale[0])
    return f"{cardinal(number // size)} {name}" + (f" {cardinal(number % size)}" if number % size else "")


def ordinal(number: int) -> str:
    """Spell the rank that belongs to a whole number."""
    *head, last = cardinal(number).split()
    return " ".join([*head, RANKS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")])


def year(number: int) -> str:
    """Spell a year in pairs of digits, save the first ten years of a millennium."""
    century, rest = divmod(number, 100)
    if century == 0 or (century % 10 == 0 and rest in range(10)):
        return cardinal(number)
    return f"{cardinal(century)} {'oh ' if rest in range(1, 10) else ''}{cardinal(rest) if rest else 'hundred'}"


def _plural(noun: str, count: int) -> str:
    """Inflect a unit or currency for a count."""
    return noun if count == 1 or noun.endswith(("yen", "hertz", "square")) else PLURALS.get(noun, f"{noun}s")


def _value(token: str) -> int | None:
    """Read a number token, thousands commas included."""
    return int(token.replace(",", "")) if re.fullmatch(r"\d+|\d{1,3}(,\d{3})+", token) else None


def _coin(t: Sequence[str], i: int) -> str:
    """Name the coin that the number at i counts, looking back over a decimal point or a range."""
    linked = t[i - 1] in {"-", "."} and _value(t[i - 2]) is not None
    symbol = t[i - 3] if linked else t[i - 1]
    cents = t[i - 1] == "." and len(t[i]) == len("50") and t[i + 1].lower() not in MULTIPLES
    return CURRENCIES[symbol][int(cents)] if symbol in CURRENCIES and _value(t[i]) is not None else ""


def _date(t: Sequence[str], i: int) -> str | None:
    """Read numeric dates, and days of the month next to its name."""
    for offset in range(5):
        text = "".join(t[i - offset : i - offset + 5])
        part = next((layout[offset] for pattern, layout in DATES if pattern.fullmatch(text)), "")
        if part:
            named = MONTHS[int(t[i]) % 13 - 1].lower() if part == "m" else ""
            return named or {"y": year, "d": ordinal}[part](int(t[i])) if part.isalpha() else ""
    month = t[i - 2] if t[i - 1] == "." else t[i - 1]
    if not re.fullmatch(r"0?[1-9]|[12]\d|3[01]", t[i]):
        return None
    if SHORT_NAMES.get(month, month).title() in MONTHS or (month == "-" and _date(t, i - 2)):
        return ordinal(int(t[i]))
    return f"{'' if t[i - 1] == 'the' else 'the '}{ordinal(int(t[i]))} of" if t[i + 1] in MONTHS else None


def _money(t: Sequence[str], i: int) -> str | None:
    """Put the currency on its number, or on the scale word behind it."""
    count, coin = _value(t[i]), _coin(t, i) or _coin(t, i - 1)
    if count is None and coin and t[i].lower() in MULTIPLES:
        return f"{MULTIPLES[t[i].lower()]} {_plural(coin, 2)}"
    continued = (t[i + 1] in {"-", "."} and _coin(t, i + 2) == coin) or t[i + 1].lower() in MULTIPLES
    if count is None or not coin or continued:
        return None
    adjective = re.fullmatch("(bill|note|coin)s?", t[i + 1]) or (t[i - 2] in {"a", "A"} and t[i + 1].isalpha())
    return f"{cardinal(count)} {_plural(coin, 1 if adjective else count)}"


def _time(t: Sequence[str], i: int) -> str | None:
    """Read hours before and minutes behind a colon, and the half of the day."""
    if t[i].lower() in {"am", "pm"} and _value(t[i - 1]) is not None:
        return " ".join(t[i].lower())
    hours, minutes = (t[i - 2], t[i]) if t[i - 1] == ":" else (t[i], t[i + 2])
    if ":" not in {t[i - 1], t[i + 1]} or not re.fullmatch(r"[012]?\d:[0-5]\d", f"{hours}:{minutes}"):
        return None
    if t[i] != "00" or t[i + 1] == ":":
        return f"{'oh ' if t[i].startswith('0') else ''}{cardinal(int(t[i]))}"
    if t[i + 1].lower() in {"am", "pm"} or (t[i + 1] in {"a", "p"} and t[i + 2] == "."):
        return ""
    return "hundred" if hours.startswith("0") or int(hours) not in range(13) else "o'clock"


def _number(t: Sequence[str], i: int) -> str | None:
    """Read any other number: decimals, fractions, years, dialled digits and plain counts."""
    count, before, after = _value(t[i]), t[i - 1], t[i + 1]
    if count is None:
        return None
    if before.lower() in {"dial", "call", "ring"} or (before == "." and _value(t[i - 2]) is not None):
        return " ".join(SMALL[int(digit)] for digit in t[i] if digit.isdigit())
    if before == "/" and _value(t[i - 2]):
        return _plural({2: "half", 4: "quarter"}.get(count, ordinal(count)), _value(t[i - 2]) or 0)
    counted = re.match("(some|only|just|about|nearly|almost|over|under|all|than)$", before.lower()) or after in UNITS
    dated = re.fullmatch(r"1\d{3}|20\d\d", t[i]) and not (counted or re.fullmatch("people|[a-z]{3,}s", after))
    return year(count) if dated or before == "AD" or after in {"BC", "AD"} else cardinal(count)


def _mixed(t: Sequence[str], i: int) -> str | None:
    """Read ordinals, decades, letter-digit names and acronyms."""
    if parts := re.fullmatch(r"(\d+)(st|nd|rd|th|s)", t[i]):
        words = year(int(parts[1]))
        return ordinal(int(parts[1])) if parts[2] != "s" else f"{re.sub('y$', 'ie', words)}s"
    if parts := re.fullmatch(r"([A-Z]+)(\d+)", t[i]):
        return f"{' '.join(parts[1].lower())} {cardinal(int(parts[2]))}"
    parts = re.fullmatch(r"(?!R[AO]M|PIN|SIM)([A-Z]{2,3}|[B-DF-HJ-NP-TV-Z]{4,5})(s?)", t[i])
    return " ".join(parts[1].lower()) + "'s" * len(parts[2]) if parts else None


def _roman(t: Sequence[str], i: int) -> str | None:
    """Read Roman numerals behind a label, behind a capitalised name and in a range."""
    if not ROMAN.fullmatch(t[i]):
        return None
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[letter] for letter in t[i]]
    number = sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
    in_range = (t[i - 1] == "-" and ROMAN.fullmatch(t[i - 2])) or (t[i + 1] == "-" and ROMAN.fullmatch(t[i + 2]))
    if in_range or t[i - 1] in LABELS:
        return cardinal(number)
    named = re.fullmatch("[A-Z][a-z]+", t[i - 1]) and t[i - 1] not in NOT_NAMES
    return f"the {ordinal(number)}" if named else None


def _word(t: Sequence[str], i: int) -> str | None:
    """Read abbreviations and, behind a number, units of measure."""
    following = t[i + 2] if t[i + 1] == "." else t[i + 1]
    if t[i] in TITLES:
        return TITLES[t[i]][int(not following[:1].isupper() or t[i - 1][:1].isupper() or t[i - 1][:1].isdigit())]
    if t[i] in SHORT_NAMES and t[i + 1] == ".":
        return SHORT_NAMES[t[i]]
    if t[i] in {"No", "#"} and following.isdigit():
        return "number"
    if t[i - 1] == "°":
        return {"C": "celsius", "F": "fahrenheit"}.get(t[i])
    count = 1 if t[i - 1] in {"/", "-"} else _value(t[i - 1]) or 2 * (t[i - 1] == "sq")
    measured = t[i] in UNITS and count and (t[i] != "in" or t[i - 2] in UNITS)
    return _plural(UNITS[t[i]], 2 if t[i - 2] == "." else count) if measured else WORDS.get(t[i])


def _sign(t: Sequence[str], i: int) -> str | None:
    """Read the punctuation that has a sound; all else is silent."""
    numbers = _value(t[i - 1]) is not None, _value(t[i + 1]) is not None
    if t[i] == "." and all(numbers) and _coin(t, i + 1) not in {"cent", "penny"}:
        return "point"
    if t[i] == "-" and (numbers[1] or t[i + 1] in CURRENCIES or ROMAN.fullmatch(t[i + 1])):
        ranged = numbers[0] or t[i - 1].lower() in {"am", "pm"} or ROMAN.fullmatch(t[i - 1])
        return "to" if ranged else "minus"
    if t[i] in {"/", "\N{MULTIPLICATION SIGN}"} and t[i - 1] in UNITS:
        return "per" if t[i] == "/" else "by"
    return SIGNS.get(t[i]) or (t[i] if t[i][0].isalnum() else "")


def normalise(tokens: Sequence[str]) -> list[str]:
    """Return the spoken form of every token."""
    pad = [""] * 6
    t = [*pad, *tokens, *pad]
    rules = (_date, _time, _money, _number, _roman, _word, _mixed, _sign)
    return [next(w for rule in rules if (w := rule(t, i)) is not None) for i in range(len(pad), len(t) - len(pad))]
