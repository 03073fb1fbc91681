"""A whole timing: when it stops, what its intervals say, what disturbs it, and what is left when something breaks."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from harness.api import Request
from harness.errors import EnvironmentFault
from harness.timing import Asked, Replied, SystemFault, measuring, scenarios
from harness.timing.deck import Card
from harness.timing.process import FULL, NS, QUICK, Block, Noted, Process, Reference, Rules
from harness.timing.quantities import Numbers, over_processes

from .simulated import RULES, Behaviour, World, flags, quantity, stepwise, texts

REQUESTS = texts(50)


def constant(seconds, **more):
    return Behaviour(latency=lambda _: seconds, **more)


def names(measured):
    return [one.name for one in measured.quantities]


class TestPercentiles:
    """Three hundred latencies of 10 ms, in blocks of 25."""

    RULES = replace(RULES, processes=1, block_s=0.25, least_s=3.0)

    def test_one_of_too_few_says_so(self):
        found = World(requests=texts(100)).measure("latency", self.RULES)
        percentile = quantity(found, "latency-p99")
        assert (percentile.value, percentile.lo, percentile.hi, percentile.n) == (None, None, None, 300)
        assert percentile.reason == "n too small: 300 of the 368 that it takes"

    def test_those_of_enough_are_told_beside_it(self):
        found = World(requests=texts(100)).measure("latency", self.RULES)
        for name in ("latency-p50", "latency-p90"):
            assert quantity(found, name).value == pytest.approx(0.010)
            assert quantity(found, name).n == 300

    def test_one_of_enough_is_told(self):
        found = World(requests=texts(100)).measure("latency", replace(self.RULES, least_s=3.7))
        assert quantity(found, "latency-p99").value == pytest.approx(0.010)
        assert quantity(found, "latency-p99").n == 375

    def test_it_is_the_latency_at_its_rank(self):
        """Of a hundred requests that take 1, 2, ... 100 ms: 50, 90 and 99 ms, by inverted CDF."""
        requests = [Request(f"r{number}", f"{number}") for number in range(1, 101)]
        world = World(requests=requests, behaviour=Behaviour(latency=lambda q: 0.001 * int(q.source.split(" ")[0])))
        world.behaviour.latency = lambda q: 0.001 * int(q.source) if q.is_known else 0.050
        found = world.measure("latency", replace(RULES, least_s=20.2, most_s=20.2, block_s=5.05))  # four passes
        assert [quantity(found, f"latency-p{p}").n for p in (50, 90, 99)] == [1200] * 3
        assert [quantity(found, f"latency-p{p}").value for p in (50, 90, 99)] == pytest.approx([0.050, 0.090, 0.099])


class TestTheDriversFloor:
    @pytest.mark.parametrize(
        ("floor_us", "told", "refused"),
        [(100, False, False), (101, True, False), (1000, True, False), (1001, True, True)],
    )
    def test_is_told_above_one_percent_and_refuses_latencies_above_ten(self, floor_us, told, refused):
        found = World(requests=REQUESTS, floor_ns=floor_us * 1000).measure()
        assert flags(found) == ({"driver-floor": False} if told else {})
        assert (quantity(found, "latency-p50").value is None) == refused
        assert quantity(found, "throughput").value == pytest.approx(100)

    def test_the_reason_has_both_numbers(self):
        found = World(requests=REQUESTS, floor_ns=2_000_000).measure()
        assert quantity(found, "latency-p90").reason == "the driver takes 20 % of it, more than 10 %"
        assert found.flags[0].detail == "the driver alone takes 2000.0 us, 20.0 % of the median latency"


class TestProcesses:
    """Three that take 8, 10 and 12.5 ms, each without any noise of its own."""

    TIMES = (0.008, 0.010, 0.0125)

    @pytest.fixture
    def found(self):
        return World(requests=REQUESTS, behaviour=Behaviour(latency=lambda q: self.TIMES[q.process])).measure()

    def test_the_interval_is_that_between_processes(self, found):
        """Logs are log(100) -.223, 0, +.223: sd .2231, times t = 4.3027 over the root of 3 is .5543."""
        rate = quantity(found, "throughput")
        assert rate.value == pytest.approx(100)
        assert (rate.lo, rate.hi) == pytest.approx((100 * math.exp(-0.5543), 100 * math.exp(0.5543)), rel=1e-3)

    def test_so_is_that_of_a_percentile(self, found):
        median = quantity(found, "latency-p50")
        assert median.value == pytest.approx(0.010, rel=0.26)
        assert (median.lo, median.hi) == pytest.approx((0.010 * math.exp(-0.5543), 0.010 * math.exp(0.5543)), rel=1e-3)

    def test_what_each_has_once_is_a_median_with_its_extremes(self):
        found = over_processes("load", "s", [3.0, None, 1.0, 2.0], "none")
        assert (found.value, found.lo, found.hi, found.n) == (2.0, 1.0, 3.0, 3)

    def test_a_quick_timing_has_one(self):
        found = World(requests=REQUESTS).measure("latency", QUICK)
        assert found.processes == 1
        assert quantity(found, "load").n == 1
        assert quantity(found, "load").lo is None
        assert quantity(found, "throughput").lo == pytest.approx(100)  # of its blocks

    def test_each_has_an_order_of_its_own(self):
        world = World(requests=REQUESTS)
        world.measure()
        orders = [[request.source for request in system.asked] for system in world.systems]
        assert orders[0] != orders[1] != orders[2]

    def test_the_same_seed_gives_the_same_order(self):
        orders = []
        for _ in range(2):
            world = World(requests=REQUESTS)
            world.measure(seed=3)
            orders.append([request.source for system in world.systems for request in system.asked])
        assert orders[0] == orders[1]

    def test_each_is_stopped_before_the_next_begins(self):
        world = World(requests=REQUESTS)
        world.measure()
        ends = [system.began for system in world.systems[1:]]
        assert all(system.is_stopped for system in world.systems)
        assert all(system.began + NS < end for system, end in zip(world.systems, ends, strict=False))

    def test_it_tells_how_far_it_is(self):
        world, told = World(requests=REQUESTS), []
        measuring.measure(world.subject(), scenarios.find("latency"), RULES, 1, told.append)
        assert told == ["process 1 of 3", "process 2 of 3", "process 3 of 3"]


class TestStopping:
    def asked_s(self, behaviour, rules=FULL, scenario="latency"):
        world = World(requests=REQUESTS, behaviour=behaviour)
        process = Process(world.subject(), replace(rules, processes=1), None, 1)
        process.open()
        scenarios.find(scenario).ask(process)
        process.close()
        return process.noted.asked_wall_s

    @pytest.mark.parametrize("scenario", ["latency", "batch-5"])
    def test_one_that_is_precise_soon_stops_at_the_least_time(self, scenario):
        assert self.asked_s(constant(0.010), FULL, scenario) == pytest.approx(10.0, abs=0.1)

    def test_a_noisy_one_goes_on_to_the_end(self):
        draw = random.Random(1)  # noqa: S311 - noise, no secret
        rules = replace(FULL, most_s=60.0)
        found = self.asked_s(Behaviour(latency=lambda _: 0.010 * math.exp(draw.gauss(0, 3))), rules)
        assert found >= 60.0

    def test_throughput_alone_is_not_enough_where_percentiles_are_told(self):
        """Half of the answers take 10 ms and half 20: blocks agree, and the median lies between the two."""
        behaviour = Behaviour(latency=lambda q: 0.010 if q.number % 2 else 0.020)
        rules = replace(FULL, most_s=20.0)
        assert self.asked_s(behaviour, rules, "batch-10") == pytest.approx(10.0, abs=0.6)
        assert self.asked_s(behaviour, rules) >= 20.0

    def test_a_middling_one_stops_in_between(self):
        """Blocks of one second spread by 8 %: t s / sqrt(n) <= .02 takes about 64 of them."""
        draw = random.Random(2)  # noqa: S311 - noise, no secret
        load = stepwise(draw, lambda: math.exp(draw.gauss(0, 0.08)), every_s=0.001)
        found = self.asked_s(Behaviour(latency=lambda q: 0.5 * load(q.number * NS)), replace(FULL, most_s=400.0))
        assert 15 < found < 120

    def test_five_blocks_are_asked_at_least(self):
        found = World(requests=REQUESTS, behaviour=constant(1.0)).measure("offline", replace(RULES, most_s=1000.0))
        assert found.blocks == 15

    def test_a_slow_one_stops_at_the_end_of_its_time(self):
        found = World(requests=REQUESTS, behaviour=constant(3.0)).measure()
        assert found.blocks == 3 * 7  # of 3 s each, until 20 s are over
        assert quantity(found, "end-to-end").reason == "not every request was answered"


class TestNoise:
    def test_blocks_that_others_disturbed_do_not_count(self):
        """Two permutations of ten take ten times as long, and the machine says why."""
        slow = Behaviour(latency=lambda q: 0.100 if 350 <= q.number < 450 else 0.010)  # the first fifty warm up
        rules = replace(RULES, processes=1, least_s=14.0, most_s=15.0)
        rejections = {6: "others waited", 7: "others waited"}
        disturbed = World(requests=REQUESTS, behaviour=slow).measure("offline", rules)
        quiet = World(requests=REQUESTS, behaviour=slow, rejections=rejections).measure("offline", rules)
        assert quantity(disturbed, "throughput").value < 90
        assert (quiet.rejected, flags(quiet)) == (2, {})
        assert quantity(quiet, "throughput").lo == pytest.approx(100)

    def test_their_latencies_do_not_count_either(self):
        world = World(requests=REQUESTS, rejections={0: "others waited"})
        rules = replace(RULES, processes=1)
        assert quantity(world.measure("latency", rules), "latency-p50").n == 20 * 10  # eleven blocks of twenty

    def test_but_their_answers_do(self):
        def wrong_at_first(question):
            return "?" * question.length if 50 <= question.number < 70 else question.source.upper()

        behaviour = Behaviour(latency=lambda _: 0.010, output=wrong_at_first)
        world = World(requests=REQUESTS, behaviour=behaviour, rejections={0: "others waited"})
        assert flags(world.measure("latency", replace(RULES, processes=1))) == {"outputs-differ": True}

    @pytest.mark.parametrize(("rejected", "voids"), [(3, False), (4, True)])
    def test_more_than_a_fifth_of_them_voids(self, rejected, voids):
        """Five blocks of half a second in each of three processes: three of fifteen are a fifth."""
        rejections = {(0, 5, 10, 11)[number]: "steal was 3 %" for number in range(rejected)}
        world = World(requests=REQUESTS, rejections=rejections)
        found = world.measure("offline", replace(RULES, most_s=2.5))
        assert (found.blocks, found.rejected) == (15, rejected)
        assert flags(found) == ({"noise": True} if voids else {})

    def test_the_numbers_of_a_noisy_one_are_kept_with_the_reason(self):
        world = World(requests=REQUESTS, rejections=dict.fromkeys(range(1000), "steal was 3.0 %"))
        found = world.measure("offline")
        assert flags(found) == {"noise": True}
        assert found.flags[0].detail == f"{found.blocks} of {found.blocks} blocks: steal was 3.0 %"
        assert quantity(found, "throughput").value == pytest.approx(100)
        assert quantity(found, "throughput-ratio").value == pytest.approx(0.2)

    def test_rejected_blocks_do_not_bring_the_end_nearer(self):
        world = World(requests=REQUESTS, rejections={1: "others waited", 4: "others waited"})
        found = world.measure("offline", replace(RULES, processes=1, least_s=0.5))
        assert (found.blocks, found.rejected) == (5 + 2, 2)

    def test_where_all_are_rejected_nobody_waits_for_better_times(self):
        world = World(requests=REQUESTS, rejections=dict.fromkeys(range(1000), "others waited"))
        found = world.measure("offline", replace(RULES, processes=1, least_s=0.5))
        assert (found.blocks, found.rejected) == (5, 5)


class TestReference:
    def test_it_runs_before_and_after_blocks_in_turn(self):
        world, order = World(requests=REQUESTS, is_batch=True), []
        reference = Reference(None, Asked("", ""), world.clock)
        reference.rate = lambda _: order.append("B") or 1.0
        process = Process(world.subject(), RULES, reference, 1)
        for _ in range(4):
            process.block(lambda: order.append("A") or [])
        assert "".join(order) == "ABBAABBA"

    def test_it_counts_units_over_at_least_the_time(self):
        world = World(requests=REQUESTS, unit_s=0.030)
        with world.subject().reference() as reference:
            assert reference.rate(0.1) == pytest.approx(1 / 0.030)
            assert world.clock.now == pytest.approx(0.120 * NS)  # four units, the first that are 0.1 s or more

    def test_one_unit_is_counted_however_long_it_takes(self):
        world = World(requests=REQUESTS, unit_s=5.0)
        with world.subject().reference() as reference:
            assert reference.rate(0.1) == pytest.approx(0.2)

    def test_one_that_breaks_is_not_the_systems_fault(self):
        world = World(requests=REQUESTS, unit_fault=SystemFault("X010", what="it ended"))
        with pytest.raises(EnvironmentFault) as raised:
            world.measure()
        assert raised.value.problems[0].code == "E014"
        assert all(system.is_stopped for system in world.systems)

    def test_its_time_is_no_time_of_the_system(self):
        found = World(requests=REQUESTS, unit_s=1.0).measure()
        assert quantity(found, "throughput").value == pytest.approx(100)

    def test_the_interval_of_the_ratio_holds_the_truth_under_load(self):
        """A hundred timings beside a load that comes and goes and slows both by up to four; 1 request takes 5 units."""
        rules = Rules(processes=1, least_s=12, most_s=12, block_s=0.5, reference_s=0.1, warm_up_s=0.05)
        hits, moved, suspected = 0, 0, 0
        for seed in range(100):
            draw = random.Random(seed)  # noqa: S311 - noise, no secret
            load = stepwise(draw, lambda draw=draw: draw.uniform(1, 4), every_s=3.0)
            latency = Behaviour(latency=lambda _, draw=draw: 0.010 * math.exp(draw.gauss(0, 0.2) - 0.02))
            world = World(requests=REQUESTS, decoys=texts(60, name="d"), behaviour=latency, load=load)
            found = world.measure("latency", rules, seed)
            ratio, rate = quantity(found, "throughput-ratio"), quantity(found, "throughput")
            hits += ratio.lo is not None and ratio.lo <= 0.2 <= ratio.hi
            moved += rate.hi is not None and rate.hi < 100
            suspected += bool(flags(found).keys() - {"not-stationary"})
        assert hits >= 90
        assert moved >= 90  # what is not paired is far off
        assert suspected <= 3  # by latencies alone, forty of a hundred would be cheats


class TestFaults:
    def test_one_in_loading_leaves_a_void_timing_without_numbers(self):
        fault = SystemFault("X011", request="0 (ready)", expected=50, limit=600.0, found=0, detail="")
        found = World(requests=REQUESTS, behaviour=constant(0.010, fault=fault, fault_at=-1)).measure()
        assert flags(found) == {"no-answer": True}
        assert found.flags[0].detail == "no reply to request 0 (ready) within 600 s (0 bytes received)"
        assert (found.processes, found.blocks, found.rejected) == (1, 0, 0)
        assert found.latencies == [[]]
        reasons = {one.name: one.reason for one in found.quantities if one.value is None}
        assert reasons["load"] == "the protocol has no such moment"
        assert reasons["latency-p50"] == "n too small: 0 of the 6 that it takes"
        assert reasons["throughput"] == reasons["throughput-ratio"] == "nothing was answered"
        assert reasons["end-to-end"] == "not every request was answered"
        assert quantity(found, "cpu-seconds").value is not None

    @pytest.mark.parametrize("scenario", ["latency", "offline", "server", "batch-4"])
    def test_one_in_loading_has_no_numbers_in_any_scenario(self, scenario):
        fault = SystemFault("X010", what="exit status 1", request=1, expected=50)
        found = World(requests=REQUESTS, behaviour=constant(0.010, fault=fault, fault_at=-1)).measure(scenario)
        assert flags(found) == {"ended": True}
        speeds = [one for one in found.quantities if one.unit in {"requests/s", "characters/s", "requests/unit"}]
        times = [one for one in found.quantities if one.name.startswith(("latency", "load", "first", "end-to-end"))]
        assert len(speeds + times) >= 5
        assert all(one.value is None and one.reason for one in speeds + times)

    def test_one_before_the_start_leaves_not_even_a_process(self):
        fault = SystemFault("X013", what="there is no protocol telepathy")
        found = World(requests=REQUESTS, make_fault=fault).measure()
        assert flags(found) == {"no-start": True}
        assert found.flags[0].detail == "the system cannot start: there is no protocol telepathy"
        assert (found.processes, found.latencies) == (0, [])
        assert all(one.value is None and one.reason for one in found.quantities)

    @pytest.mark.parametrize(
        ("fault", "name"),
        [
            (SystemFault("X010", what="signal 9", request=4, expected=9), "ended"),
            (SystemFault("X011", request=4, limit=60.0, found=3, detail=""), "no-answer"),
            (SystemFault("X012", request=4, what="it answered twice"), "protocol"),
            (SystemFault("X013", what="no such file"), "no-start"),
        ],
        ids=lambda value: value if isinstance(value, str) else value.code,
    )
    def test_every_one_has_a_flag(self, fault, name):
        found = World(requests=REQUESTS, behaviour=constant(0.010, fault=fault, fault_at=100)).measure()
        assert flags(found) == {name: True}

    def test_what_earlier_processes_gave_is_kept(self):
        world = World(requests=REQUESTS, behaviour=constant(0.010, fault=SystemFault("X012", request=9, what="x")))

        def fails_in_the_second(question):
            world.behaviour.fault_at = 300 if question.process == 1 else -2
            return 0.010

        world.behaviour.latency = fails_in_the_second
        found = world.measure("latency", replace(RULES, least_s=4.0))
        assert (found.processes, flags(found)) == (2, {"protocol": True})
        assert [len(one) for one in found.latencies] == [400, 240]  # 50 to warm up, then twelve blocks of twenty
        assert quantity(found, "throughput").value == pytest.approx(100)
        assert all(system.is_stopped for system in world.systems)

    def test_the_system_is_stopped_whatever_happens(self):
        world = World(requests=REQUESTS, behaviour=Behaviour(latency=lambda _: 1 / 0))
        with pytest.raises(ZeroDivisionError):
            world.measure()
        assert [system.is_stopped for system in world.systems] == [True]

    def test_missing_answers_of_a_pour_break_the_protocol(self):
        world = World(requests=REQUESTS)
        make = world._make

        def lossy():
            system = make()
            pour = system.pour
            system.pour = lambda *rest, **more: pour(*rest, **more)[1:]
            return system

        world._make = lossy
        found = world.measure("offline")
        assert flags(found) == {"protocol": True}
        assert "49 answers to 50 requests" in found.flags[0].detail


def block(count, wall_s, reference=500.0, took=1_000_000):
    """A block of so many answers."""
    cards = [Card(Asked(f"{n}", ""), "scored", f"r{n}", 0, 0, 0) for n in range(count)]
    visits = tuple((card, Replied(card.asked.id, "", n * took, (n + 1) * took)) for n, card in enumerate(cards))
    return Block(visits, wall_s, None, reference)


class TestBlocksOfNothing:
    @pytest.mark.parametrize(("count", "wall_s"), [(0, 1.0), (0, 0.0), (3, 0.0)])
    def test_have_no_rate(self, count, wall_s):
        assert block(count, wall_s).rate == 0.0

    @pytest.mark.parametrize("scenario", ["latency", "offline", "server", "batch-4"])
    @pytest.mark.parametrize("blocks", [[block(0, 1.0)], [block(0, 0.0)], [block(3, 0.0)], []], ids=repr)
    def test_leave_numbers_with_reasons(self, scenario, blocks):
        numbers = Numbers(World(requests=REQUESTS).subject(), scenarios.find(scenario), [Noted(blocks=blocks)])
        found = {one.name: one for one in numbers.all()}
        for name in found.keys() & {"throughput", "throughput-characters", "throughput-ratio"}:
            assert found[name].value is None
            assert found[name].reason

    def test_are_passed_over_beside_others(self):
        noted = Noted(blocks=[block(0, 1.0), *[block(10, 2.0)] * 6])
        numbers = Numbers(World(requests=REQUESTS).subject(), scenarios.find("offline"), [noted])
        found = {one.name: one for one in numbers.all()}
        assert found["throughput"].value == pytest.approx(5)
        assert found["throughput-ratio"].value == pytest.approx(0.01)
        assert found["throughput-characters"].reason == "nothing was answered"  # sources without a character

    def test_of_a_reference_that_stood_still_there_is_no_ratio(self):
        noted = Noted(blocks=[block(10, 2.0, reference=0.0)])
        numbers = Numbers(World(requests=REQUESTS).subject(), scenarios.find("offline"), [noted])
        assert numbers.ratio().reason == "no reference ran beside it"

    def test_empty_sources_are_requests_all_the_same(self):
        found = World(requests=[Request(f"r{number}", " " * number) for number in range(20)]).measure()
        assert quantity(found, "throughput").value == pytest.approx(100)
        assert quantity(found, "throughput-words").reason == "nothing was answered"

    def test_answers_in_no_time_do_not_break_it(self):
        world = World(requests=REQUESTS, behaviour=constant(0.0))
        found = world.measure("offline", replace(RULES, processes=1, least_s=1e-5, most_s=1e-4))
        assert quantity(found, "throughput").value == pytest.approx(1e9)

    def test_a_server_that_answers_in_no_time_holds_the_highest_rate_that_is_tried(self):
        found = World(requests=REQUESTS, behaviour=constant(0.0)).measure("server", replace(QUICK, bound_s=20.0))
        assert quantity(found, "server-rate").value == pytest.approx(100_000 / (10 * 20.0))


class TestWhatIsWatched:
    def test_processor_time_and_threads_are_those_of_the_backend(self):
        found = World(requests=REQUESTS).measure()
        assert quantity(found, "threads").value == 3
        # 50 to warm up and 220 of 10 ms each: idling costs this system nothing
        assert quantity(found, "cpu-seconds").value == pytest.approx(2.7)

    def test_a_number_that_is_not_known_has_its_reason(self):
        energy = quantity(World(requests=REQUESTS).measure(), "energy")
        assert (energy.value, energy.reason) == (None, "no counters in a simulation")

    def test_a_command_for_files_is_not_watched(self):
        found = World(requests=REQUESTS, is_batch=True, has_banner=False).measure("offline")
        assert quantity(found, "cpu-seconds").reason == "not watched"
        assert "energy" not in names(found)

    def test_every_quantity_has_a_value_or_a_reason(self):
        for scenario in ("latency", "offline", "server", "batch-8"):
            found = World(requests=REQUESTS).measure(scenario)
            assert all((one.value is None) == (one.reason is not None) for one in found.quantities)
            assert len(set(names(found))) == len(names(found))
