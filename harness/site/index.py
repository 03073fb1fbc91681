"""The first page: all tasks and their test sets, what is new, and how to cite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import standings
from harness.records import REFERENCE
from harness.site import changes, feed
from harness.site.site import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.site.model import Board
    from harness.site.site import Site

NEWS = 5
"""Changes that the first page names, of systems that compete."""


@dataclass(frozen=True, slots=True)
class Facts:
    """How large the leaderboard is; yardsticks are no systems."""

    tasks: int
    test_sets: int
    systems: int
    results: int


def pages(site: Site) -> Iterator[Page]:
    """One page."""
    yield Page("index.html", "index.html.j2", lambda: _context(site))


def _context(site: Site) -> Mapping[str, object]:
    return {
        "tasks": site.tasks,
        "facts": facts(site),
        "front": {(board.task, board.test_set): front(board) for board in site.boards},
        "news": [change for change in changes.rows(site) if change.result.kind in standings.COMPETING][:NEWS],
        "last": max((entry.published for entry in site.log), default=None),
        "citation": feed.bibtex(site),
    }


def facts(site: Site) -> Facts:
    """The size of a site."""
    competing = {(board.task, row.result.system) for board in site.boards for row in board.competing}
    results = sum(result.system != REFERENCE for result in site.records.results)
    return Facts(len(site.tasks), len(site.boards), len(competing), results)


def front(board: Board) -> int:
    """How many systems the test set does not tell apart from the best: 1 if it stands alone, 0 if nobody knows."""
    return sum(row.place is not None and row.place.cluster == 1 for row in board.competing)
