"""What attacks are made of: system calls, and the three ways in which one can end."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any

from harness.sandbox.syscalls import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    Bait = Mapping[str, Any]

_LIBC = ctypes.CDLL(None, use_errno=True)


class Denied(Exception):
    """The attack got nothing, although no call failed."""


class Unsupported(Exception):
    """This machine has not what the attack needs."""


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library. Raises OSError."""
    result: int = getattr(_LIBC, name)(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def syscall(name: str, *arguments: object) -> int:
    """Make a system call by its name. Raises OSError, and Unsupported for a call that this machine does not have."""
    machine = os.uname().machine
    if machine not in NUMBERS or name not in NUMBERS[machine]:
        message = f"there is no {name} on {machine}"
        raise Unsupported(message)
    number = NUMBERS[machine][name]
    return call("syscall", number, *(_word(argument) for argument in arguments))


def _word(argument: object) -> object:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def reaches(name: str, *arguments: object, beyond: Collection[int]) -> str:
    """Make a call that is wrong on purpose: an error of `beyond` says that the right to make it was there.

    So the kernel is asked whether it would, and nothing happens to the machine. Raises OSError for any other error.
    """
    try:
        syscall(name, *arguments)
    except OSError as error:
        if error.errno not in beyond:
            raise
        return f"{name} went as far as: {error.strerror}"
    return f"{name} was carried out"


def reveal(path: str, bait: Bait) -> str:
    """Read a file that holds the token. Raises OSError, or Denied if it is not what it was."""
    with open(path, "rb") as stream:  # noqa: PTH123 - inside, where start-up counts
        content = stream.read(1 << 16)
    if str(bait["token"]).encode() not in content:
        raise Denied("there is another file in its place")
    return f"read {path}"


def write_in(folder: str) -> str:
    """Make a file in a folder, and remove it. Raises OSError."""
    path = os.path.join(folder, f"harness-attack-{os.getpid()}")  # noqa: PTH118 - inside, where start-up counts
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink(path)  # noqa: PTH108 - inside, where start-up counts
    return f"wrote into {folder}"


def open_to_write(path: str) -> str:
    """Open an existing file for writing, and leave it as it is. Raises OSError, and Unsupported if there is none."""
    os.close(os.open(path, os.O_WRONLY))
    return f"could have written to {path}"


def child_status(pid: int) -> int:
    """How a child ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
