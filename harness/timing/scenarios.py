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
SERVED, SERVED_QUICKLY = 662, 64
"""The fewest arrivals at a rate, for its 99th percentile and for the 90th, as in MLPerf's loadgen."""
BOUNDS, BOUNDS_QUICKLY = 20, 10
"""How many times the bound arrivals go on at a rate: within 20, a rate 5 % above what a system can do is late."""
MOST_SERVED = 100_000
"""The most arrivals at a rate. Rates that bring more within that time are not tried."""
ALONE = 10
"""Requests by which a server's speed is guessed first."""
PASSES = 2
"""How often every request is asked at least, time permitting, so that repeats show what is remembered."""


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
            wanted = math.ceil(times * process.rules.block_s / block.wall_s) if block.wall_s else 2 * times
            times = max(1, min(wanted, POURED // max(1, block.n // times)))


def server(process: Process) -> None:
    """Poisson arrivals at rising rates, then between the last that held the bound and the first that did not."""
    process.warm_up()
    rules, cards = process.rules, _endless(process)
    least, bounds = (SERVED_QUICKLY, BOUNDS_QUICKLY) if rules.quick else (SERVED, BOUNDS)
    most = MOST_SERVED / (bounds * rules.bound_s)
    tries: dict[float, Served] = {}

    def holds(rate: float) -> bool:
        if process.noted.asked_wall_s >= rules.most_s:  # what has held until now is the answer
            return False
        asked = list(islice(cards, max(least, math.ceil(rate * bounds * rules.bound_s))))
        tries[rate] = _serve(process, asked, rate)
        return tries[rate].holds

    alone = process.block(lambda: process.ask(list(islice(cards, ALONE)))).rate
    if alone * rules.bound_s >= 1:
        start = min(alone / 2, most)
        largest = arrivals.largest_rate(holds, start, least=min(alone / 32, start), most=most)
        process.noted.served = tries.get(largest or 0.0)


def _serve(process: Process, cards: list[Card], rate: float) -> Served:
    """One rate of arrivals; whoever falls behind is charged for the queue."""
    times = arrivals.poisson(rate, len(cards), process.deck.random.getrandbits(32))
    block = process.block(lambda: process.pour(cards, due=[round(second * NS) for second in times]))
    found = quantile([_late(visit) for visit in block.visits], 0.90 if process.rules.quick else 0.99)
    scored = tuple(_late(visit) for visit in block.visits if visit[0].kind == "scored")
    return Served(rate, scored, found.value is not None and found.value <= process.rules.bound_s * NS)


def _late(visit: Visit) -> int:
    """Latency (ns); of a request that was due at some moment, from then on."""
    return visit[1].received - visit[1].sent


def _endless(process: Process) -> Iterator[Card]:
    """Permutation after permutation."""
    while True:
        yield from process.deck.permutation()


def _permutations(process: Process, times: int) -> list[Card]:
    return [card for _ in range(times) for card in process.deck.permutation()]


def _for_a_while(process: Process, cards: Iterator[Card], size: int) -> list[Visit]:
    """Ask for the length of a block, in groups of `size` that are sent at once."""
    visits: list[Visit] = []
    started = process.clock()
    while not visits or process.clock() - started < process.rules.block_s * NS:
        group = list(islice(cards, size))
        visits += process.ask(group) if size == 1 else process.pour(group)
    return visits


def _is_enough(process: Process, *, percentile: bool = False) -> bool:
    """Whether every request came twice, and time and precision are what the rules ask for."""
    rules, noted = process.rules, process.noted
    if noted.asked_wall_s >= rules.most_s and noted.blocks:
        return True
    rates = [block.rate for block in noted.kept if block.rate]
    if len(rates) < rules.blocks or noted.asked_wall_s < rules.least_s or process.deck.visits <= PASSES:
        return False
    if not stopping.is_precise(stopping.log_mean(rates), rules.half_width):
        return False
    if not percentile:
        return True
    wide = width(quantile([_late(visit) for block in noted.kept for visit in block.visits], 0.5))
    return wide is not None and wide <= rules.width


def _regress(process: Process) -> None:
    """A command for files: half of the requests, then all; the difference is what a request costs."""
    cards = process.deck.permutation()
    half = len(cards) // 2
    parts = [cards[:half], cards] if half else [cards]
    walls = [process.block(lambda: process.pour(part)).wall_s for part in parts]  # noqa: B023 - called at once
    process.noted.marginal = marginal(half, walls[0], len(cards), walls[1]) if half else None
