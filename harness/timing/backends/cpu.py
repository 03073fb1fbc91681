"""`cpu1`, one core, and `cpuN`, all of them.

The kernel keeps a system on its processors (affinity), variables tell libraries how many threads to start, and both are
checked: every thread's affinity at each mark, and the CPU time,

    (user + system) / wall <= cores * 1.05

over the whole watch and over every second of it. CUDA devices are hidden, so that no CPU time is a GPU's.

Source: the limit is this project's; the variables are those of OpenMP (torch too), OpenBLAS, MKL, Accelerate, numexpr
and Rayon (tokenizers).
"""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.timing import noise, procfs, usage
from harness.timing.backends import Idle, Mark, Watched
from harness.timing.energy import Rapl, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.timing.noise import NoiseMeter, Reading

CPU_TOLERANCE = 1.05
POOLS = ("OMP", "OPENBLAS", "MKL", "VECLIB", "NUMEXPR", "RAYON")
"""Whose pools of threads `…_NUM_THREADS` limits; `VECLIB_MAXIMUM_THREADS` is spelled otherwise, and set too."""

_NS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """Some processors of this machine."""

    name: str
    cpus: frozenset[int]
    root: Path = Path("/")
    meter: NoiseMeter | None = None
    sleep: Callable[[float], None] = time.sleep
    devices: tuple[Path, ...] = ()

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that make libraries keep to these processors; PYTHONHASHSEED is the caller's."""
        return threads_environment(len(self.cpus)) | {"CUDA_VISIBLE_DEVICES": ""}

    @property
    def unseen(self) -> tuple[str, ...]:
        """What this machine does not tell about noise, as sentences."""
        return self.noise_meter().missing

    def noise_meter(self) -> NoiseMeter:
        """What reads the counters of these processors."""
        return self.meter or noise.HostNoise(self.cpus, self.root)

    def missing(self) -> str | None:
        """Why it cannot be used here, None if it can."""
        if sys.platform != "linux":
            return f"systems are timed on Linux only, and this is {sys.platform}"
        return None if self.cpus else "this process may use no processor"

    def facts(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Nothing: the fingerprint of the machine holds its processors anyway."""
        return {}, {}

    def cpu_s(self, pids: set[int]) -> float:
        """CPU seconds of these processes, and of their children that were waited for, since they began."""
        return usage.cpu_seconds(pids, self.root)

    def idle(self, seconds: float) -> Idle:
        """Power and memory in use for so long before a system starts."""
        window = Window(Rapl(self.root))
        self.sleep(seconds)
        return Idle(seconds=seconds, energy={"cpu": window.close()}, memory=memory_in_use(self.root))

    def watch(self, pids: Callable[[], set[int]]) -> CpuWatch:
        """Watch the processes that `pids` names, from now on."""
        return CpuWatch(self, pids)


class CpuWatch:
    """What is seen of a system's processes while it runs."""

    def __init__(self, backend: Cpu, pids: Callable[[], set[int]]) -> None:
        self._backend, self._pids, self._meter = backend, pids, backend.noise_meter()
        self._energy = Window(Rapl(backend.root))
        self._seen = _Seen()
        self._first = self._read()
        self._before_s = self._seen.cpu_s
        self._seen.escaped.clear()  # a process that is being started has not been pinned yet
        self._recent = deque([self._first])

    def mark(self) -> Mark:
        """Close a block."""
        before, now = self._recent[-1], self._read()
        self._energy.touch()
        since = self._since(now)
        self._check_cpu_time(since, now)
        found = noise.between(before, now, len(self._backend.cpus), since)
        return Mark(noise=found, rejection=noise.rejection(found))

    def finish(self) -> Watched:
        """End the watch, while the system lives."""
        last = self._read()
        wall_s = (last.stamp - self._first.stamp) / _NS
        cpu_s = self._seen.cpu_s - self._before_s
        return Watched(
            wall_s=wall_s,
            cpu_s=cpu_s,
            threads=self._seen.threads,
            escaped=tuple(sorted(self._seen.escaped)),
            energy={"cpu": self._energy.close()},
            noise=noise.between(self._first, last, len(self._backend.cpus)),
            violations=tuple(self._violations(cpu_s, wall_s)),
        )

    def leftover(self) -> str | None:
        """Nothing that a backend of processors could see."""
        return None

    def _read(self) -> Reading:
        pids = self._pids()
        reading = self._meter.read(pids)
        self._seen.add(usage.read(pids, self._backend.cpus, self._backend.root))
        return reading

    def _since(self, now: Reading) -> Reading:
        """The latest reading that is a second old, else the first: ticks are too coarse for less."""
        while len(self._recent) > 1 and now.stamp - self._recent[1].stamp >= noise.COARSE_NS:
            self._recent.popleft()
        self._recent.append(now)
        return self._recent[0]

    def _check_cpu_time(self, since: Reading, now: Reading) -> None:
        wall_s = (now.stamp - since.stamp) / _NS
        if self._seen.violation is None:
            self._seen.violation = violation(now.cpu_s - since.cpu_s, wall_s, len(self._backend.cpus))

    def _violations(self, cpu_s: float, wall_s: float) -> Iterator[tuple[str, str]]:
        cores = len(self._backend.cpus)
        if sentence := self._seen.violation or violation(cpu_s, wall_s, cores):
            yield "more-processors", sentence
        if count := len(self._seen.escaped):
            yield "more-processors", f"{count} threads could leave the processors of the backend, {cores} in number"


@dataclass(slots=True)
class _Seen:
    """The extremes of all readings."""

    cpu_s: float = 0.0
    threads: int = 0
    escaped: set[int] = field(default_factory=set)
    violation: str | None = None

    def add(self, used: usage.Usage) -> None:
        self.cpu_s = max(self.cpu_s, used.cpu_s)
        self.threads = max(self.threads, used.threads)
        self.escaped.update(used.escaped)


def one_core(may: frozenset[int]) -> Cpu:
    """The highest of these processors: interrupts prefer the lowest, and the driver has to stay somewhere too."""
    return Cpu(name="cpu1", cpus=frozenset([max(may)] if may else []))


def all_cores(may: frozenset[int]) -> Cpu:
    """All of these processors."""
    return Cpu(name="cpuN", cpus=may)


def beside(cpus: frozenset[int], may: frozenset[int], root: Path = Path("/")) -> frozenset[int]:
    """Where the driver should stay: on cores that a system on `cpus` does not share; `may` where there is no other."""
    folder = root / "sys/devices/system/cpu"
    listed = [procfs.text(folder / f"cpu{number}/topology/thread_siblings_list") or str(number) for number in cpus]
    return may - cpus.union(*map(procfs.processors, listed)) or may - cpus or may


def violation(cpu_s: float, wall_s: float, cores: int) -> str | None:
    """The sentence for a system that used more CPU time than its cores have; None if it did not.

    CPU time comes in ticks of 10 ms, so that less than a second says nothing.
    """
    if wall_s < 1 or cpu_s <= wall_s * cores * CPU_TOLERANCE:
        return None
    return f"{cpu_s:.2f} s of CPU time in {wall_s:.2f} s, {CPU_TOLERANCE:.2f} times {cores} are allowed"


def threads_environment(cores: int) -> dict[str, str]:
    """Variables that make pools of threads as large as the cores; one core also stops tokenizers from forking."""
    count = str(cores)
    limits = {f"{pool}_NUM_THREADS": count for pool in POOLS} | {"VECLIB_MAXIMUM_THREADS": count}
    # Threads that wait for work by spinning would use time that nobody asked for: 200 ms in Intel's runtime.
    limits |= {"KMP_BLOCKTIME": "1", "OPENBLAS_THREAD_TIMEOUT": "20", "OMP_WAIT_POLICY": "passive"}
    return limits | {"TOKENIZERS_PARALLELISM": "false" if cores == 1 else "true", "PYTHONUNBUFFERED": "1"}


def memory_in_use(root: Path = Path("/")) -> int | None:
    """Bytes of main memory that are not available; None where /proc does not tell."""
    table = procfs.text(root / "proc/meminfo") or ""
    values = [procfs.field(table, key) for key in ("MemTotal", "MemAvailable")]
    total, free = (int(value.split()[0]) * 1024 if value else None for value in values)
    return None if total is None or free is None else total - free
