"""What a task is made of: the only engine module, with `harness.metrics`, that a task imports.

A metric is *linear statistics, then a value*: `statistics` turns gold and outputs into one row of
additive columns per segment, and `value` turns summed columns into the score. The corpus score is
`value` of the column sums. Confidence intervals, slices, paired tests and sharding are sums of
other rows, so no metric implements them. See `docs/architecture.md`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from harness.errors import InvalidInput
from harness.jsonlines import read_objects
from harness.strictjson import Refused, parse
from harness.textio import Findings, open_beneath, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "Collection",
    "Column",
    "Evidence",
    "Findings",
    "ImportedSubmission",
    "ImportedTestSet",
    "Importer",
    "InvalidInput",
    "Metric",
    "Output",
    "Outputs",
    "Refused",
    "Request",
    "Segment",
    "Statistics",
    "TestSet",
    "Text",
    "Totals",
    "answers_to",
    "identifier",
    "open_beneath",
    "parse",
    "ratio",
    "read_lines",
    "read_objects",
]

Text: TypeAlias = Any
"""A `str`, or a `tuple[str, ...]` with one text per token where `outputs = "tokens"` in task.toml.
The metrics of a task know which; in their signatures they name the one they take."""

Output: TypeAlias = Text
"""What a system said for one request."""


class Outputs(dict[str, Output]):
    """Outputs by request id, as a file gave them; any mapping will do where nothing is repeated.

    `repeated` holds, for each request that was answered more than once, all its outputs in the order
    of the rows; the mapping itself holds the last of them.
    """

    def __init__(self, outputs: Mapping[str, Output], repeated: Mapping[str, tuple[Output, ...]] | None = None) -> None:
        super().__init__(outputs)
        self.repeated: Mapping[str, tuple[Output, ...]] = repeated or {}


def answers_to(request: Request, outputs: Mapping[str, Output]) -> Sequence[Output]:
    """Every output for a request: one, unless its test set accepts none (`()`) or several."""
    if request.id not in outputs:
        return ()
    repeated = outputs.repeated if isinstance(outputs, Outputs) else {}
    return repeated.get(request.id) or (outputs[request.id],)


@dataclass(frozen=True, slots=True)
class Request:
    """What a system is asked, and the references that it never sees.

    `fields` holds further inputs that are sent along, for instance the term dictionary. One that `is_context` is
    asked like any other, but is never scored and may be left unanswered: it tells a system something, such as
    the intent of an example.
    """

    id: str
    source: Text
    references: tuple[Text, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    is_context: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The request as a system receives it."""
        source = list(self.source) if isinstance(self.source, tuple) else self.source
        return {"id": self.id, "source": source, **self.fields}


@dataclass(frozen=True, slots=True)
class Segment:
    """One scored unit: its requests, its resampling block, its tags, and what only scorers see."""

    id: str
    requests: tuple[Request, ...]
    block: str
    tags: Mapping[str, str] = field(default_factory=dict)
    gold: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class TestSet:
    """A fixed list of segments.

    `digest` (sha256 of gold and of the facts about it) is the identity: equal digests mean equal
    test sets, so metrics may cache by test set. `tags` holds facts such as `source_language`,
    `target_language` and `mode`; `compat` names the official scorers to compute beside ours.
    `answers` says how many outputs a request may have: exactly `one`, `at-most-one`, or `any`.
    `context` holds requests that are asked and never scored; they belong to no segment.
    """

    __test__ = False  # a noun of this field, not a pytest class

    id: str
    task: str
    segments: tuple[Segment, ...]
    tags: Mapping[str, str]
    digest: str
    title: str = ""
    collection: str = ""
    compat: tuple[str, ...] = ()
    answers: Literal["one", "at-most-one", "any"] = "one"
    context: tuple[Request, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TestSet) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def requests(self) -> Iterable[Request]:
        """All requests that are scored, in order."""
        return (request for segment in self.segments for request in segment.requests)

    @property
    def asked(self) -> tuple[Request, ...]:
        """All that a system is asked: the context, then the requests that are scored."""
        return (*self.context, *self.requests)


