"""Term success: the share of required terms that an output contains.

    term-success = terms with a place of their own in the output / terms required       0..1

A segment requires each entry of the scoring dictionary once whose source term occurs in the
source outside longer entries (`matching.outermost`); entries that do not are counted as `nested`
or `absent` and leave the denominator. An entry is found if one of its variants stands in the
output, as surface form or lemma; two entries never share characters of the output, and as many as
possible are placed (`matching.place`). The scoring dictionary is the one of the test set's mode;
where the mode gives no terms (`noterm`) it is `proper`, which shows what a system does unasked.

`term-success-surface` is the same without lemmas on the side of the output.

Source: WMT23 and WMT25 terminology shared tasks; ours differs from their scorers on purpose, see
README.md. Their exact numbers are the compat list `wmt25-t1` (`wmt25.py`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from harness.api import Evidence, Metric, Request, Segment, Statistics, TestSet, Totals, ratio

from . import lemmas, matching
from .wmt25 import COMPAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.api import Output

    from .matching import Span

FALLBACK_MODE = "proper"
WITHOUT_TERMS = "noterm"
COLUMNS = ("hits", "terms", "nested", "absent")


def requests(row: Mapping[str, Any], tags: Mapping[str, str]) -> Sequence[Request]:
    """One request per row, with the terms of the test set's mode (none for `noterm`).

    Raises ValueError for a dictionary that is not `{source term: [target variant, …]}` with
    non-empty strings.
    """
    if not isinstance(row["source"], str) or not all(isinstance(text, str) for text in row["references"]):
        message = "'source' and 'reference' are strings"
        raise ValueError(message)
    for key in (FALLBACK_MODE, *(key for key, value in row.items() if isinstance(value, dict))):
        _check_dictionary(key, row.get(key))
    return [Request(row["id"], row["source"], tuple(row["references"]), {"terms": row.get(tags.get("mode", ""), {})})]


def _check_dictionary(key: str, dictionary: object) -> None:
    if not isinstance(dictionary, dict):
        message = f"'{key}' is a dictionary of terms"
        raise ValueError(message)  # noqa: TRY004 - a fault of data, reported with its line
    for term, variants in dictionary.items():
        if not term.strip() or not isinstance(variants, list) or not variants:
            message = f"'{key}': each term has a non-empty list of variants"
            raise ValueError(message)
        if not all(isinstance(variant, str) and variant.strip() for variant in variants):
            message = f"'{key}': the variants of '{term}' must be non-empty strings"
            raise ValueError(message)


def scoring_dictionary(test_set: TestSet, segment: Segment) -> Mapping[str, Sequence[str]]:
    """The dictionary by which a segment is scored, whatever the system was given."""
    mode = test_set.tags.get("mode", "")
    key = mode if mode in segment.gold and mode != WITHOUT_TERMS else FALLBACK_MODE
    dictionary: Mapping[str, Sequence[str]] = segment.gold[key]
    return dictionary


def _languages(test_set: TestSet) -> tuple[str, str]:
    return test_set.tags.get("source_language", ""), test_set.tags.get("target_language", "")


def _judge(
    test_set: TestSet, segment: Segment, output: str, *, use_lemmas: bool
) -> list[tuple[str, Sequence[Span], Span | None, Span | None]]:
    """For each entry: term, its source spans, the span that makes it required, its place in the output."""
    source_language, target_language = _languages(test_set)
    dictionary = scoring_dictionary(test_set, segment)
    source = segment.requests[0].source
    occurrences = [matching.find(term, source, source_language, lemmas=True) for term in dictionary]
    required = matching.outermost(occurrences)
    candidates: list[list[Span]] = []
    for variants, span in zip(dictionary.values(), required, strict=True):
        found = {
            place
            for variant in variants
            for place in matching.find(variant, output, target_language, lemmas=use_lemmas)
        }
        candidates.append(sorted(found, key=lambda place: (place[1], place[0])) if span else [])
    return list(zip(dictionary, occurrences, required, matching.place(candidates), strict=True))


def statistics(test_set: TestSet, outputs: Mapping[str, Output], *, use_lemmas: bool) -> Statistics:
    """Counts per segment; columns `hits`, `terms`, `nested`, `absent`."""
    import numpy as np

    rows = np.zeros((len(test_set.segments), len(COLUMNS)), dtype=np.int64)
    for row, segment in zip(rows, test_set.segments, strict=True):
        output = outputs[segment.requests[0].id]
        for _, occurrences, required, place in _judge(test_set, segment, output, use_lemmas=use_lemmas):
            row[0] += place is not None
            row[1] += required is not None
            row[2] += required is None and bool(occurrences)
            row[3] += not occurrences
    return Statistics(COLUMNS, rows)


def evidence(
    test_set: TestSet,
    outputs: Mapping[str, Output],
    totals: Totals,  # noqa: ARG001 - the shape of an evidence function
    *,
    use_lemmas: bool,
) -> Iterable[Evidence]:
    """Each required term in the source, `found` or `missed`, and each found one in the output."""
    for segment in test_set.segments:
        request = segment.requests[0]
        for term, _, required, place in _judge(test_set, segment, outputs[request.id], use_lemmas=use_lemmas):
            if required is None:
                continue
            label = f"{term} → {' | '.join(scoring_dictionary(test_set, segment)[term])}"
            verdict = "missed" if place is None else "found"
            yield Evidence(segment.id, request.id, "source", *required, verdict, label)
            if place is not None:
                yield Evidence(segment.id, request.id, "output", *place, verdict, label)


def signature(test_set: TestSet, *, use_lemmas: bool) -> str:
    """Everything that decides a term-success number."""
    source_language, target_language = _languages(test_set)
    mode = test_set.tags.get("mode", "")
    parts = {
        "term": "v1",
        "dict": FALLBACK_MODE if mode in {"", WITHOUT_TERMS} else mode,
        "match": matching.boundary(target_language)
        + (str(matching.EDGE_LETTERS) if matching.boundary(target_language) == "edge" else ""),
        "lemma": lemmas.signature(target_language) if use_lemmas else "none",
        "source": f"{matching.boundary(source_language)},{lemmas.signature(source_language)}",
        "disjoint": "yes",
        "norm": "nfc,nozw,casefold",
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def _term_success(name: str, title: str, *, use_lemmas: bool) -> Metric:
    return Metric(
        name=name,
        title=title,
        formula="found terms / required terms",
        citation="Semenov et al. 2023, 2025 (WMT terminology shared tasks), with our matching",
        statistics=partial(statistics, use_lemmas=use_lemmas),
        value=ratio("hits", "terms"),
        signature=partial(signature, use_lemmas=use_lemmas),
        ratio=("hits", "terms"),
        evidence=partial(evidence, use_lemmas=use_lemmas),
    )


TERM_SUCCESS = _term_success("term-success", "Term success", use_lemmas=True)
TERM_SUCCESS_SURFACE = _term_success("term-success-surface", "Term success, surface forms", use_lemmas=False)

METRICS = {metric.name: metric for metric in (TERM_SUCCESS, TERM_SUCCESS_SURFACE, *COMPAT)}
