"""`harness export`: the current results or timings as a flat table for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from harness import tables
from harness.catalogue import problem
from harness.cli import terminal
from harness.errors import EnvironmentFault, ExitCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from harness.tables import Row

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
    rows = list(tables.timings(found.timings) if arguments.what == "timings" else tables.results(found.current))
    columns = tables.TIMINGS if arguments.what == "timings" else tables.RESULTS
    write = {"tsv": _tsv, "csv": tables.csv_of, "jsonl": _jsonl}["jsonl" if arguments.json else arguments.form]
    text = write(rows, columns)
    if arguments.output is None:
        terminal.write(text)
    else:
        try:
            arguments.output.write_bytes(text.encode("utf-8"))
        except OSError as error:
            raise EnvironmentFault(problem("E010", file=arguments.output, what=error.strerror)) from None
    return ExitCode.GOOD


def _tsv(rows: list[Row], columns: Sequence[str]) -> str:
    lines = [columns, *([tables.cell(row[key]) for key in columns] for row in rows)]
    return "".join("\t".join(cells) + "\n" for cells in lines)


def _jsonl(rows: list[Row], columns: Sequence[str]) -> str:
    return "".join(json.dumps({key: row[key] for key in columns}, ensure_ascii=False) + "\n" for row in rows)
