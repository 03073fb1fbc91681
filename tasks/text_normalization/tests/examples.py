"""Small test sets by hand."""

from __future__ import annotations

import hashlib
import json

from harness.api import Request, Segment, TestSet

from ..counts import COLUMNS
from ..scorer import EXTRACTION


def make_test_set(*rows, tags=None):
    """A test set of (source, reference, further references …), each a list of tokens."""
    segments = []
    for number, (source, *references) in enumerate(rows, start=1):
        request = Request(str(number), tuple(source), tuple(map(tuple, references)))
        segments.append(Segment(request.id, (request,), block=request.id))
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    return TestSet("example", "text-normalization", tuple(segments), tags or {"language": "en"}, digest)


def outputs_of(test_set, *outputs):
    """Outputs in the order of the requests."""
    return {request.id: tuple(output) for request, output in zip(test_set.requests, outputs, strict=True)}


def counted(reading, test_set, *outputs):
    """The columns that are not zero, one dictionary for each sentence."""
    found = EXTRACTION[reading](test_set, outputs_of(test_set, *outputs))
    assert found.columns == COLUMNS
    return [{name: value for name, value in zip(COLUMNS, row, strict=True) if value} for row in found.rows.tolist()]
