"""What is asked when. A scenario takes a loaded process and asks until the rules are satisfied.

latency   one request, its answer, the next request
offline   all requests at once; what counts is when the last answer came
server    requests arrive at random (Poisson), whether or not earlier ones were answered; the largest rate whose
          99th percentile, from the scheduled arrival on, stays within the bound
batch-N   N requests at once, their answers, the next N
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from harness.stats import arrivals, stopping
from harness.stats.blocks import marginal
from harness.stats.quantiles import quantile, width
from harness.timing.process import NS, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.manifest import RunTable
    from harness.timing.deck import Card
    from harness.timing.process import Process, Visit

NAMES = ("latency", "offline", "server", "batch-N")
"""As the command line knows them."""
POURED = 20_000
"""The most requests that are poured into a block."""
SERVED = 662
"""Arrivals behind a 99th percentile: one may be late (loadgen's early stopping, confidence .99); 64 for the 90th."""


@dataclass(frozen=True)
class Scenario:
    """A scenario: its name, how it asks, and what its visits tell."""

    name: str
    ask: Callable[[Process], None]
    is_lockstep: bool = False
    has_latencies: bool = False

    def refuses(self, run: RunTable) -> str | None:
        """Why a system cannot be asked that way, if it cannot."""
        if self.name == "offline":
            return None
        if run.unit == "corpus":
            return "a corpus system answers only after the end of its input: scenario offline"
        return "protocol batch has files in and out: scenario offline" if run.protocol == "batch" else None


def find(name: str) -> Scenario | None:
    """A scenario by its name."""
    if found := re.fullmatch(r"batch-([1-9]\d{0,5})", name):
        size = int(found[1])
        return Scenario(name, lambda process: batches(process, size))
    known = {
        "latency": Scenario("latency", latency, is_lockstep=True, has_latencies=True),
        "offline": Scenario("offline", offline),
        "server": Scenario("server", server, has_latencies=True),
    }
    return known.get(name)


def latency(process: Process) -> None:
    """Lock-step."""
    process.warm_up()
    cards = _endless(process)
    while not _is_enough(process, percentile=True):
        process.block(lambda: _for_a_while(process, cards, 1))


def batches(process: Process, size: int) -> None:
    """Some requests at once, their answers, the next."""
    process.warm_up()
    cards = _endless(process)
    while not _is_enough(process):
        process.block(lambda: _for_a_while(process, cards, size))


def offline(process: Process) -> None:
    """All at once; a block is one permutation, or several where one is over too soon to be measured."""
    if process.subject.is_corpus:
        process.block(lambda: process.pour(process.deck.permutation(), end=True))
    elif process.subject.is_batch:
        _regress(process)
    else:
        process.warm_up()
        times = 1
        while not _is_enough(process):
            block = process.block(lambda: process.pour(_permutations(process, times)))  # noqa: B023 - called at once
            wanted = math.ceil(times * process.rules.block_s / block.wall_s)
            times = max(1, min(wanted, POURED // len(process.subject.requests)))


def server(process: Process) -> None:
    """Poisson arrivals at rising rates, then between the last that held the bound and the first that did not."""
    process.warm_up()
    rules, cards = process.rules, _endless(process)
    p, count = (0.90, 64) if rules.quick else (0.99, SERVED)
    tries: list[Served] = []

    def holds(rate: float) -> bool:
        due = arrivals.poisson(rate, count, process.deck.random.getrandbits(32))
        asked = list(islice(cards, count))
        block = process.block(lambda: process.pour(asked, due=[round(second * NS) for second in due]))
        late = [replied.received - replied.sent for _, replied in block.visits]
        found = quantile(late, p)
        tries.append(Served(rate, tuple(late), found.value is not None and found.value <= rules.bound_s * NS))
        return tries[-1].holds

    alone = process.block(lambda: process.ask(list(islice(cards, 10)))).rate
    largest = arrivals.largest_rate(holds, alone / 2, least=alone / 32)
    process.noted.served = next((tried for tried in tries if tried.rate == largest), None)


def _endless(process: Process) -> Iterator[Card]:
    """Permutation after permutation."""
    while True:
        yield from process.deck.permutation()


def _permutations(process: Process, times: int) -> list[Card]:
    return [card for _ in range(times) for card in process.deck.permutation()]


def _for_a_while(process: Process, cards: Iterator[Card], size: int) -> list[Visit]:
    """Ask for the length of a block, in groups of `size` that are sent at once."""
    visits: list[Visit] = []
    started = time.monotonic_ns()
    while not visits or time.monotonic_ns() - started < process.rules.block_s * NS:
        group = list(islice(cards, size))
        visits += process.ask(group) if size == 1 else process.pour(group)
    return visits


def _is_enough(process: Process, *, percentile: bool = False) -> bool:
    """Whether every request came once, and time and precision are what the rules ask for."""
    rules, noted = process.rules, process.noted
    if noted.asked_wall_s >= rules.most_s and noted.blocks:
        return True
    if len(noted.kept) < rules.blocks or noted.asked_wall_s < rules.least_s or process.deck.visits < 2:  # noqa: PLR2004
        return False
    if not stopping.is_precise(stopping.log_mean([block.rate for block in noted.kept]), rules.half_width):
        return False
    if not percentile:
        return True
    found = quantile([visit[1].received - visit[1].sent for block in noted.kept for visit in block.visits], 0.5)
    wide = width(found)
    return wide is not None and wide <= rules.width


def _regress(process: Process) -> None:
    """A command for files: half of the requests, then all; the difference is what a request costs."""
    cards = process.deck.permutation()
    half = max(1, len(cards) // 2)
    walls = [process.block(lambda: process.pour(part)).wall_s for part in (cards[:half], cards)]  # noqa: B023
    process.noted.marginal = marginal(half, walls[0], len(cards), walls[1])
