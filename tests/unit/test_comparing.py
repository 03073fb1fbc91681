"""Comparing the systems of a test set: ranks, pairs and p-values that can be worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from scipy.sparse import csr_array

from harness.api import Request, Segment, Statistics, TestSet
from harness.comparing import ALL_PAIRS_UP_TO, Field, Member, Settings, compare, fields
from harness.pairing import compare_pair
from harness.records import Comparison, Interval, Provenance, Result, Score

from .toys import ACCURACY, ERRORS

SEGMENTS = 40
SURPLUS = replace(
    ACCURACY, name="surplus", best="zero", value=lambda totals: 2 * totals["hits"] / totals["segments"] - 1, ratio=None
)
"""From -1 for no hit to 1 for nothing but hits: half of them are best."""
FAST = Settings(resamples=200, trials=500)


def a_test_set(segments=SEGMENTS, block=str):
    """Segments with one request each; `block` names the block of a segment's number."""
    rows = (Segment(str(n), (Request(str(n), f"source {n}"),), block(n)) for n in range(segments))
    return TestSet("dev", "toy", tuple(rows), {}, "digest of the gold")


DEV = a_test_set()


def hits(*places, of=SEGMENTS):
    """Statistics of a system that is right at these places."""
    rows = np.zeros((of, 2), dtype=np.int64)
    rows[list(places), 0] = 1
    rows[:, 1] = 1
    return Statistics(("hits", "segments"), rows)


def first(count, of=SEGMENTS):
    return hits(*range(count), of=of)


def member(system, statistics):
    return Member(system, f"digest of {system}", statistics)


def members(**systems):
    """Systems that are right on their first so many segments."""
    return [member(system, first(count)) for system, count in systems.items()]


def column(found, key):
    return [getattr(item, key) for item in found]


# --- the record ---


def test_a_comparison_says_what_was_compared_and_how():
    found = compare(ACCURACY, DEV, members(a=40, b=20), FAST)
    assert (found.task, found.test_set, found.metric, found.unit, found.best) == (
        "toy",
        "dev",
        "accuracy",
        "fraction",
        "higher",
    )
    assert (found.segments, found.blocks) == (SEGMENTS, SEGMENTS)
    assert (found.gold, found.signature) == ("digest of the gold", "accuracy:v1")
    assert found.outputs == {"a": "digest of a", "b": "digest of b"}
    assert "resamples:200" in found.method
    assert "seed:0" in found.method
    assert found.reason is None


def test_a_comparison_is_the_same_whatever_the_order_of_the_systems():
    systems = members(a=40, b=20, c=20, d=3)
    encoded = {
        msgspec.json.encode(compare(ACCURACY, DEV, order, FAST), order="deterministic")
        for order in (systems, systems[::-1], systems[2:] + systems[:2])
    }
    assert len(encoded) == 1


def test_a_comparison_survives_being_stored():
    found = compare(ACCURACY, DEV, members(a=40, b=20), FAST)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Comparison) == found


def test_other_settings_make_another_record():
    systems = members(a=25, b=20)
    records = {
        compare(ACCURACY, DEV, systems, settings).method
        for settings in (FAST, replace(FAST, seed=1), replace(FAST, resamples=300), replace(FAST, level=0.9))
    }
    assert len(records) == 4


# --- the order ---


@pytest.mark.parametrize(
    ("metric", "order", "values"),
    [
        (ACCURACY, ["all", "half", "none"], [1.0, 0.5, 0.0]),
        (ERRORS, ["all", "half", "none"], [0.0, 0.5, 1.0]),
        (SURPLUS, ["half", "all", "none"], [0.0, 1.0, -1.0]),
    ],
)
def test_the_best_comes_first_whatever_is_best(metric, order, values):
    found = compare(metric, DEV, members(none=0, half=20, all=40), FAST)
    assert (column(found.systems, "system"), column(found.systems, "value")) == (order, values)
    assert found.systems[0].cluster == found.systems[0].rank_lo == found.systems[0].rank_hi == 1


