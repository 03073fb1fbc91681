"""Intervals cover the truth as often as they say, and tests cry wolf as rarely as they say: a short simulation.

The bands are those that are promised: 93 to 97 % for intervals of 95 %, 91 to 97 % for clusterings, 3 to
7 % false positives at .05. A few hundred runs cannot measure so finely, so each test asks whether its count is
possible at all: it fails if a rate inside the band would give such a count, or one farther out, less often than
once in a thousand. With 400 runs that is a measured coverage from 88.75 to 99.25 %. The long version,
`python tests/bench/coverage.py 2000`, has errors of half a point.
"""

from __future__ import annotations

import pytest
from scipy.stats import binom

from ..bench import coverage

pytestmark = pytest.mark.slow

ONCE_IN = 1000


def assert_possible(count, runs, least, most):
    fewest, largest = binom.ppf(1 / ONCE_IN, runs, least), binom.ppf(1 - 1 / ONCE_IN, runs, most)
    assert fewest <= count <= largest, f"{count} of {runs}; {fewest:.0f} to {largest:.0f} for {least} to {most}"


@pytest.mark.parametrize("in_documents", [False, True], ids=["segments", "documents"])
@pytest.mark.parametrize(("metric", "runs"), [("accuracy", 600), ("BLEU", 250), ("chrF2++", 250)])
def test_percentile_intervals_cover_the_truth(metric, in_documents, runs):
    of = coverage.population(metric, in_documents=in_documents, blocks=20_000)
    assert_possible(coverage.percentile_coverage(of, 300, runs), runs, 0.93, 0.97)


@pytest.mark.parametrize(("metric", "clusters"), [("ACC", 29), ("ACC", 53), ("ARI", 29), ("ARI", 12)])
def test_corrected_intervals_cover_the_truth(metric, clusters):
    runs, table = 200, next(table for table in coverage.TABLES if len(table.cells) == clusters)
    assert_possible(coverage.corrected_coverage(table, metric, 1500, runs, resamples=200), runs, 0.91, 0.97)


@pytest.mark.parametrize(("metric", "runs"), [("accuracy", 600), ("chrF2++", 300)])
def test_the_paired_bootstrap_finds_no_difference_where_there_is_none(metric, runs):
    assert_possible(coverage.bootstrap_false_positives(metric, 300, runs), runs, 0.03, 0.07)


@pytest.mark.parametrize(("metric", "runs"), [("accuracy", 600), ("chrF2++", 300)])
def test_randomization_finds_no_difference_where_there_is_none(metric, runs):
    found = coverage.randomization_false_positives(metric, 300, runs, trials=400)
    assert_possible(found, runs, 0.03, 0.07)


def test_holm_finds_no_pair_in_a_table_of_equals():
    runs = 400
    assert_possible(coverage.holm_false_positives("accuracy", 300, runs), runs, 0.03, 0.07)


def test_what_covers_too_little_is_noticed():
    """The bounds for 400 runs by the binomial distribution; a true coverage of 86 % fails nine times of ten."""
    for count in (355, 397):
        assert_possible(count, 400, 0.93, 0.97)
    for count in (354, 398):
        with pytest.raises(AssertionError, match=f"{count} of 400; 355 to 397 for 0.93 to 0.97"):
            assert_possible(count, 400, 0.93, 0.97)
    assert binom.cdf(354, 400, 0.86) > 0.9
