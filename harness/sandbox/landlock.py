"""Level LANDLOCK: the kernel denies files, sockets and signals to a process that asks it to. No privilege, no program.

Landlock knows only what is allowed. Where gold lies in the midst of what an interpreter needs, everything
around it is allowed one by one.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox import Level, seccomp
from harness.sandbox.bubblewrap import BASE
from harness.sandbox.levels import Plan
from harness.sandbox.limits import reachable, rlimits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.sandbox import Limits, Room

OLDEST = 6
"""The first version of Landlock that confines signals and abstract sockets (Linux 6.12)."""

_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_TRUNCATE, _DEVICE = 1 << 14, 1 << 15
_ALL = (1 << 16) - 1
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _DEVICE
READ_ONLY = _EXECUTE | _READ | _LIST
_TCP = 3  # to bind, to connect
_SCOPED = 3  # abstract sockets, signals
_CREATE_RULESET, _VERSION = 444, 1

_ETC = ("/etc/ld.so.cache", "/etc/alternatives")
_PROC = ("/proc/{pid}", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_DEPTH = 64
"""A place that lies deeper is no place of an interpreter."""


class Landlocked:
    """Limits, and files, sockets and signals that the kernel denies."""

    level = Level.LANDLOCK
    gaps = (
        "The program sees that files and processes exist, and how large or old they are, though not what is in them.",
        "Memory is limited per process, not for all of them together, and not where a device (a GPU) is given.",
        "Temporary files are limited one by one, not in their sum.",
        "The name and the identity of the machine can be seen, and the kernel is shared.",
        "Where the harness does not run as root, other programs of the same user can be slowed down.",
    )

    @property
    def open(self) -> frozenset[str]:
        """What only namespaces hide."""
        from harness.sandbox.attacks import NAMESPACES

        return NAMESPACES

    def available(self) -> str | None:
        """Whether the kernel knows enough of Landlock."""
        found = version()
        if found is None:
            return "the kernel has no Landlock"
        if found < OLDEST:
            return f"version {OLDEST} of Landlock is needed (Linux 6.12), found {found}"
        return None if seccomp.supported() else f"no filter of system calls for {os.uname().machine}"

    def plan(self, command: Sequence[str], room: Room, limits: Limits, spare: int) -> Plan:  # noqa: ARG002 - none needed
        """The command, with what the kernel shall deny."""
        return Plan(
            command=command,
            environment=room.environment,
            folder=room.folder,
            rlimits=rlimits(room, limits),
            cpus=room.cpus,
            drops_user=True,
            reach=reachable(command, room),
            no_new_privs=True,
            landlock={"files": _ALL, "net": _TCP, "scoped": _SCOPED, "rules": list(rules(room))},
            filter=seccomp.program(seccomp.rules(families=(), pins=room.cpus is not None)),
            has_scratch=True,
        )


def rules(room: Room) -> Iterator[tuple[str, int]]:
    """What may be done where: paths and rights."""
    places = [*map(Path, (*BASE, *_ETC)), *room.readable, room.folder]
    for place, rights in _around(dict.fromkeys(map(Path.resolve, places)), {mask.resolve() for mask in room.masked}):
        yield str(place), rights if place.is_dir() else rights & _OF_FILES
    for name in _PROC:
        yield name, READ_ONLY if "{" in name else _READ
    for device in (*map(Path, _DEVICES), *room.devices):
        yield str(device), _READ | _WRITE | _DEVICE


def _around(places: Iterable[Path], masked: set[Path], depth: int = 0) -> Iterator[tuple[Path, int]]:
    """Places to read; one that holds something masked may only be listed, and what lies in it is taken one by one."""
    for place in places:
        if place in masked or not place.exists():
            continue
        if depth < _DEPTH and any(mask.is_relative_to(place) for mask in masked):
            yield place, _LIST
            yield from _around(sorted(place.iterdir()), masked, depth + 1)
        else:
            yield place, READ_ONLY


@functools.cache
def version() -> int | None:
    """The version of Landlock that the kernel offers; None without it."""
    if sys.platform != "linux":
        return None
    found = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    return None if found < 0 else int(found)


LANDLOCK = Landlocked()
