"""The geometry of charts: scales with their ticks, and bins. Templates draw what this computes.

Everything is a number of the drawing's own units, rounded to a tenth, so that equal records give equal bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.site.labels import FONT, Frame, width

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FRAME = Frame(50.0, 28.0, 454.0, 294.0)
"""The plot inside a drawing of 480 x 340; the rest is for the axes."""

_STEPS = (1.0, 2.0, 5.0, 10.0)
_BINS = 12
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where, and what stands there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The values [lo, hi] on a stretch of the drawing from `start` to `end`, which may run backwards."""

    lo: float
    hi: float
    start: float
    end: float
    is_log: bool = False
    ticks: tuple[Tick, ...] = ()

    def at(self, value: float) -> float:
        """Where a value lies; one outside lies at the end that is nearer."""
        measure = math.log10 if self.is_log else float
        known = min(self.hi, max(self.lo, value))
        share = (measure(known) - measure(self.lo)) / (measure(self.hi) - measure(self.lo))
        return round(self.start + share * (self.end - self.start), 1)

    def marked(self, values: Sequence[float], label: Callable[[float], str]) -> Scale:
        """The scale with ticks at these values."""
        return replace(self, ticks=tuple(Tick(self.at(value), label(value)) for value in values))


def plain(value: float) -> str:
    """A number of an axis, without an exponent: `10,000`, `0.25`."""
    return f"{value + 0.0:,.10f}".rstrip("0").rstrip(".")


def linear(values: Sequence[float], ends: tuple[float, float], label: Callable[[float], str] = plain) -> Scale:
    """A scale over all `values` whose ends and ticks are multiples of 1, 2 or 5 times a power of ten."""
    lo, hi = min(values), max(values)
    size = max(abs(lo), abs(hi))
    if hi - lo < _SLACK * max(1.0, size):  # as good as one value: it gets room on both sides
        room = size / 10 if size > _SLACK else 0.1
        lo, hi = lo - room, hi + room
    step = nice((hi - lo) / 5)
    first, last = math.floor(lo / step + _SLACK), math.ceil(hi / step - _SLACK)
    known = [round(step * count, 12) for count in range(first, last + 1)]
    return Scale(known[0], known[-1], *ends).marked(known, label)


def logarithmic(values: Sequence[float], ends: tuple[float, float], label: Callable[[float], str] = plain) -> Scale:
    """A horizontal scale over all positive `values`: it ends at 1, 2 or 5 times a power of ten.

    Ticks stand at all of these, or at powers, or at some of the powers: as many as have room for their labels.
    """
    first, last = _grid(min(values), math.floor), _grid(max(values), math.ceil)
    if first == last:
        first, last = first - 1, last + 1
    scale = Scale(_of_grid(first), _of_grid(last), *ends, is_log=True)
    marks = range(first, last + 1)
    decades = [mark for mark in marks if mark % 3 == 0]
    choices = [list(marks), *(decades[::stride] for stride in range(1, len(decades)))]
    found = [scale.marked([_of_grid(mark) for mark in choice], label) for choice in choices]
    return next((one for one in found if _has_room(one.ticks)), found[-1])


