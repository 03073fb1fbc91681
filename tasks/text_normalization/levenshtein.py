"""The edit distance of two word lists: the fewest insertions, deletions and substitutions.

Common beginnings and ends are cut off first, since most outputs differ in one place. What is left is
computed column by column with the bits of integers (Myers 1999, in the form of Hyyrö 2003): bit *i*
of `rises` says that the distance grows by one from row *i* to row *i* + 1 of the column, bit *i* of
`falls` that it shrinks. The shorter list stands in the rows, so that the integers stay small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def distance(first: Sequence[str], second: Sequence[str]) -> int:
    """The edit distance; the length of the one if the other is empty."""
    rows, columns = sorted(_differing(first, second), key=len)
    if not rows:
        return len(columns)
    places: dict[str, int] = {}
    for row, word in enumerate(rows):
        places[word] = places.get(word, 0) | 1 << row
    every, last = (1 << len(rows)) - 1, 1 << (len(rows) - 1)
    rises, falls, found = every, 0, len(rows)
    for word in columns:
        equal = places.get(word, 0)
        diagonal = (((equal & rises) + rises) ^ rises) | equal | falls
        right_rises = falls | (every & ~(diagonal | rises))
        right_falls = rises & diagonal
        found += bool(right_rises & last) - bool(right_falls & last)
        right_rises = right_rises << 1 | 1
        rises = every & (right_falls << 1 | ~(diagonal | right_rises))
        falls = every & right_rises & diagonal
    return found


def _differing(first: Sequence[str], second: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Both lists without the words that they have in common at the beginning and at the end."""
    shorter = min(len(first), len(second))
    start = next((at for at in range(shorter) if first[at] != second[at]), shorter)
    rest = shorter - start
    end = next((at for at in range(rest) if first[-1 - at] != second[-1 - at]), rest)
    return first[start : len(first) - end], second[start : len(second) - end]
