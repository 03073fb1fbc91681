"""Test sets that tell some intents: what is asked, detection against scikit-learn, discovery on novel items."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as peer

from harness.api import Outputs, Segment, TestSet, Totals
from harness.metrics import clustering
from harness.score import corpus_totals

from .. import cells
from ..scorer import METRICS, requests

OPEN = "oos"
KNOWN = ("pay", "move")
DETECTION = ("f1-known", "f1-open", "f1-macro", "detection-accuracy")
NOVEL = {
    "novel-acc": clustering.accuracy,
    "novel-nmi": clustering.nmi,
    "novel-ari": clustering.ari,
    "novel-ami": clustering.ami,
    "novel-k": clustering.cluster_count,
}


def row(name, intent, **more):
    return {"id": str(name), "source": f"say {name}", "references": [intent], **more}


def toy(intents, known=KNOWN, **tags):
    """A test set of these intents, which gives one example of each known one and one of none."""
    tags = {"open": OPEN, **tags}
    segments = tuple(Segment(str(n), tuple(requests(row(n, intent), tags)), str(n)) for n, intent in enumerate(intents))
    told = [row(f"k-{name}", name, given={"intent": name}) for name in known]
    told.append(row("k", OPEN, given={"intent": None}))
    context = tuple(request for one in told for request in requests(one, tags))
    return TestSet("t", "intent-discovery", segments, tags, f"{intents}{known}{tags}", context=context)


def totals(name, intents, labels, known=KNOWN, **tags):
    outputs = {str(n): label for n, label in enumerate(labels) if label is not None}
    return corpus_totals(METRICS[name].statistics(toy(intents, known, **tags), outputs))


def score(name, intents, labels, known=KNOWN, **tags):
    return float(METRICS[name].value(totals(name, intents, labels, known, **tags)))


class TestRequests:
    def test_an_example_is_asked_with_what_is_given_and_is_context(self):
        (request,) = requests(row(1, "pay", dialogue="7", given={"intent": "pay"}), {})
        assert request.is_context
        assert request.to_dict() == {"id": "1", "source": "say 1", "dialogue": "7", "intent": "pay"}

    def test_others_are_asked_without_and_are_scored(self):
        (request,) = requests(row(1, "pay"), {})
        assert not request.is_context
        assert request.to_dict() == {"id": "1", "source": "say 1"}

    def test_an_utterance_without_an_intent_is_given_as_null(self):
        (request,) = requests(row(1, "oos", given={"intent": None}), {"open": "oos"})
        assert request.is_context
        assert request.to_dict()["intent"] is None

    def test_of_domains_both_names_are_given(self):
        given = {"intent": "pay", "domain": "bank"}
        (request,) = requests(row(1, "bank", given=given), {"level": "domain"})
        assert request.to_dict() == {"id": "1", "source": "say 1", **given}

    @pytest.mark.parametrize(
        "given", [{}, "pay", {"intent": ""}, {"intent": 1}, {"domain": "bank"}, {"intent": "pay", "mood": "bad"}]
    )
    def test_what_is_given_is_a_name_or_null(self, given):
        with pytest.raises(ValueError, match="'given' names the intent"):
            requests(row(1, "pay", given=given), {})

    def test_what_is_given_is_what_gold_says(self):
        with pytest.raises(ValueError, match="is 'move', the reference 'pay'"):
            requests(row(1, "pay", given={"intent": "move"}), {})

    def test_there_are_two_levels(self):
        with pytest.raises(ValueError, match="'level' is one of intent, domain, found 'turn'"):
            requests(row(1, "pay"), {"level": "turn"})

    def test_known_are_the_names_that_are_given(self):
        assert cells.known(toy(["pay"], ("pay", "join"))) == {"pay", "join"}


class TestDetection:
    """Gold pay pay move | join oos; two intents are known, so there are three classes."""

    GOLD = ("pay", "pay", "move", "join", OPEN)

    def test_perfect(self):
        assert [score(name, self.GOLD, self.GOLD) for name in DETECTION] == [1, 1, 1, 1]

    def test_any_other_label_says_not_known(self):
        labels = ("pay", "pay", "move", "c7", "c8")
        assert [score(name, self.GOLD, labels) for name in DETECTION] == [1, 1, 1, 1]

    def test_by_hand(self):
        """pay: h 1, s 2, i 2 → 1/2. move: h 1, s 1, i 1 → 1. Open: h 1, s 2, i 2 → 1/2."""
        labels = ("pay", "c1", "move", "pay", "c1")
        found = [score(name, self.GOLD, labels) for name in DETECTION]
        assert found == pytest.approx([(1 / 2 + 1) / 2, 1 / 2, (1 / 2 + 1 + 1 / 2) / 3, 3 / 5])

    def test_no_answer_is_wrong_and_says_nothing(self):
        """Of the open class h 1, s 1, i 2; of pay h 1, s 1, i 2."""
        labels = ("pay", None, "move", "c1", None)
        found = [score(name, self.GOLD, labels) for name in DETECTION]
        assert found == pytest.approx([(2 / 3 + 1) / 2, 2 / 3, (2 / 3 + 1 + 2 / 3) / 3, 3 / 5])

    def test_a_known_intent_of_which_nothing_is_scored_counts_as_zero(self):
        assert score("f1-known", ("pay", "join"), ("pay", "c")) == 1 / 2
        assert score("f1-macro", ("pay", "join"), ("pay", "c")) == 2 / 3

    def test_the_label_noise_says_not_known(self):
        for reading in cells.READINGS_OF_NOISE:
            assert score("f1-open", self.GOLD, ("pay", "pay", "move", "noise", "noise"), noise=reading) == 1

    def test_is_undefined_where_nothing_is_known(self):
        assert all(math.isnan(score(name, self.GOLD, self.GOLD, known=())) for name in DETECTION)

    def test_is_undefined_without_rows(self):
        for name in DETECTION:
            found = totals(name, self.GOLD, self.GOLD)
            assert math.isnan(METRICS[name].value(Totals(found.columns, np.zeros_like(found.values))))

    def test_several_labels_are_no_decision(self):
        for name in DETECTION:
            with pytest.raises(ValueError, match="2 labels"):
                METRICS[name].statistics(toy(self.GOLD), Outputs({"0": "a"}, {"0": ("a", "b")}))

    def test_of_single_utterances_accuracy_says_whether_each_is_right(self):
        rows = METRICS["detection-accuracy"].statistics(toy(self.GOLD), {"0": "pay", "1": "move", "3": "c"}).rows
        assert rows.tolist() == [[1, 1], [0, 1], [0, 1], [1, 1], [0, 1]]


intents = st.sampled_from(("pay", "move", "join", "quit", OPEN))
labels = st.sampled_from(("pay", "move", "c1", "c2"))
answered = st.lists(st.tuples(intents, labels), min_size=1, max_size=40)


class TestDetectionAgainstOthers:
    @given(answered)
    def test_it_is_scikit_learns(self, rows):
        gold, said = zip(*rows, strict=True)
        classes = [*KNOWN, "<open>"]
        true, predicted = ([name if name in KNOWN else "<open>" for name in names] for names in (gold, said))
        f1s = peer.f1_score(true, predicted, labels=classes, average=None, zero_division=0)
        wanted = {
            "f1-known": f1s[:2].mean(),
            "f1-open": f1s[2],
            "f1-macro": peer.f1_score(true, predicted, labels=classes, average="macro", zero_division=0),
            "detection-accuracy": peer.accuracy_score(true, predicted),
        }
        found = {name: score(name, gold, said) for name in wanted}
        assert found == pytest.approx(wanted, abs=1e-12)

    @given(answered, st.sampled_from([("pay",), KNOWN, ("pay", "move", "join")]))
    def test_macro_f1_is_the_mean_of_known_and_open(self, rows, known):
        gold, said = zip(*rows, strict=True)
        of_known, of_open, macro, _ = (score(name, gold, said, known) for name in DETECTION)
        assert macro == pytest.approx((len(known) * of_known + of_open) / (len(known) + 1), abs=1e-12)


class TestDiscovery:
    GOLD = ("pay", "join", "join", "quit", OPEN)

    def test_takes_utterances_of_intents_that_are_not_known(self):
        labels = ("c1", "c1", "c1", "c2", "c1")
        assert [score(name, self.GOLD, labels) for name in NOVEL] == pytest.approx([1, 1, 1, 1, 2])

    def test_an_utterance_that_is_taken_for_a_known_intent_matches_nothing_and_is_no_cluster(self):
        labels = ("pay", "pay", "pay", "c2", "c3")
        assert score("novel-acc", self.GOLD, labels) == 1 / 3
        assert score("novel-k", self.GOLD, labels) == 1
        assert score("acc", self.GOLD, labels) == 3 / 4, "among all items names are never compared"

    def test_one_without_an_answer_is_counted_alike(self):
        for name in NOVEL:
            taken, missing = (score(name, self.GOLD, ("c", said, "c", "d", "e")) for said in ("pay", None))
            assert taken == missing

    def test_is_undefined_where_all_is_known(self):
        assert all(math.isnan(score(name, ("pay", OPEN), ("a", "b"))) for name in NOVEL)

    @settings(max_examples=50)
    @given(answered)
    def test_it_is_the_clustering_of_these_items(self, rows):
        novel = [(intent, label) for intent, label in rows if intent not in {*KNOWN, OPEN}]
        cells_of = [
            [(clustering.UNANSWERED, intent) if label in KNOWN else (clustering.CLUSTER, label, intent)]
            for intent, label in novel
        ]
        alone = corpus_totals(clustering.statistics(cells_of))
        gold, said = zip(*rows, strict=True)
        for name, formula in NOVEL.items():
            wanted = clustering.of_tables(formula)(alone) if novel else math.nan
            assert score(name, gold, said) == pytest.approx(wanted, nan_ok=True), name


class TestOpenUtterances:
    GOLD = ("pay", "pay", "join", OPEN, OPEN)

    def test_stand_in_no_table_and_count_in_detection(self):
        labels = ("a", "a", "b", "a", "b")
        assert score("acc", self.GOLD, labels) == 1
        assert score("k", self.GOLD, ("a", "a", "b", "c", "d")) == 2
        assert score("detection-accuracy", self.GOLD, ("pay", "pay", "b", "pay", "b")) == 4 / 5

    def test_are_an_intent_like_any_other_without_the_tag(self):
        assert score("acc", self.GOLD, ("a", "a", "b", "a", "b"), open="nothing") == 3 / 5

    def test_are_named_in_the_signature(self):
        plain = replace(toy(self.GOLD), tags={})
        assert METRICS["acc"].signature(toy(self.GOLD)) == METRICS["acc"].signature(plain) + "|open:oos left out"

    def test_have_no_evidence(self):
        metric, where = METRICS["acc"], toy(self.GOLD)
        outputs = {str(n): "a" for n in range(5)}
        found = metric.evidence(where, outputs, corpus_totals(metric.statistics(where, outputs)))
        assert [item.segment for item in found] == ["0", "1", "2"]
