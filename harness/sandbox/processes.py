"""Which processes there are below one, and adopting those whose parents ended."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

ROUNDS = 1000
"""How often is looked for strays before some of them count as left."""
_PR_SET_CHILD_SUBREAPER = 36


def children(pid: int) -> list[int]:
    """The live children of a process. Empty if it has ended."""
    return [child for child in listed(pid) if lives(child)]


def listed(pid: int) -> list[int]:
    """The children of a process, as Linux lists them per thread, also those that wait to be reaped."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - asked for while a system is timed
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text("ascii").split())
    return found


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
        self._wardens: set[int] = set()

    def begin(self, warden: int) -> None:
        """One box more."""
        self._wardens.add(warden)
        self._set()

    def end(self, warden: int) -> None:
        """One box less."""
        self._wardens.discard(warden)
        self._set()

    def strays(self, known: set[int]) -> list[int]:
        """Children of ours that we did not start: unknown from before, no warden, in another session than ours."""
        ours = known | self._wardens
        return [child for child in listed(os.getpid()) if child not in ours and _session(child) != os.getsid(0)]

    def kill_strays(self, known: set[int]) -> tuple[int, int]:
        """Kill them and all below them, and reap them. How many were killed, and how many are left.

        What is dead already is reaped too, and then looked behind: its own children are ours from then on.
        """
        killed: set[int] = set()
        for _ in range(ROUNDS):
            roots = self.strays(known)
            if not roots:
                break
            for pid in [*roots, *(pid for root in roots for pid in descendants(root))]:
                if lives(pid):
                    killed.add(pid)
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
            for root in roots:
                with suppress(ChildProcessError):
                    os.waitpid(root, 0)
        return len(killed), len(self.strays(known))

    def _set(self) -> None:
        if sys.platform == "linux":
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(bool(self._wardens)), 0, 0, 0)


ADOPTION = Adoption()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1
