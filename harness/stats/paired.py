"""Paired comparisons: every system is resampled by the same weights, so their differences are paired.

    scores     s_ib = value_i(W_b @ S_i)                 system i, resample b
    p          (#{b: |d*_b - d| >= |d|} + 1) / (B + 1)    d = s_i - s_j, d*_b = s_ib - s_jb
    interval   percentiles of d*_b

S_i holds the block sums of system i, shape (blocks, k), and W how often each block was drawn, shape (B,
blocks), as in `bootstrap.py`. What would be seen if two systems were equal is the spread of d* around d:
the p-value is the share of resamples that lie at least as far from d as d lies from 0, both ways.

Around d, and not around the mean of d*: the two differ where a value is biased under resampling. Around d the
shift counts as error, which is right where d is off the true difference by as much (accuracy of clusterings,
the best of many assignments) and cautious where it is not (ARI): around the mean, two clusterings that are
equally good but of 12 and 60 clusters are told apart too often. Where nothing is biased, both are the same, up to ties.

Two scores count as equal if they differ by no more than `TOLERANCE` times the sum of their sizes: the last
bits of a matrix product depend on the machine and on what stands beside it, and ties are common.

Source: Efron and Tibshirani 1993, chapter 16; Koehn 2004; Davison and Hinkley 1997 for (c + 1) / (B + 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from harness.stats import LEVEL, RESAMPLES, SEED
from harness.stats.bootstrap import _small_weights, interval_of, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

Matrix: TypeAlias = Any
"""A dense array of float64, or a scipy sparse matrix in csr; shape (blocks, k)."""

Seed: TypeAlias = "int | tuple[int, ...]"
"""What numpy.random.default_rng takes; 0 is a seed like any other."""

TOLERANCE = 1e-9
_CHUNK_CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class Sample:
    """One system by one metric: the sums of its blocks, and the value of totals (B, k) as scores (B,)."""

    sums: Matrix
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]]


def resampled_scores(
    samples: Sequence[Sample], *, resamples: int = RESAMPLES, seed: Seed = SEED
) -> NDArray[np.float64]:
    """The score of every system in every resample; shape (systems, resamples).

    All samples have the same blocks in the same order (ValueError otherwise); k may differ. A score is nan
    where the value is undefined. Beyond input and result, memory is bounded whatever their sizes.
    Scores do not depend on how the work is cut: to the bit where block sums are whole numbers,
    because their sums are then exact, and to the last bits otherwise.
    """
    scores = np.empty((len(samples), resamples))
    matrices = [sample.sums for sample in samples]
    done = 0
    for part in _weights(common_blocks(matrices), resamples, seed, widest(matrices)):
        for row, (sample, totals) in enumerate(zip(samples, products(part, matrices), strict=True)):
            scores[row, done : done + len(part)] = sample.value(totals)
        done += len(part)
    return scores


def common_blocks(matrices: Sequence[Matrix]) -> int:
    """The number of blocks. Raises ValueError if there are none, or if matrices differ in it."""
    counts = {int(matrix.shape[0]) for matrix in matrices}
    if len(counts) > 1 or 0 in counts:
        message = f"samples are paired block by block; found {sorted(counts)} blocks"
        raise ValueError(message)
    return counts.pop() if counts else 1


def widest(matrices: Iterable[Matrix]) -> int:
    """The largest number of columns, at least 1."""
    return max((int(matrix.shape[1]) for matrix in matrices), default=1)


def rows_at_once(width: int) -> int:
    """How many rows of this width are worked on at once; at least one."""
    return max(1, _CHUNK_CELLS // max(1, width))


def _weights(blocks: int, resamples: int, seed: Seed, width: int) -> Iterator[NDArray[np.float64]]:
    """The weights of `bootstrap.py` in chunks of rows, few enough for totals of `width` columns."""
    draws = cast("int", seed)
    small = resamples * blocks <= _CHUNK_CELLS  # kept, because every metric of a test set uses them
    chunks = _small_weights(blocks, resamples, draws) if small else weights(blocks, resamples=resamples, seed=draws)
    step = rows_at_once(width)
    return (chunk[start : start + step] for chunk in chunks for start in range(0, len(chunk), step))


def products(left: NDArray[np.float64], matrices: Iterable[Matrix]) -> Iterator[NDArray[np.float64]]:
    """`left @ matrix` for every matrix in order: (B, blocks) times (blocks, k).

    Dense matrices are laid side by side, as many as the bound on memory allows, so that one product serves
    them: with few columns each, they would leave the processor waiting. Sparse ones stay sparse.
    """
    limit = rows_at_once(max(left.shape))
    group: list[NDArray[np.float64]] = []
    for matrix in matrices:
        is_sparse = hasattr(matrix, "tocsr")
        if is_sparse or sum(member.shape[1] for member in group) + matrix.shape[1] > limit:
            yield from _side_by_side(left, group)
            group = []
        if is_sparse:
            yield np.ascontiguousarray((matrix.T @ left.T).T)
        else:
            group.append(matrix)
    yield from _side_by_side(left, group)


def _side_by_side(left: NDArray[np.float64], group: Sequence[NDArray[np.float64]]) -> Iterator[NDArray[np.float64]]:
    if not group:
        return
    wide = left @ (group[0] if len(group) == 1 else np.concatenate(group, axis=1))
    ends = np.cumsum([member.shape[1] for member in group])
    for end, member in zip(ends, group, strict=True):
        yield np.ascontiguousarray(wide[:, end - member.shape[1] : end])  # sums of a row depend on its layout


def bootstrap_p(point: NDArray[np.float64], resampled: NDArray[np.float64]) -> NDArray[np.float64]:
    """The two-sided p-value of every pair of systems; symmetric, shape (m, m), in (0, 1].

    `point` has the scores (m,) and `resampled` those of the same systems in every resample (m, B). p is 1
    for a system against itself and for systems of equal score, and never below 1 / (B + 1).

    Resamples in which a system of a pair has no score (not finite) are left out for that pair, and B counts
    the others; p is nan if that leaves fewer than half, or if a system has no score at all.
    """
    systems, resamples = resampled.shape
    p = np.ones((systems, systems))
    step = rows_at_once(resamples)
    for first in range(systems):
        p[first, first] = 1.0 if np.isfinite(point[first]) else np.nan
        for start in range(first + 1, systems, step):
            others = slice(start, start + step)
            found = _pair_p(point[first], point[others], resampled[first], resampled[others])
            p[first, others] = p[others, first] = found
    return p


def _pair_p(
    point: np.float64, points: NDArray[np.float64], one: NDArray[np.float64], others: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The p-values of one system against others: points (m,), resampled scores (B,) and (m, B)."""
    with np.errstate(invalid="ignore"):  # no comparison with nan holds, so it counts nowhere
        differences = one - others
        observed = point - points
        needed = np.abs(observed) - noise(point, points)
        extreme = (np.abs(differences - observed[:, None]) >= needed[:, None]).sum(axis=1)
    defined = np.isfinite(differences).sum(axis=1)
    known = np.isfinite(observed) & (2 * defined >= len(one))
    return np.where(known, (extreme + 1) / (defined + 1), np.nan)


def noise(one: Any, other: Any) -> Any:  # noqa: ANN401 - numbers or arrays
    """The difference up to which two scores count as equal."""
    return TOLERANCE * (np.abs(one) + np.abs(other))


def difference_interval(
    resampled_a: NDArray[np.float64], resampled_b: NDArray[np.float64], level: float = LEVEL
) -> tuple[float, float] | None:
    """The percentile interval of the difference a - b, from scores (B,) under the same resamples.

    Ends have ten significant digits. Resamples in which one of them has no score are left out; None if that
    leaves fewer than half.
    """
    return interval_of(resampled_a - resampled_b, level=level)
