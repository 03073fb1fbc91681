"""What the harness writes: immutable records. Nothing here reads files or computes scores.

A record is canonical JSON, named by its sha256. It holds no time, host or path, so that the same
inputs give the same bytes on any machine with the same versions, on any number of workers.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = "result/1"
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
