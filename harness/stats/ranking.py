"""Ranks with their uncertainty: Holm's correction, clusters, rank intervals, detectable differences.

    Holm        p sorted: q_(i) = max over j <= i of min(1, (h - j + 1) p_(j))       h hypotheses
    clusters    a boundary stands where every system above beats every system below: p < alpha
    rank        1 + how many are better, in every resample; the interval holds its percentiles
    detectable  (z_(1 - alpha/2) + z_power) * sd(d*)                                 d* resampled differences

Higher is better throughout: the caller turns the signs of other scores.

Source: Holm 1979; clusters as in the findings of WMT (Bojar et al. 2016; Kocmi et al. 2023); rank
intervals after Goldstein and Spiegelhalter 1996; detectable differences as in Card et al. 2020.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import LEVEL
from harness.stats.paired import noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = 0.05
POWER = 0.8


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p-values of one family, in the shape of `p` and in [0, 1].

    An array of two dimensions is a matrix of all pairs of systems: each pair is one hypothesis, so the
    triangle above the diagonal is the family, and the diagonal is left as it is. Raises ValueError unless
    it is symmetric. Any other array is a family as it stands. nan stays nan and does not count in the family.

    Rejecting where the adjusted p is at most alpha makes even one false rejection in the family no likelier
    than alpha, however the hypotheses depend on each other.
    """
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 2:  # noqa: PLR2004
        return _step_down(p.ravel()).reshape(p.shape)
    if not np.array_equal(p, p.T, equal_nan=True):
        message = f"a matrix of pairs is symmetric; found one of shape {p.shape} that is not. Flatten other families"
        raise ValueError(message)
    adjusted = p.copy()
    above = np.triu_indices(len(p), 1)
    adjusted[above] = _step_down(p[above])
    adjusted.T[above] = adjusted[above]
    return adjusted


def _step_down(p: NDArray[np.float64]) -> NDArray[np.float64]:
    order = np.argsort(p)  # nan comes last
    family = np.isfinite(p).sum()
    factors = np.maximum(family - np.arange(len(p)), 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1.0)
    return adjusted


def clusters(point: NDArray[np.float64], p: NDArray[np.float64], *, alpha: float = ALPHA) -> NDArray[np.int64]:
    """The cluster of every system, from 1 for the best; 0 for a system without a score (nan). Shape (m,).

    `point` (m,) is in any order, higher is better; `p` (m, m) holds two-sided p-values, adjusted or not.
    Systems of equal score share a cluster. A p that is unknown (nan) separates nobody.
    """
    found = np.zeros(len(point), np.int64)
    order = np.argsort(-point, kind="stable")
    order = order[np.isfinite(point[order])]
    apart = p[np.ix_(order, order)] < alpha
    number = 1
    for place, system in enumerate(order):
        if place and point[system] < point[order[place - 1]] and apart[:place, place:].all():
            number += 1
        found[system] = number
    return found


def rank_intervals(
    resampled: NDArray[np.float64], *, level: float = LEVEL
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Both ends of the interval of every system's rank, from 1 for the best; two arrays (m,).

    `resampled` has the scores of m systems in B resamples, shape (m, B). Equal systems share the best of
    their ranks at the lower end and the worst at the upper one. Ends are ranks that occurred: percentiles
    are rounded outwards. A system takes no part in resamples in which it has no score; one that has
    scores in fewer than half of them is excluded, and its ends are 0.
    """
    defined = np.isfinite(resampled)
    takes_part = (2 * defined.sum(axis=1) >= resampled.shape[1]) & defined.any(axis=1)
    field = np.where(takes_part[:, None], resampled, np.nan)
    ends = np.zeros((2, len(resampled)), np.int64)
    tail = (1 - level) / 2
    for system in np.flatnonzero(takes_part):
        own, others = field[system, defined[system]], field[:, defined[system]]
        margin = 2 * noise(own, 0.0)
        best = 1 + (others > own + margin).sum(axis=0)
        worst = (others >= own - margin).sum(axis=0)
        ends[0, system] = np.quantile(best, tail, method="lower")
        ends[1, system] = np.quantile(worst, 1 - tail, method="higher")
    return ends[0], ends[1]


def smallest_detectable(
    resampled_a: NDArray[np.float64], resampled_b: NDArray[np.float64], *, level: float = LEVEL, power: float = POWER
) -> float:
    """The smallest true difference that a test at 1 - `level` would find with probability `power`.

    Taken from the spread of the resampled differences of two systems (B,); in the unit of the scores. It
    describes the test set for systems that differ as these two do: 0 for two equal ones, which
    is no promise. nan if fewer than half of the resamples are defined.
    """
    differences = resampled_a - resampled_b
    differences = differences[np.isfinite(differences)]
    if 2 * len(differences) < len(resampled_a) or len(differences) < 2:  # noqa: PLR2004
        return float("nan")
    return detectable(float(differences.std(ddof=1)), level=level, power=power)


def detectable(sd: float, *, level: float = LEVEL, power: float = POWER) -> float:
    """As above from the standard error `sd` of a difference, whichever way it was found."""
    normal = NormalDist()
    return (normal.inv_cdf(1 - (1 - level) / 2) + normal.inv_cdf(power)) * sd
