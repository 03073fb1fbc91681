"""`harness score`: check, score, store, and rebuild the site."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.cli import systems, terminal
from harness.errors import ExitCode, Problem, UsageError, printable
from harness.stats import LEVEL

if TYPE_CHECKING:
    import argparse

    from harness.plan import Cell, Plan
    from harness.records import Comparison, Result, Score
    from harness.workspace import Workspace

SUMMARY = "check, run, score and time submissions, store the results, rebuild the site"
EPILOG = """\
SELECTION is a task, a system, a test set, task/system, task/system/test-set or the path of a
submission; patterns such as '*-en-de-*' work.
What is up to date is not done again; what is refused does not stop the rest. Systems that run are run
apart from everything else (see harness doctor) and timed if you say where: docs/timing.md.

examples:
  harness score
  harness score my-task/my-system
  harness score '*-en-de-*' --workers 4
  harness score --backend cpu --quick
  harness score my-task/my-system --backend cpu1,cuda --scenario latency,offline
"""
_GROUP = 16
_GROUP_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("selection", nargs="*", metavar="SELECTION", help="what to score (default: everything)")
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        default=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        help="scoring processes (default: the processors of this process)",
    )
    systems.add_arguments(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what was stored, as soon as it is safe")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Score what is selected and not up to date. Exit code 1 if anything was refused or failed."""
    from harness import plan as planning
    from harness.plan import Cell
    from harness.score import has_failed
    from harness.timing import quiet

    workspace = terminal.workspace_of(arguments)
    asked = systems.wanted(arguments)
    plan = planning.make(workspace, arguments.selection)
    failed = systems.run(workspace, plan, arguments)
    if plan.runs:
        plan = planning.make(workspace, arguments.selection)
    if not (plan.jobs or plan.current or plan.refused or plan.runs or plan.skipped):
        raise UsageError(problem("U015", what=workspace.submissions))
    with quiet.together():
        scored, refused = _score(workspace, plan, arguments)
    failed += systems.time(workspace, plan, asked, arguments) if asked else []
    results = list({_cell(result): result for result in [*plan.current, *scored]}.values())
    whole = [result for result in results if not has_failed(result)]  # what failed is tried again, with all it decides
    _write_segments(workspace, whole)
    comparisons = _compare(workspace, whole)
    _derive(workspace, whole)
    selected = set(plan.selected)
    shown = [result for result in results if _cell(result) in selected]
    timings = [timing for timing in plan.timings if Cell(timing.task, timing.test_set, timing.system) in selected]
    faults = terminal.located([*plan.refused, *failed, *refused, *_unavailable(shown)], arguments)
    pages = _publish(workspace, results, comparisons, plan)
    if arguments.json:
        terminal.say_json(_facts(workspace, plan, shown, len(scored), faults) | systems.facts(timings))
    else:
        _print_tables(shown)
        systems.show(timings)
        _print_remarks(shown, plan)
        terminal.report(faults)
        parts = [f"{len(scored)} scored", f"{len(shown) - len(scored)} up to date", f"{len(faults)} problems"]
        parts += [f"{plan.history} older records kept"] if plan.history else []
        parts += [f"{pages} pages written"] if pages else []
        terminal.say(", ".join(parts))
        terminal.say(f"leaderboard: {workspace.site / 'index.html'}")
    return _exit_code(faults, shown)


def _exit_code(faults: list[Problem], shown: list[Result]) -> ExitCode:
    """Why nothing came of it, where one thing was asked for and one kind of fault stood in its way."""
    if not faults:
        return ExitCode.GOOD
    kinds = {fault.code[0] for fault in faults}
    alone = {"P": ExitCode.POLICY, "X": ExitCode.SYSTEM_FAILED}.get(min(kinds)) if len(kinds) == 1 else None
    only_ceilings = all(result.kind == "ceiling" for result in shown)
    return alone if alone is not None and only_ceilings else ExitCode.SOME_FAILED


def _cell(result: Result) -> Cell:
    from harness.plan import Cell

    return Cell(result.task, result.test_set, result.system)


def _score(workspace: Workspace, plan: Plan, arguments: argparse.Namespace) -> tuple[list[Result], list[Problem]]:
    """Run the jobs; store results in groups, each safe on disk before the next is begun."""
    from harness import worker

    scored: list[Result] = []
    refused: list[Problem] = []
    waiting: list[Result] = []
    since = time.monotonic()
    with terminal.progress("scoring", len(plan.jobs)) as advance:
        for outcome in worker.run(workspace, plan.jobs, arguments.workers):
            advance(str(outcome.cell))
            refused += outcome.problems
            if outcome.result is not None:
                waiting.append(outcome.result)
            if len(waiting) >= _GROUP or time.monotonic() - since > _GROUP_SECONDS:
                _store(workspace, waiting, verbose=arguments.verbose)
                scored, waiting, since = [*scored, *waiting], [], time.monotonic()
    _store(workspace, waiting, verbose=arguments.verbose)
    return [*scored, *waiting], refused


def _store(workspace: Workspace, results: list[Result], *, verbose: bool) -> None:
    for path in workspace.results.records.put(results):
        if verbose:
            terminal.tell(f"stored {path.relative_to(workspace.root)}")


def _write_segments(workspace: Workspace, results: list[Result]) -> None:
    """Write the segments of every result that has none."""
    from harness import segments

    missing = [result for result in results if not segments.path_of(result, workspace.results.segments).exists()]
    if missing:
        from harness import worker

        with terminal.progress("writing segments", len(missing)) as advance:
            for result in missing:
                advance(f"{result.task}/{result.system} on {result.test_set}")
                worker.write_segments(workspace, result)


