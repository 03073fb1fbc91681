"""How much faster or slower than a reference that ran beside: the median of paired ratios.

    slots      A B  B A  A B  B A ...         A the system, B the reference; neighbours are a pair
    r_i        a_i / b_i                      of pair i
    value      median of r_i                  of an even number, the geometric mean of the two in the middle
    interval   r_(l) to r_(u)                 exact, by the binomial distribution (`quantiles.py`)

What slows the machine for longer than a pair slows both of it and cancels; steady drift favours A in one pair and B
in the next. What is shorter than a block does not cancel, and the median only shrugs it off. The interval takes pairs
for independent; it exists from six pairs on.

Source: sign test and its interval, Thompson 1936; the order is that of crossover trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import LEVEL
from harness.stats.quantiles import middle, ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of `n` ratios and its interval; ends are None where n is too small, and all of them if it is 0."""

    value: float | None
    lo: float | None
    hi: float | None
    n: int


def abba(pairs: int) -> str:
    """The order of the slots of so many pairs: "ABBAABBA" for four. A is the system, B the reference."""
    return ("ABBA" * ((pairs + 1) // 2))[: 2 * pairs]


def paired_ratio(system: Sequence[float], reference: Sequence[float], level: float = LEVEL) -> Ratio:
    """The median of system_i / reference_i over pairs of slots, and its interval.

    Both are times, or both throughputs, in one unit. Exchanging them gives the inverse. Raises ValueError
    if they differ in number, or if one is not positive and finite.
    """
    if len(system) != len(reference):
        message = f"one slot of the reference for each of the system; found {len(reference)} for {len(system)}"
        raise ValueError(message)
    return median_ratio(positive(system) / positive(reference), level)


def median_ratio(ratios: Sequence[float] | NDArray[np.float64], level: float = LEVEL) -> Ratio:
    """The median of positive ratios, and its interval."""
    n = len(ratios)
    found = ranks(n, 0.5, level)
    value = middle(ratios) if n else None
    if found is None:
        return Ratio(value, None, None, n)
    ordered = np.sort(np.asarray(ratios, dtype=np.float64))
    return Ratio(value, float(ordered[found[0] - 1]), float(ordered[found[1] - 1]), n)


def positive(values: Sequence[float]) -> NDArray[np.float64]:
    """The values as an array; ValueError unless all are positive and finite."""
    array = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(array).all() and (array > 0).all()):
        message = "times and throughputs are positive and finite"
        raise ValueError(message)
    return array
