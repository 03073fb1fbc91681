"""Clusterings of utterances: which cell of the contingency table each answer falls into.

The numbers are those of `harness.metrics.clustering`; this module decides what an answer means.

By default an utterance has one label. One that is missing is a cluster of its own that counts in n
and matches nothing, so leaving out difficult utterances cannot raise accuracy, precision, recall or F1.
The chance-corrected metrics and NMI see a partition in which it is alone. The label `noise` makes each
of its utterances a cluster of its own; a test set can change that by its tag `noise`
(`singletons`, `cluster`, or `ignore`, which leaves them out).

`cells.py` says what is asked and in which cell an answer stands, `dstc11.py` holds the official scorer's two
readings of the same file, and `known_intents.py` what is measured where a test set tells some of the intents.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.api import Evidence, Metric
from harness.metrics import clustering

from . import cells, dstc11, known_intents
from .cells import requests
from .dstc11 import CITATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.api import Statistics, TestSet, Totals
    from harness.metrics.clustering import Table

__all__ = ["METRICS", "requests"]

INTERVALS = (clustering.accuracy, clustering.f1, clustering.ari)
"""The metrics whose intervals were found to cover, by simulation."""


def statistics(test_set: TestSet, outputs: Mapping[str, str]) -> Statistics:
    """One cell per utterance. Raises ValueError for an utterance with several labels."""
    return clustering.statistics(cells.of_answer(test_set, request, outputs) for request in test_set.requests)


def signature(test_set: TestSet, *, name: str) -> str:
    """The value, and everything that decides in which cell an answer falls."""
    return f"clusters:v1|value:{name}|{cells.reading(test_set)}"


def evidence(test_set: TestSet, outputs: Mapping[str, str], totals: Totals) -> Iterator[Evidence]:
    """Each label, `right` or `wrong` under one best assignment; an utterance without one, `unanswered`."""
    partner = clustering.assignment(clustering.table(totals))
    for segment in test_set.segments:
        (request,) = segment.requests
        label, intent = outputs.get(request.id), request.references[0]
        if cells.is_open(test_set, request):
            continue
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
        *dstc11.COMPAT,
        *known_intents.COMPAT,
    )
}
