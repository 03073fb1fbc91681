"""What every metric that compares texts with references needs, in the shape of sacrebleu."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from harness.api import Output, TestSet


def sacrebleu_version() -> str:
    """The installed version, read without importing the package."""
    return version("sacrebleu")


def reference_count(test_set: TestSet) -> str:
    """The `nrefs` of a sacrebleu signature: the number of references, or `var`."""
    counts = {len(request.references) for request in test_set.requests}
    return str(counts.pop()) if len(counts) == 1 else "var"


def reference_streams(test_set: TestSet) -> list[list[str | None]]:
    """References as sacrebleu wants them: one list per reference number, None where there is none.

    Raises ValueError if a request has no reference at all: sacrebleu would score it against the
    empty n-gram set without a word.
    """
    for request in test_set.requests:
        if not request.references:
            message = f"request {request.id} has no reference"
            raise ValueError(message)
    most = max(len(request.references) for request in test_set.requests)
    return [
        [request.references[k] if k < len(request.references) else None for request in test_set.requests]
        for k in range(most)
    ]


def hypotheses(test_set: TestSet, outputs: Mapping[str, Output]) -> list[str]:
    """Outputs in the order of the requests. Raises KeyError if one is missing."""
    return [outputs[request.id] for request in test_set.requests]


def rows_per_segment(test_set: TestSet, rows: Sequence[Sequence[int]]) -> NDArray[Any]:
    """Sum rows of requests (in order) to rows of segments; shape (segments, columns), int64."""
    import numpy as np

    starts = np.cumsum([0, *(len(segment.requests) for segment in test_set.segments)][:-1])
    return np.add.reduceat(np.asarray(rows, dtype=np.int64), starts, axis=0)
