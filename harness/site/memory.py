"""What the files of the last build were made of, so that only what changed is made again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.site.site import Page, Site

PLACE = ".inputs.json"


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A page: the digest of its inputs, that of its bytes, and the places that it asked for, there or not."""

    inputs: str
    content: str
    there: list[str]
    missing: list[str]


class _Content(msgspec.Struct, frozen=True):
    common: str
    pages: dict[str, Kept]
    ids: dict[str, str]


class Memory:
    """The last build, and what is learnt of this one; `common` is what all pages depend on.

    A site that lies nowhere, or was built by something else, is not remembered.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder, self.common = folder, ""
        self._now: dict[str, Kept] = {}
        self.ids: Mapping[str, str] = {}
        try:
            content = b"" if folder is None else (folder / PLACE).read_bytes()
            self._before: _Content | None = msgspec.json.decode(content, type=_Content)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            self._before = None
        self.known_ids: Mapping[str, str] = self._before.ids if self._before else {}

    def has(self, page: Page, site: Site) -> bool:
        """Whether the page that lies there was made of the same, and still has those bytes."""
        kept = self._before.pages.get(page.place) if self._before and self._before.common == self.common else None
        if kept is None or self.folder is None or not page.inputs or kept.inputs != _digest(page.inputs):
            return False
        if not site.places.issuperset(kept.there) or not site.places.isdisjoint(kept.missing):
            return False
        try:
            content = (self.folder / page.place).read_bytes()
        except OSError:
            return False
        if sha256(content) != kept.content:
            return False
        self._now[page.place] = kept
        return True

    def learn(self, page: Page, site: Site, content: bytes) -> None:
        """Remember a page that was just made; one that does not name its inputs is made again every time."""
        if page.inputs:
            asked = sorted(site.asked)
            there = [place for place in asked if place in site.places]
            missing = [place for place in asked if place not in site.places]
            self._now[page.place] = Kept(_digest(page.inputs), sha256(content), there, missing)

    def content_of(self, place: str) -> str:
        """The digest of the bytes of a page that was not made again."""
        return self._now[place].content

    def content(self) -> bytes:
        """What to remember of this build."""
        found = _Content(self.common, self._now, dict(self.ids))
        return json.dumps(msgspec.to_builtins(found), sort_keys=True, separators=(",", ":")).encode()


def sha256(content: bytes) -> str:
    """In lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def _digest(inputs: Iterable[str]) -> str:
    return sha256("\0".join(inputs).encode("utf-8", "surrogatepass"))
