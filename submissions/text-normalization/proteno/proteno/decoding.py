"""The best path of labels among those that accept each token.

Knows scores and label numbers, and nothing of tokens, classes or taggers. A label that is not among those
allowed for a token is never looked at, so no score, however high, can make it fire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lattice:
    """What a tagger thinks of a sentence of n tokens, with L labels; higher is better, any real number.

    emissions    (n, L): score of each label at each token
    transitions  (L, L): score of going from the label of the row to that of the column; zeros for taggers
                 without
    """

    emissions: Floats
    transitions: Floats


def decode(lattice: Lattice, allowed: Sequence[Sequence[int]]) -> list[int]:
    """One label per token: the path with the highest sum of emissions and transitions (Viterbi).

    allowed  for each token the labels that accept it, in order of preference: of equal paths the one whose
             labels stand first wins

    Raises ValueError where the numbers of tokens differ, and where no label accepts a token.
    """
    if len(allowed) != len(lattice.emissions):
        message = f"{len(allowed)} lists of labels for {len(lattice.emissions)} tokens"
        raise ValueError(message)
    if not all(allowed):
        raise ValueError("a token that no label accepts")
    if not allowed:
        return []
    emissions, transitions = lattice.emissions.tolist(), lattice.transitions.tolist()
    scores = [emissions[0][label] for label in allowed[0]]
    choices: list[list[int]] = []  # for each token but the first: where its labels come from, as positions
    for before, now, row in zip(allowed, allowed[1:], emissions[1:], strict=False):
        reached, origins = [], []
        for label in now:
            arriving = [score + transitions[origin][label] for score, origin in zip(scores, before, strict=True)]
            best = max(arriving)
            reached.append(best + row[label])
            origins.append(arriving.index(best))
        scores = reached
        choices.append(origins)
    position = scores.index(max(scores))
    path = [allowed[-1][position]]
    for labels, origins in zip(allowed[-2::-1], reversed(choices), strict=True):
        position = origins[position]
        path.append(labels[position])
    return path[::-1]
