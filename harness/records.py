"""What the harness writes: immutable records. Nothing here reads files or computes scores.

A record is canonical JSON, named by its sha256. It holds no time, host or path, so that the same
inputs give the same bytes on any machine with the same versions, on any number of workers.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = "result/1"
COMPARISON_SCHEMA = "comparison/1"
DERIVED_SCHEMA = "derived/1"
SEGMENTS_SCHEMA = "segments/1"
TIMING_SCHEMA = "timing/1"
ID = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}"
"""What may name a task, a test set or a system: it becomes a folder, a file and a part of URLs."""
REFERENCE = "@reference"
"""The system name of the ceiling row: the references scored as if they were outputs. It is no
legal id, so no submission can carry it."""

Kind = Literal["primary", "contrastive", "baseline", "floor", "gaming", "ceiling"]
"""What a row is: a system that competes, or a yardstick that is shown apart and never ranked."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the records: frozen, every key known."""


class Interval(Record, frozen=True, kw_only=True):
    """A confidence interval, in the unit of its score."""

    lo: float
    hi: float


class Score(Record, frozen=True, kw_only=True):
    """One metric of one result.

    `value` is null where the metric is undefined or failed, and `reason` says why. `numerator`
    and `n` are the metric's own counts where it is a quotient; otherwise `n` is the number of
    segments. `method` names estimator, resamples, seed and level of the interval, or is "none".
    """

    metric: str
    value: float | None
    unit: str
    n: int
    signature: str
    method: str
    best: Literal["higher", "lower", "zero", "none"] = "higher"
    numerator: int | None = None
    interval: Interval | None = None
    reason: str | None = None


class Provenance(Record, frozen=True, kw_only=True):
    """The exact inputs, by sha256, and the versions that computed the numbers."""

    gold: str
    manifest: str
    outputs: str
    task_version: str
    harness: str
    python: str
    packages: dict[str, str]


class Result(Record, frozen=True, kw_only=True):
    """One submission on one test set: every metric, with what is needed to recompute it."""

    schema: str
    task: str
    test_set: str
    title: str = ""
    collection: str
    system: str
    name: str
    team: str
    kind: Kind
    segments: int
    scores: list[Score]
    notices: dict[str, int]
    provenance: Provenance
    primary: str
    tags: dict[str, str]

    @property
    def about(self) -> str:
        """The folder of the record, below that of its task."""
        return self.test_set


class Ranked(Record, frozen=True, kw_only=True):
    """A system among those that it is compared with.

    `rank_lo` and `rank_hi` are the ends of the bootstrap interval of its rank. Systems of one
    `cluster`, counted from 1 for the best, are not told apart by this test set.
    """

    system: str
    value: float
    lo: float | None = None
    hi: float | None = None
    rank_lo: int | None = None
    rank_hi: int | None = None
    cluster: int | None = None


class Pair(Record, frozen=True, kw_only=True):
    """Two systems: the difference a - b with its interval, and p before and after Holm's correction.

    Difference and interval are of the values as they stand, sign and all, as `harness compare` shows them. Where
    the best value is 0, p asks another question: whether one is nearer to 0, so it is that of -|value|.
    """

    a: str
    b: str
    difference: float
    lo: float | None
    hi: float | None
    p: float | None
    p_holm: float | None


class Comparison(Record, frozen=True, kw_only=True):
    """Every competing system of a test set by one metric, with the same resamples for all.

    `outputs` names the bytes that were compared by system, `gold` the test set, `method` and
    `signature` how. `detectable` is the median over neighbours of the smallest difference that the
    test set would find. `pairs` holds all pairs, or neighbours only where there are too many. `reason`
    says why there is no uncertainty.
    """

    schema: str
    task: str
    test_set: str
    metric: str
    unit: str
    best: Literal["higher", "lower", "zero", "none"]
    segments: int
    blocks: int
    gold: str
    outputs: dict[str, str]
    task_version: str
    signature: str
    method: str
    systems: list[Ranked]
    pairs: list[Pair]
    detectable: float | None = None
    reason: str | None = None

    @property
    def about(self) -> str:
        """The folder of the record, below that of its task."""
        return self.test_set


class DerivedValue(Record, frozen=True, kw_only=True):
    """A system's derived number; `parts` says on how many of the test sets it has a result."""

    system: str
    value: float | None
    lo: float | None
    hi: float | None
    parts: int


