"""One process of a timing, from start to end, with everything that was noted of it.

A process is loaded, warmed up, and asked in blocks. Beside every block the bundled reference workload runs
for a moment, before it and after it in turn (ABBA), so that what slows the machine slows both. While the
reference runs the system has nothing to do; what it does all the same is noted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import compress
from statistics import median
from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.errors import EnvironmentFault
from harness.stats.warmup import warmup_length
from harness.timing import SystemFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.api import Output, Request
    from harness.stats.blocks import Marginal
    from harness.timing import Asked, Ending, Replied, System
    from harness.timing.backends import Backend, Watched
    from harness.timing.deck import Card, Deck

    Visit = tuple[Card, Replied]

NS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How long a timing takes, and how sure it must be.

    A process is asked for `least_s` to `most_s`, in blocks of `block_s`, until the throughput's interval is
    `half_width` to each side (on the log scale) and that of the percentile `width` wide. Sources: Georges et al. 2007
    for stopping by intervals; pyperf for the warm-up.
    """

    processes: int = 3
    least_s: float = 10.0
    most_s: float = 600.0
    block_s: float = 1.0
    reference_s: float = 0.1
    blocks: int = 5
    half_width: float = 0.02
    width: float = 0.05
    warm_up_s: float = 2.0
    warm_up_most_s: float = 60.0
    load_s: float = 600.0
    answer_s: float = 60.0
    corpus_s: float = 3600.0
    stop_s: float = 5.0
    bound_s: float = 0.2
    quick: bool = False


FULL = Rules()
QUICK = Rules(
    processes=1,
    least_s=2.0,
    most_s=10.0,
    block_s=0.25,
    reference_s=0.05,
    half_width=0.10,
    width=0.10,
    warm_up_s=0.3,
    warm_up_most_s=2.0,
    quick=True,
)
"""For participants at home: one process and two seconds. The record says that it was quick."""


