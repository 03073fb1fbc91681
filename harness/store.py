"""The record store: truth is a folder of canonical JSON files, each named by its own sha256.

A record appears under its name completely or not at all: it is written to a temporary file,
flushed to the disk, and linked to its name. Linking never replaces, so two writers of the same
record agree and two writers of different records cannot meet. A killed writer leaves at most a
temporary file, which the next writer removes once it is old.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from harness import canonical
from harness.catalogue import problem
from harness.errors import EnvironmentFault, IntegrityError
from harness.records import (
    COMPARISON_SCHEMA,
    DERIVED_SCHEMA,
    SCHEMA,
    TIMING_SCHEMA,
    Comparison,
    Derived,
    Result,
    Timing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

R = TypeVar("R", Result, Comparison, Derived, Timing)

_TEMPORARY = ".tmp-"
_STALE_SECONDS = 3600


class _Schema(msgspec.Struct):
    schema: str


class Store(Generic[R]):
    """Records of one kind, in `<folder>/<task>/<what it is about>/<sha256>.json`."""

    def __init__(self, folder: Path, kind: type[R], schema: str) -> None:
        self.folder = folder
        self.kind: type[R] = kind
        self.schema = schema

    def put(self, records: Iterable[R]) -> list[Path]:
        """Store records; when this returns they survive a crash and a power loss.

        Idempotent: a record that exists is left alone. The files of one call are flushed
        together, each folder once. Raises EnvironmentFault (E010) and leaves nothing half-written
        under a final name.
        """
        encoded = [(self._path_of(record, content), content) for record in records for content in [_encode(record)]]
        try:
            for path, content in encoded:
                if not path.exists():
                    link_new(path, content)
            for folder in sorted({path.parent for path, _ in encoded}):
                _flush_folder(folder)
        except OSError as error:
            what = f"{error.strerror} ({error.filename})"
            raise EnvironmentFault(problem("E010", file=self.folder, what=what)) from error
        return [path for path, _ in encoded]

    def records(self) -> Iterator[R]:
        """Every stored record, current or history, in the order of their paths.

        Records of another schema, by another version of the harness, are left out. Raises
        IntegrityError (R010, R011) for a file that is not what its name says.
        """
        for path in self.paths():
            if (record := self.read(path)) is not None:
                yield record

    def paths(self) -> list[Path]:
        """The files of all records, sorted."""
        return sorted(self.folder.glob("*/*/[!.]*.json"))

    def read(self, path: Path) -> R | None:
        """Read one record and compare it with its name; None if it is whole but of another schema.

        Raises IntegrityError (R010, R011).
        """
        content = path.read_bytes()
        found = canonical.digest(content)
        if found != path.stem:
            raise IntegrityError(problem("R010", file=path, found=found[:12], expected=path.stem[:12]))
        try:
            if msgspec.json.decode(content, type=_Schema).schema != self.schema:
                return None
            record: R = msgspec.json.decode(content, type=self.kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise IntegrityError(problem("R011", file=path, what=str(error))) from None
        return record

    def verify(self, path: Path) -> None:
        """Beyond `read`: the bytes are the canonical ones, and the record lies where it belongs.

        Raises IntegrityError (R010, R011).
        """
        record = self.read(path)
        if record is None:
            return
        content = _encode(record)
        if content != path.read_bytes():
            raise IntegrityError(problem("R011", file=path, what="the bytes are not canonical"))
        if self._path_of(record, content) != path:
            raise IntegrityError(problem("R011", file=path, what="it lies in the folder of another test set"))

    def _path_of(self, record: R, content: bytes) -> Path:
        return self.folder / record.task / record.about / f"{canonical.digest(content)}.json"


def results_in(folder: Path) -> Store[Result]:
    """The results of a workspace: the truth that organizers keep."""
    return Store(folder, Result, SCHEMA)


def comparisons_in(folder: Path) -> Store[Comparison]:
    """Its comparisons."""
    return Store(folder, Comparison, COMPARISON_SCHEMA)


def derived_in(folder: Path) -> Store[Derived]:
    """Its numbers over several test sets."""
    return Store(folder, Derived, DERIVED_SCHEMA)


def timings_in(folder: Path) -> Store[Timing]:
    """Its timings."""
    return Store(folder, Timing, TIMING_SCHEMA)


def _encode(record: Result | Comparison | Derived | Timing) -> bytes:
    return canonical.encode(msgspec.to_builtins(record))


def link_new(path: Path, content: bytes) -> None:
    """Write a file completely or not at all; one that exists is left alone, links are not followed."""
    _make_folder(path.parent)
    _sweep(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        os.link(temporary, path)
    except FileExistsError:
        pass  # another writer stored the same bytes first
    finally:
        Path(temporary).unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file completely or not at all, in the place of the one that lies there.

    Raises EnvironmentFault (E010).
    """
    try:
        _make_folder(path.parent)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        _flush_folder(path.parent)
    except OSError as error:
        raise EnvironmentFault(problem("E010", file=path, what=error.strerror)) from error


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _flush_folder(folder.parent)


def _sweep(folder: Path) -> None:
    """Remove what killed writers left, once nobody can still be writing it."""
    oldest = time.time() - _STALE_SECONDS
    for left in folder.glob(f"{_TEMPORARY}*"):
        try:
            if left.stat().st_mtime < oldest:
                left.unlink()
        except FileNotFoundError:
            pass  # another writer swept it


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
