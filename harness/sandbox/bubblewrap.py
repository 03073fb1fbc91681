"""Level BUBBLEWRAP: an empty root with only what the room holds, no network, no other process in sight."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox import INSIDE, Level, seccomp
from harness.sandbox.levels import Plan
from harness.sandbox.limits import rlimits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.sandbox import Limits, Room

OLDEST = (0, 8)
"""The first version with --disable-userns."""
OWN_PROCESSES = 2
"""Bubblewrap itself, and the first process inside."""
BASE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""The operating system's programs and libraries."""
_ETC = ("/etc/ld.so.cache", "/etc/alternatives")
_PAGE = 4096


class Bubblewrap:
    """Namespaces, a filter of system calls, and temporary files of a limited size."""

    level = Level.BUBBLEWRAP
    gaps = (
        "Memory is limited per process, not for all of them together, and not where a device (a GPU) is given.",
        "The kernel is shared: a program that finds a hole in it gets out.",
        "A device that is given (a GPU) is not limited, and its driver is part of the kernel.",
        "What the machine is (processors, memory, kernel, load) can be seen in /proc.",
        "How fast something runs can tell what other programs on the machine do.",
    )
    open: frozenset[str] = frozenset()

    def available(self) -> str | None:
        """Whether there is a recent bubblewrap; only the self-test tells whether it works."""
        found = version()
        if found is None:
            return "bubblewrap (bwrap) is not installed"
        if found < OLDEST:
            return f"bubblewrap {'.'.join(map(str, OLDEST))} or later is needed, found {'.'.join(map(str, found))}"
        return None if seccomp.supported() else f"no filter of system calls for {os.uname().machine}"

    def plan(self, command: Sequence[str], room: Room, limits: Limits, spare: int) -> Plan:
        """Bubblewrap, with its options on descriptor `spare`, where no process inside can read them."""
        arguments, data = options(room, limits, spare + 1)
        data[spare] = b"".join(os.fsencode(argument) + b"\0" for argument in arguments)
        return Plan(
            command=(_path() or "bwrap", "--args", str(spare), "--", *command),
            data=data,
            rlimits=rlimits(room, limits, OWN_PROCESSES),
            cpus=room.cpus,
            drops_user=True,
            reach=(room.folder, *room.readable),
            no_new_privs=True,
            is_wrapped=True,
        )


def options(room: Room, limits: Limits, spare: int) -> tuple[list[str], dict[int, bytes]]:
    """The options, and the contents that they expect on descriptors from `spare` on.

    Order matters: later mounts cover earlier ones, so masks come last, and then the root becomes read-only.
    """
    numbers = iter(range(spare, spare + 2 + len(room.masked)))
    data: dict[int, bytes] = {}

    def content(of_it: bytes) -> str:
        number = next(numbers)
        data[number] = of_it
        return str(number)

    arguments = [
        *_apart(),
        *_system(),
        *_memory_file_systems(limits),
        *_devices(room.devices),
        *(word for place in _outer_first(room.readable) for word in ("--ro-bind", str(place), str(place))),
        *("--ro-bind", str(room.folder), INSIDE, "--chdir", INSIDE),
        *(word for place in _outer_first(room.masked) for word in _mask(place, content)),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
        *(word for name, value in sorted(room.environment.items()) for word in ("--setenv", name, value)),
        *("--seccomp", content(seccomp.program(seccomp.rules(pins=room.cpus is not None)))),
    ]
    return arguments, data


def _apart() -> Iterator[str]:
    yield from ("--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc")
    yield from ("--unshare-uts", "--unshare-cgroup-try", "--die-with-parent", "--new-session")
    yield from ("--cap-drop", "ALL", "--hostname", "sandbox", "--uid", "1000", "--gid", "1000", "--clearenv")


def _system(root: Path = Path("/")) -> Iterator[str]:
    """Programs and libraries of the operating system; symbolic links stay what they are."""
    for place in BASE:
        here = root / place.lstrip("/")
        if here.is_symlink():
            yield from ("--symlink", str(here.readlink()), place)
        elif here.is_dir():
            yield from ("--ro-bind", place, place)
    yield from (word for place in _ETC for word in ("--ro-bind-try", place, place))


def _memory_file_systems(limits: Limits) -> Iterator[str]:
    """Everything that can be written, and /proc.

    The first process inside is bubblewrap's own, which no filter binds; whoever could write into its memory
    (/proc/1/mem) would be rid of the filter, so it is covered.
    """
    size = str(max(_PAGE, limits.temporary))
    yield from ("--proc", "/proc", "--size", str(_PAGE), "--tmpfs", "/proc/1", "--remount-ro", "/proc/1")
    yield from ("--dev", "/dev", "--perms", "1777", "--size", size, "--tmpfs", "/dev/shm")  # noqa: S108 - inside
    yield from ("--perms", "1777", "--size", size, "--tmpfs", "/tmp")  # noqa: S108 - inside


def _devices(devices: Iterable[Path]) -> Iterator[str]:
    for device in devices:
        yield from ("--dev-bind", str(device), str(device))


def _mask(place: Path, content: object) -> Iterator[str]:
    if place.is_dir():
        yield from ("--size", str(_PAGE), "--tmpfs", str(place), "--remount-ro", str(place))
    elif place.exists():
        yield from ("--ro-bind-data", content(b""), str(place))  # type: ignore[operator]


def _outer_first(places: Iterable[Path]) -> list[Path]:
    return sorted(places, key=lambda place: (len(place.parts), place))


def _path() -> str | None:
    return shutil.which("bwrap")


@functools.cache
def version() -> tuple[int, ...] | None:
    """Of the installed bubblewrap; None if there is none."""
    path = _path()
    if path is None:
        return None
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True, env={})  # noqa: S603 - found in PATH
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"(\d+(?:\.\d+)+)", done.stdout)
    return tuple(map(int, found[1].split("."))) if found else None


BUBBLEWRAP = Bubblewrap()