def _compare(workspace: Workspace, results: list[Result]) -> list[Comparison]:
    """The comparisons that the results ask for: those that are stored, and new ones, which are stored."""
    from harness.comparing import Field, Settings, fields

    stored = {Field.of(comparison): comparison for comparison in workspace.results.comparisons.records()}
    wanted = fields(results, Settings())
    missing = [field for field in wanted if field not in stored]
    if missing:
        from harness import worker

        with terminal.progress("comparing", len(missing)) as advance:
            for field in missing:
                advance(f"{field.task}/{field.test_set} by {field.metric}")
                stored[field] = worker.compare(workspace, field, Settings())
        workspace.results.comparisons.put([stored[field] for field in missing])
    return [stored[field] for field in wanted]


def _derive(workspace: Workspace, results: list[Result]) -> None:
    """Store the numbers over several test sets that the results allow and that are not stored."""
    from harness import deriving
    from harness.comparing import Settings

    stored = list(workspace.results.derived.records())
    missing = []
    for name in sorted({result.task for result in results}):
        own = [result for result in results if result.task == name]
        groups = deriving.groups(name, workspace.task(name).manifest.derived, own)
        missing += [group for group in groups if not any(group.claims(found, Settings()) for found in stored)]
    if missing:
        from harness import worker

        with terminal.progress("deriving", len(missing)) as advance:
            for group in missing:
                advance(f"{group.task}/{group.table.name}")
                workspace.results.derived.put([worker.derive(workspace, group, Settings())])


def _publish(workspace: Workspace, results: list[Result], comparisons: list[Comparison], plan: Plan) -> int:
    from harness.cli.leaderboard import records_of
    from harness.site import pages

    records = records_of(workspace, plan, results, comparisons)
    return len(pages.build(records, workspace.site, workspace.leaderboard))


def _unavailable(results: list[Result]) -> list[Problem]:
    """One problem per metric and test set that could not be computed, however many systems it hit."""
    from harness.score import UNAVAILABLE

    reasons: dict[tuple[str, str, str], str] = {}
    for result in results:
        for score in result.scores:
            if score.reason is not None and score.reason.startswith(UNAVAILABLE):
                reasons[result.task, result.test_set, score.metric] = score.reason.removeprefix(UNAVAILABLE)
    return [
        problem("M001", task=task, test_set=test_set, id=metric, reason=reason)
        for (task, test_set, metric), reason in sorted(reasons.items())
    ]


def _print_tables(results: list[Result]) -> None:
    """One table per test set, in the official order; the primary metric stands first, with its interval."""
    from harness import standings

    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        groups[result.task, result.test_set].append(result)
    for (task, test_set), members in sorted(groups.items()):
        primary = members[0].primary
        others = [score.metric for score in members[0].scores if score.metric != primary]
        has_intervals = any(score.interval for result in members for score in result.scores if score.metric == primary)
        rows = []
        for row in standings.order(members):
            scores = {score.metric: score for score in row.result.scores}
            place = str(row.rank) if row.rank else "unranked" if row.is_competing else row.result.kind
            first = [_number(scores[primary]), _interval(scores[primary])][: 1 + has_intervals]
            rows.append([place, row.result.system, *first, *(_number(scores[metric]) for metric in others)])
        interval = [f"{LEVEL * 100:g} % interval"] if has_intervals else []
        terminal.table(f"{task} · {test_set}", ["rank", "system", primary, *interval, *others], rows, text_columns=2)


def _interval(score: Score) -> str:
    return "" if score.interval is None else terminal.interval(score.unit, score.interval.lo, score.interval.hi)


def _number(score: Score) -> str:
    if score.value is None:
        return (score.reason or "undefined").split(":", maxsplit=1)[0]
    return terminal.number(score.unit, score.value)


def _print_remarks(shown: list[Result], plan: Plan) -> None:
    """Notices, strays, and what the shown systems did not submit."""
    notices: dict[str, int] = defaultdict(int)
    for result in shown:
        for code, count in result.notices.items():
            notices[code] += count
    for line in terminal.notices_in_words(notices):
        terminal.say(line)
    for cell, reason in plan.skipped:
        terminal.say(f"not run: {cell}: {reason}")
    for stray in plan.strays:
        terminal.say(f"not read: {printable(stray, 400)} belongs to no test set")
    absent = _absent(shown, plan)
    if absent:
        terminal.say(f"not submitted: {len(absent)} cells")
        for cell in absent:
            terminal.say(f"  {cell}")


def _absent(shown: list[Result], plan: Plan) -> list[Cell]:
    """The absent cells of the systems that are shown."""
    systems = {(result.task, result.system) for result in shown}
    return [cell for cell in plan.absent if (cell.task, cell.system) in systems]


def _facts(
    workspace: Workspace, plan: Plan, shown: list[Result], scored: int, faults: list[Problem]
) -> dict[str, object]:
    import msgspec

    absent = _absent(shown, plan)
    return {
        "scored": scored,
        "current": len(shown) - scored,
        "history": plan.history,
        "problems": [fault.to_dict() for fault in faults],
        "absent": [{"task": cell.task, "test_set": cell.test_set, "system": cell.system} for cell in absent],
        "strays": plan.strays,
        "results": msgspec.to_builtins(shown),
        "site": str(workspace.site / "index.html"),
    }
