"""BLEU, bit-equal to sacrebleu's corpus score.

    BLEU = BP * exp(mean over n = 1..4 of ln p_n)          range 0..100
    p_n  = 100 * correct_n / total_n
    BP   = 1 if h >= r else exp(1 - r / h)                 h, r: hypothesis and reference tokens

`correct_n` counts hypothesis n-grams found in a reference, clipped at the largest count in one
reference; with several references r is the one closest in length. An order without a match is
smoothed exponentially (100 / (2^k * total_n) for the k-th such order); without any match BLEU
is 0. Tokens: 13a, or sacrebleu's tokenizer for zh, ja, ko.

Source: Papineni et al. 2002; Post 2018 (sacrebleu 2.6.0, the official scorer of WMT).
Edge cases: an empty output counts as length 0; a lone newline is white space to 13a.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from harness.api import Metric, Statistics, Totals
from harness.metrics import ngrams, references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from harness.api import Output, TestSet

_ORDERS = range(1, 5)
COLUMNS = (
    "hypothesis-tokens",
    "reference-tokens",
    *(f"correct-{n}" for n in _ORDERS),
    *(f"total-{n}" for n in _ORDERS),
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
_TOKENIZERS = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}


def tokenizer(test_set: TestSet) -> str:
    """The sacrebleu tokenizer for the target language of a test set; 13a unless it has its own."""
    return _TOKENIZERS.get(test_set.tags.get("target_language", ""), "13a")


def signature(test_set: TestSet) -> str:
    """The signature of sacrebleu itself, character for character."""
    nrefs, tok = references.reference_count(test_set), tokenizer(test_set)
    return f"nrefs:{nrefs}|case:mixed|eff:no|tok:{tok}|smooth:exp|version:{references.sacrebleu_version()}"


@lru_cache(maxsize=4)
def _tokenize(name: str) -> Callable[[str], Sequence[str]]:
    """Text to tokens, by the tokenizer of sacrebleu of that name.

    13a is applied to the pieces between white space, once to equal ones, and to those only that hold
    more than letters and digits. That changes nothing: white space ends every token, no pattern of 13a
    looks further than one character, for which white space is one like any other, and what 13a does to
    whole lines is done before.
    """
    import sacrebleu

    tokenizer: Any = sacrebleu.BLEU(tokenize=name, force=True).tokenizer
    if name != "13a":
        return lambda text: tokenizer(text.rstrip()).split()
    split = lru_cache(maxsize=1 << 16)(partial(_split_13a, tokenizer._post_tokenizer))  # noqa: SLF001 - no public door

    def tokenize(text: str) -> list[str]:
        tokens: list[str] = []
        for piece in text.rstrip().replace("<skipped>", "").replace("-\n", "").split():
            if piece.isalnum():
                tokens.append(piece)
            else:
                tokens += split(piece)
        return tokens

    return tokenize


def _split_13a(patterns: Callable[[str], str], piece: str) -> tuple[str, ...]:
    for entity, character in _ENTITIES:
        piece = piece.replace(entity, character)
    return tuple(patterns(f" {piece} ").split())


@lru_cache(maxsize=4)
def _references(test_set: TestSet) -> tuple[NDArray[np.float64], ngrams.References]:
    """Tokens of every reference, shape (references, requests), nan for none; and their n-grams."""
    import numpy as np

    tokenize = _tokenize(tokenizer(test_set))
    streams = references.reference_streams(test_set)
    tokens = [[() if text is None else tokenize(text) for text in stream] for stream in streams]
    missing = np.array([[text is None for text in stream] for stream in streams])
    lengths = np.where(missing, np.nan, [ngrams.lengths(stream) for stream in tokens])
    return lengths, ngrams.References(tokens, ngrams.Words, len(_ORDERS), pooled=True)


def statistics(test_set: TestSet, outputs: Mapping[str, Output]) -> Statistics:
    """Token and n-gram counts per segment, equal to those of sacrebleu's own extraction."""
    import numpy as np

    texts = references.hypotheses(test_set, outputs)
    reference_lengths, gold = _references(test_set)
    tokens = list(map(_tokenize(tokenizer(test_set)), texts))
    lengths = ngrams.lengths(tokens)
    closest = _closest(lengths, reference_lengths)
    totals = ngrams.totals(lengths, len(_ORDERS))
    rows: Any = np.column_stack([lengths, closest, gold.matches(tokens)[0], totals])
    return Statistics(COLUMNS, references.rows_per_segment(test_set, rows))


def _closest(lengths: NDArray[np.int64], options: NDArray[np.float64]) -> NDArray[np.int64]:
    """The reference length (references, n) closest to each length (n,); of two equally close the smaller."""
    import numpy as np

    distance = np.abs(options - lengths)
    is_closest = distance == np.nanmin(distance, axis=0)
    closest: NDArray[np.int64] = np.nanmin(np.where(is_closest, options, np.nan), axis=0).astype(np.int64)
    return closest


def value(totals: Totals) -> float | NDArray[np.float64]:
    """The score of one corpus with `math` (bit-equal), or of many with NumPy."""
    if totals.values.ndim == 1:
        return _exact(totals, effective_order=False)
    return _vectorised(totals)


def sentence_value(totals: Totals) -> NDArray[np.float64]:
    """Sentence BLEU with effective order: orders longer than the hypothesis do not count."""
    import numpy as np

    rows = totals.values
    return np.array([_exact(Totals(totals.columns, row), effective_order=True) for row in rows], dtype=np.float64)


def _exact(totals: Totals, *, effective_order: bool) -> float:
    import sacrebleu

    counts = [int(count) for count in totals.values]
    score = sacrebleu.BLEU.compute_bleu(
        correct=counts[2:6],
        total=counts[6:10],
        sys_len=counts[0],
        ref_len=counts[1],
        smooth_method="exp",
        effective_order=effective_order,
    )
    return float(score.score)


def _vectorised(totals: Totals) -> NDArray[np.float64]:
    import numpy as np

    hypothesis, reference = totals["hypothesis-tokens"], totals["reference-tokens"]
    with np.errstate(divide="ignore", invalid="ignore"):
        brevity = np.where(hypothesis < reference, np.exp(1 - reference / hypothesis), 1.0)
        doublings = np.zeros(hypothesis.shape)
        logarithms: Any = 0.0
        for n in _ORDERS:
            correct, total = totals[f"correct-{n}"], totals[f"total-{n}"]
            doublings = doublings + (correct == 0)
            smoothed = np.where(correct == 0, np.exp2(-doublings), correct)
            logarithms = logarithms + np.log(100.0 * smoothed / total)
        score = brevity * np.exp(logarithms / len(_ORDERS))
    no_match = sum(totals[f"correct-{n}"] for n in _ORDERS) == 0
    too_short = totals[f"total-{_ORDERS[-1]}"] == 0
    return np.where(no_match | too_short | (hypothesis == 0), 0.0, score)


def resampled_scores(sums: NDArray[Any]) -> NDArray[Any]:
    """The last step of sacrebleu's paired tests."""
    from harness.metrics.official_resampling import bleu_scores

    return bleu_scores(sums)


BLEU = Metric(
    name="bleu",
    title="BLEU",
    formula="BP · exp(¼ Σ ln pₙ), n = 1..4",
    citation="Papineni et al. 2002; Post 2018 (sacrebleu)",
    statistics=statistics,
    value=value,
    signature=signature,
    unit="points",
    segments=sentence_value,
    sacrebleu=resampled_scores,
    packages=("sacrebleu",),
)
