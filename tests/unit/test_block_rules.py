"""Rejected blocks, marginal rates, and the two suspicions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.blocks import Marginal, Verdict, marginal, matched_ratio, repeat_ratio, verdict
from harness.stats.ratios import Ratio

# --- rejection ---


@pytest.mark.parametrize(("noisy", "blocks", "valid"), [(0, 5, True), (1, 5, True), (2, 5, False), (3, 15, True)])
def test_more_than_a_fifth_of_the_blocks_rejected_is_too_much(noisy, blocks, valid):
    found = verdict([True] * noisy + [False] * (blocks - noisy))
    assert found == Verdict(tuple(range(noisy, blocks)), valid)


def test_the_kept_blocks_are_named_by_index():
    kept, valid = verdict([False, True, False, True], most=0.5)
    assert (kept, valid) == ((0, 2), True)


def test_a_run_without_blocks_is_no_run():
    nothing = Verdict(kept=(), valid=False)
    assert verdict([]) == nothing
    assert verdict([True], most=1.0) == nothing


# --- what is fixed and what is per input ---


def test_two_runs_tell_the_rate_from_the_fixed_time():
    """100 inputs in 7 s, 200 in 12 s: 5 s for 100 are 20 per second, and 7 s hold 2 s of something else."""
    assert marginal(100, 7.0, 200, 12.0) == Marginal(20.0, 2.0)


@given(st.integers(1, 1000), st.integers(1, 1000), st.floats(0.01, 1e4), st.floats(0, 1e3))
def test_a_straight_line_is_found_again(n, more, rate, fixed):
    found = marginal(n, fixed + n / rate, n + more, fixed + (n + more) / rate)
    if found is not None:
        assert found.fixed == pytest.approx(fixed + n / rate - n / found.rate)
    if more / rate > 1e-3 * fixed:
        assert found.rate == pytest.approx(rate, rel=1e-6)


def test_a_longer_run_that_took_no_longer_says_nothing():
    assert marginal(100, 7.0, 200, 7.0) is None
    assert marginal(100, 7.0, 200, 6.0) is None


@pytest.mark.parametrize(("n_1", "n_2"), [(0, 10), (10, 10), (20, 10)])
def test_the_second_run_is_the_larger_one(n_1, n_2):
    with pytest.raises(ValueError, match="more inputs than the first"):
        marginal(n_1, 1.0, n_2, 2.0)


# --- repeats ---


def test_repeats_are_compared_item_by_item():
    """Medians of repeats 5, 5, 4 (of 2 and 8), 9, 1, 6 by first visits 10, 5, 4, 3, 2, 1: .5, 1, 1, 3, .5, 6."""
    repeats = [[5], [5, 1, 9], [2, 8], [9, 9, 9], [1], [6]]
    assert repeat_ratio([10, 5, 4, 3, 2, 1], repeats) == Ratio(1, 0.5, 6, 6)


def test_items_without_repeats_do_not_count():
    assert repeat_ratio([1, 2, 4], [[2], [], [4]]) == Ratio(pytest.approx(math.sqrt(2)), None, None, 2)
    assert repeat_ratio([], []) == Ratio(None, None, None, 0)


def latencies(generator, items, visits):
    """Lengths from 10 to 60, 1 ms per unit, lognormal noise of 30 %, one in fifty 20 times as slow."""
    length = generator.integers(10, 60, items)
    noise = np.exp(0.3 * generator.standard_normal((items, visits)))
    return length, length[:, None] * noise * np.where(generator.random((items, visits)) < 0.02, 20, 1)


def test_a_cache_is_found_and_noise_is_not_taken_for_one():
    """Of 200 honest systems some 10 have intervals without 1, by chance; none is suspected, and no cache is missed."""
    runs = [latencies(np.random.default_rng(seed), 300, 4)[1] for seed in range(200)]
    honest = [repeat_ratio(times[:, 0], times[:, 1:]) for times in runs]
    assert sum(found.lo <= 1 <= found.hi for found in honest) >= 180
    assert min(found.hi for found in honest) > 0.9
    assert max(repeat_ratio(times[:, 0], 0.7 * times[:, 1:]).hi for times in runs) < 0.9


def test_every_item_has_a_list_of_repeats():
    with pytest.raises(ValueError, match="found 1 for 2 items"):
        repeat_ratio([1, 2], [[1]])


# --- decoys ---


def test_a_decoy_is_compared_with_the_scored_item_nearest_in_length():
    """10 is next to 11 (22 ms), 29 to 30 (60 ms): 22 / 20 and 60 / 40, whose geometric middle is reported."""
    found = matched_ratio([11, 30, 100], [22, 60, 1], [10, 29], [20, 40])
    assert found == Ratio(pytest.approx(math.sqrt(1.1 * 1.5)), None, None, 2)


def test_equally_near_items_count_by_their_median():
    assert matched_ratio([9, 11, 11], [1, 2, 400], [10], [1]).value == 2
    assert matched_ratio([10, 10, 11], [2, 8, 100], [10], [1]).value == 4


def test_a_fast_path_is_found_and_noise_is_not_taken_for_one():
    """As above, and a system that slows one known item in ten on purpose does not get away with it."""
    honest, known, disguised = [], [], []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        (lengths, times), decoys = latencies(generator, 400, 1), latencies(generator, 80, 1)
        slowed = np.where(generator.random(400) < 0.1, 20, 1)
        for found, factor in ((honest, 1), (known, 0.6), (disguised, 0.6 * slowed)):
            found.append(matched_ratio(lengths, times[:, 0] * factor, decoys[0], decoys[1][:, 0]))
    assert sum(found.lo <= 1 <= found.hi for found in honest) >= 180
    assert min(found.hi for found in honest) > 0.9
    assert max(found.hi for found in known) < 0.9
    assert sum(found.hi < 0.9 for found in disguised) >= 190


def test_decoys_need_something_to_be_compared_with():
    assert matched_ratio([5], [1.0], [], []) == Ratio(None, None, None, 0)
    with pytest.raises(ValueError, match="at least one scored item"):
        matched_ratio([], [], [5], [1.0])
    with pytest.raises(ValueError, match="one length per time"):
        matched_ratio([5, 6], [1.0], [5], [1.0])
    with pytest.raises(ValueError, match="positive and finite"):
        matched_ratio([5], [0.0], [5], [1.0])
