"""What the scores of a clustering cost: scikit-learn and SciPy from labels, and ours from one table.

NMI, ARI and accuracy by assignment of string labels, alternated; ours includes making the table. AMI is left
out on both sides: its expectation costs the same everywhere.
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


def theirs(found, gold):
    counts = contingency_matrix(gold, found)
    accuracy = counts[linear_sum_assignment(counts, maximize=True)].sum() / len(gold)
    return peer.normalized_mutual_info_score(gold, found), peer.adjusted_rand_score(gold, found), accuracy


def ours(found, gold):
    cells = ([(CLUSTER, label, reference)] for label, reference in zip(found, gold, strict=True))
    table = clustering.table(corpus_totals(clustering.statistics(cells)))
    return clustering.nmi(table), clustering.ari(table), clustering.accuracy(table)


def ours_of_counts(totals):
    table = clustering.table(totals)
    return clustering.nmi(table), clustering.ari(table), clustering.accuracy(table)


def timed(action, *arguments):
    started = time.process_time()
    values = action(*arguments)
    return time.process_time() - started, values


@pytest.mark.bench
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_clustering_scores_beside_scikit_learn(size):
    found, gold = labels(*size)
    cells = [[(CLUSTER, label, reference)] for label, reference in zip(found, gold, strict=True)]
    totals = corpus_totals(clustering.statistics(cells))
    seconds: dict[str, list[float]] = {"theirs": [], "ours": [], "counts": []}
    for _ in range(ROUNDS):
        spent, expected = timed(theirs, found, gold)
        seconds["theirs"].append(spent)
        spent, values = timed(ours, found, gold)
        seconds["ours"].append(spent)
        spent, again = timed(ours_of_counts, totals)
        seconds["counts"].append(spent)
        assert values == again == pytest.approx(expected, abs=1e-9)
    middle = {name: statistics.median(found) for name, found in seconds.items()}
    print(  # noqa: T201 - a bench is read
        f"n {size[0]:7,}  K {size[1]:3}  R {size[2]:3}  scikit-learn {middle['theirs'] * 1000:7.1f} ms  "
        f"ours from labels {middle['ours'] * 1000:7.1f} ms ({middle['theirs'] / middle['ours']:5.1f}x)  "
        f"from counts {middle['counts'] * 1000:6.2f} ms ({middle['theirs'] / middle['counts']:5.1f}x, aim 10x)"
    )
