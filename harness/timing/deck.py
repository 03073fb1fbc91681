"""The order in which a process is asked: a warm-up, then shuffled permutations of the requests, decoys among them.

Ids are drawn anew for every visit, so an id tells a system neither which request it is nor that it has come before.
What warms up is never scored: decoys where the test set has a source of them, else requests put together from
halves of two others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.api import Request
from harness.timing import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.api import Text

DECOYS_IN = 0.15
"""Decoys as a share of the scored requests of a permutation, as far as there are enough."""
WARM_UP = 300
"""The most requests that warm up a process."""


@dataclass(frozen=True, slots=True)
class Card:
    """One visit: what is asked, which request it is (None: not a scored one), and how often it came before."""

    asked: Asked
    kind: Literal["scored", "decoy", "warm-up"]
    request: str | None
    visit: int
    characters: int
    words: int


class Deck:
    """The cards of one process, from a seed. Decoys are never asked twice in one process.

    Raises ValueError if there is no request.
    """

    def __init__(self, requests: Sequence[Request], decoys: Sequence[Request], seed: int) -> None:
        if not requests:
            message = "there is nothing to ask"
            raise ValueError(message)
        self.random = random.Random(seed)  # noqa: S311 - an order that can be repeated, not a secret
        self.requests = list(requests)
        self._sources = {request.source for request in requests}
        shuffled = self.random.sample(list(decoys), len(decoys))
        spare = min(WARM_UP, len(shuffled) // 2)
        self._warm_up, self._decoys = shuffled[:spare], shuffled[spare:]
        self.decoys = 0
        self.visits = 0

    def warm_up(self) -> Iterator[Card]:
        """Up to 300 requests that are not scored, as long as they are wanted."""
        slice_ = self._warm_up or [self._halves() for _ in range(min(WARM_UP, 2 * len(self.requests)))]
        for number in range(WARM_UP):
            yield self._card(slice_[number % len(slice_)], "warm-up", None, number // len(slice_))

    def permutation(self) -> list[Card]:
        """Every request once, in a fresh order, with decoys at random places."""
        cards = [self._card(request, "scored", request.id, self.visits) for request in self.requests]
        count = min(len(self._decoys), round(DECOYS_IN * len(self.requests)))
        cards += [self._card(self._decoys.pop(), "decoy", None, 0) for _ in range(count)]
        self.decoys += count
        self.visits += 1
        self.random.shuffle(cards)
        return cards

    def _card(
        self, request: Request, kind: Literal["scored", "decoy", "warm-up"], name: str | None, visit: int
    ) -> Card:
        asked = Asked(f"{self.random.getrandbits(64):016x}", _plain(request.source), request.fields)
        return Card(asked, kind, name, visit, _characters(request.source), _words(request.source))

    def _halves(self) -> Request:
        """A request of the right kind that nobody scores: the first half of one source, the second of another."""
        one, other = self.random.choice(self.requests), self.random.choice(self.requests)
        source = _joined(one.source, other.source)
        while source in self._sources:
            source = _twice(source)
        return Request("", source, (), one.fields)


def _joined(one: Text, other: Text) -> Text:
    """The first half of one text and the second of another: of tokens, of words, or of characters."""
    if isinstance(one, str) and " " in one and " " in other:
        words, further = one.split(" "), other.split(" ")
        return " ".join([*words[: (len(words) + 1) // 2], *further[len(further) // 2 :]])
    return one[: (len(one) + 1) // 2] + other[len(other) // 2 :]


def _twice(source: Text) -> Text:
    """A longer text of the same kind."""
    return (source or ("",)) * 2 if isinstance(source, tuple) else f"{source} {source}"


def _plain(source: Text) -> str | list[str]:
    return list(source) if isinstance(source, tuple) else str(source)


def _characters(source: Text) -> int:
    """Code points; of tokens, with the spaces between them."""
    return len(" ".join(source)) if isinstance(source, tuple) else len(source)


def _words(source: Text) -> int:
    """Tokens, or stretches without white space."""
    return len(source) if isinstance(source, tuple) else len(source.split())