def nice(rough: float) -> float:
    """The next of 1, 2 or 5 times a power of ten that is not smaller."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * step for step in _STEPS if power * step >= rough * (1 - _SLACK))


def _has_room(ticks: Sequence[Tick]) -> bool:
    wide = [width(tick.label) * FONT for tick in ticks]
    gaps = (abs(ticks[place + 1].at - ticks[place].at) for place in range(len(ticks) - 1))
    return all(gap >= (wide[place] + wide[place + 1]) / 2 + FONT / 2 for place, gap in enumerate(gaps))


def _grid(value: float, rounded: Callable[[float], int]) -> int:
    """The mark at or beside a value on the grid …, 1, 2, 5, 10, …, where mark 0 is 1 and mark 3 is 10."""
    decade = math.floor(math.log10(value) + _SLACK)
    part = value / 10.0**decade
    if rounded is math.floor:
        return 3 * decade + max(place for place, step in enumerate(_STEPS) if step <= part * (1 + _SLACK))
    return 3 * decade + min(place for place, step in enumerate(_STEPS) if step >= part * (1 - _SLACK))


def _of_grid(mark: int) -> float:
    decade, part = divmod(mark, 3)
    return float(f"{_STEPS[part]:g}e{decade}")


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin of a histogram: differences in (lo, hi], or in [lo, hi) below zero, and its rectangle."""

    lo: float
    hi: float
    count: int
    x: float
    y: float
    width: float
    height: float
    side: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """How differences A - B are distributed. Those that are exactly 0 are counted and not drawn."""

    bars: tuple[Bar, ...]
    x: Scale
    y: Scale
    frame: Frame
    above: int
    below: int
    equal: int
    mean: float

    @property
    def count(self) -> int:
        """How many differences there are."""
        return self.above + self.below + self.equal


def distribution(differences: Sequence[float]) -> Histogram:
    """The histogram of the differences of two systems, segment by segment: A - B. The bins end at 0 on both sides.

    What is nearer to 0 than 1e-9 is taken for it. Raises ValueError without any differences.
    """
    frame = Frame(FRAME.left, FRAME.top, FRAME.right, 168.0)
    differences = [one if abs(one) > _SLACK else 0.0 for one in differences]
    most = max(map(abs, differences)) or 1.0
    step = nice(most * 2 / _BINS)
    bins = math.ceil(most / step - _SLACK)
    counts = dict.fromkeys((side * place for place in range(1, bins + 1) for side in (-1, 1)), 0)
    for difference in filter(None, differences):
        place = min(bins, max(1, math.ceil(abs(difference) / step - _SLACK)))
        counts[place if difference > 0 else -place] += 1
    x = linear([-bins * step, bins * step], (frame.left, frame.right))
    y = linear([0, max(2, *counts.values())], (frame.bottom, frame.top))
    y = replace(y, ticks=tuple(tick for tick in y.ticks if "." not in tick.label))
    return Histogram(
        bars=tuple(_bar(place, count, step, (x, y)) for place, count in sorted(counts.items())),
        x=x,
        y=y,
        frame=frame,
        above=sum(one > 0 for one in differences),
        below=sum(one < 0 for one in differences),
        equal=sum(one == 0 for one in differences),
        mean=math.fsum(differences) / len(differences),
    )


def _bar(place: int, count: int, step: float, scales: tuple[Scale, Scale]) -> Bar:
    x, y = scales
    lo, hi = sorted((round(place * step, 12), round((place - math.copysign(1, place)) * step, 12)))
    left, top = x.at(lo), y.at(count)
    return Bar(
        lo + 0.0, hi + 0.0, count, left, top, round(x.at(hi) - left, 1), round(y.start - top, 1), "ab"[place < 0]
    )


@dataclass(frozen=True, slots=True)
class Strip:
    """The scale of a column of intervals that is drawn in every one of its cells: 100 units for [lo, hi]."""

    lo: float
    hi: float

    def at(self, value: float) -> float:
        """Where a value lies, from 0 to 100."""
        return Scale(self.lo, self.hi, 0.0, 100.0).at(value)

    def size(self, lo: float, hi: float) -> float:
        """How long an interval is drawn: at least two units."""
        return max(2.0, round(self.at(hi) - self.at(lo), 1))

    def holds(self, value: float) -> bool:
        """Whether a value lies on it."""
        return self.lo <= value <= self.hi


def strip(intervals: Sequence[tuple[float, float]]) -> Strip | None:
    """The scale on which all `intervals` are drawn; None where they span nothing."""
    lo, hi = min((low for low, _ in intervals), default=0.0), max((high for _, high in intervals), default=0.0)
    return Strip(lo, hi) if hi > lo else None
