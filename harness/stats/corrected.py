"""Intervals for values that are biased under resampling, such as accuracy, F1 and ARI of clusterings.

    interval = (2 v - mean(v*)) ± z sqrt(h / (n - h)) sd(v*)       v the value of all n blocks
    v*       = value(sum of h = n // 2 blocks, drawn without replacement), B times

Half of the blocks relate to all of them as all of them relate to the population. So v* - v is spread as
v - truth is (exactly for means, where sd(v*) sqrt(h / (n - h)) is the standard error), and lies as much too
high: mean(v*) - v estimates the bias of v, and is taken off it. The interval lies around the
corrected value, so v need not be its middle.

Why not the bootstrap of `bootstrap.py`: a resample with replacement holds a third of its blocks
twice or more, and a row always shares cluster and reference with its own copy. That lifts pair counts
(ARI) though v itself is not biased at all, so shifting by the bootstrap's bias mends nothing. In half of the
blocks none is repeated. Where v really is biased, as the best of many assignments is, the bias of half
as many rows is about twice as large, and the difference is what has to be taken off.

What it gives, by simulation, stands in `tests/bench/coverage.py`; percentiles of v* in place of mean
and sd do a little worse. With few rows per cell the bias is no longer in proportion to 1 / n, less of it is
seen, and the interval covers less than it says. Ends may leave the range of the value.

Source: half-sampling after McCarthy 1969; subsampling of Politis and Romano 1994; the delete-d
jackknife of Shao and Wu 1989.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from harness.stats import LEVEL, RESAMPLES, SEED
from harness.stats.bootstrap import round_significant
from harness.stats.paired import products, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from harness.stats.paired import Matrix, Seed


def corrected_interval(
    point: float,
    sums: Matrix,
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = RESAMPLES,
    seed: Seed = SEED,
    level: float = LEVEL,
) -> tuple[float, float] | None:
    """The interval of `point`, the value of all blocks, by halves of them.

    `sums` has the block sums (blocks, k), dense or scipy sparse in csr, and `value` maps totals (B, k) to
    scores (B,). Ends have ten significant digits. Halves for which the value is undefined (not finite)
    are left out; None if that leaves fewer than half of them, if the point itself is undefined, or if there
    is only one block, from which nothing can be learnt about variation.
    """
    blocks, columns = sums.shape
    if blocks < 2 or not np.isfinite(point):  # noqa: PLR2004
        return None
    chunks = [
        value(next(products(chunk[start : start + step], [sums])))
        for step in [rows_at_once(columns)]
        for chunk in _halves(blocks, resamples, seed)
        for start in range(0, len(chunk), step)
    ]
    scores = np.concatenate(chunks)
    defined = scores[np.isfinite(scores)]
    if 2 * len(defined) < len(scores) or len(defined) < 2:  # noqa: PLR2004
        return None
    half = blocks // 2
    error = defined.std(ddof=1) * np.sqrt(half / (blocks - half))
    middle = 2 * point - defined.mean()
    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    return round_significant(float(middle - reach)), round_significant(float(middle + reach))


def _halves(blocks: int, resamples: int, seed: Seed) -> Iterator[NDArray[np.float64]]:
    """Chunks of rows that hold 1 for the blocks of a half and 0 for the others; (resamples, blocks) together."""
    if resamples * blocks <= rows_at_once(1):
        yield from _small_halves(blocks, resamples, seed)
    else:
        yield from _draw(blocks, resamples, seed)


@lru_cache(maxsize=4)
def _small_halves(blocks: int, resamples: int, seed: Seed) -> tuple[NDArray[np.float64], ...]:
    """The halves of one test set, kept because every such metric of every system uses them."""
    return tuple(_draw(blocks, resamples, seed))


def _draw(blocks: int, resamples: int, seed: Seed) -> Iterator[NDArray[np.float64]]:
    """The draws depend on `blocks`, `resamples` and `seed` alone, not on the size of chunks."""
    generator = np.random.default_rng(seed)
    half, step = blocks // 2, rows_at_once(blocks)
    for start in range(0, resamples, step):
        keys = generator.random((min(step, resamples - start), blocks))
        yield (keys <= np.partition(keys, half - 1, axis=1)[:, half - 1 : half]).astype(np.float64)
