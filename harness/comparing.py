"""Compare the systems of a test set by one metric: a pure function from statistics to a record.

One weight matrix resamples every system, so all differences are paired. What a metric allows decides
what is computed: without an interval there are values and nothing else, and outputs are swapped
between two systems only where the metric says that this makes sense.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, Literal

from harness.api import Totals
from harness.records import COMPARISON_SCHEMA, Comparison, Pair, Ranked
from harness.score import corpus_totals, failure, interval_of, signature_of, sums_of, values_of
from harness.standings import COMPETING
from harness.stats import LEVEL, NO_METHOD, RESAMPLES, SEED, TRIALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.api import Metric, Statistics, TestSet
    from harness.records import Result
    from harness.stats.paired import Sample

ALL_PAIRS_UP_TO = 60
"""Beyond this many systems a record holds neighbours only: the square of them is nobody's reading."""


@dataclass(frozen=True)
class Settings:
    """How often is resampled and swapped, from which seed, and at which level.

    The seed is None only for sacrebleu's arithmetic, which then takes its own: SACREBLEU_SEED, or 12345.
    """

    resamples: int = RESAMPLES
    trials: int = TRIALS
    seed: int | None = SEED
    level: float = LEVEL
    arithmetic: Literal["exact", "sacrebleu"] = "exact"

    @property
    def start(self) -> int:
        """The seed of our own arithmetic."""
        return SEED if self.seed is None else self.seed

    @property
    def method(self) -> str:
        """The part of a record that says how it was made."""
        facts = f"resamples:{self.resamples}|seed:{self.start}|level:{self.level}|alpha:{round(1 - self.level, 10)}"
        return f"paired-bootstrap|{facts}|holm:student-tails"


@dataclass(frozen=True)
class Field:
    """Who is compared by what: everything that decides a comparison, known from results alone."""

    task: str
    test_set: str
    metric: str
    gold: str
    task_version: str
    signature: str
    method: str
    outputs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, found: Comparison) -> Field:
        """The field that a stored comparison claims."""
        outputs = tuple(sorted(found.outputs.items()))
        made_by = (found.gold, found.task_version, found.signature, found.method)
        return cls(found.task, found.test_set, found.metric, *made_by, outputs)


def fields(results: Iterable[Result], settings: Settings) -> list[Field]:
    """What current results ask to be compared: competing systems, by every metric that has intervals."""
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.kind in COMPETING:
            groups[result.task, result.test_set].append(result)
    found = []
    for (task, test_set), members in sorted(groups.items()):
        outputs = tuple(sorted((result.system, result.provenance.outputs) for result in members))
        origin = members[0].provenance
        found += [
            Field(
                task,
                test_set,
                score.metric,
                origin.gold,
                origin.task_version,
                score.signature,
                settings.method,
                outputs,
            )
            for score in members[0].scores
            if score.method != NO_METHOD
        ]
    return found


@dataclass(frozen=True)
class Member:
    """A system that is compared: its statistics, and the digest of its outputs."""

    system: str
    outputs: str
    statistics: Statistics


def compare(
    metric: Metric, test_set: TestSet, members: Sequence[Member], settings: Settings, *, task_version: str = ""
) -> Comparison:
    """The systems in the order of their values, with ranks, clusters and all pairs.

    A system whose value is undefined is left out.
    """
    points = {member.system: point(metric, member.statistics) for member in members}
    known = sorted(
        (member for member in members if math.isfinite(points[member.system])),
        key=lambda member: (-strength(metric, points[member.system]), member.system),
    )
    facts: dict[str, Any] = {
        "schema": COMPARISON_SCHEMA,
        "task": test_set.task,
        "test_set": test_set.id,
        "metric": metric.name,
        "unit": metric.unit,
        "best": metric.best,
        "segments": len(test_set.segments),
        "blocks": len({segment.block for segment in test_set.segments}),
        "gold": test_set.digest,
        "outputs": {member.system: member.outputs for member in members},
        "task_version": task_version,
        "signature": signature_of(metric, test_set),
        "method": settings.method,
    }
    reason = why_not(metric, test_set)
    if reason or not known:
        systems = [Ranked(system=member.system, value=points[member.system]) for member in known]
        return Comparison(**facts, systems=systems, pairs=[], reason=reason or "no system has a value")
    try:
        return Comparison(**facts, **_resampled(metric, test_set, known, points, settings))
    except Exception as error:  # noqa: BLE001 - a metric is a plugin; the values are good without their comparison
        systems = [Ranked(system=member.system, value=points[member.system]) for member in known]
        return Comparison(**facts, systems=systems, pairs=[], reason=failure(error))


def why_not(metric: Metric, test_set: TestSet) -> str | None:
    """Why a metric has values only, or None."""
    if metric.best == "none":
        return "the metric describes and does not judge"
    if metric.interval == "none":
        return "the metric is biased under resampling"
    return "one block says nothing about variation" if len({item.block for item in test_set.segments}) < 2 else None  # noqa: PLR2004


