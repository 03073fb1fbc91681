"""The page of a task's averages over test sets: of what, with which weights, and what others would make of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.site.site import Page, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.records import Derived, DerivedValue, Result, Score
    from harness.site.site import Site

TEMPLATE = "averages.html.j2"
MOST = 200
"""Systems of an average whose weights a reader can change."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a system did on one of the test sets: its score, and its cluster where the test set tells systems apart."""

    score: Score | None
    cluster: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A system and its average."""

    system: str
    name: str
    team: str
    found: DerivedValue
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Average:
    """A weighted mean over test sets; `weights` belong to them in order."""

    title: str
    metric: str
    unit: str
    best: str
    method: str
    tags: tuple[tuple[str, str], ...]
    test_sets: tuple[str, ...]
    weights: tuple[float, ...]
    rows: tuple[Row, ...]

    @property
    def has_choice(self) -> bool:
        """Whether other weights could give another order, of few enough systems for a page to compare all pairs."""
        ranked = sum(row.found.value is not None for row in self.rows)
        return self.best != "none" and 1 < ranked <= MOST


def place(task: str) -> str:
    """Where the averages of a task lie."""
    return f"{task}/averages.html"


def pages(site: Site) -> Iterator[Page]:
    """One page per task that has an average; gains, whose weights are negative too, stand on other pages."""
    for task in site.tasks:
        found = [average(site, one) for one in site.records.derived if one.task == task and is_average(one)]
        if found:
            ordered = sorted(found, key=lambda one: (one.title, one.tags, one.test_sets))
            yield Page(place(task), TEMPLATE, partial(_context, task, ordered), (fingerprint(ordered),))


def _context(task: str, found: Sequence[Average]) -> Mapping[str, object]:
    return {"task": task, "averages": found}


def is_average(derived: Derived) -> bool:
    """Whether a derived number is a mean of test sets."""
    return len(derived.weights) > 1 and all(weight > 0 for weight in derived.weights.values())


def average(site: Site, derived: Derived) -> Average:
    """A derived record with what it was derived from, best systems first and those without a value last."""
    test_sets = tuple(sorted(derived.weights))
    results = {(one.test_set, one.system): one for one in site.records.results if one.task == derived.task}
    clusters = {
        (found.test_set, ranked.system): ranked.cluster
        for found in site.records.comparisons
        if (found.task, found.metric) == (derived.task, derived.metric) and found.test_set in derived.weights
        for ranked in found.systems
    }
    rows = []
    for value in derived.systems:
        own = [results.get((test_set, value.system)) for test_set in test_sets]
        known = next((result for result in own if result), None)
        parts = (
            Part(_score(result, derived.metric), clusters.get((test_set, value.system)))
            for test_set, result in zip(test_sets, own, strict=True)
        )
        who = (known.name, known.team) if known else (value.system, "")
        rows.append(Row(value.system, *who, value, tuple(parts)))
    return Average(
        title=derived.title,
        metric=derived.metric,
        unit=derived.unit,
        best=derived.best,
        method=derived.method,
        tags=tuple(sorted(derived.tags.items())),
        test_sets=test_sets,
        weights=tuple(derived.weights[test_set] for test_set in test_sets),
        rows=tuple(sorted(rows, key=lambda row: _order(row, derived.best))),
    )


def _order(row: Row, best: str) -> tuple[bool, float, str]:
    value = row.found.value
    goodness = {"lower": -1.0, "zero": -1.0}.get(best, 1.0) * (abs(value or 0.0) if best == "zero" else value or 0.0)
    return value is None, -goodness, row.system


def _score(result: Result | None, metric: str) -> Score | None:
    return next((score for score in result.scores if score.metric == metric), None) if result else None
