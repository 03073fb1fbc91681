"""Numbers over several test sets: gains between two, and means over all that differ in one tag.

    difference = value on the first test set - value on the second       tag = [first, second]
    mean       = sum over test sets of the value / test sets             one test set per value of the tag

Test sets belong together whose other tags are equal. Those that have the same blocks (the modes of
one set of sentences, the languages of one source text) are resampled with the same weights; others
with weights of their own, since what they drew has nothing to do with each other. A mean has the
denominator that the test sets give it: a system that lacks one of them gets no value, and how many it
has stands beside it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import comparing
from harness.records import DERIVED_SCHEMA, Derived, DerivedValue
from harness.standings import COMPETING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.api import Metric, Statistics, TestSet
    from harness.comparing import Settings
    from harness.manifest import DerivedTable
    from harness.records import Result


@dataclass(frozen=True)
class Group:
    """The test sets of one derived number with the weight of each; who said what on which, by digest.

    `made_by` are the task's version and the signatures of the metric by test set.
    """

    task: str
    table: DerivedTable
    tags: Mapping[str, str]
    weights: Mapping[str, float]
    outputs: Mapping[str, Mapping[str, str]]
    made_by: tuple[str, Mapping[str, str]] = ("", {})

    @property
    def title(self) -> str:
        """For people; the name if there is none."""
        return self.table.title or self.table.name

    def claims(self, found: Derived, settings: Settings) -> bool:
        """Whether a stored record is this number of these outputs, made in this way."""
        version, signatures = self.made_by
        wanted = (self.task, self.table.name, self.title, self.table.metric, dict(self.tags), dict(self.weights))
        inputs = {system: dict(digests) for system, digests in self.outputs.items()}
        same = (found.task, found.name, found.title, found.metric, found.tags, found.weights)
        made = (found.task_version, found.signatures, found.method)
        return (same, found.outputs, made) == (wanted, inputs, (version, dict(signatures), settings.method))


def groups(task: str, tables: Iterable[DerivedTable], results: Sequence[Result]) -> Iterator[Group]:
    """What the results of a task allow to derive: every group of at least two test sets."""
    tags = {result.test_set: result.tags for result in results}
    signatures = {(result.test_set, score.metric): score.signature for result in results for score in result.scores}
    outputs: dict[str, dict[str, str]] = defaultdict(dict)
    for result in results:
        if result.kind in COMPETING:
            outputs[result.system][result.test_set] = f"{result.provenance.gold} {result.provenance.outputs}"
    for table in tables:
        for others, test_sets in _by_other_tags(table.tag, tags):
            weights = _weights(table, test_sets)
            took_part = {
                system: {name: found[name] for name in weights if name in found}
                for system, found in sorted(outputs.items())
                if not weights.keys().isdisjoint(found)
            }
            if len(weights) > 1 and took_part:
                signed = {name: signatures.get((name, table.metric), "") for name in weights}
                made_by = (results[0].provenance.task_version, signed)
                yield Group(task, table, dict(others), weights, took_part, made_by)


def _by_other_tags(
    tag: str, tags: Mapping[str, Mapping[str, str]]
) -> list[tuple[tuple[tuple[str, str], ...], dict[str, str]]]:
    """Test sets by their value of the tag, for every combination of the other tags."""
    found: dict[tuple[tuple[str, str], ...], dict[str, str]] = defaultdict(dict)
    for test_set, own in sorted(tags.items()):
        if tag in own:
            others = tuple(sorted((key, text) for key, text in own.items() if key != tag))
            found[others].setdefault(own[tag], test_set)
    return sorted(found.items())


def _weights(table: DerivedTable, test_sets: Mapping[str, str]) -> dict[str, float]:
    """What each test set counts; nothing for a difference that lacks a side."""
    if table.difference is None:
        return {name: 1 / len(test_sets) for name in test_sets.values()}
    if not set(table.difference) <= set(test_sets):
        return {}
    first, second = table.difference
    return {test_sets[first]: 1.0, test_sets[second]: -1.0}


def derive(
    group: Group,
    metric: Metric,
    test_sets: Mapping[str, TestSet],
    statistics: Mapping[tuple[str, str], Statistics],
    settings: Settings,
) -> Derived:
    """The record of a group, best system first; `statistics` by (system, test set)."""
    seeds = _seeds([test_sets[name] for name in group.weights], settings.start)
    systems = []
    for system in group.outputs:
        parts = {name: statistics[system, name] for name in group.weights if (system, name) in statistics}
        value = scores = None
        if len(parts) == len(group.weights):
            value = sum(weight * comparing.point(metric, parts[name]) for name, weight in group.weights.items())
            scores = _resampled(group, metric, test_sets, parts, (seeds, settings.resamples))
        systems.append(_derived(system, value, scores, len(parts), settings))
    return Derived(
        schema=DERIVED_SCHEMA,
        task=group.task,
        name=group.table.name,
        title=group.title,
        metric=metric.name,
        unit=metric.unit,
        best=metric.best,
        tags=dict(group.tags),
        weights=dict(group.weights),
        outputs={system: dict(digests) for system, digests in group.outputs.items()},
        task_version=group.made_by[0],
        signatures=dict(group.made_by[1]),
        method=settings.method,
        systems=sorted(systems, key=lambda found: _key(found, metric)),
    )


def _key(found: DerivedValue, metric: Metric) -> tuple[bool, float, str]:
    return found.value is None, -comparing.strength(metric, found.value or 0.0), found.system


def _seeds(test_sets: Sequence[TestSet], seed: int) -> dict[str, tuple[int, ...]]:
    """One stream of weights for all test sets with the same blocks, another for others."""
    streams: dict[tuple[str, ...], int] = {}
    found: dict[str, tuple[int, ...]] = {}
    for test_set in test_sets:
        blocks = tuple(dict.fromkeys(segment.block for segment in test_set.segments))
        sources = tuple(str(request.source) for request in test_set.requests)
        found[test_set.id] = (seed, streams.setdefault(blocks + sources, len(streams)))
    return found


def _resampled(
    group: Group,
    metric: Metric,
    test_sets: Mapping[str, TestSet],
    parts: Mapping[str, Statistics],
    draws: tuple[Mapping[str, tuple[int, ...]], int],
) -> NDArray[np.float64] | None:
    from harness.stats import paired

    seeds, resamples = draws
    if metric.interval != "percentile" or any(comparing.why_not(metric, test_sets[name]) for name in parts):
        return None
    total: NDArray[np.float64] | None = None
    try:
        for name, statistics in parts.items():
            sample = comparing.sample(metric, test_sets[name], statistics)
            (scores,) = paired.resampled_scores([sample], resamples=resamples, seed=seeds[name])
            weighted = group.weights[name] * scores
            total = weighted if total is None else total + weighted
    except Exception:  # noqa: BLE001 - a metric is a plugin; the value is good without its interval
        return None
    return total


def _derived(
    system: str, value: float | None, scores: NDArray[np.float64] | None, parts: int, settings: Settings
) -> DerivedValue:
    from harness.stats.bootstrap import interval_of

    known = None if value is None or not math.isfinite(value) else value
    ends = None if scores is None or known is None else interval_of(scores, level=settings.level)
    lo, hi = ends or (None, None)
    return DerivedValue(system=system, value=known, lo=lo, hi=hi, parts=parts)
