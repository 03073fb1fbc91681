"""p-values finer than resamples can count, for families of many comparisons.

    t        = |d| / sqrt(sd(d*)^2 + d^2 / n)                    n blocks
    tail p   = P(|T| > t), T of Student with n - 1 degrees       where fewer than `COUNTED` resamples were as
                                                                 extreme, else the counted p
    adjusted = max(counted p, Holm(tail p))

The smallest p that B resamples can show is 1 / (B + 1). Holm multiplies it by the number of pairs, so with
1,000 resamples nothing could be significant among twelve systems or more, however far apart. Differences of
sums over many blocks are close to normal, and only where the count has run out a tail takes its place.

The spread of d* is that of a test set with the difference d; if the systems were equal, the squares of
the blocks' differences would be spread around 0, hence d^2 / n. Without it, and with a normal tail,
twice as many of twelve equal systems were found different as promised (`tests/unit/test_tails.py`). What
is reported never falls below what was counted.

Source: Efron and Tibshirani 1993, chapter 12; Holm 1979; Wallace 1959 for Student's tail.
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
    p: NDArray[np.float64], point: NDArray[np.float64], resampled: NDArray[np.float64], blocks: int
) -> NDArray[np.float64]:
    """Holm's adjustment of all pairs, shape (m, m), with tails where the count has run out.

    `p` (m, m) are the counted p-values, `point` the scores (m,), `resampled` those of the resamples (m, B),
    and `blocks` how many of them a resample draws. nan stays nan.
    """
    floor = COUNTED / (resampled.shape[1] + 1)
    fine = p.copy()
    for a, b in zip(*np.nonzero(np.triu(p <= floor, 1)), strict=True):
        differences = resampled[a] - resampled[b]
        differences = differences[np.isfinite(differences)]
        if len(differences) > 1:
            distance = abs(float(point[a] - point[b]))
            variance = float(differences.var(ddof=1)) + distance**2 / blocks
            tail = _tail(distance / math.sqrt(variance), blocks - 1) if variance else 1.0
            fine[a, b] = fine[b, a] = min(p[a, b], tail)
    return np.fmax(p, holm(fine))


def _tail(t: float, degrees: int) -> float:
    """P(|T| > t) by the normal deviate that Wallace gives: within a tenth of it from ten degrees of freedom on."""
    if degrees < 1:
        return 1.0
    z = (8 * degrees + 1) / (8 * degrees + 3) * math.sqrt(degrees * math.log1p(t * t / degrees))
    return math.erfc(z / math.sqrt(2))
