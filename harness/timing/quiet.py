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
def alone(path: Path | None = None, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock while something is timed. Raises EnvironmentFault (E021) if another process does."""
    import fcntl

    with _held(path or lock_file(), fcntl.LOCK_EX, wait_s) as descriptor:
        if _is_writable(descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield


@contextmanager
def together(path: Path | None = None, wait_s: float = SCORING_WAIT_S) -> Iterator[None]:
    """Hold the lock with other scorers; wait while something is timed. Raises EnvironmentFault (E021)."""
    import fcntl

    with _held(path or lock_file(), fcntl.LOCK_SH, wait_s):
        yield


def _is_writable(descriptor: int) -> bool:
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR


@contextmanager
def _held(path: Path, kind: int, wait_s: float) -> Iterator[int]:
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
                    holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "?"
                    raise EnvironmentFault(problem("E021", file=path, found=holder, expected=f"{wait_s:g}")) from None
                time.sleep(_STEP_S)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """Open the file, made if it is missing; one that another user made can be locked without being written."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    return descriptor
