"""Influence: which blocks make a score, or the difference of two, what it is.

    influence_i = value(total) - value(total - S_i)

S_i is the row of sums of block i. Positive means that the block raises the value: without it the value
would be lower by so much. For two systems it is the influence on a minus that on b, so that positive
blocks speak for a. For the mean of n numbers x_i it is (x_i - mean) / (n - 1): influences add up to about 0
and are no shares of the value.

Source: the jackknife's differences (Quenouille 1956; Efron and Tibshirani 1993, chapter 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.stats.paired import common_blocks, rows_at_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.stats.paired import Sample


def influence(a: Sample, b: Sample | None = None) -> NDArray[np.float64]:
    """How much each block raises the value of `a`, or the difference a - b; shape (blocks,).

    Raises ValueError if a and b differ in the number of blocks. An entry is nan where the value is undefined
    without that block (or with it): nothing can be said then.
    """
    if b is None:
        return _influence(a)
    common_blocks([a.sums, b.sums])
    return _influence(a) - _influence(b)


def _influence(sample: Sample) -> NDArray[np.float64]:
    sums = sample.sums
    blocks, columns = sums.shape
    total = np.asarray(sums.sum(axis=0), dtype=np.float64).reshape(1, columns)
    found = np.empty(blocks)
    step = rows_at_once(columns)
    for start in range(0, blocks, step):
        part = sums[start : start + step]
        dense = part.toarray() if hasattr(part, "toarray") else part
        found[start : start + step] = sample.value(total - dense)
    return np.asarray(sample.value(total)[0] - found)
