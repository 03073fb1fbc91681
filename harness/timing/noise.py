"""How much others disturbed a measurement, so that a block that they spoilt can be thrown away.

    pressure = increase of PSI "some" / wall                          cpu, memory, io: a task waited for it
    own      = min(pressure_cpu - taken, run delay of the tree / wall), at least 0
    taken    = (busy ticks of the CPUs - ticks of the tree) / ticks   what others used of these CPUs
    steal    = stolen ticks / ticks                                   what the hypervisor gave to other machines

The tree is the system with the driver that asks it. Its processes wait for each other, when one wakes another or when
they are more than the CPUs, and that part of the pressure is its own. But not what others took: at least
min(pressure_cpu, taken) remains, or a system of many threads would hide every neighbour.

All are shares of the wall time. A block is rejected for a pressure above 5 % beyond its own, for steal above 1 %, and
for any thermal throttling. PSI covers the whole machine; steal, heat and `taken` the CPUs in use. Ticks are coarse
(10 ms): steal is counted over a second at least, across short blocks, and of `taken` one tick per CPU and one more
are let pass.

What the machine does not tell is None, never a guess, and `HostNoise.missing` names it. Threads that ended between two
readings explain nothing, so that a system that starts threads for each request is judged more strictly, not less.

Source: Documentation/accounting/psi.rst, Documentation/scheduler/sched-stats.rst, proc_stat(5); the limits are
this project's.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.timing import procfs, usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PRESSURE_LIMIT = 0.05
STEAL_LIMIT = 0.01
COARSE_NS = 1_000_000_000
"""Over how long steal is counted at least (ns)."""

_RESOURCES = {"cpu": "the CPU", "memory": "memory", "io": "input and output"}
_IDLE, _IOWAIT, _STEAL = 3, 4, 7
_COUNTED = 8  # what follows, guest time, is part of user time already
_NS = 1_000_000_000
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread since it began: ns on a CPU, ns ready but waiting for one, and switches it did not ask for."""

    cpu: int
    delay: int
    involuntary: int


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks of some CPUs since boot: all, those in which they worked, those that the hypervisor gave away."""

    total: int
    busy: int
    steal: int


@dataclass(frozen=True, slots=True)
class Reading:
    """All counters at one moment: `stamp` in ns, `pressure` in us by resource, `cpu_s` of the system, as in `usage`."""

    stamp: int
    pressure: Mapping[str, int] = field(default_factory=dict)
    ticks: Ticks | None = None
    threads: Mapping[int, Thread] = field(default_factory=dict)
    cpu_s: float = 0.0
    throttles: int | None = None
    driver_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Noise:
    """What happened between two readings, as shares of the wall time; None where the machine does not tell.

    `pressure_cpu` is what the tree's own waiting does not explain, and `own` what it does. `throttled` is how often a
    CPU was slowed down because of its heat.
    """

    seconds: float
    pressure_cpu: float | None
    pressure_memory: float | None
    pressure_io: float | None
    steal: float | None
    throttled: int | None
    involuntary_per_s: float
    own: float = 0.0


class NoiseMeter(Protocol):
    """What reads the counters."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What this machine does not tell, as sentences."""
        ...

    def read(self, pids: set[int]) -> Reading:
        """The counters now, those of threads for these processes."""
        ...


class HostNoise:
    """The counters of this machine. `cpus` are those whose steal and throttling matter, None for all.

    `driver` is the process that asks the system, by default this one.
    """

    def __init__(
        self,
        cpus: frozenset[int] | None = None,
        root: Path = Path("/"),
        clock: Callable[[], int] = time.monotonic_ns,
        driver: int | None = None,
    ) -> None:
        self._driver = os.getpid() if driver is None else driver
        self._cpus, self._root, self._clock = cpus, root, clock
        self._throttles = sorted(_throttle_files(root, cpus))

    @property
    def missing(self) -> tuple[str, ...]:
        """What this machine does not tell, as sentences."""
        reading = self.read(set())
        sentences = [f"no PSI of {name} here" for name in _RESOURCES if name not in reading.pressure]
        sentences += ["no ticks of the CPUs here, hence no steal"] * (reading.ticks is None)
        schedstat = self._root / "proc/self/schedstat"
        sentences += ["no schedstat of threads here, hence no waiting is a system's own"] * (not schedstat.exists())
        sentences += ["no counters of thermal throttling here"] * (reading.throttles is None)
        return tuple(sentences)

    def read(self, pids: set[int]) -> Reading:
        """The counters now, those of threads for these processes."""
        return Reading(
            self._clock(),
            dict(self._pressure()),
            self._ticks(),
            dict(self._threads(pids | {self._driver})),
            usage.cpu_seconds(pids, self._root),
            sum(procfs.number(path) or 0 for path in self._throttles) if self._throttles else None,
            usage.cpu_seconds({self._driver} - pids, self._root),
        )

    def _pressure(self) -> Iterator[tuple[str, int]]:
        for name in _RESOURCES:
            some, *_ = (procfs.text(self._root / "proc/pressure" / name) or "").splitlines() or [""]
            if some.startswith("some "):
                yield name, int(some.rpartition("total=")[2])

    def _ticks(self) -> Ticks | None:
        wanted = {"cpu"} if self._cpus is None else {f"cpu{number}" for number in self._cpus}
        lines = [line.split() for line in (procfs.text(self._root / "proc/stat") or "").splitlines()]
        rows = [[int(count) for count in line[1 : _COUNTED + 1]] for line in lines if line and line[0] in wanted]
        if not rows:
            return None
        counts = [sum(column) for column in zip(*rows, strict=True)]
        return Ticks(sum(counts), sum(counts) - counts[_IDLE] - counts[_IOWAIT] - counts[_STEAL], counts[_STEAL])

    def _threads(self, pids: set[int]) -> Iterator[tuple[int, Thread]]:
        for folder in (folder for pid in pids for folder in procfs.tasks(self._root, pid)):
            times = (procfs.text(folder / "schedstat") or "").split()
            if times:
                switches = procfs.field(procfs.text(folder / "status") or "", "nonvoluntary_ctxt_switches")
                yield int(folder.name), Thread(int(times[0]), int(times[1]), int(switches or 0))


