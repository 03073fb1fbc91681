"""What a tree of processes used, and whether every thread of it stayed where it belongs.

    cpu_s = sum over live processes of (utime + stime + cutime + cstime) / ticks per second

The last two are of children that ended and were waited for, so that nothing is counted twice. Lost are children that
nobody waited for. Each process is exact to one tick, 10 ms nearly everywhere.

Source: proc_pid_stat(5), proc_pid_status(5).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.timing import procfs

if TYPE_CHECKING:
    from collections.abc import Iterable

_TIMES = slice(11, 15)  # utime stime cutime cstime, counted after the parenthesis that closes the name


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds (user and system), threads alive, and those that may run outside of the allowed processors."""

    cpu_s: float
    threads: int
    escaped: tuple[int, ...]


def read(pids: Iterable[int], allowed: frozenset[int] | None = None, root: Path = Path("/")) -> Usage:
    """What these processes used since they began. `allowed` are the processors they may run on, None for any."""
    living = sorted(pids)
    folders = [folder for pid in living for folder in procfs.tasks(root, pid)]
    escaped = [] if allowed is None else [int(folder.name) for folder in folders if _escaped(folder, allowed)]
    return Usage(cpu_seconds(living, root), len(folders), tuple(escaped))


def cpu_seconds(pids: Iterable[int], root: Path = Path("/")) -> float:
    """CPU seconds of live processes and of their children that were waited for."""
    return sum(_ticks(root / "proc" / str(pid) / "stat") for pid in pids) / ticks_per_second()


def ticks_per_second() -> int:
    """The unit in which /proc counts time."""
    return os.sysconf("SC_CLK_TCK")


def _ticks(path: Path) -> int:
    _, _, rest = (procfs.text(path) or "").rpartition(")")  # a name may hold spaces and parentheses
    return sum(map(int, rest.split()[_TIMES]))


def _escaped(folder: Path, allowed: frozenset[int]) -> bool:
    may = procfs.field(procfs.text(folder / "status") or "", "Cpus_allowed_list")
    return may is not None and not procfs.processors(may) <= allowed
