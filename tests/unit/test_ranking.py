"""Ranks with their uncertainty: Holm's correction, clusters, rank intervals, detectable differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.stats.ranking import clusters, detectable, holm, rank_intervals, smallest_detectable

P = st.floats(0, 1)


def pairs(systems, known):
    """A symmetric matrix of p-values: 1 except where `known` says otherwise."""
    p = np.ones((systems, systems))
    for (one, other), value in known.items():
        p[one, other] = p[other, one] = value
    return p


# --- Holm ---


def test_holm_by_hand():
    """Sorted .005 .01 .03 .04 times 4 3 2 1 is .02 .03 .06 .04, and none may fall below one before it."""
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_adjusted_p_end_at_one():
    assert holm(np.array([0.6, 0.7])).tolist() == [1, 1]


def test_one_hypothesis_needs_no_correction():
    assert holm(np.array([0.03])).tolist() == [0.03]
    assert holm(pairs(2, {(0, 1): 0.03})).tolist() == [[1, 0.03], [0.03, 1]]
    assert holm(np.array([])).tolist() == []


def test_every_pair_of_a_matrix_counts_once():
    """Three systems are three hypotheses, not six or nine."""
    found = holm(pairs(3, {(0, 1): 0.01, (0, 2): 0.02, (1, 2): 0.5}))
    assert found == pytest.approx(pairs(3, {(0, 1): 0.03, (0, 2): 0.04, (1, 2): 0.5}))


def test_a_matrix_that_is_not_symmetric_holds_no_pairs():
    with pytest.raises(ValueError, match="symmetric"):
        holm(np.array([[1, 0.1], [0.2, 1]]))
    with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
        holm(np.ones((2, 3)))


def test_an_unknown_p_is_no_hypothesis():
    found = holm(np.array([0.01, np.nan, 0.04]))
    assert found[[0, 2]].tolist() == [0.02, 0.04]
    assert np.isnan(found[1])
    matrix = pairs(3, {(0, 1): 0.01, (0, 2): np.nan, (1, 2): 0.04})
    assert holm(matrix)[0, 1] == 0.02


def test_other_shapes_are_a_family_as_they_stand():
    family = np.array([0.01, 0.04, 0.03, 0.005])
    assert (holm(family.reshape(2, 1, 2)).ravel() == holm(family)).all()


@given(arrays.arrays(float, st.integers(1, 12), elements=P), st.randoms(use_true_random=False))
def test_adjusted_p_are_larger_in_the_same_order_wherever_they_stand(p, random):
    found, order = holm(p), random.sample(range(len(p)), len(p))
    assert (found >= p).all()
    assert (found <= 1).all()
    assert (np.diff(found[np.argsort(p)]) >= 0).all()
    assert (holm(p[order]) == found[order]).all()
    assert (found <= np.minimum(p * len(p), 1)).all(), "never beyond Bonferroni"


# --- clusters ---


def test_a_boundary_stands_where_all_above_beat_all_below():
    """A and B beat C and D; A beats B, but B does not beat C as A does."""
    apart = dict.fromkeys([(0, 2), (0, 3), (1, 2), (1, 3)], 0.001)
    assert clusters(np.array([4.0, 3.0, 2.0, 1.0]), pairs(4, apart)).tolist() == [1, 1, 2, 2]
    assert clusters(np.array([4.0, 3.0, 2.0, 1.0]), pairs(4, {**apart, (0, 1): 0.01})).tolist() == [1, 2, 3, 3]
    assert clusters(np.array([4.0, 3.0, 2.0, 1.0]), pairs(4, {**apart, (1, 2): 0.06})).tolist() == [1, 1, 1, 1]


def test_neighbours_that_differ_do_not_make_a_boundary_alone():
    """B beats C, but A, though above B, does not: nothing separates the three."""
    assert clusters(np.array([3.0, 2.0, 1.0]), pairs(3, {(1, 2): 0.001})).tolist() == [1, 1, 1]


def test_systems_may_stand_in_any_order():
    assert clusters(np.array([1.0, 3.0, 2.0]), pairs(3, {(0, 1): 0.01, (1, 2): 0.01})).tolist() == [2, 1, 2]


def test_p_at_the_level_separates_nobody():
    assert clusters(np.array([2.0, 1.0]), pairs(2, {(0, 1): 0.05})).tolist() == [1, 1]
    assert clusters(np.array([2.0, 1.0]), pairs(2, {(0, 1): 0.05}), alpha=0.1).tolist() == [1, 2]


def test_systems_without_a_score_are_in_no_cluster_and_unknown_p_separate_nobody():
    nan = np.nan
    p = pairs(3, {(0, 1): nan, (0, 2): 0.01, (1, 2): nan})
    assert clusters(np.array([2.0, nan, 1.0]), p).tolist() == [1, 0, 2]
    assert clusters(np.array([2.0, 1.5, 1.0]), p).tolist() == [1, 1, 1]
    assert clusters(np.array([nan]), np.array([[nan]])).tolist() == [0]
    assert clusters(np.array([]), np.ones((0, 0))).tolist() == []


@given(st.integers(1, 8), st.integers(0, 2**32))
def test_duplicates_share_a_cluster_and_better_systems_have_no_worse_one(systems, seed):
    generator = np.random.default_rng(seed)
    point = generator.integers(0, 5, systems) / 4
    p = generator.choice([0.001, 0.5], (systems, systems), p=[0.9, 0.1])
    p = np.minimum(p, p.T)
    found, order = clusters(point, p), generator.permutation(systems)
    for one in range(systems):
        for other in range(systems):
            assert found[one] == found[other] if point[one] == point[other] else True
            assert found[one] <= found[other] if point[one] > point[other] else True
    assert set(found) == set(range(1, found.max() + 1)), "numbers have no gaps"
    assert (clusters(point[order], p[np.ix_(order, order)]) == found[order]).all()


# --- rank intervals ---


def ends(resampled, **facts):
    return [list(map(int, pair)) for pair in zip(*rank_intervals(np.array(resampled, float), **facts), strict=True)]


def test_a_system_that_always_wins_has_one_rank():
    assert ends([[3, 3], [1, 2], [2, 1]]) == [[1, 1], [2, 3], [2, 3]]


def test_equal_systems_share_the_best_and_the_worst_of_their_ranks():
    assert ends([[2] * 9, [2] * 9, [1] * 9]) == [[1, 2], [1, 2], [3, 3]]
    assert ends([[0.3, 0.3], [0.1 + 0.2, 0.3]]) == [[1, 2], [1, 2]]
    assert ends([[-0.3, -0.3], [-0.1 - 0.2, -0.3]]) == [[1, 2], [1, 2]]


def test_percentiles_of_ranks_are_rounded_outwards():
    """The second system wins 1 of 100 resamples, the first the others."""
    scores = [[1.0] * 100, [2.0] + [0.0] * 99]
    assert ends(scores, level=0.95) == [[1, 1], [2, 2]]
    assert ends(scores, level=0.99) == [[1, 2], [1, 2]]
    assert ends([[1.0] * 100, [2.0] * 3 + [0.0] * 97], level=0.95) == [[1, 2], [1, 2]]


def test_a_system_takes_no_part_where_it_has_no_score():
    nan = np.nan
    assert ends([[1, 1, 1], [2, nan, 2], [0, 0, 0]]) == [[1, 2], [1, 1], [2, 3]]
    assert ends([[1, 1, 1], [2, nan, nan], [0, 0, 0]]) == [[1, 1], [0, 0], [2, 2]], "too few: excluded"


@given(arrays.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 20)), elements=st.integers(0, 3).map(float)))
def test_ranks_lie_between_one_and_the_number_of_systems(resampled):
    lo, hi = rank_intervals(resampled)
    assert (lo >= 1).all()
    assert (lo <= hi).all()
    assert (hi <= len(resampled)).all()
    assert lo.min() == 1
    assert hi.max() == len(resampled)
    lower, upper = rank_intervals(resampled[::-1])
    assert (lower[::-1] == lo).all()
    assert (upper[::-1] == hi).all()


# --- detectable differences ---


def test_what_is_detectable_is_two_point_eight_standard_errors():
    """z(.975) = 1.95996 and z(.8) = 0.84162."""
    assert detectable(1.0) == pytest.approx(2.80158, abs=1e-5)
    assert detectable(0.5, level=0.9, power=0.5) == pytest.approx(0.5 * 1.64485, abs=1e-5)


def test_the_standard_error_is_that_of_the_resampled_differences():
    a, b = np.array([5.0, 7.0, 9.0]), np.array([1.0, 2.0, 3.0])
    assert smallest_detectable(a, b) == pytest.approx(2.80158, abs=1e-5), "differences 4, 5, 6"
    assert smallest_detectable(a, a) == 0


def test_undefined_resamples_are_left_out():
    nan = np.nan
    assert smallest_detectable(np.array([1.0, 2.0, 3.0, nan]), np.zeros(4)) == pytest.approx(2.80158, abs=1e-5)
    assert np.isnan(smallest_detectable(np.array([1.0, nan, nan, nan]), np.zeros(4)))
    assert np.isnan(smallest_detectable(np.array([1.0]), np.zeros(1)))
