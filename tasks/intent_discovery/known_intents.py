"""Compat `known-intents`: what is measured where a test set tells some of the intents (`cells.py`).

A label that is a known name says "this is the known intent of that name"; any other label says "not known",
and names a cluster. So one answer carries both, and there are two blocks of metrics.

*Detection* is a classification of all scored utterances into K known intents and one open class: every utterance
whose intent is not known, or that has none. No answer says nothing, and is wrong. With

    h_c  utterances of class c that are said to be c,    s_c  those said to be c,    i_c  those of class c

P = h / s and R = h / i, F1 of a class is 2PR / (P + R) = 2 h / (s + i), and 0 where P or R is undefined:

    f1-known            mean of F1 over the K known intents            0..1
    f1-open             F1 of the open class                           0..1
    f1-macro            mean over all K + 1 classes, so (K f1-known + f1-open) / (K + 1)
    detection-accuracy  sum of h_c / n                                 0..1

All four are undefined (nan) where nothing is known, and without rows.

*Discovery on novel items* takes the utterances of intents that are not known, and compares their clusters as
`harness.metrics.clustering` does. One that is taken for a known intent is not clustered: like one without an
answer it counts in n and matches nothing, and is no cluster of `novel-k`.

Source of the detection metrics: the evaluation of TEXTOIR (Zhang et al. 2021).
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from harness.api import Metric, Statistics, ratio
from harness.metrics import clustering
from harness.metrics.clustering import CLUSTER, UNANSWERED

from . import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.api import Column, Request, TestSet, Totals
    from harness.metrics.clustering import Table

OPEN = ""
"""The name of the open class, which no intent can have."""
HIT, SAID, IS = "hit", "said", "is"
CITATION = "Zhang et al. 2021 (TEXTOIR)"


def classes(test_set: TestSet, outputs: Mapping[str, str]) -> Statistics:
    """Three columns per class, for h, s and i. Raises ValueError for an utterance with several labels."""
    import numpy as np
    from scipy.sparse import csr_array

    names = [OPEN, *sorted(cells.known(test_set))]
    columns: list[Column] = [(kind, name) for kind in (HIT, SAID, IS) for name in names]
    place = {column: number for number, column in enumerate(columns)}
    rows = [_counted(*pair) for pair in _decisions(test_set, outputs)]
    positions = np.array([place[column] for column in chain.from_iterable(rows)], np.int64)
    ends = np.cumsum([0, *map(len, rows)])
    counts = csr_array((np.ones(len(positions), np.int64), positions, ends), shape=(len(rows), len(columns)))
    return Statistics(tuple(columns), counts)


def decisions(test_set: TestSet, outputs: Mapping[str, str]) -> Statistics:
    """Whether each class is right; no counts where nothing is known. Raises ValueError as above."""
    import numpy as np

    asked = bool(cells.known(test_set))
    rows = [(asked and said == true, asked) for said, true in _decisions(test_set, outputs)]
    return Statistics(("right", "utterances"), np.array(rows, np.int64).reshape(-1, 2))


def _decisions(test_set: TestSet, outputs: Mapping[str, str]) -> Iterator[tuple[str | None, str]]:
    """The class that is said (None without an answer) and the true one, for every scored utterance."""
    known = cells.known(test_set)
    for request in test_set.requests:
        label = cells.label_of(request, outputs)
        said = label if label is None or label in known else OPEN
        yield said, request.references[0] if request.references[0] in known else OPEN


def _counted(said: str | None, true: str) -> Sequence[tuple[str, str]]:
    if said is None:
        return [(IS, true)]
    return [(HIT, true)] * (said == true) + [(SAID, said), (IS, true)]


def _f1s(totals: Totals) -> NDArray[Any]:
    """F1 of every class, shape (…, K + 1), the open one first; nan where nothing is known, and without rows."""
    import numpy as np

    places: dict[str, list[int]] = {HIT: [], SAID: [], IS: []}
    for number, column in sorted(enumerate(totals.columns), key=lambda item: item[1]):
        places[column[0]].append(number)
    hit, said, true = (totals.values[..., places[kind]] for kind in (HIT, SAID, IS))
    below = np.asarray(said + true, np.float64)
    f1s = np.divide(2.0 * hit, below, out=np.zeros_like(below), where=below > 0)
    is_asked = (true.sum(axis=-1, keepdims=True) > 0) & (f1s.shape[-1] > 1)
    return np.where(is_asked, f1s, np.nan)


def f1_known(totals: Totals) -> Any:  # noqa: ANN401 - float or array
    """The mean F1 of the known intents."""
    f1s = _f1s(totals)
    return f1s[..., 1:].mean(axis=-1) if f1s.shape[-1] > 1 else f1s[..., 0]


def f1_open(totals: Totals) -> Any:  # noqa: ANN401 - as above
    """F1 of the open class."""
    return _f1s(totals)[..., 0]


def f1_macro(totals: Totals) -> Any:  # noqa: ANN401 - as above
    """The mean F1 of all classes."""
    return _f1s(totals).mean(axis=-1)


def novel(test_set: TestSet, outputs: Mapping[str, str]) -> Statistics:
    """The cells of utterances whose intent is not known. Raises ValueError as above."""
    return clustering.statistics(_novel_cells(test_set, request, outputs) for request in test_set.requests)


def _novel_cells(test_set: TestSet, request: Request, outputs: Mapping[str, str]) -> Sequence[Column]:
    known, (intent,) = cells.known(test_set), request.references
    if intent in known:
        return []
    found = cells.of_answer(test_set, request, outputs)
    return [(UNANSWERED, intent) if cell[0] == CLUSTER and cell[1] in known else cell for cell in found]


def _detection_signature(test_set: TestSet, *, name: str) -> str:
    return f"detection:v1|value:{name}|level:{cells.level(test_set.tags)}|missing:wrong|repeated:refused"


def _novel_signature(test_set: TestSet, *, name: str) -> str:
    named = f"level:{cells.level(test_set.tags)}|taken-for-known:unmatched"
    return f"novel:v1|value:{name}|{named}|{cells.reading(test_set)}"


def _detection(name: str, title: str, formula: str, value: Callable[[Totals], Any]) -> Metric:
    return Metric(
        name=name,
        title=title,
        formula=formula,
        citation=CITATION,
        statistics=classes,
        value=value,
        signature=partial(_detection_signature, name=name),
        segments="none",
        packages=("scipy",),
    )


def _novel(name: str, title: str, formula: str, value: Callable[[Table], float], *, interval: bool = False) -> Metric:
    is_count = value is clustering.cluster_count
    return Metric(
        name=name,
        title=f"{title}, novel items",
        formula=formula,
        citation="as for all items, see the default metrics",
        statistics=novel,
        value=clustering.of_tables(value),
        signature=partial(_novel_signature, name=name),
        unit="count" if is_count else "fraction",
        best="none" if is_count else "higher",
        segments="none",
        interval="corrected" if interval else "none",
        exchangeable=False,  # cluster names are not shared between systems
        least=-0.5 if value is clustering.ari else 0.0,
        packages=("scipy",),
    )


ACCURACY = Metric(
    name="detection-accuracy",
    title="Accuracy of detection",
    formula="utterances in their class / n",
    citation=CITATION,
    statistics=decisions,
    value=ratio("right", "utterances"),
    signature=partial(_detection_signature, name="detection-accuracy"),
    ratio=("right", "utterances"),
)

COMPAT = (
    _detection("f1-known", "F1, known intents", "Σ F1 of known intents / K", f1_known),
    _detection("f1-open", "F1, open class", "2 h / (s + i) of the open class", f1_open),
    _detection("f1-macro", "F1, macro", "Σ F1 of all classes / (K + 1)", f1_macro),
    ACCURACY,
    _novel("novel-acc", "Accuracy, 1:1", "best 1:1 match / n", clustering.accuracy, interval=True),
    _novel("novel-nmi", "NMI", "I / mean(H(K), H(R))", clustering.nmi),
    _novel("novel-ari", "ARI", "(pairs - E) / (max - E)", clustering.ari, interval=True),
    _novel("novel-ami", "AMI", "(I - E) / (mean(H(K), H(R)) - E)", clustering.ami),
    _novel("novel-k", "Clusters", "clusters", clustering.cluster_count),
)
