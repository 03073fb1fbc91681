"""Systems that run, from the command line: run, scored, timed, exported, refused."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ..unit import toys

SHOUT = """\
from harness.system import serve

serve(lambda request: request["source"].upper())
"""
RUN = '[run]\ncommand = ["python", "system.py"]\n'

pytestmark = [pytest.mark.sandbox, pytest.mark.alone]


def system(root, name="shout", program=SHOUT, run=RUN, *, more=""):
    """Write a system that runs beside `good` and `half`."""
    folder = root / "submissions" / "toy" / name
    text = f'task = "toy"\nteam = "us"\nsystem = "{name}"\n{more}{run}'
    toys.write(folder / "submission.toml", text)
    toys.write(folder / "system.py", program)
    return folder


@pytest.fixture
def root(tmp_path):
    return toys.workspace(tmp_path)


def score(root, *arguments):
    return toys.run("score", "--workspace", root, *arguments)


def timings(root):
    done = toys.run("export", "timings", "--workspace", root)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout), delimiter="\t"))


def test_it_is_run_and_scored_like_files(root):
    system(root)
    done = score(root, "shout", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    found = {(result["system"], result["test_set"]): result["scores"][0]["value"] for result in facts["results"]}
    assert found == {("shout", "dev"): 1.0, ("shout", "test"): 1.0}
    rows = (root / "results/outputs/toy/shout/dev.jsonl").read_text("utf-8").splitlines()
    assert json.loads(rows[0]) == {"id": "1", "output": "ONE"}


def test_a_variant_shares_the_files_of_another_by_naming_it(root):
    system(root)
    folder = root / "submissions" / "toy" / "variant"
    run = '[run]\ncommand = ["python", "shout/system.py"]\nuses = ["shout"]\n'
    toys.write(folder / "submission.toml", f'task = "toy"\nteam = "us"\nsystem = "variant"\n{run}')
    done = score(root, "variant", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert {result["scores"][0]["value"] for result in json.loads(done.stdout)["results"]} == {1.0}


def test_what_has_run_does_not_run_again(root):
    system(root)
    score(root)
    before = toys.tree(root)
    done = score(root)
    assert "0 scored" in done.stdout
    assert toys.tree(root) == before


def test_a_changed_file_makes_it_run_again(root):
    folder = system(root)
    score(root)
    toys.write(folder / "system.py", SHOUT.replace("upper", "lower"))
    facts = json.loads(score(root, "shout", "--json").stdout)
    assert [result["scores"][0]["value"] for result in facts["results"]] == [0.0, 0.0]


def test_a_run_says_where_and_how_it_ran(root):
    system(root)
    score(root)
    (record, _) = json.loads(score(root, "shout", "--json").stdout)["timings"]
    assert (record["scenario"], record["isolation"]["level"], record["valid"]) == ("run", "L3", True)
    quantities = {quantity["name"]: quantity for quantity in record["quantities"]}
    assert set(quantities) == {"load", "first-output", "end-to-end", "peak-memory", "model-size"}
    assert quantities["model-size"]["value"] == sum(
        path.stat().st_size for path in (root / "submissions/toy/shout").iterdir()
    )
    assert quantities["peak-memory"]["method"] in {"pss-tree-10ms", "rss-tree-10ms", "cgroup2"}


def test_what_it_needs_and_is_not_here_is_no_failure(root):
    system(root, run=RUN + 'requires = ["no-such-module"]\n')
    done = score(root)
    assert done.returncode == 0
    assert "not run: toy/shout on dev: needs no-such-module" in done.stdout


def test_one_that_fails_does_not_stop_the_others_and_its_last_words_are_kept(root):
    system(root, "broken", "raise ValueError('no model')")
    system(root)
    done = score(root)
    assert done.returncode == 1
    assert "error[X010]" in done.stderr
    assert "ValueError: no model" in done.stderr
    assert "ValueError: no model" in (root / ".harness/logs/toy-broken-dev.txt").read_text("utf-8")
    assert (root / "results/outputs/toy/shout/dev.jsonl").is_file()


def test_alone_it_ends_with_the_exit_code_of_a_system_that_failed(root):
    system(root, "broken", "raise SystemExit(3)")
    assert score(root, "toy/broken").returncode == 4
    assert toys.run("check", root / "submissions/toy/broken").returncode == 4


def test_check_asks_three_requests_of_each_test_set_and_keeps_nothing(root):
    folder = system(root)
    before = toys.tree(root)
    done = toys.run("check", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 files checked, 6 requests answered, 0 problems" in done.stdout
    assert {name for name in toys.tree(root) if not name.startswith(".harness")} == set(before)


def test_it_cannot_read_the_gold(root):
    gold = root / "tasks/toy/data/dev.jsonl"
    program = f"""\
