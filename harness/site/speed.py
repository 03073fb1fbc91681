"""Quality against speed: which systems give more of one only for less of the other.

One plot for every backend, scenario and machine: a processor and a card, one processor and all of them, a latency and a
throughput never share an axis. A system is on the front if no other that counts is better in one and not worse in the
other. The front is a staircase, because nothing between two systems can be had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import standings
from harness.site import charts, labels
from harness.site.charts import FRAME, Scale
from harness.site.render import measured, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.records import Quantity, Score, Timing
    from harness.site.labels import Frame, Label
    from harness.site.model import Board, Row

DETAILED = 30
"""So many systems, the best ones, have a mark with a name, whiskers and a link; the rest are dots."""
SPEEDS = {"latency": ("latency-p50", "median latency"), "server": ("server-rate", "rate within the bound")}
"""What is drawn of a scenario, and how it is called; of all others the throughput."""
TIME = "latency-p50"

Race = tuple[str, str, bool, str]
"""Scenario, backend, quick, machine: within these, speeds compare."""
_KILO = 1000.0


@dataclass(frozen=True, slots=True)
class Point:
    """A system as a mark. Its role is `front`, `dominated`, or `apart`: without a rank it has no part in the front."""

    system: str
    title: str
    role: str
    x: float
    y: float
    whiskers: str
    label: Label | None


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing, and what is not in it: `void` timings, timings that have no number, systems `untimed` here."""

    key: str
    scenario: str
    backend: str
    quick: bool
    machine: str
    speed: str
    metric: str
    goals: tuple[str, str]
    x: Scale
    y: Scale
    frame: Frame
    front: str
    points: tuple[Point, ...]
    dots: str
    rug: str
    leaders: tuple[str, ...]
    void: int
    unknown: int
    untimed: int

    @property
    def shape(self) -> str:
        """The mark of the device: one processor, all processors, a card."""
        return {"cpu1": "circle", "cpuN": "square"}.get(self.backend, "diamond")

    @property
    def counts(self) -> Mapping[str, int]:
        """Marks by role."""
        roles = [point.role for point in self.points]
        return {role: roles.count(role) for role in ("front", "dominated", "apart")}


@dataclass(frozen=True, slots=True)
class Measured:
    """A system with both of its numbers and their intervals. `strength` grows with quality, `pace` with speed."""

    row: Row
    speed: tuple[float, float, float]
    quality: tuple[float, float, float]
    strength: float
    pace: float
    counts: bool
    words: str


def plots(board: Board) -> tuple[Plot, ...]:
    """Every plot of a test set that has a system to show, in the order of scenarios and backends."""
    races: dict[Race, list[Timing]] = {}
    for timing in board.timings:
        races.setdefault((timing.scenario, timing.backend, timing.quick, timing.machine_id), []).append(timing)
    found = [_plot(board, race, members, number) for number, (race, members) in enumerate(sorted(races.items()), 1)]
    return tuple(plot for plot in found if plot is not None)


