"""Systems that are known by their own clocks, beside what is reported of them."""

from __future__ import annotations

from dataclasses import replace
from statistics import mean, median

import pytest

from ..timing.arena import RULES, Arena

LONGER = replace(RULES, processes=3, least_s=2.0, most_s=4.0)


def noted(path):
    return [float(word) for word in path.read_text("ascii").split()]


@pytest.mark.bench
@pytest.mark.parametrize("backend", ["cpu1", "cpuN"])
@pytest.mark.parametrize("milliseconds", [0.2, 1.0, 5.0])
def test_latency(tmp_path, backend, milliseconds):
    ring, file = Arena(tmp_path), tmp_path / "noted"
    system = ring.enter("clockwork", "work", str(file), str(round(milliseconds * 1e6)), name="work")
    ring.pretend(system)
    found, own = ring.time(system, rules=LONGER, backend=backend), median(noted(file)) / 1e9
    latency, throughput = (found.quantity(name).value for name in ("latency-p50", "throughput"))
    print(  # noqa: T201 - the numbers are what this is run for
        f"{backend} works {1000 * own:.3f} ms: reported {1e6 * (latency - own):+6.1f} us, "
        f"{100 * (latency / own - 1):+5.2f} %; throughput is {throughput * own:.3f} of what its clock allows"
    )
    if backend == "cpu1":  # on cpuN most of the rest is waking another processor
        assert abs(latency - own) <= max(0.02 * own, 30e-6)


@pytest.mark.bench
@pytest.mark.parametrize(("kind", "count"), [("threads", 1), ("threads", 2), ("processes", 1), ("processes", 2)])
def test_processor_time(tmp_path, kind, count):
    ring, file = Arena(tmp_path), tmp_path / "noted"
    system = ring.enter("clockwork", "burn", str(file), str(count), kind, name="burn")
    ring.pretend(system)
    alone = replace(LONGER, processes=1, block_s=1.0, reference_s=0.0)  # the reference wants processors too
    found = ring.time(system, rules=alone, backend="cpuN")
    own, wall = noted(file)
    used, threads = (found.quantity(name).value for name in ("cpu-seconds", "threads"))
    print(  # noqa: T201 - as above
        f"{count} busy {kind}: {used / wall:.2f} processors, {own / wall:.2f} by its own clock; {threads:.0f} threads"
    )
    assert used == pytest.approx(own, rel=0.05)


@pytest.mark.bench
def test_memory(tmp_path):
    ring, file = Arena(tmp_path), tmp_path / "noted"
    system = ring.enter("clockwork", "hold", str(file), "300", "100", name="hold")
    peak = ring.run(system)[0].quantity("peak-memory")
    expected = 400e6 + noted(file)[0]
    print(  # noqa: T201 - as above
        f"300 MB and 100 MB in a child: {peak.value / 1e6:.1f} MB by {peak.method}, {peak.value / expected:.3f} of it"
    )
    assert peak.value == pytest.approx(expected, rel=0.05)


@pytest.mark.bench
def test_loading(tmp_path):
    ring, file = Arena(tmp_path), tmp_path / "noted"
    system = ring.enter("clockwork", "work", str(file), "1000000", "1.0", name="work")
    ring.pretend(system)
    found, own = ring.time(system, rules=LONGER), median(noted(file)) / 1e9
    load, latency, throughput = (found.quantity(name).value for name in ("load", "latency-p50", "throughput"))
    print(  # noqa: T201 - as above
        f"a second of loading: load {load:.3f} s, latency {1e6 * (latency - own):+.1f} us, "
        f"throughput {throughput * own:.3f} of what its clock allows"
    )
    assert load > 1
    assert throughput > 0.8 * 1e9 / mean(found.latencies[0])
