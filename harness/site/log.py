"""When each result was published first: the site's own memory, because records hold no time.

It lies in the site as `changes.json` and is read from there by the next build. Only dates are taken from it, and only
for results that are shown now: what is hidden, withdrawn or renamed leaves it.
"""

from __future__ import annotations

import hashlib
from datetime import date  # noqa: TC003 - msgspec reads it
from typing import TYPE_CHECKING

import msgspec

from harness.site.site import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.records import Result

PLACE = "changes.json"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A result: the digest of its record, the day on which it appeared, and the record whose place it took."""

    id: str
    task: str
    test_set: str
    system: str
    published: date
    replaces: str | None = None


def read(folder: Path) -> list[Entry]:
    """The log of the site that lies in a folder; empty where there is none that can be read."""
    try:
        return msgspec.json.decode((folder / PLACE).read_bytes(), type=list[Entry])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return []


def continued(before: Iterable[Entry], results: Iterable[Result], ids: Mapping[str, str], today: date) -> list[Entry]:
    """The log with what is shown now: old results keep their day, new ones get today. `ids` is by cell."""
    known: dict[str, Entry] = {}
    cells: dict[str, Entry] = {}
    for entry in before:
        known[entry.id] = cells[cell(entry)] = entry
    found = []
    for result in results:
        own = ids[cell(result)]
        old = known.get(own)
        place = cells.get(cell(result))
        replaces = old.replaces if old else place.id if place else None
        found.append(
            Entry(
                id=own,
                task=result.task,
                test_set=result.test_set,
                system=result.system,
                published=old.published if old else today,
                replaces=replaces,
            )
        )
    return sorted(found, key=cell)


def cell(of: Entry | Result) -> str:
    """Which place a result takes."""
    return f"{of.task}/{of.test_set}/{of.system}"


def encode(entries: Iterable[Entry]) -> bytes:
    """The log as a file: one entry on a line."""
    lines = [msgspec.json.encode(entry).decode() for entry in entries]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode() if lines else b"[]\n"


def identities(results: Iterable[Result], known: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Digests of records by cell, and by how their bytes look to us, so that the next build need not compute them.

    `known` is the second of these, from the last build.
    """
    by_cell, seen = {}, {}
    encoder = msgspec.json.Encoder(order="sorted")
    for result in results:
        key = hashlib.sha256(encoder.encode(result)).hexdigest()[:24]
        by_cell[cell(result)] = seen[key] = known.get(key) or digest_of(result)
    return by_cell, seen
