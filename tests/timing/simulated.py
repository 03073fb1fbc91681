"""A world without processes and without waiting: systems, a backend and a reference on a clock that they move.

Nothing here takes real time. A second passes when somebody says that it took one, so that what a timing should find
is known to the nanosecond.
"""

from __future__ import annotations

import bisect
import itertools
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.api import Request
from harness.timing import Asked, Ending, Replied, SystemFault, measuring, scenarios
from harness.timing.backends import Mark, Watched
from harness.timing.deck import Deck
from harness.timing.energy import Energy
from harness.timing.noise import Noise
from harness.timing.process import NS, Reference, Rules, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.timing.measuring import Measured

QUIET = Noise(1.0, 0.0, 0.0, 0.0, 0.0, 0, 0.0)

RULES = Rules(least_s=2.0, most_s=20.0, block_s=0.2, reference_s=0.02, warm_up_s=0.05, warm_up_most_s=5.0)
"""The full protocol in less time."""


@dataclass
class Clock:
    """Nanoseconds since the world began."""

    now: int = 0

    def __call__(self) -> int:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time pass, at least a nanosecond."""
        self.now += max(1, round(seconds * NS))

    def wait_until(self, moment: int) -> None:
        """Let it be that moment, unless it is later already."""
        self.now = max(self.now, moment)


@dataclass(frozen=True, slots=True)
class Question:
    """A request as the system sees it, and what a cheat could know of it.

    `number` counts requests of this process from 0, `visit` how often the same source came before, `is_known` says
    whether it is one of the test set, `process` which process of the timing is asked.
    """

    source: Any
    number: int
    visit: int
    is_known: bool
    process: int

    @property
    def length(self) -> int:
        """Characters of a text, tokens of a list."""
        return len(self.source)


def shout(question: Question) -> Any:
    """What an honest system says."""
    said = question.source
    return [word.upper() for word in said] if isinstance(said, list) else said.upper()


@dataclass(kw_only=True)
class Behaviour:
    """What a system does. Times are in seconds.

    `pour_s` is lost at the start of every pour, as by a pipeline that fills, and answers leave in groups of `group`.
    `idle` is the share of one processor that is used while nothing is asked. A `fault` is raised at the request of
    that number, or in loading (number -1).
    """

    latency: Callable[[Question], float] = lambda _: 0.010
    output: Callable[[Question], Any] = shout
    load_s: float = 0.5
    pour_s: float = 0.0
    group: int = 1
    idle: float = 0.0
    fault: SystemFault | None = None
    fault_at: int = -2
    orphans: int = 0


class SimulatedSystem:
    """One process: a single server that takes one request after the other."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number, self.behaviour = world, number, world.behaviour
        self.clock = world.clock
        self.asked: list[Asked] = []
        self.ends: list[bool] = []
        self.limits: list[float] = []
        self.is_stopped = False
        self.busy_s, self.began = 0.0, 0
        self.known = 0
        """How many requests of the test set have come."""
        self._visits: dict[Any, int] = {}

    def start(self) -> None:
        self.began = self.clock()

    def load(self, deadline_s: float) -> int:
        self.limits.append(deadline_s)
        self.clock.pass_by(self.behaviour.load_s)
        self._fail(-1)
        return self.clock()

    def ask(self, request: Asked, deadline_s: float) -> Replied:
        self.limits.append(deadline_s)
        sent = self.clock()
        output = self._answer(request)
        return Replied(request.id, output, sent, self.clock())

    def pour(
        self, requests: Sequence[Asked], deadline_s: float, *, end: bool = False, due: Sequence[int] | None = None
    ) -> list[Replied]:
        self.limits.append(deadline_s)
        self.ends.append(end)
        started, replies = self.clock(), []
        if self.behaviour.pour_s:
            self.clock.pass_by(self.behaviour.pour_s)
        for number, request in enumerate(requests):
            sent = started + (due[number] if due else 0)
            self.clock.wait_until(sent)
            output = self._answer(request)
            replies.append(Replied(request.id, output, sent, self.clock()))
        size = len(replies) if self.world.is_batch or end else self.behaviour.group
        leave = [replies[min(place // size * size + size, len(replies)) - 1].received for place in range(len(replies))]
        return [Replied(said.id, said.output, said.sent, moment) for said, moment in zip(replies, leave, strict=True)]

    def pids(self) -> set[int]:
        return set() if self.is_stopped else {1000 + self.number}

    def stop(self, grace_s: float = 5.0) -> Ending:
        self.limits.append(grace_s)
        self.is_stopped = True
        return Ending(0, self.behaviour.orphans, self.cpu_s, b"")

    @property
    def cpu_s(self) -> float:
        """Processor time so far: what the answers took, and a share of the rest."""
        idle_s = (self.clock() - self.began) / NS - self.busy_s
        return self.busy_s + self.behaviour.idle * idle_s

    def _answer(self, request: Asked) -> Any:
        self._fail(len(self.asked))
        key = tuple(request.source) if isinstance(request.source, list) else request.source
        visit = self._visits.get(key, 0)
        self._visits[key] = visit + 1
        question = Question(request.source, len(self.asked), visit, key in self.world.sources, self.number)
        self.asked.append(request)
        self.known += question.is_known and not visit
        took = self.behaviour.latency(question) * self.world.load(self.clock())
        self.clock.pass_by(took)
        self.busy_s += took
        return self.behaviour.output(question)

    def _fail(self, number: int) -> None:
        if self.behaviour.fault is not None and self.behaviour.fault_at == number:
            raise self.behaviour.fault


@dataclass
class SimulatedWatch:
    """Rejects the blocks that it was told to, counted from 0 over all processes: every other mark closes one."""

    world: World
    system: Callable[[], set[int]]
    began: int

    def mark(self) -> Mark:
        block, closes = divmod(next(self.world.marks), 2)
        return Mark(noise=QUIET, rejection=self.world.rejections.get(block) if closes else None)

    def finish(self) -> Watched:
        wall_s = (self.world.clock() - self.began) / NS
        return Watched(
            wall_s=wall_s,
            cpu_s=self.world.cpu_s(self.system()),
            threads=3,
            escaped=(),
            energy={"cpu": Energy(wall_s, None, "no counters in a simulation")},
            noise=QUIET,
            violations=tuple(self.world.violations),
        )

    def leftover(self) -> str | None:
        return self.world.leftover


@dataclass(kw_only=True)
class World:
    """Everything that a timing touches. It is the backend too.

    `load` says by how much everything is slowed at a moment (ns); `unit_s` is what one unit of the reference takes.
    """

    requests: Sequence[Request]
    decoys: Sequence[Request] = ()
    behaviour: Behaviour = field(default_factory=Behaviour)
    scored: Mapping[str, Any] | None = None
    is_corpus: bool = False
    has_banner: bool = True
    is_batch: bool = False
    floor_ns: int = 0
    load: Callable[[int], float] = lambda _: 1.0
    unit_s: float = 0.002
    unit_fault: SystemFault | None = None
    rejections: Mapping[int, str] = field(default_factory=dict)
    violations: Sequence[tuple[str, str]] = ()
    leftover: str | None = None
    make_fault: SystemFault | None = None

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.systems: list[SimulatedSystem] = []
        self.marks = itertools.count()
        self.sources = {request.source for request in self.requests}

    def subject(self) -> Subject:
        """What a timing takes."""
        said = {request.id: _said(request) for request in self.requests}
        return Subject(
            make=self._make,
            deck=lambda seed: Deck(self.requests, self.decoys, seed),
            backend=self,
            scored=said if self.scored is None else self.scored,
            requests=self.requests,
            is_corpus=self.is_corpus,
            has_banner=self.has_banner,
            is_batch=self.is_batch,
            floor_ns=self.floor_ns,
            reference=self._reference,
            clock=self.clock,
        )

    def cpu_s(self, pids: set[int]) -> float:
        """As of a Backend."""
        return sum(system.cpu_s for system in self.systems if system.pids() & pids)

    def watch(self, pids: Callable[[], set[int]]) -> SimulatedWatch:
        """As of a Backend."""
        return SimulatedWatch(self, pids, self.clock())

    def measure(self, scenario: str = "latency", rules: Rules = RULES, seed: int = 1) -> Measured:
        """A whole timing."""
        found = scenarios.find(scenario)
        assert found is not None
        return measuring.measure(self.subject(), found, rules, seed)

    def _make(self) -> SimulatedSystem:
        if self.make_fault is not None:
            raise self.make_fault
        self.systems.append(SimulatedSystem(self, len(self.systems)))
        return self.systems[-1]

    @contextmanager
    def _reference(self) -> Iterator[Reference]:
        yield Reference(_Units(self), Asked("", ""), self.clock)


class _Units:
    """The reference workload: every request is a unit."""

    def __init__(self, world: World) -> None:
        self.world = world

    def ask(self, request: Asked, deadline_s: float) -> Replied:  # noqa: ARG002 - as of every System
        if self.world.unit_fault is not None:
            raise self.world.unit_fault
        sent = self.world.clock()
        self.world.clock.pass_by(self.world.unit_s * self.world.load(sent))
        return Replied(request.id, "", sent, self.world.clock())


def texts(count: int, seed: int = 0, least: int = 3, most: int = 40, name: str = "r") -> list[Request]:
    """Different texts of `least` to `most` words, of four letters each."""
    draw = random.Random(f"{name} {seed}")  # noqa: S311 - texts, not secrets
    made = []
    for number in range(count):
        words = [f"{name}{number:03d}"]
        words += ["".join(draw.choices("abcdefghij", k=4)) for _ in range(draw.randint(least, most) - 1)]
        made.append(Request(f"{name}{number}", " ".join(words)))
    return made


def stepwise(draw: random.Random, levels: Callable[[], float], every_s: float = 5.0) -> Callable[[int], float]:
    """A load that stays for some seconds, then changes."""
    borders, values = [0], [levels()]

    def load(now: int) -> float:
        while borders[-1] <= now:
            borders.append(borders[-1] + round(draw.expovariate(1 / every_s) * NS) + 1)
            values.append(levels())
        return values[bisect.bisect_right(borders, now) - 1]

    return load


def quantity(measured: Measured, name: str) -> Any:
    """One of its numbers."""
    return next(found for found in measured.quantities if found.name == name)


def flags(measured: Measured) -> dict[str, bool]:
    """Its flags, and whether each voids."""
    return {flag.name: flag.voids for flag in measured.flags}


def _said(request: Request) -> Any:
    said = request.source
    return tuple(word.upper() for word in said) if isinstance(said, tuple) else said.upper()
