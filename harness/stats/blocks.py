"""What the blocks of a run say together: whether they count, what is fixed and what is per request, and two suspicions.

    valid       no more than 20 % of the blocks were rejected for noise
    rate        (n_2 - n_1) / (t_2 - t_1)            of two runs with n_1 < n_2 inputs that took t_1 and t_2
    fixed       t_1 - n_1 / rate                     starting, loading, ending
    repeated    median over items of median(repeats of i) / first_i            a cache answers repeats faster
    matched     median over decoys of scored / decoy time, at equal length     known items are answered faster

Suspicions are intervals and not tests: whoever asks decides how far below 1 is too fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.stats import LEVEL
from harness.stats.quantiles import middle
from harness.stats.ratios import Ratio, median_ratio, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_REJECTED = 0.2


class Verdict(NamedTuple):
    """Which blocks are kept, by index from 0, and whether they are enough for the run to be valid."""

    kept: tuple[int, ...]
    valid: bool


class Marginal(NamedTuple):
    """Inputs per second once it runs, and the seconds that any run takes besides; noise may make these negative."""

    rate: float
    fixed: float


def verdict(rejected: Sequence[bool], most: float = MOST_REJECTED) -> Verdict:
    """The blocks that were not rejected; valid if at most the share `most` was, and at least one is left."""
    kept = tuple(index for index, is_rejected in enumerate(rejected) if not is_rejected)
    return Verdict(kept, bool(kept) and (len(rejected) - len(kept)) / len(rejected) <= most)


def marginal(n_1: int, t_1: float, n_2: int, t_2: float) -> Marginal | None:
    """Rate (1/s) and fixed time (s) of runs of n_1 and n_2 inputs that took t_1 and t_2 seconds.

    None if the longer run was no slower: the inputs then drown in the noise of the start. Raises ValueError
    unless 0 < n_1 < n_2.
    """
    if not 0 < n_1 < n_2:
        message = f"the second run has more inputs than the first; found {n_1} and {n_2}"
        raise ValueError(message)
    if t_2 <= t_1:
        return None
    rate = (n_2 - n_1) / (t_2 - t_1)
    return Marginal(rate, t_1 - n_1 / rate)


def repeat_ratio(first: Sequence[float], repeats: Sequence[Sequence[float]], level: float = LEVEL) -> Ratio:
    """How long repeats of an item take compared with its first visit: the median over items, and its interval.

    `first` has one time per item, `repeats` all further times of the same item (n lists, in the same order); an
    item without repeats does not count. About 1 where nothing is remembered. First visits must come
    after the warm-up, or repeats are faster for that reason. Raises ValueError if the numbers of items differ, or a
    time is not positive and finite.
    """
    if len(first) != len(repeats):
        message = f"one list of repeats per item; found {len(repeats)} for {len(first)} items"
        raise ValueError(message)
    once = positive(first)
    ratios = [middle(positive(again)) / once[item] for item, again in enumerate(repeats) if len(again)]
    return median_ratio(ratios, level)


def matched_ratio(
    scored_lengths: Sequence[float],
    scored_times: Sequence[float],
    decoy_lengths: Sequence[float],
    decoy_times: Sequence[float],
    level: float = LEVEL,
) -> Ratio:
    """How long scored items take compared with decoys of the same length: the median over decoys, and its interval.

    Every decoy is matched to the scored item nearest in length; where several are equally near, to the median of
    their times: by a mean, a few that were slow, or slowed on purpose, would hide that the others are fast. About 1
    where the system cannot tell them apart and lengths overlap. Decoys that share a scored item are not
    independent: many decoys for few items make the interval too narrow. Raises ValueError if lengths and times
    differ in number, if there is no scored item, or if a time is not positive and finite.
    """
    if len(scored_lengths) != len(scored_times) or len(decoy_lengths) != len(decoy_times) or not len(scored_times):
        message = "one length per time, and at least one scored item"
        raise ValueError(message)
    lengths, times = np.asarray(scored_lengths, dtype=np.float64), positive(scored_times)
    like = [_nearest(lengths, times, length) for length in decoy_lengths]
    return median_ratio(np.array(like) / positive(decoy_times), level)


def _nearest(lengths: NDArray[np.float64], times: NDArray[np.float64], length: float) -> float:
    """The median time of all items that are nearest in length."""
    distances = np.abs(lengths - length)
    return middle(times[distances == distances.min()])