def point(metric: Metric, statistics: Statistics) -> float:
    """The corpus score; nan where the metric fails, which its result says."""
    try:
        return float(metric.value(corpus_totals(statistics)))
    except Exception:  # noqa: BLE001 - as above
        return math.nan


def strength(metric: Metric, value: Any) -> Any:  # noqa: ANN401 - a float or an array
    """A value turned so that more is better."""
    return {"lower": -value, "zero": -abs(value)}.get(metric.best, value)


def sample(metric: Metric, test_set: TestSet, statistics: Statistics) -> Sample:
    """The block sums of a system, with the value of many totals at once."""
    from harness.stats.paired import Sample

    value = partial(_values, metric, statistics.columns)
    return Sample(sums_of(test_set, statistics), value)


def _values(metric: Metric, columns: Any, totals: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ANN401 - names
    return values_of(metric.value, Totals(columns, totals))


def _resampled(
    metric: Metric, test_set: TestSet, known: Sequence[Member], points: Mapping[str, float], settings: Settings
) -> dict[str, Any]:
    """Systems, pairs and the detectable difference of a comparison, from one matrix of resamples."""
    import numpy as np

    from harness.stats import paired, ranking, tails

    samples = [sample(metric, test_set, member.statistics) for member in known]
    scores = paired.resampled_scores(samples, resamples=settings.resamples, seed=settings.start)
    values = np.array([points[member.system] for member in known])
    order, turned = strength(metric, values), strength(metric, scores)
    p = paired.bootstrap_p(order, turned)
    adjusted = tails.adjusted_p(p, order, turned, samples[0].sums.shape[0])
    between = [
        ranking.smallest_detectable(turned[a], turned[b], level=settings.level) for a, b in pairwise(range(len(known)))
    ]
    names = [member.system for member in known]
    around = centred(metric, values, scores)
    return {
        "systems": _ranked(metric, known, samples, around, adjusted, settings),
        "pairs": [_pair(names, values, around, (p, adjusted), place, settings) for place in _places(len(known))],
        "detectable": known_or_none(float(np.median(between))) if between else None,
    }


def centred(metric: Metric, values: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Resampled scores (m, B) around the values (m,): those of a biased metric without their bias."""
    import numpy as np

    if metric.interval != "corrected":
        return scores
    around: NDArray[np.float64] = scores + (values - np.nanmean(scores, axis=1))[:, None]
    return around


def _ranked(
    metric: Metric,
    known: Sequence[Member],
    samples: Sequence[Sample],
    scores: NDArray[np.float64],
    adjusted: NDArray[np.float64],
    settings: Settings,
) -> list[Ranked]:
    import numpy as np

    from harness.stats import ranking

    values = np.array([point(metric, member.statistics) for member in known])
    groups = ranking.clusters(strength(metric, values), adjusted, alpha=1 - settings.level)
    first, last = ranking.rank_intervals(strength(metric, scores), level=settings.level)
    ends = [interval_in(metric, *each, settings) or (None, None) for each in zip(known, samples, scores, strict=True)]
    return [
        Ranked(
            system=member.system,
            value=float(values[index]),
            lo=ends[index][0],
            hi=ends[index][1],
            rank_lo=int(first[index]) or None,
            rank_hi=int(last[index]) or None,
            cluster=int(groups[index]) or None,
        )
        for index, member in enumerate(known)
    ]


def interval_in(
    metric: Metric, member: Member, own: Sample, scores: NDArray[np.float64], settings: Settings
) -> tuple[float, float] | None:
    """The interval of one system: the ends of its resampled scores, or by the method that corrects them."""
    from harness.stats import bootstrap

    if metric.interval == "percentile":
        return bootstrap.interval_of(scores, level=settings.level)
    draws: dict[str, Any] = {"resamples": settings.resamples, "seed": settings.start, "level": settings.level}
    return interval_of(metric, own.sums, member.statistics, **draws)


def _pair(
    names: Sequence[str],
    values: NDArray[np.float64],
    scores: NDArray[np.float64],
    p: tuple[NDArray[np.float64], NDArray[np.float64]],
    place: tuple[int, int],
    settings: Settings,
) -> Pair:
    from harness.stats import paired

    a, b = place
    ends = paired.difference_interval(scores[a], scores[b], level=settings.level) or (None, None)
    return Pair(
        a=names[a],
        b=names[b],
        difference=float(values[a] - values[b]),
        lo=ends[0],
        hi=ends[1],
        p=known_or_none(float(p[0][place])),
        p_holm=known_or_none(float(p[1][place])),
    )


def _places(systems: int) -> Iterator[tuple[int, int]]:
    return combinations(range(systems), 2) if systems <= ALL_PAIRS_UP_TO else pairwise(range(systems))


def known_or_none(value: float) -> float | None:
    """A value, or None for one that is not finite."""
    return value if math.isfinite(value) else None
