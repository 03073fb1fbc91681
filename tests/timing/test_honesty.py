"""What a fast system may hide: every cheat that is known here, and fifty systems that do not cheat."""

from __future__ import annotations

import math
import random

import pytest

from harness.api import Request
from harness.timing import Asked, SystemFault
from harness.timing.deck import Card
from harness.timing.honesty import compare_outputs, look_at_idling, look_for_cache, look_for_known_items
from harness.timing.process import Rules

from .simulated import Behaviour, World, flags, quantity, shout, texts

MS = 1_000_000
REQUESTS = texts(60)
DECOYS = texts(120, name="d")
SHORT = Rules(least_s=1.5, most_s=2.5, block_s=0.2, reference_s=0.02, warm_up_s=0.05, warm_up_most_s=5.0)


def card(kind, characters):
    """A first visit."""
    return Card(Asked("", ""), kind, "r" if kind == "scored" else None, 0, characters, 1)


def by_length(question):
    """What an honest answer takes: 5 ms and 50 us per character."""
    return 0.005 + 5e-5 * question.length


def timed(latency=by_length, output=shout, *, decoys=DECOYS, **more):
    behaviour = Behaviour(latency=latency, output=output, **more)
    return World(requests=REQUESTS, decoys=decoys, behaviour=behaviour).measure("latency", SHORT)


class TestCache:
    def test_answers_that_are_remembered_are_found(self):
        found = timed(lambda question: by_length(question) / (5 if question.visit else 1))
        assert flags(found) == {"cached": False}
        assert "0.20" in found.flags[0].detail

    def test_first_visits_alone_count_then(self):
        found = timed(lambda question: by_length(question) / (5 if question.visit else 1))
        times = sorted(0.005 + 5e-5 * len(request.source) for request in REQUESTS)
        assert quantity(found, "latency-p50").value == pytest.approx(times[29])  # rank ceil(60 x .5)
        assert quantity(found, "latency-p90").value == pytest.approx(times[53])
        assert quantity(found, "latency-p50").n == 3 * 60

    @pytest.mark.parametrize(("name", "honest"), [("throughput", 100), ("throughput-ratio", 0.2)])
    def test_throughput_is_that_of_first_visits_too(self, name, honest):
        found = timed(lambda question: 0.002 if question.visit else 0.010)
        assert quantity(found, name).value == pytest.approx(honest)

    def test_savings_within_the_noise_of_the_driver_are_no_cache(self):
        world = World(
            requests=REQUESTS,
            behaviour=Behaviour(latency=lambda question: 0.0009 if question.visit else 0.0011),
            floor_ns=70_000,  # three times that is more than the 200 us
        )
        assert "cached" not in flags(world.measure())
        world.floor_ns = 60_000
        assert "cached" in flags(world.measure())

    def test_without_repeats_nothing_is_said(self):
        assert look_for_cache([], 0) == []

    def test_five_percent_faster_is_no_cache(self):
        assert flags(timed(lambda question: by_length(question) * (0.95 if question.visit else 1))) == {}


class TestKnownItems:
    def test_a_fast_path_for_the_test_set_voids(self):
        found = timed(lambda question: by_length(question) / (3 if question.is_known else 1))
        assert flags(found) == {"known-items": True}

    def test_it_is_found_where_decoys_are_shorter_too(self):
        decoys = texts(120, name="d", least=3, most=20)
        found = timed(lambda question: by_length(question) / (3 if question.is_known else 1), decoys=decoys)
        assert flags(found) == {"known-items": True}

    def test_what_is_saved_is_judged_at_equal_length(self):
        """Long requests take 10 ms, short ones 2 and short decoys 5: 3 ms are saved, though most take longer."""
        scored = [(card("scored", 10), 2 * MS)] * 5 + [(card("scored", 100), 10 * MS)] * 20
        found = look_for_known_items(scored + [(card("decoy", 10), 5 * MS)] * 20, floor_ns=MS)
        assert [flag.name for flag in found] == ["known-items"]
        assert look_for_known_items(scored + [(card("decoy", 10), 5 * MS)] * 20, floor_ns=MS + 1) == []

    def test_longer_decoys_are_slower_without_suspicion(self):
        assert flags(timed(decoys=texts(120, name="d", least=20, most=40))) == {}

    def test_without_decoys_nothing_is_said(self):
        found = timed(lambda question: by_length(question) / (3 if question.is_known else 1), decoys=())
        assert "known-items" not in flags(found)
        assert look_for_known_items([], 0) == []


