"""One NVIDIA card, as its driver's library tells of it. What the driver refuses is None, never a guess.

The library is the module `pynvml` of the distribution `nvidia-ml-py` (the extra `gpu`), handed in as an object, so that
tests bring their own. Memory comes in bytes, energy in mJ since the driver was loaded, power in mW, clocks in MHz.

Source: NVIDIA's NVML API reference.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

THROTTLES = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "thermal slowdown by software",
    0x40: "thermal slowdown by hardware",
    0x80: "power brake",
}
"""Why clocks are lower than they could be, by bit; idling and what an operator has set are no such reasons."""
TOLERATED = frozenset(["power cap"])
"""What a card does under full load on any day."""

_CLOCKS = {"graphics": 0, "sm": 1, "memory": 2}
_PACKAGE = "nvidia-ml-py is not installed: pip install 'shared-task-harness[gpu]'"


class NoDevice(Exception):
    """Why there is no card to use, as a sentence."""


def load() -> Any:  # noqa: ANN401 - a module without types
    """The library. Raises NoDevice where it is not installed."""
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        raise NoDevice(_PACKAGE) from None


def find(library: Any, uuid: str | None = None) -> Device:  # noqa: ANN401 - a module without types
    """The card with this UUID, else the first on which nobody computes, else the first. Raises NoDevice."""
    try:
        library.nvmlInit()
        handles = [library.nvmlDeviceGetHandleByIndex(index) for index in range(library.nvmlDeviceGetCount())]
    except library.NVMLError as error:
        reason = f"the NVIDIA driver does not answer: {error}"
        raise NoDevice(reason) from None
    cards = [Device(library, handle) for handle in handles]
    if uuid is not None:
        cards = [card for card in cards if card.uuid == uuid]
    if not cards:
        reason = "the NVIDIA driver knows no device" + (f" {uuid}" if uuid else "")
        raise NoDevice(reason)
    return next((card for card in cards if not card.processes()), cards[0])


class Device:
    """One card."""

    def __init__(self, library: Any, handle: Any) -> None:  # noqa: ANN401 - a module without types
        self._library, self._handle = library, handle
        self.uuid = str(self._ask("nvmlDeviceGetUUID"))

    def memory(self) -> tuple[int, int]:
        """Bytes used, by anybody, and bytes in all."""
        info = self._ask("nvmlDeviceGetMemoryInfo")
        return (0, 0) if info is None else (int(info.used), int(info.total))

    def processes(self) -> dict[int, int | None]:
        """Bytes by process that computes here, None where the driver does not tell. A display is none of them."""
        found = [*(self._ask("nvmlDeviceGetComputeRunningProcesses") or [])]
        found += self._ask("nvmlDeviceGetMPSComputeRunningProcesses") or []
        return {int(process.pid): process.usedGpuMemory for process in found}

    def missing(self) -> str | None:
        """Why there is no counter of energy, None if there is one."""
        if self._ask("nvmlDeviceGetTotalEnergyConsumption") is None:
            return "the GPU has no counter of energy (cards before Volta have none)"
        return None

    def joules(self) -> float:
        """Energy since the driver was loaded."""
        return float(self._ask("nvmlDeviceGetTotalEnergyConsumption") or 0) / 1000

    def clocks(self) -> dict[str, str]:
        """Clocks now (MHz), and why they are lowered."""
        found = {name: self._ask("nvmlDeviceGetClockInfo", which) for name, which in _CLOCKS.items()}
        clocks = {f"{name}_mhz": str(value) for name, value in found.items() if value is not None}
        return clocks | {"throttled": ", ".join(self.throttles()) or "no"}

    def throttles(self) -> tuple[str, ...]:
        """Why clocks are lowered now."""
        bits = self._ask("nvmlDeviceGetCurrentClocksEventReasons")
        if bits is None:  # drivers before 535
            bits = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        return tuple(name for bit, name in THROTTLES.items() if (bits or 0) & bit)

    def is_split(self) -> bool:
        """Whether the card is divided into instances (MIG), each of which would need a watch of its own."""
        mode = self._ask("nvmlDeviceGetMigMode")
        return bool(mode and mode[0])

    def nodes(self, root: Path = Path("/")) -> tuple[Path, ...]:
        """The device nodes that CUDA opens."""
        names = [f"nvidia{self._ask('nvmlDeviceGetMinorNumber')}", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"]
        return tuple(path for path in (root / "dev" / name for name in names) if path.exists())

    def hardware(self) -> dict[str, str]:
        """What the card is."""
        found = {"gpu": self._ask("nvmlDeviceGetName"), "gpu_vbios": self._ask("nvmlDeviceGetVbiosVersion")}
        memory = f"{round(self.memory()[1] / (1 << 30))} GiB"
        return {name: str(value) for name, value in found.items() if value is not None} | {"gpu_memory": memory}

    def software(self) -> dict[str, str]:
        """How it is driven."""
        limit = self._ask("nvmlDeviceGetPowerManagementLimit")
        found = {
            "gpu_driver": self._call("nvmlSystemGetDriverVersion"),
            "gpu_cuda": self._call("nvmlSystemGetCudaDriverVersion"),
            "gpu_power_limit": None if limit is None else f"{round(limit / 1000)} W",
        }
        return {name: str(value) for name, value in found.items() if value is not None}

    def _ask(self, name: str, *arguments: int) -> Any:  # noqa: ANN401 - whatever NVML returns
        return self._call(name, self._handle, *arguments)

    def _call(self, name: str, *arguments: Any) -> Any:  # noqa: ANN401
        """What a function returns, None where library or driver do not have it."""
        function = getattr(self._library, name, None)
        if function is None:
            return None
        try:
            return function(*arguments)
        except self._library.NVMLError:
            return None
