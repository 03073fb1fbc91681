"""Predefined classes: what a token must look like, and what is then said. Languages are data.

A class is described in `languages/<language>.toml`:

    name     how it is called, and the label that taggers learn
    core     whether it belongs to the smaller set that is like the article's (default: no)
    accepts  a regular expression for the whole token; its first group, if any, is what is read (default: anything)
    reads    one of READERS: the normalisation function
    rules    for numbers: the set of rules; for `table`: the name of the table
    text     what is said around it, `{}` stands for the reading (default: `{}`)

A class accepts a token if the expression matches and the function has a reading for it: `cardinal` no number
beyond its rules, `lower` no token that is in lower case already.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proteno.numbers import Numbers, roman
from proteno.tokens import NUMBERS, kind_of, pieces

LANGUAGES = Path(__file__).with_name("languages")


@dataclass(frozen=True)
class Language:
    """The data of a language.

    numbers   its rules for numbers
    letters   how a letter is called, if not by itself; in lower case
    digits    how each digit is called
    tables    by name: what is said for a written abbreviation or sign
    swaps     by written token: words for it that are said after the number that follows it
    magnitudes  written words that belong to the number before them
    """

    name: str
    numbers: Numbers
    letters: Mapping[str, str]
    digits: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]]
    swaps: Mapping[str, tuple[str, ...]]
    magnitudes: frozenset[str]


@dataclass(frozen=True)
class Description:
    """A class as the data describe it; see above."""

    name: str
    reads: str
    core: bool = False
    accepts: str = ".*"
    rules: str = ""
    text: str = "{}"


@dataclass(frozen=True)
class Class:
    """A predefined class of a language."""

    description: Description
    language: Language
    pattern: re.Pattern[str]

    def reading(self, token: str) -> str | None:
        """What is said for the token, `""` for silence; None if the class does not accept it."""
        found = self.pattern.fullmatch(token)
        if found is None:
            return None
        read = READERS[self.description.reads]
        said = read(found[1] if self.pattern.groups else token, self.description, self.language)
        return None if said is None else self.description.text.format(said)


Reader = Callable[[str, Description, Language], "str | None"]


def _number(text: str, description: Description, language: Language) -> str | None:
    digits = "".join(char for char in text if char.isdecimal())
    return language.numbers.say(int(digits), description.rules) if digits else None


def _roman(text: str, description: Description, language: Language) -> str | None:
    value = roman(text.upper())
    return None if value is None else language.numbers.say(value, description.rules)


def _digits(text: str, _: Description, language: Language) -> str | None:
    names = [language.digits.get(char) for char in text]
    return " ".join(map(str, names)) if names and None not in names else None


def _initials(text: str, _: Description, __: Language) -> str | None:
    return "".join(f"{letter}." for letter in text.lower())


def _letters(text: str, _: Description, language: Language) -> str | None:
    return " ".join(language.letters.get(letter, letter) for letter in text.lower())


def _pieces(text: str, description: Description, language: Language) -> str | None:
    """Numbers by the rules, the rest by the table of units, or else letter by letter; marks are silent."""
    said = [_piece(piece, description, language) for piece in pieces(text)]
    return None if len(said) == 1 or None in said else " ".join(filter(None, said))


def _piece(piece: str, description: Description, language: Language) -> str | None:
    if kind_of(piece[0]) == NUMBERS:
        return _number(piece, description, language)
    if not piece.isalpha():
        return ""
    return language.tables.get("units", {}).get(piece) or _letters(piece, description, language)


def _table(text: str, description: Description, language: Language) -> str | None:
    return language.tables[description.rules].get(text)


def _lower(text: str, _: Description, __: Language) -> str | None:
    return text.lower() if text != text.lower() else None


READERS: Mapping[str, Reader] = {
    "self": lambda text, _, __: text,
    "silence": lambda _, __, ___: "",
    "lower": _lower,
    "number": _number,
    "roman": _roman,
    "digits": _digits,
    "initials": _initials,
    "letters": _letters,
    "pieces": _pieces,
    "table": _table,
}
"""Normalisation functions: what is read, the class, the language -> what is said, or None."""


def load(name: str, *, core: bool = False) -> tuple[Language, tuple[Class, ...]]:
    """A language and its classes, in order of preference; with `core` only those of the smaller set.

    Raises ValueError for a language without data, and TypeError or KeyError where the data are wrong.
    """
    file = LANGUAGES / f"{name}.toml"
    if not file.is_file():
        message = f"no language '{name}'; there are {', '.join(sorted(path.stem for path in LANGUAGES.glob('*.toml')))}"
        raise ValueError(message)
    data: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    language = Language(
        name=name,
        numbers=Numbers(data["numbers"]),
        letters=data.get("letters", {}),
        digits=data.get("digits", {}),
        tables=data.get("tables", {}),
        swaps={token: tuple(words) for token, words in data.get("swaps", {}).items()},
        magnitudes=frozenset(data.get("magnitudes", ())),
    )
    described = [Description(**table) for table in data["classes"]]
    return language, tuple(
        Class(one, language, re.compile(one.accepts, re.DOTALL)) for one in described if one.core or not core
    )
