"""The page of a system: everything that the records say of it, over all test sets of its task."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.records import REFERENCE
from harness.site import pairs, segmentpages
from harness.site.model import YARDSTICKS
from harness.site.site import Page, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.records import DerivedValue, Flag, Pair, Quantity, Result, Score, Timing
    from harness.site.model import Board, Column, Row
    from harness.site.site import Site

KINDS = {
    "primary": "competes",
    "contrastive": "competes; a further system of its team",
    "baseline": "competes; a baseline, for comparison",
    **YARDSTICKS,
}
"""What the kinds of systems are, in words."""
QUANTITIES = ("latency-p50", "latency-p90", "throughput", "server-rate", "throughput-ratio", "load", "peak-memory")
RIVALS = 12
"""Comparisons of one test set that a page of a system names; the others stand on pages of their own."""


@dataclass(frozen=True, slots=True)
class Against:
    """Another system of a test set, its difference to this one, and the page of both."""

    system: str
    name: str
    rank: int | None
    pair: Pair | None
    page: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The system on one test set; `rows` counts the systems that compete there."""

    board_title: str
    test_set: str
    collection: str
    result: Result
    rank: int | None
    ranks: str
    rows: int
    cluster: int | None
    clusters: int
    primary: Score | None
    unit: str
    segments: str
    rivals: tuple[Against, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One metric over the test sets, None where it is not computed."""

    column: Column
    scores: tuple[Score | None, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A derived number of the system."""

    title: str
    metric: str
    unit: str
    best: str
    tags: tuple[tuple[str, str], ...]
    weights: tuple[tuple[str, float], ...]
    value: DerivedValue


@dataclass(frozen=True, slots=True)
class Timed:
    """A timing of the system, without the latencies that it was computed from."""

    test_set: str
    scenario: str
    backend: str
    quick: bool
    is_valid: bool
    level: str
    trusted_by: str | None
    flags: tuple[Flag, ...]
    quantities: tuple[Quantity | None, ...]
    machine: str

    def named(self, name: str) -> Quantity | None:
        """One of its numbers."""
        return self.quantities[QUANTITIES.index(name)]


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything on the page of a system."""

    task: str
    system: str
    name: str
    team: str
    kind: str
    meaning: str
    entries: tuple[Entry, ...]
    lines: tuple[Line, ...]
    numbers: tuple[Number, ...]
    quantities: tuple[str, ...]
    timings: tuple[Timed, ...]
    missing: tuple[str, ...]

    @property
    def notices(self) -> tuple[tuple[str, str, int], ...]:
        """Notices as test set, code and count."""
        found = ((entry.test_set, entry.result.notices) for entry in self.entries)
        return tuple((test_set, code, count) for test_set, codes in found for code, count in sorted(codes.items()))


def place(task: str, system: str) -> str:
    """Where the page of a system lies."""
    return f"{task}/systems/{system}.html"


def pages(site: Site) -> Iterator[Page]:
    """One page per system that has a result."""
    rows: dict[tuple[str, str], list[tuple[Board, Row]]] = defaultdict(list)
    for board in site.boards:
        for row in board.rows:
            rows[board.task, row.result.system].append((board, row))
    known = _Known(site)
    for (task, system), found in sorted(rows.items()):
        profile = known.profile(task, system, found)
        yield Page(place(task, system), "system.html.j2", partial(_context, profile), (fingerprint(profile),))


def _context(profile: Profile) -> Mapping[str, object]:
    return {"profile": profile}


class _Known:
    """What a site knows, by system."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.clusters = {
            (board.task, board.test_set): max((place.cluster or 0 for place in board.comparison.systems), default=0)
            for board in site.boards
            if board.comparison
        }
        self.pairs = {(board.task, board.test_set): _rivals(board) for board in site.boards}
        self.numbers: dict[tuple[str, str], list[Number]] = defaultdict(list)
        for found in site.records.derived:
            for value in found.systems:
                tags, weights = tuple(sorted(found.tags.items())), tuple(sorted(found.weights.items()))
                facts = (found.title, found.metric, found.unit, found.best, tags, weights, value)
                self.numbers[found.task, value.system].append(Number(*facts))
        self.timings: dict[tuple[str, str], list[Timed]] = defaultdict(list)
        for timing in sorted(site.records.timings, key=_when):
            quantities = tuple(timing.quantity(name) for name in QUANTITIES)
            timed = Timed(
                timing.test_set,
                timing.scenario,
                timing.backend,
                timing.quick,
                timing.valid,
                timing.isolation.level,
                timing.isolation.trusted_by,
                tuple(timing.flags),
                quantities,
                ", ".join(filter(None, (timing.machine.get("gpu"), timing.machine.get("cpu")))),
            )
            self.timings[timing.task, timing.system].append(timed)

    def profile(self, task: str, system: str, found: Sequence[tuple[Board, Row]]) -> Profile:
        """The page of a system, from its rows."""
        first = found[-1][1].result
        timings = self.timings[task, system]
        shown = [name for number, name in enumerate(QUANTITIES) if any(one.quantities[number] for one in timings)]
        absent = sorted(test_set for own, test_set, who in self.site.records.absent if (own, who) == (task, system))
        return Profile(
            task=task,
            system=system,
            name=first.name,
            team="" if system == REFERENCE else first.team,
            kind=first.kind,
            meaning=KINDS.get(first.kind, ""),
            entries=tuple(self._entry(board, row) for board, row in found),
            lines=tuple(_lines(found)),
            numbers=tuple(sorted(self.numbers[task, system], key=lambda one: (one.title, one.tags))),
            quantities=tuple(shown),
            timings=tuple(timings),
            missing=tuple(absent),
        )

    def _entry(self, board: Board, row: Row) -> Entry:
        result = row.result
        paging = segmentpages.paging(self.site.records, result)
        return Entry(
            board_title=board.title,
            test_set=board.test_set,
            collection=board.collection,
            result=result,
            rank=row.rank,
            ranks=row.ranks,
            rows=len(board.competing),
            cluster=row.place.cluster if row.place else None,
            clusters=self.clusters.get((board.task, board.test_set), 0),
            primary=row.primary,
            unit=row.primary.unit if row.primary else "",
            segments=segmentpages.place(board.task, board.test_set, result.system) if paging else "",
            rivals=tuple(self.pairs[board.task, board.test_set].get(result.system, ())),
        )


