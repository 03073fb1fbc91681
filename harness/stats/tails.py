"""p-values finer than resamples can count, for families of many comparisons.

    tail p  = 2 Phi(-|d| / sd(d*))      where fewer than `COUNTED` resamples were as extreme, else the counted p
    adjusted = max(counted p, Holm(tail p))

The smallest p that B resamples can show is 1 / (B + 1). Holm multiplies it by the number of pairs, so with
1,000 resamples nothing could be significant among twelve systems or more, however far apart. Differences of
sums over many blocks are close to normal, and only where the count has run out its place is taken by the
normal tail with the spread of the resampled differences. What is reported never falls below what was
counted.

Source: Efron and Tibshirani 1993, chapter 12 (normal intervals of bootstrap standard errors); Holm 1979.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.stats.ranking import holm

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNTED = 10
"""Extreme resamples from which on their number is taken for what it is."""


def adjusted_p(
    p: NDArray[np.float64], point: NDArray[np.float64], resampled: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Holm's adjustment of all pairs, shape (m, m), with normal tails where the count has run out.

    `p` (m, m) are the counted p-values, `point` the scores (m,), `resampled` those of the resamples (m, B).
    nan stays nan.
    """
    floor = COUNTED / (resampled.shape[1] + 1)
    fine = p.copy()
    for a, b in zip(*np.nonzero(np.triu(p <= floor, 1)), strict=True):
        differences = resampled[a] - resampled[b]
        differences = differences[np.isfinite(differences)]
        if len(differences) > 1:
            distance, spread = abs(float(point[a] - point[b])), float(differences.std(ddof=1))
            tail = _two_sided(distance / spread) if spread else float(distance == 0)
            fine[a, b] = fine[b, a] = min(p[a, b], tail)
    return np.fmax(p, holm(fine))


def _two_sided(z: float) -> float:
    return math.erfc(z / math.sqrt(2))
