"""Numbers in words, by rules that are data: this module knows how rules are applied and not one word.

A set of rules is a table from a smallest number to a text, or to two texts, of which the first is for
multiples and the second for what has a rest. A single text is for this one number:

    11 = "eleven"
    20 = ["twenty", "twenty {rest}"]
    100 = ["{quotient} hundred", "{quotient} hundred {rest}"]
    "1100/100" = ["{quotient:cardinal} hundred", "{quotient:cardinal} {rest}"]

The rule with the largest number that is not above n says n. n is divided by the largest power of ten that is
not above the rule's number, or by what stands after the slash; quotient and rest are said by the same set,
or by the one that is named. `extends` names a set whose rules hold where there are none with the same number,
and numbers from `limit` on are not said.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    Table = Mapping[str, "str | int | list[str]"]

_SLOT = re.compile(r"\{(quotient|rest)(?::(\w+))?\}")
_ROMAN = re.compile(r"(?=.)(M{0,3})(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is said from `base` on: `exact` for multiples of `divisor`, `more` where there is a rest.

    Without `more` it is a rule for `base` alone.
    """

    base: int
    divisor: int
    exact: str
    more: str | None


class Numbers:
    """All sets of rules of a language."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        """Raises KeyError for a set that extends an unknown one."""
        self._limits = {name: int(str(_inherited(tables, name)["limit"])) for name in tables}
        self._rules = {name: _rules(_inherited(tables, name)) for name in tables}

    def say(self, number: int, rules: str) -> str | None:
        """The words for a number, or None where the set has no rule for it. KeyError for an unknown set."""
        known = self._rules[rules]
        position = bisect_right(known, number, key=lambda rule: rule.base)
        if position == 0 or number >= self._limits[rules]:
            return None
        rule = known[position - 1]
        quotient, rest = divmod(number, rule.divisor)
        values = {"quotient": quotient, "rest": rest}
        if rule.more is None and number != rule.base:
            return None
        text = rule.more if rest and rule.more is not None else rule.exact
        said = {slot: self.say(values[slot[0]], slot[1] or rules) for slot in _SLOT.findall(text)}
        if None in said.values():
            return None
        return _SLOT.sub(lambda found: str(said[found[1], found[2] or ""]), text)


def roman(text: str) -> int | None:
    """The value of a Roman numeral in capital letters, 1 to 3999; None for anything else."""
    if not _ROMAN.fullmatch(text):
        return None
    values = [_ROMAN_VALUES[letter] for letter in text]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _inherited(tables: Mapping[str, Table], name: str) -> Table:
    table = tables[name]
    return {**_inherited(tables, str(table["extends"])), **table} if "extends" in table else table


def _rules(table: Table) -> list[Rule]:
    return sorted(
        (_rule(key, text) for key, text in table.items() if key not in {"extends", "limit"}),
        key=lambda rule: rule.base,
    )


def _rule(key: str, text: str | int | list[str]) -> Rule:
    base, _, divisor = key.partition("/")
    exact, more = text if isinstance(text, list) else (str(text), None)
    power = 10 ** (len(base) - 1)
    return Rule(int(base), int(divisor or power), exact, more)
