"""Prepare a system to run: find it, decide how far it is kept apart, and give it a room without gold.

A system gets a copy of its folder, the interpreter and the packages beside it, and requests. What it is allowed
to do depends on who answers for it: systems that came with the project are pinned by digest, strangers need a
sandbox that works here, or an operator who trusts their team.
"""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness import submissions, testsets
from harness.catalogue import problem
from harness.errors import PolicyError, printable
from harness.records import Isolation
from harness.sandbox import TRUSTED_FROM, Level, Limits, Room
from harness.timing import SystemFault
from harness.timing.kinds.making import make
from harness.timing.kinds.place import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.api import Request, TestSet
    from harness.manifest import RunTable
    from harness.registry import Task
    from harness.sandbox.selftest import SelfTest
    from harness.submissions import Submission
    from harness.timing import System
    from harness.timing.backends import Backend
    from harness.workspace import Workspace

PINNED = Path(__file__).parent / "pinned.txt"
"""Digests of the systems that came with the project, which run at the best level that works."""
TEMPORARY = "/tmp"  # noqa: S108 - inside the sandbox, where it is empty and goes with the run
PATH = os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
BATCH = 16
"""What a command for files is told where no scenario says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One system on one test set, ready to be started as often as needed."""

    task: Task
    test_set: TestSet
    submission: Submission
    digest: str
    run: RunTable
    level: Level
    isolation: Isolation
    folder: Path
    library: Path
    gold: tuple[Path, ...]
    decoys: Sequence[Request]

    @property
    def is_corpus(self) -> bool:
        """Whether it answers only after the end of its input."""
        return self.run.unit == "corpus"

    def system(self, backend: Backend, limits: Limits) -> System:
        """A fresh process, not started yet. Raises SystemFault (X013)."""
        self._check_command()
        hello = {
            "harness": 1,
            "task": self.task.name,
            "test_set": self.test_set.id,
            "unit": self.run.unit,
            "tags": dict(self.test_set.tags),
        }
        return make(self.run, self.place(backend, limits), hello, batch=BATCH)

    def _check_command(self) -> None:
        """Say what is missing, in words that no sandbox would find. Raises SystemFault (X013)."""
        program = self.run.command[0] if self.run.command else "python"
        if self.run.protocol == "container" or program == "python" or shutil.which(program, path=PATH):
            return
        if not (self.folder / program).is_file():
            raise SystemFault("X013", what=f"there is no program '{printable(program)}'")

    def place(self, backend: Backend, limits: Limits) -> Place:
        """Where it runs, on a backend: its copy, the interpreter, nothing of ours but `harness.system`."""
        from harness.sandbox import rooms

        readable, masked = rooms.runtime(gold=self.gold)
        room = Room(
            folder=self.folder,
            environment=environment(self.library, backend),
            readable=(*readable, self.library),
            masked=masked,
            devices=backend.devices,
            cpus=backend.cpus,
        )
        return Place(room=room, limits=limits, level=self.level, python=sys.executable)


@dataclass(frozen=True)
class Policy:
    """Which teams may run below the level that strangers need, and a level for those who know better than the test."""

    trust: frozenset[str] = frozenset()
    level: Level | None = None


def prepare(workspace: Workspace, submission: Submission, test_set: str, into: Path, policy: Policy) -> Stage:
    """Prepare a system in a new folder.

    Raises UsageError (U014), PolicyError (P011), InvalidInput and EnvironmentFault.
    """
    from harness.sandbox import rooms, selftest

    run = submission.manifest.run
    if run is None:
        message = f"{submission.folder} does not run"
        raise ValueError(message)
    task = workspace.task(submission.task)
    source = testsets.get(task, test_set, workspace.testsets)
    digest = submissions.digest_of_files(submission)
    best = selftest.best(workspace.root / ".harness")
    apart = best.level if policy.level is None else policy.level
    trusted_by = _trusted_by(submission, digest, apart, best, policy.trust)
    into.mkdir(mode=0o755)
    return Stage(
        task=task,
        test_set=testsets.load(source),
        submission=submission,
        digest=digest,
        run=run,
        level=apart,
        isolation=Isolation(level=str(apart), selftest=best.digest, gaps=list(best.gaps), trusted_by=trusted_by),
        folder=_furnished(submission, into / "submission"),
        library=rooms.library(into / "library"),
        gold=(workspace.root, *(found.file.parent for found in testsets.find(task, workspace.testsets).values())),
        decoys=testsets.decoys(source),
    )


def _furnished(submission: Submission, into: Path) -> Path:
    """A copy of the submission's files, with those that it uses. Returns `into`."""
    from harness.sandbox import rooms

    for place, folder in submissions.parts(submission).items():
        rooms.prepare(folder, into / place)
    return into


def _trusted_by(submission: Submission, digest: str, level: Level, best: SelfTest, trust: frozenset[str]) -> str | None:
    """Who answers for a system below the level that strangers need; None where nobody must. Raises P011."""
    if level >= TRUSTED_FROM:
        return None
    if digest in PINNED.read_text("utf-8").split():
        return "the project, which pins it"
    team = submission.manifest.team
    if team in trust:
        return getpass.getuser()
    system, what = submission.system, best.reason or "asked for"
    fault = problem("P011", file=submission.folder, id=system, team=team, found=level, expected=TRUSTED_FROM, what=what)
    raise PolicyError(fault)


def environment(library: Path, backend: Backend) -> Mapping[str, str]:
    """The whole environment of a system; caches lead to a place that is empty and goes with the run."""
    caches = ("HF_HOME", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "XDG_CACHE_HOME")
    return {
        "PATH": PATH,
        "HOME": TEMPORARY,
        "TMPDIR": TEMPORARY,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(library),
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(caches, f"{TEMPORARY}/cache"),
        **backend.environment,
    }
