"""`harness check`: what would be refused, before a submission is sent."""

from __future__ import annotations

import os
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.cli import terminal
from harness.errors import EnvironmentFault, ExitCode, InvalidInput, Problem, SystemFailed, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from harness.submissions import Submission
    from harness.workspace import Workspace

SUMMARY = "check submissions: every error with file, line and what to do"
EPILOG = """\
PATH is a submission folder, a file in one, or a folder of submissions. Test sets are looked for
in the workspace: the one in which the submission lies, unless --workspace names another.
A system that runs is started, as the organizers would, and asked three requests of each test set.

examples:
  harness check submissions/my-task/my-system
  harness check submissions/my-task/my-system/outputs/my-test-set.jsonl
  harness check submissions
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="what to check")


@dataclass
class _Report:
    """What checking found: problems, notices by file, and how many files were looked at."""

    problems: list[Problem] = field(default_factory=list)
    notices: dict[str, Mapping[str, int]] = field(default_factory=dict)
    files: int = 0
    asked: int = 0


def run(arguments: argparse.Namespace) -> ExitCode:
    """Check every path. Exit code 3 if anything would be refused, 4 if it is only that a system failed."""
    from harness import submissions

    report = _Report()
    for path in arguments.paths:
        for folder, only in _submissions_at(path):
            meant = copy(arguments)
            if meant.workspace is None and submissions.is_in_place(folder):
                meant.workspace = submissions.home_of(folder).parent
            found = _check(terminal.workspace_of(meant), folder, only)
            report.problems += terminal.located(found.problems, meant)
            report.notices |= found.notices
            report.files += found.files
            report.asked += found.asked
    _print(report, as_json=arguments.json)
    if report.problems and all(fault.code.startswith("X") for fault in report.problems):
        return ExitCode.SYSTEM_FAILED
    return ExitCode.INVALID if report.problems else ExitCode.GOOD


def _print(report: _Report, *, as_json: bool) -> None:
    notices = {file: dict(counts) for file, counts in report.notices.items() if counts}
    if as_json:
        problems = [fault.to_dict() for fault in report.problems]
        terminal.say_json({"files": report.files, "asked": report.asked, "problems": problems, "notices": notices})
        return
    terminal.report(report.problems)
    for file, counts in notices.items():
        for line in terminal.notices_in_words(counts):
            terminal.say(f"{file}: {line}")
    asked = f"{report.asked} requests answered, " if report.asked else ""
    terminal.say(f"{report.files} files checked, {asked}{len(report.problems)} problems")


def _submissions_at(path: Path) -> Iterator[tuple[Path, str | None]]:
    """The submission folders that a path means, each with the one file asked for, if any.

    Raises UsageError (U012) if there is none.
    """
    if not os.path.lexists(path):
        raise UsageError(problem("U012", what=path))
    if os.path.lexists(path / "submission.toml"):
        yield path, None
        return
    inside = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps `..`
    for depth, parent in enumerate(list(inside.parents)[:2]):
        if os.path.lexists(parent / "submission.toml"):
            yield parent, None if inside.is_dir() and depth == 0 else inside.name
            return
    levels = {inside.name: "*/*/", inside.parent.name: "*/"}
    places = path.glob(levels["submissions"]) if "submissions" in levels else _with_manifest(path)
    folders = sorted({folder for folder in places if folder.is_dir() and not folder.name.startswith(".")})
    if not folders:
        raise UsageError(problem("U012", what=path))
    for folder in folders:
        yield folder, None


def _with_manifest(path: Path) -> Iterator[Path]:
    return (toml.parent for depth in ("*", "*/*") for toml in path.glob(f"{depth}/submission.toml"))


def _check(workspace: Workspace, folder: Path, only: str | None) -> _Report:
    """Check one submission, or one file of it."""
    from harness import submissions, testsets
    from harness.plan import faults_of_listing

    try:
        submission = submissions.load(folder)
        task = workspace.task(submission.task)
        task.check()
        known = testsets.find(task, workspace.testsets)
    except (InvalidInput, UsageError) as error:
        return _Report(list(error.problems), files=1)
    if submission.manifest.run is not None:
        return _probe(workspace, submission, sorted(known))
    reader = task.manifest.reader
    report = _Report(list(faults_of_listing(submission, task, known)), files=1)
    report.notices = {str(folder / "outputs" / name): {"N018": 1} for name in submission.strays(reader)}
    files = {submission.outputs_file(name, reader): name for name in submission.test_sets(reader) if name in known}
    if only is not None and only != "submission.toml":
        report.problems = [fault for fault in report.problems if fault.file and Path(fault.file).name == only]
        report.notices = {}
        files = {file: name for file, name in files.items() if file.name == only}
        if not files and not report.problems:
            report.problems = [problem("U012", what=folder / "outputs" / only)]
    for file, name in files.items():
        report.files += 1
        try:
            report.notices[str(file)] = submissions.read_outputs(submission, task, testsets.load(known[name])).notices
        except InvalidInput as error:
            report.problems += error.problems
    return report


def _probe(workspace: Workspace, submission: Submission, known: list[str]) -> _Report:
    """Ask a system that runs a few requests of every test set that it takes part in."""
    from harness import runs
    from harness.running import Runner
    from harness.staging import Policy

    run = submission.manifest.run
    report = _Report(files=1)
    if run is None or runs.needs(run) is not None:
        return report
    own = Policy(trust=frozenset([submission.manifest.team]))  # who checks a system at home has it anyway
    with Runner(workspace, own) as runner, terminal.progress("asking", len(known)) as advance:
        for test_set in runs.test_sets(run, known):
            advance(f"{submission.system} on {test_set}")
            try:
                report.asked += runner.probe(submission, test_set)
            except (SystemFailed, InvalidInput, EnvironmentFault) as error:
                report.problems += error.problems
    return report
