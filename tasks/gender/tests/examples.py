"""Small test sets by hand."""

from __future__ import annotations

import hashlib
import json

from harness.api import Segment, TestSet

from ..scorer import requests

KEYS = {"id", "source", "reference", "references", "context"}


def pair(masculine, feminine, /, **further):
    """A counterfactual row; the sources do not matter."""
    sides = {"masculine": masculine, "feminine": feminine}
    return {**{gender: {"source": f"({gender})", "reference": text} for gender, text in sides.items()}, **further}


def contextual(reference, flipped, /, **further):
    """A contextual row; source and context do not matter."""
    return {"context": "-", "source": "-", "reference": reference, "flipped": [flipped], **further}


def make_test_set(*rows):
    """A test set as the harness loads it from gold rows; ids may be left out."""
    segments = []
    for number, row in enumerate(rows, start=1):
        full = {"id": str(number), **row}
        full["references"] = [full["reference"]] if "reference" in full else []
        further = {key: value for key, value in full.items() if key not in KEYS}
        segments.append(
            Segment(
                full["id"],
                tuple(requests(full, {})),
                block=full["id"],
                tags={key: value for key, value in further.items() if isinstance(value, str)},
                gold={key: value for key, value in further.items() if not isinstance(value, str)},
            )
        )
    return TestSet("example", "gender", tuple(segments), {}, hashlib.sha256(json.dumps(rows).encode()).hexdigest())


def outputs_of(test_set, *texts):
    """Outputs in the order of the requests."""
    return {request.id: text for request, text in zip(test_set.requests, texts, strict=True)}


def counts(metric, test_set, *texts):
    """The counts of a metric that are not 0, one dictionary per segment."""
    found = metric.statistics(test_set, outputs_of(test_set, *texts))
    return [
        {name: count for name, count in zip(found.columns, row, strict=True) if count} for row in found.rows.tolist()
    ]


def score(metric, test_set, *texts):
    """The corpus score."""
    from harness.score import corpus_totals

    return metric.value(corpus_totals(metric.statistics(test_set, outputs_of(test_set, *texts))))
