"""What an answer means: labels, noise, missing and repeated answers; the official readings beside ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.api import Outputs, Segment, TestSet
from harness.score import corpus_totals

from ..scorer import METRICS, requests

GOLDEN = json.loads((Path(__file__).resolve().parents[1] / "golden" / "cases.json").read_text("utf-8"))
INTENTS = {"1": "pay", "2": "pay", "3": "move", "4": "move", "5": "join"}
PERFECT = {"1": "x", "2": "x", "3": "y", "4": "y", "5": "z"}


def toy(intents, **tags):
    segments = tuple(
        Segment(name, tuple(requests({"id": name, "source": f"say {name}", "references": [intent]}, tags)), name)
        for name, intent in intents.items()
    )
    return TestSet("t", "intent-discovery", segments, tags, digest=f"{sorted(intents.items())}{tags}")


def score(name, outputs, intents=INTENTS, **tags):
    metric = METRICS[name]
    return metric.value(corpus_totals(metric.statistics(toy(intents, **tags), outputs)))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["case"])
@pytest.mark.parametrize("path", ["dstc11", "dstc11-dict"])
def test_golden_cases(case, path):
    intents = {str(n): intent for n, (_, intent) in enumerate(case["rows"])}
    outputs = {str(n): label for n, (label, _) in enumerate(case["rows"])}
    found = {name: score(f"{path}-{name}", outputs, intents) for name in case["official"]}
    assert found == pytest.approx(case["official"], abs=1e-12)
    default = {name: score(name, outputs, intents) * (1 if name == "k" else 100) for name in case["official"]}
    assert default == pytest.approx(case["official"], abs=1e-12)


class TestMissingAnswers:
    FEWER = {"1": "x", "2": "x"}  # noqa: RUF012 - read only

    def test_count_in_n_and_match_nothing(self):
        assert score("acc", self.FEWER) == 2 / 5
        assert score("k", self.FEWER) == 1

    def test_are_dropped_where_the_official_scorer_lists_rows(self):
        assert score("dstc11-acc", self.FEWER) == 100

    def test_are_the_label_minus_one_where_it_builds_a_dictionary(self):
        assert score("dstc11-dict-acc", self.FEWER) == 80
        assert score("dstc11-dict-k", self.FEWER) == 2


class TestRepeatedAnswers:
    TWICE = Outputs({**PERFECT, "1": "z"}, {"1": ("x", "z")})

    def test_are_no_clustering_by_default(self):
        with pytest.raises(ValueError, match="request 1 has 2 labels"):
            score("acc", self.TWICE)

    def test_count_each_where_the_official_scorer_lists_rows(self):
        assert score("dstc11-acc", self.TWICE) == 100 * (5 / 6)

    def test_count_last_where_it_builds_a_dictionary(self):
        assert score("dstc11-dict-acc", self.TWICE) == 100 * (4 / 5)


class TestNoise:
    NOISY = {**PERFECT, "3": "noise", "4": "noise"}  # noqa: RUF012 - read only

    def test_each_utterance_is_a_cluster_of_its_own(self):
        assert score("acc", self.NOISY) == 4 / 5
        assert score("precision", self.NOISY) == 1
        assert score("k", self.NOISY) == 4

    def test_may_be_a_cluster_like_any_other(self):
        assert score("acc", self.NOISY, noise="cluster") == 1
        assert score("k", self.NOISY, noise="cluster") == 3

    def test_may_be_left_out(self):
        assert score("acc", self.NOISY, noise="ignore") == 1
        assert score("k", self.NOISY, noise="ignore") == 2

    def test_is_a_cluster_like_any_other_to_the_official_scorer(self):
        assert score("dstc11-acc", self.NOISY) == 100

    def test_stands_in_the_signature(self):
        signatures = {METRICS["acc"].signature(toy(INTENTS, **tags)) for tags in ({}, {"noise": "ignore"})}
        assert signatures == {
            "clusters:v1|value:acc|missing:unmatched|repeated:refused|noise:singletons",
            "clusters:v1|value:acc|missing:unmatched|repeated:refused|noise:ignore",
        }

    def test_has_three_readings(self):
        with pytest.raises(ValueError, match="'noise' is one of singletons, cluster, ignore, found 'drop'"):
            toy(INTENTS, noise="drop")


class TestEvidence:
    def found(self, outputs):
        metric, where = METRICS["acc"], toy(INTENTS)
        totals = corpus_totals(metric.statistics(where, outputs))
        return [(item.segment, item.text, item.verdict, item.label) for item in metric.evidence(where, outputs, totals)]

    def test_says_what_each_label_was_taken_for(self):
        found = self.found({"1": "x", "2": "x", "3": "x", "4": "y"})
        assert found == [
            ("1", "output", "right", "x → pay"),
            ("2", "output", "right", "x → pay"),
            ("3", "output", "wrong", "x → pay, not move"),
            ("4", "output", "right", "y → move"),
            ("5", "source", "unanswered", "join"),
        ]

    def test_a_cluster_without_partner_is_taken_for_nothing(self):
        assert self.found({**PERFECT, "2": "w"})[1][3] in {"w → nothing, not pay", "w → pay"}
        assert [item[2] for item in self.found({**PERFECT, "2": "w"})].count("wrong") == 1


class TestRequests:
    def test_an_utterance_is_asked_with_its_dialogue(self):
        row = {"id": "7-2", "source": "And now?", "references": ["pay"], "dialogue": "7", "domain": "bank"}
        (request,) = requests(row, {})
        assert request.to_dict() == {"id": "7-2", "source": "And now?", "dialogue": "7"}
        assert request.references == ("pay",)

    @pytest.mark.parametrize("references", [[], [""], ["pay", "move"], [["pay"]]])
    def test_an_utterance_has_one_intent(self, references):
        with pytest.raises(ValueError, match="one intent"):
            requests({"id": "1", "source": "s", "references": references}, {})

    def test_an_utterance_is_a_text(self):
        with pytest.raises(ValueError, match="'source'"):
            requests({"id": "1", "references": ["pay"]}, {})
