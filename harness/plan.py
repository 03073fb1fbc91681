"""Decide what has to be done: which results are current, missing, refused or absent.

Planning reads manifests and hashes bytes; it scores nothing and writes nothing. On an unchanged
workspace a plan has no jobs, which is what makes a second `harness score` cheap.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness import manifest, runs, submissions, testsets
from harness.catalogue import problem, suggestion
from harness.errors import EnvironmentFault, HarnessError, InvalidInput, Problem, UsageError, printable
from harness.score import Entry, has_failed, has_references, identity, identity_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.api import TestSet
    from harness.records import Result, Timing
    from harness.registry import Task
    from harness.submissions import Submission
    from harness.workspace import Workspace


@dataclass(frozen=True, order=True)
class Cell:
    """One place of the coverage matrix: a system on a test set of a task."""

    task: str
    test_set: str
    system: str

    def __str__(self) -> str:
        return f"{self.task}/{self.system} on {self.test_set}"


@dataclass
class Plan:
    """What a `harness score` will do, and what is known without doing it.

    selected  the cells that the selection means, whatever their state
    runs      those of them whose system must run before it can be scored
    skipped   those that are not run, with the reason: what they need is not here
    jobs      those of them whose result is missing, out of date, or lacks a metric that failed
    current   every stored result that matches what lies in the workspace, selected or not
    timings   every stored timing that does
    absent    cells that a system's collection asks for and that have no file
    refused   problems of the selected submissions that show without reading outputs
    strays    files in `outputs/` folders that belong to no test set
    history   how many stored results match nothing any more
    """

    selected: list[Cell] = field(default_factory=list)
    runs: list[Cell] = field(default_factory=list)
    skipped: list[tuple[Cell, str]] = field(default_factory=list)
    jobs: list[Cell] = field(default_factory=list)
    current: list[Result] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    absent: list[Cell] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    history: int = 0


def make(workspace: Workspace, selection: Sequence[str] = ()) -> Plan:
    """Compare the workspace with its records.

    Each word of `selection` is a pattern for a task, a system, a test set, `task/system` or
    `task/system/test-set`, or the path of a submission; none means everything. Raises UsageError
    (U010) for a word that matches nothing, InvalidInput for faults of tasks, IntegrityError for
    records or gold that are not what they claim.
    """
    plan, selector = Plan(), _Selector(selection)
    stored = {
        identity_of(result): result
        for result in sorted(workspace.results.records.records(), key=has_failed, reverse=True)
    }
    unused = set(stored)
    for task, members in _by_task(workspace, selector, plan):
        entries = _entries(workspace, task, members, selector, plan)
        for test_set, entry in entries:
            cell, key = Cell(task.name, test_set.id, entry.system), identity(task, test_set, entry)
            unused.discard(key)
            if key in stored:
                plan.current.append(stored[key])
            if selector.matches(cell.task, cell.system, cell.test_set):
                plan.selected.append(cell)
                plan.jobs += [] if key in stored and not has_failed(stored[key]) else [cell]
    plan.history = len(unused)
    selector.check()
    return plan


class _Selector:
    """Matches names against the words of a selection and remembers which words were of use."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = [word.rstrip("/").rpartition("submissions/")[2] for word in words]
        self.unused = set(self.words)
        self.seen: set[str] = set()

    def matches(self, task: str, system: str, test_set: str = "") -> bool:
        """Whether a submission, or one cell of it, is meant."""
        names = {task, system, test_set, f"{task}/{system}", f"{task}/{system}/{test_set}"} - {""}
        self.seen |= names
        hits = {word for word in self.words if any(fnmatchcase(name, word) for name in names)}
        self.unused -= hits
        return bool(hits) or not self.words

    def check(self) -> None:
        """Raise UsageError (U010) for every word that matched nothing, if there was anything to match."""
        faults = [
            problem("U010", what=f"'{printable(word)}'", hint=suggestion(word, self.seen))
            for word in sorted(self.unused if self.seen else ())
        ]
        if faults:
            raise UsageError(*faults)


def _by_task(workspace: Workspace, selector: _Selector, plan: Plan) -> Iterator[tuple[Task, list[Submission]]]:
    """The submissions of each task; what cannot be read goes to `plan.refused`."""
    members: dict[str, list[Submission]] = defaultdict(list)
    for folder, found in submissions.find(workspace.submissions, workspace.results.outputs):
        if isinstance(found, HarnessError):
            problems = list(found.problems)
        elif not _has_task(workspace, found.task):
            line, hint = manifest.line_of(folder / "submission.toml", "task"), suggestion(found.task, workspace.tasks)
            problems = [problem("T017", file=folder / "submission.toml", line=line, id=f"'{found.task}'", hint=hint)]
        else:
            members[found.task].append(found)
            continue
        if selector.matches(folder.parent.name, folder.name):
            plan.refused += problems
    for name in sorted({*members, *workspace.tasks}):
        if members[name]:
            task = workspace.task(name)
            task.check()
            yield task, members[name]


