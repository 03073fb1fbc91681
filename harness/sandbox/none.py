"""Level NONE: a plain process, for programs that somebody vouches for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox import Level
from harness.sandbox.levels import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox import Limits, Room


class Plain:
    """The environment is the room's, nothing but the given descriptors is inherited, and all ends together."""

    level = Level.NONE
    gaps = ("The program can do whatever the user of the harness can do, gold and network included.",)

    @property
    def open(self) -> frozenset[str]:
        """Everything but what the warden sees to."""
        from harness.sandbox.attacks import NAMES, WARDEN

        return NAMES - WARDEN

    def available(self) -> str | None:
        """Nothing is needed."""
        return None

    def plan(self, command: Sequence[str], room: Room, limits: Limits, spare: int) -> Plan:  # noqa: ARG002 - no limits
        """The command itself, on the room's processors."""
        return Plan(command=command, environment=room.environment, folder=room.folder, cpus=room.cpus)


NONE = Plain()
