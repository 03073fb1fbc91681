"""Numbers over several test sets: gains, means, and which of their test sets are resampled alike."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from harness.api import Request, Segment, Statistics, TestSet
from harness.comparing import Settings
from harness.deriving import Group, derive, groups
from harness.manifest import DerivedTable
from harness.records import Derived, Provenance, Result

from .toys import ACCURACY, ERRORS

SEGMENTS = 100
GAIN = DerivedTable(name="gain", metric="accuracy", tag="mode", difference=["with", "without"])
MEAN = DerivedTable(name="mean", metric="accuracy", tag="mode", title="Mean over modes")
SETTINGS = Settings()


# --- which numbers there are ---


def result(system, test_set, kind="primary", *, outputs="outputs", **tags):
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
        scores=[],
        notices={},
        provenance=Provenance(
            gold=f"gold-{test_set}",
            manifest="manifest",
            outputs=f"{outputs}-{system}-{test_set}",
            task_version="1.0.0",
            harness="0",
            python="3",
            packages={},
        ),
        primary="accuracy",
        tags=tags,
    )


def found(table, results):
    """By the tags that test sets share: their weights."""
    return {tuple(group.tags.items()): dict(group.weights) for group in groups("toy", [table], results)}


BOTH = [result("a", "law-1", mode="with", domain="law"), result("a", "law-2", mode="without", domain="law")]
THREE = [*BOTH, result("a", "law-3", mode="other", domain="law")]


def test_a_difference_is_the_first_value_of_the_tag_minus_the_second():
    assert found(GAIN, BOTH) == {(("domain", "law"),): {"law-1": 1.0, "law-2": -1.0}}
    turned = msgspec.structs.replace(GAIN, difference=["without", "with"])
    assert found(turned, BOTH) == {(("domain", "law"),): {"law-1": -1.0, "law-2": 1.0}}


def test_a_difference_takes_no_test_set_of_another_value():
    assert found(GAIN, THREE) == {(("domain", "law"),): {"law-1": 1.0, "law-2": -1.0}}


@pytest.mark.parametrize("results", [BOTH[:1], BOTH[1:], [], THREE[2:]])
def test_a_difference_needs_both_test_sets(results):
    assert found(GAIN, results) == {}


def test_a_mean_is_over_all_values_of_the_tag():
    assert found(MEAN, BOTH) == {(("domain", "law"),): {"law-1": 0.5, "law-2": 0.5}}
    assert found(MEAN, THREE) == {
        (("domain", "law"),): dict.fromkeys(("law-1", "law-2", "law-3"), pytest.approx(1 / 3))
    }


def test_a_mean_of_one_test_set_is_no_number_of_its_own():
    assert found(MEAN, BOTH[:1]) == {}


def test_test_sets_belong_together_whose_other_tags_are_equal():
    news = [result("a", "news-1", mode="with", domain="news"), result("a", "news-2", mode="without", domain="news")]
    untagged = [result("a", "x", mode="with"), result("a", "y", mode="without")]
    assert found(GAIN, [*BOTH, *news, *untagged]) == {
        (): {"x": 1.0, "y": -1.0},
        (("domain", "law"),): {"law-1": 1.0, "law-2": -1.0},
        (("domain", "news"),): {"news-1": 1.0, "news-2": -1.0},
    }


def test_test_sets_of_other_domains_do_not_make_up_for_each_other():
    assert found(GAIN, [BOTH[0], result("a", "news-2", mode="without", domain="news")]) == {}


def test_a_test_set_without_the_tag_takes_no_part():
    assert found(MEAN, [*BOTH, result("a", "plain", domain="law")]) == found(MEAN, BOTH)


def test_systems_that_have_some_of_the_test_sets_are_listed_with_those():
    results = [*BOTH, result("b", "law-1", mode="with", domain="law"), result("c", "elsewhere", domain="law")]
    (group,) = groups("toy", [GAIN], results)
    assert {system: list(parts) for system, parts in group.outputs.items()} == {"a": ["law-1", "law-2"], "b": ["law-1"]}


def test_floors_gaming_rows_and_references_take_no_part():
    more = [result(kind, one.test_set, kind, **one.tags) for one in BOTH for kind in ("floor", "gaming", "ceiling")]
    competing = [result(kind, one.test_set, kind, **one.tags) for one in BOTH for kind in ("baseline", "contrastive")]
    (group,) = groups("toy", [GAIN], [*BOTH, *more, *competing])
    assert set(group.outputs) == {"a", "baseline", "contrastive"}


def test_where_only_yardsticks_took_part_there_is_no_number():
    assert list(groups("toy", [GAIN], [result("f", one.test_set, "floor", **one.tags) for one in BOTH])) == []


def test_groups_do_not_depend_on_the_order_of_results():
    results = [*THREE, *(result("b", one.test_set, **one.tags) for one in THREE)]
    assert list(groups("toy", [GAIN, MEAN], results)) == list(groups("toy", [GAIN, MEAN], results[::-1]))


def test_there_is_one_number_per_table():
    assert [group.table.name for group in groups("toy", [GAIN, MEAN], BOTH)] == ["gain", "mean"]


# --- their values ---


def a_test_set(name, *, sources="source", blocks=str, segments=SEGMENTS):
    rows = (Segment(str(n), (Request(str(n), f"{sources} {n}"),), blocks(n)) for n in range(segments))
    return TestSet(name, "toy", tuple(rows), {}, f"digest of {name}")


def first(count, segments=SEGMENTS):
    """Statistics of a system that is right on its first segments."""
    rows = np.zeros((segments, 2), dtype=np.int64)
    rows[:count, 0] = 1
    rows[:, 1] = 1
    return Statistics(("hits", "segments"), rows)


def derived(table, test_sets, systems, *, metric=ACCURACY, settings=SETTINGS):
    """The record; `systems` have their hits by test set, None for one in which they took no part."""
    names = [test_set.id for test_set in test_sets]
    signs = [1.0, -1.0] if table.difference else [1 / len(names)] * len(names)
    outputs = {
        system: {name: f"{system} on {name}" for name, count in zip(names, counts, strict=True) if count is not None}
        for system, counts in systems.items()
    }
    group = Group("toy", table, {"domain": "law"}, dict(zip(names, signs, strict=True)), outputs)
    statistics = {
        (system, test_set.id): first(count, len(test_set.segments))
        for system, counts in systems.items()
        for test_set, count in zip(test_sets, counts, strict=True)
        if count is not None
    }
    return derive(group, metric, {test_set.id: test_set for test_set in test_sets}, statistics, settings)


def one(*arguments, **settings):
    (system,) = derived(*arguments, **settings).systems
    return system


ALIKE = (a_test_set("with"), a_test_set("without"))
"""The same sentences twice, as the modes of one set are."""
OTHERS = (a_test_set("law"), a_test_set("news", sources="another"))


def test_a_record_says_what_it_was_made_of():
    record = derived(MEAN, ALIKE, {"a": (60, 40)})
    assert (record.task, record.name, record.title, record.metric, record.unit, record.best) == (
        "toy",
        "mean",
        "Mean over modes",
        "accuracy",
        "fraction",
        "higher",
    )
    assert (record.tags, record.weights) == ({"domain": "law"}, {"with": 0.5, "without": 0.5})
    assert record.outputs == {"a": {"with": "a on with", "without": "a on without"}}
    assert msgspec.json.decode(msgspec.json.encode(record), type=Derived) == record


def test_a_table_without_a_title_goes_by_its_name():
    assert derived(GAIN, ALIKE, {"a": (60, 40)}).title == "gain"


def test_a_gain_is_one_value_minus_the_other():
    system = one(GAIN, ALIKE, {"a": (60, 40)})
    assert (system.value, system.parts) == (pytest.approx(0.2), 2)
    assert system.lo < system.value < system.hi


def test_a_mean_weighs_test_sets_alike_whatever_their_size():
    small = a_test_set("small", segments=10)
    assert one(MEAN, (ALIKE[0], small), {"a": (100, 5)}).value == pytest.approx((1 + 0.5) / 2)


def test_a_mean_may_be_over_three():
    third = a_test_set("third")
    system = one(MEAN, (*ALIKE, third), {"a": (60, 40, 20)})
    assert (system.value, system.parts) == (pytest.approx(0.4), 3)


def test_the_best_system_comes_first_and_those_without_a_value_last():
    record = derived(GAIN, ALIKE, {"a": (50, 50), "z": (60, 40), "none": (99, None), "b": (50, 50), "lost": (None, 1)})
    assert [(system.system, system.value, system.parts) for system in record.systems] == [
        ("z", pytest.approx(0.2), 2),
        ("a", 0.0, 2),
        ("b", 0.0, 2),
        ("lost", None, 1),
        ("none", None, 1),
    ]


def test_where_lower_is_better_the_lowest_comes_first():
    """A gain in errors of -0.2 is the better one."""
    record = derived(GAIN, ALIKE, {"a": (50, 50), "z": (60, 40)}, metric=ERRORS)
    assert [(system.system, system.value) for system in record.systems] == [
        ("z", pytest.approx(-0.2)),
        ("a", pytest.approx(0.0)),
    ]


def test_a_system_that_lacks_a_test_set_has_no_value_and_no_interval():
    (system,) = derived(MEAN, ALIKE, {"a": (60, None)}).systems
    assert (system.value, system.lo, system.hi, system.parts) == (None, None, None, 1)


def test_a_value_that_is_undefined_on_one_test_set_is_undefined():
    nothing = Statistics(("hits", "segments"), np.zeros((SEGMENTS, 2), np.int64))
    group = Group("toy", MEAN, {}, {"with": 0.5, "without": 0.5}, {"a": {"with": "x", "without": "y"}})
    statistics = {("a", "with"): first(50), ("a", "without"): nothing}
    (system,) = derive(group, ACCURACY, {t.id: t for t in ALIKE}, statistics, SETTINGS).systems
    assert (system.value, system.lo, system.hi) == (None, None, None)


def test_a_metric_without_intervals_has_values_only():
    system = one(MEAN, ALIKE, {"a": (60, 40)}, metric=replace(ACCURACY, interval="none"))
    assert (system.value, system.lo, system.hi) == (0.5, None, None)


# --- their intervals ---


def test_equal_outputs_on_equal_test_sets_differ_in_no_resample():
    system = one(GAIN, ALIKE, {"a": (50, 50)})
    assert (system.value, system.lo, system.hi) == (0.0, 0.0, 0.0)


def test_equal_outputs_on_other_sentences_do_differ():
    """Standard error of the difference of two independent halves: sqrt(2 * 0.25 / 100) = 0.071."""
    system = one(GAIN, OTHERS, {"a": (50, 50)})
    assert system.value == 0
    assert (system.lo, system.hi) == (pytest.approx(-0.139, abs=0.025), pytest.approx(0.139, abs=0.025))


def test_a_gain_on_the_same_sentences_is_that_of_paired_values():
    """20 of 100 segments are right only with the dictionary: sqrt(0.2 * 0.8 / 100) = 0.04, times 1.96."""
    system = one(GAIN, ALIKE, {"a": (60, 40)})
    assert (system.lo, system.hi) == (pytest.approx(0.122, abs=0.025), pytest.approx(0.278, abs=0.025))


def width(system):
    return system.hi - system.lo


def test_the_mean_of_two_independent_test_sets_is_known_better_than_either():
    """By 1 / sqrt(2): the interval of one half of 100 is 0.5 -+ 0.098, that of their mean 0.5 -+ 0.069."""
    apart, alike = (one(MEAN, test_sets, {"a": (50, 50)}) for test_sets in (OTHERS, ALIKE))
    assert width(alike) == pytest.approx(2 * 0.098, rel=0.12)
    assert width(apart) == pytest.approx(2 * 0.0693, rel=0.12)
    assert width(apart) / width(alike) == pytest.approx(1 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize(
    "other",
    [
        a_test_set("without", sources="another"),
        a_test_set("without", blocks=lambda n: f"block {n}"),
        a_test_set("without", blocks=lambda n: str(n // 2)),
        a_test_set("without", segments=SEGMENTS - 2),
    ],
    ids=["sources", "names of blocks", "blocks", "number of segments"],
)
def test_test_sets_with_other_sources_or_blocks_are_resampled_on_their_own(other):
    half = len(other.segments) // 2
    assert width(one(GAIN, (ALIKE[0], other), {"a": (50, half)})) > 0.1


def test_of_three_test_sets_those_that_are_alike_are_resampled_alike():
    """The mean of `with` and `without` (one value, alike) and of news: 2/3 and 1/3 of independent values."""
    news = OTHERS[1]
    orders = [(*ALIKE, news), (news, *ALIKE), (ALIKE[0], news, ALIKE[1])]
    for test_sets in orders:
        system = one(MEAN, test_sets, {"a": (50, 50, 50)})
        assert width(system) == pytest.approx(2 * 0.098 * np.sqrt(5) / 3, rel=0.12)


def test_every_system_is_resampled_by_the_same_weights():
    record = derived(MEAN, OTHERS, {"a": (50, 50), "b": (50, 50)})
    a, b = record.systems
    assert (a.lo, a.hi) == (b.lo, b.hi)


def test_blocks_are_resampled_as_a_whole():
    """Ten blocks of ten copies are worth ten segments: the interval is sqrt(10) times as wide."""
    in_blocks = tuple(
        a_test_set(name, sources=name, blocks=lambda n: f"block {n // 10}") for name in ("first", "second")
    )
    ratio_of_widths = width(one(MEAN, in_blocks, {"a": (50, 50)})) / width(one(MEAN, OTHERS, {"a": (50, 50)}))
    assert ratio_of_widths == pytest.approx(np.sqrt(10), rel=0.15)


def test_the_seed_decides_the_interval_and_zero_is_a_seed_like_any_other():
    intervals = [
        (system.lo, system.hi)
        for seed in (0, 0, 1, 2)
        for system in [one(MEAN, OTHERS, {"a": (50, 37)}, settings=Settings(resamples=50, seed=seed))]
    ]
    assert intervals[0] == intervals[1]
    assert len(set(intervals)) > 1


# --- what is stored already ---


def stored(results, table=GAIN):
    """A group of results, and the record that was made of it."""
    (group,) = groups("toy", [table], results)
    statistics = {(system, name): first(50) for system, parts in group.outputs.items() for name in parts}
    test_sets = {name: a_test_set(name) for name in group.weights}
    return group, derive(group, ACCURACY, test_sets, statistics, SETTINGS)


def test_a_record_is_claimed_by_the_group_that_made_it_even_from_the_disk():
    for results, table in ((BOTH, GAIN), (BOTH, MEAN), (THREE, MEAN)):
        group, record = stored(results, table)
        again = msgspec.json.decode(msgspec.json.encode(record), type=Derived)
        assert group.claims(again, SETTINGS)


@pytest.mark.parametrize(
    ("results", "settings"),
    [
        (
            [msgspec.structs.replace(BOTH[0]), result("a", "law-2", outputs="new", mode="without", domain="law")],
            SETTINGS,
        ),
        ([*BOTH, result("b", "law-1", mode="with", domain="law")], SETTINGS),
        ([result("a", one.test_set, mode=one.tags["mode"], domain="news") for one in BOTH], SETTINGS),
        (BOTH, replace(SETTINGS, seed=1)),
        (BOTH, replace(SETTINGS, resamples=999)),
    ],
    ids=["outputs", "systems", "tags", "seed", "resamples"],
)
def test_a_record_is_not_claimed_if_anything_changed_that_decides_it(results, settings):
    _, record = stored(BOTH)
    (group,) = groups("toy", [GAIN], results)
    assert not group.claims(record, settings)


@pytest.mark.parametrize(
    "facts",
    [{"metric": "bleu"}, {"name": "other"}, {"difference": ["without", "with"]}, {"difference": None}],
    ids=["metric", "name", "direction", "kind"],
)
def test_a_record_is_not_claimed_by_another_table(facts):
    _, record = stored(BOTH)
    (group,) = groups("toy", [msgspec.structs.replace(GAIN, **facts)], BOTH)
    assert not group.claims(record, SETTINGS)
