"""Clustering metrics: by hand, and against scikit-learn, which computes some of them from labels."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as peer

from harness.api import Totals
from harness.metrics import assignment, clustering
from harness.metrics.clustering import ALONE, CLUSTER, UNANSWERED
from harness.score import corpus_totals

FORMULAS = {
    "acc": clustering.accuracy,
    "precision": clustering.precision,
    "recall": clustering.recall,
    "f1": clustering.f1,
    "nmi": clustering.nmi,
    "ari": clustering.ari,
    "ami": clustering.ami,
    "coverage": clustering.example_coverage,
}


def totals(labels, references):
    """The summed columns of a clustering; None is an unanswered row, "*" one that stands alone."""
    cells = {None: UNANSWERED, "*": ALONE}
    rows = [
        [(cells[label], reference) if label in cells else (CLUSTER, label, reference)]
        for label, reference in zip(labels, references, strict=True)
    ]
    return corpus_totals(clustering.statistics(rows))


def scores(labels, references):
    found = totals(labels, references)
    return {name: clustering.of_tables(formula)(found) for name, formula in FORMULAS.items()}


def table(labels, references):
    return clustering.table(totals(labels, references))


# --- by hand ---


def test_two_clusters_across_two_references():
    """Each cluster holds one a and one b: half is matched, half is pure, and agreement is below chance."""
    found = scores("1122", "abab")
    assert found["acc"] == found["precision"] == found["recall"] == found["f1"] == 0.5
    assert found["nmi"] == pytest.approx(0, abs=1e-15)
    assert found["ari"] == -0.5


def test_a_cluster_too_many():
    """The clusters aaa and abb: the assignment maps 1 to a and 2 to b and leaves one a out."""
    found = scores("111222", "aaaabb")
    assert found["acc"] == 5 / 6
    assert found["precision"] == 5 / 6
    assert found["recall"] == (3 + 2) / 6
    # pairs: 3 + 1 together; clusters 3 + 3, references 6 + 1, of 15: (4 - 42/15) / (13/2 - 42/15)
    assert found["ari"] == pytest.approx((4 - 42 / 15) / (6.5 - 42 / 15))


def test_the_assignment_is_the_best_and_not_the_greedy_one():
    """Greedy takes 5 of (1, a) and is left with 0; the best is 4 + 4."""
    labels, references = "1" * 9 + "2" * 4, "a" * 5 + "b" * 4 + "a" * 4
    assert clustering.matched(table(labels, references)) == 8
    assert clustering.assignment(table(labels, references)) == {"1": "b", "2": "a"}


def test_a_cluster_without_partner_counts_as_wrong():
    assert scores("1123", "aaaa")["acc"] == 0.5


@pytest.mark.parametrize("labels", ["aabbc", "zzyyx"])
def test_equal_partitions_are_perfect_whatever_they_are_called(labels):
    assert scores(labels, "ppqqr") == dict.fromkeys(FORMULAS, 1.0)


def test_one_cluster_has_perfect_recall_and_nothing_else():
    found = scores("1111", "aabb")
    assert (found["acc"], found["precision"], found["recall"], found["coverage"]) == (0.5, 0.5, 1, 0.5)
    assert (found["nmi"], found["ari"]) == (0, 0)
    assert found["ami"] == pytest.approx(0, abs=1e-12)


def test_singletons_have_perfect_precision_and_coverage_and_an_nmi_that_flatters():
    found = scores([str(n) for n in range(8)], "aaaabbbb")
    assert (found["acc"], found["precision"], found["recall"], found["coverage"]) == (2 / 8, 1, 2 / 8, 1)
    assert found["nmi"] == pytest.approx(2 * math.log(2) / (math.log(2) + math.log(8)))
    assert found["ari"] == 0
    assert found["ami"] == pytest.approx(0, abs=1e-12)


def test_one_cluster_of_one_reference_is_perfect():
    assert scores("11", "aa") == dict.fromkeys(FORMULAS, 1.0)


def test_f1_of_two_zeros_is_zero():
    assert clustering.harmonic_mean(0.0, 0.0) == 0.0
    assert clustering.harmonic_mean(0.5, 1.0) == 2 / 3


def test_no_rows_are_undefined():
    empty = Totals((("cluster", "1", "a"),), np.zeros(1, np.int64))
    assert all(math.isnan(clustering.of_tables(formula)(empty)) for formula in FORMULAS.values())


# --- example coverage ---


def test_a_reference_that_is_never_the_largest_of_a_cluster_is_not_covered():
    assert scores("11122", "aabcc")["coverage"] == 4 / 5


def test_of_equally_large_references_the_larger_string_covers():
    assert clustering.covered(table("1122", "abbb")) == 3
    assert clustering.covered(table("11", "ba")) == 1
    assert clustering.covered(table("1112", "aab" + "a")) == 3


def test_ties_are_broken_by_the_string_not_by_its_number():
    """As strings "9" > "10"."""
    labels, references = ["1", "1", "2"], ["9", "10", "10"]
    assert clustering.covered(table(labels[:2], references[:2])) == 1
    assert clustering.table(totals(labels, references)).references == ["10", "9"]
    assert clustering.covered(table(["1", "1", "1", "1", "2"], ["9", "9", "10", "10", "7"])) == 3


# --- rows that share no cluster ---


def test_unanswered_rows_count_in_n_and_match_nothing():
    found = scores(["1", "1", None, None], "aabb")
    assert (found["acc"], found["precision"], found["recall"], found["coverage"]) == (0.5, 0.5, 0.5, 0.5)


def test_nothing_answered_is_worth_nothing():
    found = scores([None] * 4, "aabb")
    assert (found["acc"], found["precision"], found["recall"], found["f1"], found["coverage"]) == (0, 0, 0, 0, 0)
    assert clustering.cluster_count(table([None] * 4, "aabb")) == 0


def test_rows_that_stand_alone_are_clusters_of_their_own():
    written_out = scores(["1", "1", "x", "y", "z"], "aabbc")
    assert scores(["1", "1", "*", "*", "*"], "aabbc") == pytest.approx(written_out)
    assert clustering.cluster_count(table(["1", "1", "*", "*", "*"], "aabbc")) == 4


@given(st.lists(st.tuples(st.sampled_from(["1", "2", "3", "*"]), st.sampled_from("abc")), min_size=1, max_size=30))
def test_rows_that_stand_alone_score_as_if_each_had_a_name(rows):
    labels, references = zip(*rows, strict=True)
    named = [f"own {n}" if label == "*" else label for n, label in enumerate(labels)]
    assert scores(labels, references) == pytest.approx(scores(named, references), abs=1e-12)


@given(st.lists(st.tuples(st.sampled_from("1234"), st.sampled_from("abc")), min_size=1, max_size=30), st.data())
def test_leaving_an_answer_out_never_raises_what_counts_rows(rows, data):
    labels, references = zip(*rows, strict=True)
    left_out = data.draw(st.integers(0, len(labels) - 1))
    fewer = [None if n == left_out else label for n, label in enumerate(labels)]
    before, after = scores(labels, references), scores(fewer, references)
    for name in ("acc", "precision", "recall", "f1"):
        assert after[name] <= before[name] + 1e-12, name


# --- against others ---

CLUSTERINGS = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 12), min_size=n, max_size=n), st.lists(st.integers(0, 6), min_size=n, max_size=n)
    )
)


@given(CLUSTERINGS)
def test_nmi_ari_and_ami_equal_scikit_learn(clusterings):
    labels, references = ([str(label) for label in labels] for labels in clusterings)
    found = scores(labels, references)
    assert found["nmi"] == pytest.approx(peer.normalized_mutual_info_score(references, labels), abs=1e-9)
    assert found["ari"] == pytest.approx(peer.adjusted_rand_score(references, labels), abs=1e-9)
    assert found["ami"] == pytest.approx(peer.adjusted_mutual_info_score(references, labels), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=20))
def test_accuracy_is_the_best_of_all_assignments(rows):
    counts = np.zeros((4, 4), int)
    np.add.at(counts, tuple(zip(*rows, strict=True)), 1)
    best = max(sum(counts[k, r] for k, r in enumerate(order)) for order in permutations(range(4)))
    labels, references = ([str(name) for name in names] for names in zip(*rows, strict=True))
    assert clustering.matched(table(labels, references)) == best


@given(CLUSTERINGS)
def test_the_sparse_assignment_is_as_good_as_the_dense_one(clusterings):
    labels, references = ([str(label) for label in labels] for labels in clusterings)
    found = table([*labels, "*"], [*references, "6"])
    dense = clustering.matched(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assignment, "DENSE_CELLS", 0)
        assert clustering.matched(found) == dense


@given(CLUSTERINGS)
def test_a_table_from_labels_is_the_table_of_the_summed_rows(clusterings):
    labels, references = ([f"{label}" for label in labels] for labels in clusterings)
    direct, summed = clustering.contingency(labels, references), table(labels, references)
    assert (direct.clusters, direct.references) == (summed.clusters, summed.references)
    for name in ("cluster", "reference", "count", "alone", "unanswered"):
        assert getattr(direct, name).tolist() == getattr(summed, name).tolist()


def test_labels_and_references_must_be_of_the_same_rows():
    with pytest.raises(ValueError, match="2 labels beside 3 references"):
        clustering.contingency(["a", "b"], ["x", "y", "z"])


def test_expected_mutual_information_is_the_mean_over_all_arrangements():
    clusters, references = "aabc", "xxyy"
    arrangements = list(permutations(references))
    information = [clustering._mutual_information(table(clusters, order)) for order in arrangements]
    found = clustering.expected_mutual_information(np.array([2, 1, 1]), np.array([2, 2]))
    assert found == pytest.approx(sum(information) / len(arrangements))


# --- the shape of statistics ---


def test_a_row_is_one_count_in_one_named_cell():
    found = clustering.statistics([[(CLUSTER, "1", "a")], [(CLUSTER, "2", "a")], [], [(CLUSTER, "1", "a")] * 2])
    assert found.columns == ((CLUSTER, "1", "a"), (CLUSTER, "2", "a"))
    assert found.rows.toarray().tolist() == [[1, 0], [0, 1], [0, 0], [2, 0]]


def test_several_corpora_are_scored_one_by_one():
    columns = ((CLUSTER, "1", "a"), (CLUSTER, "1", "b"), (CLUSTER, "2", "b"))
    sums = np.array([[1, 0, 1], [2, 2, 0], [0, 0, 0]])
    found = clustering.of_tables(clustering.accuracy)(Totals(columns, sums))
    assert found[:2].tolist() == [1.0, 0.5]
    assert math.isnan(found[2])


def test_many_rows_stay_sparse():
    rows = [[(CLUSTER, str(n), str(n % 50))] for n in range(20_000)]
    found = clustering.statistics(rows)
    assert found.rows.nnz == 20_000
    assert clustering.of_tables(clustering.accuracy)(corpus_totals(found)) == 50 / 20_000
