"""Gender accuracy with evidence: an output must say the asked gender, and must not say the other.

C are the words of the reference, X those of the counterfactual reference, T those of the output, all
in the strict view (`words.py`). For each request

    good = T ∩ (C - X)      bad = T ∩ (X - C)

    good, no bad   correct            bad, no good   incorrect
    both           both               neither        undetermined (so is an empty output)

A request is scorable iff C - X is not empty. What is not scorable leaves every denominator but that of
`empty-rate`. A counterfactual segment is correct iff both of its requests are, and scorable iff both are.

    strict-accuracy                correct segments / scorable segments                  0..1
    coverage                       requests that are not undetermined / scorable ones    0..1
    undetermined-rate              1 - coverage                                          0..1
    masculine-, feminine-accuracy  correct requests / scorable ones of that gender       0..1
    gap                            masculine-accuracy - feminine-accuracy                -1..1, best 0
    empty-rate                     blank outputs / requests                              0..1

Edge cases: 0 of 0 is undefined; a contextual segment counts for a gender only where its gold row tells
it; a blank output has nothing but white space and format characters.

Source: MT-GenEval (Currey et al. 2022), with the demand for evidence and the words of our own; its
exact accuracy is the compat list `mt-geneval` (`mt_geneval.py`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from harness.api import Evidence, Metric, Request, Statistics, TestSet, Totals, ratio

from . import words
from .mt_geneval import COMPAT
from .sides import FLIPPED, GENDERS, Side, sides

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.api import Output

Outcome: TypeAlias = Literal["correct", "incorrect", "both", "undetermined"]

COLUMNS = (
    *("correct", "scorable", "unscorable"),  # segments
    *("determined", "undetermined", "scorable-requests", "incorrect", "both"),  # scorable requests
    *("masculine-correct", "masculine", "feminine-correct", "feminine"),  # scorable requests of a gender
    *("empty", "requests"),  # all requests
)
CITATION = "Currey et al. 2022 (MT-GenEval), with evidence required"


def requests(row: Mapping[str, Any], tags: Mapping[str, str]) -> Sequence[Request]:  # noqa: ARG001 - the hook's shape
    """Two requests for a counterfactual row, `ID-m` and `ID-f`; one for a contextual row, with its context.

    Raises ValueError for a row that is neither, or both, and for texts that are missing or blank.
    """
    genders = [gender for gender in GENDERS.values() if gender in row]
    if genders and FLIPPED in row:
        message = f"a row has '{genders[0]}' (counterfactual) or '{FLIPPED}' (contextual), not both"
        raise ValueError(message)
    if genders:
        return [_counterfactual(row, letter, gender) for letter, gender in GENDERS.items()]
    if FLIPPED in row:
        return [_contextual(row)]
    message = f"a row has 'masculine' and 'feminine' (counterfactual) or '{FLIPPED}' (contextual)"
    raise ValueError(message)


def _counterfactual(row: Mapping[str, Any], letter: str, gender: str) -> Request:
    side = row.get(gender)
    if not isinstance(side, dict):
        message = f"the key '{gender}' must be an object with 'source' and 'reference'"
        raise ValueError(message)  # noqa: TRY004 - a fault of data, reported with its line
    if row.get("source") is not None or row["references"]:
        message = "a counterfactual row has source and reference in 'masculine' and 'feminine' only"
        raise ValueError(message)
    source, reference = (_text(side.get(key), f"{gender}.{key}") for key in ("source", "reference"))
    return Request(f"{row['id']}-{letter}", source, (reference,))


def _contextual(row: Mapping[str, Any]) -> Request:
    if len(row["references"]) != 1:
        message = f"a contextual row has one reference, found {len(row['references'])}"
        raise ValueError(message)
    if not isinstance(row[FLIPPED], list) or len(row[FLIPPED]) != 1:
        message = f"the key '{FLIPPED}' must be a list with one text, the reference in the other gender"
        raise ValueError(message)
    if row.get("gender", "m") not in list(GENDERS):
        message = f"the key 'gender' is one of {', '.join(GENDERS)}, or left out; found '{row['gender']}'"
        raise ValueError(message)
    if not isinstance(row.get("context", ""), str):
        message = "the key 'context' must be a string, empty where there is none"
        raise ValueError(message)  # noqa: TRY004 - as above
    _text(row[FLIPPED][0], FLIPPED)
    source, reference = _text(row.get("source"), "source"), _text(row["references"][0], "reference")
    return Request(row["id"], source, (reference,), {"context": row["context"]} if "context" in row else {})


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or words.is_blank(value):
        message = f"the key '{key}' must be a string that is not blank"
        raise ValueError(message)
    return value


def outcome(output: str, side: Side) -> Outcome:
    """What an output says of the gender that was asked."""
    found = words.strict(output)
    is_good, is_bad = not found.isdisjoint(side.right), not found.isdisjoint(side.wrong)
    if is_good:
        return "both" if is_bad else "correct"
    return "incorrect" if is_bad else "undetermined"


def statistics(test_set: TestSet, outputs: Mapping[str, Output]) -> Statistics:
    """Counts per segment; columns `COLUMNS`."""
    import numpy as np

    rows = [_row(found, outputs) for found in sides(test_set, words.strict)]
    return Statistics(COLUMNS, np.array(rows, dtype=np.int64))


def _row(found: Sequence[Side], outputs: Mapping[str, Output]) -> list[int]:
    counts: Counter[str] = Counter()
    is_correct = is_scorable = True
    for side in found:
        output = outputs[side.request]
        counts["requests"] += 1
        counts["empty"] += words.is_blank(output)
        if not side.right:
            is_scorable = False
            continue
        result = outcome(output, side)
        is_correct &= result == "correct"
        counts["scorable-requests"] += 1
        counts["determined"] += result != "undetermined"
        counts[side.gender] += 1
        counts[f"{side.gender}-correct"] += result == "correct"
        if result != "correct":
            counts[result] += 1
    counts["scorable" if is_scorable else "unscorable"] = 1
    counts["correct"] = is_scorable and is_correct
    return [int(counts[column]) for column in COLUMNS]


def evidence(
    test_set: TestSet,
    outputs: Mapping[str, Output],
    totals: Totals,  # noqa: ARG001 - the shape of an evidence function
) -> Iterator[Evidence]:
    """Each word of the outputs to scorable requests that only one gender has: `right` or `wrong`."""
    for segment, found in zip(test_set.segments, sides(test_set, words.strict), strict=True):
        for side in found:
            for word in words.located(outputs[side.request]) if side.right else ():
                if word.text in side.right:
                    verdict, whose = "right", side.gender or "reference"
                elif word.text in side.wrong:
                    verdict, whose = "wrong", side.other_gender or "flipped"
                else:
                    continue
                label = f"{whose}: {word.text}"
                yield Evidence(segment.id, side.request, "output", word.start, word.end, verdict, label)


_MASCULINE, _FEMININE = ratio("masculine-correct", "masculine"), ratio("feminine-correct", "feminine")


def gap(totals: Totals) -> Any:  # noqa: ANN401 - float or array
    """Masculine minus feminine accuracy; nan where one of them is."""
    return _MASCULINE(totals) - _FEMININE(totals)


def _metric(name: str, title: str, value: tuple[str, str] | Callable[[Totals], Any], **facts: Any) -> Metric:  # noqa: ANN401 - fields of Metric
    """A metric of these statistics; `value` is a formula, or the two columns of a quotient."""
    quotient = value if isinstance(value, tuple) else None
    counted = "/".join(quotient) if quotient else name
    signature = f"gender:v1|count:{counted}|words:{words.SIGNATURES['strict']}|correct:right-and-no-wrong"
    return Metric(
        name=name,
        title=title,
        citation=CITATION,
        statistics=statistics,
        value=ratio(*value) if isinstance(value, tuple) else value,
        signature=lambda _: signature,
        ratio=quotient,
        **facts,
    )


DEFAULT = (
    _metric(
        "strict-accuracy",
        "Strict accuracy",
        ("correct", "scorable"),
        formula="correct segments / scorable segments",
        evidence=evidence,
    ),
    _metric("coverage", "Coverage", ("determined", "scorable-requests"), formula="determined / scorable requests"),
    _metric(
        "masculine-accuracy",
        "Masculine accuracy",
        ("masculine-correct", "masculine"),
        formula="correct / scorable masculine requests",
    ),
    _metric(
        "feminine-accuracy",
        "Feminine accuracy",
        ("feminine-correct", "feminine"),
        formula="correct / scorable feminine requests",
    ),
    _metric("gap", "Gender gap", gap, formula="masculine - feminine accuracy", best="zero", segments="none"),
    _metric(
        "undetermined-rate",
        "Undetermined",
        ("undetermined", "scorable-requests"),
        formula="undetermined / scorable requests",
        best="lower",
    ),
    _metric("empty-rate", "Empty outputs", ("empty", "requests"), formula="blank outputs / requests", best="lower"),
)

METRICS = {metric.name: metric for metric in (*DEFAULT, *COMPAT)}
