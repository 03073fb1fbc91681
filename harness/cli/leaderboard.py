"""`harness leaderboard`: render the site from the current records, look at it, and check it before it is published."""

from __future__ import annotations

import argparse
import os
from datetime import date
from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.cli import terminal
from harness.errors import EnvironmentFault, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.plan import Plan
    from harness.records import Comparison, Result
    from harness.site.check import Finding
    from harness.site.site import Records
    from harness.workspace import Workspace

SUMMARY = "render the site from the current records"
EPILOG = """\
harness score does this at its end; here nothing is scored. Pages whose records have not changed are not
touched. The folder opens from the disk; to publish it, check it and copy it to any static host
(docs/leaderboard.md, where site.toml is explained, too). --check writes nothing and ends with 5 if it finds
anything: links, budgets, files that are not what the records say, columns that mix signatures, names of what is still
hidden. --serve builds again whenever a page is loaded, for this machine alone; it ends with Ctrl-C.

examples:
  harness leaderboard
  harness leaderboard --check
  harness leaderboard --serve 8080
  harness leaderboard --date 2026-08-01
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say whether the site that lies there may be published")
    what.add_argument(
        "--serve", type=_port, nargs="?", const=-1, metavar="PORT", help="show it to this machine (default: port 8000)"
    )
    parser.add_argument(
        "--date",
        type=_day,
        metavar="YYYY-MM-DD",
        help="the day that decides what is hidden, and of which new results are (default: today, or SOURCE_DATE_EPOCH)",
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Render what the records say. Exit code 5 if a check finds anything."""
    from harness.site import pages

    workspace = terminal.workspace_of(arguments)
    if arguments.check:
        return _check(workspace, arguments)
    if arguments.serve is not None:
        return _serve(workspace, arguments)
    written = pages.build(_records(workspace)[0], workspace.site, workspace.leaderboard, arguments.date)
    if arguments.json:
        terminal.say_json({"written": [str(path) for path in written], "site": str(workspace.site / "index.html")})
    else:
        terminal.say(f"{len(written)} files written")
        terminal.say(f"leaderboard: {workspace.site / 'index.html'}")
    return ExitCode.GOOD


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 2**16:
        message = f"{text!r} is no port: a number up to 65535"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no day like 2026-08-01"
        raise argparse.ArgumentTypeError(message) from error


def _records(workspace: Workspace) -> tuple[Records, Plan]:
    """The current records, and the plan that says so."""
    from harness import plan as planning
    from harness.comparing import Field, Settings, fields
    from harness.score import has_failed

    plan = planning.make(workspace)
    whole = [result for result in plan.current if not has_failed(result)]
    wanted = set(fields(whole, Settings()))
    comparisons = [found for found in workspace.results.comparisons.records() if Field.of(found) in wanted]
    return records_of(workspace, plan, plan.current, comparisons), plan


def _check(workspace: Workspace, arguments: argparse.Namespace) -> ExitCode:
    from harness.site import check, config, leaks, pages
    from harness.site.check import Finding

    records, plan = _records(workspace)
    settings, day = config.read(workspace.leaderboard), arguments.date or pages.date_of_build()
    found = check.findings(workspace.site, settings.url)
    if (workspace.site / "index.html").is_file():
        wanted = pages.render(records, workspace.site, workspace.leaderboard, day, fresh=True)
        found += check.stale(wanted, workspace.site)
    found += check.mixed(pages.of(records, settings, day).boards)
    found += leaks.findings(workspace.site, records, settings, day)
    if plan.jobs:
        found.append(
            Finding("", "stale", f"{len(plan.jobs)} submissions are not scored as they are; run harness score")
        )
    _report(found, workspace, arguments)
    return ExitCode.INTEGRITY if found else ExitCode.GOOD


def _report(found: Sequence[Finding], workspace: Workspace, arguments: argparse.Namespace) -> None:
    if arguments.json:
        rows = [{"file": one.place, "rule": one.rule, "what": one.what} for one in found]
        terminal.say_json({"findings": rows, "site": str(workspace.site / "index.html")})
        return
    for one in found:
        terminal.tell(f"{one.rule}: {one.place or workspace.site}: {one.what}")
    terminal.say(f"{len(found)} findings in {workspace.site}" if found else f"{workspace.site} may be published")


def _serve(workspace: Workspace, arguments: argparse.Namespace) -> ExitCode:
    from harness.site import pages, serve

    def rebuild() -> None:
        pages.build(_records(workspace)[0], workspace.site, workspace.leaderboard, arguments.date)

    rebuild()
    port = serve.PORT if arguments.serve == -1 else arguments.serve
    try:
        server = serve.Server(workspace.site, rebuild, port)
    except OSError as error:
        what = f"port {port}: {os.strerror(error.errno or 0)}"
        raise EnvironmentFault(problem("E014", what=what)) from error
    with server:
        terminal.tell(f"serving {workspace.site} at {server.address} until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return ExitCode.GOOD
    return ExitCode.GOOD


def records_of(
    workspace: Workspace, plan: Plan, results: Sequence[Result], comparisons: Sequence[Comparison]
) -> Records:
    """What the site is made of."""
    from harness import deriving, segments
    from harness.comparing import Settings
    from harness.site.site import Meaning, Records

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
    named = dict.fromkeys((result.task, score.metric) for result in results for score in result.scores)
    known = ((key, workspace.task(key[0]).metrics.get(key[1])) for key in named)
    return Records(
        results=results,
        absent=[(cell.task, cell.test_set, cell.system) for cell in plan.absent],
        comparisons=comparisons,
        derived=derived,
        timings=plan.timings,
        segments=paths,
        metrics={key: Meaning(one.title, one.formula, one.citation) for key, one in known if one is not None},
    )
