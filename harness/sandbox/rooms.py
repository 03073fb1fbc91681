"""Furnish a room: copy what was submitted, and find what an interpreter needs and what it must not show."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from harness.catalogue import problem
from harness.errors import EnvironmentFault, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.errors import Problem

OUTPUTS = "outputs"
"""What a submission answered before has no place beside a system that answers now."""
BOUND = Path("/usr")
"""The programs of the operating system, which every level shows."""
_KINDS = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}
_HOPS = 40
"""As many symbolic links as Linux follows in one path."""


def prepare(source: Path, into: Path) -> Path:
    """Copy the regular files of a submission, without its outputs, so that any user can read the copy.

    Nothing is followed, as a symbolic link could lead anywhere. `into` is made, and must not exist. Returns `into`.
    Raises InvalidInput (S022) for all that is neither a folder nor a regular file with one name, and
    EnvironmentFault (E010) if the copy cannot be written.
    """
    faults = [fault for _, fault in _walk(source) if fault is not None]
    if faults:
        raise InvalidInput(*faults)
    try:
        into.mkdir(mode=0o755)
        into.chmod(0o755)  # whatever the umask takes away
        for path, _ in _walk(source):
            _copy(path, into / path.relative_to(source))
    except OSError as error:
        raise EnvironmentFault(problem("E010", file=into, what=error.strerror or str(error))) from error
    return into


def _walk(source: Path, *, is_top: bool = True) -> Iterator[tuple[Path, Problem | None]]:
    """Everything below a folder, folders before what lies in them; and what is wrong with it."""
    with os.scandir(source) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            status = entry.stat(follow_symlinks=False)
            if is_top and entry.name == OUTPUTS:
                continue
            yield Path(entry.path), _fault(entry.path, status)
            if stat.S_ISDIR(status.st_mode):
                yield from _walk(Path(entry.path), is_top=False)


def _fault(path: str, status: os.stat_result) -> Problem | None:
    kind = _KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None and stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        kind = f"file with {status.st_nlink} hard links"
    if kind is None:
        return None
    remedy = "put the file itself in place of the link" if "link" in kind else "put a regular file in its place"
    return problem("S022", file=path, what=kind, remedy=remedy)


def _copy(source: Path, into: Path) -> None:
    """Copy one file, or make one folder. A file that became a link meanwhile is an error (ELOOP)."""
    if source.is_dir():
        into.mkdir()
        into.chmod(0o755)
        return
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as reading, into.open("xb") as writing:
        shutil.copyfileobj(reading, writing)
        may_run = os.fstat(reading.fileno()).st_mode & 0o111
    into.chmod(0o755 if may_run else 0o644)


def library(into: Path) -> Path:
    """A folder for PYTHONPATH from which `harness.system` can be imported, and nothing else of ours. Returns `into`."""
    package = into / "harness"
    package.mkdir(parents=True, mode=0o755)
    (package / "__init__.py").write_text('"""What a system may import of the harness: `harness.system`."""\n', "utf-8")
    shutil.copyfile(Path(harness.__file__).with_name("system.py"), package / "system.py")
    for path in (into, package, *package.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return into


def runtime(python: Path | None = None, gold: Iterable[Path] = ()) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """What an interpreter (by default this one) needs, and what of it must look empty: (readable, masked).

    A virtual environment inside a checkout is shown without the checkout. Masked is gold that would be seen: the
    tasks of an installed harness, and those of the folders in `gold` that lie below something that is shown.
    Raises EnvironmentFault (E012) if the interpreter does not say where its parts are.
    """
    program = Path(sys.executable) if python is None else python
    prefixes = [Path(sys.prefix), Path(sys.base_prefix)] if python is None else _prefixes_of(program)
    readable: list[Path] = []
    for place in (*prefixes, *map(Path.resolve, prefixes), *_hops(program)):
        if not any(place.is_relative_to(above) for above in (BOUND, *readable)):
            readable.append(place)
    shown = [*(place.resolve() for place in readable), BOUND]
    masked = []
    for place in (*_own_gold(prefixes), *gold):
        inside = place.resolve()
        if inside not in masked and inside.exists() and any(_is_below(inside, above) for above in shown):
            masked.append(inside)
    # What lies in a masked place is gone already, and an empty read-only folder takes no further mask.
    outermost = [place for place in masked if not any(_is_below(place, other) for other in masked)]
    return tuple(readable), tuple(outermost)


def _own_gold(prefixes: Iterable[Path]) -> Iterator[Path]:
    """Where tasks lie in this harness, and in another one that an interpreter may have."""
    yield Path(harness.__file__).with_name("tasks")
    for prefix in prefixes:
        yield from prefix.glob("lib*/python3*/*-packages/harness/tasks")


def _is_below(place: Path, above: Path) -> bool:
    return place != above and place.is_relative_to(above)


def _prefixes_of(program: Path) -> list[Path]:
    command = [str(program), "-I", "-c", r"import sys; print(sys.prefix, sys.base_prefix, sep='\n')"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603 - the operator's own interpreter
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentFault(problem("E012", file=program, what=str(error))) from error
    return list(map(Path, done.stdout.split("\n")[:2]))


def _hops(program: Path) -> Iterator[Path]:
    """Every file on the way from a link to the program that it means."""
    for _ in range(_HOPS):
        yield program
        if not program.is_symlink():
            return
        program = Path(os.path.normpath(program.parent / program.readlink()))
