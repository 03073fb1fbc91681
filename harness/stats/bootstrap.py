"""The bootstrap of any metric that is linear statistics, then a value.

A resample of n blocks with replacement is a vector of n counts, so B resamples are a weight
matrix W of shape (B, n), and all resampled totals are the one product W @ S of shape (B, k), where
S holds the block sums. The same W serves every metric and every system of a test set, which makes
comparisons paired for free.

Source: Efron 1979; Koehn 2004 for machine translation; blocks as in Davison and Hinkley 1997.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.stats import LEVEL, RESAMPLES, SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

SIGNIFICANT_DIGITS = 10
_CHUNK_CELLS = 4_000_000


def block_sums(rows: Any, blocks: Sequence[str]) -> NDArray[np.float64]:  # noqa: ANN401 - dense or scipy sparse
    """Sum the rows of each block, in order of first appearance; shape (blocks, k), float64.

    `rows` has shape (n, k), dense or scipy sparse; the sums of integers below 2^53 are exact.
    """
    index = {block: position for position, block in enumerate(dict.fromkeys(blocks))}
    positions = np.array([index[block] for block in blocks])
    dense = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    sums = np.zeros((len(index), dense.shape[1]))
    np.add.at(sums, positions, dense)
    return sums


def weights(blocks: int, *, resamples: int = RESAMPLES, seed: int = SEED) -> Iterator[NDArray[np.float64]]:
    """Yield the weight matrix (resamples, blocks) in chunks of rows that bound the memory.

    Each row holds how often each block was drawn, and sums to `blocks`. The draws depend on
    `blocks`, `resamples` and `seed` alone, not on the chunk size.
    """
    generator = np.random.default_rng(seed)
    step = max(1, min(resamples, _CHUNK_CELLS // blocks))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = generator.integers(0, blocks, size=(count, blocks))
        drawn += np.arange(count)[:, None] * blocks
        yield np.bincount(drawn.ravel(), minlength=count * blocks).reshape(count, blocks).astype(np.float64)


@lru_cache(maxsize=4)
def _small_weights(blocks: int, resamples: int, seed: int) -> tuple[NDArray[np.float64], ...]:
    """The weights of one test set, kept because every metric of every system uses them."""
    return tuple(weights(blocks, resamples=resamples, seed=seed))


def resampled_totals(sums: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray[np.float64]:
    """Column totals of every resample; shape (resamples, k)."""
    blocks = len(sums)
    small = resamples * blocks <= _CHUNK_CELLS
    chunks = _small_weights(blocks, resamples, seed) if small else weights(blocks, resamples=resamples, seed=seed)
    return np.concatenate([chunk @ sums for chunk in chunks])


def percentile_interval(
    sums: NDArray[np.float64],
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = LEVEL,
) -> tuple[float, float] | None:
    """The percentile interval of `value(totals)` under resampling of blocks.

    `value` maps totals (resamples, k) to scores (resamples,). Ends are rounded to ten significant
    digits, because the last bits of a matrix product depend on the machine. Resamples for which
    the value is undefined (not finite) are left out; None if that leaves fewer than half, or if there is
    only one block, from which nothing can be learnt about variation.
    """
    if len(sums) < 2:  # noqa: PLR2004
        return None
    return interval_of(value(resampled_totals(sums, resamples=resamples, seed=seed)), level=level)


def interval_of(scores: NDArray[np.float64], *, level: float = LEVEL) -> tuple[float, float] | None:
    """The percentile interval of resampled scores (B,); None if fewer than half of them are defined."""
    defined = scores[np.isfinite(scores)]
    if 2 * len(defined) < len(scores):
        return None
    tail = (1 - level) / 2
    lo, hi = np.quantile(defined, [tail, 1 - tail])
    return round_significant(float(lo)), round_significant(float(hi))


def round_significant(value: float, digits: int = SIGNIFICANT_DIGITS) -> float:
    """Round to significant decimal digits."""
    if value == 0 or not math.isfinite(value):
        return value
    return float(f"{value:.{digits - 1}e}")
