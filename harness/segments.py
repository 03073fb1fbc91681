"""What one system said and scored on every segment: a pure function from statistics to a record.

A `Segments` record lies in `results/segments/<task>/<test set>/<sha256>.json`, named by what decides its
content (the identity of its result) and not by its bytes, so that whether it is there can be told
without reading it. It holds texts, the value of every metric that says something about one segment,
and the evidence; counts are in the statistics.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from harness import canonical
from harness.cache import name_of
from harness.records import SEGMENTS_SCHEMA, Said, SegmentRow, Segments, Span
from harness.score import corpus_totals, identity_of, segment_values
from harness.store import link_new

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.api import Evidence, Metric, Output, Statistics, TestSet
    from harness.records import Result


def path_of(result: Result, folder: Path) -> Path:
    """Where the segments of a result lie."""
    return folder / result.task / result.test_set / f"{name_of(identity_of(result))}.json"


def write(found: Segments, path: Path) -> None:
    """Write a record completely or not at all; one that exists is left alone."""
    link_new(path, canonical.encode(msgspec.to_builtins(found)))


def read(path: Path) -> Segments:
    """Read a record. Raises OSError and msgspec.DecodeError."""
    return msgspec.json.decode(path.read_bytes(), type=Segments)


def of(
    result: Result,
    test_set: TestSet,
    metrics: Sequence[Metric],
    statistics: Mapping[str, Statistics],
    outputs: Mapping[str, Output],
) -> Segments:
    """The segments of a result, in the order of the test set; a metric without statistics is left out."""
    known = [metric for metric in metrics if metric.name in statistics]
    values = {metric.name: values_of(metric, statistics[metric.name]) for metric in known}
    shown = [name for name, found in values.items() if found is not None]
    spans = _spans(test_set, known, statistics, outputs)
    rows = [
        SegmentRow(
            id=segment.id,
            block=segment.block,
            tags=dict(segment.tags),
            said=[
                Said(
                    id=request.id,
                    source=_text(request.source),
                    references=list(map(_text, request.references)),
                    output=_text(outputs.get(request.id)),
                )
                for request in segment.requests
            ],
            values=[_value(values[name], number) for name in shown],
            evidence=spans.get(segment.id, []),
        )
        for number, segment in enumerate(test_set.segments)
    ]
    return Segments(
        schema=SEGMENTS_SCHEMA,
        task=result.task,
        test_set=result.test_set,
        system=result.system,
        gold=result.provenance.gold,
        outputs=result.provenance.outputs,
        metrics=shown,
        rows=rows,
    )


def _spans(
    test_set: TestSet,
    metrics: Sequence[Metric],
    statistics: Mapping[str, Statistics],
    outputs: Mapping[str, Output],
) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for metric in metrics:
        for item in evidence_of(metric, test_set, statistics[metric.name], outputs):
            span = Span(
                metric=metric.name,
                request=item.request,
                text=item.text,
                start=item.start,
                end=item.end,
                verdict=item.verdict,
                label=item.label,
                token=item.token,
            )
            found.setdefault(item.segment, []).append(span)
    return found


def values_of(metric: Metric, statistics: Statistics) -> Any:  # noqa: ANN401 - an array, or None
    """The metric of every segment (n,), or None where it says nothing about one, or fails."""
    try:
        return segment_values(metric, statistics)
    except Exception:  # noqa: BLE001 - a metric is a plugin; that it fails stands in the result
        return None


def evidence_of(
    metric: Metric, test_set: TestSet, statistics: Statistics, outputs: Mapping[str, Output]
) -> Sequence[Evidence]:
    """The spans of a metric; none where it has none, or fails: then its score stands without them."""
    if metric.evidence is None:
        return ()
    try:
        return list(metric.evidence(test_set, outputs, corpus_totals(statistics)))
    except Exception:  # noqa: BLE001 - as above
        return ()


def _text(text: Any) -> Any:  # noqa: ANN401 - a text, a list of texts, or None
    return list(text) if isinstance(text, tuple) else text


def _value(values: Any, number: int) -> float | None:  # noqa: ANN401 - an array
    value = float(values[number])
    return value if math.isfinite(value) else None
