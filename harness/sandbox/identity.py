"""A user that nobody else is, to run a program as when the harness runs as root."""

from __future__ import annotations

import os
import random
from pathlib import Path

from harness.catalogue import problem
from harness.errors import EnvironmentFault

NUMBERS = range(61000, 65000)
"""Above what systems give to people, below `nobody`."""


def is_root() -> bool:
    """Whether a program can, and therefore must, be given another user: limits of processes do not bind root."""
    return os.name == "posix" and os.geteuid() == 0


def free_user(proc: Path = Path("/proc")) -> int:
    """A number that is no user's, no group's and no process'. Raises EnvironmentFault (E020) if all are taken."""
    taken = _of_processes(proc) | _of_accounts()
    free = [number for number in NUMBERS if number not in taken]
    if not free:
        what = f"all user numbers from {NUMBERS.start} to {NUMBERS.stop - 1} are taken"
        raise EnvironmentFault(problem("E020", what=what))
    return random.SystemRandom().choice(free)  # two harnesses that start at once should not choose the same


def _of_processes(proc: Path) -> set[int]:
    taken: set[int] = set()
    for status in proc.glob("[0-9]*/status"):
        try:
            text = status.read_text("utf-8", "replace")
        except OSError:
            continue  # it has ended
        for line in text.splitlines():
            if line.startswith(("Uid:", "Gid:")):
                taken.update(map(int, line.split()[1:]))
    return taken


def _of_accounts() -> set[int]:
    import grp
    import pwd

    return {user.pw_uid for user in pwd.getpwall()} | {group.gr_gid for group in grp.getgrall()}
