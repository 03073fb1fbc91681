"""What is noise and what is the system's own waiting."""

from __future__ import annotations

import os
import sys

import pytest

from harness.timing.noise import HostNoise, Reading, Thread, Ticks, between, rejection

from . import fakes

SECOND = 1_000_000_000


def reading(second, *, cpu=0, busy=0, steal=0, threads=None, cpu_s=0.0, **rest):
    """A reading of a machine with two CPUs; `cpu` is PSI in us."""
    ticks = Ticks(int(second * 200), busy, steal)
    pressure = {"cpu": cpu, "memory": rest.pop("memory", 0), "io": rest.pop("io", 0)}
    return Reading(int(second * SECOND), pressure, ticks, threads or {}, cpu_s, rest.pop("throttles", 0))


class TestReadingsOfAMachine:
    @pytest.fixture
    def root(self, tmp_path):
        fakes.put_pressure(tmp_path, cpu=700, memory=30, io=5)
        lines = ["cpu  10 1 20 300 4 5 6 7 99 99", "cpu0 1 0 2 30 4 5 6 7 0 0", "cpu1 9 1 18 270 0 0 0 0 0 0", "intr 5"]
        fakes.put(tmp_path, "proc/stat", "\n".join(lines))
        fakes.put(tmp_path, "proc/self/schedstat", "1 2 3")
        fakes.put_process(tmp_path, 7, ticks=(100, 50, 25, 25), name="a) b (c")
        fakes.put_thread(tmp_path, 7, 7, cpu=11, delay=22, involuntary=33)
        fakes.put_thread(tmp_path, 7, 8, cpu=1, delay=2, involuntary=3)
        for cpu, core, package in ((0, 4, 5), (1, 6, 7)):
            folder = f"sys/devices/system/cpu/cpu{cpu}/thermal_throttle"
            fakes.put(tmp_path, f"{folder}/core_throttle_count", f"{core}\n")
            fakes.put(tmp_path, f"{folder}/package_throttle_count", f"{package}\n")
        return tmp_path

    def test_hold_every_counter(self, root):
        found = HostNoise(root=root, clock=lambda: 42).read({7})
        assert found.stamp == 42
        assert found.pressure == {"cpu": 700, "memory": 30, "io": 5}
        assert found.ticks == Ticks(total=353, busy=42, steal=7)  # guest time is in user time already
        assert found.threads == {7: Thread(11, 22, 33), 8: Thread(1, 2, 3)}
        assert found.cpu_s == 200 / os.sysconf("SC_CLK_TCK")
        assert found.throttles == 4 + 5 + 6 + 7

    def test_keep_to_the_cpus_in_use(self, root):
        found = HostNoise(frozenset([1]), root).read(set())
        assert found.ticks == Ticks(total=298, busy=28, steal=0)
        assert found.throttles == 6 + 7

    def test_do_without_processes_that_have_ended(self, root):
        assert HostNoise(root=root).read({7, 999}).threads.keys() == {7, 8}

    def test_nothing_is_missing_where_all_is_there(self, root):
        assert HostNoise(root=root).missing == ()

    def test_what_is_missing_is_named_and_not_guessed(self, tmp_path):
        bare = HostNoise(root=tmp_path)
        assert [sentence.split(" here")[0] for sentence in bare.missing] == [
            "no PSI of cpu",
            "no PSI of memory",
            "no PSI of io",
            "no ticks of the CPUs",
            "no schedstat of threads",
            "no counters of thermal throttling",
        ]
        noise = between(bare.read({1}), bare.read({1}), 1)
        assert (noise.pressure_cpu, noise.pressure_io, noise.steal, noise.throttled) == (None, None, None, None)
        assert rejection(noise) is None

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
    def test_the_real_ones_know_this_process(self):
        meter = HostNoise()
        before = meter.read({os.getpid()})
        sum(range(300_000))
        after = meter.read({os.getpid()})
        assert after.stamp > before.stamp
        assert after.threads[os.getpid()].cpu > before.threads[os.getpid()].cpu


