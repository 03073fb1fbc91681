"""Systems that cheat, as real processes: each is found out, or gains nothing. And honest ones, which are let alone."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import harness.tasks
from harness.errors import SystemFailed
from harness.sandbox import Level

from . import arena
from .arena import BRIEF, PATIENT, RULES, SOURCES, THRICE, Arena, detail, mostly, names

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systems are timed on Linux")

LEVELS = [Level.NONE, pytest.param(Level.BUBBLEWRAP, marks=pytest.mark.sandbox)]
PERFECT = [text.upper() for text in SOURCES]
ANSWERS = dict(zip(SOURCES, PERFECT, strict=True))
HONEST_S = 0.001
"""What the shortest text costs at least."""


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    """One workspace for all of them."""
    return Arena(tmp_path_factory.mktemp("arena"))


@pytest.fixture
def timed(ring):
    """Let a cheater answer, honestly as it seems, then time it."""

    def timed(script, *words, level=Level.NONE, rules=RULES, scenario="latency", **how):
        system = ring.enter(script, *words, **how)
        if not ring.outputs_file(system).exists():
            _, outputs = ring.run(system, level, rules=BRIEF)
            assert outputs == PERFECT
        return ring.time(system, level, rules=rules, scenario=scenario)

    return timed


class TestCache:
    def test_repeats_do_not_count(self, timed):
        record = timed("cache")
        assert "cached" in names(record)
        assert record.valid
        median = record.quantity("latency-p50")
        assert median.n == len(SOURCES)
        assert median.value > HONEST_S
        assert record.quantity("throughput").value < 1 / HONEST_S

    @pytest.mark.parametrize("scenario", ["offline", "batch-4"])
    def test_nor_where_many_are_asked_at_once(self, timed, scenario):
        record = timed("cache", scenario=scenario)
        assert "cached" in names(record)
        assert record.quantity("throughput").value < 1 / HONEST_S

    def test_a_cache_of_less_than_half_of_the_requests_is_found(self, timed):
        assert "cached" in names(timed("cache", "0.3", rules=THRICE))


class TestWarmUpSniffer:
    @pytest.mark.parametrize("sign", ["count", "pause"])
    def test_a_system_that_is_sloppy_when_it_is_timed_says_other_things(self, timed, sign):
        record = timed("sniffer", sign)
        assert detail(record, "outputs-differ")[1]


class TestEarlyReply:
    def test_an_answer_before_its_request_breaks_the_protocol(self, timed):
        what, voids = detail(timed("early", protocol="lines", rules=PATIENT), "protocol")
        assert voids
        assert "it wrote before the request was written" in what or "more than one line" in what


class TestDeferredWork:
    @pytest.mark.parametrize("level", LEVELS)
    def test_work_after_the_answer_is_seen_while_nothing_is_asked(self, timed, level):
        what, voids = detail(timed("deferred", level=level), "works-while-idle")
        assert voids
        assert "in which nothing was asked" in what


class TestKnownItems:
    def test_answers_that_were_brought_along_are_faster_than_decoys(self, timed):
        assert detail(timed("known", model=ANSWERS), "known-items")[1]

    @pytest.mark.parametrize("scenario", ["offline", "batch-4"])
    def test_also_where_many_are_asked_at_once(self, timed, scenario):
        assert detail(timed("known", model=ANSWERS, scenario=scenario), "known-items")[1]

    def test_also_where_fewer_than_half_are_known(self, timed):
        assert "known-items" in names(timed("known", "0.35", model=ANSWERS, rules=THRICE))


class TestBurglar:
    def places(self, ring):
        return [str(ring.root), *map(str, harness.tasks.__path__), str(Path(harness.__file__).parent)]

    @pytest.mark.sandbox
    def test_no_gold_is_found_in_the_sandbox(self, ring):
        _, found = ring.run(ring.enter("burglar", places=self.places(ring)), Level.BUBBLEWRAP)
        assert set(found) == {"0 rows"}

    def test_without_one_it_would_be(self, ring):
        _, found = ring.run(ring.enter("burglar", places=self.places(ring)), Level.NONE)
        assert int(found[0].split()[0]) >= len(SOURCES)


class TestTruncator:
    def test_half_an_answer_is_another_one(self, timed):
        record = timed("truncator")
        assert {"truncated", "outputs-differ"} <= names(record)
        assert not record.valid


class TestFlooder:
    def test_a_reply_that_does_not_end_is_refused_and_not_kept(self, timed):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = memory("VmRSS")
        what, voids = detail(timed("flooder", rules=PATIENT), "protocol")
        assert voids
        assert "a reply longer than 64 KiB" in what
        assert memory("VmHWM") - before < 64 << 20


class TestHoarder:
    IMPATIENT = replace(RULES, load_s=1.0, answer_s=1.0)

    def test_a_system_that_does_not_flush_is_told_so_when_it_runs(self, ring):
        with pytest.raises(SystemFailed) as caught:
            ring.run(ring.enter("hoarder"), rules=self.IMPATIENT)
        assert caught.value.problems[0].code == "X011"
        assert "is stdout flushed?" in caught.value.problems[0].message

    def test_and_when_it_is_timed(self, ring):
        ring.pretend(ring.enter("hoarder"))
        what, voids = detail(ring.time("hoarder", rules=self.IMPATIENT), "no-answer")
        assert voids
        assert "is stdout flushed?" in what


class TestOrphan:
    @pytest.mark.parametrize("level", LEVELS)
    def test_what_outlives_the_system_is_told_and_ended(self, timed, level):
        mark = f"orphan-of-{os.getpid()}-{level}"
        assert detail(timed("orphan", mark, level=level), "left-processes")[1]
        assert arena.processes_with(mark) == []


class TestLiar:
    @pytest.mark.parametrize(("how", "says"), [("wrong", "was not asked"), ("twice", "was answered before")])
    def test_an_id_that_does_not_wait_for_an_answer_breaks_the_protocol(self, timed, how, says):
        what, voids = detail(timed("liar", how, rules=PATIENT), "protocol")
        assert voids
        assert says in what


class TestHog:
    def test_threads_that_leave_their_processor_void(self, timed):
        what, voids = detail(timed("hog"), "more-processors")
        assert voids
        assert "CPU time" in what or "could leave" in what

    @pytest.mark.sandbox
    def test_in_the_sandbox_they_cannot_leave(self, timed):
        record = timed("hog", level=Level.BUBBLEWRAP)
        assert "more-processors" not in names(record)
        assert detail(record, "works-while-idle")[1]


class TestClock:
    def test_a_system_that_stops_its_clocks_takes_as_long_as_it_does(self, timed):
        record = timed("clock")
        assert record.valid
        assert record.quantity("latency-p50").value >= 0.004
        assert record.quantity("throughput").value <= 250


class TestHonestSystems:
    @pytest.mark.parametrize(
        ("how", "scenario"),
        [
            ("constant", "latency"),
            ("length", "latency"),
            ("lognormal", "latency"),
            ("pauses", "latency"),
            ("batches", "offline"),
            ("batches", "batch-8"),
        ],
    )
    def test_nothing_is_found(self, timed, how, scenario):
        def is_clean():
            return names(timed("honest", how, scenario=scenario)) <= {"driver-floor"}

        assert is_clean() or mostly(is_clean)  # without the meter of noise a burst can look like a cache


def memory(key):
    """Bytes of this process."""
    line = next(line for line in Path("/proc/self/status").read_text("utf-8").splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024
