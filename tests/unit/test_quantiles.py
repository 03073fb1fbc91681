"""Percentiles and their exact intervals."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from harness.stats.quantiles import Quantile, least_n, middle, quantile, rank_of, ranks, width

SHARES = st.sampled_from([0.01, 0.07, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])


# --- how many values it takes ---


@pytest.mark.parametrize(("p", "least"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368), (0.999, 3688)])
def test_an_interval_takes_as_many_values_as_leave_both_extremes_unlikely(p, least):
    """The most extreme value misses with probability p^n: .9^35 = .02503 is too much, .9^36 = .02253 is not."""
    assert least_n(p) == least_n(1 - p) == least
    assert p**least <= 0.025 < p ** (least - 1)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99, 0.999])
def test_one_value_fewer_and_nothing_is_said(p):
    n = least_n(p)
    assert quantile(np.arange(n - 1.0), p) == Quantile(p, None, None, None, n - 1)
    full = quantile(np.arange(1, n + 1.0), p)
    assert full.lo < full.value <= full.hi == n
    assert full.n == n


def test_a_tail_that_is_exactly_as_large_as_allowed_is_allowed():
    """2^-5 is half of what a level of .9375 leaves."""
    assert least_n(0.5, 0.9375) == 5
    assert ranks(5, 0.5, 0.9375) == (1, 5)


# --- the value ---


@given(st.integers(1, 5000), SHARES)
def test_the_value_is_the_inverted_distribution_function(n, p):
    """The smallest value that at least a share p of all does not exceed, where p is the decimal that it looks like."""
    share = Fraction(str(p))
    rank = rank_of(n, p)
    assert Fraction(rank, n) >= share > Fraction(rank - 1, n)


def test_the_median_of_ten_is_the_fifth_and_the_90th_percentile_of_forty_the_36th():
    assert quantile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 0.5).value == 5
    assert quantile(np.arange(40, 0, -1), 0.9).value == 36


# --- the interval ---


@pytest.mark.parametrize(
    ("n", "ends"), [(6, (1, 6)), (8, (1, 8)), (9, (2, 8)), (10, (2, 9)), (15, (4, 12)), (20, (6, 15)), (25, (8, 18))]
)
def test_the_interval_of_a_median_is_that_of_the_sign_test(n, ends):
    """Conover 1999, table A3: of 20 fair coins, 5 or fewer heads have probability .0207, 6 or fewer .0577."""
    assert ranks(n, 0.5) == ends


def test_the_ends_are_values_that_were_seen():
    assert quantile([30, 10, 60, 20, 50, 40], 0.5) == Quantile(0.5, 30, 10, 60, 6)


@given(st.integers(1, 3000), SHARES, st.sampled_from([0.8, 0.95, 0.99]))
def test_both_tails_are_allowed_and_one_rank_further_in_is_not(n, p, level):
    found, tail = ranks(n, p, level), (1 - level) / 2
    assert (found is None) == (n < least_n(p, level))
    if found is None:
        return
    low, high = found
    assert 1 <= low <= rank_of(n, p) <= high <= n
    assert binom.cdf(low - 1, n, p) <= tail * (1 + 1e-6)
    assert binom.sf(high - 1, n, p) <= tail * (1 + 1e-6)
    assert binom.cdf(low, n, p) > tail * (1 - 1e-6)
    assert binom.sf(high - 2, n, p) > tail * (1 - 1e-6)


def test_a_million_values_are_no_trouble():
    n = 1_000_000
    assert ranks(n, 0.999) == (binom.ppf(0.025, n, 0.999), binom.ppf(0.975, n, 0.999) + 1)


def test_intervals_cover_the_truth_at_least_as_often_as_they_say():
    """4,000 samples of 40 exponential values: the true 90th percentile is log 10. Exact coverage .9586, error .0032."""
    samples = np.random.default_rng(5).standard_exponential((4000, 40))
    found = [quantile(sample, 0.9) for sample in samples]
    covered = sum(one.lo <= math.log(10) <= one.hi for one in found)
    low, high = ranks(40, 0.9)
    exact = binom.cdf(high - 1, 40, 0.9) - binom.cdf(low - 1, 40, 0.9)
    assert exact >= 0.95
    assert covered / 4000 == pytest.approx(exact, abs=0.013)


# --- widths ---


def test_the_width_is_a_share_of_the_value():
    assert width(Quantile(0.5, 200.0, 195.0, 205.0, 50)) == 0.05
    assert width(Quantile(0.5, 200.0, 200.0, 200.0, 50)) == 0


def test_without_an_interval_there_is_no_width():
    assert width(quantile([1, 2, 3], 0.5)) is None
    assert width(quantile([0] * 10, 0.5)) is None


def test_requests_without_a_reply_are_slower_than_all_others():
    found = quantile([1, math.inf, 2, 3, 4, 5], 0.5)
    assert (found.value, found.hi) == (3, math.inf)
    assert width(found) == math.inf


# --- the median of ratios ---


def test_the_middle_of_an_even_number_is_a_geometric_mean():
    assert middle([8, 1, 2, 100]) == 4
    assert middle([7, 1, 2]) == 2
    assert middle([1.5, 1.5]) == 1.5


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=30))
def test_the_middle_of_inverses_is_the_inverse_of_the_middle(values):
    assert middle([1 / value for value in values]) == pytest.approx(1 / middle(values))


# --- what is refused ---


@pytest.mark.parametrize(("p", "level"), [(0, 0.95), (1, 0.95), (1.5, 0.95), (0.5, 0), (0.5, 1)])
def test_shares_outside_of_0_and_1_are_refused(p, level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile([1.0] * 10, p, level)


def test_what_is_not_a_number_has_no_place_in_an_order():
    with pytest.raises(ValueError, match="not numbers"):
        quantile([1.0, math.nan, 2.0], 0.5)


def test_nothing_has_no_middle():
    with pytest.raises(ValueError, match="no values"):
        middle([])
    assert quantile([], 0.5) == Quantile(0.5, None, None, None, 0)
