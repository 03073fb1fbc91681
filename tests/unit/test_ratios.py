"""Paired ratios to a reference."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.ratios import Ratio, abba, median_ratio, paired_ratio

PAIRS = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)), min_size=1, max_size=40)


def test_the_order_alternates_who_is_first():
    assert [abba(pairs) for pairs in range(5)] == ["", "AB", "ABBA", "ABBAAB", "ABBAABBA"]


@given(st.integers(0, 50))
def test_every_pair_has_both(pairs):
    order = abba(pairs)
    assert all({order[slot], order[slot + 1]} == {"A", "B"} for slot in range(0, 2 * pairs, 2))
    assert len(order) == 2 * pairs


def test_the_value_is_the_median_of_ratios_and_not_the_ratio_of_medians():
    """Ratios 2, 2, 2, 2, 2, 1/8; the medians of times are 11 and 6.5."""
    assert paired_ratio([2, 4, 8, 16, 20, 14], [1, 2, 4, 8, 10, 112]) == Ratio(2, 0.125, 2, 6)


def test_the_interval_of_nine_pairs_runs_from_the_second_to_the_eighth():
    assert paired_ratio([5, 3, 9, 1, 7, 2, 8, 4, 6], [1] * 9) == Ratio(5, 2, 8, 9)


def test_below_six_pairs_there_is_a_value_and_no_interval():
    assert paired_ratio([3, 3, 3, 3, 3], [2, 2, 2, 2, 2]) == Ratio(1.5, None, None, 5)
    assert paired_ratio([], []) == Ratio(None, None, None, 0)


def test_what_slows_both_of_a_pair_cancels():
    slowness = [1, 3, 1, 2, 7, 1, 1, 4]
    found = paired_ratio([1.5 * slow for slow in slowness], slowness)
    assert (found.value, found.lo, found.hi) == (1.5, 1.5, 1.5)


def test_steady_drift_favours_both_in_turn():
    """Slot k takes 1 + k / 100 as long: single pairs are off by up to 1 %, the median by less than .1 %."""
    order = abba(8)
    times = [(1.5 if who == "A" else 1.0) * (1 + slot / 100) for slot, who in enumerate(order)]
    system = [time for time, who in zip(times, order, strict=True) if who == "A"]
    reference = [time for time, who in zip(times, order, strict=True) if who == "B"]
    assert max(abs(a / b / 1.5 - 1) for a, b in zip(system, reference, strict=True)) > 0.008
    found = paired_ratio(system, reference)
    assert found.value == pytest.approx(1.5, rel=1e-3)
    assert found.lo < 1.5 < found.hi


@given(PAIRS)
def test_exchanging_both_gives_the_inverse(pairs):
    system, reference = zip(*pairs, strict=True)
    found, inverse = paired_ratio(system, reference), paired_ratio(reference, system)
    assert inverse.value == pytest.approx(1 / found.value)
    if found.lo is not None:
        assert (inverse.lo, inverse.hi) == (pytest.approx(1 / found.hi), pytest.approx(1 / found.lo))


@given(st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=40), st.randoms())
def test_the_order_of_ratios_does_not_matter(ratios, random):
    shuffled = random.sample(ratios, len(ratios))
    found = median_ratio(ratios)
    assert median_ratio(shuffled) == found
    assert found.lo <= found.value * (1 + 1e-12)
    assert found.value <= found.hi * (1 + 1e-12)


def test_slots_without_a_partner_are_refused():
    with pytest.raises(ValueError, match="found 1 for 2"):
        paired_ratio([1, 2], [1])


@pytest.mark.parametrize("time", [0, -1, math.inf, math.nan])
def test_times_are_positive(time):
    with pytest.raises(ValueError, match="positive and finite"):
        paired_ratio([1, time], [1, 1])
