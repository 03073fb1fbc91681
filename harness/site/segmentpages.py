"""Pages on which every segment of a system can be read: texts, values, and the evidence behind the numbers.

A page reads the record of its segments when it is rendered, and no earlier. How many segments it holds is known
without that, from the size of the record: as many as keep the page small, and never more than 200.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from harness.site import segmentview
from harness.site.evidence import TONES
from harness.site.site import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.records import Result, Segments
    from harness.site.model import Board, Row
    from harness.site.segmentview import Finding, View
    from harness.site.site import Records, Site

MOST = 200
"""Segments on a page."""
BYTES = 400_000
"""Of a record on a page: 60 to 80 kB of HTML, compressed."""
RESERVED = frozenset({"systems", "metrics"})
"""Folders of a task that hold other pages: a test set of that name has no pages of segments and pairs."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How the segments of a record are laid on pages, counted from 1."""

    segments: int
    each: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.segments // self.each)

    def page_of(self, index: int) -> int:
        """The page of the segment at an index from 0."""
        return index // self.each + 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a page of segments says before it reads them; `pages` holds the first and last segment of each page."""

    task: str
    test_set: str
    title: str
    system: str
    name: str
    team: str
    kind: str
    primary: str
    number: int
    segments: int
    pages: tuple[tuple[int, int], ...]

    @property
    def first(self) -> int:
        """The number of the first segment."""
        return self.pages[self.number - 1][0]

    @property
    def last(self) -> int:
        """The number of the last segment."""
        return self.pages[self.number - 1][1]


def paging(records: Records, result: Result) -> Paging | None:
    """How the segments of a result are laid on pages; None where there is no record of them."""
    path = records.segments.get((result.task, result.test_set, result.system))
    if path is None or result.segments < 1 or result.test_set in RESERVED or not path.is_file():
        return None
    each = BYTES * result.segments // max(path.stat().st_size, 1)
    return Paging(result.segments, min(MOST, max(1, each)))


def place(task: str, test_set: str, system: str, number: int = 1) -> str:
    """Where a page of segments lies."""
    return f"{task}/{test_set}/{system}-{number}.html"


def pages(site: Site) -> Iterator[Page]:
    """The segments of every result that has a record of them."""
    read = lru_cache(maxsize=1)(segmentview.read)  # the pages of a record follow each other
    for board in site.boards:
        for row in board.rows:
            found = paging(site.records, row.result)
            if found is not None:
                path = site.records.segments[board.task, board.test_set, row.result.system]
                yield from _of_system(board, row, found, path, read)


def _of_system(board: Board, row: Row, found: Paging, path: Path, read: Callable[[Path], Segments]) -> Iterator[Page]:
    result = row.result
    spans = tuple(
        (first + 1, min(first + found.each, found.segments)) for first in range(0, found.segments, found.each)
    )
    facts = segmentview.about(result)
    for number in range(1, found.pages + 1):
        leaf = Leaf(
            task=board.task,
            test_set=board.test_set,
            title=board.title,
            system=result.system,
            name=result.name,
            team=result.team,
            kind=result.kind,
            primary=result.primary,
            number=number,
            segments=found.segments,
            pages=spans,
        )
        yield Page(
            place(board.task, board.test_set, result.system, number),
            "segments.html.j2",
            partial(_context, leaf, facts, path, read),
            (path.name, repr(leaf), repr(facts)),
        )


def _context(
    leaf: Leaf, facts: segmentview.About, path: Path, read: Callable[[Path], Segments]
) -> Mapping[str, object]:
    record = read(path)
    views = [segmentview.view(row, record.metrics, facts) for row in record.rows[leaf.first - 1 : leaf.last]]
    return {"leaf": leaf, "views": views, "filters": filters(views), "verdicts": verdicts(views)}


def filters(views: list[View]) -> str:
    """The ways in which a list of segments can be narrowed, for the script: only those that leave something out."""
    count = {key: sum(key in view.keys.split() for view in views) for key in ("wrong", "bad")}
    labels = [("wrong", "Only errors")] if 0 < count["wrong"] < len(views) else []
    if 0 < count["bad"] < len(views) and count["bad"] != count["wrong"]:
        labels.append(("bad", "Errors by any metric"))
    return "|".join(f"{key}={label}" for key, label in labels)


def verdicts(views: list[View]) -> list[tuple[str, str, list[str]]]:
    """The legend of a list of segments."""
    return legend(finding for view in views for finding in view.findings)


def legend(findings: Iterable[Finding]) -> list[tuple[str, str, list[str]]]:
    """Each tone that occurs, what it means, and the verdicts that have it."""
    words: dict[str, dict[str, None]] = {name: {} for name in TONES}
    for finding in findings:
        words[finding.tone][finding.verdict] = None
    return [(name, TONES[name], sorted(found)) for name, found in words.items() if found]
