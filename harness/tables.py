"""Records as flat tables for other programs: rows in full precision, and CSV that no spreadsheet runs.

The command line and the site share them, so that a file of the site and an export say the same.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.records import Result, Timing

RESULTS = (
    "task",
    "test_set",
    "system",
    "metric",
    "value",
    "lo",
    "hi",
    "numerator",
    "n",
    "segments",
    "unit",
    "signature",
)
TIMINGS = (
    "system",
    "test_set",
    "backend",
    "scenario",
    "quantity",
    "value",
    "lo",
    "hi",
    "n",
    "unit",
    "isolation",
    "valid",
    "machine_id",
)
Cell = str | float | int | bool | None
Row = dict[str, Cell]

_SPECIAL = re.compile(r'[",\r\n]')
_FORMULA = re.compile(r"[=+\-@\t\r]")


def results(found: Iterable[Result]) -> Iterator[Row]:
    """One row per task, test set, system and metric, with `RESULTS` and who the system is: name, team, kind."""
    for result in sorted(found, key=operator.attrgetter("task", "test_set", "system")):
        for score in result.scores:
            interval = score.interval
            yield {
                "task": result.task,
                "test_set": result.test_set,
                "system": result.system,
                "name": result.name,
                "team": result.team,
                "kind": result.kind,
                "metric": score.metric,
                "value": score.value,
                "lo": None if interval is None else interval.lo,
                "hi": None if interval is None else interval.hi,
                "numerator": score.numerator,
                "n": score.n,
                "segments": result.segments,
                "unit": score.unit,
                "signature": score.signature,
            }


def timings(found: Iterable[Timing]) -> Iterator[Row]:
    """One row per system, test set, backend, scenario and quantity, with `TIMINGS`."""
    key = operator.attrgetter("task", "test_set", "system", "backend", "scenario", "quick")
    for timing in sorted(found, key=key):
        facts: Row = {"system": timing.system, "test_set": timing.test_set, "backend": timing.backend}
        facts |= {"scenario": timing.scenario, "isolation": timing.isolation.level}
        facts |= {"valid": timing.valid, "machine_id": timing.machine_id}
        for quantity in timing.quantities:
            ends: Row = {"value": quantity.value, "lo": quantity.lo, "hi": quantity.hi}
            yield {"quantity": quantity.name, **ends, "n": quantity.n, "unit": quantity.unit, **facts}


def csv_of(rows: Iterable[Mapping[str, Cell]], columns: Sequence[str]) -> str:
    """The columns of rows as CSV with a head; a text that a spreadsheet would run gets a leading apostrophe."""
    lines = [columns, *([_quoted(guarded(row[key])) for key in columns] for row in rows)]
    return "".join(",".join(cells) + "\n" for cells in lines)


def _quoted(shown: str) -> str:
    """A cell as CSV; the module of the standard library leaves a lone CR as it is, at which others end a line."""
    return '"' + shown.replace('"', '""') + '"' if _SPECIAL.search(shown) else shown


def guarded(value: Cell) -> str:
    """A cell that a spreadsheet takes for what it is; numbers keep their sign."""
    shown = cell(value)
    return f"'{shown}" if isinstance(value, str) and _FORMULA.match(shown) else shown


def cell(value: Cell) -> str:
    """A value in full precision; nothing for None."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
