"""The page of a metric: what it is, how its numbers were made, and where it is used."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.records import ID
from harness.site.site import Meaning, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.records import Score
    from harness.site.model import Board, Row
    from harness.site.site import Site

DIRECTIONS = {
    "higher": "higher is better",
    "lower": "lower is better",
    "zero": "the nearer to 0, the better",
    "none": "describes, and does not judge",
}
METHODS = {
    "percentile": "the interval holds the middle of the values that resampled blocks give",
    "half-sampling": "the interval is from samples of half the blocks, because this metric is biased under repetition",
    "none": "no interval: resampling would mislead",
}
"""What the first word of a method means."""
UNKNOWN = "see the documentation of the metric"
_SAFE = re.compile(ID)


@dataclass(frozen=True, slots=True)
class Use:
    """A test set that uses the metric; `variant` is the number of its signature, from 1."""

    test_set: str
    title: str
    is_primary: bool
    systems: int
    best: tuple[tuple[str, str], ...]
    score: Score | None
    variant: int


@dataclass(frozen=True, slots=True)
class Part:
    """A key of signatures with the value that each of them has, empty where it lacks the key."""

    key: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the signatures disagree about it."""
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything on the page of a metric."""

    task: str
    metric: str
    meaning: Meaning | None
    units: tuple[str, ...]
    best: str
    signatures: tuple[str, ...]
    parts: tuple[Part, ...]
    methods: tuple[tuple[str, str], ...]
    uses: tuple[Use, ...]

    @property
    def direction(self) -> str:
        """Which values are better, in words."""
        return DIRECTIONS[self.best]


def place(task: str, metric: str) -> str:
    """Where the page of a metric lies."""
    return f"{task}/metrics/{metric}.html"


def pages(site: Site) -> Iterator[Page]:
    """One page per metric of a task; a name that could not be a file's has none."""
    for task, groups in site.tasks.items():
        boards = [board for group in groups for board in group.boards]
        for metric in dict.fromkeys(column.metric for board in boards for column in board.columns):
            if _SAFE.fullmatch(metric):
                found = definition(task, metric, boards, site.records.metrics.get((task, metric)))
                yield Page(place(task, metric), "metric.html.j2", partial(_context, found), (repr(found),))


def _context(found: Definition) -> Mapping[str, object]:
    return {"metric": found}


def definition(task: str, metric: str, boards: Sequence[Board], meaning: Meaning | None) -> Definition:
    """A metric, from the boards of its task."""
    scores = [score for board in boards for row in board.rows for score in row.result.scores if score.metric == metric]
    signatures = tuple(dict.fromkeys(score.signature for score in scores))
    methods = dict.fromkeys(score.method for score in scores)
    return Definition(
        task=task,
        metric=metric,
        meaning=meaning,
        units=tuple(dict.fromkeys(score.unit for score in scores)),
        best=scores[0].best,
        signatures=signatures,
        parts=parts(signatures),
        methods=tuple((method, METHODS.get(method.split("|", 1)[0], UNKNOWN)) for method in methods),
        uses=tuple(use for board in boards for use in _uses(board, metric, signatures)),
    )


def parts(signatures: Sequence[str]) -> tuple[Part, ...]:
    """Signatures `key:value|…` side by side; what has no colon is a key without a value."""
    tables = [dict(_pair(part) for part in signature.split("|") if part) for signature in signatures]
    keys = dict.fromkeys(key for table in tables for key in table)
    return tuple(Part(key, tuple(table.get(key, "") for table in tables)) for key in keys)


def _pair(part: str) -> tuple[str, str]:
    key, colon, value = part.partition(":")
    return key, value if colon else "yes"


def _uses(board: Board, metric: str, signatures: Sequence[str]) -> Iterator[Use]:
    """What a test set makes of a metric: nothing where it does not use it."""
    place = next((number for number, column in enumerate(board.columns) if column.metric == metric), None)
    if place is None:
        return
    column = board.columns[place]
    known = [score for row in board.rows if (score := row.scores[place]) is not None]
    best = _best(board.competing, place, column.best)
    yield Use(
        test_set=board.test_set,
        title=board.title,
        is_primary=board.primary == metric,
        systems=sum(row.scores[place] is not None for row in board.competing),
        best=tuple((row.result.system, row.result.name) for row in best),
        score=best[0].scores[place] if best else None,
        variant=signatures.index(known[0].signature) + 1 if known else 0,
    )


def _best(rows: Sequence[Row], place: int, best: str) -> list[Row]:
    """The competing systems with the best value: several if they tie, none where the metric does not judge."""
    values = {}
    for number, row in enumerate(rows):
        score = row.scores[place]
        if score is not None and score.value is not None:
            values[number] = score.value
    if not values or best == "none":
        return []
    signs: dict[str, Callable[[float], float]] = {"higher": float, "lower": operator.neg, "zero": lambda one: -abs(one)}
    key = signs[best]
    top = max(map(key, values.values()))
    return [rows[number] for number, value in values.items() if key(value) == top]