def _when(timing: Timing) -> tuple[str, str, str, bool]:
    return timing.test_set, timing.scenario, timing.backend, timing.quick


def _lines(found: Sequence[tuple[Board, Row]]) -> Iterator[Line]:
    """Every metric, with its scores in the order of the test sets."""
    columns = {column.metric: column for board, _ in found for column in board.columns}
    scores = [{score.metric: score for score in row.result.scores} for _, row in found]
    for metric, column in columns.items():
        known = tuple(by_metric.get(metric) for by_metric in scores)
        if any(known):
            yield Line(column, known)


def _rivals(board: Board) -> dict[str, list[Against]]:
    """Whom each system can be seen against: those nearest in rank."""
    rows = {row.result.system: row for row in board.competing}
    tests = {(pair.a, pair.b): pair for pair in (board.comparison.pairs if board.comparison else ())}
    found: dict[str, list[Against]] = defaultdict(list)
    for a, b in pairs.names(board):
        page = pairs.name(a, b)
        pair = tests.get((a, b)) or pairs.turned(tests.get((b, a)))
        for system, other, own in ((a, b, pair), (b, a, pairs.turned(pair))):
            row = rows[other]
            found[system].append(Against(other, row.result.name, row.rank, own, page))
    order = {row.result.system: number for number, row in enumerate(board.competing)}
    return {system: _nearest(order, system, others) for system, others in found.items()}


def _nearest(order: Mapping[str, int], system: str, others: Iterable[Against]) -> list[Against]:
    near = sorted(others, key=lambda one: (abs(order[one.system] - order[system]), order[one.system]))[:RIVALS]
    return sorted(near, key=lambda one: order[one.system])
