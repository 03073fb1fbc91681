"""False alarms: honest systems of different habits, timed in three processes each, and what is said against them."""

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
    ring, rules = Arena(tmp_path), replace(RULES, processes=3)
    system = ring.enter("honest", how)
    ring.run(system, rules=BRIEF)
    alarms = collections.Counter()
    for _ in range(RUNS):
        alarms.update(names(ring.time(system, rules=rules, scenario=scenario)) - TOLD)
    said = ", ".join(f"{name} {count}" for name, count in sorted(alarms.items())) or "none"
    print(f"{how:10} {scenario:8} {RUNS} runs, false alarms: {said}")  # noqa: T201 - the numbers are what this is run for
    assert not alarms