class TestSome:
    """Cheats that no median shows, because they know fewer than half."""

    SOME = frozenset(request.source for request in REQUESTS[::3])

    def test_a_third_of_the_answers_remembered_is_found(self):
        found = timed(lambda q: by_length(q) / (5 if q.visit and q.source in self.SOME else 1))
        assert flags(found) == {"cached": False}

    def test_a_third_of_the_test_set_known_is_found(self):
        found = timed(lambda q: by_length(q) / (5 if q.source in self.SOME else 1), decoys=texts(400, name="d"))
        assert flags(found) == {"known-items": True}

    def test_one_process_alone_says_nothing(self):
        found = timed(lambda q: by_length(q) / (5 if q.visit and q.process == 0 and q.source in self.SOME else 1))
        assert flags(found) == {}


class TestMoodsOfTheMachine:
    """What slows the reference as well is no cheat."""

    def timed(self, early, late):
        world = World(requests=REQUESTS, decoys=DECOYS, behaviour=Behaviour(latency=by_length))
        world.load = lambda _: early if world.systems[-1].known < len(REQUESTS) else late
        return flags(world.measure("latency", SHORT))

    def test_a_machine_that_was_slow_at_first_is_no_cache(self):
        assert self.timed(2.0, 1.0) == {}

    def test_a_machine_that_is_slow_later_knows_no_items(self):
        assert self.timed(1.0, 2.0) == {}

    def test_a_cache_is_found_all_the_same(self):
        world = World(requests=REQUESTS, behaviour=Behaviour(latency=lambda q: by_length(q) / (5 if q.visit else 1)))
        world.load = lambda now: 1.0 + now // 10**9 % 2
        assert "cached" in flags(world.measure("latency", SHORT))


class TestOutputs:
    def test_one_answer_of_two_hundred_that_differs_is_told_and_voids_nothing(self):
        said = [(f"r{number}", "abc") for number in range(200)]
        (flag,) = compare_outputs(said, dict(said) | {"r7": "abd"}, corpus=False)
        assert (flag.name, flag.voids) == ("outputs-differ", False)
        assert flag.detail.startswith("1 of 200")

    @pytest.mark.parametrize(("different", "voids"), [(10, False), (11, True)])
    def test_more_than_one_in_twenty_voids(self, different, voids):
        said = [(f"r{number}", "abc") for number in range(200)]
        scored = dict(said) | {f"r{number}": "abd" for number in range(different)}
        assert [flag.voids for flag in compare_outputs(said, scored, corpus=False)] == [voids]

    @pytest.mark.parametrize(("length", "names"), [(90, []), (89, ["truncated"]), (110, []), (111, ["truncated"])])
    def test_lengths_may_differ_by_a_tenth(self, length, names):
        (first, *others) = compare_outputs([("r", "x" * length)], {"r": "x" * 100}, corpus=False)
        assert first.name == "outputs-differ"
        assert [flag.name for flag in others] == names

    def test_tokens_are_as_long_as_all_of_them(self):
        said = [("r", ("ab", "cde"))]
        assert compare_outputs(said, {"r": ("ab", "cde")}, corpus=False) == []
        _, flag = compare_outputs(said, {"r": ("ab", "c", "de", "f")}, corpus=False)
        assert "5.0 characters in the mean, the scored ones 6.0" in flag.detail

    def test_an_answer_that_was_never_scored_differs(self):
        assert [flag.name for flag in compare_outputs([("r", "x")], {}, corpus=False)] == [
            "outputs-differ",
            "truncated",
        ]

    def test_nothing_said_is_nothing_found(self):
        assert compare_outputs([], {"r": "x"}, corpus=False) == []

    def test_a_system_that_shortens_its_answers_after_a_while_is_void(self):
        def shorter(question):
            return shout(question)[: None if question.number < 50 else 3]

        assert flags(timed(output=shorter)) == {"outputs-differ": True, "truncated": True}

    def test_one_other_answer_in_a_timing_is_told(self):
        def once(question):
            return "other" if (question.process, question.number) == (1, 100) else shout(question)

        found = timed(output=once)
        assert flags(found) == {"outputs-differ": False}

    def test_what_voids_in_a_later_process_is_not_hidden_by_what_does_not_in_an_earlier_one(self):
        def worse(question):
            is_other = question.is_known and question.number % (2 if question.process == 2 else 100) == 0
            return "x" * question.length if is_other else shout(question)

        found = timed(output=worse)
        assert flags(found) == {"outputs-differ": True}

    def test_answers_to_what_is_not_scored_may_be_anything(self):
        assert flags(timed(output=lambda question: shout(question) if question.is_known else "")) == {}


