"""`leaderboard/site.toml`: what an organizer says of the site."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - msgspec reads it
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.manifest import Manifest, Text, Url, load

if TYPE_CHECKING:
    from pathlib import Path


class Config(Manifest, frozen=True, kw_only=True):
    """A `site.toml`; every key may be missing.

    `url` is where the site will be published, which feeds and citations need. `hidden_until` maps patterns of test
    sets (`task/test-set`) to dates before which nothing of them is built. Before the date `reveal`, systems go by
    aliases (`System 1`, …) instead of their names and teams.
    """

    title: Text = "Leaderboard"
    description: Text | None = None
    contact: Text | None = None
    licence: Text | None = None
    url: Url | None = None
    hidden_until: dict[str, date] = {}  # noqa: RUF012 - msgspec copies it
    reveal: date | None = None

    def is_hidden(self, task: str, test_set: str, today: date) -> bool:
        """Whether nothing of a test set may be shown yet."""
        name = f"{task}/{test_set}"
        return any(fnmatchcase(name, pattern) and today < day for pattern, day in self.hidden_until.items())

    def hides_names(self, today: date) -> bool:
        """Whether systems go by aliases."""
        return self.reveal is not None and today < self.reveal


def read(folder: Path) -> Config:
    """The `site.toml` of a folder, or what holds without one. Raises InvalidInput with every fault."""
    path = folder / "site.toml"
    return load(path, Config)[0] if path.exists() else Config()
