"""Paired ratios on a machine with busy neighbours: a simulated clock, since no real one gives the same noise twice.

Work is done at a speed that changes in time: neighbours come and go in bursts of several seconds, so that blocks
beside each other are slow together; the machine drifts by 30 % from beginning to end; and short noise
hits every twentieth of a second anew. A block ends when its work is done. Sixty pairs of blocks, 1.5 s and 1 s
of work, one hundred machines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from harness.stats.quantiles import quantile
from harness.stats.ratios import Ratio, abba, paired_ratio

TRUTH = 1.5
PAIRS = 60
MACHINES = 100
STEP = 0.05
"""Seconds for which the speed stays the same."""


@dataclass(frozen=True)
class Neighbours:
    """How long (s) they are busy and idle in the mean, and how much longer work takes while they are busy."""

    busy: float
    idle: float
    slowness: float = 0.8


BURSTY = Neighbours(busy=8, idle=12)
ALTERNATING = Neighbours(busy=4, idle=4)
LONG = Neighbours(busy=15, idle=15)


@dataclass(frozen=True)
class Machine:
    """One run: the wall times of all blocks, in order, and what both estimators make of them."""

    system: np.ndarray
    reference: np.ndarray
    paired: Ratio
    unpaired: Ratio


def wall_times(work, neighbours, generator):
    """How long blocks of so much work (s on an idle machine) take, one after the other."""
    cells = int(4 * work.sum() / STEP)
    slowness = 1 + bursts(cells, neighbours, generator)
    slowness *= 1 + 0.15 * generator.choice([-1, 1]) * np.linspace(-1, 1, cells)
    slowness *= np.exp(0.1 * generator.standard_normal(cells))
    done = np.concatenate([[0], np.cumsum(STEP / slowness)])
    assert done[-1] > work.sum(), "the clock has run out"
    return np.diff(np.interp(work.cumsum(), done, STEP * np.arange(cells + 1)), prepend=0)


def bursts(cells, neighbours, generator):
    """By how much work takes longer in each cell: 0 while neighbours are idle, else .5 to 1.5 of their slowness."""
    load, start = np.zeros(cells), 0.0
    is_busy = generator.random() < neighbours.busy / (neighbours.busy + neighbours.idle)
    while start < cells * STEP:
        end = start + generator.exponential(neighbours.busy if is_busy else neighbours.idle)
        if is_busy:
            load[int(start / STEP) : int(end / STEP)] = neighbours.slowness * generator.uniform(0.5, 1.5)
        start, is_busy = end, not is_busy
    return load


def ratio_of_medians(system, reference):
    """The estimator not taken; its interval as if both medians were independent (Price and Bonett 2002)."""
    above, below = quantile(system, 0.5), quantile(reference, 0.5)
    value = above.value / below.value
    reach = math.hypot(math.log(above.hi / above.lo), math.log(below.hi / below.lo)) / 2
    return Ratio(value, value * math.exp(-reach), value * math.exp(reach), len(system))


def run(neighbours, seed):
    order = np.array(list(abba(PAIRS)))
    times = wall_times(np.where(order == "A", TRUTH, 1.0), neighbours, np.random.default_rng(seed))
    system, reference = times[order == "A"], times[order == "B"]
    return Machine(system, reference, paired_ratio(system, reference), ratio_of_medians(system, reference))


@pytest.fixture(scope="module", params=[BURSTY, ALTERNATING, LONG], ids=["bursty", "alternating", "long"])
def machines(request):
    return [run(request.param, seed) for seed in range(MACHINES)]


def median(values):
    return float(np.median(list(values)))


def width(ratio):
    return ratio.hi / ratio.lo - 1


def describe(name, ratios):
    contains = sum(ratio.lo <= TRUTH <= ratio.hi for ratio in ratios)
    off = median(abs(ratio.value / TRUTH - 1) for ratio in ratios)
    middle = median(ratio.value for ratio in ratios)
    return (
        f"{name}: median {middle:.3f}, off by {off:.2%}, {median(map(width, ratios)):.1%} wide, {contains} contain it"
    )


def test_the_noise_is_as_bad_as_what_was_measured_on_a_shared_machine(machines):
    """Wall times vary by 22 to 42 % (coefficient of variation), and neighbours in time go together."""
    for times in ([one.system for one in machines], [one.reference for one in machines]):
        assert 0.22 <= median(block.std() / block.mean() for block in times) <= 0.42
    assert median(np.corrcoef(one.system, one.reference)[0, 1] for one in machines) > 0.4


def test_the_interval_of_paired_ratios_contains_the_truth(machines):
    paired = [one.paired for one in machines]
    assert sum(ratio.lo <= TRUTH <= ratio.hi for ratio in paired) >= 90, describe("paired", paired)


def test_paired_ratios_are_nearer_to_the_truth_and_surer_than_the_ratio_of_medians(machines):
    paired, unpaired = [one.paired for one in machines], [one.unpaired for one in machines]
    report = f"{describe('paired', paired)}; {describe('of medians', unpaired)}"
    print(report)  # noqa: T201 - shown by -rP, and when it fails
    assert median(map(width, paired)) < median(map(width, unpaired)) / 2, report
    assert median(abs(ratio.value - TRUTH) for ratio in paired) < median(abs(ratio.value - TRUTH) for ratio in unpaired)
    assert abs(median(ratio.value for ratio in paired) / TRUTH - 1) < 0.01, report


def test_bursts_shorter_than_a_block_do_not_cancel():
    """Why blocks must still be rejected by what the machine says about itself."""
    machines = [run(Neighbours(busy=0.5, idle=0.5, slowness=1.2), seed) for seed in range(MACHINES)]
    calm = [run(LONG, seed) for seed in range(MACHINES)]
    assert median(width(one.paired) for one in machines) > 3 * median(width(one.paired) for one in calm)
