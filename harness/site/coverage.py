"""Which system was scored on which test set, over all tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.records import REFERENCE
from harness.site.model import System
from harness.site.site import Page, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.records import Result
    from harness.site.model import Group
    from harness.site.site import Site

PLACE = "coverage.html"
SCORED, PARTLY, ABSENT, NOTHING = "scored", "scored in part", "not submitted", "no result"
STATES = {
    SCORED: "every metric has a value, or is undefined for these outputs",
    PARTLY: "some metric could not be computed; the page of the test set says why",
    ABSENT: "expected, because the system takes part in another test set of the collection; it counts nowhere as 0",
    NOTHING: "nothing is known: refused, not scored yet, or not expected",
}
_UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Line:
    """A system and its state on every test set of the matrix."""

    system: System
    kind: str
    states: tuple[str, ...]

    @property
    def scored(self) -> int:
        """On how many test sets it has a result."""
        return sum(state in {SCORED, PARTLY} for state in self.states)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Systems by test sets of one collection of one task."""

    collection: str
    test_sets: tuple[str, ...]
    lines: tuple[Line, ...]

    @property
    def totals(self) -> tuple[int, ...]:
        """How many systems have a result, by test set."""
        columns = range(len(self.test_sets))
        return tuple(sum(line.states[column] in {SCORED, PARTLY} for line in self.lines) for column in columns)


def pages(site: Site) -> Iterator[Page]:
    """One page."""
    results = [[row.result for row in board.rows] for board in site.boards]
    inputs = fingerprint(results, sorted(site.records.absent))
    yield Page(PLACE, "coverage.html.j2", lambda: _context(site), (inputs,))


def _context(site: Site) -> Mapping[str, object]:
    tasks = {task: [matrix(group) for group in groups] for task, groups in site.tasks.items()}
    met = [state for found in tasks.values() for one in found for line in one.lines for state in line.states]
    counts = {state: met.count(state) for state in STATES}
    return {"tasks": tasks, "counts": counts, "states": STATES, "scored": (SCORED, PARTLY)}


def matrix(group: Group) -> Matrix:
    """The matrix of a collection; the references, which nobody submits, are left out."""
    rows = {(row.result.system, board.test_set): row.result for board in group.boards for row in board.rows}
    known = {result.system: result for result in rows.values() if result.system != REFERENCE}
    people = {name: System(name, result.name, result.team) for name, result in known.items()}
    missing = group.coverage
    for system in missing.systems if missing else ():
        people.setdefault(system.system, system)
    expected = missing.test_sets if missing else ()
    test_sets = tuple(sorted({*(board.test_set for board in group.boards), *expected}))
    gaps = {cell for cell, state in missing.states.items() if state == ABSENT} if missing else set()
    return Matrix(
        collection=group.collection,
        test_sets=test_sets,
        lines=tuple(
            Line(people[name], known[name].kind if name in known else "", _states(name, test_sets, rows, gaps))
            for name in sorted(people)
        ),
    )


def _states(
    system: str, test_sets: Sequence[str], rows: Mapping[tuple[str, str], Result], gaps: set[tuple[str, str]]
) -> tuple[str, ...]:
    found = []
    for test_set in test_sets:
        result = rows.get((system, test_set))
        if result is not None:
            failed = any((score.reason or "").startswith(_UNAVAILABLE) for score in result.scores)
            found.append(PARTLY if failed else SCORED)
        else:
            found.append(ABSENT if (system, test_set) in gaps else NOTHING)
    return tuple(found)
