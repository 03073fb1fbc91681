"""Systems that are known by their own clocks: what is reported of them is what they did."""

from __future__ import annotations

import sys
from dataclasses import replace
from statistics import mean, median

import pytest

from .arena import RULES, Arena, detail, mostly, names

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systems are timed on Linux")

MB = 1_000_000
SHORT = replace(RULES, least_s=0.8, most_s=1.5)


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    return Arena(tmp_path_factory.mktemp("arena"))


@pytest.fixture
def clockwork(ring, tmp_path):
    """Hand in a system that writes down what it does; its name, and how to read that."""

    def clockwork(how, *words):
        noted = tmp_path / "noted"
        system = ring.enter("clockwork", how, str(noted), *map(str, words), name=how)
        return system, lambda: [float(word) for word in noted.read_text("ascii").split()]

    return clockwork


def is_close(found, own):
    """Within 2 %, or 30 us, which is what reading and writing lines costs in Python."""
    return abs(found - own) <= max(0.02 * own, 30e-6)


@pytest.mark.parametrize("seconds", [0.0002, 0.001, 0.005])
def test_latency_is_what_the_system_took_by_its_own_clock(ring, clockwork, seconds):
    system, noted = clockwork("work", round(seconds * 1e9))
    ring.pretend(system)

    def agrees():
        found = ring.time(system, rules=SHORT).quantity("latency-p50").value
        return is_close(found, median(noted()) / 1e9)

    assert mostly(agrees)


def test_a_second_of_loading_shows_in_the_load_and_nowhere_else(ring, clockwork):
    system, noted = clockwork("work", 1_000_000, 1.0)
    ring.pretend(system)

    def agrees():
        record = ring.time(system, rules=SHORT)
        own, asked = median(noted()) / 1e9, mean(record.latencies[0]) / 1e9
        assert record.quantity("load").value > 1
        assert record.quantity("end-to-end").value > 1
        assert record.quantity("first-output").value < 0.5
        assert record.quantity("throughput").value > 0.8 / asked  # half of it, if the second were in it
        return record.quantity("load").value < 1.5 and is_close(record.quantity("latency-p50").value, own)

    assert mostly(agrees)


@pytest.mark.parametrize("kind", ["threads", "processes"])
@pytest.mark.parametrize("count", [1, 2])
def test_processor_time_and_threads_are_those_of_the_whole_tree(ring, clockwork, kind, count):
    system, noted = clockwork("burn", count, kind)
    ring.pretend(system)
    record = ring.time(system, rules=SHORT, backend="cpuN")
    own, _ = noted()
    assert record.quantity("cpu-seconds").value == pytest.approx(own, rel=0.05, abs=0.1)
    assert record.quantity("threads").value >= count
    assert detail(record, "works-while-idle")[1]


def test_memory_of_a_parent_and_its_child_is_counted_once(ring, clockwork):
    system, noted = clockwork("hold", 300, 100)
    record, _ = ring.run(system)
    peak, (before,) = record.quantity("peak-memory"), noted()
    assert peak.method in {"cgroup2", "pss-tree-10ms"}
    assert peak.value == pytest.approx(400 * MB + before, rel=0.05)


def test_memory_that_is_needed_for_loading_alone_counts(ring, clockwork):
    system, _ = clockwork("swell", 200)
    record, _ = ring.run(system)
    assert record.quantity("peak-memory").value > 200 * MB


def test_a_system_of_known_answers_raises_no_suspicion(ring, clockwork):
    system, _ = clockwork("work", 1_000_000)
    ring.pretend(system)
    assert names(ring.time(system, rules=SHORT)) <= {"driver-floor"}
