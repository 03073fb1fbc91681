"""Intervals by halves: exact for means, corrected for bias, and the values they are meant for."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from harness.api import Totals
from harness.metrics import clustering
from harness.metrics.clustering import ALONE, CLUSTER, UNANSWERED
from harness.stats import paired
from harness.stats.corrected import _draw, corrected_interval

FORMULAS = ("accuracy", "precision", "recall", "f1", "nmi", "ami", "ari", "example_coverage", "cluster_count")


def mean(totals):
    with np.errstate(divide="ignore", invalid="ignore"):
        return totals[:, 0] / totals[:, 1]


def squared(totals):
    return mean(totals) ** 2


def numbers(*values):
    return np.array([[value, 1.0] for value in values])


def interval(sums, value=mean, **facts):
    return corrected_interval(float(value(sums.sum(axis=0)[None])[0]), sums, value, **facts)


def middle_and_reach(ends):
    return (ends[0] + ends[1]) / 2, (ends[1] - ends[0]) / 2


# --- halves ---


@pytest.mark.parametrize("blocks", [2, 3, 8, 501])
def test_a_half_holds_every_second_block_once(blocks):
    (drawn,) = _draw(blocks, 40, 0)
    assert drawn.shape == (40, blocks)
    assert set(np.unique(drawn)) == {0, 1}
    assert (drawn.sum(axis=1) == blocks // 2).all()


@pytest.mark.parametrize("cells", [1, 10, 33, 10_000])
def test_halves_do_not_depend_on_the_size_of_chunks(monkeypatch, cells):
    whole = np.concatenate(list(_draw(7, 50, 3)))
    monkeypatch.setattr(paired, "_CHUNK_CELLS", cells)
    assert np.concatenate(list(_draw(7, 50, 3))).tobytes() == whole.tobytes()


def test_every_block_is_in_half_of_the_halves():
    (drawn,) = _draw(6, 10_000, 0)
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 5 * np.sqrt(0.25 / 10_000)


# --- intervals ---


def test_the_interval_of_a_mean_is_the_textbooks():
    """1..10: mean 5.5, variance 55 / 6, standard error sqrt(55 / 60), for halves of 5 and of 11 numbers alike."""
    middle, reach = middle_and_reach(interval(numbers(*range(1, 11)), resamples=20_000))
    assert middle == pytest.approx(5.5, abs=0.05)
    assert reach == pytest.approx(1.96 * math.sqrt(55 / 60), rel=0.03)
    middle, reach = middle_and_reach(interval(numbers(*range(1, 12)), resamples=20_000))
    assert middle == pytest.approx(6, abs=0.05)
    assert reach == pytest.approx(1.96 * math.sqrt(11 / 11), rel=0.03)


@pytest.mark.parametrize("value", [mean, squared])
def test_it_is_that_of_all_halves(value):
    """Four blocks have six halves; half of what is taken off adds to the error."""
    sums = np.array([[1.0, 2.0], [3.0, 3.0], [0.0, 1.0], [2.0, 5.0]])
    values = [value(sums[list(half)].sum(axis=0)[None])[0] for half in combinations(range(4), 2)]
    bias = np.mean(values) - value(np.array([[6, 11]]))[0]
    middle, reach = middle_and_reach(interval(sums, value, resamples=20_000))
    assert middle == pytest.approx(value(np.array([[6, 11]]))[0] - bias, abs=0.01)
    assert reach == pytest.approx(1.96 * math.hypot(np.std(values), bias / 2), rel=0.03)


def test_the_bias_of_a_value_is_taken_off():
    """The square of a mean is too high by the variance of the mean, here 55 / 60."""
    middle, _ = middle_and_reach(interval(numbers(*range(1, 11)), squared, resamples=20_000))
    assert middle == pytest.approx(5.5**2 - 55 / 60, abs=0.3)
    assert abs(middle - 5.5**2) > 0.5


def test_a_wider_level_is_wider():
    _, reach = middle_and_reach(interval(numbers(*range(9))))
    _, wider = middle_and_reach(interval(numbers(*range(9)), level=0.99))
    assert wider / reach == pytest.approx(2.5758 / 1.95996, rel=1e-4)


def test_equal_blocks_have_an_interval_without_width():
    assert interval(np.tile([1.0, 4.0], (8, 1))) == (0.25, 0.25)


def test_ends_have_ten_significant_digits():
    ends = interval(numbers(1, 0, 0, 1, 1, 1, 0))
    assert [float(f"{end:.9e}") for end in ends] == list(ends)


def test_one_block_says_nothing_about_variation():
    assert interval(numbers(3)) is None
    assert interval(numbers(3, 4)) is not None


def test_undefined_halves_are_left_out():
    rows = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    assert interval(rows) == (1, 1), "one half of six has no rows"
    rows = np.zeros((5, 2))
    rows[0] = 1
    assert interval(rows) is None, "six of ten"
    assert corrected_interval(math.nan, rows, mean) is None


def test_sparse_dense_and_in_chunks_are_the_same(monkeypatch):
    sums = np.random.default_rng(1).integers(1, 9, size=(30, 6)).astype(float)
    whole = interval(sums, resamples=100)
    for make in (sparse.csr_matrix, sparse.csr_array):
        assert corrected_interval(mean(sums.sum(axis=0)[None])[0], make(sums), mean, resamples=100) == whole
    for cells in (1, 100, 1000):
        monkeypatch.setattr(paired, "_CHUNK_CELLS", cells)
        assert interval(sums, resamples=100) == whole


def test_the_same_seed_gives_the_same_ends_and_seed_zero_is_a_seed_like_any_other():
    sums = numbers(3, 1, 4, 1, 5, 9, 2, 6)
    assert interval(sums) == interval(sums, seed=0)
    assert interval(sums) != interval(sums, seed=1)


# --- clusterings, which it is for ---


def clustered(rows):
    """Block sums, one row each, and their value function, from (cluster, reference) of every row."""
    found = clustering.statistics([[(CLUSTER, *row)] for row in rows])
    return found.rows, lambda formula: lambda totals: clustering.of_tables(formula)(Totals(found.columns, totals))


def test_agreeing_with_oneself_is_no_agreement():
    """Random clusters: ARI is about 0. A bootstrap sees copies of rows agree, halves hold none."""
    generator = np.random.default_rng(5)
    rows, value = clustered([(str(k), str(r)) for k, r in generator.integers(0, 12, size=(300, 2))])
    ari = value(clustering.ari)
    point = float(ari(rows.sum(axis=0)[None])[0])
    lo, hi = corrected_interval(point, rows, ari, resamples=200)
    assert lo < 0 < hi
    resampled = paired.resampled_scores([paired.Sample(rows, ari)], resamples=200)[0]
    assert np.quantile(resampled, 0.025) > hi, "the percentile interval does not even meet it"


COLUMNS = tuple(
    sorted([(CLUSTER, k, r) for k in "123" for r in "abc"] + [(kind, r) for kind in (ALONE, UNANSWERED) for r in "abc"])
)


@given(st.lists(st.lists(st.integers(0, 4), min_size=15, max_size=15), min_size=1, max_size=4))
@pytest.mark.parametrize("name", FORMULAS)
def test_many_clusterings_at_once_are_scored_as_one_by_one(name, tables):
    value, sums = clustering.of_tables(getattr(clustering, name)), np.array(tables)
    one_by_one = np.array([value(Totals(COLUMNS, row)) for row in sums])
    assert value(Totals(COLUMNS, sums.astype(float))).tobytes() == one_by_one.tobytes()
