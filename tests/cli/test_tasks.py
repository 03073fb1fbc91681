"""`harness tasks`: what there is, and what a task asks for."""

from __future__ import annotations

import json

import pytest

from ..unit import toys


@pytest.fixture
def root(tmp_path):
    return toys.workspace(tmp_path, more='tags = { mode = "plain" }')


def tasks(root, *arguments):
    return toys.run("tasks", "--workspace", root, *arguments)


def test_every_task_is_listed(root):
    done = tasks(root)
    assert done.returncode == 0
    first_words = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert {"terminology", "toy"} <= set(first_words)


def test_the_list_as_json(root):
    found = {task["name"]: task for task in json.loads(tasks(root, "--json").stdout)}
    assert found["toy"]["version"] == "1.0.0"
    assert "terminology" in found


def test_a_task_is_described_by_its_metrics_and_test_sets(root):
    done = tasks(root, "toy")
    assert done.returncode == 0
    for word in ("accuracy", "hits / segments", "fraction", "dev", "test", "mode plain", "CC0-1.0"):
        assert word in done.stdout


def test_the_description_as_json(root):
    facts = json.loads(tasks(root, "toy", "--json").stdout)
    assert [metric["name"] for metric in facts["metrics"]] == ["accuracy"]
    assert [(test_set["id"], test_set["tags"]) for test_set in facts["test_sets"]] == [
        ("dev", {"mode": "plain"}),
        ("test", {"mode": "plain"}),
    ]


def test_requests_are_what_a_system_sees_and_hold_no_reference(root):
    done = tasks(root, "toy", "--requests", "dev")
    requests = [json.loads(line) for line in done.stdout.splitlines()]
    assert requests == [{"id": str(n), "source": text} for n, text in enumerate(toys.SOURCES, start=1)]


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [(("toi",), "T017", "did you mean 'toy'?"), (("toy", "--requests", "dve"), "U014", "did you mean 'dev'?")],
)
def test_what_does_not_exist_is_a_usage_error_with_a_suggestion(root, arguments, code, hint):
    done = tasks(root, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error[{code}]")
    assert hint in done.stderr


def test_task_code_that_does_not_load_concerns_only_that_task(root):
    toys.task(root / "tasks" / "broken", scorer="raise RuntimeError('no luck')")
    assert tasks(root).returncode == 0
    assert tasks(root, "toy").returncode == 0
    done = tasks(root, "broken")
    assert (done.returncode, done.stderr[:11]) == (3, "error[T018]")


def test_a_problem_as_json(root):
    done = tasks(root, "toi", "--json")
    assert done.returncode == 2
    assert [fault["code"] for fault in json.loads(done.stdout)["problems"]] == ["T017"]
