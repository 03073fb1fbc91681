"""One timing at a time on a machine, and no scoring beside it.

Who times holds a file lock alone, who scores holds it together with others. It is the kernel's lock on an open
file, so it goes with the process that held it, however that ended.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Iterator

WAIT_S = 10.0
"""How long a timing waits for another to end."""
SCORING_WAIT_S = 3600.0
"""How long scoring does."""
_STEP_S = 0.05


def lock_file() -> Path:
    """The file whose lock all harnesses of this machine share."""
    return Path(tempfile.gettempdir()) / "shared-task-harness.lock"


@contextmanager
def alone(path: Path | None = None, wait_s: float | None = None) -> Iterator[None]:
    """Hold the lock while something is timed. Raises EnvironmentFault (E021) if another process does."""
    import fcntl

    with _held(path or lock_file(), fcntl.LOCK_EX, WAIT_S if wait_s is None else wait_s):
        yield


@contextmanager
def together(path: Path | None = None, wait_s: float | None = None) -> Iterator[None]:
    """Hold the lock with other scorers; wait while something is timed. Raises EnvironmentFault (E021)."""
    import fcntl

    with _held(path or lock_file(), fcntl.LOCK_SH, SCORING_WAIT_S if wait_s is None else wait_s):
        yield


@contextmanager
def _held(path: Path, kind: int, wait_s: float) -> Iterator[None]:
    import fcntl

    descriptor = _open(path)
    try:
        started = time.monotonic()
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() - started >= wait_s:
                    found = _holder(descriptor) or "?"
                    raise EnvironmentFault(problem("E021", file=path, found=found, expected=f"{wait_s:g}")) from None
                time.sleep(_STEP_S)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """Open the file, made if it is missing; one that another user made can be locked without being written."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)


def _holder(descriptor: int) -> str | None:
    """The number of a process that holds a lock on the file, where the kernel tells.

    Its table has one lock a line, `1: FLOCK ADVISORY WRITE 4711 fe:00:2146761 0 EOF`, and `->` before whoever waits.
    Source: proc_locks(5).
    """
    try:
        rows = [line.split() for line in Path("/proc/locks").read_text("ascii").splitlines()]
    except OSError:
        return None
    status = os.fstat(descriptor)
    file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    return next((pid for _, kind, _, _, pid, name, *_ in rows if (kind, name) == ("FLOCK", file)), None)
