"""What the scores of a clustering cost: scikit-learn and SciPy from labels, and ours from one table.

The seven scores of DSTC11 of string labels: accuracy by assignment, purity, inverse purity, F1 of these, NMI, ARI and
example coverage, each from labels as its official scorer asks scikit-learn for them; ours includes making
the table, once. The second line of a size leaves the peer its best: one contingency table for all but
NMI and ARI. AMI is left out on both sides: its expectation costs the same everywhere.
"""

from __future__ import annotations

import statistics
import time

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


def ours(found, gold):
    cells = ([(CLUSTER, label, reference)] for label, reference in zip(found, gold, strict=True))
    table = clustering.table(corpus_totals(clustering.statistics(cells)))
    return tuple(formula(table) for formula in FORMULAS)


def timed(action, *arguments):
    started = time.process_time()
    values = action(*arguments)
    return time.process_time() - started, values


@pytest.mark.bench
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_clustering_scores_beside_scikit_learn(size):
    found, gold = labels(*size)
    seconds: dict[str, list[float]] = {"each from labels": [], "one table": [], "ours": []}
    for _ in range(ROUNDS):
        spent, values = timed(ours, found, gold)
        seconds["ours"].append(spent)
        for name, action in (("each from labels", each_from_labels), ("one table", one_table)):
            spent, expected = timed(action, found, gold)
            seconds[name].append(spent)
            assert values == pytest.approx(expected, abs=1e-9)
    own = statistics.median(seconds["ours"])
    for name in ("each from labels", "one table"):
        other = statistics.median(seconds[name])
        print(  # noqa: T201 - a bench is read
            f"n {size[0]:7,}  K {size[1]:3}  R {size[2]:3}  {name:16}  scikit-learn {other * 1000:7.1f} ms  "
            f"ours {own * 1000:6.1f} ms  ratio {other / own:5.1f}x{' (aim 10x)' if name == 'each from labels' else ''}"
        )
