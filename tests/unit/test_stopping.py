"""When to stop, and the uncertainty over fresh processes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from harness.stats.stopping import Mean, between, half_width, is_precise, log_mean, student_t

RATES = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=30)


# --- Student's t ---


@pytest.mark.parametrize(
    ("level", "degrees", "t"),
    [(0.95, 1, 12.706), (0.95, 2, 4.303), (0.95, 4, 2.776), (0.95, 9, 2.262), (0.99, 5, 4.032), (0.95, 120, 1.980)],
)
def test_t_is_that_of_the_tables(level, degrees, t):
    assert student_t(level, degrees) == pytest.approx(t, abs=5e-4)


@given(st.integers(1, 800), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999]))
def test_t_is_that_of_scipy(degrees, level):
    assert student_t(level, degrees) == pytest.approx(student.ppf((1 + level) / 2, degrees), rel=1e-9)


@pytest.mark.parametrize(("level", "degrees"), [(0.95, 0), (0, 5), (1, 5)])
def test_t_needs_a_degree_of_freedom_and_a_level(level, degrees):
    with pytest.raises(ValueError, match="degree of freedom"):
        student_t(level, degrees)


# --- the mean of blocks ---


def test_the_mean_is_geometric_and_its_interval_a_factor():
    """Logs of 1, e, e^2: mean 1, sd 1, t(2) = 4.3027, so that the half-width is 4.3027 / sqrt(3) = 2.4841."""
    found = log_mean([1, math.e, math.e**2])
    assert found.n == 3
    assert found.value == pytest.approx(math.e)
    assert half_width(found) == pytest.approx(2.4841, abs=1e-4)
    assert found.hi / found.value == pytest.approx(found.value / found.lo)


def test_one_block_has_a_value_and_no_interval():
    assert log_mean([7.0]) == Mean(7.0, None, None, 1)
    assert half_width(log_mean([7.0])) is None
    assert not is_precise(log_mean([7.0]), least=1)


@given(RATES, st.floats(0.01, 100))
def test_another_unit_changes_the_unit_only(rates, factor):
    found, scaled = log_mean(rates), log_mean([rate * factor for rate in rates])
    assert scaled.value == pytest.approx(found.value * factor)
    assert half_width(scaled) == pytest.approx(half_width(found), rel=1e-6, abs=1e-9)


@given(RATES)
def test_times_and_throughputs_have_the_same_interval(rates):
    found, inverse = log_mean(rates), log_mean([1 / rate for rate in rates])
    assert (inverse.value, inverse.hi) == (pytest.approx(1 / found.value), pytest.approx(1 / found.lo))


@pytest.mark.parametrize("rates", [[], [1, 0], [1, -2], [1, math.inf], [1, math.nan]])
def test_throughputs_are_positive(rates):
    with pytest.raises(ValueError, match="throughputs of blocks are positive"):
        log_mean(rates)


# --- stopping ---


def test_five_blocks_that_agree_are_enough_and_four_are_not():
    assert is_precise(log_mean([100.0] * 5))
    assert not is_precise(log_mean([100.0] * 4))


def test_precise_is_within_two_percent_each_way():
    """Logs of five blocks at -d, -d, 0, d, d: sd d, t(4) = 2.7764, half-width 1.24167 d; .02 for d = .016107."""

    def blocks(d):
        return log_mean([100 * math.exp(step * d) for step in (-1, -1, 0, 1, 1)])

    assert half_width(blocks(0.0161)) == pytest.approx(1.24167 * 0.0161, rel=1e-5)
    assert is_precise(blocks(0.0161))
    assert not is_precise(blocks(0.0162))
    assert is_precise(blocks(0.08), half_width=0.1)


# --- over processes ---


def test_what_is_reported_varies_as_processes_do():
    """Process means of logs 0, 1, 2, whatever happens inside: as for blocks of 1, e and e^2."""
    found = between([[1, 1], [math.e**0.5, math.e**1.5], [math.e**2] * 4])
    assert found.value == pytest.approx(math.e)
    assert half_width(found) == pytest.approx(2.4841, abs=1e-4)
    assert found.n == 3


def test_processes_weigh_alike_however_many_blocks_they_have():
    assert between([[1.0] * 9, [4.0]]).value == pytest.approx(2)


def test_one_process_is_judged_by_its_blocks():
    blocks = [100, 101, 99, 100, 102]
    assert between([blocks]) == log_mean(blocks)
    assert between([blocks, []]) == log_mean(blocks), "a process without blocks is none"


def test_fewer_than_five_blocks_altogether_have_no_interval():
    assert between([[1.0, 2.0], [3.0, 4.0]]).lo is None
    assert between([[1.0, 2.0, 1.0], [3.0, 4.0]]).lo is not None
    assert between([[100.0] * 4]) == Mean(pytest.approx(100.0), None, None, 4)


def test_no_process_at_all_is_refused():
    with pytest.raises(ValueError, match="throughputs of blocks are positive"):
        between([[], []])
