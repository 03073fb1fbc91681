"""Which processes there are below one, and adopting those whose parents ended."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def children(pid: int) -> list[int]:
    """The live children of a process, as Linux lists them per thread. Empty if it has ended."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - asked for while a system is timed
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text("ascii").split())
    return [child for child in found if lives(child)]


def descendants(pid: int) -> list[int]:
    """The live processes below one, parents first."""
    found = children(pid)
    for child in found:
        found.extend(children(child))  # the list grows while it is walked
    return found


def lives(pid: int) -> bool:
    """Whether a process exists and is not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] not in {b"Z", b"X"}
    except OSError:
        return False


class Adoption:
    """While boxes live, what their processes leave behind becomes a child of ours.

    A box' warden adopts first. We are next in line, for the case that a program killed its warden.
    """

    def __init__(self) -> None:
        self._boxes = 0

    def begin(self) -> None:
        """One box more."""
        self._boxes += 1
        self._set()

    def end(self) -> None:
        """One box less."""
        self._boxes -= 1
        self._set()

    def _set(self) -> None:
        if sys.platform == "linux":
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(self._boxes > 0), 0, 0, 0)


ADOPTION = Adoption()


def strays(known: set[int]) -> list[int]:
    """Children of ours that we did not start: not known from before, and in another session than ours."""
    return [child for child in children(os.getpid()) if child not in known and _session(child) != os.getsid(0)]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def kill_strays(known: set[int], rounds: int = 100) -> tuple[int, int]:
    """Kill them and all below them, and reap them. How many there were at first, and how many are left."""
    found = 0
    for turn in range(rounds):
        roots = strays(known)
        tree = [*roots, *(pid for root in roots for pid in descendants(root))]
        if turn == 0:
            found = len(tree)
        if not tree:
            return found, 0
        for pid in tree:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for root in roots:
            with suppress(ChildProcessError):
                os.waitpid(root, 0)
    return found, len(strays(known))
