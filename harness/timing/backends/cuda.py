"""`cuda`, one NVIDIA card, beside all processors.

    memory   peak bytes in use on the card - bytes in use before the watch       each 50 ms, by a thread
    tree     peak of the sum over the system's processes

A system that was never on the card has silently computed elsewhere, and its run is void. A block is rejected if
somebody else computes on the card, or if heat or a power brake lowers its clocks; running into the power cap is what
cards do under load, and is only noted. A process that ends must give its memory back, or the next one starts on another
machine.

In a container the driver's process ids are not ours: then strangers cannot be told from the system, `unseen` says so,
and it counts as on the card when so much more of the card's memory is in use as a CUDA context needs at least.

Source: the 50 ms and the limits are this project's.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.timing.backends import DeviceUse, Idle, Mark, Watched
from harness.timing.backends.cpu import Cpu, CpuWatch, memory_in_use, threads_environment
from harness.timing.backends.nvml import TOLERATED, NoDevice, find, load
from harness.timing.energy import Rapl, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.timing.backends.nvml import Device
    from harness.timing.noise import NoiseMeter

PERIOD_S = 0.05
LEFTOVER_LIMIT = 0.01
"""Share of the card's memory that may be in use, more than before, after a system has ended."""
CONTEXT_BYTES = 16 << 20
"""Less than any CUDA context takes."""
PATIENCE_S = 2.0
"""How long a driver gets to free the memory of a process that has ended."""

_INITIAL_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO in linux/proc_ns.h
_FELL_BACK = "no process of the system was ever on the GPU"
_NO_SUM = "the GPU's driver does not tell the memory of the system's processes"
_OTHER_IDS = "the GPU's driver counts processes outside of this container, so those of others cannot be told"


