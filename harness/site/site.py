"""What pages are made of, and what a page is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from harness import canonical
from harness.site.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.records import Comparison, Derived, Record, Result, Timing
    from harness.site.log import Entry
    from harness.site.model import Board, Group

Cell = tuple[str, str, str]
"""Task, test set, system."""
NAVIGATION = (
    ("index.html", "Tasks"),
    ("timing.html", "Timing"),
    ("coverage.html", "Coverage"),
    ("method.html", "Method"),
    ("changes.html", "Changes"),
    ("downloads.html", "Downloads"),
)
"""The pages that every page leads to, where the build has them."""


def digest_of(record: Record) -> str:
    """The sha256 of a record's canonical bytes: its name in `results/`, unless the site shows aliases."""
    return canonical.digest(canonical.encode(msgspec.to_builtins(record)))


def fingerprint(*records: object) -> str:
    """A digest by which records are told apart between builds: made fast, and of no meaning elsewhere."""
    return hashlib.sha256(msgspec.json.encode(records, order="sorted")).hexdigest()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a task says of one of its metrics."""

    title: str
    formula: str
    citation: str


@dataclass(frozen=True, kw_only=True)
class Records:
    """Current records of a workspace, and what is missing.

    `absent` holds cells without outputs; `segments` says where the record of a cell's segments lies; `metrics` what a
    metric means, by task and name.
    """

    results: Sequence[Result]
    absent: Sequence[Cell] = ()
    comparisons: Sequence[Comparison] = ()
    derived: Sequence[Derived] = ()
    timings: Sequence[Timing] = ()
    segments: Mapping[Cell, Path] = field(default_factory=dict)
    metrics: Mapping[tuple[str, str], Meaning] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that pages show, in an order that depends on the records alone."""

    records: Records
    groups: Sequence[Group]
    config: Config = field(default_factory=Config)
    log: Sequence[Entry] = ()
    """When each result was published first, and the digest of its record."""
    places: set[str] = field(default_factory=set)
    """Every page and file of the build; known once all families have been listed, so to contexts and templates."""
    asked: set[str] = field(default_factory=set)
    """The places that the page which is being rendered has asked for."""

    def has(self, place: str) -> bool:
        """Whether the build has a page or a file there. Ask while rendering, never while pages are listed."""
        self.asked.add(place)
        return place in self.places

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """The digests of results by `task/test set/system`."""
        return {f"{entry.task}/{entry.test_set}/{entry.system}": entry.id for entry in self.log}

    @property
    def navigation(self) -> Sequence[tuple[str, str]]:
        """Places and words of what every page leads to."""
        return [(place, words) for place, words in NAVIGATION if place in self.places]

    @cached_property
    def boards(self) -> Sequence[Board]:
        """The test sets, in order."""
        return [board for group in self.groups for board in group.boards]

    @cached_property
    def tasks(self) -> Mapping[str, Sequence[Group]]:
        """The groups of each task."""
        names = dict.fromkeys(group.task for group in self.groups)
        return {name: [group for group in self.groups if group.task == name] for name in names}


@dataclass(frozen=True)
class Page:
    """A file of the site: where it lies, and how its bytes are made when they are wanted.

    `template` is rendered with `context()`, `here`, its place, and `root`, the way up to the site's folder, or `base`
    where that depends on the reader; without a template `context()` holds the bytes as `content`. `inputs` names all
    that it depends on beside templates, configuration and what `Site.has` answers (digests, names): a page whose
    inputs are those of the last build is not made again.
    """

    place: str
    template: str | None
    context: Callable[[], Mapping[str, object]]
    inputs: tuple[str, ...] = ()
    base: str | None = None

    @property
    def root(self) -> str:
        """`../` for every folder between the page and the site."""
        return "../" * self.place.count("/") if self.base is None else self.base
