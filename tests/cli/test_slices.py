"""`--where` compares some segments, `--influence` names those that decide."""

from __future__ import annotations

import json

import pytest

from ..unit import toys


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Eight segments, half of them law; `jurist` has all of law right and `other` all the rest, `twin` one more."""
    folder = tmp_path_factory.mktemp("slices")
    toys.task(folder / "tasks" / "toy", test_sets=("dev",))
    rows = [{"id": str(n), "source": "x", "reference": "X", "domain": "law" if n <= 4 else "sea"} for n in range(1, 9)]
    toys.write(folder / "tasks" / "toy" / "data" / "dev.jsonl", toys.json_lines(rows))
    for name, right in (("jurist", "11110000"), ("other", "00001111"), ("twin", "11110001")):
        toys.submission(folder / "submissions" / "toy" / name, {"dev": ["X" if mark == "1" else "?" for mark in right]})
    assert toys.run("score", "--workspace", folder).returncode == 0
    return folder


def found(root, *words):
    done = toys.run(*words, "--json", "--workspace", root)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_slice_has_its_own_order(root):
    assert [row["system"] for row in found(root, "rank", "toy")] == ["twin", "jurist", "other"]
    law = {row["system"]: row["value"] for row in found(root, "rank", "toy", "--where", "domain=law")}
    sea = {row["system"]: row["value"] for row in found(root, "rank", "toy", "--where", "domain=sea")}
    assert law == {"jurist": 1.0, "twin": 1.0, "other": 0.0}
    assert sea == {"jurist": 0.0, "twin": 0.25, "other": 1.0}


def test_a_slice_is_compared_with_its_own_size(root):
    (row,) = found(root, "compare", "twin", "jurist", "--where", "domain=sea")
    assert (row["a"], row["b"], row["difference"], row["n"]) == (0.25, 0.0, 0.25, 4)
    (row,) = found(root, "compare", "twin", "jurist")
    assert (row["difference"], row["n"]) == (0.125, 8)


def test_the_blocks_that_decide_are_named_for_either_side(root):
    (row,) = found(root, "compare", "jurist", "other", "--influence", "2")
    names = [name for name, _ in row["influence"]]
    assert set(names[:2]) <= set("1234")
    assert set(names[2:]) <= set("5678")
    assert [raised > 0 for _, raised in row["influence"]] == [True, True, False, False]
    (row,) = found(root, "compare", "twin", "jurist", "--influence", "3")
    # without segment 8 twin has 4 of 7 and jurist 4 of 7: it is all of 1/8
    assert row["influence"][0] == ["8", pytest.approx(1 / 8)]


def test_the_text_says_for_whom_they_speak(root):
    done = toys.run("compare", "twin", "jurist", "--influence", "1", "--workspace", root)
    assert "accuracy: 8 speaks for A, by 0.125" in done.stdout


def test_where_lower_is_better_the_better_side_is_spoken_for(tmp_path):
    """`good` makes no error, so what `half` gets wrong speaks for `good`."""
    errors = toys.SCORER + (
        "\nMETRICS['errors'] = accuracy('errors', best='lower', "
        "value=lambda totals: 1 - totals['hits'] / totals['segments'], ratio=None)\n"
    )
    root = toys.workspace(tmp_path, scorer=errors, metrics=["accuracy", "errors"], test_sets=("dev",))
    assert toys.run("score", "--workspace", root).returncode == 0
    (row,) = found(root, "compare", "good", "half", "--metric", "errors", "--influence", "2")
    assert row["difference"] < 0
    assert {name for name, raised in row["influence"] if raised > 0} == {"3", "4"}


def test_a_test_set_without_the_tag_is_passed_over(root, tmp_path):
    toys.workspace(tmp_path, test_sets=("dev", "test"))
    gold = tmp_path / "tasks" / "toy" / "data" / "dev.jsonl"
    gold.write_text(gold.read_text("utf-8").replace('"source"', '"domain": "law", "source"'), "utf-8")
    assert toys.run("score", "--workspace", tmp_path).returncode == 0
    assert {row["test_set"] for row in found(tmp_path, "rank", "toy", "--where", "domain=law")} == {"dev"}
    assert {row["test_set"] for row in found(tmp_path, "compare", "good", "half", "--where", "domain=law")} == {"dev"}
