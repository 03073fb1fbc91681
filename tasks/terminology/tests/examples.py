"""Small test sets by hand."""

from __future__ import annotations

import hashlib
import json

from harness.api import Segment, TestSet

from ..scorer import requests


def make_test_set(*rows, mode="proper", source_language="en", target_language="de"):
    """A test set as the harness loads it from gold rows; ids and references may be left out."""
    tags = {"source_language": source_language, "target_language": target_language, "mode": mode}
    segments = []
    for number, row in enumerate(rows, start=1):
        full = {"id": str(number), "references": ["-"], **row}
        gold = {key: value for key, value in full.items() if isinstance(value, dict)}
        segments.append(Segment(full["id"], tuple(requests(full, tags)), block=full["id"], gold=gold))
    digest = hashlib.sha256(json.dumps([rows, tags]).encode()).hexdigest()
    return TestSet("example", "terminology", tuple(segments), tags, digest)


def outputs_of(test_set, *texts):
    """Outputs in the order of the requests."""
    return {request.id: text for request, text in zip(test_set.requests, texts, strict=True)}


def counts(metric, test_set, *texts):
    """The rows of a metric as lists of integers."""
    return metric.statistics(test_set, outputs_of(test_set, *texts)).rows.tolist()
