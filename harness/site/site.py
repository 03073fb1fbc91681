"""What pages are made of, and what a page is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.site.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.records import Comparison, Derived, Result, Timing
    from harness.site.model import Board, Group

Cell = tuple[str, str, str]
"""Task, test set, system."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """Current records of a workspace, and what is missing.

    `absent` holds cells without outputs; `segments` says where the record of a cell's segments lies.
    """

    results: Sequence[Result]
    absent: Sequence[Cell] = ()
    comparisons: Sequence[Comparison] = ()
    derived: Sequence[Derived] = ()
    timings: Sequence[Timing] = ()
    segments: Mapping[Cell, Path] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that pages show, in an order that depends on the records alone."""

    records: Records
    groups: Sequence[Group]
    config: Config = field(default_factory=Config)

    @property
    def boards(self) -> Sequence[Board]:
        """The test sets, in order."""
        return [board for group in self.groups for board in group.boards]

    @property
    def tasks(self) -> Mapping[str, Sequence[Group]]:
        """The groups of each task."""
        names = dict.fromkeys(group.task for group in self.groups)
        return {name: [group for group in self.groups if group.task == name] for name in names}


@dataclass(frozen=True)
class Page:
    """A file of the site: where it lies, and how its bytes are made when they are wanted.

    `template` is rendered with `context()` and `root`, the way up to the site's folder; without one `context()` holds
    the bytes as `content`. `inputs` names all that it depends on beside templates and configuration (digests, names):
    a page whose inputs are those of the last build is not made again.
    """

    place: str
    template: str | None
    context: Callable[[], Mapping[str, object]]
    inputs: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """`../` for every folder between the page and the site."""
        return "../" * self.place.count("/")
