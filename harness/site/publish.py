"""Write a rendered site: only what changed, each file completely or not at all.

A reader never sees half a page: a file is written beside its place and moved over it. Two
processes never write at once: the one that has something to write holds `.lock`. Nothing is
flushed to the disk, because the site can be rendered again from the records.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from harness.catalogue import problem
from harness.errors import EnvironmentFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GENERATOR = b'<meta name="generator" content="shared-task-harness">'
"""Stands in the head of every page that is ours to remove."""

SUMS = "SHA256SUMS"
"""The list of what a build made: it is written last, and what it names is ours to remove while it is unchanged."""

_LOCK_SECONDS = 10
_TEMPORARY = ".tmp-"
_HEAD_BYTES = 4096


def publish(wanted: Mapping[str, bytes | None], site: Path) -> list[Path]:
    """Make `site` hold the `wanted` files, and remove those of ours that are not among them.

    `wanted` maps places below `site` to bytes, or to None for what lies there already and stays. Returns the
    files that were written; if nothing differs, no lock is taken and no byte is written. Raises EnvironmentFault
    (E010, E011).
    """
    try:
        if not _changed(wanted, site) and not _stale(wanted, site):
            return []
        site.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(site / ".lock", timeout=_LOCK_SECONDS):
            return _update(wanted, site)
    except filelock.Timeout as error:
        raise EnvironmentFault(problem("E011", what=site, expected=_LOCK_SECONDS)) from error
    except OSError as error:
        raise EnvironmentFault(problem("E010", file=site, what=f"{error.strerror} ({error.filename})")) from error


def differences(wanted: Mapping[str, bytes | None], site: Path) -> tuple[list[str], list[str]]:
    """Places whose files are not as wanted, and places of our files that should not be there."""
    return sorted(_changed(wanted, site)), _stale(wanted, site)


def listed(site: Path) -> Iterator[tuple[str, str]]:
    """Places and digests of what the last build made; a list that was tampered with cannot lead out of the site."""
    try:
        lines = (site / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        digest, _, place = line.partition("  ")
        if place and not place.startswith("/") and ".." not in place.split("/"):
            yield place, digest


def _update(wanted: Mapping[str, bytes | None], site: Path) -> list[Path]:
    """Write and remove, under the lock; what another process has just published is not repeated."""
    for left in site.rglob(f"{_TEMPORARY}*"):
        left.unlink(missing_ok=True)  # nobody else writes now, so its writer was killed
    changed = _changed(wanted, site)
    for place, content in changed.items():
        if place != SUMS:
            _replace(site / place, content)
    for place in _stale(wanted, site):
        (site / place).unlink()
        _remove_if_empty((site / place).parent, site)
    if sums := changed.get(SUMS):  # the last: as long as it is the old one, what is left over is known to be ours
        _replace(site / SUMS, sums)
    return [site / place for place in changed]


def _changed(wanted: Mapping[str, bytes | None], site: Path) -> dict[str, bytes]:
    known = ((place, site / place, content) for place, content in wanted.items() if content is not None)
    return {place: content for place, path, content in known if not path.is_file() or path.read_bytes() != content}


def _stale(wanted: Mapping[str, bytes | None], site: Path) -> list[str]:
    """Files in the site that are ours and no longer belong."""
    ours = {place for place in _pages(site) if place not in wanted and _is_ours(site / place)}
    for place, digest in listed(site):
        if place not in wanted and (site / place).is_file() and _digest(site / place) == digest:
            ours.add(place)
    return sorted(ours)


def _pages(site: Path) -> Iterator[str]:
    for folder, _, names in os.walk(site):
        here = "" if (below := Path(folder).relative_to(site).as_posix()) == "." else f"{below}/"
        yield from (f"{here}{name}" for name in names if name.endswith(".html"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
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


def _remove_if_empty(folder: Path, site: Path) -> None:
    while folder != site and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
