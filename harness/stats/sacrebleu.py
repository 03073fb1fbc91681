"""The paired tests of sacrebleu, float for float, with one matrix product for all systems.

    bootstrap      D_b = |s_b - t_b|           p = (#{b: D_b - mean(D) > |s - t|} + 1) / (B + 1)
    randomization  E_r = |a_r - b_r|           p = (#{r: E_r > |s - t|} + 1) / (R + 1)
    interval       mean of the sorted s_b, ± half of s_(B-1-B//40) - s_(B//40)

t is the baseline and s another system; s_b and t_b are their scores on resample b, a_r and b_r those of
the two pseudo-systems of trial r, in which the baseline's row is swapped for the system's wherever a
coin says so. sacrebleu gathers and adds rows anew for every resample and every pair of systems. Here a
resample is a row of W, how often each segment was drawn, and W @ [S1 S2 ...] has the sums of all.

Equal numbers need equal draws (one call of the same generator, hence `SACREBLEU_SEED`), equal sums, and
an equal last step, `score`, which the caller brings (harness/metrics/official_resampling.py). Traps:

* sacrebleu adds resampled rows in float32, one after the other. Statistics are counts, so while a sum
  stays below 2^24 all partial sums are integers that float32 holds, and every order of additions gives
  the same bits, that of a matrix product too. Rounding is monotone: where an exact sum would reach 2^24,
  the computed one does. Hence the largest computed sum tells whether all are exact. If not, the system is
  added up as sacrebleu does it; a product in float64, rounded once, would be more accurate and not equal.
* What follows these sums depends on NumPy's major version: a float32 number times a Python float is a
  float32 since NumPy 2 and was a float64 before. We follow the installed NumPy, as sacrebleu does, and
  the signature names it. Trials of the randomization are integers, then float64: no such trap.
* Scores of one system are an array of float64 as soon as one of them is the literal 0.0 of a resample
  without any match, and this decides in which precision their mean is taken. So `score` gets the
  sums of one system at a time, and the type of what it returns matters.
* A copy of the baseline has the smallest p there is, 1 / (B + 1): no difference exceeds none.

Source: sacrebleu 2.6.0, significance.py (Post 2018; Koehn 2004; Clark et al. 2011; Riezler and Maxwell 2005).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Score: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
    """Sums (B, k) of one system to scores (B,): the last step in the precision of its argument, which is
    float32 for resamples and float64 for trials and corpora."""

SEED = 12345
RESAMPLES = 1000
TRIALS = 10_000

_EXACT_IN_FLOAT32, _EXACT_IN_FLOAT64 = 2**24, 2**53
_FEWEST_RESAMPLES, _CHUNK_CELLS = 64, 65_536
"""Weights are made and multiplied in chunks that stay in the cache, but not of too few resamples."""
_CHUNK_TRIALS = 1000
"""Trials that are scored at a time, for the same reason."""
_MARGIN = 1e-6
"""Differences of estimated scores that are farther than this from the real one are decided."""


@dataclass(frozen=True, slots=True)
class SystemResult:
    """What sacrebleu's `Result` holds: `ci` is half the width of the interval, `p` compares with the baseline.

    `mean` and `ci` are None after a randomization; `p` is None for the baseline itself.
    """

    score: float
    mean: float | None = None
    ci: float | None = None
    p: float | None = None


@dataclass(frozen=True, slots=True)
class PairedResult:
    """The results in the order of the systems, the baseline first, and how they were made."""

    systems: tuple[SystemResult, ...]
    signature: str


def seed_of(value: int | str | None = None) -> int | None:
    """The seed as sacrebleu reads it: `value`, else SACREBLEU_SEED, else 12345; "none" means no seed.

    Raises ValueError for what is no integer, and for 0: sacrebleu seeds the baseline's draws with it and
    leaves those of the other systems unseeded, so its numbers cannot be reproduced.
    """
    text = str(os.environ.get("SACREBLEU_SEED", SEED) if value is None else value)
    if text.lower() == "none":
        return None
    seed = int(text)
    if seed == 0:
        reason = "sacrebleu takes it as a seed for the baseline, but as no seed for the systems compared with it"
        message = f"seed 0 cannot be reproduced: {reason}; take another SACREBLEU_SEED"
        raise ValueError(message)
    return seed


def signature(draws: str, *, seed: int | None, float32: bool) -> str:
    """How the numbers were made; `draws` is `resamples:1000` or `trials:10000`."""
    numpy, precision = np.__version__.split(".")[0], "yes" if float32 else "no"
    return f"arithmetic:sacrebleu|numpy:{numpy}|float32:{precision}|seed:{str(seed).lower()}|{draws}"


def paired_bootstrap(
    statistics: Sequence[NDArray[Any]], score: Score, *, resamples: int = RESAMPLES, seed: int | str | None = None
) -> PairedResult:
    """Score, mean, interval and p of every system as by sacrebleu's `--paired-bs`, bit for bit.

    `statistics` holds one matrix of counts (n, k) per system, the baseline first; `seed` is read by
    `seed_of`. Without a seed all systems share one draw here, while sacrebleu draws anew for each.
    Raises ValueError for statistics that are no counts or differ in shape, and for the seed 0.
    """
    _check(statistics, resamples)
    start = seed_of(seed)
    segments = len(statistics[0])
    drawn = np.random.default_rng(start).choice(segments, size=(resamples, segments), replace=True)
    points = [_point(rows, score) for rows in statistics]
    scores = [score(sums) for sums in _resampled(statistics, drawn)]
    systems = [SystemResult(points[0], *_mean_and_half_width(scores[0]))]
    for point, own in zip(points[1:], scores[1:], strict=True):
        p = _p_of_resamples(own, scores[0], abs(points[0] - point))
        systems.append(SystemResult(point, *_mean_and_half_width(own), p))
    return PairedResult(tuple(systems), signature(f"resamples:{resamples}", seed=start, float32=True))


def paired_randomization(
    statistics: Sequence[NDArray[Any]],
    score: Score,
    *,
    trials: int = TRIALS,
    seed: int | str | None = None,
    estimate: Score | None = None,
) -> PairedResult:
    """Score and p of every system as by sacrebleu's `--paired-ar`, bit for bit.

    Arguments, errors and the note on seeds as in `paired_bootstrap`. Only p comes out of the trials, so
    they may be scored by a faster `estimate` that differs from `score` by less than 1e-7: a trial whose
    difference lies too near the real one to be decided that way is scored again.
    """
    _check(statistics, trials)
    start = seed_of(seed)
    masks = np.random.default_rng(start).integers(2, size=(trials, len(statistics[0])), dtype=bool)
    points = [_point(rows, score) for rows in statistics]
    larger = [0] * len(statistics)
    for system, first, second in _shuffled(statistics, masks):
        real = abs(points[0] - points[system])
        larger[system] += _count_larger(first, second, real, score, estimate or score)
    p_values = [None, *((count + 1) / (trials + 1) for count in larger[1:])]
    systems = [SystemResult(point, p=p) for point, p in zip(points, p_values, strict=True)]
    return PairedResult(tuple(systems), signature(f"trials:{trials}", seed=start, float32=False))


def _check(statistics: Sequence[NDArray[Any]], draws: int) -> None:
    """Raise ValueError unless there are draws, and matrices of counts of one shape that float64 adds exactly."""
    shapes = {rows.shape for rows in statistics}
    if len(shapes) != 1 or any(len(shape) != 2 or 0 in shape for shape in shapes):  # noqa: PLR2004 - a matrix
        message = f"one matrix (segments, columns) per system is needed, all of one shape, not {sorted(shapes)}"
        raise ValueError(message)
    if any(rows.dtype.kind not in "iu" or rows.min() < 0 for rows in statistics):
        raise ValueError("statistics must be counts: integers, none of them negative")
    if max(int(rows.max()) for rows in statistics) * len(statistics[0]) >= _EXACT_IN_FLOAT64:
        raise ValueError("the counts are so large that float64 cannot add them exactly")
    if draws < 1:
        message = f"at least one draw is needed, not {draws}"
        raise ValueError(message)


def _point(rows: NDArray[Any], score: Score) -> float:
    """The corpus score as a Python float.

    A NumPy float64 would let float32 differences be compared with the real one in float64; sacrebleu's
    comparison rounds the real one to float32.
    """
    return float(score(rows.sum(axis=0, dtype=np.int64).astype(np.float64)[None])[0])


def _side_by_side(statistics: Sequence[NDArray[Any]], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """All columns of all systems as floats; shape (n, systems * k)."""
    return np.concatenate([rows.astype(dtype) for rows in statistics], axis=1)


def _resampled(statistics: Sequence[NDArray[Any]], drawn: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
    """The float32 sums of every resample, one system after the other; shape (B, k), stored by columns."""
    resamples, segments = drawn.shape
    cells = _side_by_side(statistics, np.float32)
    sums = np.empty((cells.shape[1], resamples), dtype=np.float32)
    step = max(_FEWEST_RESAMPLES, _CHUNK_CELLS // segments)
    for start in range(0, resamples, step):
        np.matmul(cells.T, _weights(drawn[start : start + step]).T, out=sums[:, start : start + step])
    for rows, own in zip(statistics, np.split(sums, len(statistics)), strict=True):
        yield own.T if own.max() < _EXACT_IN_FLOAT32 else _added_as_sacrebleu_does(rows, drawn)


def _weights(drawn: NDArray[np.int64]) -> NDArray[np.float32]:
    """How often each resample holds each segment; shape as `drawn`, (B, n)."""
    resamples, segments = drawn.shape
    flat = drawn + np.arange(resamples)[:, None] * segments
    return np.bincount(flat.ravel(), minlength=flat.size).reshape(flat.shape).astype(np.float32)


def _added_as_sacrebleu_does(rows: NDArray[Any], drawn: NDArray[np.int64]) -> NDArray[np.float32]:
    """The sums of drawn rows where float32 rounds, so that the order of additions matters; shape (B, k)."""
    floats = rows.astype(np.float32)
    return np.array([floats[indices].sum(0) for indices in drawn])


def _shuffled(
    statistics: Sequence[NDArray[Any]], masks: NDArray[np.bool_]
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64]]]:
    """A system's index and the sums of both pseudo-systems, by chunks of trials; shape (trials, k), stored by columns.

    Where the mask is true the first pseudo-system has the baseline's row and the second the system's.
    """
    systems = len(statistics)
    totals = _side_by_side(statistics, np.float64).sum(axis=0).reshape(systems, -1, 1)
    cells = _side_by_side(statistics, np.float32 if totals.max() < _EXACT_IN_FLOAT32 else np.float64)
    for start in range(0, len(masks), _CHUNK_TRIALS):
        chosen = cells.T @ masks[start : start + _CHUNK_TRIALS].T.astype(cells.dtype)
        kept = chosen.reshape(systems, -1, chosen.shape[1])
        baseline = kept[0].astype(np.float64)
        for system in range(1, systems):
            first = baseline + totals[system] - kept[system]
            yield system, first.T, (totals[0] + totals[system] - first).T


def _count_larger(
    first: NDArray[np.float64], second: NDArray[np.float64], real: float, score: Score, estimate: Score
) -> int:
    """How many trials have scores that differ by more than `real`."""
    differences = np.abs(estimate(first) - estimate(second))
    if estimate is not score:
        is_near = ~(np.abs(differences - real) > _MARGIN)
        if is_near.any():
            differences[is_near] = np.abs(score(first[is_near]) - score(second[is_near]))
    return int(np.count_nonzero(differences > real))


def _mean_and_half_width(scores: NDArray[Any]) -> tuple[float, float]:
    """Mean and half the width of the 95 % interval, of the sorted scores and in their precision."""
    ordered = np.sort(scores)
    tail = len(ordered) // 40
    return float(ordered.mean()), float(0.5 * (ordered[len(ordered) - tail - 1] - ordered[tail]))


def _p_of_resamples(scores: NDArray[Any], baseline: NDArray[Any], real: float) -> float:
    """The share of resamples whose difference exceeds the mean difference by more than the real one."""
    differences = np.abs(scores - baseline)
    larger = int(np.count_nonzero(differences - differences.mean() > real))
    return (larger + 1) / (len(differences) + 1)
