"""`harness rank`: the systems of a task in their order, with what the test set can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.cli import chosen, terminal
from harness.errors import ExitCode, UsageError, printable

if TYPE_CHECKING:
    import argparse

    from harness.api import Metric
    from harness.comparing import Settings
    from harness.records import Comparison
    from harness.workspace import Workspace

SUMMARY = "rank systems, with rank ranges and clusters that the test set can tell apart"
EPILOG = """\
A rank range holds the places that a system takes in 95 % of the resamples. A line between two
clusters stands where every system above is significantly better than every system below, after
Holm's correction over all pairs. Floors and gaming rows are not ranked.

examples:
  harness rank my-task
  harness rank my-task --test-set my-test-set --metric chrf2++ --as markdown
  harness rank my-task --test-set my-test-set --where domain=law --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("task", metavar="TASK", help="a task with results")
    parser.add_argument("--test-set", metavar="T", help="one test set (default: each of them)")
    parser.add_argument("--metric", metavar="M", help="by this metric, or derived number (default: the primary metric)")
    chosen.add_where(parser)
    chosen.add_settings(parser)
    chosen.add_form(parser)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print one table per test set."""
    from harness.comparing import Settings

    workspace = terminal.workspace_of(arguments)
    settings = Settings(resamples=arguments.resamples, seed=arguments.seed)
    if arguments.metric in {table.name for table in workspace.task(arguments.task).manifest.derived}:
        if arguments.where:
            raise UsageError(problem("U021", id=f"'{printable(arguments.metric)}'"))
        return _rank_derived(workspace, arguments, settings)
    found = []
    boards = chosen.boards(workspace, arguments.task, arguments.test_set)
    able = [board for board in boards if board.has(arguments.metric) and chosen.holds(board, arguments.where)]
    for board in able or boards[:1]:
        metric = board.metric(arguments.metric)
        part, positions = chosen.sliced(board, arguments.where)
        stored = None if positions else _stored(workspace, board, metric, settings)
        found.append(stored or _computed(workspace, part, metric, settings, positions))
    if arguments.json:
        terminal.say_json([row for comparison in found for row in _facts(comparison)])
    else:
        for comparison in found:
            _print(comparison, arguments.form)
    return ExitCode.GOOD


def _stored(workspace: Workspace, board: chosen.Board, metric: Metric, settings: Settings) -> Comparison | None:
    """The comparison that `harness score` stored, if it is of these outputs and made in this way."""
    from harness.comparing import Field, fields

    wanted = {field for field in fields(board.results, settings) if field.metric == metric.name}
    return next((found for found in workspace.results.comparisons.records() if Field.of(found) in wanted), None)


def _computed(
    workspace: Workspace, board: chosen.Board, metric: Metric, settings: Settings, positions: list[int] | None
) -> Comparison:
    from harness.comparing import compare
    from harness.standings import COMPETING

    systems = [result.system for result in board.results if result.kind in COMPETING]
    return compare(metric, board.test_set, chosen.members(workspace, board, metric, systems, positions), settings)


def _rank_derived(workspace: Workspace, arguments: argparse.Namespace, settings: Settings) -> ExitCode:
    """The numbers over several test sets of one name, one table for each group of test sets."""
    import msgspec

    from harness import deriving, plan, testsets, worker

    task = workspace.task(arguments.task)
    tables = [table for table in task.manifest.derived if table.name == arguments.metric]
    current = [result for result in plan.make(workspace).current if result.task == task.name]
    groups = list(deriving.groups(task.name, tables, current))
    if arguments.test_set is not None:
        testsets.get(task, arguments.test_set, workspace.testsets)
        groups = [group for group in groups if arguments.test_set in group.weights]
    if not groups:
        where = arguments.test_set or "any test sets that belong together"
        raise UsageError(
            problem("U017", id=f"'{printable(arguments.metric)}'", task=task.name, test_set=where, hint="")
        )
    found = [worker.derive(workspace, group, settings) for group in groups]
    if arguments.json:
        terminal.say_json(msgspec.to_builtins(found))
        return ExitCode.GOOD
    for derived in found:
        rows = [
            [
                system.system,
                "" if system.value is None else terminal.number(derived.unit, system.value),
                terminal.interval(derived.unit, system.lo, system.hi),
                f"{system.parts} of {len(derived.weights)}",
            ]
            for system in derived.systems
        ]
        tags = ", ".join(f"{key} {text}" for key, text in derived.tags.items())
        title = f"{derived.task} · {derived.title} ({tags}): {', '.join(derived.weights)}"
        columns = ["system", derived.name, "interval", "test sets"]
        terminal.table(title, columns, rows, text_columns=1, form=arguments.form)
    return ExitCode.GOOD


def _facts(comparison: Comparison) -> list[dict[str, object]]:
    import msgspec

    where = {"test_set": comparison.test_set, "metric": comparison.metric}
    return [{**msgspec.to_builtins(system), **where} for system in comparison.systems]


def _print(comparison: Comparison, form: str) -> None:
    rows = [
        [
            "" if system.cluster is None else str(system.cluster),
            system.system,
            terminal.number(comparison.unit, system.value),
            terminal.interval(comparison.unit, system.lo, system.hi),
            terminal.span(system.rank_lo, system.rank_hi),
        ]
        for system in comparison.systems
    ]
    columns = ["cluster", "system", comparison.metric, "interval", "ranks"]
    title = f"{comparison.task} · {comparison.test_set}"
    terminal.table(title, columns, rows, text_columns=2, form=form)
    if form != "table":
        return
    if comparison.reason:
        terminal.say(f"no ranks: {comparison.reason}")
    elif comparison.detectable is not None:
        shown = terminal.number(comparison.unit, comparison.detectable)
        terminal.say(
            f"{comparison.segments} segments in {comparison.blocks} blocks; neighbours must differ by about {shown} "
            "to be told apart four times out of five"
        )
