"""Attacks by taking more than one's share, a little beyond the limit and no further."""

from __future__ import annotations

import mmap
import os
import signal
import tempfile
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from harness.sandbox.attacks.calls import child_status

if TYPE_CHECKING:
    from harness.sandbox.attacks.calls import Bait

_BLOCK = 1 << 20


def fork_bomb(bait: Bait) -> str:
    """Start more processes than allowed."""
    wanted: int = bait["limits"]["processes"] + 1
    reading, writing = os.pipe()
    children: list[int] = []
    try:
        for _ in range(wanted):
            pid = os.fork()
            if pid == 0:
                os.close(writing)
                os.read(reading, 1)  # until all have been started
                os._exit(0)
            children.append(pid)
    finally:
        os.close(writing)
        os.close(reading)
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            child_status(pid)
    return f"started {wanted} processes"


def large_file(bait: Bait) -> str:
    """Make a larger file than allowed (with nothing in it)."""
    size: int = bait["limits"]["file_size"] + 1
    with tempfile.TemporaryFile() as file:
        os.ftruncate(file.fileno(), size)
    return f"made a file of {size} bytes"


def many_open_files(bait: Bait) -> str:
    """Open more files than allowed."""
    wanted: int = bait["limits"]["open_files"] + 1
    with ExitStack() as stack:
        for _ in range(wanted):
            stack.enter_context(open(os.devnull, "rb"))  # noqa: PTH123 - inside, where start-up counts
    return f"opened {wanted} files"


def large_memory(bait: Bait) -> str:
    """Take more memory than allowed (without using it)."""
    size: int = bait["limits"]["memory"] + mmap.PAGESIZE
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS):
        return f"took {size} bytes"


def temporary_files(bait: Bait) -> str:
    """Write more temporary files than allowed."""
    return _fill(tempfile.gettempdir(), bait["limits"]["temporary"])


def shared_memory(bait: Bait) -> str:
    """Write more shared memory than allowed."""
    return _fill("/dev/shm", bait["limits"]["temporary"])  # noqa: S108 - it is the one


def _fill(folder: str, limit: int) -> str:
    """Write files of 1 MiB until there is more than the limit. Raises OSError if there is no room for that."""
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        for number in range(limit // _BLOCK + 1):
            with open(f"{inside}/{number}", "wb", buffering=0) as file:  # noqa: PTH123 - inside, where start-up counts
                left = bytes(_BLOCK)
                while left:
                    left = left[file.write(left) :]
    return f"wrote more than {limit} bytes into {folder}"


ATTACKS = (fork_bomb, large_file, many_open_files, large_memory, temporary_files, shared_memory)
