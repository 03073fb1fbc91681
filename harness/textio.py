r"""Strict reading: the bytes are what the contract says, or the file is refused with every reason.

The contract: a regular file, strict UTF-8 without byte order mark, lines that end in LF and only
in LF, no raw control character but TAB, nothing larger than its limit. Nothing is repaired.
Oddities that are legitimate text (a Unicode line separator, a line feed inside a JSON string, a
missing final LF) are counted as notices.

`str.splitlines` and text mode are never used on data: both break lines at characters that are
text (U+2028, U+0085, form feed …).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.catalogue import problem
from harness.errors import EnvironmentFault, InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

FILE_BYTES = 256 * 1024 * 1024
LINE_BYTES = 1024 * 1024
MANIFEST_BYTES = 64 * 1024
SHOWN_PROBLEMS = 20
_CHUNK = 1024 * 1024
BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x0c\x0e-\x1f]")  # all of C0 but TAB and CR
_SEPARATOR = re.compile("[\x85\u2028\u2029]")

Line = tuple[int, "str | None"]


@dataclass(slots=True)
class Findings:
    """What reading one file found: problems (they refuse the file) and counted notices.

    `next` is the command to run once the file is mended, where that is not `harness check FILE`.
    """

    file: str
    next: str | None = None
    problems: list[Problem] = field(default_factory=list)
    notices: Counter[str] = field(default_factory=Counter)
    unlisted: int = 0

    def add(self, code: str, line: int | None = None, **facts: object) -> None:
        """Record a problem; beyond the first twenty of a file only their number is kept."""
        if self.next is not None:
            facts["next"] = self.next
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(problem(code, file=self.file, line=line, **facts))
        else:
            self.unlisted += 1

    def note(self, code: str, count: int = 1) -> None:
        """Count a notice."""
        self.notices[code] += count

    def check(self) -> None:
        """Raise InvalidInput if anything was found that refuses the file."""
        if self.problems:
            raise InvalidInput(*self.listed())

    def listed(self) -> list[Problem]:
        """The problems, and how many more there are."""
        if not self.unlisted:
            return self.problems
        facts: dict[str, Any] = {} if self.next is None else {"next": self.next}
        return [*self.problems, problem("S060", file=self.file, found=self.unlisted, **facts)]


@contextmanager
def open_trusted(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file of the organizer's, wherever it lies and however it is linked.

    Raises InvalidInput (S015, S019, S022) and EnvironmentFault (E012).
    """
    try:
        with open(path, "rb", opener=_without_waiting) as stream:
            _require_regular(os.fstat(stream.fileno()), str(path), names=None)
            yield stream
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidInput(problem("S019", file=path, what=path.name)) from None
    except IsADirectoryError:
        raise InvalidInput(not_regular(path, "folder")) from None
    except OSError as error:
        raise EnvironmentFault(problem("E012", file=path, what=error.strerror)) from None


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for the writer of a FIFO, which is refused as soon as it is open."""
    return os.open(path, flags | os.O_NONBLOCK)


@contextmanager
def open_beneath(root: Path, relative: str) -> Iterator[BinaryIO]:
    """Open a regular file that lies below `root`, following no link on the way.

    Every component is opened relative to its parent without following symbolic links, and the
    file must be regular with one name, so neither a link nor a FIFO nor a device that somebody
    placed in a submission can make us read, or wait for, anything else.

    Raises InvalidInput (S019, S021, S022) and EnvironmentFault (E012).
    """
    shown = str(root / relative)
    parts = relative.split("/")
    if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
        raise InvalidInput(problem("S021", file=root, what=repr(relative)))
    descriptor = _open_root(root)
    try:
        for depth, part in enumerate(parts, start=1):
            is_last = depth == len(parts)
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_NONBLOCK if is_last else os.O_DIRECTORY)
            parent, descriptor = descriptor, _open_part(descriptor, part, flags, shown)
            os.close(parent)
        _require_regular(os.fstat(descriptor), shown, names=1)
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            yield stream
    finally:
        os.close(descriptor)


def _open_root(root: Path) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise InvalidInput(problem("S019", file=root, what=root.name)) from None
    except OSError as error:
        raise EnvironmentFault(problem("E012", file=root, what=error.strerror)) from None


def _open_part(parent: int, name: str, flags: int, shown: str) -> int:
    try:
        return os.open(name, flags, dir_fd=parent)
    except FileNotFoundError:
        raise InvalidInput(problem("S019", file=shown, what=name)) from None
    except OSError as error:
        kind = {errno.ELOOP: "symbolic link", errno.ENOTDIR: "symbolic link or file in place of a folder"}
        kind[errno.ENXIO] = "socket or device"
        if error.errno in kind:
            raise InvalidInput(not_regular(shown, kind[error.errno])) from None
        raise EnvironmentFault(problem("E012", file=shown, what=error.strerror)) from None


def _require_regular(status: os.stat_result, shown: str, *, names: int | None) -> None:
    kinds = {
        stat.S_IFDIR: "folder",
        stat.S_IFIFO: "FIFO",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "character device",
        stat.S_IFBLK: "block device",
    }
    kind = kinds.get(stat.S_IFMT(status.st_mode))
    if kind is None and names is not None and status.st_nlink > names:
        kind = f"file with {status.st_nlink} hard links"
    if kind is None and status.st_size > FILE_BYTES and status.st_blocks * 512 < status.st_size // 2:
        kind = f"sparse file of {status.st_size:,} bytes"
    if kind is not None:
        raise InvalidInput(not_regular(shown, kind))
    if status.st_size > FILE_BYTES:
        raise InvalidInput(problem("S015", file=shown, what="the file", found=status.st_size, expected=FILE_BYTES))


def not_regular(path: object, kind: str) -> Problem:
    """S022 for something that is no regular file with one name.

    The help names no command: a copy of what a link points at may be a secret of this machine.
    """
    remedy = "put the file itself in place of the link" if "link" in kind else "put a regular file in its place"
    return problem("S022", file=path, what=kind, remedy=remedy)


def read_small(path: Path, limit: int = MANIFEST_BYTES, *, trusted: bool = False) -> bytes:
    """Read a whole small file. Raises InvalidInput (S019, S021, S022, S034) and EnvironmentFault."""
    with open_trusted(path) if trusted else open_beneath(path.parent, path.name) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        found = max(path.stat().st_size, len(content))
        raise InvalidInput(problem("S034", file=path, found=found, expected=limit))
    return content


def read_lines(stream: BinaryIO, findings: Findings) -> Iterator[Line]:
    """Yield (number from 1, text or None) for every line of `stream`, in constant memory.

    The text is None where the line was refused; the reason is in `findings`. A file without any
    byte has no line. Reading stops at the first line over LINE_BYTES, since nothing behind it can
    be trusted to be a line.
    """
    total = crlf = number = 0
    first_crlf = 0
    for number, raw in enumerate(_split(stream, findings), start=1):
        total += 1
        content = raw
        if number == 1 and raw.startswith(BOM):
            findings.add("S011", 1)
            content = raw[len(BOM) :]
        if content.endswith(b"\r"):
            crlf += 1
            first_crlf = first_crlf or number
            content = content[:-1]
        yield number, _decode(content, number, findings)
    if crlf:
        findings.add("S012", first_crlf, found=crlf, expected=total)


def _split(stream: BinaryIO, findings: Findings) -> Iterator[bytes]:
    """Split on LF alone; note a missing final LF and stop at a line that is too long."""
    rest = b""
    number = 0
    while chunk := stream.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        too_long = next((line for line in (*lines, rest) if len(line) > LINE_BYTES), None)
        if too_long is not None:
            position = number + (lines.index(too_long) if too_long in lines else len(lines)) + 1
            findings.add("S015", position, what="the line", found=len(too_long), expected=LINE_BYTES)
            return
        number += len(lines)
        yield from lines
    if rest:
        findings.note("N010")
        yield rest


def _decode(content: bytes, number: int, findings: Findings) -> str | None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"invalid UTF-8 (0x{content[error.start]:02x})"
        findings.add("S013", number, what=what, byte=error.start + 1)
        return None
    if control := _CONTROL.search(content):
        findings.add("S014", number, char=control.group()[0], byte=control.start() + 1)
        return None
    if _SEPARATOR.search(text):
        findings.note("N011")
    if "\r" in text:
        findings.note("N012")
    return text
