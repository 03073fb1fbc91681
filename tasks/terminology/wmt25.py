r"""Compat `wmt25-t1`: the success rates of WMT25 track 1, quirks included.

    rate = pairs whose target is in the output / pairs whose source term is in the source   0..1

Both tests are plain substring tests, without token boundaries and without consumption: one
stretch of text can satisfy many entries, and an entry counts once however often it occurs. Each
system is scored by both dictionaries in every mode.

    surface   lower-cased text
    lemma     surface, or: lower-cased lemmas joined with `|||`, of text and term alike

The official scorer lemmatises with stanza; here simplemma stands in its place, with tokens
`\w+|[^\\w\\s]` in their original case, lower-cased after. README.md says how far that is from the
published rates. A dictionary with several variants counts as found with any of them; the official
data have one.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from harness.api import Metric, Statistics, TestSet, ratio

from . import lemmas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.api import Output

COLUMNS = ("hits", "terms")
_TOKENS = re.compile(r"\w+|[^\w\s]")


@lru_cache(maxsize=1 << 13)
def lemma_string(text: str, language: str) -> str:
    """Lower-cased lemmas of a text, joined with `|||`."""
    return "|||".join(lemmas.lemma(token, language) for token in _TOKENS.findall(text)).lower()


def _contains(text: str, term: str, language: str, *, use_lemmas: bool) -> bool:
    if term.lower() in text.lower():
        return True
    return use_lemmas and lemma_string(term, language) in lemma_string(text, language)


def statistics(test_set: TestSet, outputs: Mapping[str, Output], *, dictionary: str, use_lemmas: bool) -> Statistics:
    """Counts per segment; columns `hits`, `terms`."""
    import numpy as np

    source_language = test_set.tags.get("source_language", "")
    target_language = test_set.tags.get("target_language", "")
    rows = np.zeros((len(test_set.segments), len(COLUMNS)), dtype=np.int64)
    for row, segment in zip(rows, test_set.segments, strict=True):
        request = segment.requests[0]
        for term, variants in segment.gold[dictionary].items():
            if _contains(request.source, term, source_language, use_lemmas=use_lemmas):
                row[1] += 1
                row[0] += any(
                    _contains(outputs[request.id], variant, target_language, use_lemmas=use_lemmas)
                    for variant in variants
                )
    return Statistics(COLUMNS, rows)


def signature(test_set: TestSet, *, dictionary: str, use_lemmas: bool) -> str:
    """Everything that decides the number."""
    languages = (test_set.tags.get("source_language", ""), test_set.tags.get("target_language", ""))
    lemma = ",".join(map(lemmas.signature, languages)) if use_lemmas else "none"
    return f"compat:wmt25-t1|dict:{dictionary}|match:substring|lemma:{lemma}|disjoint:no|case:lower"


def _rate(dictionary: str, form: str) -> Metric:
    use_lemmas = form == "lemma"
    return Metric(
        name=f"{dictionary}-success-{form}",
        title=f"WMT25 {dictionary} success, {form}",
        formula="hits / pairs (substring)",
        citation="Semenov et al. 2025 (WMT25 terminology shared task, track 1)",
        statistics=partial(statistics, dictionary=dictionary, use_lemmas=use_lemmas),
        value=ratio("hits", "terms"),
        signature=partial(signature, dictionary=dictionary, use_lemmas=use_lemmas),
        ratio=("hits", "terms"),
        packages=("simplemma",),
    )


COMPAT = tuple(_rate(dictionary, form) for dictionary in ("proper", "random") for form in ("surface", "lemma"))
