"""Granular tokens: split at spaces, then wherever the class of characters changes. No knowledge of any language.

6-21-21   6, -, 21, -, 21
$5        $, 5
15km      15, km
"""

from __future__ import annotations

import unicodedata
from itertools import groupby

LETTERS, NUMBERS, MARKS = "letters", "numbers", "marks"
_KINDS = {"L": LETTERS, "M": LETTERS, "N": NUMBERS}


def kind_of(character: str) -> str:
    """LETTERS for Unicode L* and M* (vowel signs and accents belong to their letters), NUMBERS for N*, else MARKS."""
    return _KINDS.get(unicodedata.category(character)[0], MARKS)


def pieces(word: str) -> list[str]:
    """A word without spaces, split where letters, numbers and marks meet; each mark stands alone."""
    parts = ("".join(run) for _, run in groupby(word, kind_of))
    return [piece for part in parts for piece in (part if kind_of(part[0]) == MARKS else [part])]


def tokenise(text: str) -> list[str]:
    """The tokens of a text in a language that writes spaces between words."""
    return [piece for word in unicodedata.normalize("NFC", text).split() for piece in pieces(word)]
