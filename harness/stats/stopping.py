"""When a throughput is known well enough, and how well it is known in the end.

    value      exp(m)                     m = mean of log r_i over n blocks, r_i the throughput of block i
    interval   exp(m -+ t s / sqrt(n))    s = sd(log r_i); t of Student with n - 1 degrees
    reached    half-width t s / sqrt(n) <= 2 % after at least five blocks

Logarithms, because noise multiplies: a block that takes twice as long weighs as much as one that takes half. The
interval of the blocks of one process says when to stop. What is reported lies over fresh processes, each of which
is one number, the mean of its blocks: layout of memory, hash seeds and allocators differ between processes
and not within, and the blocks of one process would never show it.

Stopping as soon as an interval is narrow favours moments in which blocks agree by chance, and blocks that are
neighbours are slow together: within one process the interval covers the truth less often than it says.

Source: Student 1908; Georges, Buytaert and Eeckhout 2007 (OOPSLA) for processes as the unit; Abramowitz and Stegun
1964, 26.7.3 and 26.7.4, for the distribution.
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

BLOCKS = 5
"""Blocks below which no width counts as reached."""
HALF_WIDTH = 0.02
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Mean:
    """The geometric mean of `n` throughputs, in their unit; the ends are None where variation is unknown."""

    value: float
    lo: float | None
    hi: float | None
    n: int


def log_mean(rates: Sequence[float], level: float = LEVEL) -> Mean:
    """The geometric mean of the throughputs of blocks, with Student's interval of their logarithms.

    One block has no interval. Raises ValueError if there is none, or if one is not positive and finite:
    a block in which nothing was answered is too short, not slow.
    """
    array = np.asarray(rates, dtype=np.float64)
    if not (len(array) and np.isfinite(array).all() and (array > 0).all()):
        message = f"throughputs of blocks are positive; found {list(rates)}"
        raise ValueError(message)
    logs = np.log(array)
    mean, n = float(logs.mean()), len(logs)
    if n == 1:
        return Mean(float(array[0]), None, None, 1)
    reach = student_t(level, n - 1) * float(logs.std(ddof=1)) / math.sqrt(n)
    return Mean(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach), n)


def half_width(mean: Mean) -> float | None:
    """Half the width of the interval in logarithms, about its share of the value; None without an interval."""
    if mean.lo is None or mean.hi is None:
        return None
    return math.log(mean.hi / mean.lo) / 2


def is_precise(mean: Mean, half_width: float = HALF_WIDTH, *, least: int = BLOCKS) -> bool:
    """Whether the interval of at least `least` blocks is no wider than `half_width` to each side, in logarithms."""
    return (
        mean.n >= least
        and mean.lo is not None
        and mean.hi is not None
        and mean.hi <= mean.lo * math.exp(2 * half_width)
    )


def between(processes: Sequence[Sequence[float]], level: float = LEVEL) -> Mean:
    """What is reported: the geometric mean over fresh processes of the geometric means of their blocks.

    Each process holds the throughputs of its blocks; one without blocks does not count. n counts processes,
    weighted alike however many blocks they have. With one process n counts its blocks, and the interval
    lacks what differs between processes. No interval from fewer than five blocks altogether. Raises ValueError as
    `log_mean` does.
    """
    measured = [rates for rates in processes if len(rates)]
    found = log_mean(measured[0] if len(measured) == 1 else [log_mean(rates).value for rates in measured], level)
    return found if sum(map(len, measured)) >= BLOCKS else Mean(found.value, None, None, found.n)


@lru_cache(maxsize=256)
def student_t(level: float, degrees: int) -> float:
    """The t for which P(|T| <= t) = `level`, T of Student with whole `degrees` of freedom, at least 1."""
    if degrees < 1 or not 0 < level < 1:
        message = f"at least one degree of freedom and a level between 0 and 1; found {degrees} and {level}"
        raise ValueError(message)
    low, high = 0.0, math.pi / 2
    for _ in range(_BISECTIONS):
        angle = (low + high) / 2
        low, high = (angle, high) if _within(angle, degrees) < level else (low, angle)
    return math.sqrt(degrees) * math.tan((low + high) / 2)


def _within(angle: float, degrees: int) -> float:
    """P(|T| <= sqrt(degrees) tan(angle)): a finite sum of powers of cosines."""
    sine, cosine = math.sin(angle), math.cos(angle)
    is_odd = degrees % 2
    term = cosine if is_odd else 1.0
    total = 0.0
    for power in range(is_odd, degrees - 1, 2):
        total += term
        term *= cosine * cosine * (power + 1) / (power + 2)
    return (angle + sine * total) * 2 / math.pi if is_odd else sine * total