def dominated(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Of points (pace, strength), the more the better: whether another is better in one and not worse in the other."""
    best: dict[int, bool] = {}
    order = sorted(range(len(points)), key=lambda place: points[place], reverse=True)
    highest: tuple[float, float] | None = None
    for place in order:
        pace, strength = points[place]
        best[place] = highest is not None and (strength < highest[1] or (strength == highest[1] and pace < highest[0]))
        if highest is None or strength > highest[1]:
            highest = pace, strength
    return [best[place] for place in range(len(points))]


def staircase(corners: Iterable[tuple[float, float]], start: float, floor: float) -> str:
    """The path of a front through `corners` (x, y), best quality first: from the slow edge down to the floor."""
    steps, previous = [], None
    for x, y in corners:
        steps.append(f"M{start:g} {y:g}H{x:g}" if previous is None else f"V{y:g}H{x:g}")
        previous = x
    return "".join(steps) + f"V{floor:g}" if steps else ""


def quality_of(score: Score) -> tuple[tuple[float, float, float], str]:
    """Value and ends of a score as drawn, and which way is better (`higher`, `lower`, `none`).

    Where 0 is best the distance from it is drawn.
    """
    value = score.value or 0.0
    lo, hi = (value, value) if score.interval is None else (score.interval.lo, score.interval.hi)
    if score.best != "zero":
        return (value, lo, hi), score.best
    ends = abs(lo), abs(hi)
    return (abs(value), 0.0 if lo <= 0 <= hi else min(ends), max(ends)), "lower"


def _plot(board: Board, race: Race, timings: Sequence[Timing], place: int) -> Plot | None:
    scenario, backend, quick, _ = race
    name, words = SPEEDS.get(scenario, ("throughput", "throughput"))
    scores = {row.result.system: (row, row.primary) for row in board.rows if row.primary is not None}
    scored = {system: (row, score) for system, (row, score) in scores.items() if score.value is not None}
    valid = [timing for timing in timings if timing.valid]
    known = [(timing, timing.quantity(name)) for timing in valid if timing.system in scored]
    drawn = [_measured(*scored[timing.system], timing, speed) for timing, speed in known if speed and speed.value]
    if not drawn:
        return None
    drawn.sort(key=lambda one: (not one.counts, -one.strength, -one.pace, one.row.result.system))
    timed = {one.row.result.system for one in drawn}
    rest = [score for system, (row, score) in scored.items() if row in board.competing and system not in timed]
    heights = [quality_of(score)[0][0] for score in rest]
    x, y = _axes(drawn, heights, is_time=name == TIME)
    signed = next(score for _, score in scored.values())
    goals = "lower" if name == TIME else "higher", quality_of(signed)[1]
    front = _front(drawn)
    points, dots = _marks(drawn, front, (x, y))
    corners = dict.fromkeys((x.at(one.speed[0]), y.at(one.quality[0])) for one in front)
    edges = (FRAME.right if name == TIME else FRAME.left), (FRAME.top if goals[1] == "lower" else FRAME.bottom)
    return Plot(
        key=f"speed-{place}",
        scenario=scenario,
        backend=backend,
        quick=quick,
        machine=machine(timings[0]),
        speed=words,
        metric=board.primary + (" (distance from 0)" if signed.best == "zero" else ""),
        goals=goals,
        x=x,
        y=y,
        frame=FRAME,
        front=staircase(corners, *edges),
        points=points,
        dots=dots,
        rug="".join(f"M{FRAME.left:g} {height:g}h8" for height in sorted({y.at(value) for value in heights})),
        leaders=tuple(one.row.result.name for one in front),
        void=len(timings) - len(valid),
        unknown=len(valid) - len(drawn),
        untimed=len(rest),
    )


def machine(timing: Timing) -> str:
    """The class of machine in words, without any name."""
    facts = timing.machine
    threads = f"{facts['threads']} threads" if "threads" in facts else ""
    parts = [facts.get("gpu", ""), facts.get("cpu", ""), threads, facts.get("memory", "")]
    return ", ".join(filter(None, parts)) or timing.machine_id


def _measured(row: Row, score: Score, timing: Timing, speed: Quantity) -> Measured:
    quality, best = quality_of(score)
    value = speed.value or 0.0
    lo, hi = value if speed.lo is None else speed.lo, value if speed.hi is None else speed.hi
    return Measured(
        row=row,
        speed=(value, lo if lo > 0 else value, hi),
        quality=quality,
        strength=-quality[0] if best == "lower" else quality[0],
        pace=-value if speed.name == TIME else value,
        counts=standings.is_ranked(timing) and best != "none",
        words=f"{row.result.name}: {number(score.value or 0.0, score.unit)}, {measured(speed)}",
    )


def _axes(drawn: Sequence[Measured], others: Sequence[float], *, is_time: bool) -> tuple[Scale, Scale]:
    speeds = [end for one in drawn for end in one.speed]
    qualities = [end for one in drawn for end in one.quality]
    x = charts.logarithmic(speeds, (FRAME.left, FRAME.right), seconds if is_time else compact)
    return x, charts.linear([*qualities, *others], (FRAME.bottom, FRAME.top))


def seconds(value: float) -> str:
    """A time of an axis in its own unit: `200 µs`, `5 ms`, `1 s`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size * (1 - 1e-9):
            return f"{charts.plain(round(value / size, 6))} {unit}"
    return f"{charts.plain(round(value * 1e6, 6))} µs"


def compact(value: float) -> str:
    """A rate of an axis: `0.5`, `200`, `10k`, `2M`."""
    for unit, size in (("G", _KILO**3), ("M", _KILO**2), ("k", _KILO)):
        if value >= size:
            return f"{charts.plain(value / size)}{unit}"
    return charts.plain(value)


def _front(drawn: Sequence[Measured]) -> list[Measured]:
    """Those that count and are not dominated, in the order of `drawn`."""
    racing = [one for one in drawn if one.counts]
    beaten = dominated([(one.pace, one.strength) for one in racing])
    return [one for one, is_beaten in zip(racing, beaten, strict=True) if not is_beaten]


def _marks(
    drawn: Sequence[Measured], front: Sequence[Measured], scales: tuple[Scale, Scale]
) -> tuple[tuple[Point, ...], str]:
    """Marks of the best, the front first, and dots of the rest."""
    x, y = scales
    ranked = sorted(drawn, key=lambda one: one not in front)
    at = [(x.at(one.speed[0]), y.at(one.quality[0]), labels.shorten(one.row.result.name)) for one in ranked]
    points = []
    for one, (left, top, _), label in zip(ranked, at, labels.place(at[:DETAILED], FRAME), strict=False):
        role = "apart" if not one.counts else "front" if one in front else "dominated"
        whiskers = _whiskers(one, (left, top), scales)
        points.append(Point(one.row.result.system, one.words, role, left, top, whiskers, label))
    return tuple(points), "".join(f"M{left:g} {top:g}h0" for left, top, _ in at[DETAILED:])


def _whiskers(one: Measured, at: tuple[float, float], scales: tuple[Scale, Scale]) -> str:
    (_, slow, fast), (_, low, high) = one.speed, one.quality
    x, y = scales
    across = f"M{x.at(slow):g} {at[1]:g}H{x.at(fast):g}" if slow < fast else ""
    along = f"M{at[0]:g} {y.at(low):g}V{y.at(high):g}" if low < high else ""
    return across + along
