"""`harness import`: bring somebody's archive of a shared task into the workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import terminal
from harness.errors import ExitCode, printable

if TYPE_CHECKING:
    import argparse

    from harness.api import Collection

SUMMARY = "import an archive: its test sets and one submission per system"
EPILOG = """\
Nothing that exists with other content is overwritten. The matrix at the end shows which outputs
the archive lacks; files that belong to nothing are named.

examples:
  harness tasks my-task                                       # its importers: the collections it knows
  harness import my-collection ~/archive --workspace archive
  harness score --workspace archive
"""
_SHOWN_STRAYS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("collection", metavar="COLLECTION", help="the kind of archive; harness tasks NAME lists them")
    parser.add_argument("source", metavar="SOURCE", type=Path, help="the archive's folder, or its file")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Read the archive and write it into the workspace. Exit code 1 if files were refused."""
    from harness import importing

    if arguments.workspace:
        arguments.workspace.mkdir(parents=True, exist_ok=True)
    workspace = terminal.workspace_of(arguments)
    task = importing.task_of(workspace, arguments.collection)
    collection = importing.read(task, arguments.collection, arguments.source)
    written = importing.write(workspace, task, collection)
    found = (fault for findings in collection.findings for fault in findings.listed())
    problems = terminal.located(found, arguments)
    if arguments.json:
        terminal.say_json(
            {
                "test_sets": [test_set.id for test_set in collection.test_sets],
                "submissions": {found.system: sorted(found.outputs) for found in collection.submissions},
                "absent": [{"system": system, "test_set": test_set} for system, test_set in _absent(collection)],
                "strays": list(collection.strays),
                "problems": [fault.to_dict() for fault in problems],
                "files_written": written,
            }
        )
    else:
        _print(collection, written)
        terminal.report(problems)
    return ExitCode.SOME_FAILED if problems else ExitCode.GOOD


def _absent(collection: Collection) -> list[tuple[str, str]]:
    return [
        (found.system, test_set.id)
        for found in collection.submissions
        for test_set in collection.test_sets
        if test_set.id not in found.outputs
    ]


def _print(collection: Collection, written: int) -> None:
    names = [test_set.id for test_set in collection.test_sets]
    shared = os.path.commonpath([name.replace("-", "/") for name in names]) if len(names) > 1 else ""
    prefix = shared.replace("/", "-") + "-" if shared else ""
    rows = [
        [found.system, *("yes" if name in found.outputs else "absent" for name in names)]
        for found in sorted(collection.submissions, key=lambda found: found.system)
    ]
    if not rows:
        terminal.say(f"test sets: {', '.join(names)}")
    title = f"coverage: outputs by system and test set {prefix}…"
    if rows:
        columns = ["system", *(name.removeprefix(prefix) for name in names)]
        terminal.table(title, columns, rows, text_columns=len(columns))
    for stray in collection.strays[:_SHOWN_STRAYS]:
        terminal.say(f"not imported: {printable(stray, 400)}")
    if len(collection.strays) > _SHOWN_STRAYS:
        terminal.say(f"and {len(collection.strays) - _SHOWN_STRAYS} more (all of them: --json)")
    terminal.say(
        f"{len(names)} test sets, {len(collection.submissions)} submissions, {len(_absent(collection))} absent cells; "
        f"{written} files written"
    )
