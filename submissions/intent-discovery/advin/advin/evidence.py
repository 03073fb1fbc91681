"""What both levels start from: some vectors whose class is told, some of no class, and those that are asked.

At the level of intents a vector is an utterance and a class an intent; at the level of domains a vector is an intent
and a class a domain. Everything from here on knows vectors and numbers of classes only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from advin.encoders import unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """Vectors of length 1, shape (…, dimensions); `labels` numbers the classes of `told` from 0, without gaps.

    `outside` are vectors that are told to belong to no class.
    """

    told: Floats
    labels: Ints
    outside: Floats
    asked: Floats

    @cached_property
    def known(self) -> int:
        """How many classes are told."""
        return int(self.labels.max()) + 1 if len(self.labels) else 0

    @cached_property
    def sizes(self) -> Ints:
        """How many vectors are told of each class."""
        return np.bincount(self.labels, minlength=self.known)

    @cached_property
    def weights(self) -> Floats:
        """The weight of each told vector, so that classes count the same; they sum to 1."""
        return 1 / self.sizes[self.labels] / max(self.known, 1)

    @cached_property
    def centres(self) -> Floats:
        """The directions of the told classes, shape (known, dimensions)."""
        return directions(self.told, self.labels, self.known)

    def mapped(self, change: Callable[[Floats], Floats]) -> Evidence:
        """The same evidence in another space."""
        return replace(self, told=change(self.told), outside=change(self.outside), asked=change(self.asked))

    def centred(self) -> Evidence:
        """Without what all asked vectors share: their mean is taken away, and lengths are 1 again.

        Sentence encoders leave a common direction that makes everything look alike (Mu and Viswanath 2018). Below two
        asked vectors nothing is shared, and nothing changes.
        """
        if len(self.asked) < 2:  # noqa: PLR2004 - the mean of one is itself
            return self
        return self.mapped(lambda rows: unit(rows - self.asked.mean(axis=0)))


def directions(rows: Floats, labels: Ints, count: int) -> Floats:
    """The sum of the rows of each label, with length 1; shape (count, dimensions)."""
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, labels, rows)
    return unit(sums)
