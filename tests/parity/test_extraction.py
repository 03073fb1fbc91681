"""Our counts for the WMT25 terminology archive are sacrebleu's, segment by segment.

Track 1: every file of outputs for German and Spanish; TER for those of one mode, for it takes
sacrebleu long. Track 2: whole documents, into Chinese and into English.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from harness.api import Request, Segment
from harness.api import TestSet as ATestSet
from harness.metrics import SHARED
from harness.metrics.bleu import tokenizer

pytestmark = [pytest.mark.parity, pytest.mark.slow]

MODES = ("noterm", "proper", "random")
DOCUMENTS = {"enzh": (2015, "zh"), "zhen": (2016, "en")}


@pytest.fixture(scope="module")
def archive(parity_root):
    (folder,) = (parity_root / "data" / "wmt-conference" / "wmt25-terminology").glob("*/ranking")
    return folder


@lru_cache
def texts(path, language):
    return [json.loads(line)[language] for line in path.read_text("utf-8").split("\n") if line]


@dataclass(frozen=True)
class Corpus:
    """References, and files of outputs for them."""

    language: str
    references: list[str]
    files: list

    @property
    def test_set(self):
        segments = (Segment(str(n), (Request(str(n), "", (text,)),), str(n)) for n, text in enumerate(self.references))
        return ATestSet("t", "x", tuple(segments), {"target_language": self.language}, repr(self.references))

    def assert_equal_counts(self, name, theirs):
        """Every count of every segment of every file; returns how many segments that were."""
        test_set, compared = self.test_set, 0
        for path in self.files:
            outputs = texts(path, self.language)
            assert len(outputs) == len(self.references), path.name
            found = SHARED[name].statistics(test_set, {str(n): text for n, text in enumerate(outputs)})
            assert found.rows.tolist() == theirs._extract_corpus_statistics(outputs, None), path.name
            compared += len(outputs)
        return compared


def track1(archive, language, modes=MODES):
    references = texts(archive / "references" / "track1" / f"full_data.en{language}.jsonl", language)
    folder = archive / "submissions" / "track1"
    return Corpus(
        language, references, sorted(path for mode in modes for path in folder.glob(f"*/*.en{language}.{mode}.jsonl"))
    )


def track2(archive, pair):
    year, language = DOCUMENTS[pair]
    references = texts(archive / "references" / "track2" / f"full_data_{year}.jsonl", language)
    return Corpus(language, references, sorted((archive / "submissions" / "track2").glob(f"*/*.{year}.{pair}.*.jsonl")))


def bleu_and_chrf(corpus):
    yield "bleu", BLEU(tokenize=tokenizer(corpus.test_set), force=True, references=[corpus.references])
    yield "chrf2", CHRF(references=[corpus.references])
    yield "chrf2++", CHRF(word_order=2, references=[corpus.references])


@pytest.mark.parametrize(("language", "files"), [("de", 52), ("es", 61)])
def test_bleu_and_chrf_of_every_sentence(archive, language, files):
    corpus = track1(archive, language)
    assert len(corpus.files) == files
    for name, theirs in bleu_and_chrf(corpus):
        assert corpus.assert_equal_counts(name, theirs) == 500 * files


@pytest.mark.parametrize(("language", "files"), [("de", 18), ("es", 21)])
def test_ter_of_every_sentence_of_one_mode(archive, language, files):
    corpus = track1(archive, language, ["proper"])
    assert corpus.assert_equal_counts("ter", TER(references=[corpus.references])) == 500 * files


@pytest.mark.parametrize(("pair", "documents"), [("enzh", 9), ("zhen", 10)])
def test_bleu_and_chrf_of_every_document(archive, pair, documents):
    corpus = track2(archive, pair)
    for name, theirs in bleu_and_chrf(corpus):
        assert corpus.assert_equal_counts(name, theirs) == 6 * documents


def test_ter_of_a_document(archive):
    """251 edits in 475 words, for which sacrebleu needs some seconds."""
    corpus = track2(archive, "zhen")
    output, reference = (found[1] for found in (texts(corpus.files[0], "en"), corpus.references))
    (expected,) = TER()._extract_corpus_statistics([output], [[reference]])
    found = SHARED["ter"].statistics(Corpus("en", [reference], []).test_set, {"0": output})
    assert found.rows.tolist() == [expected]


def test_ter_of_documents_of_2000_words_is_computed(archive):
    """One such took sacrebleu 115 seconds; 1,281 is what it found for the first of the first file."""
    corpus = track2(archive, "zhen")
    outputs = texts(corpus.files[0], "en")
    found = SHARED["ter"].statistics(corpus.test_set, {str(n): text for n, text in enumerate(outputs)})
    assert found.rows[0].tolist() == [1281, 2144]
