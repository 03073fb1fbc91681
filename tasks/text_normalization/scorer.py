"""Token by token: what a system made of written text, against what a person would say.

An output holds one text per token of the source: `""` where nothing is said, the token itself where it
is read as it is written. `counts.py` says what is counted, `readings.py` what counts as the same.

    change-accuracy        right / tokens that have to change and are spoken            0..1, the primary
    token-accuracy         right / tokens
    sentence-accuracy      sentences equal to a reference / sentences
    wer                    word errors / words of the references                        0.., may exceed 1
    nwer                   word errors / word errors of the output that changes nothing
    over-normalization     wrong / tokens that are right as they are
    under-normalization    left as they are / tokens that have to change and are spoken

each undefined for 0 of 0. An insertion into a sentence whose reference is silent is a word error.

**Several references** are alternatives. A token is right if it equals that token in any of them, and
one that any reference leaves as it is need not change. A sentence is right if it equals one and the same
reference throughout. Word errors are counted against the reference with the fewest of them, for the
output and for the output that changes nothing alike.

The compat list `proteno` is the same on exact strings, where change counts silences too
(`change-accuracy-strict`) or not (`spoken-change-accuracy-strict`).

Source: Sproat and Jaitly 2017 and Tyagi et al. 2021 for the task and token accuracy; the definitions of
change, over- and under-normalisation and the normalised WER are ours, see README.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from harness.api import Evidence, Metric, TestSet, Totals, ratio

from .counts import OVER, RIGHT, SAME, SILENT, SPOKEN, UNDER, WRONG, Forms, gold_of, statistics, verdicts
from .readings import CANONICAL, STRICT, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

PROTENO = "Tyagi et al. 2021 (Proteno)"
CHALLENGE = "Sproat and Jaitly 2017"
OURS = "README.md of the task"
EXTRACTION = {reading.name: partial(statistics, reading=reading) for reading in (CANONICAL, STRICT)}
"""Metrics of one reading share one extraction."""


def sentence_wer(totals: Totals) -> Any:  # noqa: ANN401 - float or array
    """WER of single sentences, at most 1; 1 where words were said and none were due."""
    import numpy as np

    errors, words = np.asarray(totals["errors"], dtype=float), np.asarray(totals["words"])
    shares = np.divide(errors, words, out=np.ones_like(errors), where=words != 0)
    return np.where((words == 0) & (errors == 0), np.nan, np.minimum(shares, 1))


def evidence(
    test_set: TestSet,
    outputs: Mapping[str, tuple[str, ...]],
    totals: Totals,  # noqa: ARG001 - the shape of an evidence function
    *,
    kinds: Collection[str],
    shown: Collection[str],
) -> Iterator[Evidence]:
    """Each token of the `kinds` whose verdict is `shown`: its output, or its source where that is silent.

    A token that is empty in both has no place to point at and is left out.
    """
    forms = Forms(CANONICAL)
    for segment, gold in zip(test_set.segments, gold_of(test_set, CANONICAL), strict=True):
        (request,) = segment.requests
        output = outputs[request.id]
        judged = verdicts(gold, forms.of(output), forms)
        for token, (kind, verdict) in enumerate(zip(gold.kinds, judged, strict=True)):
            raw, said = request.source[token], output[token]
            if kind not in kinds or verdict not in shown or not (said or raw):
                continue
            wanted = dict.fromkeys(reference[token] for reference in request.references)
            label = f"{_shown(raw)} → {_shown(said)}"
            if verdict != RIGHT:
                label += f", not {' | '.join(map(_shown, wanted))}"
            text: Literal["output", "source"] = "output" if said else "source"
            yield Evidence(segment.id, request.id, text, 0, len(said or raw), verdict, label, token)


def _shown(text: str) -> str:
    return text or "(silent)"


def signature(test_set: TestSet, *, reading: Reading, parts: str) -> str:  # noqa: ARG001 - the shape of a signature
    """Everything that decides a number: the reading, what is counted, and how references compete."""
    return f"{reading.name}:v1|{reading.signature}|{parts}"


@dataclass(frozen=True, slots=True)
class Share:
    """A metric that is the quotient of two columns, before a reading is chosen.

    `explained` holds the kinds of tokens and the verdicts on them that the evidence shows.
    """

    name: str
    title: str
    formula: str
    columns: tuple[str, str]
    citation: str
    best: Literal["higher", "lower"] = "lower"
    parts: str = "refs:any"
    segments: Literal["value", "none"] | Callable[[Totals], Any] = "value"
    explained: tuple[Collection[str], Collection[str]] | None = None

    def metric(self, reading: Reading) -> Metric:
        """The metric of a reading; only the canonical one explains itself."""
        strict = reading is STRICT
        kinds, shown = self.explained or ((), ())
        return Metric(
            name=f"{self.name}-strict" if strict else self.name,
            title=f"{self.title}, exact strings" if strict else self.title,
            formula=self.formula,
            citation=self.citation,
            statistics=EXTRACTION[reading.name],
            value=ratio(*self.columns),
            signature=partial(signature, reading=reading, parts=f"count:{'/'.join(self.columns)}|{self.parts}"),
            ratio=self.columns,
            best=self.best,
            segments=self.segments,
            evidence=partial(evidence, kinds=kinds, shown=shown) if kinds and not strict else None,
        )


CHANGE_ACCURACY = Share(
    "change-accuracy",
    "Accuracy on change",
    "right / tokens to be changed and spoken",
    ("spoken_right", "spoken"),
    PROTENO,
    best="higher",
    parts="change:spoken|refs:any",
    explained=({SPOKEN}, {RIGHT, UNDER, WRONG}),
)
TOKEN_ACCURACY = Share(
    "token-accuracy",
    "Token accuracy",
    "right / tokens",
    ("right", "tokens"),
    f"{CHALLENGE}; {PROTENO}",
    best="higher",
    explained=({SAME, SILENT, SPOKEN}, {OVER, UNDER, WRONG}),
)
SENTENCE_ACCURACY = Share(
    "sentence-accuracy",
    "Sentence accuracy",
    "sentences equal to a reference / sentences",
    ("sentences_right", "sentences"),
    CHALLENGE,
    best="higher",
    parts="refs:one",
)
WER = Share(
    "wer",
    "WER",
    "word errors / words",
    ("errors", "words"),
    "Levenshtein 1966; micro average",
    parts="words:space|refs:fewest-errors",
    segments=sentence_wer,
)
NWER = Share(
    "nwer",
    "Normalised WER",
    "word errors / word errors of changing nothing",
    ("errors", "identity_errors"),
    OURS,
    parts="words:space|refs:fewest-errors|over:identity",
    segments="none",  # most sentences have no or few errors to divide by
)
OVER_NORMALIZATION = Share(
    "over-normalization",
    "Over-normalisation",
    "wrong / tokens right as they are",
    ("over", "same"),
    OURS,
    explained=({SAME}, {OVER}),
)
UNDER_NORMALIZATION = Share(
    "under-normalization",
    "Under-normalisation",
    "left as they are / tokens to be changed and spoken",
    ("spoken_under", "spoken"),
    OURS,
    parts="change:spoken|refs:any",
    explained=({SPOKEN}, {UNDER}),
)
DEFAULT = (
    CHANGE_ACCURACY,
    TOKEN_ACCURACY,
    SENTENCE_ACCURACY,
    WER,
    NWER,
    OVER_NORMALIZATION,
    UNDER_NORMALIZATION,
)
ALL_CHANGE = "change:all|refs:any"
COMPAT = (
    TOKEN_ACCURACY,
    SENTENCE_ACCURACY,
    replace(
        CHANGE_ACCURACY,
        formula="right / tokens to be changed, silences included",
        columns=("change_right", "change"),
        parts=ALL_CHANGE,
    ),
    replace(CHANGE_ACCURACY, name="spoken-change-accuracy", title="Accuracy on spoken change"),
    WER,
    OVER_NORMALIZATION,
    replace(
        UNDER_NORMALIZATION,
        formula="left as they are / tokens to be changed, silences included",
        columns=("change_under", "change"),
        parts=ALL_CHANGE,
    ),
)
METRICS = {
    metric.name: metric
    for reading, shares in ((CANONICAL, DEFAULT), (STRICT, COMPAT))
    for metric in (share.metric(reading) for share in shares)
}
