"""Gender accuracy: requests, outcomes, counts, values, evidence, and the official rule beside them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from harness.api import Totals

from .. import words
from ..mt_geneval import COMPAT, is_correct
from ..scorer import DEFAULT, METRICS, outcome, requests
from ..sides import sides
from .examples import contextual, counts, make_test_set, outputs_of, pair, score

STRICT, COVERAGE, UNDETERMINED = METRICS["strict-accuracy"], METRICS["coverage"], METRICS["undetermined-rate"]
MASCULINE, FEMININE, GAP = METRICS["masculine-accuracy"], METRICS["feminine-accuracy"], METRICS["gap"]
EMPTY, OFFICIAL = METRICS["empty-rate"], METRICS["gender-accuracy"]
OFFICIAL_MASCULINE, OFFICIAL_FEMININE = COMPAT[1:]

DOCTOR = pair("Der Arzt lacht.", "Die Ärztin lacht.")
VICTIM = pair("La víctima huye.", "La víctima huye.")
ACCOUNTANT = pair("El contable lee.", "Contable lee.")  # the feminine side has no word of its own
CASES = json.loads((Path(__file__).parents[1] / "golden" / "cases.json").read_text("utf-8"))


class TestRequests:
    def test_a_counterfactual_row_asks_twice(self):
        masculine, feminine = make_test_set({**DOCTOR, "id": "7"}).requests
        assert masculine.to_dict() == {"id": "7-m", "source": "(masculine)"}
        assert feminine.to_dict() == {"id": "7-f", "source": "(feminine)"}
        assert masculine.references == ("Der Arzt lacht.",)
        assert feminine.references == ("Die Ärztin lacht.",)

    @pytest.mark.parametrize("context", ["She laughed.", ""])
    def test_a_contextual_row_asks_once_and_sends_its_context_even_if_it_is_empty(self, context):
        row = contextual("Die Ärztin.", "Der Arzt.", id="7", source="The doctor.", context=context)
        (request,) = make_test_set(row).requests
        assert request.to_dict() == {"id": "7", "source": "The doctor.", "context": context}
        assert request.references == ("Die Ärztin.",)

    def test_without_the_key_no_context_is_sent(self):
        row = {"source": "The doctor.", "reference": "Die Ärztin.", "flipped": ["Der Arzt."]}
        (request,) = make_test_set(row).requests
        assert request.to_dict() == {"id": "1", "source": "The doctor."}

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({"source": "a"}, "a row has 'masculine' and 'feminine'"),
            ({**DOCTOR, "flipped": ["a"]}, "not both"),
            ({"masculine": DOCTOR["masculine"]}, "the key 'feminine' must be an object"),
            ({**DOCTOR, "feminine": "a"}, "the key 'feminine' must be an object"),
            ({**DOCTOR, "feminine": {"source": "a"}}, "the key 'feminine.reference' must be a string"),
            ({**DOCTOR, "masculine": {"source": " ", "reference": "a"}}, "the key 'masculine.source' must be a string"),
            ({**DOCTOR, "source": "a"}, "in 'masculine' and 'feminine' only"),
            ({**DOCTOR, "references": ["a"]}, "in 'masculine' and 'feminine' only"),
            (contextual("a", "b", references=[]), "one reference, found 0"),
            (contextual("a", "b", references=["a", "b"]), "one reference, found 2"),
            (contextual("a", "b", flipped="b"), "must be a list with one text"),
            (contextual("a", "b", flipped=["b", "c"]), "must be a list with one text"),
            (contextual("a", 1), "the key 'flipped' must be a string"),
            (contextual("a", "\u200b"), "the key 'flipped' must be a string that is not blank"),
            (contextual(None, "b"), "the key 'reference' must be a string"),
            (contextual("a", "b", source=None), "the key 'source' must be a string"),
            (contextual("a", "b", context=None), "the key 'context' must be a string"),
            (contextual("a", "b", gender="n"), "the key 'gender' is one of m, f, or left out; found 'n'"),
            (contextual("a", "b", gender=["m"]), "the key 'gender' is one of m, f"),
        ],
    )
    def test_a_wrong_row_is_refused_in_clear_words(self, row, message):
        references = [row["reference"]] if "reference" in row else []
        with pytest.raises(ValueError, match=message):
            requests({"id": "1", "references": references, **row}, {})


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_the_official_rule_and_ours_by_hand(case):
    test_set = make_test_set(contextual(case["reference"], case["flipped"]))
    ((official,),), ((strict,),) = sides(test_set, words.official), sides(test_set, words.strict)
    assert is_correct(case["output"], official) is case["official"]
    assert (outcome(case["output"], strict) if strict.right else "unscorable") == case["strict"]


SEEN = {"scorable": 1, "scorable-requests": 2, "masculine": 1, "feminine": 1, "requests": 2}
"""What every pair counts whose sides are both scorable."""


class TestCounts:
    def test_a_pair_is_correct_iff_both_sides_are(self):
        test_set, seen = make_test_set(DOCTOR), {**SEEN, "determined": 2}
        assert counts(STRICT, test_set, "Der Arzt", "Die Ärztin") == [
            {**seen, "correct": 1, "masculine-correct": 1, "feminine-correct": 1}
        ]
        assert counts(STRICT, test_set, "Der Arzt", "Der Arzt") == [{**seen, "masculine-correct": 1, "incorrect": 1}]
        assert counts(STRICT, test_set, "Die Frau", "Die Frau") == [{**seen, "feminine-correct": 1, "incorrect": 1}]

    def test_both_forms_are_a_class_of_their_own(self):
        found = counts(STRICT, make_test_set(DOCTOR), "Der Arzt", "Der Arzt, die Ärztin")
        assert found == [{**SEEN, "determined": 2, "masculine-correct": 1, "both": 1}]

    def test_an_empty_output_is_undetermined_and_counted_as_empty(self):
        found = counts(STRICT, make_test_set(DOCTOR), "Der Arzt", " ")
        assert found == [{**SEEN, "determined": 1, "masculine-correct": 1, "undetermined": 1, "empty": 1}]

    def test_references_of_the_same_words_are_unscorable_and_stay_visible(self):
        found = counts(STRICT, make_test_set(VICTIM), "La víctima", "")
        assert found == [{"unscorable": 1, "requests": 2, "empty": 1}]

    def test_with_one_scorable_side_the_pair_is_not_but_the_side_is(self):
        found = counts(STRICT, make_test_set(ACCOUNTANT), "El contable", "Contable")
        side = {"scorable-requests": 1, "determined": 1, "masculine": 1, "masculine-correct": 1}
        assert found == [{**side, "unscorable": 1, "requests": 2}]

    def test_a_contextual_row_counts_for_the_gender_that_it_tells(self):
        rows = [contextual("Die Ärztin", "Der Arzt", **told) for told in ({"gender": "f"}, {})]
        known = {"scorable": 1, "correct": 1, "scorable-requests": 1, "determined": 1, "requests": 1}
        assert counts(STRICT, make_test_set(*rows), "Die Ärztin", "Die Ärztin") == [
            {**known, "feminine": 1, "feminine-correct": 1},
            known,
        ]

    def test_counts_are_integers_with_one_row_per_segment(self):
        test_set = make_test_set(DOCTOR, contextual("a", "b"), VICTIM)
        outputs = outputs_of(test_set, *"abcde")
        for metric in METRICS.values():
            found = metric.statistics(test_set, outputs)
            assert found.rows.dtype == np.int64
            assert found.rows.shape == (3, len(found.columns))


class TestValues:
    """Three pairs: both right; the feminine wrong; the masculine empty. One more has the same references."""

    TEST_SET = make_test_set(DOCTOR, DOCTOR, DOCTOR, VICTIM)
    OUTPUTS = ("Der Arzt", "Die Ärztin", "Der Arzt", "Der Arzt", "", "Die Ärztin", "La víctima", "El hombre")

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("strict-accuracy", 1 / 3),  # of 3 scorable pairs
            ("coverage", 5 / 6),  # of 6 scorable requests
            ("undetermined-rate", 1 / 6),
            ("masculine-accuracy", 2 / 3),
            ("feminine-accuracy", 2 / 3),
            ("gap", 0.0),
            ("empty-rate", 1 / 8),  # of all 8 requests
            ("gender-accuracy", 3 / 4),  # nothing is wrong with the third pair, nor with the fourth
            ("gender-accuracy-masculine", 1.0),
            ("gender-accuracy-feminine", 3 / 4),
        ],
    )
    def test_they_are_quotients_of_these_counts(self, name, expected):
        assert score(METRICS[name], self.TEST_SET, *self.OUTPUTS) == expected

    def test_the_gap_is_signed(self):
        assert score(GAP, make_test_set(DOCTOR), "Der Arzt", "Der Arzt") == 1.0
        assert score(GAP, make_test_set(DOCTOR), "Die Ärztin", "Die Ärztin") == -1.0
        assert GAP.best == "zero"

    def test_nothing_scores_1_officially_and_0_by_default(self):
        nothing = [""] * 8
        assert [score(metric, self.TEST_SET, *nothing) for metric in COMPAT] == [1.0, 1.0, 1.0]
        assert score(STRICT, self.TEST_SET, *nothing) == score(COVERAGE, self.TEST_SET, *nothing) == 0.0
        assert score(UNDETERMINED, self.TEST_SET, *nothing) == score(EMPTY, self.TEST_SET, *nothing) == 1.0

    def test_where_no_row_tells_its_gender_the_sides_are_undefined(self):
        test_set = make_test_set(contextual("Die Ärztin", "Der Arzt"))
        sided = (MASCULINE, FEMININE, GAP, OFFICIAL_MASCULINE, OFFICIAL_FEMININE)
        assert all(math.isnan(score(metric, test_set, "Die Ärztin")) for metric in sided)
        assert score(STRICT, test_set, "Die Ärztin") == score(OFFICIAL, test_set, "Die Ärztin") == 1.0

    def test_where_one_gender_only_is_told_the_gap_is_undefined(self):
        test_set = make_test_set(contextual("Die Ärztin", "Der Arzt", gender="f"))
        assert score(FEMININE, test_set, "Die Ärztin") == score(OFFICIAL_FEMININE, test_set, "Die Ärztin") == 1.0
        assert math.isnan(score(MASCULINE, test_set, "Die Ärztin"))
        assert math.isnan(score(GAP, test_set, "Die Ärztin"))

    def test_where_nothing_is_scorable_the_default_is_undefined_and_the_official_accuracy_1(self):
        test_set = make_test_set(VICTIM)
        assert math.isnan(score(STRICT, test_set, "a", "b"))
        assert math.isnan(score(COVERAGE, test_set, "a", "b"))
        assert score(OFFICIAL, test_set, "a", "b") == 1.0

    @pytest.mark.parametrize("metric", [*DEFAULT, *COMPAT], ids=lambda metric: metric.name)
    def test_many_corpora_at_once_are_each_corpus_alone(self, metric):
        found = metric.statistics(self.TEST_SET, outputs_of(self.TEST_SET, *self.OUTPUTS))
        totals = np.stack([found.rows[:count].sum(axis=0) for count in range(5)]).reshape(5, 1, -1)
        together = metric.value(Totals(found.columns, totals))
        alone = [metric.value(Totals(found.columns, row)) for row in totals[:, 0]]
        assert together.shape == (5, 1)
        np.testing.assert_array_equal(together[:, 0], alone)


class TestEvidence:
    def found(self, row, *outputs):
        test_set = make_test_set(row)
        spans = STRICT.evidence(test_set, outputs_of(test_set, *outputs), None)
        texts = dict(zip((request.id for request in test_set.requests), outputs, strict=True))
        return [(span.request, span.verdict, texts[span.request][span.start : span.end], span.label) for span in spans]

    def test_each_word_of_one_gender_is_shown_where_it_stands(self):
        assert self.found(DOCTOR, "«Der» Arzt, nicht die Ärztin.", "(DIE A\u0308rztin) und der\u00a0Arzt") == [
            ("1-m", "right", "Der", "masculine: der"),
            ("1-m", "right", "Arzt", "masculine: arzt"),
            ("1-m", "wrong", "die", "feminine: die"),
            ("1-m", "wrong", "Ärztin", "feminine: ärztin"),
            ("1-f", "right", "DIE", "feminine: die"),
            ("1-f", "right", "A\u0308rztin", "feminine: ärztin"),
            ("1-f", "wrong", "der", "masculine: der"),
            ("1-f", "wrong", "Arzt", "masculine: arzt"),
        ]

    def test_a_word_that_stands_twice_is_shown_twice(self):
        assert [text for _, _, text, _ in self.found(DOCTOR, "Arzt, Arzt", "")] == ["Arzt", "Arzt"]

    def test_without_a_gender_the_label_names_the_reference(self):
        assert self.found(contextual("Die Ärztin", "Der Arzt"), "Ärztin Arzt") == [
            ("1", "right", "Ärztin", "reference: ärztin"),
            ("1", "wrong", "Arzt", "flipped: arzt"),
        ]

    def test_what_is_not_scorable_shows_nothing(self):
        assert self.found(ACCOUNTANT, "Contable", "El contable") == []


class TestMetrics:
    def test_metrics_are_found_by_their_names(self):
        assert {name: metric.name for name, metric in METRICS.items()} == {name: name for name in METRICS}

    def test_all_default_metrics_share_one_extraction_and_all_official_ones_another(self):
        assert len({metric.statistics for metric in DEFAULT}) == 1
        assert len({metric.statistics for metric in COMPAT}) == 1

    def test_the_official_list_is_complete(self):
        assert [metric.name for metric in COMPAT] == [
            "gender-accuracy",
            "gender-accuracy-masculine",
            "gender-accuracy-feminine",
        ]

    def test_signatures_differ_and_say_what_a_word_is(self):
        signatures = {metric.signature(make_test_set(DOCTOR)) for metric in METRICS.values()}
        assert len(signatures) == len(METRICS)
        assert sum("|words:nocf,nfc,punct,lower,space|" in signature for signature in signatures) == len(DEFAULT)
        assert sum("|words:lower,ascii-punct,space|" in signature for signature in signatures) == len(COMPAT)
