"""Clusterings of utterances: which cell of the contingency table each answer falls into.

The numbers are those of `harness.metrics.clustering`; this module decides what an answer means.

By default an utterance has one label. One that is missing is a cluster of its own that counts in n
and matches nothing, so leaving out difficult utterances cannot raise accuracy, precision, recall or F1.
The chance-corrected metrics and NMI see a partition in which it is alone. The label `noise` makes each
of its utterances a cluster of its own; a test set can change that by its tag `noise`
(`singletons`, `cluster`, or `ignore`, which leaves them out).

`dstc11.py` holds the official scorer's two readings of the same file.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from harness.api import Evidence, Metric, Request, answers_to
from harness.metrics import clustering
from harness.metrics.clustering import ALONE, CLUSTER, UNANSWERED

from .dstc11 import CITATION, COMPAT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.api import Column, Statistics, TestSet, Totals
    from harness.metrics.clustering import Table

NOISE = "noise"
INTERVALS = (clustering.accuracy, clustering.f1, clustering.ari)
"""The metrics whose intervals were found to cover, by simulation."""
READINGS_OF_NOISE = ("singletons", "cluster", "ignore")


def requests(row: Mapping[str, Any], tags: Mapping[str, str]) -> Sequence[Request]:
    """One request per utterance, with its dialogue; the gold intent is the reference.

    Raises ValueError for a row without an utterance or without exactly one non-empty intent, and
    for a tag `noise` that names no reading of it.
    """
    source, references = row.get("source"), row["references"]
    if not isinstance(source, str):
        message = "the key 'source' must be a string"
        raise ValueError(message)  # noqa: TRY004 - a fault of data, reported with its line
    if len(references) != 1 or not isinstance(references[0], str) or not references[0]:
        message = "the key 'reference' must be one intent, a non-empty string"
        raise ValueError(message)
    if tags.get(NOISE, READINGS_OF_NOISE[0]) not in READINGS_OF_NOISE:
        message = f"the tag 'noise' is one of {', '.join(READINGS_OF_NOISE)}, found '{tags[NOISE]}'"
        raise ValueError(message)
    fields = {"dialogue": row["dialogue"]} if "dialogue" in row else {}
    return [Request(row["id"], source, (references[0],), fields)]


def statistics(test_set: TestSet, outputs: Mapping[str, str]) -> Statistics:
    """One cell per utterance. Raises ValueError for an utterance with several labels."""
    return clustering.statistics(_cells(test_set, request, outputs) for request in test_set.requests)


def _cells(test_set: TestSet, request: Request, outputs: Mapping[str, str]) -> Sequence[Column]:
    labels, intent = answers_to(request, outputs), request.references[0]
    if len(labels) > 1:
        message = f"request {request.id} has {len(labels)} labels; an utterance is in one cluster"
        raise ValueError(message)
    if not labels:
        return [(UNANSWERED, intent)]
    reading = test_set.tags.get(NOISE, READINGS_OF_NOISE[0])
    if labels[0] != NOISE or reading == "cluster":
        return [(CLUSTER, labels[0], intent)]
    return [(ALONE, intent)] if reading == "singletons" else []


def signature(test_set: TestSet, *, name: str) -> str:
    """The value, and everything that decides in which cell an answer falls."""
    noise = test_set.tags.get(NOISE, READINGS_OF_NOISE[0])
    return f"clusters:v1|value:{name}|missing:unmatched|repeated:refused|noise:{noise}"


def evidence(test_set: TestSet, outputs: Mapping[str, str], totals: Totals) -> Iterator[Evidence]:
    """Each label, `right` or `wrong` under one best assignment; an utterance without one, `unanswered`."""
    partner = clustering.assignment(clustering.table(totals))
    for segment in test_set.segments:
        (request,) = segment.requests
        label, intent = outputs.get(request.id), request.references[0]
        if label is None:
            yield Evidence(segment.id, request.id, "source", 0, len(request.source), "unanswered", intent)
        elif label:
            meant = partner.get(label, "nothing")
            verdict = "right" if meant == intent else "wrong"
            shown = f"{label} → {meant}" + ("" if verdict == "right" else f", not {intent}")
            yield Evidence(segment.id, request.id, "output", 0, len(label), verdict, shown)


def _metric(name: str, title: str, formula: str, value: Callable[[Table], float], citation: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        formula=formula,
        citation=citation,
        statistics=statistics,
        value=clustering.of_tables(value),
        signature=partial(signature, name=name),
        unit="count" if value is clustering.cluster_count else "fraction",
        best="none" if value is clustering.cluster_count else "higher",
        segments="none",
        interval="corrected" if value in INTERVALS else "none",  # resampled rows agree with their own copies
        exchangeable=False,  # cluster names are not shared between systems
        evidence=evidence if value is clustering.accuracy else None,
        least=-0.5 if value is clustering.ari else 0.0,
        packages=("scipy",),
    )


METRICS = {
    metric.name: metric
    for metric in (
        _metric("acc", "Accuracy, 1:1", "best 1:1 match / n", clustering.accuracy, f"Kuhn 1955; {CITATION}"),
        _metric("precision", "Precision", "Σ largest intent of a cluster / n", clustering.precision, CITATION),
        _metric("recall", "Recall", "Σ largest cluster of an intent / n", clustering.recall, CITATION),
        _metric("f1", "F1", "2PR / (P + R)", clustering.f1, CITATION),
        _metric("nmi", "NMI", "I / mean(H(K), H(R))", clustering.nmi, "Strehl and Ghosh 2002"),
        _metric("ari", "ARI", "(pairs - E) / (max - E)", clustering.ari, "Hubert and Arabie 1985"),
        _metric("ami", "AMI", "(I - E) / (mean(H(K), H(R)) - E)", clustering.ami, "Vinh, Epps and Bailey 2010"),
        _metric("example-coverage", "Example coverage", "covered rows / n", clustering.example_coverage, CITATION),
        _metric("k", "Clusters", "clusters", clustering.cluster_count, CITATION),
        *COMPAT,
    )
}