Column: TypeAlias = "str | tuple[str, ...]"
"""The name of a column: a word, or a tuple of words, for instance a cell of a contingency table. The
names may depend on the outputs; sums of two corpora are matched by name."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """One row per segment, one named column per count.

    `rows` has shape (n segments, k columns), dense or a scipy sparse matrix when k is large (totals
    stay sparse; an interval makes the block sums dense, so declare none where k is very large);
    integers wherever the metric allows, so that sums are exact on any machine.
    """

    columns: tuple[Column, ...]
    rows: Any


@dataclass(frozen=True, slots=True)
class Totals:
    """Summed columns: `totals["hits"]` is a number, or an array over the leading axes.

    `values` has shape (…, k). One dimension is one corpus; two are B resamples or n segments.
    """

    columns: tuple[Column, ...]
    values: NDArray[Any]

    def __getitem__(self, column: Column) -> Any:  # noqa: ANN401 - a NumPy scalar or array
        return self.values[..., self.columns.index(column)]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stretch of text behind a number: `[start, end)` in code points of that text.

    `token` is the position of that text where the request has one text per token. `verdict` is a word of
    the metric, for instance `found` or `missed`; `label` says of what.
    """

    segment: str
    request: str
    text: Literal["source", "output", "reference"]
    start: int
    end: int
    verdict: str
    label: str
    token: int | None = None


class EvidenceFunction(Protocol):
    """Explains totals: yields the spans that made them."""

    def __call__(self, test_set: TestSet, outputs: Mapping[str, Output], totals: Totals) -> Iterable[Evidence]:
        """Yield the spans in the order of the segments."""
        ...  # pragma: no cover


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric as a value: two pure functions and the facts that tables and tests need.

    statistics   (test set, outputs) -> Statistics; metrics that share the same function object
                 share one extraction
    value        Totals -> score; `math.nan` where it is undefined (0 of 0)
    signature    test set -> reproducibility string `key:value|…`; it must not import what it names
    ratio        (numerator column, denominator column) where the value is their quotient
    unit         `fraction` (0..1), `points` (0..100) or `count`
    best         `higher`, `lower`, `zero` (a signed difference), or `none`: it describes, it does not judge
    segments     how one row becomes a segment's own score: "value" (the same formula), "none"
                 (the metric says nothing about one segment), or a function of its own
    interval     "percentile" of a bootstrap; "corrected" where that is biased, by half-sampling; "none" where
                 both would mislead
    exchangeable whether outputs of two systems may be swapped segment by segment
    evidence     optional spans behind the totals
    sacrebleu    optional: resampled sums (B, k) -> scores (B,) in the types of sacrebleu's own paired tests
    packages     distributions whose version can change the number; the record names them
    least        the smallest value, where it is not 0
    """

    name: str
    title: str
    formula: str
    citation: str
    statistics: Callable[[TestSet, Mapping[str, Output]], Statistics]
    value: Callable[[Totals], Any]
    signature: Callable[[TestSet], str]
    ratio: tuple[str, str] | None = None
    unit: Literal["fraction", "points", "count"] = "fraction"
    best: Literal["higher", "lower", "zero", "none"] = "higher"
    segments: Literal["value", "none"] | Callable[[Totals], Any] = "value"
    interval: Literal["percentile", "corrected", "none"] = "percentile"
    exchangeable: bool = True
    evidence: EvidenceFunction | None = None
    sacrebleu: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    packages: tuple[str, ...] = ()
    least: float = 0.0

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        return self.least, {"fraction": 1.0, "points": 100.0}.get(self.unit, math.inf)


def ratio(numerator: str, denominator: str) -> Callable[[Totals], Any]:
    """The value function `numerator / denominator` of two columns; nan for 0 of 0.

    One corpus is divided as Python integers (correctly rounded, as the official scorers do); more
    are divided by NumPy in float64.
    """

    def quotient(totals: Totals) -> Any:  # noqa: ANN401 - float or array
        above, below = totals[numerator], totals[denominator]
        if totals.values.ndim == 1:
            return int(above) / int(below) if below else float("nan")
        import numpy as np  # here: declaring a metric must not cost the start-up of NumPy

        return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below != 0)

    return quotient


@dataclass(frozen=True, slots=True)
class ImportedTestSet:
    """A test set as an importer found it: its table for testset.toml and its gold rows."""

    id: str
    table: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ImportedSubmission:
    """A system as an importer found it: outputs (id, output) by test set."""

    team: str
    system: str
    name: str
    outputs: Mapping[str, Sequence[tuple[str, Output]]]


@dataclass(frozen=True, slots=True)
class Collection:
    """All that an importer found; `strays` are files, or parts of files, that it leaves out, in words."""

    test_sets: Sequence[ImportedTestSet]
    submissions: Sequence[ImportedSubmission]
    strays: Sequence[str]
    findings: Sequence[Findings]


def identifier(name: str) -> str:
    """The id closest to a name of an archive: what an id may not hold becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-._+")[:64] or "unnamed"


class Importer(Protocol):
    """Reads somebody's archive and writes nothing. Raises InvalidInput if it is another archive."""

    def __call__(self, source: Path) -> Collection:
        """Read the archive: the folder `source`, or a single file if the importer takes one."""
        ...  # pragma: no cover
