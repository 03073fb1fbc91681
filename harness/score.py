"""Score one submission on one test set: a pure function from gold and outputs to a record."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.api import Metric, Statistics, TestSet, Totals
from harness.catalogue import problem
from harness.errors import InvalidInput, printable
from harness.records import REFERENCE, SCHEMA, Interval, Provenance, Result, Score
from harness.stats import CORRECTED, LEVEL, METHOD, NO_METHOD, RESAMPLES, SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from harness.api import Output
    from harness.records import Kind
    from harness.registry import Task

UNAVAILABLE = "unavailable: "


@dataclass(frozen=True)
class Entry:
    """Who is scored: the facts of a submission that its record shows, and the digests of its bytes."""

    system: str
    name: str
    team: str
    kind: Kind
    manifest: str
    outputs: str

    @classmethod
    def reference(cls, test_set: TestSet) -> Entry:
        """The ceiling row: the first reference of every request, as if it were an output."""
        return cls(REFERENCE, "Reference", REFERENCE, "ceiling", test_set.digest, test_set.digest)


def has_references(test_set: TestSet) -> bool:
    """Whether there can be a ceiling row: every request has a reference."""
    return all(request.references for request in test_set.requests)


def reference_outputs(test_set: TestSet) -> dict[str, Output]:
    """The outputs of the ceiling row. Raises IndexError where a request has no reference."""
    return {request.id: request.references[0] for request in test_set.requests}


def score(
    task: Task, test_set: TestSet, entry: Entry, outputs: Mapping[str, Output], notices: Mapping[str, int] | None = None
) -> Result:
    """Compute every metric of the task, and of the compat lists that the test set names.

    A metric that raises is recorded as unavailable with its reason; the others are computed.
    """
    return result_of(task, test_set, entry, extract(task, test_set, outputs), notices)


def extract(task: Task, test_set: TestSet, outputs: Mapping[str, Output]) -> dict[str, Statistics | Exception]:
    """The statistics of every metric by its name, or why there are none; shared ones are one object."""
    extracted: dict[Any, Statistics | Exception] = {}
    for metric in task.metrics_for(test_set.compat):
        if metric.statistics not in extracted:
            extracted[metric.statistics] = _extract(metric, test_set, outputs)
    return {metric.name: extracted[metric.statistics] for metric in task.metrics_for(test_set.compat)}


def result_of(
    task: Task,
    test_set: TestSet,
    entry: Entry,
    extracted: Mapping[str, Statistics | Exception],
    notices: Mapping[str, int] | None = None,
) -> Result:
    """The record of a cell from its statistics."""
    metrics = task.metrics_for(test_set.compat)
    scores = [_score(metric, test_set, extracted[metric.name]) for metric in metrics]
    return Result(
        schema=SCHEMA,
        task=task.name,
        test_set=test_set.id,
        title=test_set.title,
        collection=test_set.collection,
        system=entry.system,
        name=entry.name,
        team=entry.team,
        kind=entry.kind,
        segments=len(test_set.segments),
        scores=scores,
        notices=dict(notices or {}),
        provenance=_provenance(task, test_set, entry),
        primary=task.manifest.primary,
        tags=dict(test_set.tags),
    )


def identity(task: Task, test_set: TestSet, entry: Entry) -> Hashable:
    """What a record must match to be current: inputs, task version, and every signature.

    It is computed without scoring and without importing what the signatures name.
    """
    inputs = (test_set.digest, entry.manifest, entry.outputs)
    wanted = _signatures(task, test_set)
    made_by = (SCHEMA, task.name, task.manifest.version, task.manifest.primary)
    return (made_by, test_set.id, entry.system, inputs, wanted)


@lru_cache(maxsize=256)
def _signatures(task: Task, test_set: TestSet) -> frozenset[tuple[str, str, str]]:
    metrics = task.metrics_for(test_set.compat)
    return frozenset((metric.name, signature_of(metric, test_set), _method(metric)) for metric in metrics)


def identity_of(result: Result) -> Hashable:
    """The identity that a stored record claims."""
    origin = result.provenance
    made_by = (result.schema, result.task, origin.task_version, result.primary)
    inputs = (origin.gold, origin.manifest, origin.outputs)
    found = frozenset((score.metric, score.signature, score.method) for score in result.scores)
    return (made_by, result.test_set, result.system, inputs, found)


def has_failed(result: Result) -> bool:
    """Whether a metric was unavailable, so that the record is worth another try."""
    return any((score.reason or "").startswith(UNAVAILABLE) for score in result.scores)


def segment_values(metric: Metric, statistics: Statistics) -> NDArray[np.float64] | None:
    """The metric of every single segment, shape (n,), or None where it says nothing about one."""
    if metric.segments == "none":
        return None
    value = metric.value if metric.segments == "value" else metric.segments
    return values_of(value, Totals(statistics.columns, statistics.rows))


def corpus_totals(statistics: Statistics) -> Totals:
    """The column sums of all segments, exact for integers."""
    import numpy as np

    return Totals(statistics.columns, np.asarray(statistics.rows.sum(axis=0)).ravel())


def values_of(value: Callable[[Totals], Any], totals: Totals) -> NDArray[np.float64]:
    """`value` of each row of totals (B, k), shape (B,): at once if it can, else row by row."""
    import numpy as np

    try:
        values = np.asarray(value(totals), dtype=np.float64)
        if values.shape == totals.values.shape[:1]:
            return values
    except Exception:  # noqa: BLE001, S110 - a formula of one corpus only, which the loop below respects
        pass
    return np.array([float(value(Totals(totals.columns, row))) for row in totals.values], dtype=np.float64)


def _extract(metric: Metric, test_set: TestSet, outputs: Mapping[str, Output]) -> Statistics | Exception:
    try:
        statistics = metric.statistics(test_set, outputs)
        expected = (len(test_set.segments), len(statistics.columns))
        if statistics.rows.shape != expected:
            return ValueError(f"statistics have shape {statistics.rows.shape}, expected {expected}")
    except Exception as error:  # noqa: BLE001 - a metric is a plugin; its failure is a recorded fact
        return error
    return statistics


def _score(metric: Metric, test_set: TestSet, statistics: Statistics | Exception) -> Score:
    """The point value, its counts, and its interval; each failure is recorded with its reason."""
    if isinstance(statistics, Exception):
        return _record(metric, test_set, reason=failure(statistics))
    totals = corpus_totals(statistics)
    try:
        value = float(metric.value(totals))
        counts = dict(zip(("numerator", "n"), (int(totals[column]) for column in metric.ratio or ()), strict=False))
    except Exception as error:  # noqa: BLE001 - as above
        return _record(metric, test_set, reason=failure(error))
    if math.isnan(value):
        return _record(metric, test_set, reason="undefined: 0 of 0" if metric.ratio else "undefined", **counts)
    if math.isinf(value):
        return _record(metric, test_set, reason=f"{UNAVAILABLE}the value is {value}", **counts)
    try:
        interval, reason = _interval(metric, test_set, statistics), None
    except Exception as error:  # noqa: BLE001 - as above; the value is good without its interval
        interval, reason = None, failure(error, "interval: ")
    return _record(metric, test_set, value=value, interval=interval, reason=reason, **counts)


def failure(error: Exception, what: str = "") -> str:
    """What a record says of a plugin that raised."""
    return UNAVAILABLE + what + printable(" ".join(f"{type(error).__name__}: {error}".split()), 300)


def _record(metric: Metric, test_set: TestSet, **facts: Any) -> Score:  # noqa: ANN401 - fields of Score
    return Score(
        metric=metric.name,
        unit=metric.unit,
        best=metric.best,
        signature=signature_of(metric, test_set),
        method=_method(metric),
        **{"n": len(test_set.segments), "value": None, **facts},
    )


def signature_of(metric: Metric, test_set: TestSet) -> str:
    """The signature; nothing can be stored without it, so one that fails stops its task."""
    try:
        return metric.signature(test_set)
    except Exception as error:
        what, reason = f"the signature of {metric.name}", f"{type(error).__name__}: {error}"
        raise InvalidInput(problem("T018", what=what, reason=reason, task=test_set.task)) from error


def _method(metric: Metric) -> str:
    return {"percentile": METHOD, "corrected": CORRECTED}.get(metric.interval, NO_METHOD)


def _interval(metric: Metric, test_set: TestSet, statistics: Statistics) -> Interval | None:
    ends = interval_of(metric, sums_of(test_set, statistics), statistics)
    return None if ends is None else Interval(lo=ends[0], hi=ends[1])


def interval_of(
    metric: Metric,
    sums: Any,  # noqa: ANN401 - block sums, dense or sparse
    statistics: Statistics,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = LEVEL,
) -> tuple[float, float] | None:
    """The confidence interval of a corpus score by the method that the metric asks for, or None."""
    from harness.stats.bootstrap import percentile_interval
    from harness.stats.corrected import corrected_interval

    def value(totals: NDArray[np.float64]) -> NDArray[np.float64]:
        return values_of(metric.value, Totals(statistics.columns, totals))

    if metric.interval == "none":
        return None
    if metric.interval == "percentile":
        sums = sums.toarray() if hasattr(sums, "toarray") else sums
        return percentile_interval(sums, value, resamples=resamples, seed=seed, level=level)
    point = float(metric.value(corpus_totals(statistics)))
    ends = corrected_interval(point, sums, value, resamples=resamples, seed=seed, level=level)
    if ends is None:
        return None
    least, most = metric.range  # which a correction may pass
    return min(max(ends[0], least), most), min(max(ends[1], least), most)


def sums_of(test_set: TestSet, statistics: Statistics) -> Any:  # noqa: ANN401 - dense or sparse
    """The rows of each block added up, in order of first appearance; sparse rows stay sparse."""
    from harness.stats.bootstrap import block_sums

    blocks = [segment.block for segment in test_set.segments]
    if not hasattr(statistics.rows, "tocsr"):
        return block_sums(statistics.rows, blocks)
    import numpy as np
    from scipy.sparse import csr_array

    index = {block: number for number, block in enumerate(dict.fromkeys(blocks))}
    positions = [index[block] for block in blocks]
    members = csr_array((np.ones(len(blocks)), (positions, np.arange(len(blocks)))), shape=(len(index), len(blocks)))
    return members @ statistics.rows


def _provenance(task: Task, test_set: TestSet, entry: Entry) -> Provenance:
    packages = {"numpy", *(name for metric in task.metrics_for(test_set.compat) for name in metric.packages)}
    return Provenance(
        gold=test_set.digest,
        manifest=entry.manifest,
        outputs=entry.outputs,
        task_version=task.manifest.version,
        harness=__version__,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        packages=dict(_versions(packages)),
    )


def _versions(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The installed versions; a package that is missing has made its metric unavailable already."""
    for name in sorted(packages):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue
