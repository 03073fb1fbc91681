"""The page of all timings: what was measured, on what machine, how far apart from it, and what each number means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import structs

from harness import standings
from harness.site.measures import BACKENDS, LEVELS, MEANINGS, PHASES, RUN, SCALED, SCENARIOS, title_of
from harness.site.render import measured
from harness.site.site import Page, fingerprint
from harness.site.speed import machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.records import Isolation, Quantity, Timing
    from harness.site.site import Site


PLACE = "timing.html"
MOST = 500
"""The most timings on one page: some 80 kB, compressed. Of more, every task has a page of its own."""


@dataclass(frozen=True, slots=True)
class Column:
    """A quantity as a column, in its phase."""

    name: str
    title: str
    phase: str
    unit: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A number as it is shown, with its interval in the same unit; or why there is none."""

    quantity: Quantity | None
    shown: str
    interval: tuple[str, str] | None

    @property
    def bare(self) -> str:
        """The number without its unit."""
        return self.shown.partition(" ")[0]

    @property
    def reason(self) -> str:
        """Why there is no number."""
        return (self.quantity and self.quantity.reason) or ""


@dataclass(frozen=True, slots=True)
class Line:
    """A timing as a row."""

    rank: int | None
    timing: Timing
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Race:
    """What compares: one backend of one machine, by the same rules; of runs, which are no races, a test set."""

    test_set: str
    backend: str
    quick: bool
    machine: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A scenario on a test set; `missing` are quantities that no row has, with the reasons."""

    scenario: str
    columns: tuple[Column, ...]
    races: tuple[Race, ...]
    missing: tuple[tuple[str, str], ...]

    @property
    def phases(self) -> Sequence[tuple[str, int]]:
        """The head above the columns: each phase with the number of its columns."""
        names = [column.phase for column in self.columns]
        return [(name, names.count(name)) for name in dict.fromkeys(names)]


@dataclass(frozen=True, slots=True)
class Section:
    """A test set with its tables."""

    anchor: str
    test_set: str
    title: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A task: what was timed, and the runs that made the outputs."""

    task: str
    sections: tuple[Section, ...]
    runs: Table | None


@dataclass(frozen=True, slots=True)
class Machine:
    """A class of machine, by what is known of it: no name, no address."""

    number: int
    words: str
    machine_id: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A way of keeping systems apart, what it leaves open, and who vouched for what ran there."""

    isolation: Isolation
    timings: int
    trusted_by: tuple[str, ...]

    @property
    def meaning(self) -> str:
        """In words."""
        return LEVELS.get(self.isolation.level, "")


def pages(site: Site) -> Iterator[Page]:
    """One page, and where there are many timings one for each task; none without timings."""
    known = _known(site)
    if known:
        titles = [(board.task, board.test_set, board.title) for board in site.boards]
        inputs = (fingerprint(known, titles),)
        for task in sorted({timing.task for timing in known} if len(known) > MOST else ()):
            yield Page(place(site, task), "timing.html.j2", partial(_context, site, task), inputs)
        yield Page(PLACE, "timing.html.j2", partial(_context, site), inputs)


def place(site: Site, task: str) -> str:
    """The page of a task's timings: that of all, or its own."""
    return PLACE if len(_known(site)) <= MOST else f"timing-{task}.html"


def _known(site: Site) -> list[Timing]:
    """The timings of tasks that have results: their names are known to be fit for pages."""
    key = attrgetter("task", "test_set", "scenario", "backend", "system")
    return sorted((timing for timing in site.records.timings if timing.task in site.tasks), key=key)


def _context(site: Site, task: str = "") -> Mapping[str, object]:
    """What stands on the page of all timings, or of one task where these have pages of their own."""
    known = _known(site)
    timings = [timing for timing in known if task in ("", timing.task)]
    numbers = {one: number for number, one in enumerate(dict.fromkeys(timing.machine_id for timing in known), 1)}
    titles = {(board.task, board.test_set): board.title for board in site.boards}
    by_task: dict[str, list[Timing]] = {}
    for timing in timings:
        by_task.setdefault(timing.task, []).append(timing)
    is_split = not task and len(known) > MOST
    return {
        "of_task": task,
        "parts": [] if is_split else [_part(name, own, titles, numbers) for name, own in by_task.items()],
        "elsewhere": [(name, place(site, name), len(own)) for name, own in by_task.items()] if is_split else [],
        "machines": machines(timings, numbers),
        "levels": levels(timings),
        "alone": [phase for phase, names in PHASES if len(names) == 1],
        "meanings": MEANINGS,
        "scenarios": SCENARIOS,
        "backends": BACKENDS,
        "used": {quantity.name for timing in timings for quantity in timing.quantities},
        "count": sum(timing.scenario != RUN for timing in timings),
        "void": sum(not timing.valid for timing in timings),
    }


def anchor(task: str, test_set: str) -> str:
    """The id of a test set's section on the page: readable, and equal in a link."""
    return "/".join(quote(name, safe="") for name in (task, test_set))


def _part(
    task: str, timings: Sequence[Timing], titles: Mapping[tuple[str, str], str], machines: Mapping[str, int]
) -> Part:
    runs = [timing for timing in timings if timing.scenario == RUN]
    timed = [timing for timing in timings if timing.scenario != RUN]
    sections = [
        Section(
            anchor(task, test_set),
            test_set,
            titles.get((task, test_set), test_set),
            tables([timing for timing in timed if timing.test_set == test_set], machines),
        )
        for test_set in dict.fromkeys(timing.test_set for timing in timed)
    ]
    return Part(task, tuple(sections), table(RUN, runs, machines) if runs else None)


def tables(timings: Sequence[Timing], machines: Mapping[str, int]) -> tuple[Table, ...]:
    """A table for every scenario of a test set."""
    names = dict.fromkeys(timing.scenario for timing in timings)
    return tuple(table(name, [one for one in timings if one.scenario == name], machines) for name in names)


def table(scenario: str, timings: Sequence[Timing], machines: Mapping[str, int]) -> Table:
    """The timings of one scenario, the fastest first in each race; the runs of a task by test set."""
    columns = _columns(timings)
    missing: dict[str, str] = {}
    for quantity in (quantity for timing in timings for quantity in timing.quantities):
        if quantity.reason and quantity.name not in {column.name for column in columns}:
            missing.setdefault(title_of(quantity.name), quantity.reason)
    ordered = [(None, one) for one in timings] if scenario == RUN else standings.order_timings(timings)
    races: dict[tuple[str, str, bool, int], list[Line]] = {}
    for rank, timing in ordered:
        number = machines[timing.machine_id]
        key = timing.test_set if scenario == RUN else "", timing.backend, timing.quick, number
        cells = tuple(cell(timing.quantity(column.name)) for column in columns)
        races.setdefault(key, []).append(Line(rank, timing, cells))
    found = tuple(Race(*key, tuple(lines)) for key, lines in races.items())
    return Table(scenario, columns, found, tuple(missing.items()))


def _columns(timings: Iterable[Timing]) -> tuple[Column, ...]:
    """The quantities that any of them has, phase by phase; a unit in the head is the same in every cell."""
    found = [quantity for timing in timings for quantity in timing.quantities if quantity.value is not None]
    units = {quantity.name: quantity.unit for quantity in found if quantity.unit not in SCALED}
    known = {quantity.name for quantity in found}
    named = {name for _, names in PHASES for name in names}
    columns: list[Column] = []
    for phase, names in PHASES:
        own = [*names, *(sorted(known - named) if phase == "Whole" else ())]
        columns += [Column(name, title_of(name), phase, units.get(name, "")) for name in own if name in known]
    return tuple(columns)


def cell(quantity: Quantity | None) -> Cell:
    """A quantity in three digits; the ends of its interval in the unit of its value."""
    if quantity is None or quantity.value is None:
        return Cell(quantity, "", None)
    shown = f"{quantity.value:,g}" if quantity.unit == "count" else measured(quantity)
    if quantity.lo is None or quantity.hi is None:
        return Cell(quantity, shown, None)
    unit = shown.partition(" ")[2]
    return Cell(quantity, shown, (_end(quantity, quantity.lo, unit), _end(quantity, quantity.hi, unit)))


def _end(quantity: Quantity, value: float, unit: str) -> str:
    """An end of an interval; with its unit only where that is another one."""
    number, _, own = measured(structs.replace(quantity, value=value)).partition(" ")
    return number if own == unit else f"{number} {own}"


def machines(timings: Iterable[Timing], numbers: Mapping[str, int]) -> tuple[Machine, ...]:
    """The machines by their numbers, with what their timings agree in."""
    own: dict[str, list[Timing]] = {}
    for timing in timings:
        own.setdefault(timing.machine_id, []).append(timing)
    found = []
    for machine_id, members in own.items():
        names = sorted({name for timing in members for name in timing.machine})
        values = {name: {timing.machine.get(name, "") for timing in members} for name in names}
        facts = tuple((name.replace("_", " "), " or ".join(sorted(filter(None, values[name])))) for name in names)
        found.append(Machine(numbers[machine_id], machine(members[0]), machine_id, facts))
    return tuple(sorted(found, key=attrgetter("number")))


def levels(timings: Iterable[Timing]) -> tuple[Level, ...]:
    """The ways of keeping apart that were used, the least first."""
    own: dict[tuple[str, tuple[str, ...]], list[Isolation]] = {}
    for timing in timings:
        own.setdefault((timing.isolation.level, tuple(timing.isolation.gaps)), []).append(timing.isolation)
    return tuple(
        Level(members[0], len(members), tuple(sorted({one.trusted_by for one in members if one.trusted_by})))
        for _, members in sorted(own.items())
    )
