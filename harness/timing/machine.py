"""What machine a timing comes from, so that numbers of different ones are never mixed up.

    machine_id = first 16 hex digits of sha256 over the canonical JSON of its hardware
    env_id     = the same over what runs on it: kernel, governor, turbo, limits, Python, NumPy, BLAS, drivers

Neither holds a host name, a path or a time. Of the CPU's flags the hardware counts those that name instructions: others
come and go with the kernel, and belong to the environment. The same machine may have another id as a guest, because it
shows another CPU there.

Source: /proc/cpuinfo, Documentation/ABI/stable/sysfs-devices-node, Documentation/admin-guide/pm/cpufreq.rst.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import canonical
from harness.timing import procfs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INSTRUCTIONS = (
    *(
        "3dnow",
        "abm",
        "adx",
        "aes",
        "amx",
        "avx",
        "bmi",
        "cx16",
        "f16c",
        "fma",
        "gfni",
        "lahf",
        "mmx",
        "movbe",
        "movdir",
    ),
    *("pclmul", "popcnt", "rdrand", "rdseed", "serialize", "sha", "sse", "ssse", "vaes", "vpclmul", "xop", "xsave"),
    *("asimd", "atomics", "bf16", "crc32", "fp", "i8mm", "neon", "pmull", "sm3", "sm4", "sve", "vfp"),
)
"""How flags of x86 and Arm begin that name instructions."""

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Machine:
    """Two ids, and the facts that they are made of, by name."""

    machine_id: str
    env_id: str
    facts: dict[str, str]


def fingerprint(
    hardware: Mapping[str, str] | None = None,
    software: Mapping[str, str] | None = None,
    root: Path = Path("/"),
) -> Machine:
    """This machine; `hardware` and `software` are further facts, such as those of a backend's device.

    Ask before this process pins itself to a processor: how many it may use is one of the facts.
    """
    hard = hardware_facts(root) | dict(hardware or {})
    soft = software_facts(root) | dict(software or {})
    return Machine(_id(hard), _id(soft), hard | soft)


def hardware_facts(root: Path = Path("/")) -> dict[str, str]:
    """What stays when the system is installed anew."""
    cpus = procfs.text(root / "proc/cpuinfo") or ""
    flags = _flags(cpus)
    known = flags and _digest(" ".join(flag for flag in flags if flag.startswith(INSTRUCTIONS)))
    facts = {
        "architecture": platform.machine(),
        "cpu": _model(cpus),
        "cpu_instructions": known or "unknown",
        "cores": str(_cores(root)),
        "threads": str(_threads(root)),
        "numa_nodes": str(len(list((root / "sys/devices/system/node").glob("node[0-9]*"))) or 1),
        "memory": f"{_memory_gib(root)} GiB",
        "virtualised": _virtualised(flags, root),
    }
    return facts | {"smt": "no" if facts["cores"] == facts["threads"] else "yes"}


def software_facts(root: Path = Path("/")) -> dict[str, str]:
    """What an operator can change."""
    flags = _flags(procfs.text(root / "proc/cpuinfo") or "")
    facts = {
        "system": platform.system(),
        "kernel": (procfs.text(root / "proc/sys/kernel/osrelease") or platform.release()).strip(),
        "cpu_flags": _digest(" ".join(flags)) if flags else "unknown",
        "governor": _governors(root),
        "turbo": _turbo(root),
        "cpus_allowed": str(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "unknown",
        "cpu_quota": _quota(root),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }
    return facts | _numpy()


def _id(facts: Mapping[str, str]) -> str:
    return canonical.digest(canonical.encode(dict(facts)))[:16]


def _digest(text: str) -> str:
    return canonical.digest(text.encode("utf-8"))[:16]


def _flags(cpus: str) -> list[str]:
    return sorted((procfs.field(cpus, "flags") or procfs.field(cpus, "Features") or "").split())


def _model(cpus: str) -> str:
    """The name of the CPU; on Arm, where it has none, its numbers."""
    named = procfs.field(cpus, "model name")
    parts = [procfs.field(cpus, f"CPU {part}") for part in ("implementer", "variant", "part", "revision")]
    return named or " ".join(filter(None, parts)) or platform.processor() or "unknown"


def _folders(root: Path) -> list[Path]:
    return list((root / "sys/devices/system/cpu").glob("cpu[0-9]*"))


def _threads(root: Path) -> int:
    return len(_folders(root)) or os.cpu_count() or 1


def _cores(root: Path) -> int:
    """Cores, each counted by the list of threads that share it; where no list is readable, threads."""
    lists = [procfs.text(folder / "topology/thread_siblings_list") for folder in _folders(root)]
    return len({listed for listed in lists if listed}) or _threads(root)


def _memory_gib(root: Path) -> int:
    """Rounded, because a kernel keeps some of it for itself, and not every kernel the same."""
    total = procfs.field(procfs.text(root / "proc/meminfo") or "", "MemTotal")
    return round(int(total.split()[0]) * 1024 / _GIB) if total else 0


def _virtualised(flags: Iterable[str], root: Path) -> str:
    if "hypervisor" in flags or (root / "sys/hypervisor/type").exists():
        return "yes"
    return "no" if flags and platform.machine() in {"x86_64", "AMD64"} else "unknown"


def _governors(root: Path) -> str:
    found = {(procfs.text(folder / "cpufreq/scaling_governor") or "").strip() for folder in _folders(root)}
    return " ".join(sorted(filter(None, found))) or "unknown"


def _turbo(root: Path) -> str:
    folder = root / "sys/devices/system/cpu"
    off, boost = procfs.number(folder / "intel_pstate/no_turbo"), procfs.number(folder / "cpufreq/boost")
    if off is not None:
        return "off" if off else "on"
    return "unknown" if boost is None else ("on" if boost else "off")


def _quota(root: Path) -> str:
    """CPU time that this process' control group may use per period, in us; `max` for all."""
    return (procfs.text(root / "sys/fs/cgroup/cpu.max") or "unknown").strip()


def _numpy() -> dict[str, str]:
    import numpy as np

    built: Any = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return {"numpy": np.__version__, "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()}
