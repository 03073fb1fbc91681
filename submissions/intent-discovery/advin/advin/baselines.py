"""The systems to beat: k-means and Ward's method on the same vectors, blind to what is told about intents.

How many clusters there are is given (the tag `intents` of the test set), or is the number with the largest silhouette
(Rousseeuw 1987), the mean of (b - a) / max(a, b), where a and b are the mean distances of a row to its own cluster and
to the nearest other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from advin import clustering
from advin.encoders import ENCODERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from advin.corpus import Corpus

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Clusterer = Callable[[int], Ints]

COUNTS = ("given", "silhouette")
STARTS = 3
CANDIDATES = 16
"""Numbers of clusters that are tried."""
MOST = 300


@dataclass(frozen=True)
class Settings:
    """Names of a method (CLUSTERERS), of an encoder, of a way to know how many clusters there are, and of a device."""

    method: str
    encoder: str = "tfidf-svd"
    count: str = "given"
    device: str = "cpu"


def answer(corpus: Corpus, tags: Mapping[str, str], settings: Settings) -> list[str]:
    """A cluster `c-N` for each text. Raises ValueError if K is to be given and there is no tag `intents`."""
    rows = ENCODERS[settings.encoder](corpus.texts, settings.device)
    labels = np.zeros(len(corpus.texts), np.int64)
    if len(corpus.asked):
        labels[corpus.asked] = group(rows[corpus.asked], settings, tags.get("intents"))
    return [f"c-{label + 1}" for label in labels]


def group(rows: Floats, settings: Settings, intents: str | None) -> Ints:
    """The cluster of each row. Raises ValueError as above."""
    clusterer = CLUSTERERS[settings.method](rows)
    if settings.count == "silhouette":
        return by_silhouette(rows, clusterer)
    if intents is None:
        raise ValueError("this test set does not say how many intents there are (tag intents)")
    return clusterer(int(intents))


def k_means(rows: Floats) -> Clusterer:
    """Rows into a number of clusters by k-means++ (Arthur and Vassilvitskii 2007), the best of three starts.

    Threads add up in an order of their own, and a last bit can decide between clusters; so there is one thread, and six
    decimals of each number.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    rounded = rows.round(6)
    distinct = len(np.unique(rounded, axis=0))

    def clusters(count: int) -> Ints:
        with threadpool_limits(limits=1):
            found = KMeans(min(count, distinct), n_init=STARTS, random_state=0).fit_predict(rounded)
        return np.asarray(found, np.int64)

    return clusters


def agglomerative(rows: Floats) -> Clusterer:
    """Rows into a number of clusters by Ward's method."""
    if len(rows) < 2:  # noqa: PLR2004 - no tree
        return lambda _: np.zeros(len(rows), np.int64)
    tree = clustering.ward(rows)
    return lambda count: clustering.cut(tree, min(count, len(rows)))


CLUSTERERS: Mapping[str, Callable[[Floats], Clusterer]] = MappingProxyType(
    {"k-means": k_means, "agglomerative": agglomerative}
)


def by_silhouette(rows: Floats, clusterer: Clusterer) -> Ints:
    """The clustering with the largest silhouette; the coarsest of equal ones. One cluster below three rows."""
    if len(rows) < 3:  # noqa: PLR2004 - a silhouette needs two clusters and two rows in one of them
        return np.zeros(len(rows), np.int64)
    most = max(2, min(MOST, len(rows) // 2))
    apart = 1 - rows @ rows.T
    return max(map(clusterer, _candidates(most)), key=lambda labels: silhouette(apart, labels))


def silhouette(apart: Floats, labels: Ints) -> float:
    """The mean silhouette of a clustering, -1..1, by the distances of all pairs; a row alone in its cluster has 0."""
    labels = clustering.numbered(labels)
    member = np.eye(int(labels.max()) + 1)[labels]
    sizes = member.sum(axis=0)
    if len(sizes) < 2:  # noqa: PLR2004 - no other cluster
        return -1.0
    sums = apart @ member
    row = np.arange(len(labels))
    own = sums[row, labels] / np.maximum(sizes[labels] - 1, 1)
    means = sums / sizes
    means[row, labels] = np.inf
    other = means.min(axis=1)
    larger = np.maximum(own, other)
    values = np.where((sizes[labels] > 1) & (larger > 0), (other - own) / np.where(larger > 0, larger, 1), 0.0)
    return float(values.mean())


def _candidates(most: int) -> Iterable[int]:
    return sorted({round(count) for count in np.geomspace(2, most, CANDIDATES)})
