"""In the child: take everything away that the plan takes away, and become the program.

Run beside `__main__.py` with `python -I -S`: the standard library only.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable

HIGH = 64
"""Descriptors are moved this far up before they are put in their places."""

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # the same numbers on every architecture
_CLONE_NEWNS, _MS_BIND_REC, _MS_SLAVE_REC, _MS_REMOUNT_RO = 0x20000, 0x5000, 0x84000, 0x21

_LIBC = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library. Raises OSError."""
    result: int = getattr(_LIBC, name)(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def enter(plan: dict[str, Any], output: int, report: int, warden: int) -> NoReturn:
    """Take everything away that the plan takes away, and become the program. Raises OSError."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)  # Python ignores some, and what is ignored is inherited
    if plan["cpus"]:
        os.sched_setaffinity(0, plan["cpus"])
    place(plan, output, report)
    if plan["user"] is not None:
        reach(plan["reach"])
    for name, value in plan["rlimits"].items():
        lower(getattr(resource, f"RLIMIT_{name}"), value)
    if plan["user"] is not None:
        os.setgroups([])
        os.setresgid(*[plan["user"]] * 3)
        os.setresuid(*[plan["user"]] * 3)
    call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != warden:
        os._exit(1)
    os.umask(0o077)
    os.chdir(plan["folder"])
    if plan["no_new_privs"]:
        call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if plan["landlock"] is not None:
        confine(**plan["landlock"])
    if plan["filter"]:
        install(bytes.fromhex(plan["filter"]))
    plan["is_ready"] = True
    os.execvpe(plan["command"][0], plan["command"], plan["environment"])  # noqa: S606 - no shell is the point


def place(plan: dict[str, Any], output: int, report: int) -> None:
    """Give every descriptor its number inside; all others close by themselves."""
    wanted = {int(inside): here for inside, here in plan["descriptors"].items()}
    for inside, content in plan["data"].items():
        wanted[int(inside)] = memory(bytes.fromhex(content))
    above = max([HIGH, *wanted]) + 1
    moved = {inside: fcntl.fcntl(here, fcntl.F_DUPFD_CLOEXEC, above) for inside, here in wanted.items()}
    moved[2] = fcntl.fcntl(output, fcntl.F_DUPFD_CLOEXEC, above)
    kept = fcntl.fcntl(report, fcntl.F_DUPFD_CLOEXEC, above)
    os.closerange(0, above)
    nothing = fcntl.fcntl(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC), fcntl.F_DUPFD_CLOEXEC, above)
    for inside in {0, 1, *moved}:
        os.dup2(moved.get(inside, nothing), inside)
    plan["report"] = kept


def memory(content: bytes) -> int:
    """A descriptor from which the content can be read."""
    descriptor = os.memfd_create("box")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def lower(kind: int, value: int) -> None:
    """Set both limits, or as low as they are already."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def reach(places: Iterable[str]) -> None:
    """Make places reachable for a user whom a folder above them keeps out, such as an interpreter below /root.

    In a mount namespace of our own, each such folder is covered by an empty one that holds these places only.
    Without the right to do that, nothing is changed.
    """
    covers: dict[str, list[str]] = {}
    for place in dict.fromkeys(map(os.path.realpath, places)):
        above = closed_above(place)
        if above is not None:
            covers.setdefault(above, []).append(place)
    if not covers:
        return
    try:
        call("unshare", _CLONE_NEWNS)
    except OSError:
        return
    call("mount", b"none", b"/", None, ctypes.c_ulong(_MS_SLAVE_REC), None)
    for cover, beneath in covers.items():
        held = [(place, os.open(place, os.O_PATH | os.O_CLOEXEC)) for place in beneath]
        call("mount", b"none", os.fsencode(cover), b"tmpfs", ctypes.c_ulong(0), b"mode=755,size=1m")
        for place, descriptor in sorted(held):
            if not os.path.lexists(place):
                hold(place, is_folder=os.path.isdir(f"/proc/self/fd/{descriptor}"))  # noqa: PTH112 - no pathlib
                source = f"/proc/self/fd/{descriptor}".encode()
                call("mount", source, os.fsencode(place), None, ctypes.c_ulong(_MS_BIND_REC), None)
            os.close(descriptor)
        call("mount", b"none", os.fsencode(cover), None, ctypes.c_ulong(_MS_REMOUNT_RO), b"mode=755,size=1m")


def closed_above(place: str) -> str | None:
    """The highest folder on the way to a place that not everybody may enter."""
    parts = place.split("/")[1:-1]
    folders = ("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))
    return next((folder for folder in folders if not os.stat(folder).st_mode & 0o001), None)  # noqa: PTH116


def hold(place: str, *, is_folder: bool) -> None:
    """Make a folder or an empty file that something can be mounted on."""
    os.makedirs(place if is_folder else os.path.dirname(place), 0o755, exist_ok=True)  # noqa: PTH103, PTH120
    if not is_folder:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def confine(files: int, net: int, scoped: int, rules: list[tuple[str, int]]) -> None:
    """Apply Landlock: of the handled rights, only those of the rules are left. Raises OSError."""
    attributes = b"".join(value.to_bytes(8, sys.byteorder) for value in (files, net, scoped))
    size = 24 if scoped else 16 if net else 8  # what older kernels know
    ruleset = call("syscall", _LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0)
    for path, rights in rules:
        path = path.replace("{pid}", str(os.getpid()))  # noqa: PLW2901 - the one name that is known only here
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # what is not there needs no right
        rule = rights.to_bytes(8, sys.byteorder) + descriptor.to_bytes(4, sys.byteorder)
        call("syscall", _LANDLOCK_ADD, ruleset, 1, rule, 0)
        os.close(descriptor)
    call("syscall", _LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(instructions: bytes) -> None:
    """Install a filter of system calls for this process and all that follow from it. Raises OSError."""
    program = _Program(len(instructions) // 8, instructions)
    call("prctl", _PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0)
