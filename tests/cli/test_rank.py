"""`harness rank`, and what `harness score` stores for it: numbers worked out by hand on forty segments."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

from ..hostile.toy import Toy
from ..unit import toys

SEGMENTS = 40
SOURCES = tuple(f"word {number}" for number in range(SEGMENTS))
METRICS = ["accuracy", "errors", "precision", "plain"]
"""`precision` is undefined for a system that answers nothing, `plain` has no intervals."""
KEYS = {"system", "value", "lo", "hi", "rank_lo", "rank_hi", "cluster", "test_set", "metric"}


def right(hits, *, otherwise="?"):
    """The first `hits` outputs are right, the others are not."""
    return tuple(text.upper() if place < hits else otherwise for place, text in enumerate(SOURCES))


SYSTEMS = {
    "clear_winner": ("primary", right(40)),
    "twin-b": ("contrastive", right(20)),
    "twin-a": ("primary", right(20)),
    "last": ("baseline", right(2)),
    "silent": ("primary", right(0, otherwise="-")),
    "guess": ("floor", right(1)),
    "copy": ("gaming", right(40)),
}


def made(root, *, test_sets=("dev", "test")):
    """A workspace that is not scored: on `test` there is `last` only."""
    toys.task(root / "tasks" / "toy", test_sets=test_sets, scorer=toys.FOUR_METRICS, metrics=METRICS)
    for name in test_sets:
        toys.gold(root / "tasks" / "toy" / "data" / f"{name}.jsonl", SOURCES)
    for system, (kind, texts) in SYSTEMS.items():
        outputs = dict.fromkeys(test_sets if system == "last" else test_sets[:1], texts)
        toys.submission(root / "submissions" / "toy" / system, outputs, kind=kind)
    return Toy(root)


def scored(toy):
    done = toy.run("score", "--workers", "1")
    assert (done.code, done.err) == (0, "")
    return toy


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return scored(made(tmp_path_factory.mktemp("rank")))


def rank(toy, *arguments, task="toy"):
    done = toy.run("rank", task, *arguments)
    assert (done.code, done.err) == (0, "")
    return done


def rows(toy, *arguments, test_set="dev"):
    return rank(toy, "--test-set", test_set, "--json", *arguments).json


def column(found, *keys):
    return [tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]] for row in found]


def row_of(toy, system, *arguments):
    return next(row for row in rows(toy, *arguments) if row["system"] == system)


# --- the order ---


def test_the_best_system_comes_first_and_equal_ones_by_name(toy):
    assert column(rows(toy), "system", "value") == [
        ("clear_winner", 1.0),
        ("twin-a", 0.5),
        ("twin-b", 0.5),
        ("last", 0.05),
        ("silent", 0.0),
    ]


def test_a_row_has_these_keys_and_says_where_it_comes_from(toy):
    found = rows(toy)
    assert all(row.keys() >= KEYS for row in found)
    assert {(row["test_set"], row["metric"]) for row in found} == {("dev", "accuracy")}


def test_where_lower_is_better_the_lowest_comes_first(toy):
    found = column(rows(toy, "--metric", "errors"), "system", "value", "cluster")
    assert found[0] == ("clear_winner", 0.0, 1)
    assert [system for system, _, _ in found] == column(rows(toy), "system")
    assert found[-1][1] == 1.0


def test_a_system_without_a_value_is_not_ranked(toy):
    """`silent` answers nothing: 0 right answers of 0."""
    assert column(rows(toy, "--metric", "precision"), "system") == ["clear_winner", "twin-a", "twin-b", "last"]


def test_ceiling_floor_and_gaming_rows_are_not_ranked(toy):
    assert not {"@reference", "guess", "copy"} & set(column(rows(toy), "system"))


def test_each_test_set_is_ranked_unless_one_is_named(toy):
    assert column(rank(toy, "--json").json, "test_set", "system")[-2:] == [("dev", "silent"), ("test", "last")]
    assert column(rows(toy, test_set="test"), "test_set", "system") == [("test", "last")]


# --- what the test set can tell apart ---


@pytest.mark.parametrize("metric", ["accuracy", "errors", "precision"])
def test_values_and_intervals_are_those_that_are_exported(toy, metric):
    exported = [json.loads(line) for line in toy.run("export", "results", "--json").out.splitlines()]
    keys = ("value", "lo", "hi")
    expected = {
        row["system"]: column([row], *keys)[0]
        for row in exported
        if (row["test_set"], row["metric"]) == ("dev", metric)
    }
    found = rows(toy, "--metric", metric)
    assert {row["system"]: column([row], *keys)[0] for row in found}.items() <= expected.items()
    assert all(row["lo"] <= row["value"] <= row["hi"] for row in found)


def test_a_clearly_better_system_is_alone_in_front(toy):
    """It is right everywhere and the next one on every other segment: no resample turns them round."""
    found = rows(toy)
    assert column(found[:1], "system", "cluster", "rank_lo", "rank_hi") == [("clear_winner", 1, 1, 1)]
    assert [row["system"] for row in found if row["cluster"] == 1] == ["clear_winner"]


def test_equal_systems_share_their_cluster_and_both_ends_of_their_ranks(toy):
    assert column(rows(toy)[1:3], "system", "cluster", "rank_lo", "rank_hi") == [
        ("twin-a", 2, 2, 3),
        ("twin-b", 2, 2, 3),
    ]


def test_systems_that_two_hits_tell_apart_are_not_told_apart(toy):
    """Neither hit is drawn in (38 / 40)^40 = 13 % of the resamples: then both systems are equal."""
    assert column(rows(toy)[3:], "system", "cluster", "rank_lo", "rank_hi") == [("last", 3, 4, 5), ("silent", 3, 4, 5)]


def test_one_system_alone_has_the_first_rank(toy):
    assert column(rows(toy, test_set="test"), "rank_lo", "rank_hi", "cluster") == [(1, 1, 1)]


def test_a_metric_without_intervals_has_values_only(toy):
    found = rows(toy, "--metric", "plain")
    assert column(found, "system", "value") == column(rows(toy), "system", "value")
    unknown = dict.fromkeys(KEYS - {"system", "value", "test_set", "metric"})
    assert all(row.items() >= unknown.items() for row in found)


def test_the_text_says_why_there_are_no_ranks(toy):
    assert "no ranks: " in rank(toy, "--metric", "plain").out
    assert "no ranks: " not in rank(toy).out


@pytest.fixture(scope="module")
def clusterings(tmp_path_factory, repository):
    """A bundled system twice, and two bundled floors."""
    root = tmp_path_factory.mktemp("clusterings")
    bundled, own = (place / "submissions" / "intent-discovery" for place in (repository, root))
    for name in ("singletons", "one-cluster", "tfidf-kmeans"):
        shutil.copytree(bundled / name, own / name)
    shutil.copytree(bundled / "tfidf-kmeans", own / "again")
    manifest = own / "again" / "submission.toml"
    toys.write(manifest, manifest.read_text("utf-8").replace('system = "tfidf-kmeans"', 'system = "again"'))
    toy = Toy(root)
    assert toy.run("score", "--workspace", root, "--workers", "1").code == 0
    return toy


def of_clusterings(toy, metric, *arguments):
    return rank(toy, "--metric", metric, "--workspace", toy.root, *arguments, task="intent-discovery")


def test_the_bundled_clusterings_have_no_intervals_by_nmi(clusterings):
    """It is not corrected for chance, and a resample has more of that."""
    found = of_clusterings(clusterings, "nmi", "--json").json
    assert column(found, "system") == ["again", "tfidf-kmeans"]
    assert 0 < found[0]["value"] == found[1]["value"] < 1
    assert {column([row], "lo", "hi", "rank_lo", "rank_hi", "cluster")[0] for row in found} == {(None,) * 5}
    assert "no ranks: " in of_clusterings(clusterings, "nmi").out


def test_the_bundled_clusterings_have_the_exported_intervals_by_acc(clusterings):
    found = of_clusterings(clusterings, "acc", "--json").json
    lines = clusterings.run("export", "results", "--json", "--workspace", clusterings.root).out.splitlines()
    exported = {(row["system"], row["metric"]): row for row in map(json.loads, lines)}
    keys = ("value", "lo", "hi")
    assert column(found, *keys) == [column([exported[row["system"], "acc"]], *keys)[0] for row in found]
    assert column(found, "system", "rank_lo", "rank_hi", "cluster") == [("again", 1, 2, 1), ("tfidf-kmeans", 1, 2, 1)]


# --- chance ---


def test_zero_is_a_seed_like_any_other_and_the_default(toy):
    assert rank(toy, "--json", "--seed", "0").out == rank(toy, "--json").out


def test_the_seed_and_the_number_of_resamples_move_intervals_but_no_value(toy):
    """With two resamples an interval reaches from near the lower to near the higher of two draws."""
    few = {seed: row_of(toy, "twin-a", "--resamples", "2", "--seed", seed) for seed in map(str, range(5))}
    assert {row["value"] for row in few.values()} == {0.5}
    assert len({(row["lo"], row["hi"]) for row in few.values()}) > 1


def test_one_resample_is_few_but_no_fault(toy):
    found = rows(toy, "--resamples", "1")
    assert all(row["lo"] == row["hi"] for row in found)


@pytest.mark.parametrize("arguments", [("--resamples", "0"), ("--resamples", "many"), ("--seed", "-1")])
def test_a_number_that_makes_no_sense_is_a_usage_error(toy, arguments):
    with pytest.raises(SystemExit) as ended:
        toy.run("rank", "toy", *arguments)
    assert ended.value.code == 2


# --- forms ---


def test_the_table_shows_places_and_what_could_be_detected(toy):
    done = rank(toy, "--test-set", "dev")
    cells = [line.split() for line in done.out.splitlines()]
    assert ["1", "clear_winner", "1.000", "[1.000,", "1.000]", "1"] in cells
    assert ["2", "twin-a", "0.500"] in [found[:3] for found in cells]
    assert "2-3" in done.out
    assert "40 segments in 40 blocks" in done.out


def test_markdown_is_a_table_with_escaped_names(toy):
    lines = rank(toy, "--test-set", "dev", "--as", "markdown").out.splitlines()
    assert len(lines) == 2 + 5
    assert lines[0].startswith("| cluster | system | accuracy |")
    assert set(lines[1]) <= set("|-: ")
    assert r"| clear\_winner | 1.000 |" in lines[2]


def test_latex_is_a_tabular_with_escaped_names(toy):
    lines = rank(toy, "--test-set", "dev", "--as", "latex").out.splitlines()
    assert lines[0].startswith(r"\begin{tabular}")
    assert lines[-1] == r"\end{tabular}"
    assert sum(line.endswith(r"\\") for line in lines) == 1 + 5
    assert any(r"clear\_winner & 1.000" in line for line in lines)


# --- numbers over several test sets ---

DERIVED = """
[[derived]]
name = "gain"
title = "With the dictionary minus without"
metric = "accuracy"
tag = "mode"
difference = ["with", "without"]

