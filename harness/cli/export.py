"""`harness export`: the current results or timings as a flat table for other programs."""

from __future__ import annotations

import csv
import io
import json
import operator
import re
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.cli import terminal
from harness.errors import EnvironmentFault, ExitCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from harness.records import Result, Timing

SUMMARY = "print current results or timings as TSV, CSV or JSON Lines, in full precision"
EPILOG = """\
results: one row per task, test set, system and metric. `n` is the metric's own denominator,
`numerator` what is counted of it; fractions run from 0 to 1, BLEU and chrF from 0 to 100.
timings: one row per system, test set, backend, scenario and quantity, in the unit that stands
there; a quantity that could not be had has no value. `valid` is false where a flag voids the timing.
Older records that match nothing any more are not exported. CSV cells that a spreadsheet would run
as a formula get a leading apostrophe.

examples:
  harness export results --as tsv > results.tsv
  harness export timings --as tsv > timings.tsv
  harness export results --as jsonl --output results.jsonl
"""
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
_FORMULA = re.compile(r"[=+\-@\t\r]")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("what", choices=["results", "timings"], help="what to export")
    parser.add_argument("--as", dest="form", choices=["tsv", "jsonl", "csv"], default="tsv", help="default: tsv")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to a file instead of stdout")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print or write the table."""
    from harness import plan

    workspace = terminal.workspace_of(arguments)
    found = plan.make(workspace)
    rows = list(_timings(found.timings) if arguments.what == "timings" else _results(found.current))
    columns = TIMINGS if arguments.what == "timings" else RESULTS
    text = {"tsv": _tsv, "csv": _csv, "jsonl": _jsonl}["jsonl" if arguments.json else arguments.form](rows, columns)
    if arguments.output is None:
        terminal.write(text)
    else:
        try:
            arguments.output.write_bytes(text.encode("utf-8"))
        except OSError as error:
            raise EnvironmentFault(problem("E010", file=arguments.output, what=error.strerror)) from None
    return ExitCode.GOOD


Row = dict[str, "str | float | int | bool | None"]


def _timings(timings: Iterable[Timing]) -> Iterator[Row]:
    key = operator.attrgetter("task", "test_set", "system", "backend", "scenario", "quick")
    for timing in sorted(timings, key=key):
        facts: Row = {"system": timing.system, "test_set": timing.test_set, "backend": timing.backend}
        facts |= {"scenario": timing.scenario, "isolation": timing.isolation.level}
        facts |= {"valid": timing.valid, "machine_id": timing.machine_id}
        for quantity in timing.quantities:
            ends: Row = {"value": quantity.value, "lo": quantity.lo, "hi": quantity.hi}
            row = {"quantity": quantity.name, **ends, "n": quantity.n, "unit": quantity.unit, **facts}
            yield {column: row[column] for column in TIMINGS}


def _results(results: Iterable[Result]) -> Iterator[Row]:
    for result in sorted(results, key=lambda result: (result.task, result.test_set, result.system)):
        for score in result.scores:
            interval = score.interval
            yield {
                "task": result.task,
                "test_set": result.test_set,
                "system": result.system,
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


def _cell(value: str | float | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _tsv(rows: list[Row], columns: Sequence[str]) -> str:
    lines = [columns, *([_cell(row[key]) for key in columns] for row in rows)]
    return "".join("\t".join(cells) + "\n" for cells in lines)


def _csv(rows: list[Row], columns: Sequence[str]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_guarded(row[key]) for key in columns])
    return buffer.getvalue()


def _guarded(value: str | float | None) -> str:
    shown = _cell(value)
    return f"'{shown}" if isinstance(value, str) and _FORMULA.match(shown) else shown


def _jsonl(rows: list[Row], _: Sequence[str]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
