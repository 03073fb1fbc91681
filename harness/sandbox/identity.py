"""A user that nobody else is, to run a program as when the harness runs as root."""

from __future__ import annotations

import os
import random
import re
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
    """The real, effective, saved and file-system numbers of users and groups, of all processes."""
    taken: set[int] = set()
    for name in filter(str.isdigit, os.listdir(proc)):  # noqa: PTH208 - at every start, for every process
        try:
            with open(f"{proc}/{name}/status", "rb") as status:  # noqa: PTH123 - as above
                text = status.read()
        except OSError:
            continue  # it has ended
        for line in re.findall(rb"^[UG]id:(.*)$", text, re.MULTILINE):
            taken.update(map(int, line.split()))
    return taken


def _of_accounts() -> set[int]:
    import grp
    import pwd

    return {user.pw_uid for user in pwd.getpwall()} | {group.gr_gid for group in grp.getgrall()}
