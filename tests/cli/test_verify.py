"""`harness verify`: records are what they claim and can be computed again."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

from harness import canonical

from ..unit import toys


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    root = toys.workspace(tmp_path_factory.mktemp("scored"))
    assert toys.run("score", "--workspace", root).returncode == 0
    return toys.records(root)


@pytest.fixture
def root(tmp_path, scored):
    """A scored workspace of this test's own."""
    toys.workspace(tmp_path)
    for name, content in scored.items():
        path = tmp_path / "results" / "records" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def verify(root, *arguments):
    return toys.run("verify", "--workspace", root, *arguments)


def record_of(root, system="half", test_set="dev"):
    folder = root / "results" / "records" / "toy" / test_set
    return next(path for path in folder.iterdir() if json.loads(path.read_bytes())["system"] == system)


def forge(path, change):
    """Change a record and give it the name that its new content deserves."""
    table = json.loads(path.read_bytes())
    change(table)
    content = canonical.encode(table)
    assert content != path.read_bytes()
    path.with_name(f"{canonical.digest(content)}.json").write_bytes(content)
    path.unlink()


def test_records_that_are_what_they_claim_pass(root):
    done = verify(root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "6 records, 6 current, 0 recomputed, 0 problems\n"


def test_recomputing_gives_the_same_scores(root):
    done = verify(root, "--recompute")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "6 records, 6 current, 6 recomputed, 0 problems\n"


def written(root):
    return {name: content for name, content in toys.tree(root).items() if not name.startswith(".harness/")}


def test_verifying_writes_nothing(root):
    """Nothing but the cache of statistics, which can be made again."""
    before = written(root)
    verify(root, "--recompute")
    assert written(root) == before


def test_every_tampered_record_is_named(root):
    paths = [record_of(root, "half"), record_of(root, "good", "test")]
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b'"value":', b'"value":0', 1))
    done = verify(root)
    assert done.returncode == 5
    assert done.stderr.count("error[R010]") == 2
    assert all(str(path) in done.stderr for path in paths)


def test_a_changed_score_under_its_right_name_is_found_by_recomputing(root):
    forge(record_of(root), lambda table: table["scores"][0].update(value=0.75))
    assert verify(root).returncode == 0, "it is a sound record"
    done = verify(root, "--recompute")
    assert done.returncode == 5
    assert "error[R012]" in done.stderr
    assert "accuracy of half on dev is 0.75 in the record, recomputed 0.5" in done.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda score: score.update(numerator=3),
        lambda score: score.update(n=5),
        lambda score: score["interval"].update(lo=0.25),
    ],
)
def test_a_changed_count_or_interval_is_found_by_recomputing(root, change):
    forge(record_of(root), lambda table: change(table["scores"][0]))
    assert verify(root, "--recompute").returncode == 5


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kind", "floor"),
        ("team", "them"),
        ("name", "Best"),
        ("segments", 9),
        ("notices", {"N016": 1}),
        ("tags", {"a": "b"}),
    ],
)
def test_any_other_changed_fact_is_found_by_recomputing(root, key, value):
    forge(record_of(root), lambda table: table.update({key: value}))
    assert verify(root, "--recompute").returncode == 5


def test_the_same_facts_in_other_bytes_are_no_record(root):
    path = record_of(root)
    content = path.read_bytes() + b"\n"
    path.with_name(f"{canonical.digest(content)}.json").write_bytes(content)
    path.unlink()
    done = verify(root)
    assert done.returncode == 5
    assert "error[R011]" in done.stderr


def test_json_holds_the_problems(root):
    path = record_of(root)
    path.write_bytes(b"{}")
    done = verify(root, "--json")
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["records"]) == (5, 6)
    assert [(fault["code"], fault["file"]) for fault in facts["problems"]] == [("R010", str(path))]


def test_a_workspace_without_records_passes(tmp_path):
    done = verify(tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 records, 0 current, 0 recomputed, 0 problems\n")


def test_the_bundled_submissions_can_be_scored_and_computed_again(tmp_path, repository):
    shutil.copytree(repository / "submissions", tmp_path / "submissions")
    assert toys.run("score", "--workspace", tmp_path).returncode == 0
    done = verify(tmp_path, "--recompute")
    assert (done.returncode, done.stderr) == (0, "")
    results = len(list((tmp_path / "results" / "records").rglob("*.json")))
    kinds = ("records", "comparisons", "derived", "timings")
    records = sum(len(list((tmp_path / "results" / kind).rglob("*.json"))) for kind in kinds)
    assert done.stdout == f"{records} records, {results} current, {results} recomputed, 0 problems\n"
    assert records > results > 0


@pytest.mark.parametrize("kind", ["comparisons", "derived"])
def test_a_tampered_comparison_is_named_like_a_tampered_result(tmp_path, kind):
    task = toys.task(tmp_path / "tasks" / "toy", more='tags = { part = "@" }')
    toml = (task / "task.toml").read_text("utf-8")
    for part in ("one", "two"):
        toml = toml.replace("@", part, 1)
    derived = '\n[[derived]]\nname = "mean-accuracy"\nmetric = "accuracy"\ntag = "part"\n'
    (task / "task.toml").write_text(toml + derived, "utf-8")
    for name, texts in (("good", toys.PERFECT), ("half", toys.HALF)):
        toys.submission(tmp_path / "submissions" / "toy" / name, {"dev": texts, "test": texts})
    assert toys.run("score", "--workspace", tmp_path).returncode == 0
    (path, *_) = sorted((tmp_path / "results" / kind).rglob("*.json"))
    path.write_bytes(path.read_bytes().replace(b'"half"', b'"halv"', 1))
    done = verify(tmp_path)
    assert done.returncode == 5
    assert f"error[R010] {path}" in done.stderr


def test_a_record_of_another_schema_is_left_alone(root):
    content = canonical.encode({"schema": "result/0", "and": "whatever it held"})
    other = record_of(root).with_name(f"{hashlib.sha256(content).hexdigest()}.json")
    other.write_bytes(content)
    done = toys.run("score", "--workspace", root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 scored, 6 up to date" in done.stdout
    done = verify(root, "--recompute")
    assert (done.returncode, done.stderr) == (0, "")
    assert other.read_bytes() == content
