"""TER is sacrebleu's: every count, every distance and alignment, the score to the last bit, the signature."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import lib_ter
from sacrebleu.metrics.ter import TER

from harness.api import Request, Segment, Totals
from harness.api import TestSet as ATestSet
from harness.metrics import SHARED, ter
from harness.score import corpus_totals, segment_values

METRIC = SHARED["ter"]
ENDLESS = 10**15
WORDS = ["the", "The", "cat", "sat", "on", "mat", ".", "mat.", "a", "İ", "ΟΔΟΣ", "STRASSE", "straße", "猫", "\u0301"]
SPACES = [" ", " ", "  ", "\n", "\u2028", "\t", "\x1c"]

texts = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(SPACES)), max_size=12).map(
    lambda pairs: "".join(word + space for word, space in pairs)
) | st.text(max_size=12)


@st.composite
def corpora(draw, most=3):
    """(outputs, references by segment): one to three, not everywhere equally many."""
    references = draw(st.lists(st.lists(texts, min_size=1, max_size=most), min_size=1, max_size=6))
    return [draw(st.sampled_from(options) | texts) for options in references], references


@st.composite
def rearranged(draw):
    """(output, reference): words repeat, and stretches were moved, deleted, inserted or replaced."""
    word = st.sampled_from("abcdefghijklmnopqrstuvwxyz"[: draw(st.sampled_from([1, 2, 4, 8, 26]))])
    reference = draw(st.lists(word, max_size=draw(st.sampled_from([5, 12, 30, 60]))))
    output = list(reference)
    for _ in range(draw(st.integers(0, 5))):
        start, size = draw(st.integers(0, len(output))), draw(st.integers(1, 12))
        stretch = output[start : start + size]
        del output[start : start + size]
        edit = draw(st.sampled_from(["move", "move", "delete", "insert", "replace"]))
        if edit == "move":
            place = draw(st.integers(0, len(output)))
            output[place:place] = stretch
        elif edit != "delete":
            output[start:start] = draw(st.lists(word, max_size=size)) + (stretch if edit == "insert" else [])
    return output, reference


def streams(references):
    most = max(map(len, references))
    return [[options[k] if k < len(options) else None for options in references] for k in range(most)]


def build(references):
    segments = tuple(Segment(str(n), (Request(str(n), "", tuple(own)),), str(n)) for n, own in enumerate(references))
    return ATestSet("t", "toy", segments, {}, repr(references))


def ours(corpus):
    outputs, references = corpus
    return METRIC.statistics(build(references), {str(n): text for n, text in enumerate(outputs)})


def edits(output, reference):
    return ter.edits(output, reference, ter.Work(ENDLESS))


@settings(max_examples=300)
@given(corpora())
def test_edits_and_lengths_are_sacrebleus(corpus):
    outputs, references = corpus
    expected = TER()._extract_corpus_statistics(outputs, streams(references))
    assert ours(corpus).rows.tolist() == expected


@given(corpora(most=1))
def test_with_one_reference_all_is_integers(corpus):
    assert ours(corpus).rows.dtype == np.int64


@settings(max_examples=300)
@given(corpora())
def test_the_corpus_score_equals_sacrebleu_bit_for_bit(corpus):
    outputs, references = corpus
    expected = TER().corpus_score(outputs, streams(references)).score
    assert METRIC.value(corpus_totals(ours(corpus))) == expected


@pytest.mark.parametrize("most", [1, 2, 3])
def test_so_does_that_of_many_segments(most):
    """With three references the lengths are thirds, whose float sum depends on the order."""
    generator = random.Random(most)  # noqa: S311 - no secret
    sentence = [" ".join(generator.choices(WORDS, k=generator.randrange(9))) for _ in range(8000)]
    outputs, references = sentence[:2000], [[sentence[n + 2000 * k] for k in range(1, most + 1)] for n in range(2000)]
    expected = TER().corpus_score(outputs, streams(references)).score
    assert METRIC.value(corpus_totals(ours((outputs, references)))) == expected


@given(corpora())
def test_scores_of_segments_are_sacrebleus(corpus):
    outputs, references = corpus
    expected = [TER().sentence_score(text, own).score for text, own in zip(outputs, references, strict=True)]
    assert segment_values(METRIC, ours(corpus)).tolist() == expected


@given(corpora())
def test_the_signature_is_sacrebleus(corpus):
    outputs, references = corpus
    metric = TER()
    metric.corpus_score(outputs, streams(references))
    assert METRIC.signature(build(references)) == str(metric.get_signature())


@given(st.lists(corpora(most=2), min_size=1, max_size=4))
def test_many_totals_at_once_are_as_good_as_one_by_one(several):
    rows = np.array([corpus_totals(ours(corpus)).values for corpus in several] + [(0, 0), (3, 0)])
    expected = [METRIC.value(Totals(ter.COLUMNS, row)) for row in rows]
    assert METRIC.value(Totals(ter.COLUMNS, rows)).tolist() == expected
    assert expected[-2:] == [0.0, 100.0]


@settings(max_examples=1000)
@given(rearranged())
def test_edits_of_rearranged_words_are_sacrebleus(pair):
    output, reference = pair
    assert edits(output, reference) == lib_ter.translation_edit_rate(output, reference)[0]


def random_words(generator, kinds, size):
    return [str(generator.randrange(kinds)) for _ in range(size)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_so_are_those_of_long_texts(seed):
    """Longer than the beam is wide, and than a stretch may move; some reach the limit of 1,000 tries."""
    generator = random.Random(seed)  # noqa: S311 - no secret
    reference = random_words(generator, generator.choice([3, 20, 100]), generator.randrange(60, 160))
    output = list(reference)
    for _ in range(generator.randrange(8)):
        start, size = generator.randrange(len(output)), generator.randrange(1, 15)
        stretch, output[start : start + size] = output[start : start + size], []
        place = generator.randrange(len(output) + 1)
        output[place:place] = generator.choice([stretch, random_words(generator, 100, 5)])
    assert edits(output, reference) == lib_ter.translation_edit_rate(output, reference)[0]


def errors_of(running):
    return [after - before for before, after in pairwise(running)]


@pytest.mark.parametrize("beam", [1, 2, 3, 25])
@settings(max_examples=200)
@given(
    st.lists(st.sampled_from("abcde"), max_size=30),
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=30),
    st.integers(1, 60),
)
def test_distances_and_alignments_are_sacrebleus_in_any_beam(beam, output, part, times):
    """The reference may be hundreds of times as long, which widens the beam."""
    reference = (part * times)[: 600 if beam == 25 else 90]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lib_ter, "_BEAM_WIDTH", beam)
        patch.setattr(ter, "BEAM", beam)
        distance, trace = lib_ter.BeamEditDistance(reference)(output)
        table = ter.Table(output, reference, ter.Work(ENDLESS))
    positions, reference_errors, output_errors = lib_ter.trace_to_alignment(lib_ter._flip_trace(trace))
    found = table.alignment()
    assert table.distance == distance
    assert dict(enumerate(found.positions, start=-1)) == {-1: -1, **positions}
    assert errors_of(found.hypothesis_errors) == output_errors
    assert errors_of(found.reference_errors) == reference_errors


@given(rearranged(), st.data())
def test_the_distance_after_a_shift_is_that_of_the_shifted_words(pair, data):
    output, reference = [*pair[0], "a"], [*pair[1], "a"]
    length = data.draw(st.integers(1, min(10, len(output))))
    start = data.draw(st.integers(0, len(output) - length))
    target = data.draw(st.integers(0, len(output)))
    shifted = lib_ter._perform_shift(output, start, length, target)
    table = ter.Table(output, reference, ter.Work(ENDLESS))
    expected = lib_ter.BeamEditDistance(reference)(shifted)[0]
    assert table.distance_after(ter.Shift(length, start, target)) == expected
    table.move(ter.Shift(length, start, target))
    assert table.distance == expected
    assert table.alignment() == ter.Table(shifted, reference, ter.Work(ENDLESS)).alignment()


@given(texts)
def test_words_are_those_of_the_tokenizer(text):
    assert ter.words(text) == TER()._preprocess_segment(text).split()
