"""Term success: which terms are required, which are found, and what explains it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from harness.api import Totals

from ..scorer import METRICS, TERM_SUCCESS, TERM_SUCCESS_SURFACE, requests, scoring_mode
from .examples import counts, make_test_set, outputs_of

DRUG = {"source": "The drug helps.", "proper": {"drug": ["Arzneimittel"]}, "random": {"helps": ["hilft"]}}


class TestRequiredTerms:
    """Columns: hits, terms, nested, absent."""

    def test_columns(self):
        statistics = TERM_SUCCESS.statistics(make_test_set(DRUG), {"1": ""})
        assert statistics.columns == ("hits", "terms", "nested", "absent")
        assert statistics.rows.dtype == np.int64

    @pytest.mark.parametrize(
        ("output", "expected"),
        [
            ("Das Arzneimittel hilft.", [1, 1, 0, 0]),
            ("Die Wirkung des Arzneimittels.", [1, 1, 0, 0]),
            ("Die Arzneimittelwirkung.", [1, 1, 0, 0]),
            ("Das Medikament hilft.", [0, 1, 0, 0]),
            ("", [0, 1, 0, 0]),
        ],
    )
    def test_a_required_term_is_found_or_missed(self, output, expected):
        assert counts(TERM_SUCCESS, make_test_set(DRUG), output) == [expected]

    def test_a_term_is_required_once_however_often_it_occurs(self):
        row = {**DRUG, "source": "drug, drug, drugs"}
        assert counts(TERM_SUCCESS, make_test_set(row), "Arzneimittel") == [[1, 1, 0, 0]]

    def test_a_source_term_is_recognised_by_its_lemma_also_by_the_surface_metric(self):
        row = {**DRUG, "source": "Many drugs help."}
        assert counts(TERM_SUCCESS_SURFACE, make_test_set(row), "Arzneimittel") == [[1, 1, 0, 0]]

    def test_a_term_that_is_not_in_the_source_is_absent_and_not_required(self):
        row = {**DRUG, "source": "The treatment helps."}
        assert counts(TERM_SUCCESS, make_test_set(row), "Arzneimittel") == [[0, 0, 0, 1]]

    def test_a_term_inside_a_longer_one_is_nested_and_not_required(self):
        row = {"source": "Check the blood pressure.", "proper": {"blood": ["Blut"], "blood pressure": ["Blutdruck"]}}
        assert counts(TERM_SUCCESS, make_test_set(row), "Blut und Blutdruck") == [[1, 1, 1, 0]]

    def test_a_nested_term_that_also_stands_alone_is_required(self):
        row = {"source": "blood and blood pressure", "proper": {"blood": ["Blut"], "blood pressure": ["Blutdruck"]}}
        assert counts(TERM_SUCCESS, make_test_set(row), "Blut und Blutdruck") == [[2, 2, 0, 0]]


class TestFoundTerms:
    def test_one_word_of_the_output_serves_one_term_only(self):
        row = {"source": "blood and blood pressure", "proper": {"blood": ["Blut"], "blood pressure": ["Blutdruck"]}}
        assert counts(TERM_SUCCESS, make_test_set(row), "Blutdruck") == [[1, 2, 0, 0]]

    def test_two_terms_may_share_one_compound(self):
        row = {"source": "wound and dressing", "proper": {"wound": ["Wund"], "dressing": ["Auflage"]}}
        assert counts(TERM_SUCCESS, make_test_set(row), "Wundauflage") == [[2, 2, 0, 0]]

    def test_entries_that_differ_in_case_only_do_not_both_require_a_place(self):
        proper = {"approval": ["autorización"], "Approval": ["Autorización"]}
        test_set = make_test_set({"source": "Approval in Progress", "proper": proper}, target_language="es")
        ((hits, terms, *_),) = counts(TERM_SUCCESS, test_set, "Autorización en curso")
        assert hits == terms

    def test_any_variant_will_do_and_two_variants_count_once(self):
        row = {"source": "The nurse.", "proper": {"nurse": ["Pflegefachkraft", "Pflegekraft"]}}
        assert counts(TERM_SUCCESS, make_test_set(row), "Die Pflegekraft.") == [[1, 1, 0, 0]]
        assert counts(TERM_SUCCESS, make_test_set(row), "Pflegefachkraft, Pflegekraft") == [[1, 1, 0, 0]]

    def test_inflected_outputs_count_unless_only_surface_forms_do(self):
        row = {"source": "two wounds", "proper": {"wound": ["plaie"]}}
        test_set = make_test_set(row, target_language="fr")
        assert counts(TERM_SUCCESS, test_set, "deux plaies") == [[1, 1, 0, 0]]
        assert counts(TERM_SUCCESS_SURFACE, test_set, "deux plaies") == [[0, 1, 0, 0]]

    def test_a_segment_without_terms_counts_nothing(self):
        assert counts(TERM_SUCCESS, make_test_set({"source": "Hello.", "proper": {}}), "Hallo.") == [[0, 0, 0, 0]]

    def test_there_is_one_row_per_segment_in_order(self):
        other = {"source": "The ward.", "proper": {"ward": ["Station"]}}
        assert counts(TERM_SUCCESS, make_test_set(DRUG, other), "Arzneimittel", "-") == [[1, 1, 0, 0], [0, 1, 0, 0]]


class TestValue:
    def test_it_is_hits_over_terms(self):
        assert TERM_SUCCESS.value(Totals(("hits", "terms", "nested", "absent"), np.array([2, 3, 9, 9]))) == 2 / 3
        assert TERM_SUCCESS.ratio == ("hits", "terms")

    def test_no_required_term_is_undefined_not_zero(self):
        totals = Totals(("hits", "terms", "nested", "absent"), np.zeros((2, 4), dtype=np.int64))
        assert np.isnan(TERM_SUCCESS.value(totals)).all()
        assert math.isnan(TERM_SUCCESS.value(Totals(totals.columns, totals.values[0])))


class TestModes:
    def test_the_dictionary_of_the_mode_scores(self):
        assert counts(TERM_SUCCESS, make_test_set(DRUG, mode="random"), "Es hilft.") == [[1, 1, 0, 0]]
        assert counts(TERM_SUCCESS, make_test_set(DRUG, mode="proper"), "Es hilft.") == [[0, 1, 0, 0]]

    @pytest.mark.parametrize("mode", ["noterm", ""])
    def test_without_terms_the_proper_dictionary_scores(self, mode):
        test_set = make_test_set(DRUG, mode=mode)
        assert scoring_mode(test_set) == "proper"
        assert counts(TERM_SUCCESS, test_set, "Das Arzneimittel.") == [[1, 1, 0, 0]]

    def test_an_empty_noterm_dictionary_in_the_gold_changes_nothing(self):
        test_set = make_test_set({**DRUG, "noterm": {}}, mode="noterm")
        assert counts(TERM_SUCCESS, test_set, "Das Arzneimittel.") == [[1, 1, 0, 0]]

    @pytest.mark.parametrize(
        ("mode", "terms"), [("proper", DRUG["proper"]), ("random", DRUG["random"]), ("noterm", {})]
    )
    def test_a_request_carries_the_terms_of_its_mode_and_nothing_of_the_reference(self, mode, terms):
        (request,) = requests({"id": "1", "references": ["Geheim"], **DRUG}, {"mode": mode})
        assert request.to_dict() == {"id": "1", "source": DRUG["source"], "terms": terms}
        assert "Geheim" not in json.dumps(request.to_dict())
        assert request.references == ("Geheim",)


ROW = {"id": "1", "source": "a", "references": ["b"]}


class TestDictionariesAreChecked:
    @pytest.mark.parametrize(
        ("dictionaries", "message"),
        [
            ({}, "'proper' is a dictionary"),
            ({"proper": ["drug"]}, "'proper' is a dictionary"),
            ({"proper": {"drug": []}}, "'proper': each term has a non-empty list"),
            ({"proper": {"drug": "Arzneimittel"}}, "'proper': each term has a non-empty list"),
            ({"proper": {" ": ["Arzneimittel"]}}, "'proper': the term ' '"),
            ({"proper": {"drug": [""]}}, "'drug' or one of its variants has no visible character"),
            ({"proper": {"drug": ["Arzneimittel", " \t"]}}, "'drug' or one of its variants has no visible character"),
            ({"proper": {"drug": [None]}}, "variants, which are strings"),
            ({"proper": {}, "random": {"drug": [""]}}, "'random': the term 'drug'"),
        ],
    )
    def test_a_dictionary_that_nothing_could_match_is_refused(self, dictionaries, message):
        with pytest.raises(ValueError, match=message):
            requests({**ROW, **dictionaries}, {"mode": "proper"})

    @pytest.mark.parametrize("row", [{"source": 1, "references": ["b"]}, {"source": "a", "references": [{"x": 1}]}])
    def test_source_and_reference_are_text(self, row):
        with pytest.raises(ValueError, match="strings"):
            requests({"id": "1", "proper": {}, **row}, {})

    def test_a_variant_that_normalises_to_nothing_is_refused(self):
        with pytest.raises(ValueError, match="no visible character"):
            requests({**ROW, "proper": {"drug": ["\u200b"]}}, {"mode": "proper"})


class TestEvidence:
    def spans(self, test_set, *texts):
        """(text, stretch, verdict) of each piece of evidence."""
        outputs = outputs_of(test_set, *texts)
        sources = {request.id: request.source for request in test_set.requests}
        totals = Totals(("hits", "terms", "nested", "absent"), np.zeros(4))
        for found in TERM_SUCCESS.evidence(test_set, outputs, totals):
            text = sources[found.request] if found.text == "source" else outputs[found.request]
            yield found.text, text[found.start : found.end], found.verdict

    def test_a_found_term_is_shown_in_the_source_and_in_the_output(self):
        assert list(self.spans(make_test_set(DRUG), "Das Arzneimittel hilft.")) == [
            ("source", "drug", "found"),
            ("output", "Arzneimittel", "found"),
        ]

    def test_a_missed_term_is_shown_in_the_source_only(self):
        assert list(self.spans(make_test_set(DRUG), "Es hilft.")) == [("source", "drug", "missed")]

    def test_nested_and_absent_terms_are_not_shown(self):
        row = {"source": "blood pressure", "proper": {"blood": ["Blut"], "blood pressure": ["Druck"], "drug": ["x"]}}
        assert list(self.spans(make_test_set(row), "-")) == [("source", "blood pressure", "missed")]

    def test_the_label_names_the_term_and_all_its_variants(self):
        test_set = make_test_set({"source": "The nurse.", "proper": {"nurse": ["Pflegefachkraft", "Pflegekraft"]}})
        totals = Totals(("hits", "terms", "nested", "absent"), np.zeros(4))
        (found,) = TERM_SUCCESS.evidence(test_set, {"1": "-"}, totals)
        assert found.label == "nurse → Pflegefachkraft | Pflegekraft"

    def test_its_counts_are_those_of_the_statistics(self):
        row = {"source": "the ward and the drug", "proper": {"ward": ["Station"], "drug": ["Arzneimittel"]}}
        test_set = make_test_set(row, DRUG)
        texts = ("Die Station.", "Das Arzneimittel.")
        (hits, terms, *_) = np.sum(counts(TERM_SUCCESS, test_set, *texts), axis=0)
        shown = list(self.spans(test_set, *texts))
        assert sum(text == "source" for text, *_ in shown) == terms == 3
        assert sum(text == "output" for text, *_ in shown) == hits == 2


class TestSignature:
    def test_it_names_everything_that_decides_the_number(self):
        parts = dict(part.split(":", 1) for part in TERM_SUCCESS.signature(make_test_set(DRUG)).split("|"))
        version = parts["lemma"].removeprefix("simplemma-")
        assert parts == {
            "term": "v1",
            "dict": "proper",
            "match": "edge4",
            "lemma": f"simplemma-{version}",
            "source": f"token,simplemma-{version}",
            "disjoint": "yes",
            "norm": "nfc,nozw,casefold",
        }

    @pytest.mark.parametrize(("mode", "expected"), [("noterm", "proper"), ("proper", "proper"), ("random", "random")])
    def test_it_names_the_dictionary_that_scores(self, mode, expected):
        assert f"|dict:{expected}|" in TERM_SUCCESS.signature(make_test_set(DRUG, mode=mode))

    @pytest.mark.parametrize(("language", "expected"), [("fr", "token"), ("zh", "free"), ("de", "edge4")])
    def test_it_names_the_boundaries(self, language, expected):
        assert f"|match:{expected}|" in TERM_SUCCESS.signature(make_test_set(DRUG, target_language=language))

    @pytest.mark.parametrize(("metric", "language"), [(TERM_SUCCESS_SURFACE, "de"), (TERM_SUCCESS, "zh")])
    def test_it_says_where_lemmas_play_no_part(self, metric, language):
        assert "|lemma:none|" in metric.signature(make_test_set(DRUG, target_language=language))

    def test_it_names_the_dictionary_that_scores_also_for_a_mode_without_one(self):
        test_set = make_test_set(DRUG, mode="glossary")
        assert scoring_mode(test_set) == "proper"
        assert "|dict:proper|" in TERM_SUCCESS.signature(test_set)


def test_appending_the_terms_raises_term_success_and_this_is_why_other_metrics_stand_beside_it():
    honest, attack = "Das Medikament hilft.", "Das Medikament hilft. Arzneimittel"
    assert counts(TERM_SUCCESS, make_test_set(DRUG), honest) == [[0, 1, 0, 0]]
    assert counts(TERM_SUCCESS, make_test_set(DRUG), attack) == [[1, 1, 0, 0]]


def test_metrics_are_found_by_their_names():
    assert {name: metric.name for name, metric in METRICS.items()} == {name: name for name in METRICS}
    assert {"term-success", "term-success-surface"} <= set(METRICS)
