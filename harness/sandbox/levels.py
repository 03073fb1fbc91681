"""What every level of isolation is: a way to turn a command and its room into what is really started."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from harness.sandbox import Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.sandbox import Limits, Room


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is started, and what is taken away from it first.

    data          contents that can be read from descriptors, by number
    rlimits       resource limits by the name of their RLIMIT_ constant
    drops_user    as root, become a user that nobody else is
    reach         places that this user must be able to reach although a folder above is closed
    landlock      rights to files, network and signals (see harness.sandbox.landlock)
    filter        a seccomp program (see harness.sandbox.seccomp)
    has_scratch   give it a temporary folder of its own, as TMPDIR
    is_wrapped    the main process is bubblewrap, and its child the first process of a PID namespace
    farewell      a command that ends what lives outside of the process tree
    """

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    data: Mapping[int, bytes] = field(default_factory=dict)
    rlimits: Mapping[str, int] = field(default_factory=dict)
    cpus: frozenset[int] | None = None
    drops_user: bool = False
    reach: tuple[Path, ...] = ()
    no_new_privs: bool = False
    landlock: Mapping[str, Any] | None = None
    filter: bytes = b""
    has_scratch: bool = False
    is_wrapped: bool = False
    farewell: tuple[str, ...] = ()


class Isolation(Protocol):
    """One level.

    gaps    what it does not close, in sentences
    open    the names of the attacks that it does not claim to deny (see harness.sandbox.attacks)
    """

    @property
    def level(self) -> Level:
        """Which one this is."""
        ...

    @property
    def gaps(self) -> tuple[str, ...]:
        """What it does not close, in sentences."""
        ...

    @property
    def open(self) -> frozenset[str]:
        """The names of the attacks that it does not claim to deny (see harness.sandbox.attacks)."""
        ...

    def available(self) -> str | None:
        """Why it cannot be had here, as far as can be told without trying; None if nothing speaks against it."""
        ...

    def plan(self, command: Sequence[str], room: Room, limits: Limits, spare: int) -> Plan:
        """What to start. Descriptors from `spare` on are free for the plan's own use."""
        ...


def of(level: Level) -> Isolation:
    """The implementation of a level."""
    from harness.sandbox import bubblewrap, container, landlock, limits, none, vm

    known: dict[Level, Isolation] = {
        Level.NONE: none.NONE,
        Level.LIMITS: limits.LIMITS,
        Level.LANDLOCK: landlock.LANDLOCK,
        Level.BUBBLEWRAP: bubblewrap.BUBBLEWRAP,
        Level.CONTAINER: container.CONTAINER,
        Level.VM: vm.VM,
    }
    return known[level]
