"""What the pages show, computed from records: the rows of each table, and what is missing."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness import standings
from harness.catalogue import problem
from harness.errors import IntegrityError, printable
from harness.records import ID, REFERENCE
from harness.site import aliases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from harness.records import Comparison, Ranked, Result, Score, Timing
    from harness.site.config import Config
    from harness.site.site import Records

    Absent = tuple[str, str, str]

YARDSTICKS = {
    "ceiling": "the references, scored as if they were outputs",
    "floor": "what can be had without solving the task",
    "gaming": "outputs made to please the metric, not the reader",
}
"""The kinds that are shown apart, and what they are."""

_ID = re.compile(ID)


@dataclass(frozen=True, slots=True)
class Column:
    """A metric as a column of the table."""

    metric: str
    unit: str
    best: str


@dataclass(frozen=True, slots=True)
class Definition:
    """How the numbers of a metric were made; one metric has several if its records disagree."""

    metric: str
    unit: str
    signature: str
    method: str


@dataclass(frozen=True, slots=True)
class Row:
    """A scored system: `scores` has one entry per column, None where the record lacks the metric.

    `place` is what the comparison by the primary metric says of it; None where there is none.
    """

    result: Result
    scores: tuple[Score | None, ...]
    primary: Score | None
    rank: int | None = None
    place: Ranked | None = None

    @property
    def ranks(self) -> str:
        """The ranks that the system takes in the resamples, first to last; empty where they are not known."""
        place = self.place
        if place is None or place.rank_lo is None or place.rank_hi is None:
            return ""
        return str(place.rank_lo) if place.rank_lo == place.rank_hi else f"{place.rank_lo}\u2013{place.rank_hi}"


@dataclass(frozen=True, slots=True)
class System:
    """Who a system is; a system without any record has its id for a name, and no team."""

    system: str
    name: str
    team: str


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that one page shows: one test set of one task."""

    task: str
    test_set: str
    title: str
    collection: str
    primary: str
    segments: int
    tags: Mapping[str, str]
    columns: tuple[Column, ...]
    competing: tuple[Row, ...]
    yardsticks: tuple[Row, ...]
    missing: tuple[System, ...]
    definitions: tuple[Definition, ...]
    comparison: Comparison | None = None
    timings: tuple[Timing, ...] = ()

    def starts_cluster(self, row: Row) -> bool:
        """Whether a line stands above a competing row: everything above it is significantly better."""
        index = next(number for number, one in enumerate(self.competing) if one is row)  # comparing all is slow
        places = row.place, self.competing[index - 1].place
        return index > 0 and None not in places and places[0].cluster != places[1].cluster  # type: ignore[union-attr]

    @property
    def best(self) -> tuple[Row, ...]:
        """The rows of rank 1: several if they tie, none if nothing could be ranked."""
        return tuple(row for row in self.competing if row.rank == 1)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every scored row in the order of the table."""
        return self.competing + self.yardsticks

    @property
    def has_notices(self) -> bool:
        """Whether any file was scored with a remark."""
        return any(row.result.notices for row in self.rows)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Systems by test sets of one collection; `states` says in words what each cell is."""

    test_sets: tuple[str, ...]
    systems: tuple[System, ...]
    states: Mapping[tuple[str, str], str]

    def state(self, system: str, test_set: str) -> str:
        """`scored`, `not submitted`, or `no result` (submitted, but refused or not scored yet)."""
        return self.states.get((system, test_set), "no result")


@dataclass(frozen=True, slots=True)
class Group:
    """The test sets of one collection of one task; `coverage` is None where nothing is missing."""

    task: str
    collection: str
    boards: tuple[Board, ...]
    coverage: Coverage | None


def groups(
    results: Sequence[Result],
    absent: Sequence[Absent],
    comparisons: Iterable[Comparison] = (),
    timings: Iterable[Timing] = (),
) -> list[Group]:
    """Everything the site shows, in an order that depends on the records alone.

    Raises IntegrityError (R011) for a record whose names could not be file names.
    """
    ordered = sorted(results, key=lambda result: (result.task, result.collection, result.test_set, result.system))
    _check_ids(ordered)
    people = _people(ordered, absent)
    collections = {(result.task, result.test_set): result.collection for result in ordered}
    members: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in ordered:
        members[result.task, result.collection].append(result)
    gaps: dict[tuple[str, str], list[Absent]] = defaultdict(list)
    for cell in sorted(set(absent)):
        gaps[cell[0], collections.get(cell[:2], "")].append(cell)
    beside = _Beside({(found.task, found.test_set, found.metric): found for found in comparisons}, _timed(timings))
    return [
        Group(*key, _boards(members[key], gaps[key], people, beside), _coverage(members[key], gaps[key], people))
        for key in sorted(members.keys() | gaps.keys())
    ]


@dataclass(frozen=True, slots=True)
class _Beside:
    """Records beside the results: comparisons by task, test set and metric, timings by task and test set."""

    comparisons: Mapping[tuple[str, str, str], Comparison]
    timings: Mapping[tuple[str, str], Sequence[Timing]]


