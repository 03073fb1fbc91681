"""Level LIMITS: resource limits, and another user where the harness runs as root. It works everywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox import Level, identity
from harness.sandbox.levels import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox import Limits, Room


class Limited:
    """What Unix has always had."""

    level = Level.LIMITS
    gaps = (
        "The program sees the file system and the network as any user of this machine does.",
        "Memory is limited per process, not for all of them together, and not where a device (a GPU) is given.",
        "Temporary files are limited one by one, not in their sum.",
        "Where the harness does not run as root, the program is the same user, and can read what that user can read.",
    )

    @property
    def open(self) -> frozenset[str]:
        """Everything but limits of numbers."""
        from harness.sandbox.attacks import LIMITS, NAMES, WARDEN

        return NAMES - WARDEN - LIMITS

    def available(self) -> str | None:
        """Nothing is needed."""
        return None

    def plan(self, command: Sequence[str], room: Room, limits: Limits, spare: int) -> Plan:  # noqa: ARG002 - none needed
        """The command, with less."""
        return Plan(
            command=command,
            environment=room.environment,
            folder=room.folder,
            rlimits=rlimits(room, limits),
            cpus=room.cpus,
            drops_user=True,
            reach=reachable(command, room),
            no_new_privs=True,
            has_scratch=True,
        )


def rlimits(room: Room, limits: Limits, own: int = 0) -> dict[str, int]:
    """Limits by the name of their constant; `own` processes are needed by the box itself.

    The address space is limited only without devices: the runtime of a GPU reserves far more than it uses.
    """
    used = 0 if identity.is_root() else _threads_of(os.getuid())
    chosen = {
        "NPROC": used + limits.processes + own,
        "FSIZE": limits.file_size,
        "NOFILE": limits.open_files,
        "CORE": 0,
    }
    return chosen if room.devices else {**chosen, "AS": limits.memory}


def _threads_of(user: int, proc: Path = Path("/proc")) -> int:
    """How many threads a user has already: the kernel counts all of them against the limit."""
    total = 0
    for folder in proc.glob("[0-9]*"):
        try:
            facts = dict(line.split(":\t", 1) for line in (folder / "status").read_text("utf-8").splitlines())
        except (OSError, ValueError):
            continue  # it has ended
        if facts.get("Uid", "").split()[:1] == [str(user)]:
            total += int(facts.get("Threads", "1"))
    return total


def reachable(command: Sequence[str], room: Room) -> tuple[Path, ...]:
    """Places that the program's user must be able to reach."""
    program = Path(command[0])
    return (room.folder, *room.readable, *([program] if program.is_absolute() and program.exists() else []))


LIMITS = Limited()
