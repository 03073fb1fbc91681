"""Run scoring jobs, here or in child processes; the same records come out either way.

A child receives names, never objects: it finds the task and loads the gold itself, once per test
set. Workers live in this module and not in `__main__`, because a spawned child must be able to
import them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from harness import comparing, deriving, segments, submissions, testsets
from harness.api import Statistics
from harness.catalogue import problem
from harness.comparing import Field, Member, Settings
from harness.errors import EnvironmentFault, InvalidInput, Problem
from harness.plan import Cell, entry_of
from harness.records import REFERENCE, Comparison, Derived, Result
from harness.score import Entry, extract, identity, reference_outputs, result_of
from harness.submissions import ReadOutputs
from harness.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from harness.api import Output, TestSet
    from harness.deriving import Group
    from harness.registry import Task

POOL_PAYS_FROM = 4
"""Fewer jobs than this are done before a pool of processes has started."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a result, or the problems for which the outputs were refused."""

    cell: Cell
    result: Result | None = None
    problems: tuple[Problem, ...] = ()


def run(workspace: Workspace, jobs: Sequence[Cell], workers: int) -> Iterator[Outcome]:
    """Score the jobs and yield their outcomes in the order of `jobs`.

    Raises EnvironmentFault (E013) if a child process dies.
    """
    _load.cache_clear()  # what lies in the workspace may have changed since an earlier run
    if workers < 2 or len(jobs) < POOL_PAYS_FROM:  # noqa: PLR2004
        yield from (run_one(workspace, cell) for cell in jobs)
        return
    context = multiprocessing.get_context("spawn")
    lifeline, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_live_by, initargs=(lifeline,))
    try:
        with _without_sigint():
            futures = [pool.submit(_run_named, workspace.root, workspace.task_folders, cell) for cell in jobs]
        yield from (future.result() for future in futures)
    except BrokenProcessPool:
        raise EnvironmentFault(problem("E013")) from None
    except BaseException:  # interrupted, or nobody wants the rest: do not wait for jobs that run
        held.close()
        raise
    finally:
        pool.shutdown()
        held.close()
        lifeline.close()


def run_one(workspace: Workspace, cell: Cell) -> Outcome:
    """Read the outputs of one cell and score them."""
    task, test_set = _load(workspace.root, workspace.task_folders, cell.task, cell.test_set)
    try:
        entry, read = _answers(workspace, task, test_set, cell)
    except (InvalidInput, EnvironmentFault) as error:
        return Outcome(cell, problems=tuple(error.problems))
    extracted = extract(task, test_set, read.outputs)
    found = {name: item for name, item in extracted.items() if isinstance(item, Statistics)}
    workspace.statistics.put(identity(task, test_set, entry), found)
    return Outcome(cell, result_of(task, test_set, entry, extracted, read.notices))


def statistics_of(workspace: Workspace, cell: Cell) -> dict[str, Statistics]:
    """The statistics of a cell by metric: those that scoring kept, else counted again and kept.

    A metric that is unavailable is missing. Raises InvalidInput and EnvironmentFault.
    """
    task, test_set = _load(workspace.root, workspace.task_folders, cell.task, cell.test_set)
    key = identity(task, test_set, _entry(workspace, task, test_set, cell))
    if (kept := workspace.statistics.get(key)) is not None:
        return kept
    extracted = extract(task, test_set, _answers(workspace, task, test_set, cell)[1].outputs)
    found = {name: item for name, item in extracted.items() if isinstance(item, Statistics)}
    workspace.statistics.put(key, found)
    return found


def compare(workspace: Workspace, field: Field, settings: Settings) -> Comparison:
    """The comparison of a field of systems, from kept statistics. Raises InvalidInput and EnvironmentFault."""
    task, test_set = _load(workspace.root, workspace.task_folders, field.task, field.test_set)
    members = []
    for system, digest in field.outputs:
        found = statistics_of(workspace, Cell(field.task, field.test_set, system))
        members += [Member(system, digest, found[field.metric])] if field.metric in found else []
    version = task.manifest.version
    return comparing.compare(task.metrics[field.metric], test_set, members, settings, task_version=version)