def test_systems_that_are_equally_far_from_zero_are_equal():
    """`all` and `none` are 1 and -1: as far from 0, with no resample that changes it."""
    found = compare(SURPLUS, DEV, members(none=0, half=20, all=40), FAST)
    assert column(found.systems, "cluster") == [1, 2, 2]
    assert [(system.rank_lo, system.rank_hi) for system in found.systems] == [(1, 1), (2, 3), (2, 3)]


def test_equal_values_are_listed_by_name():
    assert column(compare(ACCURACY, DEV, members(c=20, a=20, b=20), FAST).systems, "system") == ["a", "b", "c"]


def test_a_system_whose_value_is_undefined_is_left_out_but_named():
    nothing = Statistics(("hits", "segments"), np.zeros((SEGMENTS, 2), np.int64))
    found = compare(ACCURACY, DEV, [*members(a=40, b=20), member("empty", nothing)], FAST)
    assert column(found.systems, "system") == ["a", "b"]
    assert set(found.outputs) == {"a", "b", "empty"}


def test_where_no_system_has_a_value_there_is_a_reason():
    nothing = Statistics(("hits", "segments"), np.zeros((SEGMENTS, 2), np.int64))
    found = compare(ACCURACY, DEV, [member("empty", nothing)], FAST)
    assert (found.systems, found.pairs, found.detectable) == ([], [], None)
    assert found.reason


def test_one_system_alone_has_the_first_rank_and_nothing_to_be_told_apart_from():
    found = compare(ACCURACY, DEV, members(a=20), FAST)
    assert [(s.rank_lo, s.rank_hi, s.cluster) for s in found.systems] == [(1, 1, 1)]
    assert (found.pairs, found.detectable) == ([], None)


def test_a_value_of_a_clear_loser_lies_in_its_own_cluster():
    found = compare(ACCURACY, DEV, members(a=40, b=20, c=0), FAST)
    assert column(found.systems, "cluster") == [1, 2, 3]
    assert [(s.rank_lo, s.rank_hi) for s in found.systems] == [(1, 1), (2, 2), (3, 3)]


def test_equal_systems_share_cluster_and_ranks():
    found = compare(ACCURACY, DEV, members(a=20, b=20), FAST)
    assert [(s.rank_lo, s.rank_hi, s.cluster) for s in found.systems] == [(1, 2, 1), (1, 2, 1)]
    assert found.systems[0].lo == found.systems[1].lo < 0.5 < found.systems[0].hi


# --- pairs ---


def test_a_pair_is_the_better_system_first_and_the_difference_of_the_values():
    found = compare(ACCURACY, DEV, members(none=0, half=20, all=40), FAST)
    assert [(pair.a, pair.b, pair.difference) for pair in found.pairs] == [
        ("all", "half", 0.5),
        ("all", "none", 1.0),
        ("half", "none", 0.5),
    ]
    assert all(pair.lo <= pair.difference <= pair.hi for pair in found.pairs)


def test_where_lower_is_better_the_difference_is_that_of_the_values_all_the_same():
    (pair,) = compare(ERRORS, DEV, members(none=0, all=40), FAST).pairs
    assert (pair.a, pair.b, pair.difference, pair.lo, pair.hi) == ("all", "none", -1.0, -1.0, -1.0)


def test_holm_multiplies_the_smallest_p_by_the_number_of_pairs_and_the_next_by_one_less():
    """22, 21 and 20 right: neighbours differ where one segment is not drawn once, p = 1 - 0.37; the ends, p = 0.27."""
    found = compare(ACCURACY, DEV, members(a=22, b=21, c=20), FAST)
    p = {(pair.a, pair.b): pair.p for pair in found.pairs}
    assert p == {
        ("a", "b"): pytest.approx(0.63, abs=0.12),
        ("a", "c"): pytest.approx(0.27, abs=0.12),
        ("b", "c"): pytest.approx(0.63, abs=0.12),
    }
    assert {(pair.a, pair.b): pair.p_holm for pair in found.pairs} == {
        ("a", "b"): 1.0,
        ("a", "c"): pytest.approx(3 * p["a", "c"]),
        ("b", "c"): 1.0,
    }


