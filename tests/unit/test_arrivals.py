"""Schedules of arrivals, and the search for the largest rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.arrivals import largest_rate, poisson


class Bound:
    """A system that keeps up to `limit`, and remembers what was tried."""

    def __init__(self, limit):
        self.limit, self.tried = limit, []

    def __call__(self, rate):
        self.tried.append(rate)
        return rate <= self.limit


# --- schedules ---


def test_gaps_are_exponential_and_independent():
    """100,000 gaps at 50 per second: mean .02 and sd .02 (errors .3 % and .45 %), a share 1 / e longer than .02."""
    gaps = np.diff(poisson(50, 100_001, seed=1))
    assert gaps.mean() == pytest.approx(0.02, rel=0.015)
    assert gaps.std() == pytest.approx(0.02, rel=0.02)
    assert (gaps > 0.02).mean() == pytest.approx(1 / math.e, abs=0.008)
    assert abs(np.corrcoef(gaps[1:], gaps[:-1])[0, 1]) < 0.016


def test_arrivals_per_second_are_as_many_as_a_poisson_process_has():
    """Counts of 5,000 seconds at 20 per second: mean and variance 20 (errors .3 % and 2 %)."""
    times = poisson(20, 110_000, seed=2)
    counts = np.bincount(times[times < 5000].astype(int), minlength=5000)
    assert counts.mean() == pytest.approx(20, rel=0.015)
    assert counts.var() == pytest.approx(20, rel=0.1)


def test_seeds_decide_and_0_is_a_seed():
    assert np.array_equal(poisson(10, 50, seed=0), poisson(10, 50, seed=0))
    assert not np.array_equal(poisson(10, 50, seed=0), poisson(10, 50, seed=1))


@given(st.floats(0.01, 1e5), st.integers(0, 200), st.integers(0, 2**32))
def test_a_faster_schedule_is_the_same_one_compressed(rate, n, seed):
    times = poisson(rate, n, seed)
    assert len(times) == n
    assert (np.diff(times, prepend=0) > 0).all()
    assert times == pytest.approx(poisson(1, n, seed) / rate)


@pytest.mark.parametrize("rate", [0, -1, math.inf, math.nan])
def test_a_rate_is_positive_and_finite(rate):
    with pytest.raises(ValueError, match="positive and finite"):
        poisson(rate, 10, seed=0)


# --- the search ---


def test_rates_double_until_one_is_too_high_and_then_close_in():
    """The limit is 11: of 8 to 16, 11.31 in the middle is missed, 9.51, 10.37 and 10.83 are met; 4.4 % are left."""
    bound = Bound(11)
    assert largest_rate(bound, 1) == bound.tried[-1]
    assert bound.tried == pytest.approx(
        [1, 2, 4, 8, 16, 8 * 2**0.5, 8 * 2**0.25, 8 * 2**0.375, 8 * 2**0.4375], rel=1e-9
    )


@given(st.floats(0.5, 9e5), st.floats(0.1, 100), st.sampled_from([0.01, 0.05, 0.5]))
def test_what_is_found_is_met_and_little_more_is_not(limit, start, precision):
    found = largest_rate(Bound(limit), start, precision=precision, least=0.05)
    assert found <= limit < found * (1 + precision) * (1 + 1e-9)


def test_if_the_first_rate_is_missed_there_is_no_answer():
    bound = Bound(3)
    assert largest_rate(bound, 4) is None
    assert bound.tried == [4]


def test_unless_lower_ones_are_allowed():
    bound = Bound(3)
    assert largest_rate(bound, 16, least=1, precision=1) == 2
    assert bound.tried == [16, 8, 4, 2]
    assert largest_rate(Bound(0.5), 16, least=1) is None


def test_nothing_is_tried_beyond_the_most():
    bound = Bound(math.inf)
    assert largest_rate(bound, 3, most=20) == 20
    assert bound.tried == [3, 6, 12, 20]


def test_no_rate_is_tried_twice():
    bound = Bound(123.4)
    largest_rate(bound, 7, precision=0.001)
    assert len(set(bound.tried)) == len(bound.tried)


@pytest.mark.parametrize(
    "facts", [{"start": 0}, {"start": 10, "most": 5}, {"start": 1, "least": 2}, {"start": 1, "precision": 0}]
)
def test_a_search_without_room_is_refused(facts):
    with pytest.raises(ValueError, match="precision > 0"):
        largest_rate(Bound(1), **facts)
