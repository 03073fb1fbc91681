"""Compat `wmt25-t1`: each quirk of the official scorer, by an example."""

from __future__ import annotations

import pytest

from ..scorer import METRICS
from ..wmt25 import COMPAT, lemma_string
from .examples import counts, make_test_set

PROPER_SURFACE, PROPER_LEMMA = METRICS["proper-success-surface"], METRICS["proper-success-lemma"]
RANDOM_SURFACE, RANDOM_LEMMA = METRICS["random-success-surface"], METRICS["random-success-lemma"]
SURFACE, BOTH_FORMS = [PROPER_SURFACE], [PROPER_SURFACE, PROPER_LEMMA]


def row(source, proper, random=None):
    return {"source": source, "proper": proper, "random": random or {}}


def test_the_list_holds_both_dictionaries_in_both_forms():
    assert [metric.name for metric in COMPAT] == [
        "proper-success-surface",
        "proper-success-lemma",
        "random-success-surface",
        "random-success-lemma",
    ]


@pytest.mark.parametrize("metric", BOTH_FORMS, ids=lambda metric: metric.name)
class TestSubstrings:
    """Columns: hits, terms."""

    def test_a_term_inside_a_word_counts_in_the_source(self, metric):
        assert counts(metric, make_test_set(row("the server", {"er": ["X"]})), "-") == [[0, 1]]

    def test_a_target_inside_a_word_counts_in_the_output(self, metric):
        assert counts(metric, make_test_set(row("he", {"he": ["er"]})), "Server") == [[1, 1]]

    def test_nothing_is_consumed(self, metric):
        test_set = make_test_set(row("blood pressure", {"blood": ["Blut"], "blood pressure": ["Blutdruck"]}))
        assert counts(metric, test_set, "Blutdruck") == [[2, 2]]

    def test_an_entry_counts_once_however_often_it_occurs(self, metric):
        assert counts(metric, make_test_set(row("drug, drug, drug", {"drug": ["Arznei"]})), "Arznei Arznei") == [[1, 1]]

    def test_an_entry_that_is_not_in_the_source_does_not_count(self, metric):
        assert counts(metric, make_test_set(row("nothing", {"drug": ["Arznei"]})), "Arznei") == [[0, 0]]

    def test_any_of_several_variants_will_do(self, metric):
        assert counts(metric, make_test_set(row("drug", {"drug": ["Arznei", "Mittel"]})), "Mittel") == [[1, 1]]

    def test_case_is_lowered(self, metric):
        assert counts(metric, make_test_set(row("DRUG", {"drug": ["ARZNEI"]})), "arznei") == [[1, 1]]

    def test_case_is_lowered_and_not_folded(self, metric):
        assert counts(metric, make_test_set(row("street", {"street": ["STRASSE"]})), "Straße") == [[0, 1]]

    def test_text_is_not_normalised(self, metric):
        assert counts(metric, make_test_set(row("device", {"device": ["Gerät"]})), "Gera\u0308t") == [[0, 1]]


class TestLemmas:
    def test_the_surface_rate_knows_no_lemmas_on_either_side(self):
        test_set = make_test_set(row("mice", {"mouse": ["Haus"]}))
        assert counts(PROPER_SURFACE, test_set, "Häuser") == [[0, 0]]
        assert counts(PROPER_LEMMA, test_set, "Häuser") == [[1, 1]]

    def test_the_surface_form_is_enough_where_the_lemma_differs(self):
        lemmatised = lemma_string("Häuser", "de")
        assert "häus" not in lemmatised
        assert counts(PROPER_LEMMA, make_test_set(row("houses", {"house": ["Häus"]})), "Häuser") == [[1, 1]]

    def test_lemmas_are_joined_so_that_a_term_of_two_words_can_match(self):
        assert lemma_string("Two mice.", "en") == "two|||mouse|||."
        assert counts(
            PROPER_LEMMA, make_test_set(row("white mice", {"white mouse": ["weiße Maus"]})), "weiße Mäuse"
        ) == [[1, 1]]

    def test_lemmas_are_looked_up_in_the_original_case(self):
        assert lemma_string("Reisen", "de") == "reise"
        assert lemma_string("reisen", "de") == "reisen"


@pytest.mark.parametrize("mode", ["noterm", "proper", "random"])
def test_both_dictionaries_score_in_every_mode(mode):
    test_set = make_test_set(row("The drug helps.", {"drug": ["Arznei"]}, {"helps": ["hilft"]}), mode=mode)
    for metric in (PROPER_SURFACE, PROPER_LEMMA):
        assert counts(metric, test_set, "Die Arznei.") == [[1, 1]]
    for metric in (RANDOM_SURFACE, RANDOM_LEMMA):
        assert counts(metric, test_set, "Die Arznei.") == [[0, 1]]


@pytest.mark.parametrize(
    ("metric", "dictionary", "lemma"),
    [(PROPER_SURFACE, "proper", "none"), (RANDOM_LEMMA, "random", "simplemma-")],
    ids=["surface", "lemma"],
)
def test_the_signature_names_the_quirks(metric, dictionary, lemma):
    signature = metric.signature(make_test_set(row("a", {"a": ["b"]})))
    assert signature.startswith(f"compat:wmt25-t1|dict:{dictionary}|match:substring|lemma:{lemma}")
    assert signature.endswith("|disjoint:no|case:lower")
