"""TER: equal to sacrebleu's edit for edit, and bit-equal to its corpus score.

    TER = 100 * edits / reference length                   range 0.., lower is better

Edits are words inserted, deleted or replaced, and shifts: a shift moves a stretch of words of the
output and costs one edit, however long and however far. Which shifts are best cannot be found in
reasonable time, so TER is defined by a greedy search. As long as one pays, it takes the shift that
leaves the smallest edit distance; of equally good ones the longest, then that of the leftmost stretch,
then that with the leftmost target. It tries the stretches of 1 to 10 words that also stand in the
reference, at most 50 words away, if there is an error in the stretch, one in the place where it belongs,
and it is not there already. It ends after 1,000 tries, without the shift that it was looking for.

Words are lower-cased pieces between white space. With several references the fewest edits count, and
the mean of the lengths. The mean is exact unless some request has 3, 5, … references; then it is the
nearest float, as in sacrebleu, whose sums are as rounded as ours.

Edge cases: against an empty reference every word is an edit. Where all references are empty there is
nothing to divide by, and the value is 0 without edits and 100 with, as in sacrebleu. A segment that
needs more than `BUDGET` cells of work is a ValueError, so that no output can make scoring hang.

Source: Snover et al. 2006; limits and ties are those of sacrebleu 2.6.0 with its defaults, which
follows Tercom. Distances are computed for a row of the table at once, as bits of an integer (Myers
1999; Hyyrö 2003), and only from the first word that a shift moves to where the rows are the old ones.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from harness.api import Metric, Statistics, Totals
from harness.metrics import references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.api import Output, Request, TestSet

COLUMNS = ("edits", "reference-length")
BUDGET = 100_000_000
"""Cells of edit distance tables for one segment: a few seconds of work."""

LONGEST_STRETCH, FARTHEST, TRIES = 10, 50, 1000
BEAM = 25
"""Cells of a row that count on both sides of the diagonal."""
PAIR = 5
"""What looking at two words that may begin a stretch costs, in cells."""


def signature(test_set: TestSet) -> str:
    """The signature of sacrebleu itself, character for character."""
    nrefs, version = references.reference_count(test_set), references.sacrebleu_version()
    return f"nrefs:{nrefs}|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:{version}"


def words(text: str) -> list[str]:
    """The words of a text, as Tercom's tokenizer leaves them by default."""
    return text.rstrip().lower().split()


@lru_cache(maxsize=4)
def _references(test_set: TestSet) -> list[list[list[str]]]:
    references.reference_streams(test_set)  # it raises ValueError where there is none
    return [[words(text) for text in request.references] for request in test_set.requests]


