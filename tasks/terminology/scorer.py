"""Term success: the share of required terms that an output contains.

    term-success = terms with a place of their own in the output / terms required       0..1

A segment requires each entry of the scoring dictionary once whose source term occurs in the
source outside longer entries (`matching.outermost`); entries that do not are counted as `nested`
or `absent` and leave the denominator, and entries for the same words of the source count as one.
An entry is found if one of its variants stands in the output, as surface form or lemma; two
entries never share characters of the output, and as many as possible are placed
(`matching.place`). The scoring dictionary is the one of the test set's mode; where the mode gives
no terms (`noterm`) it is `proper`, which shows what a system does unasked.

`term-success-surface` is the same without lemmas on the side of the output.

Source: WMT23 and WMT25 terminology shared tasks; ours differs from their scorers on purpose, see
README.md. Their exact numbers are the compat list `wmt25-t1` (`wmt25.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from harness.api import Evidence, Metric, Request, Statistics, TestSet, Totals, ratio

from . import lemmas, matching
from .wmt25 import COMPAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    if not isinstance(row.get("source"), str) or not all(isinstance(text, str) for text in row["references"]):
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
        if not isinstance(variants, list) or not variants or not all(isinstance(variant, str) for variant in variants):
            message = f"'{key}': each term has a non-empty list of variants, which are strings"
            raise ValueError(message)
        if not all(matching.tokenize(text, "") for text in (term, *variants)):
            message = f"'{key}': the term '{term}' or one of its variants has no visible character"
            raise ValueError(message)


def scoring_mode(test_set: TestSet) -> str:
    """The mode whose dictionary scores the test set, whatever the system was given."""
    mode = test_set.tags.get("mode", "")
    has_dictionary = mode != WITHOUT_TERMS and any(mode in segment.gold for segment in test_set.segments)
    return mode if has_dictionary else FALLBACK_MODE


@dataclass(frozen=True, slots=True)
class Entry:
    """A dictionary entry in a segment: where the source asks for it.

    `occurrences` are its places in the source, `required` the first of them that lies in no
    longer entry; None if the segment does not require the entry.
    """

    term: str
    variants: tuple[str, ...]
    occurrences: tuple[Span, ...]
    required: Span | None


@lru_cache(maxsize=1 << 13)
def _entries(test_set: TestSet, position: int) -> tuple[Entry, ...]:
    """The entries of segment number `position`.

    Entries that stand for the same words of the source ("approval", "Approval") are one, with the
    variants of all.
    """
    segment = test_set.segments[position]
    language = test_set.tags.get("source_language", "")
    dictionary: Mapping[str, Sequence[str]] = segment.gold.get(scoring_mode(test_set), {})
    merged: dict[object, tuple[str, tuple[str, ...], tuple[Span, ...]]] = {}
    for term, variants in dictionary.items():
        occurrences = tuple(matching.find(term, segment.requests[0].source, language, lemmas=True))
        first, others, _ = merged.get(occurrences or term, (term, (), ()))
        merged[occurrences or term] = (first, (*others, *variants), occurrences)
    required = matching.outermost([occurrences for _, _, occurrences in merged.values()])
    return tuple(Entry(*entry, span) for entry, span in zip(merged.values(), required, strict=True))


def _placed(test_set: TestSet, position: int, output: str, *, use_lemmas: bool) -> Iterator[tuple[Entry, Span | None]]:
    """Each entry of a segment with its place in the output, which it shares with no other."""
    entries = _entries(test_set, position)
    language = test_set.tags.get("target_language", "")
    candidates: list[list[Span]] = []
    for entry in entries:
        variants = entry.variants if entry.required else ()
        places = {place for text in variants for place in matching.find(text, output, language, lemmas=use_lemmas)}
        candidates.append(sorted(places, key=matching.by_end))
    yield from zip(entries, matching.place(candidates), strict=True)


def statistics(test_set: TestSet, outputs: Mapping[str, Output], *, use_lemmas: bool) -> Statistics:
    """Counts per segment; columns `hits`, `terms`, `nested`, `absent`."""
    import numpy as np

    rows = np.zeros((len(test_set.segments), len(COLUMNS)), dtype=np.int64)
    for position, segment in enumerate(test_set.segments):
        output = outputs[segment.requests[0].id]
        for entry, place in _placed(test_set, position, output, use_lemmas=use_lemmas):
            is_required = entry.required is not None
            rows[position] += (
                place is not None,
                is_required,
                bool(entry.occurrences) and not is_required,
                not entry.occurrences,
            )
    return Statistics(COLUMNS, rows)


def evidence(
    test_set: TestSet,
    outputs: Mapping[str, Output],
    totals: Totals,  # noqa: ARG001 - the shape of an evidence function
    *,
    use_lemmas: bool,
) -> Iterable[Evidence]:
    """Each required term in the source, `found` or `missed`, and each found one in the output."""
    for position, segment in enumerate(test_set.segments):
        request = segment.requests[0]
        for entry, place in _placed(test_set, position, outputs[request.id], use_lemmas=use_lemmas):
            if entry.required is None:
                continue
            label = f"{entry.term} → {' | '.join(entry.variants)}"
            verdict = "missed" if place is None else "found"
            yield Evidence(segment.id, request.id, "source", *entry.required, verdict, label)
            if place is not None:
                yield Evidence(segment.id, request.id, "output", *place, verdict, label)


def signature(test_set: TestSet, *, use_lemmas: bool) -> str:
    """Everything that decides a term-success number."""
    source_language, target_language = (
        test_set.tags.get("source_language", ""),
        test_set.tags.get("target_language", ""),
    )
    parts = {
        "term": "v1",
        "dict": scoring_mode(test_set),
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
        packages=("simplemma",),
        evidence=partial(evidence, use_lemmas=use_lemmas),
    )


TERM_SUCCESS = _term_success("term-success", "Term success", use_lemmas=True)
TERM_SUCCESS_SURFACE = _term_success("term-success-surface", "Term success, surface forms", use_lemmas=False)

METRICS = {metric.name: metric for metric in (TERM_SUCCESS, TERM_SUCCESS_SURFACE, *COMPAT)}
