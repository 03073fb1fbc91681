"""`harness check`: what would be refused, before a submission is sent."""

from __future__ import annotations

import os
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.cli import terminal
from harness.errors import ExitCode, InvalidInput, Problem, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from harness.submissions import Submission
    from harness.workspace import Workspace

SUMMARY = "check submissions: every error with file, line and what to do"
EPILOG = """\
PATH is a submission folder, a file in one, or a folder of submissions. Test sets are looked for
in the workspace: the one in which the submission lies, unless --workspace names another.

examples:
  harness check submissions/terminology/my-system
  harness check submissions/terminology/my-system/outputs/starter-en-de-proper.jsonl
  harness check submissions
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("paths", nargs="+", metavar="PATH", type=Path, help="what to check")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Check every path. Exit code 3 if anything would be refused."""
    from harness import submissions

    problems: list[Problem] = []
    notices: list[tuple[str, Mapping[str, int]]] = []
    checked = 0
    for path in arguments.paths:
        for folder, only in _submissions_at(path):
            meant = copy(arguments)
            if meant.workspace is None and submissions.is_in_place(folder):
                meant.workspace = submissions.home_of(folder).parent
            found, noticed, files = _check(terminal.workspace_of(meant), folder, only)
            problems += terminal.located(found, meant)
            notices += noticed
            checked += files
    if arguments.json:
        terminal.say_json(
            {
                "files": checked,
                "problems": [fault.to_dict() for fault in problems],
                "notices": {file: dict(counts) for file, counts in notices if counts},
            }
        )
    else:
        terminal.report(problems)
        for file, counts in notices:
            for line in terminal.notices_in_words(counts):
                terminal.say(f"{file}: {line}")
        terminal.say(f"{checked} files checked, {len(problems)} problems")
    return ExitCode.INVALID if problems else ExitCode.GOOD


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


def _check(
    workspace: Workspace, folder: Path, only: str | None
) -> tuple[list[Problem], list[tuple[str, Mapping[str, int]]], int]:
    """The problems, the notices by file, and the number of files of one submission."""
    from harness import submissions, testsets
    from harness.plan import faults_of_listing

    try:
        submission = submissions.load(folder)
        task = workspace.task(submission.task)
        task.check()
        known = testsets.find(task, workspace.testsets)
    except (InvalidInput, UsageError) as error:
        return list(error.problems), [], 1
    problems = list(faults_of_listing(submission, task, known))
    strays = submission.strays(task.manifest.reader)
    notices: list[tuple[str, Mapping[str, int]]] = [(str(folder / "outputs" / name), {"N018": 1}) for name in strays]
    names = [name for name in submission.test_sets(task.manifest.reader) if name in known]
    if only is not None and only != "submission.toml":
        names = [name for name in names if submission.outputs_file(name, task.manifest.reader).name == only]
        problems = [fault for fault in problems if fault.file and Path(fault.file).name == only]
        notices = []
        if not names and not problems:
            problems = [problem("U012", what=folder / "outputs" / only)]
    for name in names:
        try:
            read = submissions.read_outputs(submission, task, testsets.load(known[name]))
            notices.append((_file(submission, name, task.manifest.reader), read.notices))
        except InvalidInput as error:
            problems += error.problems
    return problems, notices, 1 + len(names)


def _file(submission: Submission, test_set: str, reader: str) -> str:
    return str(submission.outputs_file(test_set, reader))
