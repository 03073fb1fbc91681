"""Ways to count intents that were tried, and lost: kept so that their numbers can be made again (`experiment.py`).

Each takes the evidence and gives how many classes it would cut into, or the clusters themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from advin import baselines, clustering, counting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from advin.evidence import Evidence

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

THRESHOLDS = 60


def average_linkage(evidence: Evidence) -> Ints:
    """Clusters of the asked by average linkage on cosine distance, cut where the told ones are recovered best.

    The threshold is the middle of the plateau on which the adjusted Rand index of the told vectors, clustered by
    themselves, is largest. This is the direct reading of ADVIN; it leaves many singletons.
    """
    from scipy.cluster.hierarchy import fcluster

    tree = _average_tree(evidence.told)
    thresholds = np.linspace(0, 1, THRESHOLDS + 1)[1:]
    found = np.array([_recovery(evidence.labels, fcluster(tree, value, "distance")) for value in thresholds])
    plateau = thresholds[found >= found.max() - 1e-9]
    labels = fcluster(_average_tree(evidence.asked), float(plateau.mean()), "distance")
    return clustering.numbered(labels)


def _average_tree(rows: Floats) -> Floats:
    """Average linkage on 1 - cosine; a row of zeros, which has no cosine, lies at distance 1."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    apart = np.maximum(1 - rows @ rows.T, 0)
    return np.asarray(linkage(squareform(apart, checks=False), "average"))


def recovery(evidence: Evidence) -> int:
    """The cut of Ward's tree of told and asked vectors that recovers the told classes best; of equals the finest.

    A coarse cut is punished only where it joins two known classes, so few known classes let it be too coarse.
    """
    chosen = counting.sample(evidence.labels)
    tree = clustering.ward(np.vstack([evidence.told[chosen], evidence.asked]))
    counts = sorted({round(count) for count in np.geomspace(evidence.known + 1, len(evidence.asked) / 2, THRESHOLDS)})
    labels = evidence.labels[chosen]
    best: int = max(counts, key=lambda count: (_recovery(labels, clustering.cut(tree, count)[: len(chosen)]), count))
    return best


def silhouette(evidence: Evidence) -> int:
    """The cut of Ward's tree with the largest silhouette, blind to what is told."""
    rows = evidence.asked
    return int(baselines.by_silhouette(rows, baselines.agglomerative(rows)).max()) + 1


def _recovery(labels: Ints, clusters: Ints) -> float:
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(labels, clusters))
