"""Stage 3: intents into domains, by the procedure that put utterances into intents, one level up.

A vector is now an intent, the direction of its utterances: known intents whose domain is told are the told ones, all
others are asked. The number of domains is estimated in the same two ways (`counting`). As every intent counts once, the
share of the known is no estimate here but a count: told intents / all intents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from advin import clustering, counting
from advin.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def group(intents: Floats, domains: Sequence[str | None]) -> tuple[list[str], counting.Count]:
    """The domain of each intent, its own where it is told, else a known one or `domain-N`; and how many there are.

    intents   one direction per intent, shape (intents, dimensions)
    domains   the domain of each intent, None where it is not told
    """
    names = sorted({domain for domain in domains if domain is not None})
    is_told = np.array([domain is not None for domain in domains], bool)
    labels = np.array([names.index(domain) for domain in domains if domain is not None], np.int64)
    evidence = Evidence(intents[is_told], labels, np.zeros((0, intents.shape[1])), intents[~is_told])
    counted = _count(evidence)
    found = iter(_found(evidence, counted.classes))
    named = [
        domain if domain is not None else names[number] if number < len(names) else f"domain-{number - len(names) + 1}"
        for domain, number in ((domain, -1 if domain is not None else int(next(found))) for domain in domains)
    ]
    return named, counted


def _count(evidence: Evidence) -> counting.Count:
    asked, told = len(evidence.asked), len(evidence.told)
    by_shares = evidence.known * (told + asked) / told if told else None
    by_pairs = counting.pairs(evidence.told, evidence.labels, evidence.asked, told_are_asked=True)
    return counting.combined(by_shares, by_pairs, evidence.known, asked)


def _found(evidence: Evidence, count: int) -> Ints:
    """The number of the domain of each asked intent; new ones follow the known ones."""
    if not len(evidence.asked):
        return np.zeros(0, np.int64)
    new = clustering.discover(evidence.asked, max(count - evidence.known, 1))
    return clustering.settle(evidence, np.vstack([evidence.centres, new]))
