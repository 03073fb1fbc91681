"""Requests that are context: told to a system, asked, and never scored."""

from __future__ import annotations

import json

import pytest

from ..unit import toys

SCORER = (
    toys.SCORER
    + """

def requests(row, tags):
    from harness.api import Request

    told = {"answer": row["told"]} if "told" in row else {}
    return [Request(row["id"], row["source"], tuple(row["references"]), told, is_context=bool(told))]
"""
)
ROWS = [
    {"id": "1", "source": "one", "reference": "ONE"},
    {"id": "a", "source": "ten", "reference": "TEN", "told": "TEN"},
    {"id": "2", "source": "two", "reference": "TWO"},
    {"id": "b", "source": "six", "reference": "SIX", "told": "SIX"},
    {"id": "3", "source": "three", "reference": "THREE"},
]
SCORED = {"1": "ONE", "2": "?", "3": "THREE"}


@pytest.fixture
def root(tmp_path):
    toys.task(tmp_path / "tasks" / "toy", scorer=SCORER, test_sets=("dev",))
    toys.write(tmp_path / "tasks" / "toy" / "data" / "dev.jsonl", toys.json_lines(ROWS))
    toys.submission(tmp_path / "submissions" / "toy" / "us", {})
    return tmp_path


def answer(root, outputs):
    rows = [{"id": name, "output": text} for name, text in outputs.items()]
    toys.write(root / "submissions" / "toy" / "us" / "outputs" / "dev.jsonl", toys.json_lines(rows))


def run(root, *arguments, code=0):
    done = toys.run(*arguments, "--workspace", root)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def result(root):
    facts = json.loads(run(root, "score", "--json").stdout)
    return {found["system"]: found for found in facts["results"]}["us"]


def test_it_is_printed_first_with_what_is_told(root):
    printed = [json.loads(line) for line in run(root, "tasks", "toy", "--requests", "dev").stdout.splitlines()]
    assert [row["id"] for row in printed] == ["a", "b", "1", "2", "3"]
    assert printed[0] == {"id": "a", "source": "ten", "answer": "TEN"}
    assert printed[2] == {"id": "1", "source": "one"}


def test_it_needs_no_answer_and_is_not_missed(root):
    answer(root, SCORED)
    assert "notice" not in run(root, "check", root / "submissions/toy/us").stderr
    found = result(root)
    assert (found["segments"], found["notices"]) == (3, {})
    assert [(one["numerator"], one["n"]) for one in found["scores"]] == [(2, 3)]


def test_an_answer_to_it_changes_nothing(root):
    answer(root, SCORED)
    (before,) = result(root)["scores"]
    for further in ({"a": "TEN"}, {"a": "wrong", "b": "SIX"}):
        answer(root, further | SCORED)
        found = result(root)
        assert (found["scores"], found["segments"]) == ([before], 3)


def test_a_request_that_is_scored_is_still_needed(root):
    answer(root, {"a": "TEN", "1": "ONE", "2": "TWO"})
    said = run(root, "check", root / "submissions/toy/us", code=3).stderr
    assert "S010" in said
    assert "the first request without output is '3'" in said


def test_a_repeated_answer_to_it_is_refused_like_any_other(root):
    rows = [{"id": name, "output": "x"} for name in ("a", "a", "1", "2", "3")]
    toys.write(root / "submissions/toy/us/outputs/dev.jsonl", toys.json_lines(rows))
    assert "S032" in run(root, "check", root / "submissions/toy/us", code=3).stderr


def test_it_stands_in_no_list_of_segments(root):
    answer(root, SCORED | {"a": "TEN"})
    run(root, "score")
    records = [json.loads(path.read_text("utf-8")) for path in (root / "results/segments/toy/dev").glob("*.json")]
    assert {tuple(row["id"] for row in record["rows"]) for record in records} == {("1", "2", "3")}


def test_gold_of_context_alone_has_no_segment(root):
    toys.write(root / "tasks/toy/data/dev.jsonl", toys.json_lines(ROWS[1:2]))
    answer(root, SCORED)
    assert "G010" in run(root, "tasks", "toy", "--requests", "dev", code=3).stderr


def test_a_row_is_context_as_a_whole_or_not_at_all(root):
    half = SCORER.replace("return [", 'return [Request(f"{row[\'id\']}-b", "", ("",)),')
    toys.write(root / "tasks/toy/scorer.py", half)
    said = run(root, "tasks", "toy", "--requests", "dev", code=3).stderr
    assert "dev.jsonl:2" in said
    assert "some are context; all are, or none" in said


@pytest.mark.sandbox
@pytest.mark.alone
def test_a_system_that_runs_is_told_and_answers_it(root):
    program = (
        "from harness.system import serve\n"
        "def answer(requests):\n"
        "    told = sorted(request['answer'] for request in requests if 'answer' in request)\n"
        "    return ['+'.join(told) for _ in requests]\n"
        "serve(answer, unit='corpus')\n"
    )
    folder = root / "submissions" / "toy" / "live"
    table = 'task = "toy"\nteam = "us"\nsystem = "live"\n[run]\ncommand = ["python", "system.py"]\nunit = "corpus"\n'
    toys.write(folder / "submission.toml", table)
    toys.write(folder / "system.py", program)
    answer(root, SCORED)
    run(root, "score", "live")
    rows = (root / "results/outputs/toy/live/dev.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(row) for row in rows] == [{"id": name, "output": "SIX+TEN"} for name in "ab123"]
