"""Start a program that nobody vouches for, apart from everything it must not see or do.

A *level* names what is enforced, and every level says what it does not close. A program runs in a
*room*: a copy of its folder, the interpreters it needs, and nothing else. The level to trust is the best
one that passes the self-test on this machine, because an installed sandbox is not a working one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

INSIDE = "/submission"
"""Where a system finds its own folder, from level BUBBLEWRAP on; below it, at the path of the copy."""


class Level(enum.IntEnum):
    """How far a program is kept apart; higher is further."""

    NONE = 0
    LIMITS = 1
    LANDLOCK = 2
    BUBBLEWRAP = 3
    CONTAINER = 4
    VM = 5

    def __str__(self) -> str:
        return f"L{int(self)}"


TRUSTED_FROM = Level.BUBBLEWRAP
"""Below this level a system that did not come with the project needs an operator's trust."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a program may use. Sizes in bytes; `processes` counts threads too, as the kernel does."""

    memory: int = 8 << 30
    processes: int = 512
    file_size: int = 256 << 20
    temporary: int = 256 << 20
    open_files: int = 1024
    stderr: int = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Room:
    """All that a program sees.

    folder       a copy of its files that it can read; its working directory
    environment  the whole environment, nothing is inherited
    readable     further places, visible read-only at their own paths (an interpreter, its packages)
    masked       places below those that must look empty (gold)
    devices      device nodes that it may use (a GPU)
    cpus         processors it may run on, None for all
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    masked: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    cpus: frozenset[int] | None = None
