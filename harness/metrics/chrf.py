"""chrF and chrF++, bit-equal to sacrebleu's corpus score.

    chrF = 100 * (1 + b^2) * P * R / (b^2 * P + R)         b = 2, range 0..100

P and R are the means over orders of match_n / hypothesis_n and match_n / reference_n, over the
orders for which both sides have an n-gram. chrF2 has character orders 1..6 without white space;
chrF2++ adds word orders 1..2 with leading or trailing punctuation split off. With several
references each segment takes the one of the highest segment score.

Source: Popović 2015, 2017; sacrebleu 2.6.0. Edge cases: no n-gram on one side gives 0.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from harness.api import Metric, Statistics, Totals
from harness.metrics import references

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import sacrebleu
    from numpy.typing import NDArray

    from harness.api import Output, TestSet

CHARACTER_ORDERS = 6
BETA = 2


def columns(word_order: int) -> tuple[str, ...]:
    """Three counts per order: hypothesis, reference and matching n-grams."""
    orders = [f"char-{n}" for n in range(1, CHARACTER_ORDERS + 1)]
    orders += [f"word-{n}" for n in range(1, word_order + 1)]
    return tuple(f"{side}-{order}" for order in orders for side in ("hypothesis", "reference", "match"))


def signature(test_set: TestSet, *, word_order: int) -> str:
    """The signature of sacrebleu itself, character for character."""
    nrefs, version = references.reference_count(test_set), references.sacrebleu_version()
    return f"nrefs:{nrefs}|case:mixed|eff:yes|nc:{CHARACTER_ORDERS}|nw:{word_order}|space:no|version:{version}"


@lru_cache(maxsize=8)
def _counter(test_set: TestSet, word_order: int) -> sacrebleu.CHRF:
    from sacrebleu.metrics.chrf import CHRF

    streams = references.reference_streams(test_set)
    return CHRF(char_order=CHARACTER_ORDERS, word_order=word_order, beta=BETA, references=streams)  # type: ignore[arg-type]


def statistics(test_set: TestSet, outputs: Mapping[str, Output], *, word_order: int) -> Statistics:
    """N-gram counts per segment, by sacrebleu's own extraction."""
    texts = references.hypotheses(test_set, outputs)
    rows = _counter(test_set, word_order)._extract_corpus_statistics(texts, None)  # noqa: SLF001 - as in bleu.py
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
    zeros = np.zeros(both.shape)
    precision = np.divide(match, hypothesis, out=zeros.copy(), where=both).sum(axis=-1) / effective
    recall = np.divide(match, reference, out=zeros, where=both).sum(axis=-1) / effective
    below = BETA**2 * precision + recall
    above = 100 * (1 + BETA**2) * precision * recall
    score: NDArray[np.float64] = np.divide(above, below, out=np.zeros(below.shape), where=below > 0)
    return score


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
        packages=("sacrebleu",),
    )


CHRF2 = _chrf("chrf2", "chrF2", 0)
CHRF2_PLUS_PLUS = _chrf("chrf2++", "chrF2++", 2)
