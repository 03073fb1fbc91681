"""A whole timing: fresh processes under one scenario, and what their blocks amount to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.records import Flag
from harness.stats.blocks import verdict
from harness.timing import SystemFault, honesty, quantities
from harness.timing.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.records import Quantity
    from harness.timing.process import Noted, Rules, Subject
    from harness.timing.scenarios import Scenario


@dataclass
class Measured:
    """What came out: numbers, flags, raw latencies (ns) by process, and how many blocks there were."""

    quantities: list[Quantity] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    latencies: list[list[int]] = field(default_factory=list)
    processes: int = 0
    blocks: int = 0
    rejected: int = 0
    decoys: int = 0


def measure(
    subject: Subject, scenario: Scenario, rules: Rules, seed: int, tell: Callable[[str], object] = str
) -> Measured:
    """Run the scenario in fresh processes; what breaks is a flag that voids, with the fault in words.

    A process that faults ends the timing: what the earlier ones gave is kept and void all the same.
    """
    processes: list[Noted] = []
    flags: list[Flag] = []
    with subject.reference() as reference:
        for number in range(rules.processes):
            tell(f"process {number + 1} of {rules.processes}")
            try:
                process = Process(subject, rules, reference, seed + number)
            except SystemFault as fault:
                flags.append(_fault(fault))
                break
            processes.append(process.noted)
            try:
                process.open()
                scenario.ask(process)
            except SystemFault as fault:
                flags.append(_fault(fault))
                break
            finally:
                process.close()
    flags += _look(subject, scenario, processes)
    found = Measured(processes=len(processes), decoys=sum(noted.decoys for noted in processes))
    rejected = [block.rejected is not None for noted in processes for block in noted.blocks]
    found.blocks, found.rejected = len(rejected), sum(rejected)
    if rejected and not verdict(rejected).valid:
        reason = next(block.rejected for noted in processes for block in noted.blocks if block.rejected)
        flags.append(Flag(name="noise", detail=f"{sum(rejected)} of {len(rejected)} blocks: {reason}", voids=True))
    is_cached = any(flag.name == "cached" for flag in flags)
    numbers = quantities.Numbers(subject, scenario, processes, is_cached=is_cached)
    found.quantities, found.flags = list(numbers.all()), [*flags, *numbers.flags]
    found.latencies = [[latency for _, latency in noted.visits] for noted in processes] if scenario.is_lockstep else []
    return found


def _fault(fault: SystemFault) -> Flag:
    """The fault as a flag, in the words of the catalogue."""
    from harness.catalogue import FAULTS

    facts = {"what": "", "request": "", "expected": "", "detail": "", "limit": 0.0, "found": 0, **fault.facts}
    names = {"X010": "ended", "X011": "no-answer", "X012": "protocol", "X013": "no-start"}
    return Flag(name=names[fault.code], detail=FAULTS[fault.code].message.format_map(facts), voids=True)


def _look(subject: Subject, scenario: Scenario, processes: Sequence[Noted]) -> Iterator[Flag]:
    """Every check of what a fast system may hide."""
    found: dict[str, Flag] = {}
    for noted in processes:
        said = [
            (card.request, tuple(replied.output) if isinstance(replied.output, list) else replied.output)
            for block in noted.blocks
            for card, replied in block.visits
            if card.request is not None
        ]
        flags = honesty.compare_outputs(said, subject.scored, corpus=subject.is_corpus)
        flags += honesty.look_at_idling(noted.idle_cpu_s, noted.idle_wall_s)
        flags += look_at_the_end(noted)
        for flag in flags:
            if flag.name not in found or (flag.voids and not found[flag.name].voids):
                found[flag.name] = flag
    if scenario.name != "server" and not subject.is_corpus and not subject.is_batch:
        found |= {flag.name: flag for flag in _look_at_times(processes, subject.floor_ns)}
    yield from found.values()


def _look_at_times(processes: Sequence[Noted], floor_ns: int) -> list[Flag]:
    """What times give away, as they are and by the pace of the reference as well: a machine has moods of its own."""
    both = [noted.services for noted in processes], [noted.paced for noted in processes]
    found = _confirmed(*(honesty.look_for_some(services, floor_ns) for services in both))
    for pair in zip(*both, strict=True):
        found += _confirmed(*(honesty.look_for_cache(services, floor_ns) for services in pair))
        found += _confirmed(*(honesty.look_for_known_items(services, floor_ns) for services in pair))
    return found


def _confirmed(found: Sequence[Flag], paced: Sequence[Flag]) -> list[Flag]:
    """The flags that are found in both ways."""
    return [flag for flag in found if flag.name in {other.name for other in paced}]


def look_at_the_end(noted: Noted) -> list[Flag]:
    """What a process left behind, and what the backend saw."""
    flags: list[Flag] = []
    if noted.ending is not None and noted.ending.orphans:
        detail = f"{noted.ending.orphans} processes outlived the system and were ended"
        flags.append(Flag(name="left-processes", detail=detail, voids=True))
    if noted.watched is not None:
        flags += [Flag(name=name, detail=detail, voids=True) for name, detail in noted.watched.violations]
    if noted.leftover is not None:
        flags.append(Flag(name="leftover", detail=noted.leftover, voids=True))
    if not noted.is_stationary:
        detail = f"latencies were not steady after {noted.warm_up} requests"
        flags.append(Flag(name="not-stationary", detail=detail, voids=False))
    return flags