def _has_task(workspace: Workspace, name: str) -> bool:
    """Whether a task is found. Raises InvalidInput for faults of tasks."""
    try:
        return bool(workspace.task(name))
    except UsageError:
        return False


def _entries(
    workspace: Workspace, task: Task, members: list[Submission], selector: _Selector, plan: Plan
) -> list[tuple[TestSet, Entry]]:
    """Who is scored on what, references first; test sets in which nobody takes part are left out."""
    sources = testsets.find(task, workspace.testsets)
    taking_part = _taking_part(task, members, sources, selector, plan)
    entries = []
    used = []
    for name in [name for name in sources if taking_part[name]]:
        try:
            used.append(testsets.load(sources[name]))
        except (InvalidInput, EnvironmentFault) as error:
            is_meant = any(selector.matches(task.name, found.system, name) for found in taking_part[name])
            plan.refused += error.problems if is_meant else []
    ran = runs.Runs(workspace)
    for test_set in used:
        entries += [(test_set, Entry.reference(test_set))] if has_references(test_set) else []
        for submission in taking_part[test_set.id]:
            is_meant = selector.matches(task.name, submission.system, test_set.id)
            try:
                if submission.manifest.run is None or _has_run(ran, submission, test_set, plan, is_meant=is_meant):
                    digest = submissions.digest(submission, test_set.id, task.manifest.reader)
                    entries.append((test_set, entry_of(submission, digest)))
            except (InvalidInput, EnvironmentFault) as error:
                plan.refused += error.problems if is_meant else []
    plan.absent += _absent(task.name, used, taking_part)
    return entries


def _taking_part(
    task: Task, members: list[Submission], sources: Mapping[str, object], selector: _Selector, plan: Plan
) -> dict[str, list[Submission]]:
    """Who takes part in which test set: by its files of outputs, or by its table [run]."""
    taking_part: dict[str, list[Submission]] = defaultdict(list)
    reader = task.manifest.reader
    for submission in members:
        run = submission.manifest.run
        if run is None and selector.matches(task.name, submission.system):
            plan.refused += faults_of_listing(submission, task, sources)
            plan.strays += [str(submission.folder / "outputs" / name) for name in submission.strays(reader)]
        for name in submission.test_sets(reader) if run is None else runs.test_sets(run, sources):
            taking_part[name].append(submission)
    return taking_part


def _has_run(ran: runs.Runs, submission: Submission, test_set: TestSet, plan: Plan, *, is_meant: bool) -> bool:
    """Whether a system's outputs are here; if not, it must run first, if what it needs is here."""
    if ran.has_run(submission, test_set):
        plan.timings += ran.current(submission, test_set)
        return True
    if is_meant and submission.manifest.run is not None:
        cell, missing = Cell(submission.task, test_set.id, submission.system), runs.needs(submission.manifest.run)
        plan.skipped += [(cell, missing)] if missing else []
        plan.runs += [] if missing else [cell]
    return False


def entry_of(submission: Submission, outputs_digest: str) -> Entry:
    """The facts of a submission that its record will show."""
    table = submission.manifest
    return Entry(
        system=table.system,
        name=table.name or table.system,
        team=table.team,
        kind=table.kind,
        manifest=submission.manifest_digest,
        outputs=outputs_digest,
    )


def faults_of_listing(submission: Submission, task: Task, known: Mapping[str, object]) -> Iterator[Problem]:
    """S050 for outputs of a test set that does not exist, S051 where there are none at all."""
    reader = task.manifest.reader
    names = submission.test_sets(reader)
    for name in names:
        if name not in known:
            file = submission.outputs_file(name, reader)
            hint = suggestion(name, known)
            yield problem("S050", file=file, task=task.name, test_set=f"'{printable(name)}'", hint=hint)
    if not names:
        example = submission.outputs_file("<test set>", reader).relative_to(submission.folder)
        yield problem("S051", file=submission.folder, example=example, task=task.name)


def _absent(task: str, used: list[TestSet], taking_part: Mapping[str, list[Submission]]) -> list[Cell]:
    """Cells without a file: a system that takes part in a collection is expected in all of it."""
    present = {test_set.id: {submission.system for submission in taking_part[test_set.id]} for test_set in used}
    expected: dict[str, set[str]] = defaultdict(set)
    for test_set in used:
        expected[test_set.collection] |= present[test_set.id]
    return sorted(
        Cell(task, test_set.id, system)
        for test_set in used
        for system in expected[test_set.collection] - present[test_set.id]
    )
