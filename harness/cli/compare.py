"""`harness compare`: two systems, metric by metric, with the uncertainty of their difference."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from harness.catalogue import problem
from harness.cli import chosen, terminal
from harness.errors import ExitCode, UsageError, printable
from harness.stats import SEED

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from harness.workspace import Workspace

SUMMARY = "compare two systems: differences with intervals, and p by two tests"
EPILOG = """\
A is the baseline; the difference is A - B. `bootstrap` resamples segments (or their blocks),
`randomization` swaps the outputs of the two; a metric for which swapping makes no sense says so.
The arithmetic `sacrebleu` gives the figures of sacrebleu --paired-bs and --paired-ar, bit for bit,
for BLEU and chrF.

examples:
  harness compare baseline my-system
  harness compare baseline my-system --test-set my-test-set --json
  harness compare baseline my-system --arithmetic sacrebleu --as latex
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("a", metavar="A", help="a system, or task/system")
    parser.add_argument("b", metavar="B", help="another of the same task")
    parser.add_argument("--test-set", metavar="T", help="one test set (default: each that both took part in)")
    parser.add_argument("--metric", metavar="M", help="one metric (default: all)")
    parser.add_argument("--arithmetic", choices=["exact", "sacrebleu"], default="exact", help="default: exact")
    chosen.add_where(parser)
    parser.add_argument(
        "--influence", type=chosen.count, default=0, metavar="N", help="the N blocks that speak most for A and for B"
    )
    chosen.add_settings(parser, default_seed=None)
    chosen.add_trials(parser)
    chosen.add_form(parser)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print one table per test set."""
    workspace = terminal.workspace_of(arguments)
    tables = list(_tables(workspace, arguments))
    if arguments.json:
        terminal.say_json([row for _, rows in tables for row in rows])
    else:
        for title, rows in tables:
            terminal.table(title, *_shown(rows), text_columns=1, form=arguments.form)
            reasons: dict[str, list[str]] = {}
            for row in rows if arguments.form == "table" else ():
                if row["reason"]:
                    reasons.setdefault(row["reason"], []).append(row["metric"])
            for reason, metrics in reasons.items():
                terminal.say(f"{', '.join(metrics)}: {reason}")
            for row in rows if arguments.form == "table" else ():
                for block, raised in row.get("influence", ()):
                    side = "A" if raised > 0 else "B"
                    terminal.say(f"{row['metric']}: {block} speaks for {side}, by {abs(raised):.4g}")
    return ExitCode.GOOD


def _tables(workspace: Workspace, arguments: argparse.Namespace) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    from harness.comparing import Settings
    from harness.pairing import compare_pair, influential

    task, a = _named(arguments.a)
    other, b = _named(arguments.b)
    seed = arguments.seed if arguments.seed is not None or arguments.arithmetic == "sacrebleu" else SEED
    if arguments.arithmetic == "sacrebleu":
        _check_seed(seed)
    settings = Settings(arguments.resamples, arguments.trials, seed, arithmetic=arguments.arithmetic)
    if task and other and task != other:
        shown = f"'{printable(arguments.a)}' beside '{printable(arguments.b)}'"
        raise UsageError(problem("U017", id=shown, task=task, test_set="any test set", hint=""))
    boards = chosen.boards(workspace, task or other, arguments.test_set)
    shared = [board for board in boards if {a, b} <= {result.system for result in board.results}]
    if not shared:
        if len(boards) == 1:
            for system in (a, b):
                boards[0].result(system)
        shown, where = f"'{printable(a)}' beside '{printable(b)}'", arguments.test_set or "any test set"
        raise UsageError(problem("U017", id=shown, task=task or other or "any", test_set=where, hint=""))
    able = [board for board in shared if board.has(arguments.metric) and chosen.holds(board, arguments.where)]
    for whole in able or shared[:1]:
        board, positions = chosen.sliced(whole, arguments.where)
        metrics = board.task.metrics_for(board.test_set.compat)
        rows = []
        for metric in metrics if arguments.metric is None else [board.metric(arguments.metric)]:
            members = chosen.members(workspace, board, metric, [a, b], positions)
            if len(members) == 2:  # noqa: PLR2004 - A and B
                row = compare_pair(metric, board.test_set, members[0], members[1], settings)
                if arguments.influence:
                    row["influence"] = influential(metric, board.test_set, members[0], members[1], arguments.influence)
                rows.append({**row, "test_set": board.test_set.id})
        yield f"{board.task.name} · {board.test_set.id}: {a} (A), {b} (B)", rows


def _check_seed(seed: int | None) -> None:
    """Raise UsageError (U019) for a seed, given or of SACREBLEU_SEED, that sacrebleu cannot keep."""
    from harness.stats import sacrebleu

    try:
        known = sacrebleu.seed_of(seed)
    except ValueError:
        known = -1
    if known is not None and known < 0:
        found = os.environ.get("SACREBLEU_SEED", "") if seed is None else seed
        raise UsageError(problem("U019", found=found))


def _named(word: str) -> tuple[str | None, str]:
    task, _, system = word.rpartition("/")
    return task or None, system


def _shown(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    columns = ["metric", "A", "B", "A - B", "interval", "p bootstrap", "p randomization"]
    cells = [
        [
            row["metric"],
            *(terminal.number(row["unit"], row[key]) for key in ("a", "b", "difference")),
            terminal.interval(row["unit"], row["lo"], row["hi"]),
            *(("" if row[key] is None else f"{row[key]:.4f}") for key in ("p_bootstrap", "p_randomization")),
        ]
        for row in rows
    ]
    return columns, cells
