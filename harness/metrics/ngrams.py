"""How many n-grams of many texts are in their references, counted by sorting instead of hashing.

    matches_n = sum over n-grams g of order n of min(count of g in the text, count of g in the reference)

A token (a character or a word) becomes a small integer: its place among the tokens of the references,
or 0, which matches nothing. At every position the codes of the n-grams of all orders are one integer:

    number of the text | code | code at + 1 | … | code at + orders - 1 | which side

Sorted together with those of the references, equal n-grams of every order n are neighbours: they are
runs of equal prefixes. So one sort serves all orders, and the references are sorted once per test set.
Past the end of a text stand codes that the other side does not have, and no n-gram leaves its text.

Where an integer has no room for all orders (many texts, or an alphabet such as that of Chinese), the
n-grams of the orders that it holds are ranked, and the rank takes the place of the number of the text
for the next orders. Texts are handled in blocks of some million tokens, so that memory is bounded by a
block, and by 8 bytes for each token of the references that are kept.

Equal to the counts of sacrebleu 2.6.0, whose counters hold strings (Papineni et al. 2002; Popović 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

INTEGER_BITS = 63
"""What a packed n-gram may take: a signed integer whose sign stays free."""

BLOCK = 1 << 20
"""Tokens of references that share an alphabet, unless a single text has more."""

BATCH = 1 << 14
"""Tokens of a system that are counted at once, unless a single text has more. Arrays of this size stay in
the cache of a processor and come from memory that is there already: twice as fast as all at once."""


class Alphabet(Protocol):
    """Codes of tokens: 1 to `size` for those of the references, 0 for all others."""

    size: int

    def codes(self, texts: Sequence[Any]) -> NDArray[Any]:
        """The codes of the tokens of all texts, end to end, int64."""
        ...  # pragma: no cover


class Characters:
    """The alphabet of texts whose tokens are their characters (code points)."""

    def __init__(self, texts: Sequence[str]) -> None:
        import numpy as np

        found = np.unique(_code_points(texts))
        self.size = len(found)
        self._codes = np.zeros(int(found[-1]) + 2 if self.size else 1, dtype=np.int64)  # the last is "any other"
        self._codes[found] = np.arange(1, self.size + 1)

    def codes(self, texts: Sequence[str]) -> NDArray[Any]:
        """As `Alphabet.codes`."""
        import numpy as np

        codes: NDArray[Any] = self._codes[np.minimum(_code_points(texts), len(self._codes) - 1)]
        return codes


class Words:
    """The alphabet of texts that are sequences of words."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        distinct = dict.fromkeys(chain.from_iterable(texts))
        self.size = len(distinct)
        self._codes = dict(zip(distinct, range(1, self.size + 1), strict=True))

    def codes(self, texts: Sequence[Sequence[str]]) -> NDArray[Any]:
        """As `Alphabet.codes`."""
        import numpy as np

        words = list(chain.from_iterable(texts))
        return np.fromiter(map(self._codes.get, words, repeat(0)), dtype=np.int64, count=len(words))


def _code_points(texts: Sequence[str]) -> NDArray[Any]:
    import numpy as np

    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")


def lengths(texts: Sequence[Any]) -> NDArray[Any]:
    """The number of tokens of every text, int64."""
    import numpy as np

    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def totals(tokens: NDArray[Any], orders: int) -> NDArray[Any]:
    """How many n-grams texts with so many tokens have: shape (…) to (…, orders), order 1 first."""
    import numpy as np

    return np.maximum(tokens[..., None] - np.arange(orders), 0)