import os
from harness.system import serve

found = []
for place in [{str(gold)!r}, {str(root)!r}, "/proc/1/environ", "/etc/passwd", *os.environ.values()]:
    try:
        found.append(str(os.listdir(place)) if os.path.isdir(place) else open(place).read())
    except OSError:
        pass
serve(lambda request: " ".join(found))
"""
    system(root, program=program)
    score(root, "shout")
    said = (root / "results/outputs/toy/shout/dev.jsonl").read_text("utf-8")
    assert "reference" not in said
    assert "submissions" not in said
    assert "root:" not in said


@pytest.fixture(scope="module")
def timed(tmp_path_factory):
    root = toys.workspace(tmp_path_factory.mktemp("timed"), test_sets=("dev",))
    system(root)
    done = score(root, "shout", "--backend", "cpu1", "--scenario", "latency,offline", "--quick")
    assert done.returncode == 0, done.stderr
    return root, done


class TestTiming:
    def test_every_backend_and_scenario_has_its_row(self, timed):
        cells = {(row["backend"], row["scenario"]) for row in timings(timed[0])}
        assert cells == {("cpuN", "run"), ("cpu1", "latency"), ("cpu1", "offline")}

    def test_the_table_has_the_columns_that_scripts_rely_on(self, timed):
        (header, *_) = toys.run("export", "timings", "--workspace", timed[0]).stdout.splitlines()
        assert header.split("\t") == [
            *("system", "test_set", "backend", "scenario", "quantity", "value", "lo", "hi"),
            *("n", "unit", "isolation", "valid", "machine_id"),
        ]

    def test_the_quantities_that_scripts_rely_on_are_there(self, timed):
        rows = [row for row in timings(timed[0]) if (row["backend"], row["scenario"]) == ("cpu1", "latency")]
        assert {row["quantity"] for row in rows} >= {
            *("load", "first-output", "latency-p50", "latency-p90", "throughput", "throughput-ratio"),
            *("peak-memory", "driver-floor-p50", "energy", "cpu-seconds"),
        }
        values = {row["quantity"]: row["value"] for row in rows}
        assert float(values["throughput"]) > 0
        assert {(row["isolation"], row["valid"] in {"true", "false"}, len(row["machine_id"])) for row in rows} == {
            ("L3", True, 16)
        }

    def test_it_is_not_timed_again_unless_it_was_disturbed(self, timed):
        root, _ = timed
        before = {name: content for name, content in toys.tree(root / "results/timings").items() if good(content)}
        done = score(root, "shout", "--backend", "cpu1", "--scenario", "latency,offline", "--quick")
        assert done.returncode == 0
        after = {name: content for name, content in toys.tree(root / "results/timings").items() if good(content)}
        assert before.items() <= after.items()
        cells = [(row["backend"], row["scenario"]) for row in timings(root) if row["quantity"] == "load"]
        assert len(cells) == len(set(cells)) == 3

    def test_the_page_shows_it(self, timed):
        page = (timed[0] / "site/toy/dev.html").read_text("utf-8")
        assert '<h2 id="speed">Speed</h2>' in page
        assert page.count("<td>latency<") == 1

    def test_the_terminal_says_what_is_void(self, timed):
        root, done = timed
        void = [row for row in timings(root) if row["valid"] == "false" and row["quantity"] == "load"]
        assert "speed" in done.stdout
        assert done.stdout.count("void: shout") >= len(void)


def good(content):
    record = json.loads(content)
    return not any(flag["voids"] for flag in record["flags"])
