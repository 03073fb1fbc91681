"""The order of a table: competitors by score, equal scores share a rank, yardsticks apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import standings
from harness.records import REFERENCE, SCHEMA, Provenance, Result, Score


def result(system, value, kind="primary"):
    provenance = Provenance(gold="", manifest="", outputs="", task_version="", harness="", python="", packages={})
    scores = [
        Score(metric="other", value=0.0, unit="fraction", n=1, signature="", method="none"),
        Score(metric="main", value=value, unit="fraction", n=1, signature="", method="none"),
    ]
    facts = {"schema": SCHEMA, "task": "toy", "test_set": "dev", "collection": "dev", "system": system, "name": system}
    facts |= {"team": "us", "kind": kind, "segments": 1, "scores": scores, "notices": {}, "tags": {}}
    return Result(**facts, provenance=provenance, primary="main")


def ranks(*results):
    return [(row.rank, row.result.system) for row in standings.order(results)]


def test_the_highest_score_is_first():
    assert ranks(result("a", 0.1), result("b", 0.9), result("c", 0.5)) == [(1, "b"), (2, "c"), (3, "a")]


def test_equal_scores_share_a_rank_and_the_next_counts_them():
    found = ranks(result("d", 0.1), result("c", 0.5), result("b", 0.5), result("a", 0.9))
    assert found == [(1, "a"), (2, "b"), (2, "c"), (4, "d")]


def test_an_undefined_score_is_not_ranked_and_stands_behind():
    assert ranks(result("a", None), result("b", 0.0)) == [(1, "b"), (None, "a")]


def test_a_negative_score_is_ranked_before_an_undefined_one():
    assert ranks(result("a", None), result("b", -0.5), result("c", 0.0)) == [(1, "c"), (2, "b"), (None, "a")]


@pytest.mark.parametrize("kind", ["primary", "contrastive", "baseline"])
def test_these_kinds_compete(kind):
    assert ranks(result("a", 0.5), result("b", 0.9, kind)) == [(1, "b"), (2, "a")]


@pytest.mark.parametrize("kind", ["ceiling", "floor", "gaming"])
def test_yardsticks_take_no_rank_from_anybody(kind):
    assert ranks(result("a", 0.5), result("b", 0.9, kind)) == [(1, "a"), (None, "b")]


def test_the_ceiling_leads_the_yardsticks():
    rows = [result("f", 0.0, "floor"), result("g", 1.0, "gaming"), result(REFERENCE, 0.9, "ceiling"), result("a", 0.1)]
    assert ranks(*rows) == [(1, "a"), (None, REFERENCE), (None, "f"), (None, "g")]


def test_no_results_have_no_rows():
    assert standings.order([]) == []


CELLS = st.tuples(st.sampled_from([None, 0.0, 0.25, 0.5, 1.0]), st.sampled_from(["primary", "baseline", "floor"]))


@given(st.lists(CELLS, max_size=8), st.randoms(use_true_random=False))
def test_the_order_depends_on_nothing_but_the_records(cells, generator):
    rows = [result(f"s{n}", *cell) for n, cell in enumerate(cells)]
    expected = ranks(*rows)
    generator.shuffle(rows)
    assert ranks(*rows) == expected


@given(st.lists(CELLS, max_size=8))
def test_a_rank_is_one_plus_the_number_of_better_competitors(cells):
    rows = standings.order([result(f"s{n}", *cell) for n, cell in enumerate(cells)])
    ranked = [row for row in rows if row.is_competing and row.primary.value is not None]
    assert [row.rank for row in ranked] == [
        1 + sum(other.primary.value > row.primary.value for other in ranked) for row in ranked
    ]
    assert all(row.rank is None for row in rows if row not in ranked)
