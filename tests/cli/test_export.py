"""`harness export`: a flat table with every digit."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ..unit import toys

COLUMNS = [
    "task",
    "test_set",
    "system",
    "metric",
    "value",
    "lo",
    "hi",
    "numerator",
    "n",
    "segments",
    "unit",
    "signature",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A scored workspace with a third of a point: a value that no short decimal holds."""
    root = toys.workspace(tmp_path_factory.mktemp("export"), metrics=["accuracy", "chrf2"], test_sets=("dev",))
    toys.gold(root / "tasks" / "toy" / "data" / "dev.jsonl", toys.SOURCES[:3])
    for name, texts in (("good", toys.PERFECT[:3]), ("half", ("ONE", "TWX", "?"))):
        toys.submission(root / "submissions" / "toy" / name, {"dev": texts})
    assert toys.run("score", "--workspace", root).returncode == 0
    return root


def export(root, *arguments):
    done = toys.run("export", "results", "--workspace", root, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def scores(root):
    """By (system, metric): what the records hold."""
    results = map(json.loads, toys.records(root).values())
    return {(result["system"], score["metric"]): score for result in results for score in result["scores"]}


def rows_of(root, form):
    text = export(root, "--as", form)
    if form == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    dialect = {"tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE}, "csv": {}}[form]
    return list(csv.DictReader(io.StringIO(text), **dialect))


@pytest.mark.parametrize("form", ["tsv", "csv", "jsonl"])
def test_one_row_per_test_set_system_and_metric_with_these_columns(root, form):
    rows = rows_of(root, form)
    assert [list(row) for row in rows] == [COLUMNS] * 6
    systems = [row["system"].removeprefix("'") for row in rows]
    assert systems == ["@reference"] * 2 + ["good"] * 2 + ["half"] * 2
    assert [row["metric"] for row in rows] == ["accuracy", "chrf2"] * 3


@pytest.mark.parametrize("form", ["tsv", "csv", "jsonl"])
def test_numbers_read_back_to_the_very_same_number(root, form):
    expected = scores(root)
    assert expected["half", "accuracy"]["value"] == 1 / 3
    for row in rows_of(root, form):
        score = expected[row["system"].removeprefix("'"), row["metric"]]
        assert float(row["value"]) == score["value"]
        assert (float(row["lo"]), float(row["hi"])) == (score["interval"]["lo"], score["interval"]["hi"])
        assert (int(row["n"]), int(row["segments"])) == (score["n"], 3)
        assert (row["unit"], row["signature"]) == (score["unit"], score["signature"])


@pytest.mark.parametrize(("form", "empty"), [("tsv", ""), ("csv", ""), ("jsonl", None)])
def test_what_a_metric_does_not_have_is_empty(root, form, empty):
    by_metric = {row["metric"]: row["numerator"] for row in rows_of(root, form) if row["system"] == "half"}
    assert (str(by_metric["accuracy"]), by_metric["chrf2"]) == ("1", empty)


def test_a_csv_cell_that_a_spreadsheet_would_run_is_guarded(root):
    assert {row["system"] for row in rows_of(root, "csv")} == {"'@reference", "good", "half"}


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
def test_other_forms_hold_the_text_as_it_is(root, form):
    assert {row["system"] for row in rows_of(root, form)} == {"@reference", "good", "half"}


def test_json_means_json_lines(root):
    assert export(root, "--json") == export(root, "--as", "jsonl")


def test_a_file_holds_what_stdout_would(root, tmp_path):
    assert export(root, "--output", tmp_path / "results.tsv") == ""
    assert (tmp_path / "results.tsv").read_text("utf-8") == export(root)


def test_a_file_that_cannot_be_written_is_an_environment_error(root, tmp_path):
    done = toys.run("export", "results", "--workspace", root, "--output", tmp_path / "no" / "folder.tsv")
    assert (done.returncode, done.stderr[:11]) == (6, "error[E010]")


def test_older_records_are_not_exported(tmp_path):
    root = toys.workspace(tmp_path, test_sets=("dev",))
    toys.run("score", "--workspace", root)
    toys.submission(root / "submissions" / "toy" / "half", {"dev": toys.PERFECT})
    assert [row["system"] for row in rows_of(root, "tsv")] == ["@reference", "good"]


def test_without_results_there_is_the_header(tmp_path):
    assert export(tmp_path) == "\t".join(COLUMNS) + "\n"


def test_metrics_beside_a_failed_one_are_exported(tmp_path):
    scorer = toys.SCORER + "\nMETRICS['broken'] = accuracy('broken', value=lambda totals: 1 / 0)\n"
    root = toys.workspace(tmp_path, scorer=scorer, metrics=["accuracy", "broken"], test_sets=("dev",))
    toys.run("score", "--workspace", root)
    values = {row["system"]: row["value"] for row in rows_of(root, "tsv") if row["metric"] == "accuracy"}
    assert values == {"@reference": "1.0", "good": "1.0", "half": "0.5"}
