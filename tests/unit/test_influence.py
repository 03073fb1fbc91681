"""Influence of blocks: the change of a value, or of a difference, when a block is left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from harness.stats import paired
from harness.stats.influence import influence
from harness.stats.paired import Sample


def quotient(totals):
    with np.errstate(divide="ignore", invalid="ignore"):
        return totals[:, 0] / totals[:, 1]


def sample(*rows):
    return Sample(np.array(rows, float), quotient)


TABLES = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=12)


def test_a_block_counts_by_what_the_value_would_be_without_it():
    """3 of 6; without the first block 2 of 3, without the second 2 of 4, without the third 2 of 5."""
    found = influence(sample((1, 3), (1, 2), (1, 1)))
    assert found == pytest.approx([3 / 6 - 2 / 3, 3 / 6 - 2 / 4, 3 / 6 - 2 / 5])


def test_positive_blocks_speak_for_the_first_system():
    a, b = sample((1, 1), (1, 1), (0, 1)), sample((0, 1), (1, 1), (0, 1))
    assert influence(a, b) == pytest.approx([1 / 3, -1 / 6, -1 / 6]), "without the first they are equal: 1/2, 1/2"
    assert influence(b, a).tolist() == (-influence(a, b)).tolist()
    assert influence(a, a).tolist() == [0, 0, 0]


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=20))
def test_influences_on_a_mean_are_deviations_from_it(values):
    found, mean = influence(sample(*((value, 1) for value in values))), np.mean(values)
    assert found == pytest.approx((np.array(values) - mean) / (len(values) - 1), abs=1e-12)
    assert found.sum() == pytest.approx(0, abs=1e-9)


@given(TABLES, st.randoms(use_true_random=False))
def test_influence_follows_its_block(rows, random):
    order = random.sample(range(len(rows)), len(rows))
    shuffled = [rows[place] for place in order]
    assert influence(sample(*shuffled)).tolist() == influence(sample(*rows))[order].tolist()


@given(TABLES, st.integers(1, 9))
def test_sparse_dense_and_in_chunks_are_the_same(rows, cells):
    whole = influence(sample(*rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paired, "_CHUNK_CELLS", cells)
        assert influence(sample(*rows)).tolist() == whole.tolist()
        for make in (sparse.csr_matrix, sparse.csr_array):
            assert influence(Sample(make(np.array(rows, float)), quotient)).tolist() == whole.tolist()


def test_where_nothing_is_left_nothing_can_be_said():
    assert np.isnan(influence(sample((1, 1), (0, 0)))).tolist() == [True, False]
    assert np.isnan(influence(sample((1, 2)))).tolist() == [True]


def test_differences_are_paired():
    with pytest.raises(ValueError, match=r"found \[1, 2\] blocks"):
        influence(sample((1, 1), (1, 1)), sample((1, 1)))
