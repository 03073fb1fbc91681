"""The official order of results: a pure function of records that tables and pages share."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.records import Result, Score

COMPETING = frozenset({"primary", "contrastive", "baseline"})
"""Kinds that are ranked; ceiling, floor and gaming rows are yardsticks and stand apart."""


@dataclass(frozen=True, slots=True)
class Row:
    """A result in the table of its test set; `rank` is None for a row that is not ranked."""

    rank: int | None
    result: Result

    @property
    def is_competing(self) -> bool:
        """Whether the row is a system that competes."""
        return self.result.kind in COMPETING

    @property
    def primary(self) -> Score | None:
        """The score by which the table is ordered; None if the record lacks it."""
        return next((score for score in self.result.scores if score.metric == self.result.primary), None)

    @property
    def strength(self) -> float | None:
        """The primary value, negated where lower is better; None if it is undefined."""
        score = self.primary
        if score is None or score.value is None:
            return None
        return score.value if score.best == "higher" else -score.value


def order(results: Iterable[Result]) -> list[Row]:
    """Competing rows from the best primary value to the worst, then the yardsticks by kind.

    rank = 1 + the number of competing systems that are strictly better, so equal values share a
    rank and the next one counts them (1, 2, 2, 4). A row whose primary value is undefined is not
    ranked and stands behind those that are. Ties are listed by system id, so the order depends on
    nothing but the records.
    """
    rows = sorted((Row(None, result) for result in results), key=_key)
    strengths = sorted(row.strength for row in rows if row.is_competing and row.strength is not None)
    return [
        Row(1 + len(strengths) - bisect_right(strengths, row.strength), row.result)
        if row.is_competing and row.strength is not None
        else row
        for row in rows
    ]


def _key(row: Row) -> tuple[bool, str, bool, float, str]:
    kind = "" if row.is_competing or row.result.kind == "ceiling" else row.result.kind
    return (not row.is_competing, kind, row.strength is None, -(row.strength or 0.0), row.result.system)
