"""Tables whose cells are coloured: systems by test sets, and systems by systems.

A colour is one of a few steps and never alone: the number stands in its cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.site.pairs import place
from harness.tables import csv_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.records import Comparison, Pair, Result, Score
    from harness.site.model import Board, Group, Row

STEPS = 5
"""Colours of a heat map, from the worst competing value to the best."""
SHOWN = 25
"""The most systems of a matrix, the best ones; the file beside it has all pairs."""
ROOMY = 8
"""Up to so many systems the differences stand in the cells, too."""
LEVELS = (0.05, 0.01, 0.001)
"""Corrected p-values below these are coloured, each in a step of its own."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One score, its step from 0 to STEPS - 1 (None: not coloured), or nothing: then `state` says why."""

    score: Score | None
    step: int | None
    state: str = ""


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A system on every test set of the map."""

    result: Result
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Systems by test sets of one collection, by the primary metric; yardsticks are not coloured, nor is one alone."""

    metric: str
    is_coloured: bool
    test_sets: tuple[str, ...]
    competing: tuple[HeatRow, ...]
    yardsticks: tuple[HeatRow, ...]


def heat_map(group: Group, board: Board) -> HeatMap | None:
    """The test sets of a collection that share the primary metric of one of them; None where that is alone.

    Systems stand in the official order of that test set, and after them those that are missing there.
    """
    boards = [other for other in group.boards if other.primary == board.primary]
    if len(boards) < 2:  # noqa: PLR2004 - one column is the table itself
        return None
    first = [board, *(other for other in boards if other is not board)]
    by_board = [{row.result.system: row for row in other.rows} for other in boards]
    competing = list(dict.fromkeys(row.result.system for other in first for row in other.competing))
    others = dict.fromkeys(row.result.system for other in first for row in other.yardsticks)
    values = [strength for other in boards for row in other.competing if (strength := _strength(row)) is not None]
    scale = (min(values), max(values)) if values and len(competing) > 1 else None  # alone, nobody is better
    return HeatMap(
        metric=board.primary,
        is_coloured=scale is not None,
        test_sets=tuple(other.test_set for other in boards),
        competing=tuple(_row(system, boards, by_board, scale) for system in competing),
        yardsticks=tuple(_row(system, boards, by_board, None) for system in others if system not in competing),
    )


def step(value: float, scale: tuple[float, float]) -> int:
    """Which of STEPS equal parts of the scale holds a value; the ends belong to it."""
    lo, hi = scale
    return STEPS - 1 if hi <= lo else min(STEPS - 1, max(0, math.floor((value - lo) / (hi - lo) * STEPS)))


def _strength(row: Row) -> float | None:
    """The more the better."""
    score = row.primary
    if score is None or score.value is None:
        return None
    return {"lower": -score.value, "zero": -abs(score.value)}.get(score.best, score.value)


def _row(
    system: str, boards: Sequence[Board], by_board: Sequence[Mapping[str, Row]], scale: tuple[float, float] | None
) -> HeatRow:
    found = [rows.get(system) for rows in by_board]
    cells = tuple(_cell(system, board, row, scale) for board, row in zip(boards, found, strict=True))
    return HeatRow(next(row.result for row in found if row is not None), cells)


def _cell(system: str, board: Board, row: Row | None, scale: tuple[float, float] | None) -> HeatCell:
    if row is None:
        is_absent = any(missing.system == system for missing in board.missing)
        return HeatCell(None, None, "not submitted" if is_absent else "no result")
    strength = _strength(row)
    if strength is None:
        return HeatCell(None, None, "not computed" if row.primary is None else "undefined")
    return HeatCell(row.primary, None if scale is None else step(strength, scale))


@dataclass(frozen=True, slots=True)
class PairCell:
    """A system and a better one: p corrected by Holm, its step (0: no finding), and where their page would lie.

    `difference` is that of the system minus the better one.
    """

    pair: Pair | None
    difference: float | None
    shown: str
    step: int
    place: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A system against every one above it; `apart` where a cluster begins."""

    number: int
    row: Row
    cells: tuple[PairCell, ...]
    apart: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """The lower half of systems by systems; `total` systems were compared."""

    rows: tuple[MatrixRow, ...]
    unit: str
    total: int
    pairs: int

    @property
    def has_differences(self) -> bool:
        """Whether its cells have room for the differences themselves."""
        return len(self.rows) <= ROOMY


def matrix(board: Board) -> Matrix | None:
    """The tests between the best systems of a test set; None where nothing was tested."""
    comparison = board.comparison
    if comparison is None or not any(pair.p_holm is not None for pair in comparison.pairs):
        return None
    pairs = {frozenset((pair.a, pair.b)): pair for pair in comparison.pairs}
    compared = {place.system for place in comparison.systems}
    ranked = [row for row in board.competing if row.result.system in compared]
    rows = []
    for number, row in enumerate(ranked[:SHOWN]):
        system = row.result.system
        cells = tuple(_pair_cell(pairs, board, other.result.system, system) for other in ranked[:number])
        rows.append(MatrixRow(number + 1, row, cells, board.starts_cluster(row)))
    return Matrix(tuple(rows), comparison.unit, len(compared), len(comparison.pairs))


def _pair_cell(pairs: Mapping[frozenset[str], Pair], board: Board, better: str, system: str) -> PairCell:
    pair = pairs.get(frozenset((better, system)))
    p = None if pair is None else pair.p_holm
    found = 0 if p is None else sum(p <= bound for bound in LEVELS)
    difference = None if pair is None else pair.difference if pair.a == system else -pair.difference
    return PairCell(pair, difference, p_value(p), found, place(board.task, board.test_set, better, system))


def p_value(p: float | None) -> str:
    """A p-value as tables print it: `.012`, `<.001`, `1.000`; a dash without one."""
    if p is None:
        return "–"  # noqa: RUF001 - the dash of the tables
    return "<.001" if p < LEVELS[-1] else f"{p:.3f}".removeprefix("0")


PAIR_COLUMNS = ("a", "b", "difference", "lo", "hi", "p", "p_holm")


def pairs_csv(comparison: Comparison) -> str:
    """Every pair of a comparison, in full precision."""
    rows = ({name: getattr(pair, name) for name in PAIR_COLUMNS} for pair in comparison.pairs)
    return csv_of(rows, PAIR_COLUMNS)
