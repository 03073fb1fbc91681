"""A machine that is not there: a tree of /proc and /sys, a meter of noise, control groups, and NVIDIA's library."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from types import SimpleNamespace

from harness.timing.noise import Reading, Ticks

MIB = 1 << 20
GIB = 1 << 30


def put(root, path, content):
    """One file below a root."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(str(content))


def put_pressure(root, **totals):
    """PSI totals (us)."""
    for name, total in totals.items():
        put(root, f"proc/pressure/{name}", f"some avg10=1.00 avg60=0.00 avg300=0.00 total={total}\nfull total=9\n")


def put_thread(root, pid, tid, *, cpu=0, delay=0, involuntary=0, cpus="0"):  # noqa: PLR0913 - a thread has these
    """One thread: ns on the CPU and waiting, switches, and the processors it may use."""
    folder = f"proc/{pid}/task/{tid}"
    put(root, f"{folder}/schedstat", f"{cpu} {delay} 17\n")
    status = f"Name:\tx\nCpus_allowed_list:\t{cpus}\nvoluntary_ctxt_switches:\t5\n"
    put(root, f"{folder}/status", f"{status}nonvoluntary_ctxt_switches:\t{involuntary}\n")


def put_process(root, pid, *, ticks=(0, 0, 0, 0), name="x"):
    """One process: utime, stime, cutime and cstime in ticks."""
    times = " ".join(map(str, ticks))
    put(root, f"proc/{pid}/stat", f"{pid} ({name}) S 1 1 1 0 -1 4194560 1 2 3 4 {times} 20 0 1 0 99 0 0\n")


@dataclass
class FakeMeter:
    """Answers with the readings that it was given, the last one for ever."""

    readings: list[Reading]
    missing: tuple[str, ...] = ()
    asked: list[set[int]] = field(default_factory=list)

    def read(self, pids):
        self.asked.append(set(pids))
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


def quiet(second, cpu_s=0.0):
    """A reading, so many seconds after the beginning, of a machine on which nothing happens."""
    return Reading(
        stamp=int(second * 1_000_000_000),
        pressure={"cpu": 0, "memory": 0, "io": 0},
        ticks=Ticks(int(second * 100), 0, 0),
        cpu_s=cpu_s,
        throttles=0,
    )


class FakeGroups:
    """A delegated hierarchy: whoever makes a group finds the kernel's files in it."""

    def __init__(self, root, monkeypatch, *, peak=0, controllers="cpu memory pids"):
        from harness.timing import memory

        self.root, self.peak = root, peak
        self.parent, self.home = root / "sys/fs/cgroup/run.slice", root / "sys/fs/cgroup/run.slice/ours"
        put(root, "proc/self/cgroup", "4:memory:/old\n0::/run.slice/ours\n")
        put(root, "sys/fs/cgroup/run.slice/cgroup.subtree_control", controllers)
        put(root, "sys/fs/cgroup/run.slice/cgroup.procs", "")
        put(root, "sys/fs/cgroup/run.slice/ours/cgroup.procs", "")
        monkeypatch.setattr(memory, "_make", self.make)
        monkeypatch.setattr(memory, "_move", self.move)
        monkeypatch.setattr(memory, "_remove", shutil.rmtree)

    def add(self, pid, group="run.slice/ours"):
        put(self.root, f"proc/{pid}/cgroup", f"0::/{group}\n")

    def make(self, group):
        put(group, "memory.peak", self.peak)
        put(group, "cgroup.procs", "")

    def move(self, pid, group):
        with (group / "cgroup.procs").open("a") as stream:
            stream.write(f"{pid}\n")

    @property
    def made(self):
        """The groups beside ours."""
        return [path for path in self.parent.iterdir() if path.is_dir() and path != self.home]


class NVMLError(Exception):
    """What the library raises."""


@dataclass
class Card:
    """The state of a card; None stands for what the driver refuses."""

    uuid: str = "GPU-1"
    name: str = "NVIDIA Test"
    minor: int = 0
    used: int = 100 * MIB
    total: int = 10 * GIB
    processes: dict[int, int | None] = field(default_factory=dict)
    energy_mj: int | None = 5000
    reasons: int = 0
    split: bool = False
    limit_mw: int = 350_000
    clocks: tuple[int, ...] = (1700, 1755, 2619)
    vbios: str = "96.00"


class FakeNvml:
    """`pynvml` as far as it is asked; a card is its own handle."""

    NVMLError = NVMLError

    def __init__(self, *cards, fails=None):
        self.cards, self.fails = cards, fails

    def nvmlInit(self):  # noqa: N802 - NVIDIA's names
        if self.fails:
            raise NVMLError(self.fails)

    def nvmlDeviceGetCount(self):  # noqa: N802
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return self.cards[index]

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "570.1"

    def nvmlSystemGetCudaDriverVersion(self):  # noqa: N802
        return 12080

    def nvmlDeviceGetPowerManagementLimit(self, card):  # noqa: N802
        return card.limit_mw

    def nvmlDeviceGetComputeRunningProcesses(self, card):  # noqa: N802
        return [SimpleNamespace(pid=pid, usedGpuMemory=memory) for pid, memory in card.processes.items()]

    def nvmlDeviceGetMemoryInfo(self, card):  # noqa: N802
        return SimpleNamespace(used=card.used, total=card.total)

    def nvmlDeviceGetTotalEnergyConsumption(self, card):  # noqa: N802
        if card.energy_mj is None:
            reason = "Not Supported"
            raise NVMLError(reason)
        return card.energy_mj

    def nvmlDeviceGetClockInfo(self, card, which):  # noqa: N802
        return card.clocks[which]

    def nvmlDeviceGetCurrentClocksEventReasons(self, card):  # noqa: N802
        return card.reasons

    def nvmlDeviceGetMigMode(self, card):  # noqa: N802
        return [int(card.split), 0]

    def nvmlDeviceGetMinorNumber(self, card):  # noqa: N802
        return card.minor

    def nvmlDeviceGetName(self, card):  # noqa: N802
        return card.name

    def nvmlDeviceGetUUID(self, card):  # noqa: N802
        return card.uuid

    def nvmlDeviceGetVbiosVersion(self, card):  # noqa: N802
        return card.vbios