class Derived(Record, frozen=True, kw_only=True):
    """A number over several test sets, for every competing system: a gain, a gap, or a mean.

    The value is the sum over `weights` (test set to weight) of the metric; `tags` are those that the test
    sets share. `outputs` names gold and outputs by system and test set.
    """

    schema: str
    task: str
    name: str
    title: str
    metric: str
    unit: str
    best: Literal["higher", "lower", "zero", "none"]
    tags: dict[str, str]
    weights: dict[str, float]
    outputs: dict[str, dict[str, str]]
    task_version: str
    signatures: dict[str, str]
    method: str
    systems: list[DerivedValue]

    @property
    def about(self) -> str:
        """The folder of the record, below that of its task."""
        return self.name


Spoken = str | list[str]
"""A text, or one text per token."""


# Said, Span and SegmentRow are read by the hundred thousand and are never part of a cycle: hence `gc=False`.
class Said(Record, frozen=True, kw_only=True, gc=False):
    """One request: what was asked, what was expected, and what the system said; null if it did not answer."""

    id: str
    source: Spoken
    references: list[Spoken]
    output: Spoken | None


class Span(Record, frozen=True, kw_only=True, gc=False):
    """A stretch of text behind a metric: `[start, end)` in code points of the named text, or of one of its tokens."""

    metric: str
    request: str
    text: Literal["source", "output", "reference"]
    start: int
    end: int
    verdict: str
    label: str
    token: int | None = None


class SegmentRow(Record, frozen=True, kw_only=True, gc=False):
    """One segment: its texts, its value by each of the record's metrics, and the evidence behind them."""

    id: str
    block: str
    tags: dict[str, str]
    said: list[Said]
    values: list[float | None]
    evidence: list[Span]


class Segments(Record, frozen=True, kw_only=True):
    """Every segment of one result, in the order of the test set, by the metrics that say something about one."""

    schema: str
    task: str
    test_set: str
    system: str
    gold: str
    outputs: str
    metrics: list[str]
    rows: list[SegmentRow]


class Quantity(Record, frozen=True, kw_only=True):
    """One number of a timing, with its interval where it has one; null with the reason where it could not be had.

    `n` is what it was computed from: requests for a percentile, blocks or processes for a rate, pairs for a ratio.
    `method` names how it was had, where there are several ways.
    """

    name: str
    unit: str
    value: float | None = None
    lo: float | None = None
    hi: float | None = None
    n: int = 0
    reason: str | None = None
    method: str = ""


class Flag(Record, frozen=True, kw_only=True):
    """Something about a timing that a reader must know; one that `voids` leaves it shown, grey, and never ranked."""

    name: str
    detail: str
    voids: bool


class Isolation(Record, frozen=True, kw_only=True):
    """How a system was kept apart.

    `selftest` is the digest of the attacks that the level withstood here, `gaps` what it does not close, and
    `trusted_by` who let a stranger's system run below the level that strangers need.
    """

    level: str
    selftest: str
    gaps: list[str]
    trusted_by: str | None = None


class Timing(Record, frozen=True, kw_only=True):
    """One system on one test set, backend and scenario: what was measured, on what machine, and what it is worth.

    The scenario `run` is the one that made the outputs, watched and not timed. `submission` is the digest of all its
    files, `outputs` that of what it said. `latencies` holds every latency (ns) by process. `seed` gave the order,
    drawn after the submission was fixed. `decoys` counts unscored requests of the same kind that were mixed in.
    Unlike other records it is a measurement: nobody gets the same bytes twice.
    """

    schema: str
    task: str
    test_set: str
    system: str
    name: str
    team: str
    kind: Kind
    backend: str
    scenario: str
    quick: bool
    protocol: str
    unit: Literal["segment", "corpus"]
    flags: list[Flag]
    quantities: list[Quantity]
    latencies: list[list[int]]
    isolation: Isolation
    machine_id: str
    env_id: str
    machine: dict[str, str]
    processes: int
    blocks: int
    rejected: int
    decoys: int
    seed: int
    gold: str
    submission: str
    outputs: str
    harness: str

    @property
    def about(self) -> str:
        """The folder of the record, below that of its task."""
        return self.test_set

    @property
    def valid(self) -> bool:
        """Whether nothing voids it."""
        return not any(flag.voids for flag in self.flags)

    def quantity(self, name: str) -> Quantity | None:
        """One of its numbers."""
        return next((quantity for quantity in self.quantities if quantity.name == name), None)
