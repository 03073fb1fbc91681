"""What a change of mode gains, and what it costs: two metrics on two axes, and an arrow per system from mode to mode.

Drawn where the records say so: two derived differences of the same two test sets by different metrics, one of them the
primary one. Further test sets that differ from those in the same tag are marked beside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from harness.site import charts, labels
from harness.site.charts import FRAME, Scale
from harness.site.labels import Frame
from harness.site.render import number
from harness.standings import COMPETING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.records import Derived, DerivedValue, Result, Score
    from harness.site.labels import Label
    from harness.site.model import Board, Group

DRAWN = 12
"""The most competing systems with an arrow: the best ones by the primary metric where the arrow ends."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A system: marks (mode, x, y), the path from the first mode to the last, and those to others."""

    system: str
    title: str
    counts: bool
    path: str
    others: str
    marks: tuple[tuple[str, float, float], ...]
    label: Label | None


@dataclass(frozen=True, slots=True)
class Line:
    """A system in the table: its scores by mode, first metric before second, and what it gains by each."""

    result: Result
    scores: tuple[tuple[Score | None, ...], tuple[Score | None, ...]]
    gains: tuple[DerivedValue | None, DerivedValue | None]

    @property
    def counts(self) -> bool:
        """Whether it competes."""
        return self.result.kind in COMPETING


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing and its table: the primary metric upwards, another across; modes from the first to the last."""

    key: str
    tag: str
    modes: tuple[str, ...]
    titles: tuple[str, str]
    metrics: tuple[str, str]
    units: tuple[str, str]
    goals: tuple[str, str]
    x: Scale
    y: Scale
    frame: Frame
    arrows: tuple[Arrow, ...]
    lines: tuple[Line, ...]
    undrawn: int


def plots(group: Group, board: Board, derived: Iterable[Derived]) -> tuple[Plot, ...]:
    """The plots that a test set is part of."""
    boards = {other.test_set: other for other in group.boards}
    by_ends: dict[tuple[str, str], dict[str, Derived]] = {}
    for one in derived:
        ends = _ends(one)
        if one.task == group.task and ends is not None and boards.keys() >= set(ends):
            by_ends.setdefault(ends, {})[one.metric] = one
    drawn = []
    for (first, last), by_metric in sorted(by_ends.items()):
        tag = _tag(boards[first].tags, boards[last].tags)
        primary = by_metric.pop(boards[first].primary, None)
        if tag is not None and primary is not None and board in (members := _members(boards, first, last, tag)):
            drawn += [_plot(tag, members, (primary, other)) for _, other in sorted(by_metric.items())]
    return tuple(replace(plot, key=f"gain-{place}") for place, plot in enumerate(filter(None, drawn), 1))


def _ends(found: Derived) -> tuple[str, str] | None:
    """The test sets of a difference, where it starts and where it ends."""
    weights = {weight: name for name, weight in found.weights.items()}
    return (weights[-1.0], weights[1.0]) if len(found.weights) == 2 and weights.keys() == {-1.0, 1.0} else None  # noqa: PLR2004


def _tag(first: Mapping[str, str], last: Mapping[str, str]) -> str | None:
    """The only tag in which two test sets differ."""
    different = [tag for tag in first.keys() | last.keys() if first.get(tag) != last.get(tag)]
    return different[0] if len(different) == 1 and different[0] in first and different[0] in last else None


def _members(boards: Mapping[str, Board], first: str, last: str, tag: str) -> list[Board]:
    """The test sets that differ in the tag alone: where the difference starts, the others, where it ends."""
    between = [
        board
        for name, board in sorted(boards.items())
        if name not in {first, last} and _tag(boards[first].tags, board.tags) == tag
    ]
    return [boards[first], *between, boards[last]]


def _score(result: Result | None, metric: str) -> Score | None:
    scores = () if result is None else result.scores
    return next((score for score in scores if score.metric == metric and score.value is not None), None)


def _plot(tag: str, members: Sequence[Board], found: tuple[Derived, Derived]) -> Plot | None:
    lines = _lines(members, found)
    whole = [line for line in lines if _has_ends(line) and line.result.kind != "ceiling"]
    drawn = whole[:DRAWN]
    if not drawn:
        return None
    modes = tuple(board.tags[tag] for board in members)
    y = charts.linear(_values(drawn, 0), (FRAME.bottom, FRAME.top))
    x = charts.linear(_values(drawn, 1), (FRAME.left, FRAME.right))
    return Plot(
        key="",
        tag=tag,
        modes=modes,
        titles=(found[0].title, found[1].title),
        metrics=(found[0].metric, found[1].metric),
        units=(found[0].unit, found[1].unit),
        goals=(found[0].best, found[1].best),
        x=x,
        y=y,
        frame=FRAME,
        arrows=_arrows(drawn, modes, (x, y)),
        lines=lines,
        undrawn=len(lines) - len(drawn),
    )


def _lines(members: Sequence[Board], found: tuple[Derived, Derived]) -> tuple[Line, ...]:
    """Every system, in the order of the last mode, those that compete first."""
    known: dict[str, list[Result | None]] = {}
    for kinds in (attrgetter("competing"), attrgetter("yardsticks")):
        for row in (row for board in reversed(members) for row in kinds(board)):
            known.setdefault(row.result.system, [None] * len(members))
    for place, board in enumerate(members):
        for row in board.rows:
            known[row.result.system][place] = row.result
    up, across = ({value.system: value for value in one.systems} for one in found)
    lines = []
    for system, own in known.items():
        scores = [tuple(_score(result, one.metric) for result in own) for one in found]
        result = next(result for result in reversed(own) if result is not None)
        lines.append(Line(result, (scores[0], scores[1]), (up.get(system), across.get(system))))
    return tuple(lines)


def _has_ends(line: Line) -> bool:
    return all(scores[0] is not None and scores[-1] is not None for scores in line.scores)


def _values(lines: Sequence[Line], place: int) -> list[float]:
    return [score.value or 0.0 for line in lines for score in line.scores[place] if score is not None]


def _arrows(lines: Sequence[Line], modes: Sequence[str], scales: tuple[Scale, Scale]) -> tuple[Arrow, ...]:
    x, y = scales
    marked = []
    for line in lines:
        both = zip(modes, *line.scores, strict=True)
        known = ((mode, up, across) for mode, up, across in both if up is not None and across is not None)
        marked.append([(mode, x.at(across.value or 0.0), y.at(up.value or 0.0)) for mode, up, across in known])
    heads = [(*marks[-1][1:], labels.shorten(line.result.name)) for line, marks in zip(lines, marked, strict=True)]
    around = [
        Frame(left - labels.MARK, top - labels.MARK, left + labels.MARK, top + labels.MARK)
        for marks in marked
        for _, left, top in marks[:-1]
    ]
    found = labels.place(heads, FRAME, around)
    return tuple(
        Arrow(
            system=line.result.system,
            title=_words(line, modes),
            counts=line.counts,
            path=_line(marks[0], marks[-1]),
            others="".join(_line(marks[0], mark) for mark in marks[1:-1]),
            marks=tuple(marks),
            label=label,
        )
        for line, marks, label in zip(lines, marked, found, strict=True)
    )


def _line(start: tuple[str, float, float], end: tuple[str, float, float]) -> str:
    return f"M{start[1]:g} {start[2]:g}L{end[1]:g} {end[2]:g}"


def _words(line: Line, modes: Sequence[str]) -> str:
    """The name and both scores by mode, as a tooltip."""
    parts = [
        f"{mode} {number(up.value or 0.0, up.unit)} / {number(across.value or 0.0, across.unit)}"
        for mode, up, across in zip(modes, *line.scores, strict=True)
        if up is not None and across is not None
    ]
    return f"{line.result.name}: {', '.join(parts)}"
