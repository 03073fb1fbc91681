"""Percentiles of latencies, with intervals that assume nothing about their distribution.

    value      x_(ceil(n p))               x_(1) <= ... <= x_(n): the inverted CDF, always a value that was seen
    interval   x_(l) to x_(u)              B ~ Binomial(n, p), the number of values at or below the true quantile
               P(B <= l - 1) <= a, l as large and P(B >= u) <= a, u as small as possible; a = (1 - level) / 2
    least n    ceil(log a / log max(p, 1 - p))

Each end misses the truth with probability a at most, so that the interval covers it at least as often as `level`
says, whatever the distribution. Where even the extremes of the sample are too close, there is no interval:
the 99th percentile of 300 values is a guess about the three slowest, and is not reported at all. Values are taken
for independent; neighbours in time that are slow together make intervals too narrow.

Source: Hyndman and Fan 1996, definition 1; David and Nagaraja 2003, section 7.1, for the interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

_ROUNDING = 1e-9
"""What floats may be off where a product is whole, or a tail as large as allowed, on paper."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """The quantile at `p` of `n` values, in their unit; value and ends are None if n is too small for an interval."""

    p: float
    value: float | None
    lo: float | None
    hi: float | None
    n: int


def quantile(values: ArrayLike, p: float, level: float = LEVEL) -> Quantile:
    """The quantile at `p` (0 < p < 1) of the values (n,), in any order, and its interval at `level`.

    Infinite values (no reply at all) are larger than all others. Raises ValueError for nan, and for a p or a level
    outside (0, 1).
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    found = ranks(n, p, level)
    if n and math.isnan(ordered[-1]):
        message = "a quantile of values that are not numbers"
        raise ValueError(message)
    if found is None:
        return Quantile(p, None, None, None, n)
    lo, value, hi = (float(ordered[rank - 1]) for rank in (found[0], rank_of(n, p), found[1]))
    return Quantile(p, value, lo, hi, n)


def width(quantile: Quantile) -> float | None:
    """How wide the interval is, as a share of the value; None without an interval, or if the value is not positive."""
    if quantile.value is None or quantile.lo is None or quantile.hi is None or quantile.value <= 0:
        return None
    return (quantile.hi - quantile.lo) / quantile.value if math.isfinite(quantile.hi) else math.inf


def least_n(p: float, level: float = LEVEL) -> int:
    """How many values an interval at `p` takes: 6 for the median at .95, 36 at .90, 368 at .99, 3,688 at .999."""
    tail = _tail(p, level)
    return max(1, math.ceil(math.log(tail) / math.log(max(p, 1 - p)) - _ROUNDING))


def rank_of(n: int, p: float) -> int:
    """The rank, from 1, of the quantile at `p` among n sorted values: ceil(n p), as on paper (100 x .07 is 7)."""
    return max(1, math.ceil(n * p - _ROUNDING))


@lru_cache(maxsize=256)
def ranks(n: int, p: float, level: float = LEVEL) -> tuple[int, int] | None:
    """The ranks, from 1, of both ends of the interval among n sorted values; None if n is below `least_n`."""
    tail = _tail(p, level) * (1 + _ROUNDING)
    if n < least_n(p, level):
        return None
    chances = _binomial(n, p)
    below, above = np.cumsum(chances), np.cumsum(chances[::-1])  # P(B <= k), P(B >= n - k)
    lower = int(np.searchsorted(below, tail, side="right"))
    upper = n + 1 - int(np.searchsorted(above, tail, side="right"))
    return lower, upper


def middle(values: Sequence[float] | NDArray[np.float64]) -> float:
    """The median of positive values; of an even number, the geometric mean of the two in the middle.

    So the median of the inverses is the inverse of the median, and of two systems neither is preferred.
    Raises ValueError if there is no value.
    """
    if not len(values):
        message = "the median of no values"
        raise ValueError(message)
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    low, high = float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
    return low if low == high else math.sqrt(low * high)


def _binomial(n: int, p: float) -> NDArray[np.float64]:
    """P(B = k) for k = 0 .. n, by the ratio of neighbours in logarithms; shape (n + 1,)."""
    k = np.arange(n)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - k) / (k + 1)) + math.log(p / (1 - p)))])
    chances: NDArray[np.float64] = np.exp(logs - np.logaddexp.reduce(logs))
    return chances


def _tail(p: float, level: float) -> float:
    if not (0 < p < 1 and 0 < level < 1):
        message = f"p and level lie between 0 and 1; found p = {p}, level = {level}"
        raise ValueError(message)
    return (1 - level) / 2
