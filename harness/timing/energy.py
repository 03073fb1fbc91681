"""Energy from counters of the hardware; nothing is estimated, and nothing subtracted.

    joules = sum of the steps of every counter, a step below zero being a wrap: + range of the counter
    watts  = joules / seconds

RAPL counts whole CPU packages and NVML the whole card: everything that runs there, not the system alone. Memory has a
domain of its own where it has one, and is not counted. Counters move in steps, so a window below 10 s has no number. A
counter that wraps must be read more often than it wraps (minutes); the backends read it at every block border.

Source: Documentation/power/powercap/powercap.rst; nvmlDeviceGetTotalEnergyConsumption.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.timing import procfs

if TYPE_CHECKING:
    from collections.abc import Callable

SHORTEST_S = 10.0
"""The shortest window that gets a number."""

_US = 1_000_000
_NS = 1_000_000_000


class Counter(Protocol):
    """Cumulated energy of one part of the machine."""

    def missing(self) -> str | None:
        """Why there is no counter, None if there is one."""
        ...

    def joules(self) -> float:
        """Energy since some moment that stays the same for this object."""
        ...


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy in a window, or the reason why it is not known."""

    seconds: float
    joules: float | None
    reason: str | None = None

    @property
    def watts(self) -> float | None:
        """Mean power."""
        return None if self.joules is None else self.joules / self.seconds


class Rapl:
    """The packages of this machine's CPUs, Intel's and AMD's."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._zones = sorted(zone for zone in _zones(root) if _is_package(zone))
        self._last = [procfs.number(zone / "energy_uj") for zone in self._zones]
        self._total = 0

    def missing(self) -> str | None:
        """Why there is no counter; since 2020 kernels let only root read it."""
        if not self._zones:
            return "no RAPL counters here (virtual machines have none)"
        return "the RAPL counters cannot be read without root" if None in self._last else None

    def joules(self) -> float:
        """Energy of all packages since this object was made."""
        for index, zone in enumerate(self._zones):
            before, now = self._last[index], procfs.number(zone / "energy_uj")
            if before is not None and now is not None:
                wrapped = (procfs.number(zone / "max_energy_range_uj") or 0) if now < before else 0
                self._total += now - before + wrapped
                self._last[index] = now
        return self._total / _US


class Window:
    """The energy between two moments; begins when it is made."""

    def __init__(self, counter: Counter, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._counter, self._clock = counter, clock
        self._missing = counter.missing()
        self._joules = 0.0 if self._missing else counter.joules()
        self._began = clock()

    def touch(self) -> None:
        """Read the counter, so that no wrap is lost."""
        if not self._missing:
            self._counter.joules()

    def close(self) -> Energy:
        """What was used since the beginning. May be asked again later."""
        seconds = (self._clock() - self._began) / _NS
        if self._missing:
            return Energy(seconds, None, self._missing)
        joules = self._counter.joules() - self._joules
        if seconds < SHORTEST_S:
            return Energy(seconds, None, f"a window of {seconds:.1f} s is too short, {SHORTEST_S:.0f} s are needed")
        return Energy(seconds, joules)


def _zones(root: Path) -> list[Path]:
    return list((root / "sys/class/powercap").glob("intel-rapl:*"))  # AMD's driver took the name over


def _is_package(zone: Path) -> bool:
    return (procfs.text(zone / "name") or "").startswith("package")
