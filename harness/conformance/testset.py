"""The promises of a task on one of its test sets."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.api import Totals
from harness.conformance.case import corpus
from harness.score import Entry, corpus_totals, score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.api import Statistics, Text
    from harness.conformance.case import Case, Rows

MAXIMUM = {"fraction": 1.0, "points": 100.0}
CEILING_AT_LEAST = 0.9
"""Share of the primary metric's maximum that the references reach, if metric and gold fit."""
FLOOR_AT_MOST = 0.5
"""Share of the reference's primary value that empty and shuffled outputs may reach."""


def check_gold_scores_the_maximum(case: Case, others: Mapping[str, Rows] | None = None) -> None:
    """No row beats the references in any metric, and they come close to the primary's maximum.

    `others` holds honest rows beside the floors. A gaming row may beat them: that is what it is for.
    """
    for metric in case.judges:
        ceiling = corpus(metric, case.test_set, case.gold)
        for name, outputs in {**case.floors, "mixed": case.mixed, **(others or {})}.items():
            found = corpus(metric, case.test_set, outputs)
            assert found <= ceiling, f"{metric.name}: {name} has {found}, the references {ceiling}"
    if case.primary.best == "higher" and case.primary.unit in MAXIMUM:
        share = corpus(case.primary, case.test_set, case.gold) / MAXIMUM[case.primary.unit]
        assert CEILING_AT_LEAST <= share <= 1, f"{case.primary.name}: the references reach {share} of the maximum"


def check_floor_rows_score_low(case: Case) -> None:
    """Outputs that know nothing are worse than the references; empty and shuffled ones much worse.

    Every metric sees through one of them, the primary metric through all.
    """
    for metric in case.judges:
        ceiling = corpus(metric, case.test_set, case.gold)
        values = {name: corpus(metric, case.test_set, outputs) for name, outputs in case.floors.items()}
        worse = [value < ceiling for value in values.values()]
        seen_through = all(worse) if metric.name == case.primary.name else any(worse) or metric.best == "zero"
        assert seen_through, f"{metric.name}: {values}, the references {ceiling}"
    if case.primary.best == "higher":
        ceiling = corpus(case.primary, case.test_set, case.gold)
        for name in ("empty", "shuffled"):
            found = corpus(case.primary, case.test_set, case.floors[name])
            assert found <= FLOOR_AT_MOST * ceiling, f"{case.primary.name}: {name} has {found} of {ceiling}"


def check_corruption_lowers_the_score(case: Case) -> None:
    """The more outputs are emptied, the lower the primary metric; no other metric rises.

    Except those that say nothing about one segment: one cluster that swallows all others is a
    perfect recall, and a difference of two numbers may shrink as both fall.
    """
    order = list(case.gold)
    random.Random(0).shuffle(order)  # noqa: S311 - any order will do
    quarter = max(1, len(order) // 4)
    steps = [order[:count] for count in (0, quarter, 2 * quarter, len(order))]
    for metric in case.metrics:
        if metric.segments == "none" and metric.name != case.primary.name:
            continue
        blanked = [{**case.gold, **{name: case.blank[name] for name in emptied}} for emptied in steps]
        values = [corpus(metric, case.test_set, outputs) for outputs in blanked]
        assert values == sorted(values, reverse=True), f"{metric.name}: {values}"
        if metric.name == case.primary.name:
            assert len(set(values)) == len(values), f"{metric.name}: {values}"


def check_permutation_changes_nothing(case: Case) -> None:
    """The order of the segments decides nothing: equal totals, to the last bit."""
    for seed in (1, 2):
        segments = list(case.test_set.segments)
        random.Random(seed).shuffle(segments)  # noqa: S311 - any order will do
        permuted = replace(case.test_set, segments=tuple(segments), digest=f"{case.test_set.digest}-{seed}")
        for metric in case.metrics:
            before = corpus_totals(metric.statistics(case.test_set, case.mixed))
            after = corpus_totals(metric.statistics(permuted, case.mixed))
            assert dict(zip(before.columns, before.values, strict=True)) == dict(
                zip(after.columns, after.values, strict=True)
            ), metric.name
            assert metric.value(before) == metric.value(after), metric.name


def check_sum_of_statistics_is_the_corpus(case: Case) -> None:
    """The recorded score is the value of the summed rows, and a quotient's counts are its columns."""
    test_set = replace(case.test_set, compat=tuple(case.task.manifest.compat))
    result = score(case.task, test_set, Entry.reference(test_set), case.mixed)
    recorded = {found.metric: found for found in result.scores}
    for metric in case.metrics:
        statistics = metric.statistics(test_set, case.mixed)
        assert statistics.rows.shape == (len(test_set.segments), len(statistics.columns)), metric.name
        assert len(set(statistics.columns)) == len(statistics.columns), metric.name
        totals = Totals(statistics.columns, reduce(np.add, _dense(statistics)))
        assert recorded[metric.name].value == metric.value(totals), metric.name
        if metric.ratio:
            assert recorded[metric.name].numerator == totals[metric.ratio[0]], metric.name
            assert recorded[metric.name].n == totals[metric.ratio[1]], metric.name


def check_statistics_are_deterministic(case: Case) -> None:
    """Equal outputs give equal rows, in whatever order they come."""
    backwards = dict(reversed(case.mixed.items()))
    for metric in case.metrics:
        first, *others = (metric.statistics(case.test_set, dict(rows)) for rows in (case.mixed, case.mixed, backwards))
        for other in others:
            assert other.columns == first.columns, metric.name
            assert (other.rows != first.rows).sum() == 0, metric.name


def check_value_agrees_on_many_corpora_at_once(case: Case) -> None:
    """`value` of B resamples at once is `value` of each alone, up to rounding."""
    generator = np.random.default_rng(0)
    count = len(case.test_set.segments)
    weights = generator.multinomial(count, [1 / count] * count, 20)
    for metric in case.metrics:
        statistics = metric.statistics(case.test_set, case.mixed)
        rows = _dense(statistics)
        sums = np.vstack([weights @ rows, np.zeros((1, len(statistics.columns)), rows.dtype)])
        together = metric.value(Totals(statistics.columns, sums))
        alone = [metric.value(Totals(statistics.columns, row)) for row in sums]
        assert np.shape(together) == (len(sums),), metric.name
        np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12, err_msg=metric.name)