def _timed(timings: Iterable[Timing]) -> dict[tuple[str, str], list[Timing]]:
    """Timings by task and test set: scenario by scenario and backend by backend, what is void last."""
    found: dict[tuple[str, str], list[Timing]] = defaultdict(list)
    for timing in sorted(timings, key=lambda one: (one.scenario, one.backend, not one.valid, one.system, one.quick)):
        if timing.scenario != "run":
            found[timing.task, timing.test_set].append(timing)
    return found


def visible(records: Records, settings: Config, today: date) -> Records:
    """What may be shown on a day: nothing of test sets that are still hidden, and aliases until names are revealed."""

    def may(task: str, test_set: str) -> bool:
        return not settings.is_hidden(task, test_set, today)

    shown = replace(
        records,
        results=[result for result in records.results if may(result.task, result.test_set)],
        absent=[cell for cell in records.absent if may(cell[0], cell[1])],
        comparisons=[found for found in records.comparisons if may(found.task, found.test_set)],
        derived=[found for found in records.derived if all(may(found.task, name) for name in found.weights)],
        timings=[found for found in records.timings if may(found.task, found.test_set)],
        segments={cell: path for cell, path in records.segments.items() if may(cell[0], cell[1])},
    )
    return aliases.applied(shown, settings.alias_key or "") if settings.hides_names(today) else shown


def board(
    results: Sequence[Result],
    missing: Iterable[System],
    comparison: Comparison | None = None,
    timings: Sequence[Timing] = (),
) -> Board:
    """The page of one test set, from its records in the order of their systems."""
    first = results[0]
    scores = [score for result in results for score in result.scores]
    columns: dict[str, Column] = {}
    for score in scores:
        columns.setdefault(score.metric, Column(score.metric, score.unit, score.best))
    order = list(columns)
    rows = standings.order(results)
    places = {} if comparison is None else {place.system: place for place in comparison.systems}
    return Board(
        task=first.task,
        test_set=first.test_set,
        title=first.title or first.test_set,
        collection=first.collection,
        primary=first.primary,
        segments=first.segments,
        tags=first.tags,
        columns=tuple(columns.values()),
        competing=tuple(_row(row, order, places) for row in rows if row.is_competing),
        yardsticks=tuple(_row(row, order, {}) for row in rows if not row.is_competing),
        missing=tuple(missing),
        definitions=_definitions(scores, order),
        comparison=comparison,
        timings=tuple(timings),
    )


def _row(row: standings.Row, order: Sequence[str], places: Mapping[str, Ranked]) -> Row:
    by_metric = {score.metric: score for score in row.result.scores}
    place = places.get(row.result.system)
    return Row(row.result, tuple(map(by_metric.get, order)), row.primary, row.rank, place)


def _definitions(scores: Iterable[Score], order: Sequence[str]) -> tuple[Definition, ...]:
    found = dict.fromkeys(Definition(score.metric, score.unit, score.signature, score.method) for score in scores)
    return tuple(sorted(found, key=lambda definition: order.index(definition.metric)))


def _boards(
    results: Iterable[Result],
    gaps: Iterable[Absent],
    people: Mapping[tuple[str, str], System],
    beside: _Beside,
) -> tuple[Board, ...]:
    by_test_set: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_test_set[result.test_set].append(result)
    missing: dict[str, list[System]] = defaultdict(list)
    for task, test_set, system in gaps:
        missing[test_set].append(people[task, system])
    boards = []
    for test_set, members in by_test_set.items():
        task, primary = members[0].task, members[0].primary
        comparison = beside.comparisons.get((task, test_set, primary))
        boards.append(board(members, missing[test_set], comparison, beside.timings.get((task, test_set), ())))
    return tuple(boards)


def _coverage(
    results: Iterable[Result], gaps: Sequence[Absent], people: Mapping[tuple[str, str], System]
) -> Coverage | None:
    if not gaps:
        return None
    states = {(system, test_set): "not submitted" for _, test_set, system in gaps}
    for result in results:
        if result.system != REFERENCE:
            states[result.system, result.test_set] = "scored"
    systems = sorted({system for system, _ in states})
    test_sets = sorted({test_set for _, test_set in states})
    return Coverage(tuple(test_sets), tuple(people[gaps[0][0], system] for system in systems), states)


def _people(results: Iterable[Result], absent: Iterable[Absent]) -> dict[tuple[str, str], System]:
    """Name and team of every system by task and id; the id stands in where no record knows better."""
    known = {(task, system): System(system, system, "") for task, _, system in absent}
    for result in results:
        known[result.task, result.system] = System(result.system, result.name, result.team)
    return known


def _check_ids(results: Iterable[Result]) -> None:
    """Refuse names that would leave the site's folder: a record can have been edited by hand."""
    for result in results:
        for key, text in (("task", result.task), ("test_set", result.test_set), ("system", result.system)):
            if not _ID.fullmatch(text) and (key, text) != ("system", REFERENCE):
                raise IntegrityError(problem("R011", what=f"{key} '{printable(text)}' is no id"))
