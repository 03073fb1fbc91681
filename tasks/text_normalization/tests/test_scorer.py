"""What is counted, what the counts become, and what explains them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.api import Totals
from harness.score import corpus_totals, segment_values

from ..counts import COLUMNS
from ..scorer import EXTRACTION, METRICS
from .examples import counted, make_test_set, outputs_of

GOLDEN = json.loads((Path(__file__).resolve().parents[1] / "golden" / "cases.json").read_text("utf-8"))
DEFAULT = (
    "change-accuracy",
    "token-accuracy",
    "sentence-accuracy",
    "wer",
    "nwer",
    "over-normalization",
    "under-normalization",
)
PROTENO = (
    "token-accuracy-strict",
    "sentence-accuracy-strict",
    "change-accuracy-strict",
    "spoken-change-accuracy-strict",
    "wer-strict",
    "over-normalization-strict",
    "under-normalization-strict",
)
BILL = (["The", "bill", "was", "$", "12", "."], ["The", "bill", "was", "", "twelve dollars", ""])
MAY = (["May", "I", "?"], ["May", "I", ""])


def value(name, test_set, *outputs):
    """The corpus score of a metric."""
    metric = METRICS[name]
    return metric.value(corpus_totals(metric.statistics(test_set, outputs_of(test_set, *outputs))))


class TestCases:
    """golden/cases.json, worked by hand; columns that are not named are zero."""

    @pytest.mark.parametrize("reading", ["canonical", "strict"])
    @pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["case"])
    def test_counts(self, case, reading):
        test_set = make_test_set((case["source"], *case["references"]))
        assert counted(reading, test_set, case["output"]) == [case[reading]]

    @pytest.mark.parametrize("reading", ["canonical", "strict"])
    def test_all_cases_at_once_are_the_same_rows(self, reading):
        test_set = make_test_set(*((case["source"], *case["references"]) for case in GOLDEN))
        found = counted(reading, test_set, *(case["output"] for case in GOLDEN))
        assert found == [case[reading] for case in GOLDEN]

    def test_each_case_tells_the_readings_apart_or_uses_several_references(self):
        assert len({case["case"] for case in GOLDEN}) == len(GOLDEN) == 16
        assert sum(len(case["references"]) > 1 for case in GOLDEN) == 4

    def test_rows_are_integers(self):
        test_set = make_test_set(BILL)
        assert EXTRACTION["canonical"](test_set, outputs_of(test_set, BILL[0])).rows.dtype == np.int64

    def test_a_request_without_reference_is_refused(self):
        with pytest.raises(ValueError, match="request 2 has no reference"):
            counted("strict", make_test_set(BILL, (["a"],)), BILL[0], ["a"])


class TestValues:
    """Two sentences: 9 tokens, one to be changed and spoken; 7 words of reference."""

    TEST_SET = make_test_set(BILL, MAY)
    MIXED = (["The", "bill", "was", "$", "twelve", "."], ["May", "eye", "?"])

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("change-accuracy", 0 / 1),
            ("token-accuracy", 7 / 9),
            ("sentence-accuracy", 0 / 2),
            ("wer", 2 / 7),
            ("nwer", 2 / 2),
            ("over-normalization", 1 / 8),
            ("under-normalization", 0 / 1),
            ("token-accuracy-strict", 4 / 9),
            ("sentence-accuracy-strict", 0 / 2),
            ("change-accuracy-strict", 0 / 4),
            ("spoken-change-accuracy-strict", 0 / 1),
            ("wer-strict", 4 / 7),
            ("over-normalization-strict", 1 / 5),
            ("under-normalization-strict", 3 / 4),
        ],
    )
    def test_a_mixed_output(self, name, expected):
        assert value(name, self.TEST_SET, *self.MIXED) == expected

    @pytest.mark.parametrize("name", DEFAULT + PROTENO)
    def test_the_references_are_perfect(self, name):
        best = {"higher": 1, "lower": 0}[METRICS[name].best]
        assert value(name, self.TEST_SET, BILL[1], MAY[1]) == best

    def test_doing_nothing_has_a_normalised_wer_of_one(self):
        assert value("nwer", self.TEST_SET, BILL[0], MAY[0]) == 1
        assert value("wer", self.TEST_SET, BILL[0], MAY[0]) == 2 / 7

    def test_wer_and_normalised_wer_may_exceed_one(self):
        flood = ["a b c d e f g h"] * 6
        assert value("wer", make_test_set(BILL), flood) > 1
        assert value("nwer", make_test_set(BILL), flood) > 1

    def test_errors_are_summed_over_the_corpus_and_not_averaged_over_sentences(self):
        long, short = (["a", "b", "c", "d"],) * 2, (["1"], ["one"])
        assert value("wer", make_test_set(long, short), long[0], ["two"]) == 1 / 5

    @pytest.mark.parametrize("name", DEFAULT + PROTENO)
    def test_nothing_of_nothing_is_undefined(self, name):
        zero = np.zeros((2, len(COLUMNS)), dtype=np.int64)
        assert np.isnan(METRICS[name].value(Totals(COLUMNS, zero))).all()
        assert math.isnan(METRICS[name].value(Totals(COLUMNS, zero[0])))

    @pytest.mark.parametrize("name", ["change-accuracy", "under-normalization", "nwer"])
    def test_a_test_set_where_nothing_has_to_change_is_undefined(self, name):
        assert math.isnan(value(name, make_test_set(MAY), MAY[0]))

    @pytest.mark.parametrize("name", DEFAULT + PROTENO)
    def test_counts_of_tables_are_the_columns_of_the_quotient(self, name):
        metric, totals = METRICS[name], Totals(COLUMNS, np.arange(1, len(COLUMNS) + 1))
        above, below = (totals[column] for column in metric.ratio)
        assert metric.value(totals) == above / below

    def test_a_mark_left_or_silenced_decides_nothing_but_in_the_strict_reading(self):
        silenced = ["The", "bill", "was", "", "12", ""]
        for name in DEFAULT:
            assert value(name, make_test_set(BILL), BILL[0]) == value(name, make_test_set(BILL), silenced), name
        assert value("token-accuracy-strict", make_test_set(BILL), BILL[0]) == 3 / 6
        assert value("token-accuracy-strict", make_test_set(BILL), silenced) == 5 / 6


class TestSentences:
    """The WER of a sentence lies between 0 and 1."""

    @pytest.mark.parametrize(
        ("row", "output", "expected"),
        [
            (BILL, BILL[1], 0),
            (BILL, ["The", "bill", "was", "$", "twelve", "."], 1 / 5),
            (BILL, ["a b c d e f g h"] * 6, 1),
            ((["Привет"], [""]), ["Привет"], 1),
        ],
    )
    def test_wer(self, row, output, expected):
        test_set = make_test_set(row)
        statistics = EXTRACTION["canonical"](test_set, outputs_of(test_set, output))
        assert segment_values(METRICS["wer"], statistics).tolist() == [expected]

    def test_a_silent_sentence_kept_silent_has_none(self):
        test_set = make_test_set((["Привет"], [""]))
        statistics = EXTRACTION["canonical"](test_set, outputs_of(test_set, [""]))
        assert np.isnan(segment_values(METRICS["wer"], statistics)).all()

    def test_normalised_wer_says_nothing_about_one(self):
        test_set = make_test_set(BILL)
        assert segment_values(METRICS["nwer"], EXTRACTION["canonical"](test_set, outputs_of(test_set, BILL[0]))) is None


class TestEvidence:
    def shown(self, name, test_set, *outputs):
        """(text, token, stretch, verdict, label) of each piece."""
        rows = outputs_of(test_set, *outputs)
        sources = {request.id: request.source for request in test_set.requests}
        for found in METRICS[name].evidence(test_set, rows, Totals(COLUMNS, np.zeros(len(COLUMNS)))):
            text = {"source": sources, "output": rows}[found.text][found.request][found.token]
            yield found.text, found.token, text[found.start : found.end], found.verdict, found.label

    def test_a_right_change_is_shown_in_the_output(self):
        assert list(self.shown("change-accuracy", make_test_set(BILL), BILL[1])) == [
            ("output", 4, "twelve dollars", "right", "12 → twelve dollars")
        ]

    def test_a_token_left_as_it_was_is_under(self):
        expected = [("output", 4, "12", "under", "12 → 12, not twelve dollars")]
        for name in ("change-accuracy", "under-normalization", "token-accuracy"):
            assert list(self.shown(name, make_test_set(BILL), BILL[0])) == expected

    def test_a_wrong_change_is_wrong_and_a_silent_one_is_shown_in_the_source(self):
        wrong = ["The", "bill", "was", "", "", ""]
        assert list(self.shown("change-accuracy", make_test_set(BILL), wrong)) == [
            ("source", 4, "12", "wrong", "12 → (silent), not twelve dollars")
        ]

    def test_a_token_that_was_right_as_it_was_is_over(self):
        expected = [("output", 1, "eye", "over", "I → eye, not I")]
        for name in ("over-normalization", "token-accuracy"):
            assert list(self.shown(name, make_test_set(MAY), ["May", "eye", ""])) == expected

    def test_a_word_that_should_be_silent_is_wrong_for_token_accuracy_only(self):
        test_set = make_test_set((["Привет"], [""]))
        assert list(self.shown("token-accuracy", test_set, ["x"])) == [
            ("output", 0, "x", "wrong", "Привет → x, not (silent)")
        ]
        assert list(self.shown("change-accuracy", test_set, ["x"])) == []

    def test_the_label_names_every_reference_once(self):
        test_set = make_test_set((["2012"], ["twenty twelve"], ["two thousand twelve"], ["twenty twelve"]))
        ((*_, label),) = self.shown("change-accuracy", test_set, ["2012"])
        assert label == "2012 → 2012, not twenty twelve | two thousand twelve"

    @pytest.mark.parametrize(
        ("name", "verdict", "column"),
        [
            ("change-accuracy", "right", "spoken_right"),
            ("under-normalization", "under", "spoken_under"),
            ("over-normalization", "over", "over"),
        ],
    )
    def test_its_counts_are_those_of_the_statistics(self, name, verdict, column):
        test_set = make_test_set(*((case["source"], *case["references"]) for case in GOLDEN))
        outputs = [case["output"] for case in GOLDEN]
        verdicts = [found for *_, found, _ in self.shown(name, test_set, *outputs)]
        expected = sum(case["canonical"].get(column, 0) for case in GOLDEN)
        assert verdicts.count(verdict) == expected > 0

    def test_a_token_that_is_empty_in_source_and_output_has_no_place(self):
        assert list(self.shown("change-accuracy", make_test_set((["", "a"], ["one", "a"])), ["", "a"])) == []


class TestSignatures:
    def test_the_canonical_one_names_the_form_and_what_counts_as_change(self):
        assert METRICS["change-accuracy"].signature(make_test_set(BILL)) == (
            "canonical:v1|norm:nfc,casefold,space,nosil|marks:silent-where-reference-is|count:spoken_right/spoken|change:spoken|refs:any"
        )

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("change-accuracy-strict", "strict:v1|norm:none|marks:kept|count:change_right/change|change:all|refs:any"),
            (
                "spoken-change-accuracy-strict",
                "strict:v1|norm:none|marks:kept|count:spoken_right/spoken|change:spoken|refs:any",
            ),
            ("wer-strict", "strict:v1|norm:none|marks:kept|count:errors/words|words:space|refs:fewest-errors"),
            ("sentence-accuracy-strict", "strict:v1|norm:none|marks:kept|count:sentences_right/sentences|refs:one"),
        ],
    )
    def test_the_strict_ones_say_so(self, name, expected):
        assert METRICS[name].signature(make_test_set(BILL)) == expected


class TestMetrics:
    def test_these_are_all_and_each_is_found_by_its_name(self):
        assert {name: metric.name for name, metric in METRICS.items()} == {name: name for name in DEFAULT + PROTENO}

    def test_metrics_of_one_reading_share_one_extraction(self):
        assert {METRICS[name].statistics for name in DEFAULT} == {EXTRACTION["canonical"]}
        assert {METRICS[name].statistics for name in PROTENO} == {EXTRACTION["strict"]}

    def test_only_the_canonical_ones_explain_themselves(self):
        explained = {name for name, metric in METRICS.items() if metric.evidence}
        assert explained == {"change-accuracy", "token-accuracy", "over-normalization", "under-normalization"}


class TestGaming:
    def test_silencing_marks_raises_the_strict_accuracy_on_change_and_no_other_number_of_change(self):
        honest, attack = BILL[0], ["The", "bill", "was", "", "12", ""]
        test_set = make_test_set(BILL)
        assert value("change-accuracy-strict", test_set, honest) == 0
        assert value("change-accuracy-strict", test_set, attack) == 2 / 3
        for name in ("change-accuracy", "spoken-change-accuracy-strict"):
            assert value(name, test_set, attack) == 0

    def test_accuracy_on_change_does_not_see_what_is_changed_for_nothing_and_this_is_why_others_stand_beside_it(self):
        eager = ["The", "invoice", "was", "", "twelve dollars", ""]
        test_set = make_test_set(BILL)
        assert value("change-accuracy", test_set, eager) == 1
        assert value("over-normalization", test_set, eager) == 1 / 5
        assert value("sentence-accuracy", test_set, eager) == 0


def test_the_gold_that_is_kept_for_a_test_set_is_not_that_of_another():
    first, second = make_test_set((["1"], ["one"])), make_test_set((["1"], ["first"]))
    assert counted("canonical", first, ["one"])[0]["spoken_right"] == 1
    assert "spoken_right" not in counted("canonical", second, ["one"])[0]
    assert replace(first, id="renamed") == first