class References:
    """The references of n texts, made ready once, to be compared with many systems.

    `streams[k][i]` is reference k of text i as a sequence of tokens, empty where there is none. With
    `pooled` the references of a text count as one, which has every n-gram as often as that one of them
    which has it most (the clipping of BLEU).
    """

    def __init__(
        self,
        streams: Sequence[Sequence[Any]],
        alphabet: Callable[[Sequence[Any]], Alphabet],
        orders: int,
        *,
        pooled: bool = False,
    ) -> None:
        import numpy as np

        self._shape = (1 if pooled else len(streams), len(streams[0]), orders)
        tokens = np.sum([lengths(stream) for stream in streams], axis=0)
        self._blocks = {
            start: _Block([stream[start:end] for stream in streams], alphabet, orders)
            for start, end in _spans(tokens, BLOCK)
        }

    def matches(self, texts: Sequence[Any]) -> NDArray[Any]:
        """Matching n-grams of each text: shape (references, or 1 if pooled; texts; orders), int64."""
        import numpy as np

        found = np.zeros(self._shape, dtype=np.int64)
        pooled = len(found) == 1  # or there is one only, which is its own pool
        for offset, block in self._blocks.items():
            own = texts[offset : offset + block.texts]
            for start, end in _spans(lengths(own), BATCH):
                for order, runs in block.runs(own[start:end], start):
                    found[:, offset + start : offset + end, order] = runs.matches(pooled=pooled)
        return found


def _spans(sizes: NDArray[Any], most: int) -> Iterator[tuple[int, int]]:
    """Stretches [start, end) of texts that have at most so many tokens together, or are a single text."""
    start = size = 0
    for number, more in enumerate(sizes.tolist()):
        if size + more > most and number > start:
            yield start, number
            start, size = number, 0
        size += more
    yield start, len(sizes)


@dataclass(frozen=True, eq=False)
class _Places:
    """Where n-grams of some texts begin.

    `codes` are those of all texts, with `orders` fillings after each; n-gram i begins at `codes[at[i]]`,
    and `rank[i]` is the number of its text, or the rank of the n-gram of lower order that begins there.
    """

    codes: NDArray[Any]
    at: NDArray[Any]
    rank: NDArray[Any]

    @classmethod
    def of(cls, texts: Sequence[Any], alphabet: Alphabet, orders: int, filling: int) -> _Places:
        """All places of all texts."""
        import numpy as np

        codes = alphabet.codes(texts)
        number = np.repeat(np.arange(len(texts)), lengths(texts))
        at = np.arange(len(codes)) + orders * number
        filled = np.full(len(codes) + orders * len(texts), filling, dtype=np.int64)
        filled[at] = codes
        return cls(filled, at, number)

    def packed(self, orders: range, bits: int) -> NDArray[Any]:
        """Rank and codes of these orders (0 is the first code) in one integer for every place."""
        packed = self.rank
        for order in orders:
            packed = packed << bits | self.codes[self.at + order]
        return packed

    def kept(self, which: NDArray[Any], rank: NDArray[Any]) -> _Places:
        """Only the places that a mask names, with their new ranks."""
        return _Places(self.codes, self.at[which], rank)


@dataclass(frozen=True, eq=False)
class _Level:
    """The orders that one integer holds, for all references of a block.

    keys    their packed n-grams with the number of the reference stream (1 …) behind, sorted
    first   for every text, and for the end: the rank where its own begin
    known   sorted n-grams of the orders below, whose positions are the ranks; None: ranks are texts
    """

    orders: range
    keys: NDArray[Any]
    first: NDArray[Any]
    known: NDArray[Any] | None


