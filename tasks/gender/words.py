"""The words of a text, as the official scorer sees them and as ours does.

Official: lower-cased (`str.lower`, so `ß` stays `ß`), each of the 32 ASCII punctuation characters
replaced by a space, split on Unicode white space. An apostrophe or a hyphen splits a word; every other
punctuation mark (« » “ ” … ¿ ، ؟ ।, the curly apostrophe) stays glued to it, and nothing is normalised.

Strict, in this order:

1. format characters (category Cf: zero-width spaces and joiners, soft hyphens, direction marks, byte
   order marks) are removed, so that they neither split a word nor hide it;
2. NFC;
3. what separates becomes a space: the 32 ASCII punctuation characters, every punctuation mark of
   Unicode (categories P*, U+2019 among them), and U+02BC, which is an apostrophe though a letter;
4. lower-cased, NFC again, split on Unicode white space.

Symbols outside ASCII (€, ≠) stay glued. Homoglyphs are not looked through.

Source: the script of MT-GenEval (Currey et al. 2022); the strict view is ours.
"""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURES = {
    "official": "lower,ascii-punct,space",
    "strict": "nocf,nfc,punct,lower,space",
}
"""What a signature says of the words: the steps, in their order."""

_OFFICIAL = str.maketrans(dict.fromkeys(string.punctuation, " "))
_MODIFIER_APOSTROPHE = "\u02bc"
_VISIBLE = re.compile(r"\S+")


class _Format(dict[int, "int | None"]):
    """A table for `str.translate` that removes format characters; it grows by what texts hold."""

    def __missing__(self, code: int) -> int | None:
        self[code] = None if unicodedata.category(chr(code)) == "Cf" else code
        return self[code]


class _Separators(dict[int, int]):
    """A table for `str.translate` that makes what separates a space, one for one."""

    def __missing__(self, code: int) -> int:
        char = chr(code)
        separates = char in string.punctuation or char == _MODIFIER_APOSTROPHE or unicodedata.category(char)[0] == "P"
        self[code] = ord(" ") if separates else code
        return self[code]


_FORMAT, _SEPARATORS = _Format(), _Separators()


def official(text: str) -> frozenset[str]:
    """The set of words that the official scorer compares."""
    return frozenset(text.lower().translate(_OFFICIAL).split())


def strict(text: str) -> frozenset[str]:
    """The set of words that the default metrics compare."""
    return frozenset(_lowered(_normal(text).translate(_SEPARATORS)).split())


def is_blank(text: str) -> bool:
    """Whether there is nothing to see: no character but white space and format characters."""
    return not text.translate(_FORMAT).strip()


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the strict view, and its place `[start, end)` in code points of the original text."""

    text: str
    start: int
    end: int


def located(text: str) -> Iterator[Word]:
    """Every word of the strict view, in order, with its place; `strict(text)` is the set of their texts."""
    pieces: list[str] = []
    origin: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        piece = _normal(text[start:end])
        pieces.append(piece)
        origin += [(start, end)] * len(piece)
    spaced = "".join(pieces).translate(_SEPARATORS)
    for found in _VISIBLE.finditer(spaced):
        yield Word(_lowered(found.group()), origin[found.start()][0], origin[found.end() - 1][1])


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text.translate(_FORMAT))


def _lowered(text: str) -> str:
    return unicodedata.normalize("NFC", text.lower())


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Cut before each character that composes with nothing before it: every piece normalises alone."""
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or not _continues(text[position]):
            yield start, position
            start = position


def _continues(char: str) -> bool:
    """Marks, Hangul vowels and finals may compose with what stands before them; format characters vanish."""
    return unicodedata.category(char) in {"Mn", "Mc", "Me", "Cf"} or "\u1160" <= char <= "\u11ff"
