"""BLEU, chrF2 and chrF2++ are sacrebleu's, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness.api import Request, Segment, Totals
from harness.api import TestSet as ATestSet
from harness.metrics import SHARED
from harness.score import corpus_totals, segment_values

ENGLISH = ["the", "cat", "sat", "on", "mat", "a", "don't", "3.5", "U.S.", "(really)", "&amp;", "end.", ","]
GERMAN = ["die", "Katze", "saß", "auf", "der", "Matte", "Straße", "„Größe“", "über", "10.000", "\u2013", "Übung,"]
CHINESE = ["猫", "坐在", "垫子上", "。", "\uff0c", "机器翻译", "2024年", "GPU", "「好」"]
WHITE = [" ", " ", " ", "  ", "\n", "\u2028", "\t"]


def texts(words):
    """Sentences in which words repeat, so that n-grams of all orders match; also the empty one."""
    tokens = st.lists(st.tuples(st.sampled_from(words), st.sampled_from(WHITE)), max_size=12)
    return tokens.map(lambda pairs: "".join(word + white for word, white in pairs)) | st.just("")


@st.composite
def corpora(draw):
    """(language, hypotheses, references by segment); the number of references may vary."""
    language, words = draw(st.sampled_from([("en", ENGLISH), ("de", GERMAN), ("zh", CHINESE)]))
    text = texts(words)
    most = draw(st.integers(1, 3))
    fewest = draw(st.integers(1, most))
    references = draw(st.lists(st.lists(text, min_size=fewest, max_size=most), min_size=1, max_size=6))
    near = [st.sampled_from(options) | text for options in references]
    return language, [draw(choice) for choice in near], references


def build(language, references, suffix=""):
    segments = tuple(
        Segment(str(n), (Request(str(n), "", tuple(options)),), str(n)) for n, options in enumerate(references)
    )
    digest = repr((language, references, suffix))
    return ATestSet("t", "toy", segments, {"target_language": language}, digest)


def outputs_of(hypotheses):
    return {str(n): text for n, text in enumerate(hypotheses)}


def streams(references):
    most = max(map(len, references))
    return [[options[k] if k < len(options) else None for options in references] for k in range(most)]


def theirs(name, language, **facts):
    if name == "bleu":
        return BLEU(tokenize="zh" if language == "zh" else "13a", **facts)
    return CHRF(word_order=2 if name == "chrf2++" else 0)


def ours(name, corpus):
    language, hypotheses, references = corpus
    test_set = build(language, references)
    return test_set, SHARED[name].statistics(test_set, outputs_of(hypotheses))


by_metric = pytest.mark.parametrize("name", ["bleu", "chrf2", "chrf2++"])


def test_these_are_all_shared_metrics():
    assert set(SHARED) == {"bleu", "chrf2", "chrf2++", "ter"}


@by_metric
@given(corpora())
def test_the_corpus_score_equals_sacrebleu_bit_for_bit(name, corpus):
    language, hypotheses, references = corpus
    _, statistics = ours(name, corpus)
    expected = theirs(name, language).corpus_score(hypotheses, streams(references)).score
    assert SHARED[name].value(corpus_totals(statistics)) == expected


@by_metric
@given(corpora())
def test_the_signature_is_sacrebleus(name, corpus):
    language, hypotheses, references = corpus
    metric = theirs(name, language)
    metric.corpus_score(hypotheses, streams(references))
    assert SHARED[name].signature(build(language, references)) == str(metric.get_signature())


@by_metric
@given(st.lists(corpora(), min_size=1, max_size=4))
def test_the_vectorised_value_agrees_with_the_exact_one(name, several):
    rows = [corpus_totals(ours(name, corpus)[1]).values for corpus in several]
    rows += [np.zeros_like(rows[0]), *ours(name, several[0])[1].rows]
    columns = ours(name, several[0])[1].columns
    found = SHARED[name].value(Totals(columns, np.array(rows, dtype=float)))
    expected = [SHARED[name].value(Totals(columns, row)) for row in rows]
    assert found == pytest.approx(expected, rel=1e-9, abs=0)


SHORT_AND_UNMATCHED = [
    pytest.param("", "a b c d e", id="empty output"),
    pytest.param("a", "a", id="one word"),
    pytest.param("a b c", "a b c", id="no 4-gram"),
    pytest.param("x y z v w", "a b c d e", id="no match"),
    pytest.param("a y c w e", "a b c d e", id="unigrams only"),
    pytest.param("a b y d e", "a b c d e", id="bigrams only"),
    pytest.param("a b c d", "a b c d e f g h", id="brevity"),
    pytest.param("a b c d e f g h", "a b c d", id="longer"),
]


@by_metric
@pytest.mark.parametrize(("hypothesis", "reference"), SHORT_AND_UNMATCHED)
def test_edge_cases_are_the_same_in_all_three_ways(name, hypothesis, reference):
    _, statistics = ours(name, ("en", [hypothesis], [[reference]]))
    expected = theirs(name, "en").corpus_score([hypothesis], [[reference]]).score
    assert SHARED[name].value(corpus_totals(statistics)) == expected
    stacked = Totals(statistics.columns, np.tile(statistics.rows, (3, 1)))
    assert SHARED[name].value(stacked) == pytest.approx([expected] * 3, rel=1e-9, abs=0)


@by_metric
@given(corpora())
def test_statistics_are_integers_and_additive(name, corpus):
    language, hypotheses, references = corpus
    _, statistics = ours(name, corpus)
    assert statistics.rows.dtype == np.int64
    assert statistics.rows.shape == (len(references), len(statistics.columns))
    one_by_one = [ours(name, (language, [text], [options]))[1].rows[0] for text, options in zip(hypotheses, references)]  # noqa: B905
    assert (sum(one_by_one) == corpus_totals(statistics).values).all()


@by_metric
@given(corpora(), st.randoms(use_true_random=False))
def test_permuting_segments_changes_nothing(name, corpus, generator):
    language, hypotheses, references = corpus
    order = list(range(len(references)))
    generator.shuffle(order)
    permuted = (language, [hypotheses[n] for n in order], [references[n] for n in order])
    (before_set, before), (after_set, after) = ours(name, corpus), ours(name, permuted)
    assert SHARED[name].value(corpus_totals(after)) == SHARED[name].value(corpus_totals(before))
    assert SHARED[name].signature(after_set) == SHARED[name].signature(before_set)
    assert (after.rows == before.rows[order]).all()


@given(corpora())
def test_sentence_bleu_has_effective_order_as_in_sacrebleu(corpus):
    language, hypotheses, references = corpus
    _, statistics = ours("bleu", corpus)
    metric = theirs("bleu", language, effective_order=True)
    expected = [metric.sentence_score(text, options).score for text, options in zip(hypotheses, references)]  # noqa: B905
    assert segment_values(SHARED["bleu"], statistics).tolist() == expected


@pytest.mark.parametrize("name", ["chrf2", "chrf2++"])
@given(corpora())
def test_sentence_chrf_is_sacrebleus(name, corpus):
    language, hypotheses, references = corpus
    _, statistics = ours(name, corpus)
    metric = theirs(name, language)
    expected = [metric.sentence_score(text, options).score for text, options in zip(hypotheses, references)]  # noqa: B905
    assert segment_values(SHARED[name], statistics) == pytest.approx(expected, rel=1e-9, abs=0)


@by_metric
def test_a_request_without_reference_is_an_error_and_not_a_score(name):
    test_set = build("en", [["a"], []])
    with pytest.raises(ValueError, match="request 1 has no reference"):
        SHARED[name].statistics(test_set, {"0": "a", "1": "b"})


@by_metric
def test_the_score_of_the_reference_is_the_maximum(name):
    text = "the quick brown fox jumps over the lazy dog"
    _, statistics = ours(name, ("en", [text], [[text]]))
    assert SHARED[name].value(corpus_totals(statistics)) == pytest.approx(100, rel=1e-12)


@by_metric
@settings(max_examples=30)
@given(corpora())
def test_requests_of_one_segment_are_summed(name, corpus):
    language, hypotheses, references = corpus
    assume(len(references) > 1)
    requests = [Request(str(n), "", tuple(options)) for n, options in enumerate(references)]
    segments = (Segment("pair", tuple(requests[:2]), "pair"), *(Segment(r.id, (r,), r.id) for r in requests[2:]))
    test_set = ATestSet("t", "toy", segments, {"target_language": language}, repr(("pairs", language, references)))
    found = SHARED[name].statistics(test_set, outputs_of(hypotheses)).rows
    single = ours(name, corpus)[1].rows
    assert (found[0] == single[:2].sum(axis=0)).all()
    assert (found[1:] == single[2:]).all()