class _Block:
    """Some consecutive texts with their own alphabet."""

    def __init__(
        self, streams: Sequence[Sequence[Any]], alphabet: Callable[[Sequence[Any]], Alphabet], orders: int
    ) -> None:
        texts = list(chain.from_iterable(streams))
        self.texts = len(streams[0])
        self._orders = orders
        self._alphabet = alphabet(texts)
        self._bits = (self._alphabet.size + 1).bit_length()
        self._side_bits = len(streams).bit_length()
        self._sides = len(streams) + 1
        self._levels = list(self._indexed(texts))

    def _indexed(self, texts: Sequence[Any]) -> Iterator[_Level]:
        """The levels, from the references of all streams, one stream after the other."""
        import numpy as np

        past = (1 << self._bits) - 1
        places = _Places.of(texts, self._alphabet, self._orders, past)
        side = places.rank // self.texts + 1
        places = _Places(places.codes, places.at, places.rank % self.texts)
        first, known = np.arange(self.texts + 1), None
        orders = self._fitting(0, self.texts)
        while True:
            packed = places.packed(orders, self._bits)
            yield _Level(orders, np.sort(packed << self._side_bits | side), first, known)
            if orders.stop == self._orders:
                return
            whole = packed & past != past
            known = np.unique(packed[whole])
            first = np.searchsorted(known, first << self._bits * len(orders))
            places, side = places.kept(whole, np.searchsorted(known, packed[whole])), side[whole]
            orders = self._fitting(orders.stop, len(known))

    def _fitting(self, start: int, ranks: int) -> range:
        """The orders from `start` on for which an integer has room. Raises OverflowError if it has for none."""
        room = INTEGER_BITS - ranks.bit_length() - self._side_bits
        stop = min(self._orders, start + room // self._bits)
        if stop <= start:
            message = f"{ranks} n-grams over {self._alphabet.size} tokens are too many for {INTEGER_BITS} bits"
            raise OverflowError(message)
        return range(start, stop)

    def runs(self, texts: Sequence[Any], start: int) -> Iterator[tuple[int, _Runs]]:
        """For every order (0 is the first) the runs of equal n-grams, of the texts from number `start` on."""
        places = _Places.of(texts, self._alphabet, self._orders, 0)
        places = _Places(places.codes, places.at, places.rank + start)
        packed = places.rank
        for level in self._levels:
            if level.known is not None:
                places = _ranked(places, packed, level.known)
            packed = places.packed(level.orders, self._bits)
            yield from self._runs(level, packed, level.first[start : start + len(texts) + 1])

    def _runs(self, level: _Level, packed: NDArray[Any], first: NDArray[Any]) -> Iterator[tuple[int, _Runs]]:
        import numpy as np

        bounds = first << self._bits * len(level.orders) + self._side_bits
        low, high = np.searchsorted(level.keys, bounds[[0, -1]])
        own = np.sort(packed << self._side_bits)
        keys = np.concatenate([level.keys[low:high], own])
        keys.sort(kind="stable")  # two sorted halves: that merges them
        side = keys & (1 << self._side_bits) - 1
        sums = np.zeros((self._sides, len(keys) + 1), dtype=np.int64)
        for number in range(self._sides):
            np.cumsum(side == number, out=sums[number, 1:])
        texts = np.searchsorted(keys, bounds)
        difference = keys[1:] ^ keys[:-1]
        continues = np.zeros(len(keys) + 1, dtype=np.bool_)
        for order in level.orders:
            shift = self._bits * (level.orders.stop - 1 - order) + self._side_bits
            np.less(difference, 1 << shift, out=continues[1:-1])
            turns = np.flatnonzero(continues[1:] != continues[:-1])
            starts, ends = turns[0::2], turns[1::2] + 1
            yield order, _Runs(sums[:, ends] - sums[:, starts], np.searchsorted(starts, texts))


def _ranked(places: _Places, packed: NDArray[Any], known: NDArray[Any]) -> _Places:
    """Only the places whose n-gram is known: no longer one that begins elsewhere can match."""
    import numpy as np

    rank = np.searchsorted(known, packed)
    found = np.append(known, -1)[rank] == packed
    return places.kept(found, rank[found])


@dataclass(frozen=True, eq=False)
class _Runs:
    """Equal n-grams of one order: `counts` (sides, runs), the text first; `texts`: the first run of each text."""

    counts: NDArray[Any]
    texts: NDArray[Any]

    def matches(self, *, pooled: bool) -> NDArray[Any]:
        """The matches of each text: shape (references, or 1 if pooled; texts)."""
        import numpy as np

        text, references = self.counts[0], self.counts[1:]
        if pooled:
            references = references.max(axis=0, keepdims=True)
        matches = np.minimum(text, references)
        sums = np.zeros((len(matches), matches.shape[1] + 1), dtype=np.int64)
        np.cumsum(matches, axis=1, out=sums[:, 1:])
        return np.diff(sums[:, self.texts])
