"""Compat `mt-geneval`: the accuracy of the official scorer, quirks included.

    gender-accuracy = segments whose outputs hold no wrong word / segments      0..1

A side is correct iff no word of its output belongs to the counterfactual reference alone; a
counterfactual segment iff both of its sides are, a contextual one iff its only side is. Nothing has to
be there: an empty output is correct, so is a copied source, mostly, and so is a segment whose references
have the same words. Words are the official ones (`words.official`): lower-cased, sets, no normalisation.

`gender-accuracy-masculine` and `-feminine` are the same per side; the official script computes them for
counterfactual segments and throws them away. A contextual segment has a side only where its gender is
told, which the archive does not do.

Source: the script of MT-GenEval (Currey et al. 2022, EMNLP), github.com/amazon-science.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.api import Metric, Statistics, TestSet, ratio

from . import words
from .sides import GENDERS, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.api import Output

    from .sides import Side

COLUMNS = ("correct", "segments", "masculine-correct", "masculine", "feminine-correct", "feminine")


def is_correct(output: str, side: Side) -> bool:
    """Whether an output holds no word of the other gender alone."""
    return words.official(output).isdisjoint(side.wrong)


def statistics(test_set: TestSet, outputs: Mapping[str, Output]) -> Statistics:
    """Counts per segment; columns `COLUMNS`."""
    import numpy as np

    rows = [_row(found, outputs) for found in sides(test_set, words.official)]
    return Statistics(COLUMNS, np.array(rows, dtype=np.int64))


def _row(found: Sequence[Side], outputs: Mapping[str, Output]) -> list[int]:
    correct = [(side.gender, is_correct(outputs[side.request], side)) for side in found]
    row = [int(all(is_right for _, is_right in correct)), 1]
    for gender in GENDERS.values():
        own = [is_right for name, is_right in correct if name == gender]
        row += [sum(own), len(own)]
    return row


def _accuracy(name: str, title: str, numerator: str, denominator: str) -> Metric:
    signature = f"compat:mt-geneval|count:{denominator}|words:{words.SIGNATURES['official']}|correct:no-wrong-word"
    return Metric(
        name=name,
        title=title,
        formula=f"{denominator} without a wrong word / {denominator}",
        citation="Currey et al. 2022 (MT-GenEval)",
        statistics=statistics,
        value=ratio(numerator, denominator),
        signature=lambda _: signature,
        ratio=(numerator, denominator),
    )


COMPAT = (
    _accuracy("gender-accuracy", "MT-GenEval accuracy", "correct", "segments"),
    *(
        _accuracy(f"gender-accuracy-{gender}", f"MT-GenEval accuracy, {gender}", f"{gender}-correct", gender)
        for gender in GENDERS.values()
    ),
)
