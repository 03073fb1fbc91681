"""False alarms: honest systems of different habits, timed in three processes each, and what is said against them.

The machine's own noise counts: timings that it voids are told, and what is said beside that is no alarm.
"""

from __future__ import annotations

import collections
from dataclasses import replace

import pytest

from ..timing.arena import BRIEF, RULES, Arena, names

RUNS = 8
HABITS = (
    ("constant", "latency"),
    ("length", "latency"),
    ("lognormal", "latency"),
    ("pauses", "latency"),
    ("batches", "latency"),
    ("batches", "offline"),
    ("lognormal", "batch-8"),
)
TOLD = {"driver-floor"}
"""What may be said of an honest system."""


@pytest.mark.bench
@pytest.mark.parametrize(("how", "scenario"), HABITS)
def test_honest_systems_are_let_alone(tmp_path, how, scenario):
    ring, rules = Arena(tmp_path, meter=None), replace(RULES, processes=3)
    system = ring.enter("honest", how)
    ring.run(system, rules=BRIEF)
    found = [names(ring.time(system, rules=rules, scenario=scenario)) - TOLD for _ in range(RUNS)]
    alarms = collections.Counter(name for flags in found if "noise" not in flags for name in flags)
    said = ", ".join(f"{name} {count}" for name, count in sorted(alarms.items())) or "none"
    void = sum("noise" in flags for flags in found)
    print(f"{how:10} {scenario:8} {RUNS} runs, {void} void for noise, false alarms: {said}")  # noqa: T201 - as of a bench
    assert not alarms
