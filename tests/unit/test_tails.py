"""p-values finer than resamples can count: Holm over many pairs, with normal tails."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from harness.stats import tails
from harness.stats.paired import Sample, bootstrap_p, resampled_scores
from harness.stats.ranking import holm
from harness.stats.tails import adjusted_p

RESAMPLES = 500


def accuracy(totals):
    return totals[:, 0] / totals[:, 1]


def resampled(rights):
    """Points and resampled accuracies of systems, from rows of 0 and 1."""
    samples = [Sample(np.column_stack([row, np.ones_like(row)]).astype(float), accuracy) for row in rights]
    return np.array([row.mean() for row in rights]), resampled_scores(samples, resamples=RESAMPLES)


def test_without_tails_nothing_is_significant_among_many_however_far_apart():
    rights = np.zeros((40, 300))
    rights[0, :250] = 1
    point, scores = resampled(rights)
    p = bootstrap_p(point, scores)
    assert p[0, 1] == 1 / (RESAMPLES + 1)
    assert holm(p)[0, 1] == 1
    assert adjusted_p(p, point, scores, len(rights[0]))[0, 1] == 1 / (RESAMPLES + 1)


def test_where_resamples_can_count_holm_is_all_there_is():
    rights = np.random.default_rng(1).random((4, 200)) < np.array([[0.50], [0.52], [0.55], [0.56]])
    point, scores = resampled(rights)
    p = bootstrap_p(point, scores)
    assert (p[np.triu_indices(4, 1)] > 10 / RESAMPLES).all()
    assert np.array_equal(adjusted_p(p, point, scores, len(rights[0])), holm(p))


@pytest.mark.parametrize("degrees", [10, 50, 500])
@pytest.mark.parametrize("t", [2.0, 4.0, 8.0])
def test_the_tail_is_that_of_student(t, degrees):
    assert tails._tail(t, degrees) == pytest.approx(2 * student.sf(t, degrees), rel=0.1)


def test_what_is_reported_never_falls_below_what_was_counted():
    rights = np.random.default_rng(2).random((2, 400)) < np.array([[0.8], [0.5]])
    point, scores = resampled(rights)
    p = bootstrap_p(point, scores)
    assert p[0, 1] == 1 / (RESAMPLES + 1), "far out"
    assert adjusted_p(p, point, scores, len(rights[0]))[0, 1] == p[0, 1]


def test_equal_systems_stay_equal_and_unknown_ones_unknown():
    rights = np.array([[1, 0, 1, 0] * 25] * 2 + [[np.nan] * 100])
    point, scores = resampled(rights)
    found = adjusted_p(bootstrap_p(point, scores), point, scores, 100)
    assert found[0, 1] == 1
    assert np.isnan(found[0, 2])


@pytest.mark.slow
def test_among_twelve_equal_systems_something_is_found_about_as_rarely_as_promised():
    """66 pairs: at .05, at most one of twenty runs finds anything. 400 runs, three standard errors."""
    generator = np.random.default_rng(3)
    runs, found = 400, 0
    for _ in range(runs):
        point, scores = resampled(generator.random((12, 200)) < 0.6)
        adjusted = adjusted_p(bootstrap_p(point, scores), point, scores, 200)
        found += adjusted[np.triu_indices(12, 1)].min() < 0.05
    assert found / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs), found
