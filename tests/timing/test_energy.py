"""Energy is counted by the hardware or not told."""

from __future__ import annotations

import pytest

from harness.timing.energy import Energy, Rapl, Window

from . import fakes

SECOND = 1_000_000_000


@pytest.fixture
def root(tmp_path):
    """Two packages with counters that wrap at 1000 J; memory of the first and the platform have counters as well."""
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl:0:0", "dram", 500)
    zone(tmp_path, "intel-rapl:1", "package-1", 990_000_000)
    zone(tmp_path, "intel-rapl:2", "psys", 7)
    return tmp_path


def zone(root, folder, name, microjoules):
    fakes.put(root, f"sys/class/powercap/{folder}/name", f"{name}\n")
    fakes.put(root, f"sys/class/powercap/{folder}/max_energy_range_uj", "1000000000\n")
    count(root, folder, microjoules)


def count(root, folder, microjoules):
    fakes.put(root, f"sys/class/powercap/{folder}/energy_uj", f"{microjoules}\n")


class Clock:
    now = 0

    def __call__(self):
        return self.now


def test_packages_are_summed_and_nothing_else(root):
    counter = Rapl(root)
    count(root, "intel-rapl:0", 3_000_000)
    count(root, "intel-rapl:0:0", 900_000_000)
    count(root, "intel-rapl:1", 990_500_000)
    count(root, "intel-rapl:2", 900_000_000)
    assert counter.missing() is None
    assert counter.joules() == 2.5


def test_a_counter_that_wraps_loses_nothing(root):
    counter = Rapl(root)
    count(root, "intel-rapl:1", 15_000_000)
    assert counter.joules() == 25.0
    count(root, "intel-rapl:1", 995_000_000)
    assert counter.joules() == 1005.0
    count(root, "intel-rapl:1", 0)
    assert counter.joules() == 1010.0


def test_a_machine_without_counters_says_so(tmp_path):
    assert Rapl(tmp_path).missing() == "no RAPL counters here (virtual machines have none)"
    energy = Window(Rapl(tmp_path)).close()
    assert (energy.joules, energy.watts) == (None, None)
    assert energy.reason == Rapl(tmp_path).missing()


def test_a_counter_that_may_not_be_read_says_so(root):
    counter = root / "sys/class/powercap/intel-rapl:1/energy_uj"
    counter.unlink()
    counter.mkdir()  # root, who may read everything, is refused a folder
    assert Rapl(root).missing() == "the RAPL counters cannot be read without root"


def test_a_window_has_the_energy_since_it_began(root):
    clock = Clock()
    counter = Rapl(root)
    count(root, "intel-rapl:0", 2_000_000)
    window = Window(counter, clock)
    count(root, "intel-rapl:0", 62_000_000)
    clock.now = 20 * SECOND
    assert window.close() == Energy(20.0, 60.0)
    assert window.close().watts == 3.0


def test_a_window_that_is_touched_survives_several_wraps(root):
    clock = Clock()
    window = Window(Rapl(root), clock)
    for microjoules in (600_000_000, 100_000_000, 600_000_000, 100_000_000):
        count(root, "intel-rapl:0", microjoules)
        window.touch()
    clock.now = 100 * SECOND
    assert window.close().joules == 599 + 500 + 500 + 500


def test_a_window_below_ten_seconds_has_no_number(root):
    clock = Clock()
    window = Window(Rapl(root), clock)
    count(root, "intel-rapl:0", 62_000_000)
    clock.now = 9 * SECOND
    assert window.close() == Energy(9.0, None, "a window of 9.0 s is too short, 10 s are needed")