def statistics(test_set: TestSet, outputs: Mapping[str, Output]) -> Statistics:
    """Edits and mean reference length of each segment.

    Raises ValueError for a segment that needs more than `BUDGET` cells of work.
    """
    texts = references.hypotheses(test_set, outputs)
    gold = _references(test_set)
    denominator = math.lcm(*map(len, gold))
    rows = []
    for request, text, options in zip(test_set.requests, texts, gold, strict=True):
        length = sum(map(len, options)) * (denominator // len(options))
        rows.append((_fewest_edits(request, words(text), options), length))
    counts = references.rows_per_segment(test_set, rows)
    return Statistics(COLUMNS, counts if denominator == 1 else counts / (1, denominator))


def _fewest_edits(request: Request, hypothesis: list[str], options: list[list[str]]) -> int:
    work = Work(BUDGET)
    try:
        return min(edits(hypothesis, reference, work) for reference in options)
    except Exhausted:
        longest = max(map(len, options))
        message = (
            f"segment {request.id}: {len(hypothesis)} words against {longest} need more than "
            f"{BUDGET} cells of work; TER is not computed"
        )
        raise ValueError(message) from None


def value(totals: Totals) -> float | NDArray[np.float64]:
    """The score of one corpus in Python floats (bit-equal), or of many with NumPy."""
    found, length = totals["edits"], totals["reference-length"]
    if totals.values.ndim == 1:
        return 100 * (float(found) / float(length) if length > 0 else float(found > 0))
    import numpy as np

    nothing = np.where(found > 0, 1.0, 0.0)
    scores: NDArray[np.float64] = 100 * np.divide(found, length, out=nothing, where=length > 0)
    return scores


class Exhausted(Exception):
    """The budget of work is spent."""


class Work:
    """A budget in cells: counted and not timed, so that every machine gives up on the same segments."""

    def __init__(self, cells: int) -> None:
        self.left = cells

    def spend(self, cells: int) -> None:
        """Take so many. Raises Exhausted when there are not so many left."""
        self.left -= cells
        if self.left < 0:
            raise Exhausted


def edits(hypothesis: Sequence[str], reference: Sequence[str], work: Work) -> int:
    """The edits from an output to a reference. Raises Exhausted beyond the budget."""
    if not reference:
        return len(hypothesis)
    table = Table(hypothesis, reference, work)
    shifts = tries = 0
    while table.distance:
        best, tries = _best_shift(table, tries)
        if best is None or tries >= TRIES:
            break
        table.move(best)
        shifts += 1
    return shifts + table.distance


class Shift(NamedTuple):
    """A stretch of `length` words from `start` on, to be put before the word `target`."""

    length: int
    start: int
    target: int


def _best_shift(table: Table, tries: int) -> tuple[Shift | None, int]:
    """The shift after which the distance is smallest, None if none makes it smaller, and the tries so far."""
    alignment = table.alignment()
    best, best_key = None, (0, 0, 0, 0)
    distances: dict[Shift, int] = {}
    for start, place, length in _stretches(table, alignment):
        target = -1
        for position in alignment.positions[place : place + length + 1]:
            if position + 1 == target:
                continue
            target = position + 1
            shift = Shift(length, start, target)
            if shift not in distances:
                distances[shift] = table.distance_after(shift)
            key = (table.distance - distances[shift], length, -start, -target)
            if best is None or key > best_key:
                best, best_key = shift, key
            tries += 1
        if tries >= TRIES:
            break
    return (best if best_key[0] > 0 else None), tries


class Alignment(NamedTuple):
    """How the output lies against the reference.

    `positions[k + 1]` is the position in the output of word k of the reference, or of what stands before
    it; `positions[0]` is -1. The others are numbers of errors before each word, and at the end.
    """

    positions: list[int]
    hypothesis_errors: list[int]
    reference_errors: list[int]


def _stretches(table: Table, alignment: Alignment) -> Iterator[tuple[int, int, int]]:
    """(start in the output, start in the reference, length) of what may be shifted."""
    hypothesis, reference = table.hypothesis, table.reference
    positions, hypothesis_errors, reference_errors = alignment
    for start, word in enumerate(hypothesis):
        reach = min(LONGEST_STRETCH, len(hypothesis) - start)
        if hypothesis_errors[start + reach] == hypothesis_errors[start]:
            continue
        places = table.places[word]
        looked = 0
        for place in places[bisect_left(places, start - FARTHEST) : bisect_right(places, start + FARTHEST)]:
            aligned = positions[place + 1] - start
            for length in range(1, min(reach, len(reference) - place) + 1):
                end = start + length
                if hypothesis[end - 1] != reference[place + length - 1]:
                    break
                looked += 1
                if (
                    hypothesis_errors[end] > hypothesis_errors[start]
                    and reference_errors[place + length] > reference_errors[place]
                    and not 0 <= aligned < length
                ):
                    yield start, place, length
        table.work.spend(PAIR * looked)


class Row(NamedTuple):
    """Which columns of a row of the table count.

    `anchor` is the column before them, and `drop` by how much it moved since the row above. `mask` has a
    bit for each column after it; `fresh` has those that the row above has not, `diagonal` those whose
    left neighbour in the row above counts. `low` is the first that counts, `high` the end.
    """

    drop: int
    anchor: int
    mask: int
    fresh: int
    diagonal: int
    low: int
    high: int


def _beam(rows: int, columns: int) -> list[Row]:
    """The row before the first, which counts in full, and those of an output of so many words."""
    everything = (1 << columns) - 1
    beam = [Row(0, 0, everything, 0, everything, 0, columns + 1)]
    slope = columns / rows if rows else 1.0
    half = math.ceil(slope / 2 + BEAM) if slope / 2 > BEAM else BEAM
    for row in range(1, rows + 1):
        above = beam[-1]
        middle = math.floor(row * slope)
        low = max(0, middle - half)
        high = columns + 1 if row == rows else min(columns + 1, middle + half)
        anchor = max(low - 1, 0)
        mask = (1 << high - 1 - anchor) - 1
        kept = min(above.high, high) - 1 - anchor
        first = max(above.low - anchor, 0)
        diagonal = (mask & (1 << kept + 1) - 1) >> first << first
        beam.append(Row(anchor - above.anchor, anchor, mask, mask >> kept << kept, diagonal, low, high))
    return beam


class Table:
    """The edit distance table of one reference and an output that is being rearranged.

    Words are numbers: positions among the distinct words of the reference, or -1. Row i belongs to the
    first i words of the output, column j to the first j of the reference. A row is kept as differences of
    neighbours: bit b of its rises (falls) says that the cell of column `anchor + 1 + b` is larger (smaller)
    by one than that before it; its base is the cell at `anchor`. Cells outside the beam that a row
    touches hold what wins nowhere.
    """

    def __init__(self, hypothesis: Sequence[str], reference: Sequence[str], work: Work) -> None:
        work.spend(len(reference) ** 2 // 16)
        codes = {word: number for number, word in enumerate(dict.fromkeys(reference))}
        self.hypothesis = [codes.get(word, -1) for word in hypothesis]
        self.reference = [codes[word] for word in reference]
        self.places: list[list[int]] = [[] for _ in range(len(codes) + 1)]  # the last one is that of -1
        for place, word in enumerate(self.reference):
            self.places[word].append(place)
        self.work = work
        self._columns = [sum(1 << place for place in places) for places in self.places]
        self._beam = _beam(len(hypothesis), len(reference))
        self._cells = max(row.mask.bit_length() for row in self._beam[1:] or self._beam) + len(reference) // 64
        self._rows = [(self._beam[0].mask, 0, 0)]
        self._steps: list[tuple[int, int, int]] = []
        self.distance = self._descend(0, self.hypothesis, keep=True)

    def move(self, shift: Shift) -> None:
        """Rearrange the output."""
        first, stretch = self._moved(shift)
        self.hypothesis[first : first + len(stretch)] = stretch
        del self._rows[first + 1 :], self._steps[first:]
        self.distance = self._descend(first, self.hypothesis[first:], keep=True)

    def distance_after(self, shift: Shift) -> int:
        """The distance if the output were rearranged."""
        return self._descend(*self._moved(shift), keep=False)

    def _moved(self, shift: Shift) -> tuple[int, list[int]]:
        """Where a shift changes the output, and what stands there afterwards.

        A target in the stretch or right behind it moves the stretch by as many words as the target lies
        behind its start; so does sacrebleu.
        """
        length, start, target = shift
        end = start + length
        if target < start:
            return target, self.hypothesis[start:end] + self.hypothesis[target:start]
        behind = target if target > end else target + length
        return start, self.hypothesis[end:behind] + self.hypothesis[start:end]

    def _descend(self, first: int, words: Sequence[int], *, keep: bool) -> int:
        """The distance with these words from row `first` on, and then those of the output.

        Without `keep`, it ends at a row behind `words` that differs from the known one in its base only.
        """
        rows, size = self._rows, len(self.hypothesis)
        rises, falls, base = rows[first]
        back = first + len(words)
        for position in range(first, size):
            if position < back:
                word = words[position - first]
            else:
                known = rows[position]
                if rises == known[0] and falls == known[1]:
                    self.work.spend((position - first) * self._cells)
                    return self.distance + base - known[2]
                word = self.hypothesis[position]
            drop, anchor, mask, fresh, diagonal, _, _ = self._beam[position + 1]
            if drop:
                gone = (1 << drop) - 1
                base += (rises & gone).bit_count() - (falls & gone).bit_count()
                rises, falls = rises >> drop, falls >> drop
            base += 1
            rises |= fresh
            equal = self._columns[word] >> anchor & diagonal
            level = ((equal & rises) + rises ^ rises) | equal | falls  # as large as the cell above and left
            larger = falls | ~(level | rises) & mask  # than the cell above
            right = larger << 1 | 1
            rises, falls = ((level & rises) << 1 | ~(level | right)) & mask, level & right & mask
            if keep:
                rows.append((rises, falls, base))
                self._steps.append((equal, level, larger))
        self.work.spend((size - first) * self._cells)
        return base + rises.bit_count() - falls.bit_count()

    def alignment(self) -> Alignment:
        """By the edits that lead here, from the end: equal or replaced, else surplus, else missing words."""
        row, column = len(self.hypothesis), len(self.reference)
        positions = [-1] * (column + 1)
        surplus, missing = [0] * row, [0] * column
        while row or column:
            above = self._beam[row - 1]
            if not row or column > above.high:
                is_up, is_left, is_error = False, True, True
            elif not column or column <= above.low:
                is_up, is_left, is_error = True, False, True
            else:
                is_up, is_left, is_error = self._step(row, column)
            if is_left:
                column -= 1
                positions[column + 1] = row - 1
                missing[column] = is_error
            if is_up:
                row -= 1
                surplus[row] = is_error
        return Alignment(positions, [*accumulate(surplus, initial=0)], [*accumulate(missing, initial=0)])

    def _step(self, row: int, column: int) -> tuple[bool, bool, bool]:
        """Whether the last edit of a cell goes up and left, and whether it is an error."""
        equal, level, larger = self._steps[row - 1]
        bit = column - 1 - self._beam[row].anchor
        if equal >> bit & 1:
            return True, True, False
        if not level >> bit & 1:
            return True, True, True
        is_up = bool(larger >> bit & 1)
        return is_up, not is_up, True


TER = Metric(
    name="ter",
    title="TER",
    formula="100 · edits / reference length",
    citation="Snover et al. 2006; Post 2018 (sacrebleu)",
    statistics=statistics,
    value=value,
    signature=signature,
    unit="points",
    best="lower",
    packages=("sacrebleu",),
)
