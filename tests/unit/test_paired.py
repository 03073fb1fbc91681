"""Paired comparisons: scores under one weight matrix, p-values of all pairs, intervals of differences."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from harness.stats import bootstrap, paired
from harness.stats.bootstrap import resampled_totals, weights
from harness.stats.paired import Sample, bootstrap_p, difference_interval, resampled_scores


def quotient(totals):
    with np.errstate(divide="ignore", invalid="ignore"):
        return totals[:, 0] / totals[:, 1]


def counts(blocks, k, seed=1):
    return np.random.default_rng(seed).integers(0, 9, size=(blocks, k)).astype(float)


def samples_of(systems, blocks=12, k=3):
    return [Sample(counts(blocks, k, seed), quotient) for seed in range(systems)]


def p_of(one, other, **facts):
    """The p-value of two samples by the paired bootstrap."""
    pair = [one, other]
    point = np.array([sample.value(sample.sums.sum(axis=0)[None])[0] for sample in pair])
    return bootstrap_p(point, resampled_scores(pair, **facts))[0, 1]


# --- scores ---


def test_a_score_is_the_value_of_the_resampled_totals():
    sums = counts(7, 2)
    found = resampled_scores([Sample(sums, quotient)], resamples=50, seed=3)
    assert (found == quotient(np.concatenate(list(weights(7, resamples=50, seed=3))) @ sums)).all()
    assert (found == quotient(resampled_totals(sums, resamples=50, seed=3))).all()


def test_all_systems_are_resampled_alike():
    """A system that has one hit more in every block is better by the same amount in every resample."""
    sums = counts(9, 2)
    other, value = sums + np.array([1, 0]), lambda totals: totals[:, 0]
    scores = resampled_scores([Sample(sums, value), Sample(other, value)], resamples=100)
    assert (scores[1] - scores[0] == 9).all()


def test_systems_side_by_side_score_as_if_alone():
    pair = [*samples_of(3), *samples_of(2, k=5), Sample(sparse.csr_array(counts(12, 4)), quotient), *samples_of(1)]
    alone = [resampled_scores([sample], resamples=60)[0] for sample in pair]
    assert resampled_scores(pair, resamples=60).tobytes() == np.stack(alone).tobytes()


def test_sparse_block_sums_score_as_dense_ones():
    dense = counts(15, 6)
    for make in (sparse.csr_matrix, sparse.csr_array):
        found = resampled_scores([Sample(dense, quotient), Sample(make(dense), quotient)], resamples=80)
        assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.parametrize("cells", [1, 40, 333, 10_000])
def test_scores_do_not_depend_on_how_the_work_is_cut(monkeypatch, cells):
    mixed = [*samples_of(4), Sample(sparse.csr_array(counts(12, 30)), quotient)]
    whole = resampled_scores(mixed, resamples=50, seed=3)
    monkeypatch.setattr(bootstrap, "_CHUNK_CELLS", cells)
    monkeypatch.setattr(paired, "_CHUNK_CELLS", cells)
    assert resampled_scores(mixed, resamples=50, seed=3).tobytes() == whole.tobytes()


@pytest.mark.parametrize("seed", [0, 1, (0, 5)])
def test_the_same_seed_gives_the_same_bytes(seed):
    first, second = (resampled_scores(samples_of(2), resamples=30, seed=seed) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_seed_zero_is_a_seed_like_any_other():
    zero = resampled_scores(samples_of(1), resamples=30, seed=0)
    assert (zero == resampled_scores(samples_of(1), resamples=30)).all(), "it is the default"
    assert (zero != resampled_scores(samples_of(1), resamples=30, seed=1)).any()


def test_samples_of_different_blocks_are_not_paired():
    with pytest.raises(ValueError, match=r"found \[3, 4\] blocks"):
        resampled_scores([Sample(counts(3, 2), quotient), Sample(counts(4, 2), quotient)])
    with pytest.raises(ValueError, match="block by block"):
        resampled_scores([Sample(np.zeros((0, 2)), quotient)])


def test_no_systems_have_no_scores():
    assert resampled_scores([], resamples=10).shape == (0, 10)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_memory_beyond_input_and_result_does_not_grow_with_systems(monkeypatch, kind):
    """In chunks of 4 million cells, the same bound is 256 MB: 1,000 systems and 10,000 resamples stay below 1 GiB."""
    cells, resamples = 50_000, 200
    monkeypatch.setattr(bootstrap, "_CHUNK_CELLS", cells)
    monkeypatch.setattr(paired, "_CHUNK_CELLS", cells)
    for systems in (10, 40):
        field = [Sample(kind(counts(1000, 24, seed)), quotient) for seed in range(systems)]
        tracemalloc.start()
        resampled_scores(field, resamples=resamples, seed=systems)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * (systems * resamples + 8 * cells)
        assert systems * field[0].sums.shape[0] * 24 > 4 * cells or systems == 10, "side by side they would not fit"


# --- p-values ---


def test_p_counts_the_resamples_that_lie_as_far_from_the_difference_as_it_lies_from_zero():
    """Blocks with differences 3 and -1: d = 1, and the four resamples have 3, 1, 1, -1, two of them 2 away."""
    resampled = np.array([[3.0, 1.0, 1.0, -1.0], [0.0, 0.0, 0.0, 0.0]])
    assert bootstrap_p(np.array([1.0, 0.0]), resampled).tolist() == [[1, 3 / 5], [3 / 5, 1]]


def test_ties_count():
    """Blocks with differences 2 and 0: d = 1, the resamples have 2, 1, 1, 0, and two are exactly 1 away."""
    resampled = np.array([[2.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert bootstrap_p(np.array([1.0, 0.0]), resampled)[0, 1] == 3 / 5


def test_p_of_two_blocks_is_that_of_all_their_resamples():
    """As above: differences 3 and -1 give 2 of 4 resamples, so about half of many."""
    one = Sample(np.array([[3.0, 1.0], [-1.0, 1.0]]), quotient)
    other = Sample(np.array([[0.0, 1.0], [0.0, 1.0]]), quotient)
    assert p_of(one, other, resamples=10_000) == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / 10_000))


def test_p_is_never_zero():
    one = Sample(np.ones((6, 2)), quotient)
    other = Sample(np.ones((6, 2)) * [0, 1], quotient)
    assert p_of(one, other, resamples=99) == 1 / 100


def test_the_last_bits_of_scores_decide_nothing():
    point, resampled = np.array([0.1 + 0.2, 0.3]), np.array([[0.5, 0.7], [0.5 + 1e-16, 0.7 - 1e-16]])
    assert point[0] != point[1]
    assert bootstrap_p(point, resampled)[0, 1] == 1
    tie = np.array([[2.0 - 1e-13, 1.0, 1.0, 1e-13], [0.0, 0.0, 0.0, 0.0]])
    assert bootstrap_p(np.array([1.0, 0.0]), tie)[0, 1] == 3 / 5


def test_resamples_without_a_score_are_left_out_of_their_pairs():
    nan = np.nan
    resampled = np.array([[3.0, 1.0, nan, -1.0], [0.0, 0.0, 0.0, 0.0], [nan, nan, nan, 1.0]])
    found = bootstrap_p(np.array([1.0, 0.0, 0.5]), resampled)
    assert found[0, 1] == 3 / 4, "2 of 3"
    assert np.isnan(found[2]).tolist() == [True, True, False], "1 of 4 is too few, but a system equals itself"


def test_a_system_without_a_score_has_no_p():
    found = bootstrap_p(np.array([1.0, np.nan]), np.array([[1.0, 1.0], [0.0, 0.0]]))
    assert np.isnan(found).tolist() == [[False, True], [True, True]]


@given(st.integers(1, 6), st.integers(1, 30), st.integers(0, 2**32))
def test_p_is_symmetric_and_follows_the_systems(systems, resamples, seed):
    generator = np.random.default_rng(seed)
    point, resampled = generator.integers(0, 4, systems) / 4, generator.integers(0, 4, (systems, resamples)) / 4
    found, order = bootstrap_p(point, resampled), generator.permutation(systems)
    assert (found == found.T).all()
    assert (np.diag(found) == 1).all()
    assert ((found > 0) & (found <= 1)).all()
    assert (found[point[:, None] == point] == 1).all(), "equal systems"
    assert (bootstrap_p(point[order], resampled[order]) == found[np.ix_(order, order)]).all()
    assert (bootstrap_p(-point, -resampled) == found).all(), "it is two-sided"


def test_p_does_not_depend_on_how_the_work_is_cut(monkeypatch):
    field = samples_of(7)
    scores = resampled_scores(field, resamples=50)
    whole = bootstrap_p(scores.mean(axis=1), scores)
    monkeypatch.setattr(paired, "_CHUNK_CELLS", 100)
    assert bootstrap_p(scores.mean(axis=1), scores).tobytes() == whole.tobytes()


@given(st.permutations(range(8)))
def test_permuting_blocks_changes_no_total_and_not_what_is_found(order):
    one, other = Sample(counts(8, 2, 1), quotient), Sample(counts(8, 2, 2), quotient)
    shuffled = [Sample(sample.sums[list(order)], quotient) for sample in (one, other)]
    assert (shuffled[0].sums.sum(axis=0) == one.sums.sum(axis=0)).all()
    assert p_of(*shuffled, resamples=2000) == pytest.approx(p_of(one, other, resamples=2000), abs=0.08)


# --- intervals ---


def test_the_interval_of_a_difference_holds_its_percentiles():
    a, b = np.arange(101.0), np.full(101, 100.0)
    assert difference_interval(a, b) == (-97.5, -2.5)
    assert difference_interval(a, b, level=0.5) == (-75, -25)
    assert difference_interval(b, a) == (2.5, 97.5)


def test_a_system_does_not_differ_from_itself():
    scores = resampled_scores(samples_of(1), resamples=50)[0]
    assert difference_interval(scores, scores) == (0, 0)


def test_the_ends_of_a_difference_have_ten_significant_digits():
    assert difference_interval(np.full(3, 1.0), np.full(3, 2 / 3)) == (0.3333333333, 0.3333333333)


def test_undefined_differences_are_left_out():
    nan = np.nan
    assert difference_interval(np.array([1.0, nan, 1.0]), np.zeros(3)) == (1, 1)
    assert difference_interval(np.array([1.0, nan, 1.0]), np.array([nan, 0.0, 0.0])) is None