def test_what_was_counted_is_the_smallest_that_is_reported():
    """Three pairs that no resample turns round: their tails are far below 1 / 201, three times as much also."""
    found = compare(ACCURACY, DEV, members(none=1, half=20, all=39), FAST)
    assert column(found.pairs, "p") == pytest.approx([1 / 201] * 3)
    assert column(found.pairs, "p_holm") == pytest.approx([1 / 201] * 3)


def test_one_pair_alone_needs_no_correction():
    (pair,) = compare(ACCURACY, DEV, members(a=24, b=20), FAST).pairs
    assert pair.p_holm == pair.p
    assert 0 < pair.p < 1


def test_a_corrected_p_is_never_below_p_nor_above_one():
    found = compare(ACCURACY, DEV, members(a=24, b=22, c=21, d=20, e=20, f=12, g=4), FAST)
    assert len(found.pairs) == 21
    assert all(pair.p <= pair.p_holm <= 1 for pair in found.pairs)
    assert any(pair.p < pair.p_holm < 1 for pair in found.pairs)
    assert [pair.p_holm for pair in found.pairs if {pair.a, pair.b} == {"d", "e"}] == [1.0]


@pytest.mark.parametrize(
    ("systems", "pairs"),
    [(2, 1), (ALL_PAIRS_UP_TO, ALL_PAIRS_UP_TO * (ALL_PAIRS_UP_TO - 1) // 2), (ALL_PAIRS_UP_TO + 1, ALL_PAIRS_UP_TO)],
)
def test_up_to_sixty_systems_have_all_pairs_and_more_only_neighbours(systems, pairs):
    """60 systems have 1770 pairs; of 61 there are 60 neighbours. Equal ones are neighbours by name."""
    assert ALL_PAIRS_UP_TO == 60
    names = [f"s{number:02}" for number in range(systems)]
    found = compare(ACCURACY, DEV, [member(name, first(20)) for name in names], replace(FAST, resamples=20))
    assert len(found.pairs) == pairs
    neighbours = list(pairwise(names))
    listed = [(pair.a, pair.b) for pair in found.pairs]
    assert set(neighbours) <= set(listed)
    assert listed == neighbours or systems <= ALL_PAIRS_UP_TO


@pytest.mark.parametrize(
    ("best", "others"),
    [(39, 3), (40, 0)],
)
def test_among_many_systems_a_clear_winner_is_still_alone_in_front(best, others):
    """61 systems have 1830 pairs, and 200 resamples show no p below 1 / 201: the normal tail is far smaller."""
    systems = [member("winner", first(best)), *(member(f"s{n:02}", first(others)) for n in range(60))]
    found = compare(ACCURACY, DEV, systems, FAST)
    assert found.pairs[0].p_holm == pytest.approx(1 / 201)
    assert column(found.systems, "cluster") == [1] + [2] * 60


# --- what the test set would find ---


def test_the_detectable_difference_is_positive_for_different_systems_and_zero_for_equal_ones():
    assert compare(ACCURACY, DEV, members(a=24, b=20), FAST).detectable > 0
    assert compare(ACCURACY, DEV, members(a=20, b=20), FAST).detectable == 0


def test_the_detectable_difference_is_that_of_eighty_percent_power():
    """`a` and `b` differ on 20 of 40 segments, always one way: sd = sqrt(0.25 / 40); 1.960 + 0.842 = 2.802."""
    found = compare(ACCURACY, DEV, members(a=40, b=20), Settings())
    assert found.detectable == pytest.approx(2.802 * math.sqrt(0.25 / 40), rel=0.1)


def test_the_detectable_difference_is_the_median_over_neighbours():
    """Of the neighbours one pair is equal (0), one differs on 4 and one on 16 segments."""
    one = compare(ACCURACY, DEV, members(b=36, c=20), FAST).detectable
    two = compare(ACCURACY, DEV, members(a=40, b=36), FAST).detectable
    found = compare(ACCURACY, DEV, members(a=40, b=36, c=20, d=20), FAST).detectable
    assert one > two > 0
    assert found == pytest.approx(two)


def test_four_times_as_many_segments_find_half_the_difference():
    small, large = (
        compare(
            ACCURACY, a_test_set(n), [member("a", first(n, of=n)), member("b", first(n // 2, of=n))], Settings()
        ).detectable
        for n in (40, 160)
    )
    assert small / large == pytest.approx(2, rel=0.1)


# --- what is not compared ---


@pytest.mark.parametrize(
    ("metric", "test_set"),
    [
        (replace(ACCURACY, interval="none"), DEV),
        (replace(ACCURACY, best="none"), DEV),
        (ACCURACY, a_test_set(block=lambda _: "one block")),
    ],
    ids=["biased under resampling", "describes and does not judge", "one block"],
)
def test_without_uncertainty_there_are_values_and_a_reason(metric, test_set):
    found = compare(metric, test_set, members(b=20, a=40), FAST)
    assert [(s.system, s.value) for s in found.systems] == [("a", 1.0), ("b", 0.5)]
    assert {(s.lo, s.hi, s.rank_lo, s.rank_hi, s.cluster) for s in found.systems} == {(None,) * 5}
    assert (found.pairs, found.detectable) == ([], None)
    assert found.reason


# --- blocks and sparse counts ---


def test_segments_of_a_block_are_drawn_together():
    """Ten blocks of four copies: as far apart as ten segments, not as forty."""
    by_four = a_test_set(block=lambda n: f"block {n // 4}")
    (blocks,), (segments,) = (
        compare(ACCURACY, found, members(a=40, b=20), Settings()).pairs for found in (by_four, DEV)
    )
    ratio_of_widths = (blocks.hi - blocks.lo) / (segments.hi - segments.lo)
    assert ratio_of_widths == pytest.approx(2, rel=0.2)
    assert compare(ACCURACY, by_four, members(a=40, b=20), FAST).blocks == 10


def test_the_order_of_segments_within_blocks_does_not_matter():
    """Blocks may be interleaved: every tenth segment is of one block."""
    scattered = a_test_set(block=lambda n: f"block {n % 10}")
    together = a_test_set(block=lambda n: f"block {n // 4}")
    right = [n for n in range(SEGMENTS) if n % 10 < 5]
    one = compare(ACCURACY, scattered, [*members(a=40), member("b", hits(*right))], FAST)
    other = compare(ACCURACY, together, members(a=40, b=20), FAST)
    assert one.systems == other.systems
    assert one.pairs == other.pairs


def test_sparse_statistics_give_the_very_same_comparison():
    by_four = a_test_set(block=lambda n: f"block {n // 4}")
    dense = members(a=30, b=20)
    sparse = [replace(m, statistics=Statistics(m.statistics.columns, csr_array(m.statistics.rows))) for m in dense]
    for test_set in (DEV, by_four):
        assert compare(ACCURACY, test_set, dense, FAST) == compare(ACCURACY, test_set, sparse, FAST)


# --- a pair ---


def pair(a, b, metric=ACCURACY, settings=FAST, test_set=DEV):
    return compare_pair(metric, test_set, member("a", a), member("b", b), settings)


def test_the_row_of_a_pair_agrees_with_the_comparison_of_the_field():
    row = pair(first(24), first(20), settings=Settings())
    (found,) = compare(ACCURACY, DEV, members(a=24, b=20), Settings()).pairs
    assert (row["difference"], row["lo"], row["hi"], row["p_bootstrap"]) == (
        found.difference,
        found.lo,
        found.hi,
        found.p,
    )


def test_statistics_whose_columns_differ_cannot_be_swapped():
    """The columns of a contingency table are named by the outputs."""
    renamed = Statistics(("segments", "hits"), first(20).rows[:, ::-1].copy())
    row = pair(first(24), renamed)
    assert (row["b"], row["p_randomization"]) == (0.5, None)
    assert row["p_bootstrap"] is not None
    assert row["reason"]


def test_the_randomization_has_as_many_trials_as_are_asked_for():
    assert pair(first(40), first(0))["p_randomization"] == pytest.approx(1 / 501)
    assert pair(first(40), first(0), settings=replace(FAST, trials=50))["p_randomization"] == pytest.approx(1 / 51)


def test_a_pair_by_a_metric_that_only_describes_has_values_and_a_reason():
    row = pair(first(40), first(20), replace(ACCURACY, best="none"))
    assert (row["a"], row["b"], row["difference"]) == (1.0, 0.5, 0.5)
    assert (row["lo"], row["p_bootstrap"], row["p_randomization"]) == (None, None, None)
    assert row["reason"]


# --- which fields there are ---


def score(metric, method="percentile|…"):
    known = {"value": 0.5, "unit": "fraction", "n": 4, "signature": f"{metric}:v1"}
    return Score(metric=metric, method=method, interval=Interval(lo=0, hi=1) if method != "none" else None, **known)


def result(system, kind="primary", *, test_set="dev", outputs=None, scores=None):
    provenance = Provenance(
        gold=f"gold of {test_set}",
        manifest="manifest",
        outputs=outputs or f"outputs of {system}",
        task_version="1.0.0",
        harness="0",
        python="3",
        packages={},
    )
    return Result(
        schema="result/1",
        task="toy",
        test_set=test_set,
        collection=test_set,
        system=system,
        name=system,
        team="us",
        kind=kind,
        segments=4,
        scores=scores or [score("accuracy"), score("nmi", "none")],
        notices={},
        provenance=provenance,
        primary="accuracy",
        tags={},
    )


def test_there_is_one_field_per_test_set_and_metric_with_intervals():
    found = fields([result("a"), result("b"), result("a", test_set="test")], FAST)
    assert [(field.test_set, field.metric, [name for name, _ in field.outputs]) for field in found] == [
        ("dev", "accuracy", ["a", "b"]),
        ("test", "accuracy", ["a"]),
    ]


def test_a_field_holds_the_systems_that_compete():
    kinds = ("primary", "contrastive", "baseline", "floor", "gaming", "ceiling")
    (field,) = fields([result(kind, kind) for kind in kinds], FAST)
    assert [name for name, _ in field.outputs] == ["baseline", "contrastive", "primary"]


def test_without_competing_systems_there_is_no_field():
    assert fields([result("a", "floor"), result("b", "ceiling")], FAST) == []


def test_a_field_does_not_depend_on_the_order_of_results():
    results = [result("a"), result("b"), result("c", "floor")]
    assert fields(results, FAST) == fields(results[::-1], FAST)


@pytest.mark.parametrize(
    "changed",
    [
        lambda: fields([result("a", outputs="others"), result("b")], FAST),
        lambda: fields([result("a"), result("c")], FAST),
        lambda: fields([result("a"), result("b"), result("c")], FAST),
        lambda: fields([result("a"), result("b")], replace(FAST, resamples=201)),
        lambda: fields([result("a"), result("b")], replace(FAST, seed=1)),
        lambda: fields([result(s, scores=[replaced(score("accuracy"), signature="accuracy:v2")]) for s in "ab"], FAST),
    ],
    ids=["outputs", "systems", "more systems", "resamples", "seed", "signature"],
)
def test_a_field_is_another_if_anything_changed_that_decides_it(changed):
    assert not set(changed()) & set(fields([result("a"), result("b")], FAST))


def replaced(item, **facts):
    return msgspec.structs.replace(item, **facts)


def test_a_comparison_is_that_of_its_field():
    (field,) = fields([result("a"), result("b")], FAST)
    test_set = replace(DEV, digest="gold of dev")
    systems = [Member(name, digest, first(20)) for name, digest in field.outputs]
    made = compare(ACCURACY, test_set, systems, FAST, task_version=field.task_version)
    assert Field.of(made) == field
