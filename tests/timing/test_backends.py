"""Where systems run, and what is seen of them there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.timing.backends import GROUPS, NAMES, available, backends, expand
from harness.timing.backends.cpu import Cpu, beside, violation
from harness.timing.backends.cuda import Cuda
from harness.timing.noise import Thread, Ticks

from . import fakes
from .fakes import GIB, MIB, Card, FakeMeter, FakeNvml, quiet

linux = pytest.mark.skipif(sys.platform != "linux", reason="systems are timed on Linux")
INITIAL = "pid:[4026531836]"
"""The namespace in which a driver counts processes; the number is fixed in linux/proc_ns.h."""


def cpu(root, *readings, cpus=(3,)):
    return Cpu(name="cpu1", cpus=frozenset(cpus), root=root, meter=FakeMeter(list(readings)))


class TestRegistry:
    def test_knows_every_name(self):
        assert tuple(backends()) == NAMES

    def test_one_core_is_the_highest_that_may_be_used(self):
        known = backends(frozenset([0, 2, 5]))
        assert known["cpu1"].cpus == {5}
        assert known["cpuN"].cpus == known["cuda"].cpus == {0, 2, 5}

    def test_takes_the_processors_of_this_process_by_default(self):
        assert backends()["cpuN"].cpus == available()

    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_stands_for_itself(self, name):
        assert expand(name) == [name]

    def test_cpu_stands_for_one_core_and_all(self):
        assert expand("cpu") == ["cpu1", "cpuN"] == list(GROUPS["cpu"])

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(UsageError) as refused:
            expand("tpu")
        assert refused.value.problems[0].code == "U022"


class TestEnvironment:
    def test_one_core_has_one_thread_in_every_pool_and_no_gpu(self):
        assert backends(frozenset([0, 1]))["cpu1"].environment == {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "VECLIB_NUM_THREADS": "1",
            "VECLIB_MAXIMUM_THREADS": "1",
            "NUMEXPR_NUM_THREADS": "1",
            "RAYON_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "KMP_BLOCKTIME": "1",
            "OPENBLAS_THREAD_TIMEOUT": "20",
            "OMP_WAIT_POLICY": "passive",
            "PYTHONUNBUFFERED": "1",
            "CUDA_VISIBLE_DEVICES": "",
        }

    def test_all_cores_have_as_many_threads_and_no_gpu(self):
        environment = backends(frozenset([0, 1, 6]))["cpuN"].environment
        assert environment["OMP_NUM_THREADS"] == environment["RAYON_NUM_THREADS"] == "3"
        assert environment["CUDA_VISIBLE_DEVICES"] == ""


class TestDriver:
    @pytest.fixture
    def root(self, tmp_path):
        for number in range(4):
            path = f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list"
            fakes.put(tmp_path, path, f"{number % 2},{number % 2 + 2}\n")
        return tmp_path

    def test_stays_off_the_core_of_the_system_and_its_sibling(self, root):
        assert beside(frozenset([3]), frozenset(range(4)), root) == {0, 2}

    def test_shares_a_core_where_there_is_one_only(self, root):
        assert beside(frozenset([3]), frozenset([1, 3]), root) == {1}

    def test_shares_processors_where_there_are_no_others(self, root):
        assert beside(frozenset([0, 1]), frozenset([0, 1]), root) == {0, 1}


class TestCpuTime:
    @pytest.mark.parametrize(("cpu_s", "cores"), [(10.5, 1), (21.0, 2), (0.0, 1)])
    def test_within_five_per_cent_of_the_cores_is_no_violation(self, cpu_s, cores):
        assert violation(cpu_s, 10.0, cores) is None

    def test_beyond_is_one_and_says_both_numbers(self):
        assert violation(10.6, 10.0, 1) == "10.60 s of CPU time in 10.00 s, 1.05 times 1 are allowed"

    def test_of_less_than_a_second_is_too_coarse_to_say(self):
        assert violation(5.0, 0.9, 1) is None


@linux
class TestWatch:
    def test_of_a_quiet_machine_rejects_nothing(self, tmp_path):
        backend = cpu(tmp_path, quiet(0), quiet(1), quiet(2))
        watch = backend.watch(lambda: {7})
        assert watch.mark().rejection is None
        assert backend.meter.asked == [{7}, {7}]
        assert watch.leftover() is None

    def test_judges_every_block_by_itself(self, tmp_path):
        noisy = {"cpu": 200_000, "memory": 0, "io": 0}
        after = [replace(quiet(second), pressure=noisy) for second in (1, 2)]
        watch = cpu(tmp_path, quiet(0), *after).watch(set)
        assert watch.mark().rejection == "others waited for the CPU in 20.0% of the time, 5% are allowed"
        assert watch.mark().rejection is None

    def test_counts_steal_over_a_second_across_short_blocks(self, tmp_path):
        """One stolen tick in a second of a CPU is 1 %, though it is 10 % of the block that it fell into."""
        blocks = [replace(quiet(tenth / 10), ticks=Ticks(tenth * 10, 0, int(tenth == 10))) for tenth in range(11)]
        watch = cpu(tmp_path, *blocks).watch(set)
        assert [watch.mark().rejection for _ in blocks[1:]] == [None] * 10

    def test_sees_what_was_used_and_how_many_threads_there_were(self, tmp_path):
        fakes.put_process(tmp_path, 7)
        fakes.put_thread(tmp_path, 7, 7, cpus="3")
        watch = cpu(tmp_path, quiet(0), quiet(5), quiet(10)).watch(lambda: {7})
        fakes.put_thread(tmp_path, 7, 8, cpus="3")
        watch.mark()
        (tmp_path / "proc/7/task/8/status").unlink()
        (tmp_path / "proc/7/task/8/schedstat").unlink()
        (tmp_path / "proc/7/task/8").rmdir()
        fakes.put_process(tmp_path, 7, ticks=(400, 100, 0, 0))
        seen = watch.finish()
        assert (seen.wall_s, seen.threads, seen.escaped, seen.violations) == (10.0, 2, (), ())
        assert seen.cpu_s == 500 / os.sysconf("SC_CLK_TCK")
        assert seen.device is None
        assert seen.device_memory is None

    def test_keeps_the_cpu_time_of_a_process_that_has_ended(self, tmp_path):
        living = {7}
        fakes.put_process(tmp_path, 7, ticks=(100, 0, 0, 0))
        watch = cpu(tmp_path, quiet(0), quiet(5), quiet(10)).watch(lambda: living)
        fakes.put_process(tmp_path, 7, ticks=(300, 0, 0, 0))
        watch.mark()
        living = set()
        assert watch.finish().cpu_s == 200 / os.sysconf("SC_CLK_TCK")

    def test_voids_a_run_with_threads_that_could_leave_the_backend(self, tmp_path):
        fakes.put_thread(tmp_path, 7, 7, cpus="0-3")
        seen = cpu(tmp_path, quiet(0), quiet(1)).watch(lambda: {7}).finish()
        assert seen.escaped == (7,)
        assert seen.violations == (
            ("more-processors", "1 threads could leave the processors of the backend, 1 in number"),
        )

    def test_voids_a_run_that_used_more_than_its_cores_for_a_second(self, tmp_path):
        """The mean of the whole watch is fine, one second is not."""
        watch = cpu(tmp_path, quiet(0), quiet(1, 1.5), quiet(10, 1.5), quiet(20, 1.5)).watch(set)
        watch.mark()
        watch.mark()
        (violated,) = watch.finish().violations
        assert violated == ("more-processors", "1.50 s of CPU time in 1.00 s, 1.05 times 1 are allowed")

    def test_says_why_there_is_no_energy(self, tmp_path):
        seen = cpu(tmp_path, quiet(0), quiet(20)).watch(set).finish()
        assert seen.energy_j is None
        assert seen.reasons == {"energy": "no RAPL counters here (virtual machines have none)"}

    def test_explains_waiting_of_a_system_with_too_many_threads(self, tmp_path):
        waits = {7: Thread(500_000_000, 500_000_000, 9), 8: Thread(500_000_000, 500_000_000, 9)}
        pressed = {"cpu": 1_000_000, "memory": 0, "io": 0}
        crowded = replace(quiet(1, 1.0), ticks=Ticks(100, 100, 0), pressure=pressed, threads=waits)
        mark = cpu(tmp_path, quiet(0), crowded).watch(set).mark()
        assert mark.rejection is None
        assert mark.noise.own == 1.0


@linux
class TestARealCore:
    def test_sees_a_child_that_burns_one_core(self):
        """Known answer: a child on one core that burns 0.3 s by its own clock, and stays there."""
        backend = backends()["cpu1"]
        assert backend.missing() is None
        code = "import time\nwhile time.process_time() < .3: pass\nprint(flush=True)\ninput()"
        command = ["taskset", "-c", str(*backend.cpus), sys.executable, "-c", code]
        with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as child:
            watch = backend.watch(lambda: {child.pid})
            child.stdout.readline()
            mark, seen = watch.mark(), watch.finish()
            child.communicate("\n")
        assert seen.cpu_s == pytest.approx(0.3, abs=0.1)
        assert (seen.threads, seen.escaped, seen.violations) == (1, (), ())
        assert mark.noise.seconds >= 0.2

    @pytest.mark.skipif(len(available()) < 2, reason="there is one processor")
    def test_sees_a_child_that_leaves_it(self):
        backend = backends()["cpu1"]
        with subprocess.Popen([sys.executable, "-c", "print(flush=True)\ninput()"], stdin=-1, stdout=-1) as child:
            child.stdout.readline()
            seen = backend.watch(lambda: {child.pid}).finish()
            child.communicate(b"\n")
        assert seen.escaped == (child.pid,)

    def test_knows_its_memory_when_idle(self):
        idle = backends()["cpu1"].idle(0.01)
        assert idle.memory > 10 * MIB
        assert idle.device_memory is None
        assert idle.energy["cpu"].joules is None


@pytest.fixture
def card():
    return Card()


@pytest.fixture
def root(tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        fakes.put(tmp_path, f"dev/{name}", "")
    namespace(tmp_path, INITIAL)
    return tmp_path


def namespace(root, name):
    link = root / "proc/self/ns/pid"
    link.unlink(missing_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(name)


def cuda(root, library, *readings, **options):
    meter = FakeMeter(list(readings) or [quiet(0), quiet(20)])
    return Cuda(frozenset([0, 1]), library=library, root=root, meter=meter, sleep=lambda _: None, **options)


@linux
class TestACard:
    def test_is_there(self, root, card):
        assert cuda(root, FakeNvml(card)).missing() is None

    def test_is_missing_with_the_exact_reason(self, root, card, monkeypatch):
        monkeypatch.setitem(sys.modules, "pynvml", None)
        no_package = "nvidia-ml-py is not installed: pip install 'shared-task-harness[gpu]'"
        assert cuda(root, None).missing() == no_package
        said = cuda(root, FakeNvml(fails="Driver Not Loaded")).missing()
        assert said == "the NVIDIA driver does not answer: Driver Not Loaded"
        assert cuda(root, FakeNvml()).missing() == "the NVIDIA driver knows no device"
        said = cuda(root, FakeNvml(card), uuid="GPU-9").missing()
        assert said == "the NVIDIA driver knows no device GPU-9"
        said = cuda(root, FakeNvml(Card(split=True))).missing()
        assert said == "the GPU is divided into instances (MIG), which are not measured"
        assert cuda(root / "bare", FakeNvml(card)).missing() == "the GPU has no device nodes below /dev"

    def test_is_the_only_one_that_a_system_sees(self, root, card):
        backend = cuda(root, FakeNvml(card))
        assert backend.environment["CUDA_VISIBLE_DEVICES"] == "GPU-1"
        assert backend.environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
        assert backend.environment["OMP_NUM_THREADS"] == "2"
        assert backend.devices == tuple(root / "dev" / name for name in ("nvidia0", "nvidiactl", "nvidia-uvm"))

    def test_is_the_first_on_which_nobody_computes(self, root):
        busy, free = Card(processes={1: GIB}), Card(uuid="GPU-2", minor=1)
        backend = cuda(root, FakeNvml(busy, free))
        assert backend.environment["CUDA_VISIBLE_DEVICES"] == "GPU-2"
        assert root / "dev/nvidia1" in backend.devices

    def test_can_be_chosen(self, root, card):
        backend = cuda(root, FakeNvml(card, Card(uuid="GPU-2", minor=1)), uuid="GPU-2")
        assert backend.environment["CUDA_VISIBLE_DEVICES"] == "GPU-2"

    def test_adds_itself_to_the_fingerprint(self, root, card):
        hardware, software = cuda(root, FakeNvml(card)).facts()
        assert hardware == {"gpu": "NVIDIA Test", "gpu_vbios": "96.00", "gpu_memory": "10 GiB"}
        assert software == {"gpu_driver": "570.1", "gpu_cuda": "12080", "gpu_power_limit": "350 W"}

    def test_tells_memory_and_power_when_idle(self, root, card):
        idle = cuda(root, FakeNvml(card)).idle(10.0)
        assert idle.device_memory == 100 * MIB
        assert "too short" in idle.energy["gpu"].reason  # nobody slept


@linux
class TestWatchOfACard:
    @pytest.fixture
    def watch(self, root, card):
        """A watch of process 7, and not of 8, on a machine where nothing else happens."""
        watch = cuda(root, FakeNvml(card)).watch(lambda: {7, 70})
        yield watch
        watch.finish()

    def test_finds_peaks_above_what_was_there_and_of_the_tree(self, watch, card):
        card.processes, card.used = {7: 300 * MIB, 70: 50 * MIB}, 500 * MIB
        watch.mark()
        card.processes, card.used = {7: 310 * MIB}, 410 * MIB
        seen = watch.finish()
        assert seen.device_memory == seen.device.memory == 400 * MIB
        assert seen.device.tree_memory == 350 * MIB
        assert seen.violations == ()

    def test_samples_between_the_marks(self, watch, card):
        """A peak that is over before the mark is seen by the thread, which looks each 50 ms."""
        card.processes, card.used = {7: 2 * GIB}, 3 * GIB
        time.sleep(0.3)
        card.processes, card.used = {7: 1 * GIB}, 1 * GIB
        assert watch.finish().device.tree_memory == 2 * GIB

    def test_voids_a_run_that_was_never_on_the_card(self, watch, card):
        card.used = 9 * GIB
        watch.mark()
        assert watch.finish().violations == (("fell-back", "no process of the system was ever on the GPU"),)

    def test_rejects_a_block_in_which_somebody_else_computed(self, watch, card):
        card.processes = {7: GIB, 8: GIB}
        mark = watch.mark()
        assert mark.foreign == (8,)
        assert mark.rejection == "1 processes of others computed on the GPU, 0 are allowed"
        card.processes = {7: GIB}
        watch.mark()  # the thread may have looked just before the stranger ended
        assert watch.mark().rejection is None

    def test_rejects_a_block_that_heat_slowed_down(self, watch, card):
        card.reasons = 0x40 | 0x04
        said = watch.mark().rejection
        assert said == "the GPU was throttled (thermal slowdown by hardware), which is not allowed"
        assert watch.finish().device.throttles == ("power cap", "thermal slowdown by hardware")

    def test_only_notes_idling_and_the_power_cap(self, watch, card):
        card.reasons = 0x01 | 0x02 | 0x04
        assert watch.mark().rejection is None
        assert watch.finish().device.after["throttled"] == "power cap"

    def test_notes_clocks_before_and_after(self, watch):
        clocks = {"graphics_mhz": "1700", "sm_mhz": "1755", "memory_mhz": "2619", "throttled": "no"}
        device = watch.finish().device
        assert device.before == device.after == clocks

    def test_says_why_memory_by_process_is_not_known(self, watch, card):
        card.processes = {7: None}
        seen = watch.finish()
        assert seen.violations == ()
        assert seen.device.tree_memory is None
        assert (
            seen.reasons["device-memory-tree"] == "the GPU's driver does not tell the memory of the system's processes"
        )

    def test_a_short_one_has_no_energy_and_says_so(self, watch):
        seen = watch.finish()
        assert seen.energy_j is None
        assert "too short" in seen.reasons["energy"]

    def test_voids_a_run_that_leaves_memory_behind(self, watch, card):
        card.used = 100 * MIB + GIB // 5
        watch.finish()
        assert watch.leftover() == "2.0% of the GPU's memory was not given back, 1% are allowed"
        card.used = 150 * MIB
        assert watch.leftover() is None

    def test_keeps_the_noise_of_the_host(self, root, card):
        noisy = replace(quiet(1), pressure={"cpu": 0, "memory": 300_000, "io": 0})
        card.processes = {8: 1}
        watch = cuda(root, FakeNvml(card), quiet(0), noisy).watch(set)
        rejection = watch.mark().rejection
        watch.finish()
        assert rejection.startswith("others waited for memory in 30.0% of the time, 5% are allowed; 1 processes")


@linux
class TestACardSeenFromAContainer:
    @pytest.fixture
    def backend(self, root, card):
        namespace(root, "pid:[4026532201]")
        return cuda(root, FakeNvml(card))

    def test_says_that_others_cannot_be_told(self, backend):
        assert "outside of this container" in backend.unseen[-1]

    def test_calls_nobody_a_stranger(self, backend, card):
        card.processes = {4711: GIB}
        watch = backend.watch(lambda: {7})
        mark = watch.mark()
        watch.finish()
        assert mark.foreign == ()

    @pytest.mark.parametrize(("grown", "violations"), [(200 * MIB, []), (1 * MIB, ["fell-back"])])
    def test_judges_by_the_memory_whether_the_system_was_on_the_card(self, backend, card, grown, violations):
        watch = backend.watch(lambda: {7})
        card.used += grown
        watch.mark()
        assert [name for name, _ in watch.finish().violations] == violations