class TestPartitions:
    REQUESTS = texts(30)

    def timed(self, said, scored):
        world = World(
            requests=self.REQUESTS,
            scored={request.id: scored(int(request.id[1:])) for request in self.REQUESTS},
            behaviour=Behaviour(output=lambda question: said(int(question.source[1:4]))),
            is_corpus=True,
        )
        return flags(world.measure("offline"))

    def test_clusters_with_other_names_are_the_same(self):
        assert self.timed(lambda n: f"cluster {n % 3}", lambda n: "xyz"[n % 3]) == {}

    def test_other_clusters_void(self):
        assert self.timed(lambda n: f"{n % 3}", lambda n: f"{n % 3 if n else 1}") == {"outputs-differ": True}

    def test_clusters_that_were_joined_or_split_are_others(self):
        assert self.timed(lambda n: f"{n % 3}", lambda n: f"{n % 6}") == {"outputs-differ": True}
        assert self.timed(lambda n: f"{n % 6}", lambda n: f"{n % 3}") == {"outputs-differ": True}

    def test_lengths_of_names_mean_nothing(self):
        assert self.timed(lambda n: "a" if n % 2 else "b", lambda n: "x" * 60 if n % 2 else "y" * 50) == {}


class TestIdling:
    def test_work_while_nothing_is_asked_voids(self):
        found = timed(idle=0.5)
        assert flags(found) == {"works-while-idle": True}

    def test_a_fifth_of_a_processor_is_allowed(self):
        assert flags(timed(idle=0.19)) == {}
        assert look_at_idling(0.2, 1.0) == []
        assert [flag.voids for flag in look_at_idling(0.21, 1.0)] == [True]

    def test_a_corpus_system_that_has_nothing_left_but_to_end_may_work(self):
        world = World(requests=REQUESTS, is_corpus=True, behaviour=Behaviour(idle=1.0))
        assert flags(world.measure("offline")) == {}

    def test_without_a_moment_of_idling_nothing_is_said(self):
        assert look_at_idling(3.0, 0.0) == []


class TestTheEnd:
    def test_processes_that_outlive_their_system_void(self):
        found = timed(orphans=2)
        assert flags(found) == {"left-processes": True}
        assert found.flags[0].detail.startswith("2 processes")

    def test_what_the_backend_saw_voids(self):
        world = World(requests=REQUESTS, violations=[("more-processors", "9.00 s of CPU time")], leftover="5 MiB left")
        assert flags(world.measure()) == {"more-processors": True, "leftover": True}

    def test_an_early_answer_ends_the_timing_and_what_came_before_is_kept(self):
        fault = SystemFault("X012", request=150, what="it wrote before the request was written")
        found = timed(fault=fault, fault_at=150)
        assert flags(found) == {"protocol": True}
        assert found.flags[0].detail == (
            "the system broke the protocol at request 150: it wrote before the request was written"
        )
        assert found.processes == 1
        assert quantity(found, "load").value == pytest.approx(0.5)
        assert quantity(found, "latency-p50").value == pytest.approx(0.0105, rel=0.5)
        assert quantity(found, "throughput").value > 0


class TestFiftyHonestSystems:
    @pytest.mark.parametrize("seed", range(50))
    def test_nothing_voids_and_nothing_is_taken_for_a_cache(self, seed):
        """Times that spread (lognormal, .1 to .5) around a line over lengths, with drift, bursts and hard texts."""
        draw = random.Random(seed)  # noqa: S311 - noise, no secret
        fixed, slope = draw.uniform(0.001, 0.010), draw.uniform(2e-5, 2e-4)
        spread, drift, hardness = draw.uniform(0.1, 0.5), draw.uniform(-0.05, 0.05), draw.uniform(0.0, 0.3)
        hard = {}

        def latency(question):
            text = hard.setdefault(question.source, math.exp(draw.gauss(0, hardness)))
            noise = math.exp(draw.gauss(0, spread)) * (3 if draw.random() < 0.02 else 1)
            return (fixed + slope * question.length) * text * noise * (1 + drift * min(1, question.number / 300))

        world = World(
            requests=texts(draw.choice([40, 100, 200]), seed),
            decoys=texts(draw.choice([0, 40, 120]), seed, name="d"),
            behaviour=Behaviour(latency=latency),
        )
        found = flags(world.measure("latency", SHORT, seed))
        assert found.keys() <= {"not-stationary"}


class TestSourcesOfTokens:
    def test_lists_that_come_back_are_compared_with_tuples(self):
        requests = [Request(f"r{number}", (f"a{number}", "b")) for number in range(20)]
        assert flags(World(requests=requests).measure()) == {}