def between(a: Reading, b: Reading, cpus: int, since: Reading | None = None) -> Noise:
    """The noise from reading `a` to reading `b` for a tree that may use so many CPUs.

    Steal is counted from `since`, by default from `a`; choose one a second before `b` (`COARSE_NS`).
    """
    seconds = max(b.stamp - a.stamp, 1) / _NS
    spent = _spent(a.threads, b.threads)
    shares = {name: _pressure(a, b, name) for name in _RESOURCES}
    waiting = shares["cpu"]
    taken = _taken(a, b, cpus)
    own = 0.0 if waiting is None or taken is None else max(0.0, min(waiting - taken, spent.delay / _NS / seconds))
    return Noise(
        seconds=seconds,
        pressure_cpu=None if waiting is None else waiting - own,
        pressure_memory=shares["memory"],
        pressure_io=shares["io"],
        steal=_steal(since or a, b),
        throttled=None if a.throttles is None or b.throttles is None else b.throttles - a.throttles,
        involuntary_per_s=spent.involuntary / seconds,
        own=own,
    )


def rejection(noise: Noise) -> str | None:
    """Why a block must not count, with what was found and what is allowed; None if it may."""
    return "; ".join(_faults(noise)) or None


def _faults(noise: Noise) -> Iterator[str]:
    pressures = (noise.pressure_cpu, noise.pressure_memory, noise.pressure_io)
    for what, share in zip(_RESOURCES.values(), pressures, strict=True):
        if share is not None and share > PRESSURE_LIMIT:
            yield f"others waited for {what} in {share:.1%} of the time, {PRESSURE_LIMIT:.0%} are allowed"
    if noise.steal is not None and noise.steal > STEAL_LIMIT:
        yield f"the hypervisor gave {noise.steal:.1%} of the CPU time to others, {STEAL_LIMIT:.0%} are allowed"
    if noise.throttled:
        yield f"the CPU was throttled {noise.throttled} times because of its heat, 0 are allowed"


def _pressure(a: Reading, b: Reading, name: str) -> float | None:
    if name not in a.pressure or name not in b.pressure:
        return None
    return min(1.0, (b.pressure[name] - a.pressure[name]) * (_NS // _US) / max(b.stamp - a.stamp, 1))


def _steal(a: Reading, b: Reading) -> float | None:
    if a.ticks is None or b.ticks is None or b.ticks.total <= a.ticks.total:
        return None
    return max(0, b.ticks.steal - a.ticks.steal) / (b.ticks.total - a.ticks.total)


def _taken(a: Reading, b: Reading, cpus: int) -> float | None:
    """What others than the tree used of its CPUs; None where there are no ticks: then no waiting is a system's own."""
    if a.ticks is None or b.ticks is None or b.ticks.total <= a.ticks.total:
        return None
    others = (
        b.ticks.busy
        - a.ticks.busy
        - (b.cpu_s + b.driver_s - a.cpu_s - a.driver_s) * usage.ticks_per_second()
        - cpus
        - 1
    )
    return max(0.0, others / (b.ticks.total - a.ticks.total))


def _spent(before: Mapping[int, Thread], after: Mapping[int, Thread]) -> Thread:
    """What threads spent that live at the second reading; a new one began at 0."""
    steps = [_step(before.get(number), thread) for number, thread in after.items()]
    return Thread(*(sum(counts) for counts in zip(*steps, strict=True))) if steps else Thread(0, 0, 0)


def _step(before: Thread | None, after: Thread) -> tuple[int, int, int]:
    if before is None or before.cpu > after.cpu:  # the number was given to a new thread
        before = Thread(0, 0, 0)
    return after.cpu - before.cpu, after.delay - before.delay, after.involuntary - before.involuntary


def _throttle_files(root: Path, cpus: Iterable[int] | None) -> Iterator[Path]:
    folder = root / "sys/devices/system/cpu"
    for name in ["*"] if cpus is None else sorted(cpus):
        yield from folder.glob(f"cpu{name}/thermal_throttle/*_throttle_count")
