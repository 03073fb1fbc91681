"""The official order of results: a pure function of records that tables and pages share."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.records import Quantity, Result, Score, Timing

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


RANKED_LEVELS = frozenset({"L3", "L4", "L5"})
"""Below these a system could have seen or done what others could not: it is listed, and not ranked."""


def order_timings(timings: Iterable[Timing]) -> list[tuple[int | None, Timing]]:
    """The timings of a test set: scenario by scenario and backend by backend, the fastest first, with its rank.

    Ranked by throughput per unit of the reference workload, else by throughput, among what was timed on one
    machine by the same rules. Systems whose intervals overlap the one above share its rank. What is void, what ran
    below level L3 and yardsticks have no rank.
    """
    races: dict[tuple[str, str, bool, str], list[Timing]] = {}
    for timing in timings:
        race = timing.scenario, timing.backend, timing.quick, timing.machine_id
        races.setdefault(race, []).append(timing)
    ordered: list[tuple[int | None, Timing]] = []
    for _, members in sorted(races.items()):
        rank, floor = 0, math.inf
        for place, timing in enumerate(sorted(members, key=_race_key), start=1):
            speed = _speed(timing)
            if not is_ranked(timing) or speed is None or speed.value is None:
                ordered.append((None, timing))
                continue
            highest = speed.value if speed.hi is None else speed.hi
            rank = rank if rank and highest >= floor else place
            floor = speed.value if speed.lo is None else speed.lo
            ordered.append((rank, timing))
    return ordered


def is_ranked(timing: Timing) -> bool:
    """Whether a timing counts."""
    return timing.valid and timing.kind in COMPETING and timing.isolation.level in RANKED_LEVELS


def _speed(timing: Timing) -> Quantity | None:
    known = (timing.quantity(name) for name in ("throughput-ratio", "server-rate", "throughput"))
    return next((found for found in known if found is not None and found.value is not None), None)


def _race_key(timing: Timing) -> tuple[bool, bool, float, str]:
    speed = _speed(timing)
    value = 0.0 if speed is None or speed.value is None else speed.value
    return (not is_ranked(timing), not timing.valid, -value, timing.system)


def _key(row: Row) -> tuple[bool, str, bool, float, str]:
    kind = "" if row.is_competing or row.result.kind == "ceiling" else row.result.kind
    return (not row.is_competing, kind, row.strength is None, -(row.strength or 0.0), row.result.system)
