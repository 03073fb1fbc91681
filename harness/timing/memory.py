"""The peak memory of a whole tree of processes, in the best way that works here. Never quote one without its method.

    cgroup2        memory.peak of a fresh control group: exact, counted by the kernel; needs a delegated group
    pss-tree-10ms  max over samples of the sum over processes of PSS, where a page that k processes share counts 1/k
    rss-tree-10ms  the same of RSS, where it counts k times: an upper bound; where PSS may not be read

Samples miss what lives shorter than their distance, which grows with the memory: reading PSS walks the page tables.
They are taken by a thread of this process, and both cost time of the system and of its driver. So memory is measured in
the run that makes the outputs, which is not timed, and never in a timed one. `ru_maxrss` is no method here: a child
inherits it from whoever started it.

Source: cgroup-v2.rst (memory.peak, Linux 5.19), proc_pid_smaps(5).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.timing import procfs

if TYPE_CHECKING:
    from collections.abc import Callable

PERIOD_S = 0.010
REFUSED_LIMIT = 0.01
"""Share of the peak that may be RSS because PSS was refused."""

_KIB = 1024


class MemoryMeter(Protocol):
    """What measures a peak, once."""

    @property
    def method(self) -> str:
        """How; known for certain after `stop`."""
        ...

    def start(self, pids: Callable[[], set[int]]) -> None:
        """Begin, as soon as the first process of the system exists and before it has done much."""
        ...

    def stop(self) -> int | None:
        """The peak in bytes; None if no process was ever seen. Call it while the system lives, or soon after."""
        ...


class Cgroup2Memory:
    """A fresh group beside ours (`home`), into which the system's processes are moved; what they start follows them.

    Pages that they touched before stay with the group they were in, and they go back there in the end. Processes that
    somebody put into another group, such as a container's, are left there, where their limits are, and are sampled.
    """

    def __init__(self, home: Path, root: Path = Path("/")) -> None:
        self._home, self._root = home, root
        self._group = home.parent / f"harness-{os.getpid()}-{time.monotonic_ns()}"
        self._samples: TreeMemory | None = None

    @property
    def method(self) -> str:
        """The group's, or that of the samples."""
        return "cgroup2" if self._samples is None else self._samples.method

    def start(self, pids: Callable[[], set[int]]) -> None:
        """Make the group and move the processes into it."""
        if any(own_group(self._root, str(pid)) != self._home for pid in pids()):
            self._samples = TreeMemory(self._root)
            self._samples.start(pids)
            return
        _make(self._group)
        for _ in range(2):  # the second time for what a process started while it was being moved
            for pid in sorted(pids()):
                _move(pid, self._group)

    def stop(self) -> int | None:
        """The kernel's peak; the group is removed if nobody is left in it."""
        if self._samples is not None:
            return self._samples.stop()
        peak = procfs.number(self._group / "memory.peak")
        for pid in (procfs.text(self._group / "cgroup.procs") or "").split():
            _move(int(pid), self._home)
        with contextlib.suppress(OSError):
            _remove(self._group)
        return peak or None


class TreeMemory:
    """Samples of a tree each 10 ms, or as often as leaves half of the time to others.

    A process that does not let its PSS be read counts with its RSS; where such processes are more than 1 % of the peak,
    the RSS of all is reported, and the method says so.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root, self._over = root, threading.Event()
        self._pss = self._rss = self._refused = 0
        self._thread: threading.Thread | None = None
        self.gap_s = 0.0
        """The longest time between two samples."""

    @property
    def method(self) -> str:
        """PSS, or RSS where PSS may not be read."""
        return "pss-tree-10ms" if self._is_pss else "rss-tree-10ms"

    @property
    def _is_pss(self) -> bool:
        return self._refused <= REFUSED_LIMIT * self._pss

    def start(self, pids: Callable[[], set[int]]) -> None:
        """Begin to sample."""
        self._thread = threading.Thread(target=self._run, args=[pids], name="harness-memory", daemon=True)
        self._thread.start()

    def stop(self) -> int | None:
        """The largest sum."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        return (self._pss if self._is_pss else self._rss) or None

    def look(self, pids: set[int]) -> None:
        """One sample."""
        sizes = [_sizes(self._root / "proc" / str(pid)) for pid in pids]
        self._rss = max(self._rss, sum(rss for rss, _ in sizes))
        self._pss = max(self._pss, sum(rss if pss is None else pss for rss, pss in sizes))
        self._refused = max(self._refused, sum(rss for rss, pss in sizes if pss is None))

    def _run(self, pids: Callable[[], set[int]]) -> None:
        last, pause = time.monotonic(), 0.0
        while not self._over.wait(pause):
            began = time.monotonic()
            self.look(pids())
            took = time.monotonic() - began
            self.gap_s, last = max(self.gap_s, began - last), began
            pause = max(PERIOD_S - took, took)


def _sizes(folder: Path) -> tuple[int, int | None]:
    """RSS and PSS of a process in bytes, PSS None where it may not be read; of one that has ended, nothing."""
    pages = (procfs.text(folder / "statm") or "0 0").split()[1]
    rss = int(pages) * os.sysconf("SC_PAGE_SIZE")
    pss = procfs.field(procfs.text(folder / "smaps_rollup") or "", "Pss")
    return rss, None if pss is None else int(pss.split()[0]) * _KIB


def best(root: Path = Path("/")) -> MemoryMeter:
    """A group of the kernel where one is delegated to us, else samples."""
    home = own_group(root)
    return TreeMemory(root) if home is None or not is_delegated(home.parent) else Cgroup2Memory(home, root)


def own_group(root: Path = Path("/"), pid: str = "self") -> Path | None:
    """The folder of a process' group in the unified hierarchy; None where there is none, or it is not below the top."""
    for line in (procfs.text(root / "proc" / pid / "cgroup") or "").splitlines():
        below = line.removeprefix("0::/").rstrip("\n")
        if line.startswith("0::/") and below and ".." not in below:
            return root / "sys/fs/cgroup" / below
    return None


def is_delegated(group: Path) -> bool:
    """Whether we may make groups below it whose memory is counted, and move processes between them."""
    controllers = (procfs.text(group / "cgroup.subtree_control") or "").split()
    writable = os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK)
    return "memory" in controllers and writable


def _move(pid: int, group: Path) -> None:
    with contextlib.suppress(OSError):  # it may have ended
        (group / "cgroup.procs").write_text(f"{pid}\n", "ascii")


def _make(group: Path) -> None:
    group.mkdir()


def _remove(group: Path) -> None:
    group.rmdir()
