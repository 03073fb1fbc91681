"""Write what an importer found into a workspace: test sets, submissions, nothing else.

Importers read somebody's archive and live with their task; this module writes. It never
overwrites a file whose content differs.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

from harness import canonical
from harness.catalogue import problem, suggestion
from harness.errors import InvalidInput, PolicyError, UsageError, printable
from harness.store import link_new
from harness.submissions import SUFFIX
from harness.textio import SHOWN_PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.api import Collection, ImportedSubmission, ImportedTestSet
    from harness.registry import Task
    from harness.workspace import Workspace


def task_of(workspace: Workspace, collection: str) -> Task:
    """The task that has an importer for a collection. Raises UsageError (U013)."""
    known = {name: task for task in workspace.tasks.values() for name in task.manifest.importers}
    if collection not in known:
        hint = suggestion(collection, known) or (f"; there are: {', '.join(known)}" if known else "")
        raise UsageError(problem("U013", id=f"'{printable(collection)}'", hint=hint))
    return known[collection]


def read(task: Task, collection: str, source: Path) -> Collection:
    """Run the importer. Raises InvalidInput (G020) if `source` is not the collection."""
    if not source.exists():
        raise InvalidInput(problem("G020", file=source, what="there is no such file or folder"))
    return task.importers[collection](source)


def write(workspace: Workspace, task: Task, collection: Collection) -> int:
    """Write test sets and submissions; return how many files were new.

    Files with equal content are left alone. Raises PolicyError (P010), before anything is
    written, if a file exists with other content.
    """
    files = dict(_files(workspace, task, collection))
    new = [path for path in files if not os.path.lexists(path)]
    faults = [
        problem("P010", file=path, what=path.name)
        for path, content in files.items()
        if path not in new and (not stat.S_ISREG(path.lstat().st_mode) or path.read_bytes() != content)
    ]
    if faults:
        raise PolicyError(*faults[:SHOWN_PROBLEMS])
    for path in new:
        link_new(path, files[path])
    return len(new)


def _files(workspace: Workspace, task: Task, collection: Collection) -> Iterator[tuple[Path, bytes]]:
    for test_set in collection.test_sets:
        yield from _test_set_files(workspace.testsets / task.name / test_set.id, test_set)
    for submission in collection.submissions:
        folder = workspace.submissions / task.name / submission.system
        yield from _submission_files(folder, submission, task)


def _test_set_files(folder: Path, test_set: ImportedTestSet) -> Iterator[tuple[Path, bytes]]:
    gold = _json_lines(test_set.rows)
    table = {"id": test_set.id, **test_set.table, "gold_sha256": canonical.digest(gold)}
    yield folder / "gold.jsonl", gold
    yield folder / "testset.toml", _toml(table)


def _submission_files(folder: Path, submission: ImportedSubmission, task: Task) -> Iterator[tuple[Path, bytes]]:
    table = {"task": task.name, "team": submission.team, "system": submission.system}
    if submission.name != submission.system:
        table["name"] = submission.name
    yield folder / "submission.toml", _toml(table)
    for test_set, outputs in submission.outputs.items():
        rows = [{"id": identifier, "output": output} for identifier, output in outputs]
        yield folder / "outputs" / f"{test_set}{SUFFIX['jsonl']}", _json_lines(rows)


def _json_lines(rows: Any) -> bytes:  # noqa: ANN401 - rows of JSON
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


def _toml(table: Mapping[str, Any]) -> bytes:
    """A flat TOML table. JSON's strings, arrays of strings and numbers are TOML's as well."""
    lines = [
        f"{key} = {_inline(value) if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)}"
        for key, value in table.items()
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _inline(table: Mapping[str, str]) -> str:
    items = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items())
    return f"{{ {', '.join(items)} }}"
