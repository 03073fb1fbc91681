"""`harness leaderboard`: render the site from the current records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cli import terminal
from harness.errors import ExitCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from harness.plan import Plan
    from harness.records import Comparison, Result
    from harness.site.site import Records
    from harness.workspace import Workspace

SUMMARY = "render the site from the current records"
EPILOG = """\
harness score does this at its end; here nothing is scored. Pages whose records have not changed are not
touched. The folder opens from the disk; to publish it, copy it to any static host.

examples:
  harness leaderboard
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""


def run(arguments: argparse.Namespace) -> ExitCode:
    """Render what the records say."""
    from harness import plan as planning
    from harness.comparing import Field, Settings, fields
    from harness.score import has_failed
    from harness.site import pages

    workspace = terminal.workspace_of(arguments)
    plan = planning.make(workspace)
    whole = [result for result in plan.current if not has_failed(result)]
    wanted = set(fields(whole, Settings()))
    comparisons = [found for found in workspace.results.comparisons.records() if Field.of(found) in wanted]
    records = records_of(workspace, plan, plan.current, comparisons)
    written = pages.build(records, workspace.site, workspace.leaderboard)
    if arguments.json:
        terminal.say_json({"written": [str(path) for path in written], "site": str(workspace.site / "index.html")})
    else:
        terminal.say(f"{len(written)} files written")
        terminal.say(f"leaderboard: {workspace.site / 'index.html'}")
    return ExitCode.GOOD


def records_of(
    workspace: Workspace, plan: Plan, results: Sequence[Result], comparisons: Sequence[Comparison]
) -> Records:
    """What the site is made of."""
    from harness import deriving, segments
    from harness.comparing import Settings
    from harness.site.site import Records

    derived = []
    stored = list(workspace.results.derived.records())
    for name in sorted({result.task for result in results} if stored else ()):
        own = [result for result in results if result.task == name]
        groups = deriving.groups(name, workspace.task(name).manifest.derived, own)
        derived += [found for group in groups for found in stored if group.claims(found, Settings())]
    paths = {
        (result.task, result.test_set, result.system): segments.path_of(result, workspace.results.segments)
        for result in results
    }
    return Records(
        results=results,
        absent=[(cell.task, cell.test_set, cell.system) for cell in plan.absent],
        comparisons=comparisons,
        derived=derived,
        timings=plan.timings,
        segments=paths,
    )
