"""How many first values are warm-up: drop until what follows looks the same early and late.

The first w values are dropped if, of the 40 that follow,

    the first is no outlier     x <= Q3 + 1.5 (Q3 - Q1)           Tukey's fence of the other 39
    both halves of 20 agree     -50 % <= mean_1 / mean_2 - 1 <= 10 %
                                |Q_1 / Q_2 - 1| <= 5 %             for the quartiles Q1 and Q3
                                |MAD_1 / MAD_2 - 1| <= 10 %        the median distance from the median

The mean may rise much more than it may fall: a system that still gets faster is warming up, one that
was slow for a moment late is not. Quartiles are interpolated. It is a test of one window after the other, so that
noise alone passes sooner or later: by the time it does, the values have at least been looked at.

Source: pyperf 2.10.0, `_worker.py` (calibrate_warmups), whose MAD of 0 divides by zero: here two of 0 agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

FLOOR = 10
MOST = 300
HALF = 20
WINDOW = 2 * HALF

_FENCE = 1.5
_MEAN = (-0.50, 0.10)
_QUARTILE = (-0.05, 0.05)
_DEVIATION = (-0.10, 0.10)
_ROUNDING = 1e-12


def warmup_length(values: Sequence[float], floor: int = FLOOR, most: int = MOST) -> int | None:
    """The smallest number of first values, at least `floor`, after which the system is steady.

    The decision for w looks at values w to w + 39, and never beyond the first `most` values, so that w is at most
    `most` - 40. None if there is no such w: with fewer than `most` values it may still come, with `most` of them the
    system is not stationary. Where values come one by one, ask `is_steady` of the last 40 instead of beginning
    anew each time.
    """
    seen = np.asarray(values[:most], dtype=np.float64)
    starts = range(floor, len(seen) - WINDOW + 1)
    return next((start for start in starts if is_steady(seen[start : start + WINDOW])), None)


def is_steady(window: ArrayLike) -> bool:
    """Whether 40 values in a row, all positive, begin without an outlier and have halves that agree.

    Raises ValueError if there are not 40.
    """
    values = np.asarray(window, dtype=np.float64)
    if values.shape != (WINDOW,):
        message = f"steadiness is judged by {WINDOW} values; found {values.shape}"
        raise ValueError(message)
    low, high = np.quantile(values[1:], [0.25, 0.75])
    if not values[0] <= high + _FENCE * (high - low):
        return False
    pairs = zip(_shape(values[:HALF]), _shape(values[HALF:]), (_MEAN, _QUARTILE, _QUARTILE, _DEVIATION), strict=True)
    return all(_agree(first, second, bounds) for first, second, bounds in pairs)


def _shape(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Mean, first and third quartile, and median distance from the median."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(values.mean()), float(low), float(high), float(np.median(np.abs(values - median)))


def _agree(first: float, second: float, bounds: tuple[float, float]) -> bool:
    """Whether first / second - 1 lies in the bounds, without dividing."""
    low, high = bounds
    return (low - _ROUNDING) * second <= first - second <= (high + _ROUNDING) * second
