"""Programs in boxes, for the tests: a small room, and a conversation with what runs in it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from harness.sandbox import Level, Limits, Room, levels, rooms
from harness.sandbox.box import start

ALL = [
    Level.NONE,
    Level.LIMITS,
    Level.LANDLOCK,
    pytest.param(Level.BUBBLEWRAP, marks=pytest.mark.sandbox),
]
CONFINED = ALL[1:]


@pytest.fixture
def level(request):
    """One level after the other; a test names them by `indirect`."""
    reason = levels.of(request.param).available()
    if reason is not None and request.param == Level.LANDLOCK:
        pytest.skip(reason)
    return request.param


@pytest.fixture
def room(tmp_path):
    """A submission, and the interpreter of the tests."""
    folder = tmp_path / "submission"
    folder.mkdir()
    folder.chmod(0o755)
    readable, masked = rooms.runtime()
    return Room(folder=folder, environment={"PATH": "/usr/bin:/bin"}, readable=readable, masked=masked)


@dataclass(frozen=True)
class Said:
    """What a program said, and how it ended."""

    stdout: bytes
    stderr: bytes
    status: int | None
    orphans: int
    cpu_s: float | None


@pytest.fixture
def run(room):
    """Run a Python program (or a command) in a box to its end."""

    def run_(program, level, *, stdin=b"", limits=None, grace_s=20.0, **changed):
        command = [sys.executable, "-I", "-S", "-c", program] if isinstance(program, str) else program
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        box = start(command, replace(room, **changed), limits or Limits(), level, stdin=theirs_in, stdout=theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        with box, os.fdopen(ours_in, "rb") as answers:
            with os.fdopen(ours_out, "wb") as questions:
                questions.write(stdin)
            stdout = answers.read()
            ended = box.stop(grace_s)
        return Said(stdout, ended.stderr, ended.status, ended.orphans, ended.cpu_s)

    return run_


def has_ended(pid):
    """Whether a process is gone, or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True