def derive(workspace: Workspace, group: Group, settings: Settings) -> Derived:
    """A number over several test sets, from kept statistics. Raises InvalidInput and EnvironmentFault."""
    task = workspace.task(group.task)
    test_sets = {name: _load(workspace.root, workspace.task_folders, group.task, name)[1] for name in group.weights}
    statistics = {}
    for system, parts in group.outputs.items():
        for name in parts:
            found = statistics_of(workspace, Cell(group.task, name, system))
            if group.table.metric in found:
                statistics[system, name] = found[group.table.metric]
    return deriving.derive(group, task.metrics[group.table.metric], test_sets, statistics, settings)


def write_segments(workspace: Workspace, result: Result) -> None:
    """Write what the system of a result said and scored on every segment. Raises InvalidInput and EnvironmentFault."""
    cell = Cell(result.task, result.test_set, result.system)
    task, test_set = _load(workspace.root, workspace.task_folders, cell.task, cell.test_set)
    metrics = task.metrics_for(test_set.compat)
    found = segments.of(result, test_set, metrics, statistics_of(workspace, cell), outputs_of(workspace, cell))
    segments.write(found, segments.path_of(result, workspace.results.segments))


def outputs_of(workspace: Workspace, cell: Cell) -> Mapping[str, Output]:
    """What the system of a cell said, by request. Raises InvalidInput and EnvironmentFault."""
    task, test_set = _load(workspace.root, workspace.task_folders, cell.task, cell.test_set)
    return _answers(workspace, task, test_set, cell)[1].outputs


def _entry(workspace: Workspace, task: Task, test_set: TestSet, cell: Cell) -> Entry:
    """Who is scored, by the bytes that lie there and without reading them. Raises InvalidInput and EnvironmentFault."""
    if cell.system == REFERENCE:
        return Entry.reference(test_set)
    submission = submissions.load(workspace.submissions / cell.task / cell.system, produced=workspace.results.outputs)
    reader = submission.reader(task.manifest.reader)
    return entry_of(submission, submissions.digest(submission, test_set.id, reader))


def _answers(workspace: Workspace, task: Task, test_set: TestSet, cell: Cell) -> tuple[Entry, ReadOutputs]:
    """Who is scored, and what it said. Raises InvalidInput and EnvironmentFault."""
    if cell.system == REFERENCE:
        return Entry.reference(test_set), ReadOutputs(reference_outputs(test_set), test_set.digest, {})
    submission = submissions.load(workspace.submissions / cell.task / cell.system, produced=workspace.results.outputs)
    read = submissions.read_outputs(submission, task, test_set)
    return entry_of(submission, read.digest), read


def _run_named(root: Path, task_folders: tuple[Path, ...], cell: Cell) -> Outcome:
    """`run_one` in a child, which makes its own workspace: loaded tasks do not travel."""
    return run_one(Workspace(root, task_folders), cell)


@lru_cache(maxsize=4)
def _load(root: Path, task_folders: tuple[Path, ...], task: str, test_set: str) -> tuple[Task, TestSet]:
    workspace = Workspace(root, task_folders)
    found = workspace.task(task)
    return found, testsets.load(testsets.get(found, test_set, workspace.testsets))


@contextmanager
def _without_sigint() -> Iterator[None]:
    """Start children that ignore Ctrl-C, from their first instruction on: it is the parent's to handle."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread, and so does Ctrl-C
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _live_by(lifeline: Connection) -> None:
    """End this child as soon as the parent lets go of its end of the pipe, or is gone."""
    threading.Thread(target=_wait_for, args=(lifeline,), daemon=True).start()


def _wait_for(lifeline: Connection) -> None:
    wait([lifeline])
    os._exit(1)
