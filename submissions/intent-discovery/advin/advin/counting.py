"""How many classes there are: the threshold of the known classes, carried over to all.

Two estimates that fail for different reasons, and their geometric mean.

*By shares.* If a share k of the asked belongs to K known classes and a share o to none (`detector`), there are
K (1 - o) / k classes, if they are of like size.

*By pairs.* Two vectors of one class lie in one cluster with a chance r, two of different classes with a chance q. Both
are measured on the told vectors, whatever the clustering: pairs of known classes are a fair sample of all pairs. If a
share s of the pairs of asked vectors lies in one cluster, the share p of those that are of one class follows from
s = p r + (1 - p) q, and 1 / p is the number of classes (that of Simpson, where sizes differ):

    1 / p = (r - q) / (s - q)

Every cut of Ward's tree of told and asked vectors gives such an estimate; a cut is neither too fine nor too coarse for
it. They are averaged on the log scale with weights from a jackknife over the known classes, which knows that few
pairs (fine cuts) and few known classes that happen to be neighbours (coarse cuts) are little to go by. Known classes
are a little denser than others, by their told vectors, and split sooner: this estimate tends to be low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from advin import clustering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from advin.detector import Detection
    from advin.evidence import Evidence

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PER_CLASS = 20
"""Told vectors of a class that join the tree, at most: more would be denser than what is asked."""
CUTS = 10
SIZES = (40, 4)
"""Mean sizes of the clusters of the coarsest and of the finest cut."""
SURE = 0.05
"""A jackknife that claims a smaller relative error is not believed."""


@dataclass(frozen=True)
class Count:
    """The number of classes by each way (None where it says nothing), and what is made of them."""

    shares: float | None
    pairs: float | None
    classes: int


def count(evidence: Evidence, detection: Detection) -> Count:
    """The number of classes among the asked, with the known ones."""
    by_shares = None if detection.known is None else evidence.known * (1 - detection.outside) / detection.known
    by_pairs = pairs(evidence.told, evidence.labels, evidence.asked[~detection.suspects()])
    return combined(by_shares, by_pairs, evidence.known, len(evidence.asked))


def combined(by_shares: float | None, by_pairs: float | None, known: int, asked: int) -> Count:
    """The geometric mean of what there is and can be: at least half the known, at most one new class per two vectors.

    Where there is nothing, the root of the number of asked vectors is a guess. There is one class more than known at
    least, and beside the known ones at most one for each asked vector.
    """
    least, most = known / 2, known + asked / 2
    possible = [value for value in (by_shares, by_pairs) if value is not None and least <= value <= most]
    mean = float(np.exp(np.mean(np.log(possible)))) if possible else asked**0.5
    return Count(by_shares, by_pairs, min(max(round(mean), known + 1), known + asked))


def pairs(told: Floats, labels: Ints, asked: Floats, *, told_are_asked: bool = False) -> float | None:
    """1 / p as above. None below three known classes, if none is told of twice, and where no cut has an estimate.

    With `told_are_asked` the told vectors are part of what is counted: they stand for all of their classes.
    """
    chosen = np.arange(len(labels)) if told_are_asked else sample(labels)
    if len(set(labels.tolist())) < 2 or len(asked) < 2:  # noqa: PLR2004 - there must be pairs
        return None
    tree = clustering.ward(np.vstack([told[chosen], asked]))
    found = [
        estimate
        for size in cuts(len(asked) + len(told) * told_are_asked)
        for estimate in _estimates(clustering.cut(tree, size), labels[chosen], told_are_asked=told_are_asked)
    ]
    if not found:
        return None
    logs, errors = np.array(found).T
    return float(np.exp(np.average(logs, weights=1 / np.maximum(errors, SURE) ** 2)))


def sample(labels: Ints) -> Ints:
    """The places of at most PER_CLASS vectors of each class, evenly spread."""
    kept = []
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        kept.append(places[np.linspace(0, len(places) - 1, min(PER_CLASS, len(places))).round().astype(int)])
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, np.int64)


def cuts(asked: int) -> list[int]:
    """Into how many clusters the tree is cut."""
    coarse, fine = (max(2.0, asked / size) for size in SIZES)
    return sorted({round(size) for size in np.geomspace(coarse, fine, CUTS)})


def _estimates(clusters: Ints, labels: Ints, *, told_are_asked: bool) -> Iterator[tuple[float, float]]:
    """The logarithm of 1 / p and its standard error, by one cut; nothing where they do not exist."""
    table = np.zeros((int(labels.max()) + 1, int(clusters.max()) + 1))
    np.add.at(table, (labels, clusters[: len(labels)]), 1)
    counted = np.bincount(clusters if told_are_asked else clusters[len(labels) :], minlength=table.shape[1])
    share = _together(counted)
    sizes = table.sum(axis=1)
    within = np.where(sizes > 1, ((table**2).sum(axis=1) - sizes) / np.maximum(sizes * (sizes - 1), 1), np.nan)
    rows = table / np.maximum(sizes, 1)[:, None]
    between = rows @ rows.T
    everything = np.ones(len(table), bool)
    p = _share_of_one_class(within, between, share, everything)
    if not p > 0:
        return
    others = [everything & (np.arange(len(table)) != place) for place in range(len(table))]
    again = np.array([_share_of_one_class(within, between, share, kept) for kept in others])
    again = again[np.isfinite(again)]
    if len(again) > 1:
        spread = np.sqrt((len(again) - 1) * again.var())
        yield -float(np.log(p)), float(spread / p)


def _share_of_one_class(within: Floats, between: Floats, share: float, kept: NDArray[np.bool_]) -> float:
    """p, with r and q from the known classes that are kept; nan where one of them does not exist."""
    number, several = int(kept.sum()), np.isfinite(within) & kept
    if number < 2 or not several.any():  # noqa: PLR2004 - q needs two classes
        return float("nan")
    inside = between[np.ix_(kept, kept)]
    q = (inside.sum() - np.trace(inside)) / (number * (number - 1))
    r = within[several].mean()
    return float((share - q) / (r - q)) if r > q else float("nan")


def _together(sizes: Ints) -> float:
    """The share of pairs that lie in one cluster."""
    total = int(sizes.sum())
    return float((sizes * (sizes - 1)).sum() / (total * (total - 1)))
