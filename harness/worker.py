"""Run scoring jobs, here or in child processes; the same records come out either way.

A child receives names, never objects: it finds the task and loads the gold itself, once per test
set. Workers live in this module and not in `__main__`, because a spawned child must be able to
import them.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from harness import submissions, testsets
from harness.catalogue import problem
from harness.errors import EnvironmentFault, InvalidInput, Problem
from harness.plan import Cell, entry_of
from harness.records import REFERENCE, Result
from harness.score import Entry, reference_outputs, score
from harness.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.api import TestSet
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
    if workers < 2 or len(jobs) < POOL_PAYS_FROM:  # noqa: PLR2004
        yield from (run_one(workspace, cell) for cell in jobs)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_die_with_parent)
    try:
        yield from pool.map(partial(_run_named, workspace.root, workspace.task_folders), jobs)
    except BrokenProcessPool:
        raise EnvironmentFault(problem("E013")) from None
    finally:
        pool.shutdown(cancel_futures=True)


def run_one(workspace: Workspace, cell: Cell) -> Outcome:
    """Read the outputs of one cell and score them."""
    task, test_set = _load(workspace.root, workspace.task_folders, cell.task, cell.test_set)
    if cell.system == REFERENCE:
        return Outcome(cell, score(task, test_set, Entry.reference(test_set), reference_outputs(test_set)))
    try:
        submission = submissions.load(workspace.submissions / cell.task / cell.system)
        read = submissions.read_outputs(submission, task, test_set)
        entry = entry_of(submission, read.digest)
    except InvalidInput as error:
        return Outcome(cell, problems=tuple(error.problems))
    return Outcome(cell, score(task, test_set, entry, read.outputs, read.notices))


def _run_named(root: Path, task_folders: tuple[Path, ...], cell: Cell) -> Outcome:
    """`run_one` in a child, which makes its own workspace: loaded tasks do not travel."""
    return run_one(Workspace(root, task_folders), cell)


@lru_cache(maxsize=4)
def _load(root: Path, task_folders: tuple[Path, ...], task: str, test_set: str) -> tuple[Task, TestSet]:
    workspace = Workspace(root, task_folders)
    found = workspace.task(task)
    return found, testsets.load(testsets.get(found, test_set, workspace.testsets))


def _die_with_parent() -> None:
    """End this child when its parent is gone, however the parent ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for, args=(parent.sentinel,), daemon=True).start()


def _wait_for(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
