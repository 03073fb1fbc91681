"""The numbers of a timing, from what was noted of its processes."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from harness.records import Flag, Quantity
from harness.stats import stopping
from harness.stats.quantiles import least_n, quantile
from harness.stats.ratios import paired_ratio
from harness.timing.process import NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.timing import Replied
    from harness.timing.deck import Card
    from harness.timing.process import Block, Noted, Subject
    from harness.timing.scenarios import Scenario

FLOOR_WARNS = 0.01
FLOOR_REFUSES = 0.10
"""Shares of the median latency that the driver itself may take: warned above the first, no latency above the second."""
PERCENTILES = {"latency-p50": 0.5, "latency-p90": 0.9, "latency-p99": 0.99}
NO_MOMENT = "the protocol has no such moment"
NOTHING = "nothing was answered"
TOO_SLOW = "no rate of arrivals holds the bound"
SIZES: dict[str, tuple[str, Callable[[Card], int]]] = {
    "throughput": ("requests/s", lambda _: 1),
    "throughput-characters": ("characters/s", lambda card: card.characters),
    "throughput-words": ("words/s", lambda card: card.words),
}


class Numbers:
    """The numbers of some processes of one subject; `flags` holds what they say beside themselves."""

    def __init__(
        self, subject: Subject, scenario: Scenario, processes: Sequence[Noted], *, is_cached: bool = False
    ) -> None:
        self.subject, self.scenario, self.processes, self.is_cached = subject, scenario, processes, is_cached
        self.flags: list[Flag] = []

    def all(self) -> Iterator[Quantity]:
        """Every quantity; one that could not be had says why."""
        yield over_processes("load", "s", [noted.load_s for noted in self.processes], NO_MOMENT)
        yield over_processes("first-output", "s", [noted.first_output_s for noted in self.processes], NO_MOMENT)
        if self.scenario.has_latencies:
            yield from self.latencies()
        yield from self.throughputs()
        yield self.ratio()
        is_served = self.scenario.name == "server"
        passes = [None if is_served else self._end_to_end(noted) for noted in self.processes]
        reason = "requests wait until they are due" if is_served else "not every request was answered"
        yield over_processes("end-to-end", "s", passes, reason)
        yield over_processes("drain", "s", [noted.drain_s for noted in self.processes], NO_MOMENT)
        yield from self.watched()

    def latencies(self) -> Iterator[Quantity]:
        """Percentiles over all processes; the interval is that between processes where it is the wider one."""
        counted = [self._counted(noted) for noted in self.processes]
        everything = [latency for one in counted for latency in one]
        refused = TOO_SLOW if self.scenario.name == "server" and not everything else self._floor_says(everything)
        for name, p in PERCENTILES.items():
            found = quantile(everything, p)
            if found.value is None or refused:
                reason = refused or f"n too small: {len(everything)} of the {least_n(p)} that it takes"
                yield Quantity(name=name, unit="s", n=len(everything), reason=reason)
                continue
            lo, hi = found.lo, found.hi
            by_process = [quantile(one, p).value or 0.0 for one in counted]
            if len(by_process) > 1 and all(by_process):
                apart = stopping.log_mean(by_process)
                lo, hi = min(lo or math.inf, apart.lo or math.inf), max(hi or 0.0, apart.hi or 0.0)
            ends = [None if end is None else end / NS for end in (lo, hi)]
            yield Quantity(name=name, unit="s", value=found.value / NS, lo=ends[0], hi=ends[1], n=found.n)

    def _counted(self, noted: Noted) -> list[int]:
        """The latencies (ns) that count: of scored requests, and of first visits alone where repeats are cached."""
        if self.scenario.name == "server":
            return [] if noted.served is None else list(noted.served.latencies)
        kept = (visit for visit in noted.visits if visit[0].kind == "scored")
        return [latency for card, latency in kept if not (self.is_cached and card.visit)]

    def _floor_says(self, latencies: Sequence[int]) -> str | None:
        """Why latencies are not told, where the driver takes too large a part of them."""
        if not latencies:
            return None
        floor = self.subject.floor_ns
        share = floor / max(1, median(latencies))
        if share > FLOOR_WARNS:
            detail = f"the driver alone takes {floor / 1000:.1f} us, {100 * share:.1f} % of the median latency"
            self.flags.append(Flag(name="driver-floor", detail=detail, voids=False))
        return f"the driver takes {100 * share:.0f} % of it, more than 10 %" if share > FLOOR_REFUSES else None

    def throughputs(self) -> Iterator[Quantity]:
        """Requests, characters and source words per second of the time in which the system was asked."""
        if self.subject.is_batch:
            late = "all requests took no longer than half of them"
            found = [noted.marginal for noted in self.processes]
            rates = [None if one is None else one.rate for one in found]
            yield over_processes("throughput", "requests/s", rates, late)
            yield over_processes("fixed-cost", "s", [None if one is None else one.fixed for one in found], late)
            return
        served = [noted.served.rate for noted in self.processes if noted.served is not None]
        if self.scenario.name == "server":
            yield over_processes("server-rate", "requests/s", served, TOO_SLOW)
            return
        for name, (unit, size) in SIZES.items():
            yield _between(name, unit, [_rates(self._blocks(noted), size) for noted in self.processes])

    def _blocks(self, noted: Noted) -> list[Block]:
        """The blocks that count; of a system that remembers, the first visits of each."""
        return [block.first_visits() for block in noted.kept] if self.is_cached else noted.kept

    def ratio(self) -> Quantity:
        """Requests per unit of the reference workload: the median of paired ratios."""
        name, unit = "throughput-ratio", "requests/unit"
        if self.scenario.name == "server":
            return Quantity(name=name, unit=unit, reason="arrivals set the pace, not the system")
        answered = [block for noted in self.processes for block in self._blocks(noted) if block.rate]
        pairs = [(block.rate, block.reference) for block in answered if block.reference]
        if not pairs:
            reason = "no reference ran beside it" if answered else NOTHING
            return Quantity(name=name, unit=unit, reason=reason)
        found = paired_ratio([rate for rate, _ in pairs], [reference for _, reference in pairs])
        value, lo, hi = found.value, found.lo, found.hi
        return Quantity(name=name, unit=unit, value=value, lo=lo, hi=hi, n=found.n)

    def _end_to_end(self, noted: Noted) -> float | None:
        """Load and a first pass over all requests; warm-up, and what lies between blocks, excluded.

        A command for files makes its pass in one block, the last one, with its load in it.
        """
        blocks = noted.blocks[-1:] if self.subject.is_batch else noted.blocks
        passes = [[visit for visit in block.visits if visit[0].request and not visit[0].visit] for block in blocks]
        if len({card.request for visits in passes for card, _ in visits}) < len(self.subject.requests):
            return None
        took = _in_lockstep if self.scenario.is_lockstep else _at_once
        return (noted.load_s or 0.0) + sum(took([reply for _, reply in visits]) for visits in passes if visits) / NS

    def watched(self) -> Iterator[Quantity]:
        """What the backend saw of the processes. Energy is that of the whole machine or device, idling included."""
        seen = [noted.watched for noted in self.processes if noted.watched is not None]
        yield over_processes("cpu-seconds", "s", [watched.cpu_s for watched in seen], "not watched")
        yield over_processes("threads", "count", [watched.threads for watched in seen], "not watched")
        switches = [watched.noise.involuntary_per_s for watched in seen]
        yield over_processes("involuntary-switches", "1/s", switches, "not watched")
        for part in sorted({part for watched in seen for part in watched.energy}):
            used = [watched.energy[part] for watched in seen if part in watched.energy]
            reason = next((one.reason for one in used if one.reason), "not watched")
            name = "energy" if part == "cpu" else f"energy-{part}"
            yield over_processes(name, "J", [one.joules for one in used], reason)
        devices = [watched.device for watched in seen if watched.device is not None]
        if devices:
            reason = "the driver does not tell"
            yield over_processes("device-memory", "bytes", [device.memory for device in devices], reason)
            own = [device.tree_memory for device in devices]
            yield over_processes("device-memory-own", "bytes", own, reason)


def over_processes(name: str, unit: str, values: Sequence[float | None], reason: str) -> Quantity:
    """One value per process: their median, with the smallest and the largest."""
    known = [value for value in values if value is not None]
    if not known:
        return Quantity(name=name, unit=unit, reason=reason)
    lo, hi = (min(known), max(known)) if len(known) > 1 else (None, None)
    return Quantity(name=name, unit=unit, value=median(known), lo=lo, hi=hi, n=len(known))


def _in_lockstep(replies: Sequence[Replied]) -> int:
    return sum(reply.received - reply.sent for reply in replies)


def _at_once(replies: Sequence[Replied]) -> int:
    return max(reply.received for reply in replies) - min(reply.sent for reply in replies)


def _rates(blocks: Sequence[Block], size: Callable[[Card], int]) -> list[float]:
    """Size per second of every block; 0 where nothing of any size was answered."""
    return [sum(size(card) for card, _ in block.visits) / block.wall_s for block in blocks if block.wall_s]


def _between(name: str, unit: str, by_process: Sequence[list[float]]) -> Quantity:
    """Block rates by process: their mean on the log scale, with the interval between processes."""
    rates = [[rate for rate in one if rate] for one in by_process]
    if not any(rates):
        return Quantity(name=name, unit=unit, reason=NOTHING)
    found = stopping.between(rates)
    return Quantity(name=name, unit=unit, value=found.value, lo=found.lo, hi=found.hi, n=sum(map(len, rates)))
