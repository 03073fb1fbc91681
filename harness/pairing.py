"""Two systems by one metric: the difference, its interval, and two tests of it; pure, like `comparing`."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.comparing import centred, interval_in, known_or_none, point, sample, strength, why_not
from harness.score import failure, signature_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.api import Metric, TestSet
    from harness.comparing import Member, Settings
    from harness.stats.paired import Sample


def compare_pair(metric: Metric, test_set: TestSet, a: Member, b: Member, settings: Settings) -> dict[str, Any]:
    """Two systems by one metric; A is the baseline and the difference is A - B.

    `a_mean` is the mean of the resampled values and `a_ci` half the width of their interval, as in
    sacrebleu's tables. What cannot be said is None, and `reason` says why.
    """
    values = [point(metric, member.statistics) for member in (a, b)]
    row: dict[str, Any] = {
        "metric": metric.name,
        "unit": metric.unit,
        "a": known_or_none(values[0]),
        "b": known_or_none(values[1]),
        "difference": known_or_none(values[0] - values[1]),
        "n": len(test_set.segments),
        "baseline": a.system,
        "signature": signature_of(metric, test_set),
        "method": settings.method,
    }
    row |= dict.fromkeys(("a_mean", "b_mean", "a_ci", "b_ci", "lo", "hi", "p_bootstrap", "p_randomization"))
    if settings.arithmetic == "sacrebleu":
        return {**row, **_as_sacrebleu(metric, test_set, a, b, settings)}
    reason = why_not(metric, test_set) or (None if all(map(math.isfinite, values)) else "a value is undefined")
    if reason:
        return {**row, "reason": reason}
    samples = [sample(metric, test_set, member.statistics) for member in (a, b)]
    try:
        tested = {
            **_bootstrapped(metric, (a, b), samples, values, settings),
            **_randomized(metric, a, b, samples, settings),
        }
    except Exception as error:  # noqa: BLE001 - as above
        tested = {"reason": failure(error)}
    return {**row, **tested}


def _as_sacrebleu(metric: Metric, test_set: TestSet, a: Member, b: Member, settings: Settings) -> dict[str, Any]:
    """The figures of sacrebleu's --paired-bs and --paired-ar for B against the baseline A, bit for bit.

    Raises ValueError for the seed 0, which sacrebleu cannot reproduce.
    """
    from harness.stats import sacrebleu

    if metric.sacrebleu is None:
        return {"reason": "sacrebleu has no paired test of this metric"}
    if any(len(segment.requests) > 1 for segment in test_set.segments):
        return {"reason": "sacrebleu resamples sentences, and a segment of this test set holds several"}
    rows = [a.statistics.rows, b.statistics.rows]
    drawn = sacrebleu.paired_bootstrap(rows, metric.sacrebleu, resamples=settings.resamples, seed=settings.seed)
    swapped = sacrebleu.paired_randomization(rows, metric.sacrebleu, trials=settings.trials, seed=settings.seed)
    baseline, system = drawn.systems
    return {
        "a_mean": baseline.mean,
        "b_mean": system.mean,
        "a_ci": baseline.ci,
        "b_ci": system.ci,
        "p_bootstrap": system.p,
        "p_randomization": swapped.systems[1].p,
        "method": f"{drawn.signature}|trials:{settings.trials}",
        "reason": None,
    }


def _bootstrapped(
    metric: Metric, members: Sequence[Member], samples: Sequence[Sample], values: Sequence[float], settings: Settings
) -> dict[str, Any]:
    import numpy as np

    from harness.stats import paired

    scores = paired.resampled_scores(samples, resamples=settings.resamples, seed=settings.start)
    ends = [interval_in(metric, *each, settings) for each in zip(members, samples, scores, strict=True)]
    around = centred(metric, np.array(values), scores)
    between = paired.difference_interval(around[0], around[1], level=settings.level)
    p = paired.bootstrap_p(np.array(values), scores)
    means = [float(np.nanmean(found)) for found in scores]
    halves = [None if found is None else (found[1] - found[0]) / 2 for found in ends]
    facts = {"a_mean": means[0], "b_mean": means[1], "a_ci": halves[0], "b_ci": halves[1]}
    return {
        **facts,
        "lo": between and between[0],
        "hi": between and between[1],
        "p_bootstrap": known_or_none(float(p[0, 1])),
    }


def _randomized(metric: Metric, a: Member, b: Member, samples: Sequence[Sample], settings: Settings) -> dict[str, Any]:
    from harness.stats.randomization import randomization_p

    if not metric.exchangeable or a.statistics.columns != b.statistics.columns:
        return {"p_randomization": None, "reason": "outputs of two systems cannot be swapped one by one"}
    p = randomization_p(samples[0], samples[1], trials=settings.trials, seed=settings.start)
    return {"p_randomization": known_or_none(p), "reason": None}


def influential(metric: Metric, test_set: TestSet, a: Member, b: Member, count: int) -> list[tuple[str, float]]:
    """The blocks that speak most for A, then those for B, with how much each speaks for A (negative: for B).

    Turned so that more is better, whatever the metric; nothing for one that does not judge, or fails.
    """
    from harness.stats.influence import influence

    if metric.best == "none":
        return []
    samples = [sample(metric, test_set, member.statistics) for member in (a, b)]
    turned = [replace(own, value=partial(_turned, metric, own.value)) for own in samples]
    try:
        found = influence(turned[0], turned[1])
    except Exception:  # noqa: BLE001 - as above
        return []
    blocks = list(dict.fromkeys(segment.block for segment in test_set.segments))
    pairs = [(block, value) for block, value in zip(blocks, found.tolist(), strict=True) if math.isfinite(value)]
    ranked = sorted(pairs, key=lambda pair: -pair[1])
    for_a = [pair for pair in ranked[:count] if pair[1] > 0]
    return for_a + [pair for pair in ranked[::-1][:count] if pair[1] < 0]


def _turned(metric: Metric, value: Any, totals: Any) -> Any:  # noqa: ANN401 - functions and arrays of a Sample
    return strength(metric, value(totals))
