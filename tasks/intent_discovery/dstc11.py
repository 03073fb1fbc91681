"""Compat `dstc11`: the numbers of the official scorer of DSTC11 track 2, task 1, in both its paths.

`dstc11-…` is the path of the evaluation, which scores the rows of a file as a list: a repeated id
counts as often as it is written, a missing one not at all. `dstc11-dict-…` is the path with
`overwrite`, which builds a dictionary: the last of repeated rows wins, a missing one gets the
label `-1`. No label is special in either. Values are times 100, multiplied where the official code
multiplies: ACC, P, R = 100 (count / n), F1 from P and R in percent, coverage = 100 count / n.

Source: `sitod/metric.py` of amazon-science/dstc11-track2-intent-induction (2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.api import Metric, answers_to
from harness.metrics import clustering
from harness.metrics.clustering import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.api import Statistics, TestSet
    from harness.metrics.clustering import Table

MISSING = "-1"
CITATION = "Gung et al. 2023 (DSTC11 track 2)"


def rows(test_set: TestSet, outputs: Mapping[str, str]) -> Statistics:
    """A cell for every row of the file."""
    return clustering.statistics(
        [(CLUSTER, label, request.references[0]) for label in answers_to(request, outputs)]
        for request in test_set.requests
    )


def dictionary(test_set: TestSet, outputs: Mapping[str, str]) -> Statistics:
    """A cell for every utterance, by its last label."""
    return clustering.statistics(
        [(CLUSTER, outputs.get(request.id, MISSING), request.references[0])] for request in test_set.requests
    )


def _percent(share: Callable[[Table], float]) -> Callable[[Table], float]:
    return lambda found: 100 * share(found)


def _f1(found: Table) -> float:
    return clustering.harmonic_mean(100 * clustering.precision(found), 100 * clustering.recall(found))


def _coverage(found: Table) -> float:
    return 100 * clustering.covered(found) / found.n


VALUES = {
    "acc": ("ACC", "100 · best 1:1 match / n", _percent(clustering.accuracy)),
    "precision": ("Precision", "100 · Σ largest intent of a cluster / n", _percent(clustering.precision)),
    "recall": ("Recall", "100 · Σ largest cluster of an intent / n", _percent(clustering.recall)),
    "f1": ("F1", "2PR / (P + R)", _f1),
    "nmi": ("NMI", "100 · I / mean(H(K), H(R))", _percent(clustering.nmi)),
    "ari": ("ARI", "100 · (pairs - E) / (max - E)", _percent(clustering.ari)),
    "example-coverage": ("Example Coverage", "100 · rows of covered intents / n", _coverage),
    "k": ("K", "clusters", clustering.cluster_count),
}
PATHS = {
    "dstc11": ("official, rows as a list", rows, "missing:dropped|repeated:counted"),
    "dstc11-dict": ("official, rows as a dictionary", dictionary, f"missing:{MISSING}|repeated:last"),
}


def _metrics() -> Iterator[Metric]:
    for prefix, (path, statistics, signature) in PATHS.items():
        for name, (title, formula, value) in VALUES.items():
            yield Metric(
                name=f"{prefix}-{name}",
                title=f"{title} ({path})",
                formula=formula,
                citation=CITATION,
                statistics=statistics,
                value=clustering.of_tables(value),
                signature=lambda _, made=f"{prefix}:v1|value:{name}|{signature}|noise:cluster": made,  # type: ignore[misc]
                unit="count" if name == "k" else "points",
                best="none" if name == "k" else "higher",
                segments="none",
                interval="none",
                exchangeable=False,
                packages=("scipy",),
            )


COMPAT = tuple(_metrics())
