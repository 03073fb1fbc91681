"""Approximate randomization: against all swaps of tiny samples, and what must hold for any."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from harness.stats import paired
from harness.stats.paired import Sample
from harness.stats.randomization import _signs, baseline_p, randomization_p


def quotient(totals):
    with np.errstate(divide="ignore", invalid="ignore"):
        return totals[..., 0] / totals[..., 1]


def harmonic(totals):
    """A value that is no mean: 2 TP / (2 TP + FP + FN)."""
    return quotient(np.stack([2 * totals[..., 0], 2 * totals[..., 0] + totals[..., 1] + totals[..., 2]], axis=-1))


def hits(*values):
    return Sample(np.array([[value, 1.0] for value in values]), quotient)


def exact_p(one, other, value):
    """The share of all 2^n swaps that differ at least as much as the systems do."""
    observed = abs(value(one.sum(axis=0)) - value(other.sum(axis=0)))
    differences = []
    for coins in product([True, False], repeat=len(one)):
        swap = np.array(coins)[:, None]
        a, b = np.where(swap, other, one).sum(axis=0), np.where(swap, one, other).sum(axis=0)
        differences.append(abs(value(a) - value(b)))
    return np.mean(np.array(differences) >= observed - 1e-9)


def five_errors(p, trials):
    return 5 * np.sqrt(p * (1 - p) / trials) + 1 / trials


# --- against all swaps ---


def test_two_blocks_in_favour_of_one_are_no_evidence():
    """The four swaps have 1, 0, 0, -1: half of them differ as much."""
    assert exact_p(hits(1, 1).sums, hits(0, 0).sums, quotient) == 0.5
    found = randomization_p(hits(1, 1), hits(0, 0), trials=10_000)
    assert found == pytest.approx(0.5, abs=five_errors(0.5, 10_000))


def test_six_blocks_in_favour_of_one_are_some():
    """Two of 64 swaps differ as much: none, and all."""
    found = randomization_p(hits(*[1] * 6), hits(*[0] * 6), trials=20_000)
    assert found == pytest.approx(2 / 64, abs=five_errors(2 / 64, 20_000))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("value", [quotient, harmonic])
def test_p_is_the_share_of_all_swaps(value, seed):
    generator, trials = np.random.default_rng(seed), 10_000
    one, other = (generator.integers(0, 4, size=(8, 3)) + np.array([1.0, 1, 0]) for _ in range(2))
    expected = exact_p(one, other, value)
    found = randomization_p(Sample(one, value), Sample(other, value), trials=trials, seed=seed)
    assert found == pytest.approx(expected, abs=five_errors(expected, trials))


def test_one_block_can_only_be_swapped_as_a_whole():
    assert randomization_p(hits(1), hits(0), trials=100) == 1


def test_segments_of_a_block_are_swapped_together():
    """Two documents of three segments are two coins, however clear each segment is."""
    documents = Sample(np.array([[3.0, 3.0], [3.0, 3.0]]), quotient)
    found = randomization_p(documents, Sample(documents.sums * [0, 1], quotient), trials=10_000)
    assert found == pytest.approx(0.5, abs=five_errors(0.5, 10_000))


# --- what holds for any two systems ---

TABLES = st.integers(1, 8).flatmap(
    lambda n: st.lists(
        st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), min_size=n, max_size=n), min_size=2, max_size=2
    )
)


@given(TABLES)
def test_a_against_b_mirrors_b_against_a(tables):
    one, other = (Sample(np.array(rows, float), quotient) for rows in tables)
    assert randomization_p(one, other, trials=200) == randomization_p(other, one, trials=200)


def test_the_mirror_is_exact_where_sums_are_not():
    generator = np.random.default_rng(4)
    one, other = (Sample(generator.random((40, 2)), quotient) for _ in range(2))
    assert randomization_p(one, other, trials=500) == randomization_p(other, one, trials=500)


@given(TABLES)
def test_a_system_does_not_differ_from_itself(tables):
    one, _ = (Sample(np.array(rows, float), quotient) for rows in tables)
    assert randomization_p(one, one, trials=50) == 1


@given(TABLES)
def test_swapping_changes_no_total(tables):
    seen = []
    one, other = (np.array(rows, float) for rows in tables)
    value = lambda totals: seen.append(totals) or quotient(totals)  # noqa: E731 - it only listens
    randomization_p(Sample(one, value), Sample(other, value), trials=20)
    first, second = seen[-2:]
    assert (first + second == one.sum(axis=0) + other.sum(axis=0)).all()
    assert (first >= np.minimum(one, other).sum(axis=0)).all()


def test_one_baseline_against_many_is_each_pair_by_itself():
    generator = np.random.default_rng(1)
    baseline, *systems = (Sample(generator.integers(1, 9, (20, 4)).astype(float), harmonic) for _ in range(6))
    together = baseline_p(baseline, systems, trials=300, seed=2)
    assert together.tolist() == [randomization_p(baseline, system, trials=300, seed=2) for system in systems]


def test_p_is_never_zero():
    assert randomization_p(hits(*[1] * 40), hits(*[0] * 40), trials=999) == 1 / 1000


def test_ties_count_whatever_the_last_bits():
    """Sums of tenths are not exact. The third block is equal, so 2 of 4 swaps differ by 0.3 and 2 by 0.1."""
    one, other = hits(0.1, 0.2, 0.0), hits(0.0, 0.0, 0.0)
    found = randomization_p(one, other, trials=10_000)
    assert found == pytest.approx(0.5, abs=five_errors(0.5, 10_000))


def test_sparse_block_sums_are_swapped_as_dense_ones():
    generator = np.random.default_rng(3)
    one, other = (generator.integers(1, 5, (15, 3)).astype(float) for _ in range(2))
    dense = randomization_p(Sample(one, harmonic), Sample(other, harmonic), trials=200)
    for make in (sparse.csr_matrix, sparse.csr_array):
        assert randomization_p(Sample(make(one), harmonic), Sample(make(other), harmonic), trials=200) == dense


def test_systems_are_swapped_block_by_block_and_column_by_column():
    with pytest.raises(ValueError, match=r"found \[2, 3\] blocks"):
        randomization_p(hits(1, 1), hits(1, 1, 1))
    with pytest.raises(ValueError, match=r"the same columns; found \[2, 3\]"):
        randomization_p(hits(1, 1), Sample(np.ones((2, 3)), quotient))


def test_trials_without_a_score_are_left_out():
    """Only one of the systems has any row: each swap leaves another without."""
    empty = Sample(np.zeros((2, 2)), quotient)
    assert np.isnan(randomization_p(hits(1, 1), empty, trials=100)), "nothing to differ from"
    one = Sample(np.array([[1.0, 1.0], [0.0, 0.0]]), quotient)
    other = Sample(np.array([[0.0, 0.0], [0.0, 1.0]]), quotient)
    assert randomization_p(one, other, trials=400) == 1, (
        "in half of the trials one side is empty; in the others |d| = 1"
    )


# --- coins ---


@pytest.mark.parametrize("cells", [1, 10, 33, 10_000])
def test_coins_do_not_depend_on_the_size_of_chunks(monkeypatch, cells):
    whole = np.concatenate(list(_signs(7, 50, 3, 1)))
    monkeypatch.setattr(paired, "_CHUNK_CELLS", cells)
    assert np.concatenate(list(_signs(7, 50, 3, 1))).tobytes() == whole.tobytes()
    assert set(np.unique(whole)) == {-1, 1}


def test_coins_are_fair():
    assert abs(np.concatenate(list(_signs(50, 2000, 0, 1))).mean()) < 5 / np.sqrt(50 * 2000)


def test_the_same_seed_gives_the_same_p_and_seed_zero_is_a_seed_like_any_other():
    one, other = hits(1, 1, 0, 1, 1, 0, 1), hits(0, 1, 0, 0, 1, 1, 0)
    zero = randomization_p(one, other, trials=500)
    assert zero == randomization_p(one, other, trials=500, seed=0)
    assert zero != randomization_p(one, other, trials=500, seed=1)
