"""Stage 1: what is known, what is new, and what belongs to no intent, from known classes and labelled outsiders alone.

A vector is *near* if its cosine to a known class reaches a threshold, and a *suspect* if a logistic regression of
outsiders against told vectors says so. How often each kind is near or suspect is measured where the truth is told:

    known     a told vector against its class without it, and by a regression that did not see it
    new       a told vector against all other classes: its own is left out, as if nobody had told of it
    outside   a labelled outsider, by a regression that did not see it

The thresholds are those that part known from new, and outsiders from new, best (Youden 1950). The shares k of the known
and o of the outsiders among the asked then follow from how many of these are near and suspect (adjusted counting,
Forman 2008):

    near     = k near(known)    + (1 - k - o) near(new)    + o near(outside)
    suspect  = k suspect(known) + (1 - k - o) suspect(new) + o suspect(outside)

That the known classes are a fair sample of all classes is assumed; it is so in the protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from advin.encoders import unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from advin.evidence import Evidence

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

FOLDS = 5
ENOUGH = 10
"""Labelled outsiders from which they can be told from others."""
CLEAR = 0.2
"""How much more often the known must be near than the new, for shares to mean anything."""
STRENGTH = 10.0
"""Inverse strength of the penalty of the logistic regression."""


@dataclass(frozen=True)
class Detection:
    """The shares of known classes and of outsiders among the asked vectors (0..1); None where nothing can be said.

    nearness    the largest cosine of each asked vector to a known class
    suspicion   the log odds that it is an outsider; empty where nobody labelled enough of them
    """

    known: float | None
    outside: float
    nearness: Floats
    suspicion: Floats

    def suspects(self) -> Flags:
        """As many asked vectors as outsiders are expected, the most suspicious."""
        return _largest(self.suspicion, self.outside) if len(self.suspicion) else np.zeros(len(self.nearness), bool)


def accepted(nearness: Floats, share: float) -> Flags:
    """As many vectors as known ones are expected, the nearest."""
    return _largest(nearness, share)


def detect(evidence: Evidence) -> Detection:
    """Look at the asked vectors. `known` is None below two known classes, and where no class is told of twice."""
    nearness = (evidence.asked @ evidence.centres.T).max(axis=1) if evidence.known else np.zeros(len(evidence.asked))
    empty = np.zeros(0)
    if evidence.known < 2 or evidence.sizes.max() < 2:  # noqa: PLR2004 - nothing to compare with
        return Detection(None, 0.0, nearness, empty)
    known, new = _views(evidence)
    several = evidence.sizes[evidence.labels] > 1
    weights = evidence.weights * several / evidence.weights[several].sum()
    threshold = _youden(known[several], weights[several], new, evidence.weights)
    near = np.array([weights[known >= threshold].sum(), evidence.weights[new >= threshold].sum(), 0.0])
    found = float((nearness >= threshold).mean())
    if near[0] - near[1] < CLEAR:
        return Detection(None, 0.0, nearness, empty)
    alone = _share((found - near[1]) / (near[0] - near[1]))
    if len(evidence.outside) < ENOUGH:
        return Detection(alone, 0.0, nearness, empty)
    near[2] = ((evidence.outside @ evidence.centres.T).max(axis=1) >= threshold).mean()
    suspect, suspicion, suspected = _suspicion(evidence)
    # Two equations in k and o, as above, with the share of the new put in.
    left = np.array([[rates[0] - rates[1], rates[2] - rates[1]] for rates in (near, suspect)])
    if abs(np.linalg.det(left)) < CLEAR**2:
        return Detection(alone, 0.0, nearness, suspicion)
    share, outside = np.linalg.solve(left, [found - near[1], suspected - suspect[1]])
    if outside <= 0:
        return Detection(alone, 0.0, nearness, suspicion)
    return Detection(_share(share), min(float(outside), 0.5), nearness, suspicion)


def _views(evidence: Evidence) -> tuple[Floats, Floats]:
    """The nearness of each told vector as a known one (its class without it), and as a new one (without its class)."""
    sums = np.zeros_like(evidence.centres)
    np.add.at(sums, evidence.labels, evidence.told)
    own = (np.arange(len(evidence.told)), evidence.labels)
    cosines = evidence.told @ evidence.centres.T
    cosines[own] = -1.0
    new = cosines.max(axis=1)
    cosines[own] = (evidence.told * unit(sums[evidence.labels] - evidence.told)).sum(axis=1)
    return cosines.max(axis=1), new


def _youden(above: Floats, weights_above: Floats, below: Floats, weights_below: Floats) -> float:
    """The threshold that most of `above` and least of `below` reach; the smallest of equally good ones."""
    thresholds = np.quantile(np.concatenate([above, below]), np.linspace(0.02, 0.98, 97))
    gains = [weights_above[above >= value].sum() - weights_below[below >= value].sum() for value in thresholds]
    return float(thresholds[int(np.argmax(gains))])


def _suspicion(evidence: Evidence) -> tuple[Floats, Floats, float]:
    """How often known, new and outside vectors are suspects; the suspicion of the asked; how many are suspects."""
    count, outside = len(evidence.told), np.zeros(len(evidence.outside))
    known, new = np.zeros(count), np.zeros(count)
    folds = min(FOLDS, evidence.known)
    fold_outside = np.arange(len(outside)) % folds
    for values, fold_told in ((known, np.arange(count) % folds), (new, evidence.labels % folds)):
        for fold in range(folds):
            told, others = fold_told == fold, fold_outside == fold
            score = _regression(evidence.told[~told], evidence.outside[~others])
            values[told] = score(evidence.told[told])
            outside[others] = score(evidence.outside[others])  # that of the second pass stays
    same = np.full(len(outside), 1 / len(outside))
    threshold = _youden(outside, same, new, evidence.weights)
    rates = [evidence.weights[values >= threshold].sum() for values in (known, new)]
    suspicion = _regression(evidence.told, evidence.outside)(evidence.asked)
    return np.array([*rates, (outside >= threshold).mean()]), suspicion, float((suspicion >= threshold).mean())


def _regression(inside: Floats, outside: Floats) -> Callable[[Floats], Floats]:
    """The log odds that a vector is an outsider."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=500)
    model.fit(np.vstack([inside, outside]), np.repeat([0, 1], [len(inside), len(outside)]))
    return lambda rows: np.asarray(model.decision_function(rows))


def _share(share: float) -> float | None:
    """A share as it can be; None where nothing seems to be known, since something always is."""
    return float(min(share, 1.0)) if share > 0 else None


def _largest(values: Floats, share: float) -> Flags:
    """The share of the values that is largest."""
    count = round(share * len(values))
    chosen = np.zeros(len(values), bool)
    chosen[np.argsort(-values, kind="stable")[:count]] = True
    return chosen
