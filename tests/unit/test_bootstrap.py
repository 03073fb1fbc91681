"""The bootstrap: weights, block sums, percentile intervals."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from harness.stats import bootstrap
from harness.stats.bootstrap import block_sums, percentile_interval, round_significant, weights


def matrix(blocks, **facts):
    return np.concatenate(list(weights(blocks, **facts)))


def quotient(totals):
    with np.errstate(divide="ignore", invalid="ignore"):
        return totals[:, 0] / totals[:, 1]


def digits(value):
    return len(Decimal(repr(value)).normalize().as_tuple().digits)


# --- weights ---


@pytest.mark.parametrize("blocks", [1, 2, 7, 500])
def test_every_resample_draws_as_many_blocks_as_there_are(blocks):
    drawn = matrix(blocks, resamples=40)
    assert drawn.shape == (40, blocks)
    assert (drawn.sum(axis=1) == blocks).all()
    assert (drawn >= 0).all()


@pytest.mark.parametrize("cells", [1, 10, 33, 1000])
def test_weights_do_not_depend_on_the_size_of_chunks(monkeypatch, cells):
    whole = matrix(11, resamples=50, seed=3)
    monkeypatch.setattr(bootstrap, "_CHUNK_CELLS", cells)
    chunks = list(weights(11, resamples=50, seed=3))
    assert len(chunks) == math.ceil(50 / min(50, max(1, cells // 11)))
    assert np.concatenate(chunks).tobytes() == whole.tobytes()


@pytest.mark.parametrize("seed", [0, 1, 12345])
def test_the_same_seed_gives_the_same_bytes(seed):
    assert matrix(9, resamples=20, seed=seed).tobytes() == matrix(9, resamples=20, seed=seed).tobytes()


def test_seed_zero_is_a_seed_like_any_other():
    zero = matrix(30, resamples=20, seed=0)
    assert (zero == matrix(30, resamples=20)).all(), "it is the default"
    assert (zero != matrix(30, resamples=20, seed=1)).any()


def test_every_block_is_drawn_equally_often_on_average():
    mean = matrix(5, resamples=20_000).mean(axis=0)
    assert np.abs(mean - 1).max() < 5 / math.sqrt(20_000), "five standard errors; the variance of a count is below 1"


# --- block sums ---


def test_rows_of_a_block_are_summed_in_the_order_of_first_appearance():
    rows = np.array([[1, 10], [2, 20], [4, 40]])
    assert block_sums(rows, ["b", "a", "b"]).tolist() == [[5, 50], [2, 20]]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2**40), st.integers(0, 3)), min_size=1))
def test_sparse_and_dense_statistics_have_the_same_block_sums(rows):
    blocks = [block for block, *_ in rows]
    dense = np.array([counts for _, *counts in rows])
    expected = block_sums(dense, blocks)
    assert (block_sums(sparse.csr_matrix(dense), blocks) == expected).all()
    assert (block_sums(sparse.csr_array(dense), blocks) == expected).all()
    assert (expected.sum(axis=0) == dense.sum(axis=0)).all()


# --- intervals ---


def plain_interval(values, *, resamples, seed):
    """Efron's percentile bootstrap of a mean, one resample at a time."""
    generator = np.random.default_rng(seed)
    n = len(values)
    means = sorted(math.fsum(values[index] for index in generator.integers(0, n, size=n)) / n for _ in range(resamples))

    def quantile(q):
        position = q * (resamples - 1)
        below = math.floor(position)
        above = min(below + 1, resamples - 1)
        return means[below] + (position - below) * (means[above] - means[below])

    return quantile(0.025), quantile(0.975)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_interval_of_a_mean_is_that_of_the_plain_bootstrap(seed):
    values = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
    rows = np.array([[value, 1] for value in values], dtype=float)
    found = percentile_interval(rows, quotient, resamples=300, seed=seed)
    assert found == pytest.approx(plain_interval(values, resamples=300, seed=seed), rel=1e-9)


def test_repeating_rows_inside_their_block_does_not_narrow_the_interval_of_a_ratio():
    generator = np.random.default_rng(1)
    hits = generator.integers(0, 2, size=60)
    rows, blocks = np.stack([hits, np.ones_like(hits)], axis=1), [str(n) for n in range(60)]
    once = percentile_interval(block_sums(rows, blocks), quotient)
    repeated = percentile_interval(block_sums(np.repeat(rows, 5, axis=0), list(np.repeat(blocks, 5))), quotient)
    assert repeated == once
    as_if_independent = percentile_interval(np.repeat(rows, 5, axis=0).astype(float), quotient)
    assert as_if_independent[1] - as_if_independent[0] < 0.6 * (once[1] - once[0])


def test_one_block_says_nothing_about_variation():
    assert percentile_interval(np.array([[3.0, 4.0]]), quotient) is None
    assert percentile_interval(block_sums(np.ones((9, 2)), ["document"] * 9), quotient) is None


def test_equal_blocks_have_an_interval_without_width():
    assert percentile_interval(np.tile([1.0, 4.0], (8, 1)), quotient) == (0.25, 0.25)


def test_undefined_resamples_are_left_out():
    rows = np.array([[1, 1], [1, 1], [0, 0], [0, 1]], dtype=float)
    totals = matrix(4, resamples=500) @ rows
    scores = quotient(totals)
    assert 0 < np.isnan(scores).sum() < 250
    expected = np.quantile(scores[~np.isnan(scores)], [0.025, 0.975])
    assert percentile_interval(rows, quotient, resamples=500) == pytest.approx(tuple(expected), rel=1e-9)


def test_an_interval_of_which_most_resamples_are_undefined_is_none():
    rows = np.zeros((10, 2))
    assert percentile_interval(rows, quotient) is None
    rows[0] = 1.0
    assert np.isnan(quotient(matrix(10, resamples=1000) @ rows)).mean() < 0.5
    assert percentile_interval(rows, quotient) == (1.0, 1.0)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)), min_size=2, max_size=30))
def test_ends_are_ordered_and_have_at_most_ten_significant_digits(rows):
    lo, hi = percentile_interval(np.array(rows, dtype=float), quotient, resamples=100)
    assert lo <= hi
    assert max(digits(lo), digits(hi)) <= 10


@given(st.floats(-1e300, 1e300))
def test_rounding_keeps_ten_digits_and_the_number(value):
    rounded = round_significant(value)
    assert rounded == pytest.approx(value, rel=1e-9, abs=1e-300)
    assert round_significant(rounded) == rounded


def test_the_interval_of_an_accuracy_covers_the_truth_about_as_often_as_it_says():
    truth, n, trials = 0.7, 200, 300
    generator = np.random.default_rng(2024)
    covered = 0
    for hits in generator.random((trials, n)) < truth:
        lo, hi = percentile_interval(np.stack([hits, np.ones(n)], axis=1).astype(float), quotient)
        covered += lo <= truth <= hi
    assert 0.90 <= covered / trials <= 0.98
