"""Write a rendered site: only what changed, each file completely or not at all.

A reader never sees half a page: a file is written beside its place and moved over it. Two
processes never write at once: the one that has something to write holds `.lock`. Nothing is
flushed to the disk, because the site can be rendered again from the records.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from harness.catalogue import problem
from harness.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GENERATOR = b'<meta name="generator" content="shared-task-harness">'
"""Stands in the head of every page that is ours to remove."""

_LOCK_SECONDS = 10
_TEMPORARY = ".tmp-"
_HEAD_BYTES = 4096


def publish(wanted: Mapping[str, bytes | None], site: Path) -> list[Path]:
    """Make `site` hold the `wanted` files, remove our pages that are not among them.

    `wanted` maps places below `site` to bytes, or to None for what lies there already and stays. Returns the
    files that were written; if nothing differs, no lock is taken and no byte is written. Raises EnvironmentFault
    (E010, E011).
    """
    contents = {site / place: content for place, content in wanted.items()}
    try:
        if not _changed(contents) and not _stale(contents, site):
            return []
        site.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(site / ".lock", timeout=_LOCK_SECONDS):
            return _update(contents, site)
    except filelock.Timeout as error:
        raise EnvironmentFault(problem("E011", what=site, expected=_LOCK_SECONDS)) from error
    except OSError as error:
        raise EnvironmentFault(problem("E010", file=site, what=f"{error.strerror} ({error.filename})")) from error


def _update(contents: Mapping[Path, bytes | None], site: Path) -> list[Path]:
    """Write and remove, under the lock; what another process has just published is not repeated."""
    for left in site.rglob(f"{_TEMPORARY}*"):
        left.unlink(missing_ok=True)  # nobody else writes now, so its writer was killed
    changed = _changed(contents)
    for path, content in changed.items():
        _replace(path, content)
    for path in _stale(contents, site):
        path.unlink()
        _remove_if_empty(path.parent)
    return list(changed)


def _changed(contents: Mapping[Path, bytes | None]) -> dict[Path, bytes]:
    known = ((path, content) for path, content in contents.items() if content is not None)
    return {path: content for path, content in known if not path.is_file() or path.read_bytes() != content}


def _stale(wanted: Iterable[Path], site: Path) -> list[Path]:
    """Pages in the site that are ours and no longer belong."""
    present = sorted(path for path in site.rglob("*.html") if path.is_file())
    return [path for path in present if path not in wanted and _is_ours(path)]


def _is_ours(path: Path) -> bool:
    with path.open("rb") as stream:
        return GENERATOR in stream.read(_HEAD_BYTES)


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