class TestNoise:
    def test_is_a_share_of_the_wall_time(self):
        before = reading(10, cpu=500, memory=100, io=0, busy=40, steal=5, throttles=3)
        after = reading(12, cpu=400_500, memory=20_100, io=2000, busy=90, steal=9, throttles=4)
        noise = between(before, after, 2)
        assert noise.seconds == 2
        assert noise.pressure_cpu == pytest.approx(0.2)  # 400,000 us of 2 s
        assert noise.pressure_memory == pytest.approx(0.01)
        assert noise.pressure_io == pytest.approx(0.001)
        assert noise.steal == pytest.approx(4 / 400)
        assert noise.throttled == 1

    def test_counts_switches_of_new_threads_too(self):
        before = reading(0, threads={1: Thread(10, 0, 100)})
        after = reading(2, threads={1: Thread(20, 0, 104), 2: Thread(5, 0, 6)})
        assert between(before, after, 1).involuntary_per_s == 5

    def test_takes_a_number_that_was_given_to_a_new_thread_for_what_it_is(self):
        before = reading(0, threads={1: Thread(10_000, 0, 100)})
        after = reading(1, threads={1: Thread(20, 0, 4)})
        assert between(before, after, 1).involuntary_per_s == 4

    def test_of_a_system_that_wants_less_than_its_cpus_is_caused_by_others(self):
        # It ran for 0.5 s and waited for 0.4 s, in which strangers took 80 of 200 ticks; 2 are let pass.
        after = reading(1, cpu=400_000, busy=132, cpu_s=0.5, threads={1: Thread(SECOND // 2, 4 * SECOND // 10, 0)})
        noise = between(reading(0), after, 1)
        assert (noise.pressure_cpu, noise.own) == (pytest.approx(0.4), pytest.approx(0))

    def test_of_a_system_and_its_driver_that_wake_each_other_is_their_own(self):
        # Nobody else was there: the CPU was busy for as long as the two ran.
        after = reading(1, cpu=300_000, busy=90, cpu_s=0.9, threads={1: Thread(9 * SECOND // 10, 3 * SECOND // 10, 0)})
        noise = between(reading(0), after, 1)
        assert (noise.pressure_cpu, noise.own) == (pytest.approx(0), pytest.approx(0.3))

    def test_that_a_system_makes_by_wanting_more_than_its_cpus_is_its_own(self):
        # Two threads on one CPU: each runs half of the time, and waits the other half.
        half = Thread(SECOND // 2, SECOND // 2, 0)
        after = reading(1, cpu=SECOND // 1000, busy=100, cpu_s=1.0, threads={1: half, 2: half})
        noise = between(reading(0), after, 1)
        assert (noise.pressure_cpu, noise.own) == (0, 1)

    def test_beyond_the_waiting_of_the_system_is_caused_by_others(self):
        # Three quarters waited in a second on one CPU that was wanted for 1.25 s: the PSI of 1 has 0.25 more.
        after = reading(1, cpu=1_000_000, busy=50, cpu_s=0.5, threads={1: Thread(SECOND // 2, 3 * SECOND // 4, 0)})
        noise = between(reading(0), after, 1)
        assert (noise.pressure_cpu, noise.own) == (pytest.approx(0.25), pytest.approx(0.75))

    def test_of_many_threads_does_not_hide_what_others_took(self):
        # Two threads and a stranger share one CPU: a third of 200 ticks is the stranger's, 2 ticks are let pass.
        third = Thread(2 * SECOND // 3, 4 * SECOND // 3, 0)
        after = reading(2, cpu=2_000_000, busy=200, cpu_s=1.34, threads={1: third, 2: third})
        noise = between(reading(0), after, 1)
        assert noise.pressure_cpu == pytest.approx((200 - 134 - 2) / 400)
        assert rejection(noise) is not None

    def test_of_steal_may_be_counted_over_a_longer_time_than_the_block(self):
        readings = [reading(0), reading(0.95, steal=0), reading(1, steal=1)]
        assert between(readings[1], readings[2], 1).steal == pytest.approx(1 / 10)  # one tick of a short block
        assert between(readings[1], readings[2], 1, since=readings[0]).steal == pytest.approx(1 / 200)


class TestABlock:
    def test_counts_on_a_quiet_machine(self):
        assert rejection(between(reading(0), reading(1, cpu=50_000, memory=50_000, io=50_000, steal=2), 1)) is None

    @pytest.mark.parametrize(
        ("noisy", "sentence"),
        [
            ({"cpu": 51_000}, "others waited for the CPU in 5.1% of the time, 5% are allowed"),
            ({"memory": 60_000}, "others waited for memory in 6.0% of the time, 5% are allowed"),
            ({"io": 999_000}, "others waited for input and output in 99.9% of the time, 5% are allowed"),
            ({"steal": 3}, "the hypervisor gave 1.5% of the CPU time to others, 1% are allowed"),
            ({"throttles": 1}, "the CPU was throttled 1 times because of its heat, 0 are allowed"),
        ],
    )
    def test_is_rejected_with_what_was_found_and_what_is_allowed(self, noisy, sentence):
        assert rejection(between(reading(0), reading(1, **noisy), 1)) == sentence

    def test_is_rejected_for_every_reason_at_once(self):
        said = rejection(between(reading(0), reading(1, cpu=500_000, steal=20), 1))
        assert said.count(";") == 1
