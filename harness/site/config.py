"""`leaderboard/site.toml`: what an organizer says of the site."""

from __future__ import annotations

import re
from datetime import date  # noqa: TC003 - msgspec reads it
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import msgspec

from harness.catalogue import problem
from harness.errors import InvalidInput
from harness.manifest import Manifest, Text, Url, load

if TYPE_CHECKING:
    from pathlib import Path

_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_WEB = re.compile(r"https://[^\s<>\"']+")

Secret = Annotated[str, msgspec.Meta(min_length=12, max_length=4096)]


class Config(Manifest, frozen=True, kw_only=True):
    """A `site.toml`; every key may be missing.

    `url` is where the site will be published, which feeds and citations need; `authors` are those of its citation,
    and `citation` replaces the BibTeX that is made of them. `hidden_until` maps patterns of test sets
    (`task/test-set`) to dates before which nothing of them is built. Before the date `reveal`, systems and teams go by
    aliases, which `alias_key`, a text that nobody else knows, decides.
    """

    title: Text = "Leaderboard"
    description: Text | None = None
    contact: Text | None = None
    licence: Text | None = None
    url: Url | None = None
    authors: list[Text] = []  # noqa: RUF012 - msgspec copies it
    citation: Text | None = None
    hidden_until: dict[str, date] = {}  # noqa: RUF012 - msgspec copies it
    reveal: date | None = None
    alias_key: Secret | None = None

    def is_hidden(self, task: str, test_set: str, today: date) -> bool:
        """Whether nothing of a test set may be shown yet."""
        name = f"{task}/{test_set}"
        return any(fnmatchcase(name, pattern) and today < day for pattern, day in self.hidden_until.items())

    def hides_names(self, today: date) -> bool:
        """Whether systems go by aliases."""
        return self.reveal is not None and today < self.reveal

    @property
    def contact_link(self) -> str | None:
        """Where the contact leads, if it is an address of mail or of the web."""
        if self.contact and _MAIL.fullmatch(self.contact):
            return f"mailto:{self.contact}"
        return self.contact if self.contact and _WEB.fullmatch(self.contact) else None

    def address(self, place: str) -> str | None:
        """Where a file of the site will be published."""
        return None if self.url is None else f"{self.url.rstrip('/')}/{place}"


def read(folder: Path) -> Config:
    """The `site.toml` of a folder, or what holds without one. Raises InvalidInput with every fault."""
    path = folder / "site.toml"
    if not path.exists():
        return Config()
    found = load(path, Config)[0]
    if found.reveal is not None and found.alias_key is None:  # an alias without a secret is undone by trying names
        raise InvalidInput(problem("T012", file=path, key="alias_key"))
    return found
