"""What a system is asked, as arrays: the texts in an order of their own, and what it is told about some of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

ASKED, OUTSIDE = -1, -2
"""In place of a known intent's number: nothing is told; it is told that the utterance belongs to no intent."""


@dataclass(frozen=True)
class Corpus:
    """All utterances of a test set.

    told     for each text the number of its known intent, ASKED or OUTSIDE
    names    the known intents, sorted
    domains  the domain of each known intent, None where it is not told
    """

    texts: Sequence[str]
    told: Ints
    names: Sequence[str]
    domains: Sequence[str | None]

    @property
    def asked(self) -> Ints:
        """The places of the texts to answer."""
        return np.flatnonzero(self.told == ASKED)


def read(requests: Sequence[Mapping[str, Any]]) -> tuple[Corpus, list[int]]:
    """The corpus, and for each of its texts the place of its request.

    Texts are sorted, so the same utterances make the same corpus in whatever order they come. Of several domains that
    are told of one intent the most frequent counts.
    """
    order = sorted(range(len(requests)), key=lambda place: _key(requests[place]))
    rows = [requests[place] for place in order]
    pairs = Counter((row["intent"], row.get("domain")) for row in rows if row.get("intent") is not None)
    domains = {
        intent: domain for (intent, domain), _ in sorted(pairs.items(), key=lambda pair: (pair[1], str(pair[0])))
    }
    names = sorted(domains)
    number = {name: place for place, name in enumerate(names)}
    told = [ASKED if "intent" not in row else number.get(row["intent"], OUTSIDE) for row in rows]
    texts = [row["source"] for row in rows]
    return Corpus(texts, np.array(told, np.int64), names, [domains[name] for name in names]), order


def _key(request: Mapping[str, Any]) -> tuple[str, bool, str, str]:
    told = (request.get("intent") or "", request.get("domain") or "")
    return request["source"], "intent" in request, *told
