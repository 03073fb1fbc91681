"""chrF and chrF++, bit-equal to sacrebleu's corpus score.

    chrF = 100 * (1 + b^2) * P * R / (b^2 * P + R)         b = 2, range 0..100

P and R are the means over orders of match_n / hypothesis_n and match_n / reference_n, over the
orders for which both sides have an n-gram. chrF2 has character orders 1..6 without white space;
chrF2++ adds word orders 1..2 with leading or trailing punctuation split off. With several
references each segment takes the one of the highest segment score.

Source: Popović 2015, 2017; sacrebleu 2.6.0. Edge cases: no n-gram on one side gives 0.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from harness.api import Metric, Statistics, Totals
from harness.metrics import ngrams, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.api import Output, TestSet

CHARACTER_ORDERS = 6
BETA = 2
_PUNCTUATION = frozenset(string.punctuation)


def columns(word_order: int) -> tuple[str, ...]:
    """Three counts per order: hypothesis, reference and matching n-grams."""
    orders = [f"char-{n}" for n in range(1, CHARACTER_ORDERS + 1)]
    orders += [f"word-{n}" for n in range(1, word_order + 1)]
    return tuple(f"{side}-{order}" for order in orders for side in ("hypothesis", "reference", "match"))


def signature(test_set: TestSet, *, word_order: int) -> str:
    """The signature of sacrebleu itself, character for character."""
    nrefs, version = references.reference_count(test_set), references.sacrebleu_version()
    return f"nrefs:{nrefs}|case:mixed|eff:yes|nc:{CHARACTER_ORDERS}|nw:{word_order}|space:no|version:{version}"


def _words(pieces: Iterable[str]) -> list[str]:
    """Pieces between white space, with one mark of punctuation split off: the last, or else the first.

    `(so)` becomes `(so` and `)`, as in sacrebleu.
    """
    words: list[str] = []
    for piece in pieces:
        if len(piece) == 1 or piece.isalnum():
            words.append(piece)
        elif piece[-1] in _PUNCTUATION:
            words += (piece[:-1], piece[-1])
        elif piece[0] in _PUNCTUATION:
            words += (piece[0], piece[1:])
        else:
            words.append(piece)
    return words


def _views(texts: Iterable[str], word_order: int) -> list[list[Any]]:
    """Texts as their characters without white space and, if words count, as words."""
    pieces = [text.split() for text in texts]
    views: list[list[Any]] = [["".join(found) for found in pieces]]
    if word_order:
        views.append([_words(found) for found in pieces])
    return views


def _totals(views: Sequence[Sequence[Any]], word_order: int) -> NDArray[np.int64]:
    """N-grams of each text by order; shape (texts, orders)."""
    import numpy as np

    orders = (CHARACTER_ORDERS, word_order)
    return np.hstack([ngrams.totals(ngrams.lengths(view), most) for view, most in zip(views, orders, strict=False)])


@dataclass(frozen=True, eq=False)
class _Gold:
    """The references of a test set: n-grams as (view of) texts, and by reference, request and order.

    `is_missing` has shape (references, requests), `totals` besides orders.
    """

    views: list[ngrams.References]
    totals: NDArray[np.int64]
    is_missing: NDArray[np.bool_]


@lru_cache(maxsize=4)
def _references(test_set: TestSet, word_order: int) -> _Gold:
    import numpy as np

    streams = references.reference_streams(test_set)
    views = [_views((text or "" for text in stream), word_order) for stream in streams]
    characters, *words = zip(*views, strict=True)
    indexed = [ngrams.References(characters, ngrams.Characters, CHARACTER_ORDERS)]
    indexed += [ngrams.References(found, ngrams.Words, word_order) for found in words]
    return _Gold(
        indexed,
        np.array([_totals(found, word_order) for found in views]),
        np.array([[text is None for text in stream] for stream in streams]),
    )


def statistics(test_set: TestSet, outputs: Mapping[str, Output], *, word_order: int) -> Statistics:
    """N-gram counts per segment, equal to those of sacrebleu's own extraction.

    An order of which the reference has no n-gram counts none of the hypothesis either.
    """
    import numpy as np

    texts = references.hypotheses(test_set, outputs)
    gold = _references(test_set, word_order)
    views = _views(texts, word_order)
    matches = np.concatenate([found.matches(view) for found, view in zip(gold.views, views, strict=True)], axis=-1)
    own = np.where(gold.totals > 0, _totals(views, word_order), 0)
    counts = np.stack([own, gold.totals, matches], axis=-1).reshape(len(matches), len(texts), -1)
    rows: Any = counts[0]
    if len(counts) > 1:  # of equally good references the first
        scores = np.where(gold.is_missing, -1.0, _vectorised(counts))
        rows = counts[scores.argmax(axis=0), np.arange(len(texts))]
    return Statistics(columns(word_order), references.rows_per_segment(test_set, rows))


def value(totals: Totals) -> float | NDArray[np.float64]:
    """The score of one corpus in Python floats (bit-equal), or of many with NumPy.

    Both add the orders in sequence, as sacrebleu does; addition is not associative.
    """
    if totals.values.ndim == 1:
        return _exact([int(count) for count in totals.values])
    return _vectorised(totals.values)


def _exact(counts: list[int]) -> float:
    precision = recall = 0.0
    effective = 0
    for hypothesis, reference, match in zip(counts[0::3], counts[1::3], counts[2::3], strict=True):
        if hypothesis > 0 and reference > 0:
            precision += match / hypothesis
            recall += match / reference
            effective += 1
    if effective:
        precision /= effective
        recall /= effective
    if not precision + recall:
        return 0.0
    score = (1 + BETA**2) * precision * recall
    score /= BETA**2 * precision + recall
    return 100 * score


def _vectorised(counts: NDArray[Any]) -> NDArray[np.float64]:
    import numpy as np

    hypothesis, reference, match = counts[..., 0::3], counts[..., 1::3], counts[..., 2::3]
    both = (hypothesis > 0) & (reference > 0)
    effective = np.maximum(both.sum(axis=-1), 1)
    precision, recall = (
        _in_sequence(np.divide(match, whole, out=np.zeros(both.shape), where=both)) / effective
        for whole in (hypothesis, reference)
    )
    below = BETA**2 * precision + recall
    above = (1 + BETA**2) * precision * recall
    scores: NDArray[np.float64] = 100 * np.divide(above, below, out=np.zeros(below.shape), where=below > 0)
    return scores


def _in_sequence(terms: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum over the last axis from left to right; that of NumPy goes in pairs."""
    total: NDArray[np.float64] = terms[..., 0]
    for order in range(1, terms.shape[-1]):
        total = total + terms[..., order]
    return total


def resampled_scores(sums: NDArray[Any]) -> NDArray[Any]:
    """The last step of sacrebleu's paired tests."""
    from harness.metrics.official_resampling import chrf_scores

    return chrf_scores(sums, beta=BETA)


def _chrf(name: str, title: str, word_order: int) -> Metric:
    return Metric(
        name=name,
        title=title,
        formula="100 · 5PR / (4P + R)",
        citation="Popović 2015, 2017; Post 2018 (sacrebleu)",
        statistics=partial(statistics, word_order=word_order),
        value=value,
        signature=partial(signature, word_order=word_order),
        unit="points",
        sacrebleu=resampled_scores,
        packages=("sacrebleu",),
    )


CHRF2 = _chrf("chrf2", "chrF2", 0)
CHRF2_PLUS_PLUS = _chrf("chrf2++", "chrF2++", 2)
