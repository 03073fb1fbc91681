"""When requests arrive that do not wait for each other, and how many of them a system can take.

    arrivals   t_i = g_1 + ... + g_i        g_j exponential with mean 1 / rate: a Poisson process
    search     double the rate until it is too high, then halve the interval in logarithms

Latency is measured from the scheduled arrival, so that a system that falls behind is charged for the queue
it causes (no coordinated omission, Tene 2013).

Source: MLPerf inference, Server scenario (Reddi et al. 2020).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from harness.stats.paired import Seed

PRECISION = 0.05
MOST = 1e6
"""Requests per second beyond which nothing is tried."""


def poisson(rate: float, n: int, seed: Seed) -> NDArray[np.float64]:
    """The times (s) of n arrivals at `rate` per second, counted from the start of the schedule; increasing, (n,).

    The same seed gives the same pattern at every rate, only faster. Raises ValueError for a rate that is
    not positive and finite.
    """
    if not 0 < rate < math.inf:
        message = f"a rate is positive and finite; found {rate}"
        raise ValueError(message)
    return np.cumsum(np.random.default_rng(seed).standard_exponential(n)) / rate


def largest_rate(
    meets: Callable[[float], bool],
    start: float,
    *,
    precision: float = PRECISION,
    least: float | None = None,
    most: float = MOST,
) -> float | None:
    """The largest rate that was tried and met the bound, with one that did not at most `precision` (a share) above.

    `meets(rate)` is assumed monotone: what is missed at one rate is missed at every higher one. Where noise breaks
    that, the answer is still a rate that was met, and the next trial may find another. Begins at `start` and doubles
    up to `most`, which is the answer if it is met. If `start` is missed, halves down to `least` (by default not
    at all); None if all of these are missed. Raises ValueError unless 0 < least <= start <= most and
    precision > 0.
    """
    lowest = start if least is None else least
    if not (0 < lowest <= start <= most < math.inf and precision > 0):
        message = f"0 < least <= start <= most and precision > 0; found {lowest}, {start}, {most} and {precision}"
        raise ValueError(message)
    good, bad = _climb(meets, start, most) if meets(start) else _descend(meets, start, lowest)
    if good is None or bad is None:
        return good
    while bad > good * (1 + precision):
        rate = math.sqrt(good * bad)
        good, bad = (rate, bad) if meets(rate) else (good, rate)
    return good


def _climb(meets: Callable[[float], bool], good: float, most: float) -> tuple[float, float | None]:
    """The last rate that was met and the first that was missed, if any, doubling."""
    while good < most:
        rate = min(2 * good, most)
        if not meets(rate):
            return good, rate
        good = rate
    return good, None


def _descend(meets: Callable[[float], bool], bad: float, lowest: float) -> tuple[float | None, float]:
    """The first rate that was met, if any, and the last that was missed, halving."""
    while bad > lowest:
        rate = max(bad / 2, lowest)
        if meets(rate):
            return rate, bad
        bad = rate
    return None, bad