def check_segment_values_lie_in_the_range_of_the_metric(case: Case) -> None:
    """A segment's own score, where there is one, lies between 0 and the metric's maximum."""
    for metric in case.metrics:
        if metric.segments == "none" or metric.unit not in MAXIMUM:
            continue
        statistics = metric.statistics(case.test_set, case.mixed)
        value = metric.value if metric.segments == "value" else metric.segments
        values = np.asarray(value(Totals(statistics.columns, statistics.rows)))
        assert values.shape == (len(case.test_set.segments),), metric.name
        known = values[~np.isnan(values)]
        assert (known >= 0).all(), metric.name
        assert (known <= MAXIMUM[metric.unit] * (1 + 1e-12)).all(), metric.name


def check_evidence_points_into_the_texts(case: Case) -> None:
    """Every piece of evidence is a non-empty stretch of the text that it names."""
    requests = {request.id: request for request in case.test_set.requests}
    segments = {segment.id for segment in case.test_set.segments}
    for metric in case.metrics:
        if metric.evidence is None:
            continue
        totals = corpus_totals(metric.statistics(case.test_set, case.mixed))
        for found in metric.evidence(case.test_set, case.mixed, totals):
            request = requests[found.request]
            texts = {"source": (request.source,), "output": (case.mixed[request.id],), "reference": request.references}
            shown = texts[found.text]
            lengths = [len(text) if found.token is None else len(text[found.token]) for text in shown]
            assert found.segment in segments
            assert 0 <= found.start < found.end <= max(lengths), (metric.name, found)
            assert found.verdict
            assert found.label


def check_requests_hide_the_references(case: Case) -> None:
    """A request is JSON, has an id of its own, and nothing in it tells the reference."""
    seen = set()
    for request in case.test_set.requests:
        sent = request.to_dict()
        assert json.loads(json.dumps(sent)) == sent
        assert request.id not in seen
        seen.add(request.id)
        assert not {"reference", "references", "gold"} & set(sent)
        for text in _strings(request.fields):
            for reference in map(_joined, request.references):
                told = reference and reference not in _joined(request.source) and reference in text
                assert not told, f"request {request.id} tells its reference: {text!r}"


CHECKS = (
    check_gold_scores_the_maximum,
    check_floor_rows_score_low,
    check_corruption_lowers_the_score,
    check_permutation_changes_nothing,
    check_sum_of_statistics_is_the_corpus,
    check_statistics_are_deterministic,
    check_value_agrees_on_many_corpora_at_once,
    check_segment_values_lie_in_the_range_of_the_metric,
    check_evidence_points_into_the_texts,
    check_requests_hide_the_references,
)


def _dense(statistics: Statistics) -> Any:  # noqa: ANN401 - an array
    rows = statistics.rows
    return rows.toarray() if hasattr(rows, "toarray") else rows


def _joined(text: Text) -> str:
    return text if isinstance(text, str) else " ".join(text)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
