"""Which systems that run have said what: the runs that are current, and what stands in the way of others.

A run is current when the submission's files and the test set are those of its record, and the outputs that it
left are those that the record names. Nothing is started here.
"""

from __future__ import annotations

import importlib.util
import shutil
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness import submissions
from harness.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.api import TestSet
    from harness.manifest import RunTable
    from harness.records import Timing
    from harness.submissions import Submission
    from harness.workspace import Workspace

RUN = "run"
"""The scenario of the run that made the outputs, which is watched and not timed."""


def test_sets(run: RunTable, known: Iterable[str]) -> list[str]:
    """The test sets that a system takes part in."""
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in run.test_sets)]


test_sets.__test__ = False  # type: ignore[attr-defined] # a noun of this field, not a pytest function


def needs(run: RunTable) -> str | None:
    """`needs …` for what a system requires and this machine lacks, or None if all is here."""
    missing = [name for name in run.requires if not _is_here(name)]
    return f"needs {', '.join(missing)}" if missing else None


def _is_here(name: str) -> bool:
    """Whether there is a Python module or a program of that name."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    return found is not None or shutil.which(name) is not None


class Runs:
    """The timings of a workspace beside what lies there now."""

    def __init__(self, workspace: Workspace) -> None:
        self.recorded: dict[tuple[str, str, str], list[Timing]] = {}
        self._digests: dict[tuple[str, str], str] = {}
        for timing in workspace.results.timings.records():
            self.recorded.setdefault((timing.task, timing.test_set, timing.system), []).append(timing)

    def digest(self, submission: Submission) -> str:
        """The digest of a submission's files. Raises InvalidInput."""
        key = submission.task, submission.system
        if key not in self._digests:
            self._digests[key] = submissions.digest_of_files(submission)
        return self._digests[key]

    def current(self, submission: Submission, test_set: TestSet) -> list[Timing]:
        """The timings of a system on a test set that were made of these files and this gold. Raises InvalidInput.

        Of several of one kind it is the best.
        """
        found = self.recorded.get((submission.task, test_set.id, submission.system), [])
        digest = self.digest(submission)
        return best([timing for timing in found if timing.submission == digest and timing.gold == test_set.digest])

    def has_run(self, submission: Submission, test_set: TestSet) -> bool:
        """Whether the outputs that lie there are those of a current run. Raises InvalidInput."""
        said = {timing.outputs for timing in self.current(submission, test_set) if timing.scenario == RUN}
        try:
            return bool(said) and submissions.digest(submission, test_set.id, "jsonl") in said
        except InvalidInput:
            return False


def best(timings: Iterable[Timing]) -> list[Timing]:
    """Of the timings of one kind the one that counts, else the one that was disturbed least, later ones first."""
    found: dict[tuple[str | bool, ...], Timing] = {}
    for timing in sorted(timings, key=lambda one: (one.valid, -one.rejected / max(1, one.blocks))):
        cell = timing.task, timing.test_set, timing.system
        found[(*cell, timing.backend, timing.scenario, timing.quick, timing.machine_id)] = timing
    return list(found.values())
