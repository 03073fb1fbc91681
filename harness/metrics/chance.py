"""What chance alone would give: the expectation that adjusted mutual information takes off."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def expected_mutual_information(clusters: NDArray[np.int64], references: NDArray[np.int64]) -> float:
    """E[I] over all tables with these margins (hypergeometric), in nats.

    The sum over cells (a, b) and counts max(1, a + b - n) <= m <= min(a, b) of
    m/n * ln(n m / (a b)) * P(m); equal sizes are summed once and counted. Vinh, Epps and Bailey 2010.
    """
    import numpy as np
    from scipy.special import gammaln

    n = int(clusters.sum())
    total = 0.0
    reference_sizes, times = np.unique(references[references > 0], return_counts=True)
    for a, count in zip(*np.unique(clusters[clusters > 0], return_counts=True), strict=True):
        least = np.maximum(1, a + reference_sizes - n)
        steps = np.minimum(a, reference_sizes) - least + 1
        b, weight = np.repeat(reference_sizes, steps), np.repeat(times * count, steps)
        m = np.arange(steps.sum()) - np.repeat(np.cumsum(steps) - steps, steps) + np.repeat(least, steps)
        log_probability = (gammaln(a + 1) + gammaln(b + 1) + gammaln(n - a + 1) + gammaln(n - b + 1)) - (
            gammaln(n + 1) + gammaln(m + 1) + gammaln(a - m + 1) + gammaln(b - m + 1) + gammaln(n - a - b + m + 1)
        )
        terms = m / n * (np.log(m) + math.log(n) - math.log(a) - np.log(b)) * np.exp(log_probability)
        total += float((weight * terms).sum())
    return total
