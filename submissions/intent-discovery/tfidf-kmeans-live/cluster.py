"""TF-IDF and k-means: clusters utterances that share rare words, or whose dialogues do.

`cluster` takes all requests at once and returns as many labels. Words are weighted by
(1 + ln tf) (ln((1 + n) / (1 + df)) + 1); the mean of its dialogue is added to each utterance, and the
first 30 singular vectors are kept (latent semantic analysis, Deerwester et al. 1990). k is the square
root of the number of utterances, rounded, because nobody tells how many intents there are. Of several
starts (k-means++ from a fixed seed) the one with the smallest distances wins. NumPy only.

The same utterances get the same clusters in whatever order they come: they are sorted first.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SEED = 0
STARTS = 20
ROUNDS = 100
TOPICS = 30


def cluster(requests: Sequence[Mapping[str, str]]) -> list[str]:
    """The label of each utterance's cluster, in the order of the requests."""
    order = sorted(range(len(requests)), key=lambda place: (requests[place]["dialogue"], requests[place]["source"]))
    labels = [""] * len(requests)
    for place, number in zip(order, numbers(vectors([requests[place] for place in order])), strict=True):
        labels[place] = f"c{number}"
    return labels


def numbers(rows: Floats) -> list[int]:
    """The number of each row's cluster, by the best of several starts."""
    generator = np.random.default_rng(SEED)
    runs = [k_means(rows, round(math.sqrt(len(rows))), generator) for _ in range(STARTS)]
    _, best = min(runs, key=lambda run: run[0])
    return best.tolist()


def vectors(requests: Sequence[Mapping[str, str]]) -> Floats:
    """One row of length 1 per utterance, one column per topic."""
    rows = tf_idf([request["source"] for request in requests])
    dialogues = np.array([request["dialogue"] for request in requests])
    together = (dialogues[:, None] == dialogues).astype(float)
    left, values, _ = np.linalg.svd(unit(rows + unit(together @ rows)), full_matrices=False)
    return unit(left[:, :TOPICS] * values[:TOPICS])


def unit(rows: Floats) -> Floats:
    """The rows with length 1; a row of zeros stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length == 0, 1, length)


def tf_idf(texts: Sequence[str]) -> Floats:
    """One row of length 1 per text, one column per word that stands in two texts or more."""
    counts = [Counter(re.findall(r"[a-z0-9']+", text.lower())) for text in texts]
    frequency = Counter(term for count in counts for term in count)
    terms = {term: column for column, term in enumerate(sorted(term for term in frequency if frequency[term] > 1))}
    rows = np.zeros((len(texts), len(terms)))
    for row, count in zip(rows, counts, strict=True):
        for term, times in count.items():
            if term in terms:
                row[terms[term]] = (1 + math.log(times)) * (math.log((1 + len(texts)) / (1 + frequency[term])) + 1)
    return unit(rows)


def spread(rows: Floats, k: int, generator: np.random.Generator) -> Floats:
    """k-means++: each further centre is drawn by its squared distance to the nearest one so far."""
    centres = rows[generator.integers(len(rows))][None]
    while len(centres) < k:
        nearest = distances(rows, centres).min(axis=1)
        weight = nearest if nearest.sum() else np.ones(len(rows))
        centres = np.vstack([centres, rows[generator.choice(len(rows), p=weight / weight.sum())]])
    return centres


def distances(rows: Floats, centres: Floats) -> Floats:
    """Squared Euclidean distances, shape (rows, centres)."""
    squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ centres.T + (centres**2).sum(axis=1)
    return np.maximum(squares, 0.0)


def k_means(rows: Floats, k: int, generator: np.random.Generator) -> tuple[float, NDArray[np.int64]]:
    """The sum of the squared distances to the centres, and the number of each row's centre."""
    centres = spread(rows, k, generator)
    labels = np.full(len(rows), -1)
    for _ in range(ROUNDS):
        found = distances(rows, centres)
        before, labels = labels, found.argmin(axis=1)
        if (before == labels).all():
            break
        for number in set(labels.tolist()):
            centres[number] = rows[labels == number].mean(axis=0)
    return float(found.min(axis=1).sum()), labels
