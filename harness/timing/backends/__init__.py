"""Where systems run, one file each, and what is watched while they run.

A backend says which processors and devices a system gets and how its environment makes libraries keep to them. Its
watch is marked at the borders of blocks, outside of what is timed, and says for each block whether others disturbed it,
and at the end what the system used and whether it stayed within the backend. What cannot be measured here carries
the reason.

    watch = backend.watch(system.pids)
    for block in blocks: …; mark = watch.mark()        # mark.rejection: why this block must not count
    watched = watch.finish()                           # while the system still lives
    system.stop(); watch.leftover()                    # after it has ended
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.catalogue import problem
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.timing.energy import Energy
    from harness.timing.noise import Noise

GROUPS = {"cpu": ("cpu1", "cpuN")}
"""What a manifest may name instead of several backends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """The machine before the system starts. Bytes in use; energy by part (`cpu`, `gpu`)."""

    seconds: float
    energy: Mapping[str, Energy]
    memory: int | None
    device_memory: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What happened since the last mark. `rejection` says why the block must not count."""

    noise: Noise
    rejection: str | None = None
    foreign: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """A device's memory at its peak: above what it held before the watch began, and of the system's processes alone.

    Bytes; `reason` says why the driver does not tell the second. `before` and `after` hold clocks and the reasons for
    which they were lowered; `throttles` all such reasons that were ever seen.
    """

    memory: int
    tree_memory: int | None
    reason: str | None
    before: Mapping[str, str]
    after: Mapping[str, str]
    throttles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a system used from the beginning of the watch to its end. `threads` is the largest number seen at a mark.

    `energy` is that of whole parts of the machine, `cpu` and where there is one `gpu`. `noise` is that of the whole
    watch. Each of `violations` voids the run: a name, and a sentence with what was found and what is allowed.
    """

    wall_s: float
    cpu_s: float
    threads: int
    escaped: tuple[int, ...]
    energy: Mapping[str, Energy]
    noise: Noise
    violations: tuple[tuple[str, str], ...] = ()
    device: DeviceUse | None = None

    @property
    def energy_j(self) -> float | None:
        """Energy (J) of the part that the backend is about."""
        return self._part.joules

    @property
    def device_memory(self) -> int | None:
        """Peak memory (bytes) of the device above what it held before; None without a device."""
        return None if self.device is None else self.device.memory

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why a number is None, by its name: `energy`, `device-memory-tree`."""
        found = {"energy": self._part.reason, "device-memory-tree": self.device.reason if self.device else None}
        return {name: reason for name, reason in found.items() if reason}

    @property
    def _part(self) -> Energy:
        return self.energy.get("gpu") or self.energy["cpu"]


class Watch(Protocol):
    """What is seen while a system runs."""

    def mark(self) -> Mark:
        """Close a block; call it between blocks, it costs some tenths of a millisecond."""
        ...

    def finish(self) -> Watched:
        """End the watch. Call it while the system lives: the CPU time of a process that has ended is gone."""
        ...

    def leftover(self) -> str | None:
        """What the system left on the device, as a sentence that voids the run. Call it after the system has ended."""
        ...


class Backend(Protocol):
    """One place to run systems. `devices` are nodes that a sandbox must let through."""

    @property
    def name(self) -> str:
        """What manifests and records call it."""
        ...

    @property
    def cpus(self) -> frozenset[int]:
        """The processors that a system may use."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that make libraries keep to the backend."""
        ...

    @property
    def devices(self) -> tuple[Path, ...]:
        """Device nodes that a system needs."""
        ...

    @property
    def unseen(self) -> tuple[str, ...]:
        """What this machine does not tell about noise, as sentences."""
        ...

    def missing(self) -> str | None:
        """Why it cannot be used here, None if it can."""
        ...

    def facts(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What it adds to the machine's fingerprint: facts of its hardware, and of its software."""
        ...

    def cpu_s(self, pids: set[int]) -> float:
        """CPU seconds of these processes, and of their children that were waited for, since they began."""
        ...

    def idle(self, seconds: float) -> Idle:
        """The machine for so long before a system starts; power needs 10 s."""
        ...

    def watch(self, pids: Callable[[], set[int]]) -> Watch:
        """Watch the processes that `pids` names, from now on."""
        ...


def backends(affinity: frozenset[int] | None = None) -> dict[str, Backend]:
    """Every backend by name, whether it can be used here or not.

    `affinity` are the processors that may be used, by default those of this process: ask before it pins itself.
    """
    from harness.timing.backends.cpu import all_cores, one_core
    from harness.timing.backends.cuda import first_device

    may = affinity or available()
    known: list[Backend] = [one_core(may), all_cores(may), first_device(may)]
    return {backend.name: backend for backend in known}


def available() -> frozenset[int]:
    """The processors that this process may run on; all where the system does not tell."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


NAMES = ("cpu1", "cpuN", "cuda")


def expand(name: str) -> Sequence[str]:
    """The backends that a name stands for: `cpu` is `cpu1` and `cpuN`. Raises UsageError (U022)."""
    if name not in (*NAMES, *GROUPS):
        known = ", ".join((*GROUPS, *NAMES))
        raise UsageError(problem("U022", what="backend", id=name, hint="", known=known))
    return list(GROUPS.get(name, (name,)))