[[derived]]
name = "mean"
metric = "accuracy"
tag = "domain"
"""
CELLS = {f"{domain}-{mode}": (domain, mode) for domain in ("law", "news") for mode in ("with", "without")}
BOTH = {
    "both": {"law-with": right(30), "law-without": right(10), "news-with": right(40), "news-without": right(40)},
    "some": {"law-with": right(40), "news-with": right(20)},
}


def with_derived(root, systems=BOTH):
    folder = toys.task(root / "tasks" / "toy", test_sets=())
    table = "".join(
        f'[[test_sets]]\nid = "{name}"\ngold = "gold.jsonl"\ntags = {{ domain = "{domain}", mode = "{mode}" }}\n'
        for name, (domain, mode) in CELLS.items()
    )
    toys.write(folder / "task.toml", (folder / "task.toml").read_text("utf-8") + DERIVED + table)
    toys.gold(folder / "gold.jsonl", SOURCES)
    for system, outputs in systems.items():
        toys.submission(root / "submissions" / "toy" / system, outputs)
    return Toy(root)


@pytest.fixture(scope="module")
def derived(tmp_path_factory):
    return scored(with_derived(tmp_path_factory.mktemp("derived")))


def of_derived(toy, name):
    """By the tags that the test sets share: rows of (system, value, parts)."""
    return {
        tuple(table["tags"].items()): column(table["systems"], "system", "value", "parts")
        for table in rank(toy, "--metric", name, "--json").json
    }


def test_a_gain_is_one_table_per_group_and_lacks_a_value_where_a_test_set_is_missing(derived):
    """30 of 40 with and 10 of 40 without the dictionary: 0.75 - 0.25."""
    assert of_derived(derived, "gain") == {
        (("domain", "law"),): [("both", 0.5, 2), ("some", None, 1)],
        (("domain", "news"),): [("both", 0.0, 2), ("some", None, 1)],
    }


def test_a_mean_is_over_all_values_of_the_tag_and_the_best_comes_first(derived):
    """(30 + 40) / 80 and (10 + 40) / 80 for `both`; (40 + 20) / 80 for `some`, with the dictionary only."""
    assert of_derived(derived, "mean") == {
        (("mode", "with"),): [("both", 0.875, 2), ("some", 0.75, 2)],
        (("mode", "without"),): [("both", 0.625, 2)],
    }


def test_a_gain_that_no_resample_changes_has_an_interval_of_no_width(derived):
    """`both` says the same with and without on news, and both test sets are resampled alike."""
    news = next(
        table for table in rank(derived, "--metric", "gain", "--json").json if table["tags"]["domain"] == "news"
    )
    assert column(news["systems"], "system", "lo", "hi") == [("both", 0.0, 0.0), ("some", None, None)]


def test_the_text_of_a_gain_counts_the_test_sets(derived):
    cells = [line.split() for line in rank(derived, "--metric", "gain").out.splitlines()]
    assert ["some", "1", "of", "2"] in cells
    assert ["both", "0.500"] in [found[:2] for found in cells]


def test_a_gain_can_be_printed_for_a_paper(derived):
    lines = rank(derived, "--metric", "gain", "--as", "markdown").out.splitlines()
    assert [line for line in lines if line.startswith("| both | 0.500 |")]
    assert [line for line in lines if line.startswith("| some |  |")]


def test_a_gain_of_nothing_that_was_scored_is_a_usage_error(tmp_path):
    done = with_derived(tmp_path).run("rank", "toy", "--metric", "gain")
    assert (done.code, done.out, done.err[:11]) == (2, "", "error[U017]")


def test_a_gain_on_an_unknown_test_set_is_a_usage_error(derived):
    done = derived.run("rank", "toy", "--metric", "gain", "--test-set", "law-wiht")
    assert (done.code, done.out, done.err[:11]) == (2, "", "error[U014]")


# --- errors ---


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("tyo",), "T017", "did you mean 'toy'?"),
        (("toy", "--metric", "acuracy"), "U016", "did you mean 'accuracy'?"),
        (("toy", "--test-set", "dve"), "U014", "did you mean 'dev'?"),
    ],
)
def test_what_does_not_exist_is_a_usage_error_with_a_suggestion(toy, arguments, code, words):
    done = toy.run("rank", *arguments)
    assert (done.code, done.out, done.err[:11]) == (2, "", f"error[{code}]")
    assert words in done.err
    assert "  help: " in done.err


def test_before_anything_is_scored_there_is_nothing_to_rank(tmp_path):
    done = made(tmp_path).run("rank", "toy")
    assert (done.code, done.out, done.err[:11]) == (2, "", "error[U017]")
    assert list(tmp_path.glob("results/*")) == []


def test_errors_are_json_too(toy):
    done = toy.run("rank", "toy", "--metric", "acuracy", "--json")
    assert (done.code, done.err) == (2, "")
    assert [fault["code"] for fault in done.json["problems"]] == ["U016"]


# --- what score stores ---


def stored(toy, kind):
    """The records of a kind by their path."""
    return toys.tree(toy.root / "results" / kind)


def kept(toy):
    """Everything but the cache of statistics, and that of Python."""
    files = toys.tree(toy.root).items()
    return {name: content for name, content in files if not name.startswith(".harness/") and "__pycache__" not in name}


def times(toy):
    paths = [toy.root, *sorted(toy.root.rglob("*"))]
    status = {path: path.stat() for path in paths}
    return {path: (s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_size) for path, s in status.items()}


def test_scoring_stores_one_comparison_per_test_set_and_metric_with_intervals(toy):
    found = [json.loads(content) for content in stored(toy, "comparisons").values()]
    with_intervals = {"accuracy", "errors", "precision"}
    assert {(record["test_set"], record["metric"]) for record in found} == {
        (test_set, metric) for test_set in ("dev", "test") for metric in with_intervals
    }
    assert len(found) == 2 * len(with_intervals)


def test_a_comparison_lies_below_its_test_set_under_its_own_hash(toy):
    found = stored(toy, "comparisons")
    assert {path.rpartition("/")[0] for path in found} == {"toy/dev", "toy/test"}
    for path, content in found.items():
        assert path.rpartition("/")[2] == f"{hashlib.sha256(content).hexdigest()}.json"


def test_a_derived_number_lies_below_its_name_under_its_own_hash(derived):
    found = stored(derived, "derived")
    assert sorted(path.rpartition("/")[0] for path in found) == ["toy/gain"] * 2 + ["toy/mean"] * 2
    for path, content in found.items():
        assert path.rpartition("/")[2] == f"{hashlib.sha256(content).hexdigest()}.json"


def test_a_stored_comparison_is_over_the_systems_that_compete(toy):
    found = [json.loads(content) for content in stored(toy, "comparisons").values()]
    competing = {"clear_winner", "twin-a", "twin-b", "last", "silent"}
    assert {frozenset(record["outputs"]) for record in found if record["test_set"] == "dev"} == {frozenset(competing)}


def test_a_stored_comparison_holds_what_rank_prints(toy):
    (record,) = (
        found
        for found in map(json.loads, stored(toy, "comparisons").values())
        if (found["test_set"], found["metric"]) == ("dev", "accuracy")
    )
    where = {"test_set": "dev", "metric": "accuracy"}
    assert [{**system, **where} for system in record["systems"]] == rows(toy)


@pytest.mark.parametrize("fixture", ["toy", "derived"])
def test_ranking_and_scoring_an_unchanged_workspace_write_nothing(request, fixture):
    toy = request.getfixturevalue(fixture)
    before = times(toy)
    rank(toy)
    assert scored(toy).run("rank", "toy", "--metric", "accuracy").code == 0
    assert times(toy) == before


@pytest.mark.parametrize("build", [made, with_derived])
def test_deleting_the_cache_changes_no_number(tmp_path, build):
    """Comparisons that are stored, and one by another seed, which is not."""
    toy = scored(build(tmp_path))
    before, printed = kept(toy), [rank(toy, "--json", "--seed", seed).out for seed in "01"]
    for folder in (".harness", "results/comparisons", "results/derived"):
        shutil.rmtree(tmp_path / folder, ignore_errors=True)
    assert [rank(toy, "--json", "--seed", seed).out for seed in "01"] == printed
    shutil.rmtree(tmp_path / ".harness")
    assert kept(scored(toy)) == before


def test_a_changed_system_is_compared_anew_and_the_old_comparison_stays(tmp_path):
    toy = scored(made(tmp_path))
    before = stored(toy, "comparisons")
    toys.submission(tmp_path / "submissions" / "toy" / "twin-b", {"dev": right(39)}, kind="contrastive")
    scored(toy)
    assert column(rows(toy)[:3], "system", "value") == [("clear_winner", 1.0), ("twin-b", 0.975), ("twin-a", 0.5)]
    after = stored(toy, "comparisons")
    assert before.items() <= after.items()
    assert len(after) - len(before) == 3, "three metrics of one test set"


@pytest.mark.parametrize("build", [made, with_derived])
def test_one_and_two_workers_leave_the_same_bytes(tmp_path, build):
    one, two = build(tmp_path / "one"), build(tmp_path / "two")
    scored(one)
    assert toys.run("score", "--workspace", two.root, "--workers", 2).returncode == 0
    assert kept(one) == kept(two)


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path):
    """A file lies where the folder of the cache should be."""
    usual, hindered = made(tmp_path / "usual"), made(tmp_path / "hindered")
    toys.write(hindered.root / ".harness", "a file in the way")
    assert kept(scored(hindered)) == {**kept(scored(usual)), ".harness": b"a file in the way"}
    assert rank(hindered, "--json", "--seed", "1").out == rank(usual, "--json", "--seed", "1").out


# --- what is out of date ---


def halve(toy, **also):
    """Make the accuracy half of what it was, with further replacements in the files of the task."""
    scorer, manifest = (toy.root / "tasks" / "toy" / name for name in ("scorer.py", "task.toml"))
    old, new = '"value": ratio("hits", "segments")', '"value": lambda totals: totals["hits"] / totals["segments"] / 2'
    toys.write(scorer, scorer.read_text("utf-8").replace(old, new).replace(":v1", f":{also.get('signature', 'v1')}"))
    toys.write(manifest, manifest.read_text("utf-8").replace("1.0.0", also.get("version", "1.0.0")))
    return scored(toy)


NEW = [{"signature": "v2"}, {"version": "2.0.0"}]


@pytest.mark.parametrize("also", NEW)
def test_what_was_scored_by_an_older_formula_is_compared_anew(tmp_path, also):
    toy = scored(made(tmp_path))
    assert rows(toy)[0]["value"] == 1.0
    assert rows(halve(toy, **also))[0]["value"] == 0.5


@pytest.mark.parametrize("also", NEW)
def test_what_was_scored_by_an_older_formula_is_derived_anew(tmp_path, also):
    toy = scored(with_derived(tmp_path))
    before = stored(toy, "derived")
    after = stored(halve(toy, **also), "derived")
    new = [json.loads(content) for path, content in after.items() if path not in before]
    assert sorted(record["name"] for record in new) == ["gain", "gain", "mean", "mean"]


def test_a_metric_whose_value_fails_does_not_stop_the_others(tmp_path):
    scorer = toys.SCORER + "\nMETRICS['broken'] = accuracy('broken', value=lambda totals: 1 / 0)\n"
    toy = Toy(toys.workspace(tmp_path, scorer=scorer, metrics=["accuracy", "broken"]))
    assert toy.run("score", "--workers", "1").code == 1, "finished, but some failed"
    assert column(rows(toy), "system") == ["good", "half"]
    assert rows(toy, "--metric", "broken") == []
    assert toy.run("compare", "good", "half").code == 0
    assert toy.run("explain", "good", "dev", "1").code == 0
