"""The rule of pyperf for the length of the warm-up."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.warmup import HALF, WINDOW, is_steady, warmup_length

STEADY = [100, 102, 104, 106, 108, 110, 112, 114, 116, 118] * 4
"""Forty values whose halves are the same."""


def test_a_system_that_is_steady_from_the_start_still_warms_up_for_the_floor():
    assert warmup_length(STEADY * 3) == 10
    assert warmup_length(STEADY, floor=0) == 0


def test_slow_first_values_are_dropped():
    """Seven slow values among the next twenty would lift their mean; even the last alone is an outlier."""
    assert warmup_length([500] * 17 + STEADY * 2) == 17


def test_a_long_decline_is_waited_for():
    """It falls by 1 % each time down to 100: the means of halves differ by 10 % until it has almost ended."""
    decline = [100 * 0.99**-k for k in range(120, 0, -1)]
    found = warmup_length(decline + STEADY * 4)
    assert 100 <= found <= 125


def test_what_never_settles_is_not_stationary():
    assert warmup_length([1000 * 0.98**k for k in range(400)]) is None


def test_too_few_values_say_nothing_yet():
    assert warmup_length((STEADY * 2)[: 10 + WINDOW - 1]) is None
    assert warmup_length((STEADY * 2)[: 10 + WINDOW]) == 10


def test_values_beyond_the_most_are_not_looked_at():
    late = [1000 * 0.98**k for k in range(100)] + STEADY * 8
    assert warmup_length(late) is not None
    assert warmup_length(late, most=warmup_length(late) + WINDOW) == warmup_length(late)
    assert warmup_length(late, most=warmup_length(late) + WINDOW - 1) is None


# --- the four criteria, each alone; halves of 20 ---


def test_a_first_value_above_the_fence_of_the_others_is_warm_up():
    """Of the other 39: Q1 = 104, Q3 = 114 (ranks 10.5 and 29.5), so that the fence stands at 129."""
    assert is_steady([129, *STEADY[1:]])
    assert not is_steady([129.1, *STEADY[1:]])
    assert is_steady([1, *STEADY[1:]]), "a fast first value is none"


@pytest.mark.parametrize(("slowest", "steady"), [(40, True), (33, True), (32, False)])
def test_the_mean_may_fall_by_a_tenth_only(slowest, steady):
    """Four of twenty values lie above the third quartile. Means: 16 before; 16, 14.6 (9.6 % less) and 14.4 (11.1 %)."""
    assert is_steady([10] * 16 + [40] * 4 + [10] * 16 + [slowest] * 4) == steady


def test_the_mean_may_rise_to_its_double():
    first = [10.0] * 20
    assert is_steady(first + [10.0] * 16 + [60.0] * 4), "mean 20"
    assert not is_steady(first + [10.0] * 16 + [60.5] * 4), "mean 20.1"


@pytest.mark.parametrize(("factor", "steady"), [(1.04, True), (1 / 1.04, True), (1.06, False), (1 / 1.06, False)])
def test_quartiles_agree_within_a_twentieth(factor, steady):
    half = [100, 102, 104, 106, 108, 110, 112, 114, 116, 118] * 2
    assert is_steady(half + [value * factor for value in half]) == steady


def test_distances_from_the_median_agree_within_a_tenth():
    """MAD 10 against 11 and 11.2 around 1000: quartiles move by a tenth of a percent."""
    assert is_steady([990, 1010] * 10 + [989, 1011] * 10)
    assert not is_steady([990, 1010] * 10 + [988.8, 1011.2] * 10)


def test_values_that_are_all_the_same_are_steady():
    assert is_steady([5] * WINDOW)


@given(st.lists(st.integers(5000, 15_000), min_size=WINDOW, max_size=WINDOW), st.sampled_from([1, 5, 20, 50]))
def test_the_rule_is_that_of_pyperf(values, calm):
    values = [10_000 + (value - 10_000) // calm for value in values]
    assert is_steady(values) == pyperf_accepts([Fraction(value) for value in values])


def pyperf_accepts(values):
    """`test_calibrate_warmups` of pyperf 2.10.0, `_worker.py`, in exact arithmetic; 0 beside 0 agrees."""
    first, second = values[:HALF], values[HALF:]
    q1, q3 = quartiles(values[1:])
    outlier = not values[0] <= q3 + Fraction(3, 2) * (q3 - q1)
    mean_diff = off(statistics.mean(first), statistics.mean(second))
    quartile_diffs = map(off, quartiles(first), quartiles(second))
    mad_diff = off(deviation(first), deviation(second))
    return (
        not outlier
        and Fraction(-1, 2) <= mean_diff <= Fraction(1, 10)
        and all(abs(difference) <= Fraction(1, 20) for difference in quartile_diffs)
        and abs(mad_diff) <= Fraction(1, 10)
    )


def quartiles(sample):
    low, _, high = statistics.quantiles(sample, n=4, method="inclusive")
    return low, high


def deviation(sample):
    return statistics.median([abs(statistics.median(sample) - value) for value in sample])


def off(first, second):
    return (first - second) / second if second else 0 if first == second else math.inf


def test_another_number_of_values_is_refused():
    with pytest.raises(ValueError, match="judged by 40 values"):
        is_steady([1.0] * 39)