class Cuda:
    """One card. `uuid` picks it, by default the first on which nobody computes; `library` stands in for pynvml."""

    name = "cuda"

    def __init__(
        self,
        cpus: frozenset[int],
        *,
        library: Any = None,  # noqa: ANN401 - a module without types
        uuid: str | None = None,
        root: Path = Path("/"),
        meter: NoiseMeter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.host = Cpu(name=self.name, cpus=cpus, root=root, meter=meter, sleep=sleep)
        self.cpus, self.root, self.sleep = cpus, root, sleep
        self._library, self._uuid = library, uuid

    @cached_property
    def device(self) -> Device:
        """The card. Raises NoDevice."""
        return find(self._library or load(), self._uuid)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that show a system this card and no other."""
        visible = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": self.device.uuid}
        return threads_environment(len(self.cpus)) | visible

    @property
    def devices(self) -> tuple[Path, ...]:
        """The card's device nodes."""
        return self.device.nodes(self.root)

    @property
    def unseen(self) -> tuple[str, ...]:
        """What this machine does not tell about noise, as sentences."""
        return self.host.unseen + (() if self.knows_processes else (_OTHER_IDS,))

    @cached_property
    def knows_processes(self) -> bool:
        """Whether the driver's process ids are ours."""
        try:
            return str((self.root / "proc/self/ns/pid").readlink()) == _INITIAL_NAMESPACE
        except OSError:
            return False

    def missing(self) -> str | None:
        """Why it cannot be used here, None if it can."""
        if (reason := self.host.missing()) is not None:
            return reason
        try:
            device = self.device
        except NoDevice as lacking:
            return str(lacking)
        if device.is_split():
            return "the GPU is divided into instances (MIG), which are not measured"
        if not device.memory()[1]:
            return "the NVIDIA driver does not tell the GPU's memory"
        return None if device.nodes(self.root) else "the GPU has no device nodes below /dev"

    def facts(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What the card is, and how it is driven."""
        return self.device.hardware(), self.device.software()

    def cpu_s(self, pids: set[int]) -> float:
        """CPU seconds of these processes, and of their children that were waited for, since they began."""
        return self.host.cpu_s(pids)

    def idle(self, seconds: float) -> Idle:
        """Power and memory in use for so long before a system starts."""
        windows = {"cpu": Window(Rapl(self.root)), "gpu": Window(self.device)}
        self.sleep(seconds)
        energy = {name: window.close() for name, window in windows.items()}
        used = self.device.memory()[0]
        return Idle(seconds=seconds, energy=energy, memory=memory_in_use(self.root), device_memory=used)

    def watch(self, pids: Callable[[], set[int]]) -> CudaWatch:
        """Watch the processes that `pids` names, and the card, from now on."""
        return CudaWatch(self, pids)


class CudaWatch:
    """What is seen of a system's processes and of the card while it runs."""

    def __init__(self, backend: Cuda, pids: Callable[[], set[int]]) -> None:
        self._backend, self._device = backend, backend.device
        self._host = CpuWatch(backend.host, pids)
        self._energy = Window(self._device)
        self._clocks = self._device.clocks()
        self._samples = Samples(self._device, pids, knows_processes=backend.knows_processes)
        self._samples.start()

    def mark(self) -> Mark:
        """Close a block."""
        self._energy.touch()
        foreign, throttles = self._samples.take()
        mark = self._host.mark()
        sentences = [mark.rejection] if mark.rejection else []
        if foreign:
            sentences.append(f"{len(foreign)} processes of others computed on the GPU, 0 are allowed")
        if slowed := [name for name in throttles if name not in TOLERATED]:
            sentences.append(f"the GPU was throttled ({', '.join(slowed)}), which is not allowed")
        return replace(mark, rejection="; ".join(sentences) or None, foreign=tuple(sorted(foreign)))

    def finish(self) -> Watched:
        """End the watch, while the system lives."""
        samples = self._samples
        samples.stop()
        watched = self._host.finish()
        device = DeviceUse(
            memory=max(0, samples.peak - samples.before),
            tree_memory=samples.peak_of_tree,
            reason=None if samples.peak_of_tree is not None else _NO_SUM,
            before=self._clocks,
            after=self._device.clocks(),
            throttles=tuple(sorted(samples.all_throttles)),
        )
        violations = watched.violations if samples.reached else (*watched.violations, ("fell-back", _FELL_BACK))
        energy = {**watched.energy, "gpu": self._energy.close()}
        return replace(watched, energy=energy, violations=violations, device=device)

    def leftover(self) -> str | None:
        """What the system left on the card, as a sentence that voids the run. Call it after the system has ended."""
        waited = 0.0
        while (left := self._left()) > LEFTOVER_LIMIT and waited < PATIENCE_S:
            self._backend.sleep(PERIOD_S)
            waited += PERIOD_S
        if left <= LEFTOVER_LIMIT:
            return None
        return f"{left:.1%} of the GPU's memory was not given back, {LEFTOVER_LIMIT:.0%} are allowed"

    def _left(self) -> float:
        used, total = self._device.memory()
        return (used - self._samples.before) / total if total else 0.0


class Samples:
    """What a thread sees of the card each 50 ms: it waits in the driver, not in Python, nearly all of its time."""

    def __init__(self, device: Device, pids: Callable[[], set[int]], *, knows_processes: bool) -> None:
        self._device, self._pids, self._knows = device, pids, knows_processes
        self._own: set[int] = set()
        self._foreign: set[int] = set()
        self._throttles: set[str] = set()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="harness-gpu", daemon=True)
        self.before = self.peak = device.memory()[0]
        self.peak_of_tree: int | None = None
        self.all_throttles: set[str] = set()

    @property
    def reached(self) -> bool:
        """Whether the system was ever on the card."""
        return bool(self._own) if self._knows else self.peak - self.before >= CONTEXT_BYTES

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look a last time, and end."""
        self._over.set()
        self._thread.join()
        self.look()

    def take(self) -> tuple[set[int], set[str]]:
        """The processes of others and the throttling since the last time."""
        self.look()
        with self._lock:
            taken = self._foreign, self._throttles
            self._foreign, self._throttles = set(), set()
        return taken

    def look(self) -> None:
        """One sample."""
        with self._lock:
            self.peak = max(self.peak, self._device.memory()[0])
            throttles = set(self._device.throttles())
            self._throttles |= throttles
            self.all_throttles |= throttles
            if self._knows:
                self._look_at(self._device.processes())

    def _look_at(self, processes: dict[int, int | None]) -> None:
        """Tell the system's processes from others; its tree is listed only for ids that were not seen before."""
        if not processes.keys() <= self._own:
            self._own |= processes.keys() & self._pids()
        self._foreign |= processes.keys() - self._own
        held = [memory for pid, memory in processes.items() if pid in self._own and memory is not None]
        if held:
            self.peak_of_tree = max(self.peak_of_tree or 0, sum(held))

    def _run(self) -> None:
        while not self._over.wait(PERIOD_S):
            self.look()


def first_device(may: frozenset[int]) -> Cuda:
    """The card that a plain run gets, beside all of these processors."""
    return Cuda(may)
