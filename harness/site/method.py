"""The page of methods: how intervals, ranks, clusters and p-values were made, in the words of the records themselves.

What differs from record to record (resamples, seed, level) is read from them; what a method is stands in the template.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.site.metrics import METHODS, UNKNOWN
from harness.site.site import Page, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.records import Comparison
    from harness.site.model import Board
    from harness.site.site import Site

PLACE = "method.html"
FACTS = {
    "resamples": "Resamples",
    "seed": "Seed",
    "level": "Level",
    "alpha": "Significance level",
    "holm": "Correction for many pairs",
    "estimator": "Estimator",
}
"""The keys of a method string, in words."""
VALUES = {
    "student-tails": "Holm, with Student's tails where counted p-values are too coarse",
    "paired-bootstrap": "the same resamples of blocks for every system",
}
"""Values of those keys, in words."""


@dataclass(frozen=True, slots=True)
class Method:
    """How some numbers were made, and which: metrics or derived numbers by task."""

    name: str
    meaning: str
    facts: tuple[tuple[str, str], ...]
    text: str
    used: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Size:
    """How much a test set can tell: what was resampled, and the smallest difference that it would find."""

    task: str
    test_set: str
    segments: int
    blocks: int | None
    systems: int
    pairs: int
    clusters: int
    detectable: float | None
    unit: str
    reason: str


def pages(site: Site) -> Iterator[Page]:
    """One page."""
    methods = [(result.task, score.metric, score.method) for result in site.records.results for score in result.scores]
    others = [(one.task, one.name, one.method) for one in site.records.derived]
    kinds = (bool(site.records.timings), sorted(dict.fromkeys(methods)), sorted(dict.fromkeys(others)))
    sizes = [size(board) for board in site.boards]
    whole = sorted({(one.task, one.metric, one.method) for one in site.records.comparisons})
    inputs = fingerprint([repr(kinds), repr(sizes), repr(whole)])
    yield Page(PLACE, "method.html.j2", lambda: _context(site), (inputs,))


def _context(site: Site) -> Mapping[str, object]:
    records = site.records
    scores = ((result.task, score.metric, score.method) for result in records.results for score in result.scores)
    sizes: dict[str, list[Size]] = defaultdict(list)
    for board in site.boards:
        sizes[board.task].append(size(board))
    return {
        "intervals": methods(scores),
        "comparisons": methods((one.task, one.metric, one.method) for one in records.comparisons),
        "derived": methods((one.task, one.title or one.name, one.method) for one in records.derived),
        "sizes": sizes,
        "levels": sorted({_level(one) for one in records.comparisons} - {""}),
        "timed": any(timing.scenario != "run" for timing in records.timings),
    }


def methods(used: Iterable[tuple[str, str, str]]) -> list[Method]:
    """Each method once, with what it was used for; those without an interval last."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for task, what, method in used:
        found.setdefault(method, {}).setdefault(task, {})[what] = None
    ordered = sorted(found.items(), key=lambda item: (item[0] == "none", item[0]))
    return [_method(text, by_task) for text, by_task in ordered]


def _method(text: str, by_task: Mapping[str, Mapping[str, None]]) -> Method:
    name, *rest = text.split("|")
    pairs = [part.partition(":")[::2] for part in rest]
    facts = tuple((FACTS.get(key, key), _value(key, value)) for key, value in pairs)
    used = tuple((task, tuple(sorted(what))) for task, what in sorted(by_task.items()))
    return Method(name, METHODS.get(name, VALUES.get(name, UNKNOWN)), facts, text, used)


def _value(key: str, value: str) -> str:
    if key == "level":
        try:
            return f"{float(value) * 100:g} %"
        except ValueError:
            return value
    return VALUES.get(value, value)


def _level(found: Comparison) -> str:
    return next((_value("level", part[6:]) for part in found.method.split("|") if part.startswith("level:")), "")


def size(board: Board) -> Size:
    """What a test set can tell by its primary metric."""
    found = board.comparison
    column = next((one for one in board.columns if one.metric == board.primary), None)
    clusters = {place.cluster for place in found.systems} - {None} if found else set()
    return Size(
        task=board.task,
        test_set=board.test_set,
        segments=board.segments,
        blocks=found.blocks if found else None,
        systems=len(board.competing),
        pairs=len(found.pairs) if found else 0,
        clusters=len(clusters),
        detectable=found.detectable if found else None,
        unit=column.unit if column else "",
        reason=(found.reason or "") if found else "not compared",
    )
