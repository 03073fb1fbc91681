"""Two systems of a test set against each other: the tests of their difference, and the segments that make it.

A page for every two systems would be too many. There is one for any two of the best 20, for neighbours in the
ranking, and for systems of one team (its best 10); `harness compare` tells of any others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from harness.site import pairview, segmentpages, segmentview
from harness.site.segmentview import Measure
from harness.site.site import Page, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.records import Comparison, Pair, Score
    from harness.site.model import Board, Row
    from harness.site.segmentpages import Paging
    from harness.site.site import Records, Site

BEST = 20
OF_A_TEAM = 10
BETWEEN = "--vs--"
_ALPHA = re.compile(r"\balpha:(0\.\d+)")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: who it is, and where its segments are shown."""

    system: str
    name: str
    team: str
    rank: int | None
    paging: Paging | None


@dataclass(frozen=True, slots=True)
class Tested:
    """Both systems by one metric; `pair` is the difference a - b where it was tested, else `reason` says why not."""

    metric: str
    unit: str
    a: Score | None
    b: Score | None
    difference: float | None
    pair: Pair | None
    reason: str

    @property
    def favours(self) -> str:
        """Which of the two is better by its value: `a`, `b`, or nothing."""
        if not self.a or not self.b or self.a.value is None or self.b.value is None:
            return ""
        gain = Measure(self.metric, self.unit, self.a.best).gain(self.a.value, self.b.value)
        return "a" if gain > 0 else "b" if gain < 0 else ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the primary metric says of the two, in words a template can choose by."""

    tested: Tested
    family: int
    alpha: float
    method: str
    detectable: float | None

    @property
    def is_significant(self) -> bool:
        """Whether the test set tells the two apart."""
        pair = self.tested.pair
        return pair is not None and pair.p_holm is not None and pair.p_holm <= self.alpha


@dataclass(frozen=True, slots=True)
class Duel:
    """What a page of two systems says before it reads their segments."""

    task: str
    test_set: str
    title: str
    segments: int
    primary: str
    a: Side
    b: Side
    verdict: Verdict
    metrics: tuple[Tested, ...]


def names(board: Board) -> list[tuple[str, str]]:
    """The pairs of systems that have a page, the better one first."""
    order = [row.result.system for row in board.competing if row.rank is not None]
    if board.test_set in segmentpages.RESERVED:
        return []
    place = {system: number for number, system in enumerate(order)}
    teams: dict[str, list[str]] = {}
    for row in board.competing:
        if row.rank is not None:
            teams.setdefault(row.result.team, []).append(row.result.system)
    found = {*combinations(order[:BEST], 2), *pairwise(order)}
    for members in teams.values():
        found.update(combinations(members[:OF_A_TEAM], 2))
    odd = [row.result.system for row in board.rows if BETWEEN in row.result.system]
    clear = [pair for pair in found if not _is_ambiguous(pair, odd)]
    return sorted(clear, key=lambda pair: (place[pair[0]], place[pair[1]]))


def _is_ambiguous(pair: tuple[str, str], odd: Sequence[str]) -> bool:
    """Whether a page could be taken for another: one of other systems, or of the segments of one."""
    together = name(*pair)
    return together.count(BETWEEN) > 1 or any(together.startswith(f"{system}-") for system in odd)


def name(a: str, b: str) -> str:
    """The name of the page of a pair, without its ending."""
    return f"{a}{BETWEEN}{b}"


def place(task: str, test_set: str, a: str, b: str) -> str:
    """Where the page of a pair lies."""
    return f"{task}/{test_set}/{name(a, b)}.html"


def pages(site: Site) -> Iterator[Page]:
    """The pairs of every test set."""
    read = lru_cache(maxsize=2)(segmentview.read)  # pairs of one system follow each other
    by_metric = {(found.task, found.test_set, found.metric): found for found in site.records.comparisons}
    for board in site.boards:
        rows = {row.result.system: row for row in board.competing}
        index = _Index.of(board, by_metric)
        sides = {system: _side(site.records, row) for system, row in rows.items()}
        for a, b in names(board):
            duel = _duel(board, index, (rows[a], rows[b]), (sides[a], sides[b]))
            paths = [site.records.segments.get((board.task, board.test_set, system)) for system in (a, b)]
            read_both = [path for path, side in zip(paths, (duel.a, duel.b), strict=True) if path and side.paging]
            facts = segmentview.about(rows[a].result)
            known = tuple(path.name for path in read_both)
            yield Page(
                place(board.task, board.test_set, a, b),
                "pair.html.j2",
                partial(pairview.context, duel, facts, tuple(read_both) if len(read_both) == 2 else (), read),  # noqa: PLR2004
                (*known, fingerprint(duel, facts)),
            )


@dataclass(frozen=True, slots=True)
class _Index:
    """The comparisons of a test set by metric, and their pairs by systems."""

    comparisons: Mapping[str, Comparison]
    pairs: Mapping[tuple[str, str, str], Pair]

    @classmethod
    def of(cls, board: Board, by_metric: Mapping[tuple[str, str, str], Comparison]) -> _Index:
        keys = {column.metric: (board.task, board.test_set, column.metric) for column in board.columns}
        known = {metric: by_metric[key] for metric, key in keys.items() if key in by_metric}
        return cls(known, {(metric, pair.a, pair.b): pair for metric, found in known.items() for pair in found.pairs})

    def pair(self, metric: str, a: str, b: str) -> Pair | None:
        """The pair as a - b, however it was stored."""
        found = self.pairs.get((metric, a, b))
        return found or turned(self.pairs.get((metric, b, a)))

    def why_not(self, metric: str) -> str:
        found = self.comparisons.get(metric)
        if found is None:
            return "no test: the metric has no intervals, or is not compared"
        return found.reason or "not tested: with so many systems only neighbours are"


def turned(pair: Pair | None) -> Pair | None:
    """The same pair, seen from the other side."""
    if pair is None:
        return None
    lo, hi = (None if end is None else -end for end in (pair.hi, pair.lo))
    return type(pair)(a=pair.b, b=pair.a, difference=-pair.difference, lo=lo, hi=hi, p=pair.p, p_holm=pair.p_holm)


def _side(records: Records, row: Row) -> Side:
    result = row.result
    return Side(result.system, result.name, result.team, row.rank, segmentpages.paging(records, result))


def _duel(board: Board, index: _Index, rows: tuple[Row, Row], sides: tuple[Side, Side]) -> Duel:
    tested = tuple(_tested(column.metric, number, index, rows, board) for number, column in enumerate(board.columns))
    primary = next(one for one in tested if one.metric == board.primary)
    found = index.comparisons.get(board.primary)
    level = _ALPHA.search(found.method) if found else None
    verdict = Verdict(
        tested=primary,
        family=len(found.pairs) if found else 0,
        alpha=float(level[1]) if level else 0.05,
        method=found.method if found else "",
        detectable=found.detectable if found else None,
    )
    return Duel(board.task, board.test_set, board.title, board.segments, board.primary, *sides, verdict, tested)


def _tested(metric: str, number: int, index: _Index, rows: tuple[Row, Row], board: Board) -> Tested:
    a, b = (row.scores[number] for row in rows)
    values = [score.value if score else None for score in (a, b)]
    pair = index.pair(metric, *(row.result.system for row in rows))
    known = values[0] is not None and values[1] is not None
    difference = pair.difference if pair else values[0] - values[1] if known else None  # type: ignore[operator]
    column = board.columns[number]
    return Tested(metric, column.unit, a, b, difference, pair, "" if pair else index.why_not(metric))