class Reference:
    """The bundled reference workload as a process beside the system, on the same processors."""

    def __init__(self, system: System, asked: Asked, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.system, self.asked, self.clock = system, asked, clock

    def rate(self, seconds: float) -> float:
        """Units per second, over at least that long. Raises EnvironmentFault (E014) if it does not answer."""
        started, units = self.clock(), 0
        while (now := self.clock()) - started < seconds * NS or not units:
            try:
                self.system.ask(self.asked, 60.0)
            except SystemFault as fault:  # the machine's, not that of the system beside it
                raise EnvironmentFault(problem("E014", what=f"the reference workload failed: {fault}")) from None
            units += 1
        return units * NS / (now - started) if now > started else 0.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is timed: how to make a fresh process of it, what it is asked, and what it said when it was scored.

    `clock` is the one by which its replies are stamped (ns).
    """

    make: Callable[[], System]
    deck: Callable[[int], Deck]
    backend: Backend
    scored: Mapping[str, Output]
    requests: Sequence[Request]
    is_corpus: bool
    has_banner: bool
    is_batch: bool
    floor_ns: int
    reference: Callable[[], AbstractContextManager[Reference]]
    clock: Callable[[], int] = time.monotonic_ns


@dataclass(frozen=True)
class Block:
    """Some visits in a row: how long they took, and why they are not counted, if they are not."""

    visits: tuple[Visit, ...]
    wall_s: float
    rejected: str | None
    reference: float | None

    @property
    def n(self) -> int:
        """How many requests were answered."""
        return len(self.visits)

    @property
    def rate(self) -> float:
        """Requests per second; 0 for a block without any, or of no length."""
        return self.n / self.wall_s if self.wall_s else 0.0

    @property
    def services(self) -> list[tuple[Card, int]]:
        """How long each visit was served (ns): since it was sent and the answer before it had come.

        In lock-step that is the latency. Of what waited in a queue it is its share of the time.
        """
        ends = [replied.received for _, replied in self.visits]
        starts = [max(end, replied.sent) for end, (_, replied) in zip([0, *ends], self.visits, strict=False)]
        return [(card, max(1, end - start)) for (card, _), start, end in zip(self.visits, starts, ends, strict=True)]

    def first_visits(self) -> Block:
        """What is scored and came for the first time, and the time in which it was served."""
        first = [card.kind == "scored" and not card.visit for card, _ in self.visits]
        visits, services = compress(self.visits, first), compress(self.services, first)
        return replace(self, visits=tuple(visits), wall_s=sum(took for _, took in services) / NS)


@dataclass(frozen=True)
class Served:
    """One rate of arrivals (requests per second), the latencies (ns) from the scheduled arrival, and the verdict."""

    rate: float
    latencies: tuple[int, ...]
    holds: bool


@dataclass
class Noted:
    """What was noted of one process. Times are in seconds; None where the protocol has no such moment."""

    load_s: float | None = None
    first_output_s: float | None = None
    warm_up: int = 0
    is_stationary: bool = True
    blocks: list[Block] = field(default_factory=list)
    idle_cpu_s: float = 0.0
    idle_wall_s: float = 0.0
    asked_wall_s: float = 0.0
    decoys: int = 0
    ending: Ending | None = None
    drain_s: float | None = None
    watched: Watched | None = None
    leftover: str | None = None
    marginal: Marginal | None = None
    served: Served | None = None

    @property
    def kept(self) -> list[Block]:
        """The blocks that the machine did not disturb; all of them where it disturbed every one."""
        return [block for block in self.blocks if block.rejected is None] or self.blocks

    @property
    def visits(self) -> list[tuple[Card, int]]:
        """Cards and latencies (ns) of the kept blocks."""
        return [(card, replied.received - replied.sent) for block in self.kept for card, replied in block.visits]

    @property
    def services(self) -> list[tuple[Card, int]]:
        """Cards and the times for which they were served (ns), of the kept blocks."""
        return [service for block in self.kept for service in block.services]

    @property
    def paced(self) -> list[tuple[Card, int]]:
        """The same by the pace of the reference: times (ns) as if it had been as fast beside every block."""
        paces = [block.reference for block in self.kept if block.reference]
        usual = median(paces) if paces else 1.0
        scales = [(block, (block.reference or usual) / usual) for block in self.kept]
        return [(card, max(1, round(took * scale))) for block, scale in scales for card, took in block.services]


class Process:
    """A running system and what is noted of it."""

    def __init__(self, subject: Subject, rules: Rules, reference: Reference | None, seed: int) -> None:
        self.subject, self.rules, self.reference = subject, rules, reference
        self.clock = subject.clock
        self.system = subject.make()
        self.deck = subject.deck(seed)
        self.noted = Noted()
        self._watch = None if subject.is_batch else subject.backend.watch(self.system.pids)
        self._started = 0

    def open(self) -> None:
        """Start and load."""
        self.start()
        self.load()

    def start(self) -> None:
        """Start it, and do not wait until it is ready."""
        self._started = self.clock()
        self.system.start()

    def load(self) -> None:
        """Wait until it is ready."""
        ready = self.system.load(self.rules.load_s)
        if self.subject.has_banner:
            self.noted.load_s = (ready - self._started) / NS

    def warm_up(self) -> None:
        """Ask what is not scored until latencies are steady, by pyperf's rule; note the first output."""
        rules, started = self.rules, self.clock()
        latencies: list[int] = []
        sizes: list[int] = []
        for card in self.deck.warm_up():
            replied = self.system.ask(card.asked, rules.load_s if not latencies else rules.answer_s)
            self._note_first(replied)
            latencies.append(replied.received - replied.sent)
            sizes.append(1 + card.characters)
            waited = (self.clock() - started) / NS
            if len(latencies) >= 10 and waited >= rules.warm_up_s and self._is_warm(latencies, sizes, waited):  # noqa: PLR2004
                break
        else:
            self.noted.is_stationary = self._is_warm(latencies, sizes, 0.0)
        self.noted.warm_up = len(latencies)

    def _is_warm(self, latencies: list[int], sizes: list[int], waited: float) -> bool:
        """Whether latencies are steady, or those per character, which differ less where texts differ in length."""
        if self.rules.quick:
            return True
        if waited >= self.rules.warm_up_most_s:
            self.noted.is_stationary = False
            return True
        by_size = [latency / size for latency, size in zip(latencies, sizes, strict=True)]
        return len(latencies) % 10 == 0 and any(warmup_length(one) is not None for one in (latencies, by_size))

    def _note_first(self, replied: Replied) -> None:
        if self.subject.is_batch:  # files come and go as a whole
            return
        if self.noted.first_output_s is None:
            self.noted.first_output_s = (replied.received - replied.sent) / NS
            if self.noted.load_s is None:
                self.noted.load_s = (replied.received - self._started) / NS

    def block(self, ask: Callable[[], list[Visit]]) -> Block:
        """One block of visits with the reference beside it; noted, unless the backend rejects it."""
        before = len(self.noted.blocks) % 2 == 1
        reference = self._reference() if before else None
        self._mark()
        started = self.clock()
        visits = ask()
        ended = max([visit[1].received for visit in visits], default=self.clock())
        rejected = self._mark()
        reference = reference if before else self._reference()
        for _, replied in visits[:1]:
            self._note_first(replied)
        block = Block(tuple(visits), (ended - started) / NS, rejected, reference)
        self.noted.asked_wall_s += block.wall_s
        self.noted.blocks.append(block)
        return block

    def _mark(self) -> str | None:
        return None if self._watch is None else self._watch.mark().rejection

    def _reference(self) -> float | None:
        """The rate of the reference, and what the system does meanwhile, unless it has nothing left but to end."""
        if self.reference is None:
            return None
        used, started = self._cpu_s(), self.clock()
        rate = self.reference.rate(self.rules.reference_s)
        if not self.subject.is_corpus:
            self.noted.idle_cpu_s += max(0.0, self._cpu_s() - used)
            self.noted.idle_wall_s += (self.clock() - started) / NS
        return rate

    def _cpu_s(self) -> float:
        return self.subject.backend.cpu_s(self.system.pids())

    def ask(self, cards: Sequence[Card]) -> list[Visit]:
        """Lock-step: one at a time."""
        return [(card, self.system.ask(card.asked, self.rules.answer_s)) for card in cards]

    def pour(self, cards: Sequence[Card], *, end: bool = False, due: Sequence[int] | None = None) -> list[Visit]:
        """All at once, or when they are `due` (ns from now); visits in the order of their answers.

        A system that never said that it is ready may still have to load. Raises SystemFault (X012) if answers are
        missing.
        """
        by_id = {card.asked.id: card for card in cards}
        limit = self.rules.corpus_s if end else self.rules.answer_s * max(1.0, len(cards) / 100)
        limit += self.rules.load_s if self.noted.load_s is None else 0.0
        limit += due[-1] / NS if due else 0.0
        replies = self.system.pour([card.asked for card in cards], limit, end=end, due=due)
        if len(replies) != len(cards):
            what = f"{len(replies)} answers to {len(cards)} requests"
            raise SystemFault("X012", request=len(replies), what=what)
        return [(by_id[replied.id], replied) for replied in replies]

    def close(self) -> None:
        """End the input, note what the backend saw, and leave nothing behind."""
        self.noted.decoys = self.deck.decoys
        try:
            self.noted.watched = None if self._watch is None else self._watch.finish()
        finally:
            ended = self.clock()
            self.noted.ending = self.system.stop(self.rules.stop_s)
            self.noted.drain_s = (self.clock() - ended) / NS
        self.noted.leftover = None if self._watch is None else self._watch.leftover()
