"""The counts of BLEU, chrF2 and chrF2++ are sacrebleu's, for any text, in blocks of any size."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness.api import Request, Segment, Totals
from harness.api import TestSet as ATestSet
from harness.metrics import SHARED, bleu, chrf, ngrams

LATIN = "a b the The cat cats x1 3.5 10,000 1-2 - -- 2- .5 5. don't U.S. (so) so, ... . , ,, ' & § e.g. a_b x- #1 @"
ENTITIES = r"&amp; &amp;lt; &quot;q&quot; &lt <skipped> <ski<skipped>pped> [x] {~} \ ^ ` /"
OTHERS = "Straße „Größe“ e\u0301 \u0301 i\u0307 ǆ ﬁ кот Кот. ё «да» שלום مرحبا १२३ \u0663.\u0665"
WIDE = "猫 坐在 。 \uff0c 机器 「好」 カタカナ ｶﾅ 日本語 고양이 \U00020000 2024年 🙂 👩\u200d👩\u200d👧 🇩🇪"
RARE = ["-\n", "-<skipped>\n", "\u200b", "\ufeff", "\ud800", "\0", "\x7f"]
PIECES = [*f"{LATIN} {ENTITIES} {OTHERS} {WIDE}".split(), *RARE]
SPACES = ["", "", " ", " ", " ", "  ", "\n", "\t", "\r\n", "\u2028", "\xa0", "\u3000", "\x1c", "\x85"]
LANGUAGES = ["en", "zh"]

pieces = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(SPACES)), max_size=10)
texts = st.one_of(
    pieces.map(lambda pairs: "".join(piece + space for piece, space in pairs)),
    pieces.map(lambda pairs: " ".join(piece for piece, _ in pairs)),
    st.text(alphabet="ab .", max_size=20),
    st.text(max_size=20),
    st.sampled_from(["", " ", "\n", " \n\t", "\u3000"]),
)


@st.composite
def corpora(draw):
    """(outputs, references by segment): one to three, not everywhere equally many; some outputs equal one."""
    references = draw(st.lists(st.lists(texts, min_size=1, max_size=3), min_size=1, max_size=6))
    return [draw(st.sampled_from(options) | texts) for options in references], references


def streams(references):
    most = max(map(len, references))
    return [[options[k] if k < len(options) else None for options in references] for k in range(most)]


def build(language, references):
    segments = tuple(Segment(str(n), (Request(str(n), "", tuple(own)),), str(n)) for n, own in enumerate(references))
    return ATestSet("t", "toy", segments, {"target_language": language}, repr((language, references)))


def ours(name, language, corpus):
    outputs, references = corpus
    return SHARED[name].statistics(build(language, references), dict(zip(map(str, range(len(outputs))), outputs)))  # noqa: B905


def theirs(name, language, corpus):
    outputs, references = corpus
    if name == "bleu":
        metric = BLEU(tokenize={"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}.get(language, "13a"), force=True)
    else:
        metric = CHRF(word_order=2 if name == "chrf2++" else 0)
    return metric._extract_corpus_statistics(outputs, streams(references))


by_metric = pytest.mark.parametrize("name", ["bleu", "chrf2", "chrf2++"])
by_language = pytest.mark.parametrize("language", LANGUAGES)


@by_metric
@by_language
@settings(max_examples=200)
@given(corpora())
def test_counts_are_sacrebleus(name, language, corpus):
    assert ours(name, language, corpus).rows.tolist() == theirs(name, language, corpus)


@contextmanager
def sizes(**constants):
    """Other sizes of integers, blocks and batches; nothing that was made with others is kept."""
    with pytest.MonkeyPatch.context() as patch:
        for constant, size in constants.items():
            patch.setattr(ngrams, constant, size)
        bleu._references.cache_clear()
        chrf._references.cache_clear()
        yield
    bleu._references.cache_clear()
    chrf._references.cache_clear()


@by_metric
@given(corpora(), st.integers(1, 40), st.integers(1, 40))
def test_counts_do_not_depend_on_blocks(name, corpus, block, batch):
    with sizes(BLOCK=block, BATCH=batch):
        assert ours(name, "en", corpus).rows.tolist() == theirs(name, "en", corpus)


@by_metric
@given(corpora(), st.integers(18, 40))
def test_orders_that_do_not_fit_into_one_integer_are_ranked(name, corpus, bits):
    with sizes(INTEGER_BITS=bits):
        assert ours(name, "en", corpus).rows.tolist() == theirs(name, "en", corpus)


def test_ranking_happens_only_where_integers_are_too_small():
    text = ["abcdefgh"]
    assert [level.orders for level in levels(text)] == [range(6)]
    with sizes(INTEGER_BITS=15):  # 1 bit for the number of the text, 1 for the side, 4 for a character
        assert [level.orders for level in levels(text)] == [range(3), range(3, 5), range(5, 6)]


def levels(texts):
    (block,) = ngrams.References([texts], ngrams.Characters, 6)._blocks.values()
    return block._levels


def test_what_fits_into_no_integer_is_an_error_and_not_a_count():
    with sizes(INTEGER_BITS=5), pytest.raises(OverflowError, match="1 n-grams over 8 tokens are too many for 5 bits"):
        ngrams.References([["abcdefgh"]], ngrams.Characters, 6)


def test_large_alphabets_and_long_texts():
    """As in Chinese: here integers of 63 bits are too small without a trick."""
    generator = np.random.default_rng(7)
    alphabet = np.array([chr(0x4E00 + n) for n in range(5000)])
    references = ["".join(generator.choice(alphabet, 3000)) for _ in range(20)]
    outputs = [text[:1000] + text[500:2000] + text[2500:] + "".join(alphabet[:50]) for text in references]
    assert len(levels(references)) > 1
    for name in ("bleu", "chrf2++"):
        corpus = outputs, [[text] for text in references]
        assert ours(name, "zh", corpus).rows.tolist() == theirs(name, "zh", corpus)


MECAB = {"ja": ("MeCab", "ja"), "ko": ("mecab_ko", "ko")}
SENTENCES = {
    "ja": ["猫がマットの上に座った。", "猫はマットに座っています。", "", "GPUで機械翻訳を3.5倍速くする。"],
    "ko": ["고양이가 매트 위에 앉았다.", "고양이는 매트에 앉아 있습니다.", "", "GPU로 번역을 3.5배 빠르게 한다."],
}


@pytest.mark.parametrize("language", MECAB)
@settings(max_examples=50)
@given(data=st.data())
def test_counts_with_mecab_are_sacrebleus(language, data):
    module, extra = MECAB[language]
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed: it comes with the extra '{extra}'")
    text = st.sampled_from(SENTENCES[language]) | texts.filter(lambda text: text.isprintable())
    references = data.draw(st.lists(st.lists(text, min_size=1, max_size=2), min_size=1, max_size=3))
    corpus = [data.draw(text) for _ in references], references
    assert ours("bleu", language, corpus).rows.tolist() == theirs("bleu", language, corpus)


@settings(max_examples=300)
@given(texts)
def test_tokens_of_13a_are_sacrebleus(text):
    assert list(bleu._tokenize("13a")(text)) == BLEU(tokenize="13a")._preprocess_segment(text).split()


@settings(max_examples=300)
@given(texts)
def test_words_of_chrf_are_sacrebleus(text):
    assert chrf._words(text.split()) == CHRF(word_order=2)._remove_punctuation(text)


@pytest.mark.parametrize("name", ["chrf2", "chrf2++"])
@given(corpora())
def test_the_score_of_many_rows_is_sacrebleus_bit_for_bit(name, corpus):
    """Else a segment with several references might take another one."""
    metric = CHRF(word_order=2 if name == "chrf2++" else 0)
    rows = ours(name, "en", corpus).rows
    assert chrf._vectorised(rows).tolist() == [metric._compute_f_score(row) for row in rows.tolist()]


@pytest.mark.parametrize("references", [["aaa a", "a a a"], ["a a a", "aaa a"]])
def test_of_equally_good_references_the_first_counts(references):
    """Both score 20.588 (7 of 34) by other counts."""
    rows = [ours("chrf2++", "en", (["ab a"], [[text]])).rows for text in references]
    scores = [chrf.value(Totals(chrf.columns(2), row[0])) for row in rows]
    assert scores[0] == scores[1]
    assert rows[0].tolist() != rows[1].tolist()
    assert ours("chrf2++", "en", (["ab a"], [references])).rows.tolist() == rows[0].tolist()
    assert theirs("chrf2++", "en", (["ab a"], [references])) == rows[0].tolist()


def test_an_empty_reference_is_one_and_a_missing_one_is_none():
    """The empty one is as close in length as can be, and the worst for chrF."""
    outputs, references = ["", "a"], [["a b c"], ["a b c", ""]]
    for name in ("bleu", "chrf2++"):
        assert ours(name, "en", (outputs, references)).rows.tolist() == theirs(name, "en", (outputs, references))
    assert ours("bleu", "en", (outputs, references)).rows[:, 1].tolist() == [3, 0]
