"""What a network sees of a token: numbers for its word, its length and its characters. Knows no network and no torch.

A token that training did not show still has characters and a length, and a character that it did not show still
has its Unicode category: nothing is ever wholly unknown.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

PADDING, UNKNOWN = 0, 1
"""Numbers that no word and no character has: of what is not there, and of what training did not show."""
FIRST = 2
"""The number of the first known word or character."""
EDGE = 8
"""Of a longer token than twice this, the first and the last characters are seen."""
WIDTH = 2 * EDGE
WORD, LENGTH, CHARACTERS, CATEGORIES = 0, 1, slice(2, 2 + WIDTH), slice(2 + WIDTH, 2 + 2 * WIDTH)
"""Columns of a table of features."""
COLUMNS = CATEGORIES.stop
CATEGORIES_OF_UNICODE = (
    *("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"),
    *("Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"),
)
"""All there are; saved weights count on this order."""
_CATEGORIES = {name: number for number, name in enumerate(CATEGORIES_OF_UNICODE, FIRST - 1)}


@dataclass(frozen=True)
class Inputs:
    """The words, in lower case, and the characters that have numbers of their own."""

    words: tuple[str, ...]
    characters: str

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], least: int = 1) -> Inputs:
        """Those of training sentences; a word gets a number if it stands there `least` times, of tokens any case."""
        tokens = Counter(token for sentence in sentences for token in sentence)
        words: Counter[str] = Counter()
        for token, count in tokens.items():
            words[token.lower()] += count
        known = sorted(word for word, count in words.items() if count >= least)
        return cls(tuple(known), "".join(sorted(set("".join(tokens)))))

    @cached_property
    def _words(self) -> Mapping[str, int]:
        return {word: number for number, word in enumerate(self.words, FIRST)}

    @cached_property
    def _characters(self) -> Mapping[str, int]:
        return {character: number for number, character in enumerate(self.characters, FIRST)}

    @property
    def sizes(self) -> tuple[int, int]:
        """How many numbers words and characters take, PADDING and UNKNOWN among them."""
        return FIRST + len(self.words), FIRST + len(self.characters)

    def table(self, tokens: Sequence[str]) -> Integers:
        """Features (tokens + 1, COLUMNS); row 0 is that of padding, all zeros, and row i + 1 that of token i."""
        table = np.zeros((len(tokens) + 1, COLUMNS), np.int64)
        for row, token in zip(table[1:], tokens, strict=True):
            seen = token if len(token) <= WIDTH else token[:EDGE] + token[-EDGE:]
            row[WORD] = self._words.get(token.lower(), UNKNOWN)
            row[LENGTH] = min(len(token), WIDTH)
            row[CHARACTERS][: len(seen)] = [self._characters.get(character, UNKNOWN) for character in seen]
            row[CATEGORIES][: len(seen)] = [_CATEGORIES[unicodedata.category(character)] for character in seen]
        return table


def number(sentences: Sequence[Sequence[str]]) -> tuple[list[str], list[Integers]]:
    """Each token once, in the order of their coming, and each sentence as their numbers, which start at 1."""
    numbers: dict[str, int] = {}
    rows = [
        np.array([numbers.setdefault(token, len(numbers) + 1) for token in sentence], np.int64)
        for sentence in sentences
    ]
    return list(numbers), rows


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Positions of sentences in groups of like lengths; none for a sentence without tokens.

    Padded to its longest sentence, a group has at most `budget` tokens, unless one sentence alone has more.
    """
    groups: list[list[int]] = [[]]
    for position in sorted((p for p, length in enumerate(lengths) if length), key=lengths.__getitem__):
        if (len(groups[-1]) + 1) * lengths[position] > budget:
            groups.append([])
        groups[-1].append(position)
    return [group for group in groups if group]


def padded(rows: Sequence[Integers]) -> Integers:
    """One array (sentences, longest), filled up with PADDING."""
    array = np.full((len(rows), max(map(len, rows))), PADDING, np.int64)
    for line, row in zip(array, rows, strict=True):
        line[: len(row)] = row
    return array
