"""Approximate randomization: how often two systems differ as much when their outputs are swapped at random.

    A_t = sum over blocks of S where the coin of block i shows heads in trial t, else of T
    B_t = total - A_t                                    total = sum(S) + sum(T)
    p   = (#{t: |value(A_t) - value(B_t)| >= |value(sum S) - value(sum T)|} + 1) / (trials + 1)

S and T hold the block sums of two systems, shape (blocks, k), and every block is swapped with
probability 1/2, all its segments together. If the two systems were alike, swapping would change nothing but
chance: under this hypothesis p is exact, whatever the metric and however few the blocks. It makes sense
only where the outputs of one system could be those of the other, segment by segment: not for
clusterings, whose labels are their own.

With signs E = ±1 of shape (trials, blocks), A and B are M ± E @ D, where M = total / 2 and D = (S - T) / 2. The
same E serves all systems, side by side in one product; whole and half numbers are exact in float64;
and exchanging the systems exchanges A and B, so p(S, T) = p(T, S) to the bit.

Source: Noreen 1989; Riezler and Maxwell 2005; Yeh 2000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.stats import SEED, TRIALS
from harness.stats.paired import common_blocks, noise, products, rows_at_once, widest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from harness.stats.paired import Matrix, Sample, Seed


def randomization_p(one: Sample, other: Sample, *, trials: int = TRIALS, seed: Seed = SEED) -> float:
    """The two-sided p-value of a pair, in (0, 1]; see `baseline_p`."""
    return float(baseline_p(one, [other], trials=trials, seed=seed)[0])


def baseline_p(
    baseline: Sample, systems: Sequence[Sample], *, trials: int = TRIALS, seed: Seed = SEED
) -> NDArray[np.float64]:
    """The two-sided p-values of systems against a baseline, shape (systems,), in (0, 1].

    All samples are of one metric: same blocks, same k columns in the same order (ValueError otherwise), and
    the baseline's `value` is taken for all. p is 1 for systems of equal score, and never below
    1 / (trials + 1). Ties count, to the tolerance of `paired.py`.

    Trials in which a shuffled system has no score (not finite) are left out, and `trials` counts the
    others; p is nan if that leaves fewer than half, or if a system has no score at all.
    """
    matrices = [baseline.sums, *(system.sums for system in systems)]
    blocks = common_blocks(matrices)
    if len({int(matrix.shape[1]) for matrix in matrices}) > 1:
        message = f"outputs that are swapped have the same columns; found {[matrix.shape[1] for matrix in matrices]}"
        raise ValueError(message)
    sums = np.stack([_total(matrix) for matrix in matrices])
    middles = (sums[0] + sums[1:]) / 2
    points = baseline.value(sums)
    observed = points[0] - points[1:]
    needed = np.abs(observed) - noise(points[0], points[1:])
    extreme, defined = np.zeros(len(systems), np.int64), np.zeros(len(systems), np.int64)
    for signs in _signs(blocks, trials, seed, widest(matrices)):
        shifts = products(signs, ((baseline.sums - system.sums) * 0.5 for system in systems))
        for place, shift in enumerate(shifts):
            with np.errstate(invalid="ignore"):  # no comparison with nan holds, so it counts nowhere
                found = baseline.value(middles[place] + shift) - baseline.value(middles[place] - shift)
                extreme[place] += (np.abs(found) >= needed[place]).sum()
            defined[place] += np.isfinite(found).sum()
    known = np.isfinite(observed) & (2 * defined >= trials)
    return np.where(known, (extreme + 1) / (defined + 1), np.nan)


def _total(matrix: Matrix) -> NDArray[np.float64]:
    return np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()


def _signs(blocks: int, trials: int, seed: Seed, width: int) -> Iterator[NDArray[np.float64]]:
    """Yield the coins of every trial and block as 1 and -1, in chunks of rows that bound the memory.

    The coins depend on `blocks`, `trials` and `seed` alone, not on the size of chunks.
    """
    generator = np.random.default_rng(seed)
    step = rows_at_once(max(blocks, width))
    for start in range(0, trials, step):
        heads = generator.integers(0, 2, size=(min(step, trials - start), blocks))
        yield (2 * heads - 1).astype(np.float64)
