"""Clusterings: Ward's tree and its cuts, and k-means that starts from what is known.

Ward's method (1963) joins the two clusters whose union costs the least variance. It leaves no singletons behind, as
average linkage does, but its heights grow with the size of clusters. So a threshold is no number that is carried over:
it is the height at which the tree of the asked vectors has as many clusters as were counted (`counting`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from advin.evidence import directions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from advin.evidence import Evidence

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ROUNDS = 50
"""k-means ends after as many rounds, if it has not settled before."""


def ward(rows: Floats) -> Floats:
    """The tree of all rows, two or more, as SciPy writes it: shape (rows - 1, 4), heights in column 2."""
    from scipy.cluster.hierarchy import linkage

    return np.asarray(linkage(rows, "ward"))


def cut(tree: Floats, count: int) -> Ints:
    """The clusters, from 0, that are left when a tree is cut into `count` of them."""
    from scipy.cluster.hierarchy import fcluster

    return numbered(fcluster(tree, height(tree, count), "distance"))


def height(tree: Floats, count: int) -> float:
    """The threshold at which a tree has `count` clusters: no two of them lie nearer (in Ward's sense) than this.

    Where several joints have the same height there may be fewer clusters.
    """
    joints = len(tree)
    return float(tree[joints - count, 2]) if 1 <= count <= joints else -1.0 if count > joints else float("inf")


def numbered(labels: Ints) -> Ints:
    """The same partition with labels 0, 1, … in the order in which they come first."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def discover(rows: Floats, count: int) -> Floats:
    """The directions of `count` clusters of the rows, by Ward's method; of all rows where there are no more."""
    if len(rows) <= max(count, 1):
        return rows
    labels = cut(ward(rows), count)
    return directions(rows, labels, int(labels.max()) + 1)


def settle(evidence: Evidence, centres: Floats) -> Ints:
    """Spherical k-means from these centres, the known classes first: the number of the centre of each asked vector.

    The told vectors pull on the centre of their class and never leave it (Basu, Banerjee and Mooney 2002).
    """
    anchors = np.zeros_like(centres)
    np.add.at(anchors, evidence.labels, evidence.told)
    labels = np.full(len(evidence.asked), -1)
    for _ in range(ROUNDS):
        before, labels = labels, (evidence.asked @ centres.T).argmax(axis=1)
        if (before == labels).all():
            break
        sums = anchors.copy()
        np.add.at(sums, labels, evidence.asked)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(length > 0, sums / np.where(length > 0, length, 1), centres)
    return labels
