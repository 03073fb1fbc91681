"""The official order of results: a pure function of records that tables and pages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.records import Result, Score

COMPETING = frozenset({"primary", "contrastive", "baseline"})
"""Kinds that are ranked; ceiling, floor and gaming rows are yardsticks and stand apart."""


@dataclass(frozen=True)
class Row:
    """A result in the table of its test set; `rank` is None for a row that is not ranked."""

    rank: int | None
    result: Result

    @property
    def is_competing(self) -> bool:
        """Whether the row is a system that competes."""
        return self.result.kind in COMPETING

    @property
    def primary(self) -> Score:
        """The score by which the table is ordered."""
        return primary_score(self.result)


def primary_score(result: Result) -> Score:
    """The primary score of a result. Raises StopIteration if the record has none."""
    return next(score for score in result.scores if score.metric == result.primary)


def order(results: Iterable[Result]) -> list[Row]:
    """Competing rows by primary value from high to low, then the rest.

    Equal values share a rank and the next rank counts them (1, 2, 2, 4). A row whose primary
    value is undefined is not ranked and stands behind those that are. Ties are listed by system
    id, so the order depends on nothing but the records.
    """
    rows = sorted(results, key=_key)
    ranked = [row for row in rows if row.kind in COMPETING and primary_score(row).value is not None]
    values = [primary_score(row).value for row in ranked]
    return [Row(1 + values.index(primary_score(result).value) if result in ranked else None, result) for result in rows]


def _key(result: Result) -> tuple[bool, str, bool, float, str]:
    value = primary_score(result).value
    competing = result.kind in COMPETING
    apart = "" if competing else {"ceiling": "0"}.get(result.kind, result.kind)
    return (not competing, apart, value is None, -(value or 0.0), result.system)
