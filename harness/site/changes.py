"""What is new: every result with the day on which it appeared, newest first."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.records import REFERENCE
from harness.site import log
from harness.site.site import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from harness.records import Result, Score
    from harness.site.site import Site

PLACE = "changes.html"
SHOWN = 200
"""The most results that the page and the feed name; `changes.json` has all."""


@dataclass(frozen=True, slots=True)
class Change:
    """A result that appeared, or took the place of an earlier one of its system."""

    published: date
    id: str
    result: Result
    score: Score | None
    replaces: str | None

    @property
    def words(self) -> str:
        """What happened."""
        return "changed" if self.replaces else "new"


def pages(site: Site) -> Iterator[Page]:
    """The page, and the file that the next build reads the days from."""
    inputs = (log.encode(site.log).decode(),)
    yield Page(PLACE, "changes.html.j2", lambda: _context(site), inputs)
    yield Page(log.PLACE, None, lambda: {"content": log.encode(site.log)}, inputs)


def rows(site: Site) -> Sequence[Change]:
    """Results from the newest to the oldest; those of one day by task, test set and system. References are no news."""
    entries = {log.cell(entry): entry for entry in site.log}
    found = []
    for result in site.records.results:
        entry = entries.get(log.cell(result))
        if entry is not None and result.system != REFERENCE:
            score = next((score for score in result.scores if score.metric == result.primary), None)
            found.append(Change(entry.published, entry.id, result, score, entry.replaces))
    found.sort(key=lambda one: log.cell(one.result))
    return sorted(found, key=operator.attrgetter("published"), reverse=True)


def _context(site: Site) -> Mapping[str, object]:
    found = rows(site)
    days: dict[date, list[Change]] = {}
    for change in found[:SHOWN]:
        days.setdefault(change.published, []).append(change)
    return {"days": days, "total": len(found), "shown": min(SHOWN, len(found))}
