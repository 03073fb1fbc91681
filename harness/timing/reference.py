"""A workload that is the same everywhere, so that timings of different machines have a common measure.

One unit is an edit distance in plain Python (integers and lists), a product of matrices (BLAS), and counting words by a
regular expression in a dictionary: what text systems do beside their networks. Everything is computed with integers
that floats hold exactly, so that its digest is the same on every machine; a wrong one is a broken machine. A unit takes
a few milliseconds of one core.

`python -m harness.timing.reference` answers each line of its input with the digest of one unit. All is prepared before
the first line is read. It runs beside a system, block by block in turns, and on the same processors.

Source: Wagner and Fischer 1974 for the distance; numbers from the generator of Numerical Recipes, `ranqd1`.
"""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

DIGEST = "4fb2f5560655a43e"
"""What every unit answers."""

_LETTERS = "abcdefghijklmnop"
_LENGTH = 160
_SIDE = 384
_WORDS = 8000
_TOKEN = re.compile(r"[a-z]+|[0-9]+|[^\sa-z0-9]")


@dataclass(frozen=True, slots=True)
class Prepared:
    """The inputs of a unit."""

    left: str
    right: str
    matrix: NDArray[np.float64]
    text: str


def prepare() -> Prepared:
    """The inputs, the same at every call."""
    import numpy as np

    draws = numbers()
    left, right = (_word(draws, _LENGTH) for _ in range(2))
    flat = [draw % 64 - 32 for draw in islice(draws, _SIDE * _SIDE)]
    matrix = np.array(flat, dtype=np.float64).reshape(_SIDE, _SIDE)
    text = " ".join(f"{_word(draws, 1 + next(draws) % 3)}{',. 7'[next(draws) % 4]}" for _ in range(_WORDS))
    return Prepared(left, right, matrix, text)


def unit(prepared: Prepared | None = None) -> str:
    """Do one unit of work; its digest."""
    inputs = prepared or prepare()
    distance = edit_distance(inputs.left, inputs.right)
    # |entries| <= 32, so no sum passes 32 * 32 * 384 < 2**53: exact in every order of summation.
    product = inputs.matrix @ inputs.matrix
    counts = count_words(inputs.text)
    facts = (distance, int(product.trace()), int(abs(product).sum()), counts)
    return hashlib.sha256(repr(facts).encode("ascii")).hexdigest()[:16]


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Insertions, deletions and substitutions, 1 each."""
    row = list(range(len(right) + 1))
    for number, ours in enumerate(left, 1):
        corner, row[0] = row[0], number
        for column, theirs in enumerate(right, 1):
            kept = corner + (ours != theirs)
            corner = row[column]
            row[column] = min(kept, corner + 1, row[column - 1] + 1)
    return row[-1]


def count_words(text: str) -> list[tuple[str, int]]:
    """Tokens with their numbers, the most frequent first."""
    counts: dict[str, int] = {}
    for token in _TOKEN.findall(text):
        counts[token] = counts.get(token, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def numbers(seed: int = 1) -> Iterator[int]:
    """Pseudo-random 16-bit integers, the same for ever; Python's own are promised for no version."""
    state = seed
    while True:
        state = (1664525 * state + 1013904223) % (1 << 32)
        yield state >> 16


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer each line with the digest of one unit, until the input ends."""
    prepared = prepare()
    unit(prepared)  # BLAS starts its threads at the first product
    for _ in requests:
        replies.write(f"{unit(prepared)}\n".encode("ascii"))
        replies.flush()


def _word(draws: Iterator[int], length: int) -> str:
    return "".join(_LETTERS[draw % len(_LETTERS)] for draw in islice(draws, length))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
