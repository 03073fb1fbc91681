"""What is asked when, and the numbers that are known beforehand, on a clock that waits for nobody."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from harness.timing import scenarios
from harness.timing.process import NS, QUICK, Process, Rules

from .simulated import RULES, Behaviour, World, flags, quantity, shout, texts

REQUESTS = texts(50)
CHARACTERS = sum(len(request.source) for request in REQUESTS) / 50
WORDS = sum(len(request.source.split()) for request in REQUESTS) / 50
DECOYS = texts(60, name="d")


def constant(seconds, **more):
    return Behaviour(latency=lambda _: seconds, **more)


def asked(system):
    """The sources that a system was asked, and how often."""
    return Counter(request.source for request in system.asked)


class TestNames:
    @pytest.mark.parametrize("name", ["latency", "offline", "server", "batch-1", "batch-512"])
    def test_scenarios_are_found_by_their_names(self, name):
        assert scenarios.find(name).name == name

    @pytest.mark.parametrize("name", ["batch-0", "batch-N", "batch-1234567", "Latency", ""])
    def test_other_names_are_none(self, name):
        assert scenarios.find(name) is None

    @pytest.mark.parametrize(
        ("unit", "protocol", "may"),
        [
            ("segment", "jsonl", ["latency", "offline", "server", "batch-8"]),
            ("corpus", "jsonl", ["offline"]),
            ("segment", "batch", ["offline"]),
        ],
    )
    def test_a_system_is_asked_only_as_it_can_be(self, unit, protocol, may):
        run = SimpleNamespace(unit=unit, protocol=protocol)
        names = ["latency", "offline", "server", "batch-8"]
        assert [name for name in names if scenarios.find(name).refuses(run) is None] == may


@pytest.fixture(scope="module")
def steady():
    """Ten milliseconds, always."""
    return World(requests=REQUESTS, decoys=DECOYS, behaviour=constant(0.010, load_s=3.0)).measure()


class TestLatency:
    @pytest.mark.parametrize("name", ["latency-p50", "latency-p90", "latency-p99"])
    def test_a_system_of_ten_milliseconds_has_them_at_every_percentile(self, steady, name):
        percentile = quantity(steady, name)
        assert [percentile.value, percentile.lo, percentile.hi] == pytest.approx([0.010] * 3)

    def test_its_throughput_is_the_inverse(self, steady):
        assert quantity(steady, "throughput").value == pytest.approx(100)

    def test_characters_and_words_are_those_of_the_sources(self):
        found = World(requests=REQUESTS, behaviour=constant(0.010)).measure("offline")
        assert quantity(found, "throughput-characters").value == pytest.approx(100 * CHARACTERS)
        assert quantity(found, "throughput-words").value == pytest.approx(100 * WORDS)

    def test_two_milliseconds_of_the_reference_make_a_fifth_of_a_request_each(self, steady):
        assert quantity(steady, "throughput-ratio").value == pytest.approx(0.2)

    def test_it_is_asked_one_at_a_time(self):
        world = World(requests=REQUESTS)
        world.measure()
        assert all(system.ends == [] for system in world.systems)  # never poured

    def test_raw_latencies_are_kept_by_process(self, steady):
        assert len(steady.latencies) == 3
        assert {latency for one in steady.latencies for latency in one} == {10_000_000}

    def test_decoys_are_asked_and_their_latencies_never_told(self):
        def slow_where_unknown(question):
            return 0.010 if question.is_known else 0.012

        found = World(requests=REQUESTS, decoys=DECOYS, behaviour=Behaviour(latency=slow_where_unknown)).measure()
        assert found.decoys == 3 * 30
        assert quantity(found, "latency-p99").value == pytest.approx(0.010)
        assert max(map(max, found.latencies)) == 12_000_000


class TestPhases:
    """Load 3 s, first answer 50 ms, ten slow ones, then 1 ms: nothing leaks into what comes after it."""

    @staticmethod
    def latency(question):
        return 0.050 if question.number == 0 else 0.020 if question.number < 10 else 0.001

    @pytest.fixture
    def world(self):
        return World(requests=REQUESTS, behaviour=Behaviour(latency=self.latency, load_s=3.0))

    @pytest.mark.parametrize("scenario", ["latency", "offline", "batch-7"])
    def test_loading_first_output_and_steady_state_are_apart(self, world, scenario):
        found = world.measure(scenario)
        assert quantity(found, "load").value == pytest.approx(3.0)
        assert quantity(found, "first-output").value == pytest.approx(0.050)
        assert quantity(found, "throughput").value == pytest.approx(1000)
        assert quantity(found, "end-to-end").value == pytest.approx(3.0 + 50 * 0.001)

    def test_the_slow_first_ones_are_no_latencies(self, world):
        assert quantity(world.measure(), "latency-p99").value == pytest.approx(0.001)

    def test_without_a_sign_of_readiness_loading_ends_with_the_first_output(self):
        world = World(requests=REQUESTS, behaviour=Behaviour(latency=self.latency, load_s=3.0), has_banner=False)
        found = world.measure()
        assert quantity(found, "load").value == pytest.approx(3.050)
        assert quantity(found, "end-to-end").value == pytest.approx(3.050 + 50 * 0.001)

    def test_one_that_never_settles_is_told_and_not_void(self):
        def slower_and_slower(question):
            return 0.001 * 1.02**question.number

        found = World(requests=REQUESTS, behaviour=Behaviour(latency=slower_and_slower)).measure()
        assert flags(found) == {"not-stationary": False}

    def test_warming_up_ends_when_latencies_are_steady(self):
        world = World(requests=REQUESTS, behaviour=Behaviour(latency=lambda q: 0.050 if q.number < 35 else 0.010))
        process = Process(world.subject(), RULES, None, 1)
        process.open()
        process.warm_up()
        # the first window without the slow ones begins at 35 and has 40 values; it is looked for at every tenth
        assert (process.noted.warm_up, process.noted.is_stationary) == (80, True)
        process.close()

    def test_latencies_in_proportion_to_lengths_are_steady(self):
        world = World(requests=REQUESTS, behaviour=Behaviour(latency=lambda q: 0.0001 * (1 + q.length)))
        process = Process(world.subject(), RULES, None, 1)
        process.open()
        process.warm_up()
        assert (process.noted.warm_up, process.noted.is_stationary) == (50, True)  # the floor of 10 and a window
        process.close()

    def test_a_process_that_never_said_that_it_is_ready_may_load_during_its_first_request(self):
        world = World(requests=REQUESTS, has_banner=False)
        world.measure()
        assert world.systems[0].limits[1:3] == [RULES.load_s, RULES.answer_s]


class TestOffline:
    def test_fast_systems_get_several_permutations_at_once(self):
        world = World(requests=REQUESTS, behaviour=constant(0.0001))
        found = world.measure("offline")
        times = asked(world.systems[0])
        assert quantity(found, "throughput").value == pytest.approx(10_000)
        # a permutation takes 5 ms and a block 200 ms: one alone, then forty at once, until two seconds are over
        assert {times[request.source] for request in REQUESTS} == {1 + 40 * 10}
        assert found.blocks == 3 * 11

    def test_no_more_than_twenty_thousand_are_poured_at_once(self):
        world = World(requests=REQUESTS, behaviour=constant(0.000001))
        rules = replace(RULES, least_s=0.1, processes=1)
        world.measure("offline", rules)
        times = asked(world.systems[0])[REQUESTS[0].source]
        assert (times - 1) % (20_000 // 50) == 0

    def test_slow_systems_get_one_permutation_at_a_time(self):
        world = World(requests=REQUESTS, behaviour=constant(0.010))
        found = world.measure("offline")
        assert asked(world.systems[0])[REQUESTS[0].source] == found.blocks / 3 == 5

    def test_answers_that_leave_in_groups_change_nothing(self):
        honest = World(requests=REQUESTS, decoys=DECOYS, behaviour=constant(0.001, group=16)).measure("offline")
        assert flags(honest) == {}
        assert quantity(honest, "throughput").value == pytest.approx(1000)

    def test_there_are_no_latencies(self):
        found = World(requests=REQUESTS).measure("offline")
        assert found.latencies == []
        assert not [one for one in found.quantities if one.name.startswith("latency")]

    def test_one_pass_is_loading_and_the_first_permutation(self):
        found = World(requests=REQUESTS, behaviour=constant(0.010)).measure("offline")
        assert quantity(found, "end-to-end").value == pytest.approx(0.5 + 0.5)


class TestCorpus:
    def test_each_process_gets_one_block_and_the_end_of_the_input(self):
        world = World(requests=REQUESTS, is_corpus=True, behaviour=constant(0.010))
        found = world.measure("offline")
        assert [system.ends for system in world.systems] == [[True]] * 3
        assert [len(system.asked) for system in world.systems] == [50, 50, 50]
        assert found.blocks == 3
        assert flags(found) == {}

    def test_its_numbers_are_those_of_the_whole(self):
        world = World(requests=REQUESTS, is_corpus=True, behaviour=constant(0.010, load_s=2.0))
        found = world.measure("offline")
        assert quantity(found, "throughput").value == pytest.approx(100)
        assert quantity(found, "first-output").value == pytest.approx(0.5)  # all come together
        assert quantity(found, "end-to-end").value == pytest.approx(2.5)

    def test_it_has_an_hour(self):
        world = World(requests=REQUESTS, is_corpus=True)
        world.measure("offline")
        assert world.systems[0].limits == [RULES.load_s, 3600.0, RULES.stop_s]


class TestFiles:
    """A command for files: 2 s for itself and 10 ms per request, each time."""

    @pytest.fixture
    def world(self):
        return World(
            requests=REQUESTS, is_batch=True, has_banner=False, behaviour=constant(0.010, pour_s=2.0, load_s=0)
        )

    @pytest.fixture
    def found(self, world):
        return world.measure("offline")

    def test_what_is_fixed_and_what_a_request_costs_are_told_apart(self, found):
        assert quantity(found, "throughput").value == pytest.approx(100)
        assert quantity(found, "fixed-cost").value == pytest.approx(2.0)

    def test_one_pass_takes_both(self, found):
        assert quantity(found, "end-to-end").value == pytest.approx(2.5)

    def test_it_has_no_moment_of_readiness_and_no_first_output(self, found):
        for name in ("load", "first-output"):
            assert quantity(found, name).value is None
            assert quantity(found, name).reason == "the protocol has no such moment"

    def test_half_of_the_requests_come_once_more_than_the_others(self, world):
        world.measure("offline")
        assert Counter(asked(world.systems[0]).values()) == {1: 25, 2: 25}

    def test_it_may_take_as_long_as_loading_and_answering(self, world):
        world.measure("offline")
        assert world.systems[0].limits[1] == RULES.load_s + RULES.answer_s

    def test_of_a_single_request_there_is_no_difference_to_take(self):
        found = World(requests=texts(1), is_batch=True, has_banner=False).measure("offline")
        assert quantity(found, "throughput").reason == "all requests took no longer than half of them"
        assert quantity(found, "end-to-end").value == pytest.approx(0.010)


class TestBatches:
    @pytest.mark.parametrize("size", [1, 7, 64])
    def test_so_many_are_under_way_at_once(self, size):
        sizes = []

        class Watching(World):
            def _make(self):
                system = super()._make()
                pour, ask = system.pour, system.ask
                system.pour = lambda requests, *rest, **more: (
                    sizes.append(len(requests)) or pour(requests, *rest, **more)
                )
                system.ask = lambda *rest: sizes.append(1) or ask(*rest)
                return system

        world = Watching(requests=REQUESTS, behaviour=constant(0.001))
        found = world.measure(f"batch-{size}")
        warm_up = 3 * 60  # one at a time, until fifty and a tenth one are steady
        assert set(sizes[warm_up:]) <= {1, size}
        assert sizes.count(size) * size >= 3 * 2 * 50
        assert quantity(found, "throughput").value == pytest.approx(1000)

    def test_the_time_between_blocks_is_no_part_of_a_pass(self):
        found = World(requests=REQUESTS, behaviour=constant(0.100), unit_s=1.0).measure("batch-5")
        assert quantity(found, "end-to-end").value == pytest.approx(0.5 + 5.0)


def sustained(service, bound, p=0.99, n=200_000):
    """The largest rate of Poisson arrivals that one server of constant service time answers within a bound.

    Lindley's recursion in closed form: the end of job i is max over j <= i of a_j + (i - j + 1) service.
    """
    gaps = np.random.default_rng(5).standard_exponential(n)
    steps = service * np.arange(n)
    low, high = 0.0, 1 / service
    for _ in range(12):
        rate = (low + high) / 2
        times = np.cumsum(gaps) / rate
        late = np.maximum.accumulate(times - steps) + steps + service - times
        low, high = (rate, high) if np.quantile(late, p) <= bound else (low, rate)
    return low


class TestServer:
    RULES = replace(RULES, most_s=600.0)

    @pytest.mark.parametrize(
        ("service", "bound"), [(0.010, 0.100), (0.010, 0.200), (0.0005, 0.200), (0.050, 0.200)], ids=str
    )
    def test_the_largest_rate_is_that_which_the_queue_sustains(self, service, bound):
        world = World(requests=REQUESTS, decoys=DECOYS, behaviour=constant(service))
        found = world.measure("server", replace(self.RULES, bound_s=bound))
        rate, truth = quantity(found, "server-rate"), sustained(service, bound)
        assert rate.n == 3
        assert rate.value == pytest.approx(truth, rel=0.15)
        assert rate.lo >= 0.75 * truth
        assert rate.hi <= 1.25 * truth

    def test_a_quick_one_is_near(self):
        found = World(requests=REQUESTS, behaviour=constant(0.010)).measure("server", QUICK)
        assert quantity(found, "server-rate").value == pytest.approx(sustained(0.010, 0.2, 0.9), rel=0.2)

    def test_latencies_count_from_the_scheduled_arrival(self):
        """Two requests a service time: the queue grows by one per two arrivals, and every one is charged for it."""
        world = World(requests=REQUESTS, behaviour=constant(0.010))
        process = Process(world.subject(), RULES, None, 1)
        process.open()
        served = scenarios._serve(process, process.deck.permutation() * 4, 200.0)
        process.close()
        assert not served.holds or max(served.latencies) <= 0.2 * NS
        assert max(served.latencies) > 0.5 * 200 * 0.005 * NS  # the last waits about half of the whole schedule
        assert min(served.latencies) >= 10_000_000

    def test_percentiles_are_those_of_the_largest_rate(self):
        found = World(requests=REQUESTS, behaviour=constant(0.010)).measure("server", self.RULES)
        assert 0.010 < quantity(found, "latency-p50").value < quantity(found, "latency-p90").value
        assert quantity(found, "latency-p90").value < quantity(found, "latency-p99").value
        assert quantity(found, "latency-p99").value < 0.2

    def test_a_system_slower_than_the_bound_holds_at_no_rate(self):
        world = World(requests=REQUESTS, behaviour=constant(0.250))
        found = world.measure("server", self.RULES)
        assert [system.ends for system in world.systems] == [[], [], []]  # nothing is poured for minutes in vain
        for name in ("server-rate", "latency-p50", "latency-p99"):
            assert quantity(found, name).value is None
            assert quantity(found, name).reason == "no rate of arrivals holds the bound"
        assert not any(flags(found).values())

    def test_neither_a_ratio_nor_a_pass_is_told(self):
        found = World(requests=REQUESTS, behaviour=constant(0.010)).measure("server", self.RULES)
        assert quantity(found, "throughput-ratio").reason == "arrivals set the pace, not the system"
        assert quantity(found, "end-to-end").reason == "requests wait until they are due"

    def test_when_its_time_is_over_what_has_held_is_the_answer(self):
        world = World(requests=REQUESTS, behaviour=constant(0.010))
        found = world.measure("server", replace(RULES, most_s=13.0))
        # alone 100 a second; half of that is tried first, and 662 arrivals then take 13 s
        assert quantity(found, "server-rate").value == pytest.approx(50)
        assert world.clock() / NS < 3 * 20

    def test_a_schedule_that_takes_long_is_waited_for(self):
        """662 arrivals at half of the rate alone take 252 s, and their answers may take 397 s more."""
        world = World(requests=REQUESTS, behaviour=constant(0.190))
        world.measure("server", replace(RULES, most_s=20.0))
        assert max(world.systems[0].limits) == pytest.approx(662 * 0.6 + 662 * 0.190 * 2, rel=0.05)


class TestEveryRequest:
    @pytest.mark.parametrize("scenario", ["latency", "offline", "batch-7"])
    def test_comes_twice_at_least(self, scenario):
        """Precision is reached at once, and a pass takes longer than the least time."""
        world = World(requests=REQUESTS, decoys=DECOYS, behaviour=constant(0.100))
        world.measure(scenario)
        for system in world.systems:
            times = asked(system)
            assert min(times[request.source] for request in REQUESTS) >= 2

    def test_never_comes_again_before_all_others_came(self):
        world = World(requests=REQUESTS, behaviour=constant(0.010))
        world.measure()
        known = {request.source for request in REQUESTS}
        scored = [request.source for request in world.systems[0].asked if request.source in known]
        whole = len(scored) // 50
        assert whole >= 2
        assert all(set(scored[50 * one : 50 * one + 50]) == known for one in range(whole))


class TestOutputsOfTheWarmUp:
    @pytest.mark.parametrize("scenario", ["latency", "offline", "batch-7", "server"])
    def test_are_not_compared(self, scenario):
        def wrong_at_first(question):
            return shout(question) if question.is_known else "?"

        world = World(requests=REQUESTS, behaviour=Behaviour(latency=lambda _: 0.010, output=wrong_at_first))
        assert flags(world.measure(scenario, Rules(processes=1, least_s=1, most_s=5, block_s=0.2))) == {}
