"""What the scores of a clustering cost: scikit-learn and SciPy from labels, and ours from one table.

The seven scores of DSTC11 of string labels: accuracy by assignment, purity, inverse purity, F1 of these, NMI, ARI and
example coverage. `each_from_labels` is the peer as official scorers use it: every score asks scikit-learn for a
table of its own. `one_table` leaves the peer its best: one table for all but NMI and ARI. `ours` is the same job, from
labels to seven scores; `ours_by_segment` makes besides the rows of statistics that resampling needs, which no peer has.
AMI is left out on both sides: its expectation costs the same everywhere.
"""

from __future__ import annotations

import statistics
import time
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn import metrics as peer
from sklearn.metrics.cluster import contingency_matrix

from harness.metrics import clustering
from harness.metrics.clustering import CLUSTER
from harness.score import corpus_totals

SIZES = ((1_500, 29, 29), (10_000, 150, 150), (100_000, 200, 200))
ROUNDS = 7


def labels(n, clusters, references):
    generator = np.random.default_rng(n)
    gold = generator.integers(0, references, n)
    found = np.where(generator.random(n) < 0.7, gold % clusters, generator.integers(0, clusters, n))
    return [f"c{number}" for number in found], [f"r{number}" for number in gold]


def table_scores(counts):
    """Accuracy, purity, inverse purity and coverage from one contingency table, clusters by references."""
    n = counts.sum()
    accuracy = counts[linear_sum_assignment(counts, maximize=True)].sum() / n
    covered = np.unique(counts.shape[1] - 1 - counts[:, ::-1].argmax(axis=1))
    return accuracy, counts.max(axis=1).sum() / n, counts.max(axis=0).sum() / n, counts[:, covered].sum() / n


def harmonic(one, other):
    return 2 * one * other / (one + other)


def each_from_labels(found, gold):
    """Every score asks for a table of its own, F1 for two."""

    def table():
        return contingency_matrix(found, gold)

    accuracy, precision, recall = (table_scores(table())[number] for number in range(3))
    f1 = harmonic(table_scores(table())[1], table_scores(table())[2])
    nmi, ari = peer.normalized_mutual_info_score(gold, found), peer.adjusted_rand_score(gold, found)
    return accuracy, precision, recall, f1, nmi, ari, table_scores(table())[3]


def one_table(found, gold):
    """What a careful user of scikit-learn would do."""
    accuracy, precision, recall, coverage = table_scores(contingency_matrix(found, gold))
    nmi, ari = peer.normalized_mutual_info_score(gold, found), peer.adjusted_rand_score(gold, found)
    return accuracy, precision, recall, harmonic(precision, recall), nmi, ari, coverage


FORMULAS = (
    clustering.accuracy,
    clustering.precision,
    clustering.recall,
    clustering.f1,
    clustering.nmi,
    clustering.ari,
    clustering.example_coverage,
)


def scores(table):
    return tuple(formula(table) for formula in FORMULAS)


def ours(found, gold):
    return scores(clustering.contingency(found, gold))


def ours_by_segment(found, gold):
    """As the engine does: rows of statistics, which can be resampled, and the table of their sum."""
    cells = ([(CLUSTER, label, reference)] for label, reference in zip(found, gold, strict=True))
    return scores(clustering.table(corpus_totals(clustering.statistics(cells))))


PEERS, OURS = (each_from_labels, one_table), (ours, ours_by_segment)


def timed(action, *arguments):
    started = time.process_time()
    values = action(*arguments)
    return time.process_time() - started, values


@pytest.mark.bench
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_clustering_scores_beside_scikit_learn(size):
    found, gold = labels(*size)
    seconds: dict[str, list[float]] = {action.__name__: [] for action in (*PEERS, *OURS)}
    for _ in range(ROUNDS):
        _, expected = timed(each_from_labels, found, gold)
        for action in (*PEERS, *OURS):
            spent, values = timed(action, found, gold)
            seconds[action.__name__].append(spent)
            assert values == pytest.approx(expected, abs=1e-9)
    median = {name: statistics.median(spent) for name, spent in seconds.items()}
    for own, other in product(OURS, PEERS):
        theirs, mine = median[other.__name__], median[own.__name__]
        aim = " (aim 10x)" if (own, other) == (ours, each_from_labels) else ""
        print(  # noqa: T201 - a bench is read
            f"n {size[0]:7,}  K {size[1]:3}  {own.__name__:15} {mine * 1000:6.1f} ms  "
            f"{other.__name__:16} {theirs * 1000:6.1f} ms  ratio {theirs / mine:5.1f}x{aim}"
        )
