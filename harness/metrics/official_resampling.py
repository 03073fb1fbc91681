"""The last step of BLEU and chrF as sacrebleu does it for resampled sums: same order, same types.

Both functions map sums (B, k) to scores (B,) and take the precision from their argument. Of float32
sums (resamples) quotients are float32, and since NumPy 2 so is what is computed from them and Python
floats; before, that was float64. Of integers or float64 (corpora, trials of a randomization) all is
float64. Logarithms and exponentials are the C library's: those of NumPy differ in the last bits.

Source: sacrebleu 2.6.0, metrics/bleu.py and metrics/chrf.py.
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORDERS = 4
EPSILON = 1e-16


def bleu_scores(sums: NDArray[Any], *, libm: bool = True) -> NDArray[np.float64]:
    """BLEU of every row, with exponential smoothing and all four orders.

        BLEU = BP * exp(sum of ln p_n / 4)      p_n = 100 * correct_n / total_n
        BP   = 1 if h >= r else exp(1 - r / h)

    Columns: hypothesis and reference tokens, correct-1..4, total-1..4 (as `bleu.COLUMNS`). The k-th
    order without a match has p_n = 100 / (2^k * total_n). The precisions are in the precision of `sums`;
    BP, logarithms, their sum (by `sum`, which is compensated since Python 3.12) and the score are float64.
    No match in any order, or an order without n-grams: 0.

    Without `libm` roots and NumPy's exponential take the place of the C library's functions. That is much
    faster and differs by some 1e-13: an estimate for `paired_randomization`, and nothing to be reported.
    """
    counts = sums.T
    hypothesis, reference = counts[:2].astype(np.float64)
    correct, total = counts[2:].astype(_precision(sums)).reshape(2, ORDERS, -1)
    is_zero = correct == 0
    if is_zero.any():
        is_void = is_zero.all(axis=0) | (total == 0).any(axis=0)
        halves = np.ldexp(1.0, -np.cumsum(is_zero, axis=0)).astype(correct.dtype)
        correct, total = np.where(is_zero, halves, correct), np.where(is_void, correct.dtype.type(1), total)
    else:
        is_void = np.zeros(len(sums), dtype=bool)
    precisions = 100.0 * correct / total
    scores = _geometric_means(precisions) if libm else np.sqrt(np.sqrt(precisions.prod(axis=0)))
    scores[is_void] = 0.0
    is_short = (hypothesis < reference) & ~is_void
    exponents = 1 - reference[is_short] / hypothesis[is_short]
    scores[is_short] *= np.array([exp(exponent) for exponent in exponents.tolist()]) if libm else np.exp(exponents)
    return scores


def _geometric_means(precisions: NDArray[Any]) -> NDArray[np.float64]:
    """By logarithms, as sacrebleu takes them, of every column of (orders, B)."""
    logarithms = zip(*(map(log, order) for order in precisions.tolist()), strict=True)
    return np.array([exp(sum(row) / ORDERS) for row in logarithms])


def chrf_scores(sums: NDArray[Any], *, beta: float = 2, eps_smoothing: bool = False) -> NDArray[Any]:
    """F of the mean precision and recall of every row, over the orders that both sides have.

        chrF = 100 * (1 + b^2) * P * R / (b^2 * P + R)

    Columns: hypothesis, reference and matching n-grams for every order (as `chrf.columns`). Orders are
    added one after the other. The scores have the precision of `sums`, except that they are float64 as
    soon as one of them is the literal 0.0 of a row without a match: sacrebleu's list of them mixes both.
    With `eps_smoothing` it is the mean over orders of F of each, with 1e-16 for what is undefined.
    """
    hypothesis, reference, match = np.swapaxes(sums.T.reshape(-1, 3, len(sums)), 0, 1)
    precision_type = _precision(sums)
    precisions = (match / np.maximum(hypothesis, 1)).astype(precision_type, copy=False)
    recalls = (match / np.maximum(reference, 1)).astype(precision_type, copy=False)
    if eps_smoothing:
        empty_sides = (hypothesis == 0).astype(np.int8) + (reference == 0)
        return _mean_over_orders(precisions, recalls, empty_sides, beta**2)
    effective = np.maximum(np.count_nonzero(np.minimum(hypothesis, reference), axis=0), 1).astype(precision_type)
    precision, recall = _in_sequence(precisions) / effective, _in_sequence(recalls) / effective
    is_zero = precision + recall == 0
    below = beta**2 * precision + recall
    below[is_zero] = 1
    scores: NDArray[Any] = 100 * ((1 + beta**2) * precision * recall / below)
    return scores.astype(np.float64) if is_zero.any() else scores


def _precision(sums: NDArray[Any]) -> type[Any]:
    """What the installed NumPy makes of an element of `sums` times a Python float."""
    return type(sums.dtype.type(1) * 1.0)


def _in_sequence(orders: NDArray[Any]) -> NDArray[Any]:
    """The sum of the rows, each added to the sum of those before it: NumPy would add a single column in pairs."""
    total: NDArray[Any] = orders[0].copy()
    for order in orders[1:]:
        total += order
    return total


def _mean_over_orders(
    precisions: NDArray[Any], recalls: NDArray[Any], empty_sides: NDArray[np.int8], factor: float
) -> NDArray[Any]:
    """The scores with epsilon smoothing; arrays have shape (orders, B).

    Sums of Python floats (orders without n-grams, orders without a match) are float64 until the first
    other term is added, which turns them into the precision of the quotients.
    """
    dtype, orders = precisions.dtype, len(precisions)
    undefined = (1 + factor) * EPSILON * EPSILON / (factor * EPSILON + EPSILON)
    literal, scores = np.zeros(precisions.shape[1]), np.zeros(precisions.shape[1], dtype)
    is_literal = np.ones(len(literal), dtype=bool)
    for precision, recall, empty in zip(precisions, recalls, empty_sides, strict=True):
        below = factor * precision + recall
        is_zero = below == 0
        below[is_zero] = 1
        is_constant = is_zero & (empty != 1)
        constant = np.where(empty == 0, EPSILON, undefined)
        term = np.where(is_constant, constant.astype(dtype), (1 + factor) * precision * recall / below)
        scores = np.where(is_literal, literal.astype(dtype), scores) + term
        is_literal &= is_constant
        literal += constant
    scores = 100 * scores / orders
    if is_literal.any():
        scores = np.where(is_literal, 100 * literal / orders, scores)
    return scores
