"""`harness score`, as a person at the command line sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from ..unit import toys


def score(root, *arguments, **environment):
    return toys.run("score", "--workspace", root, *arguments, **environment)


def metadata(root):
    """Content and all times of every file and folder of a workspace."""
    paths = [root, *sorted(root.rglob("*"))]
    status = {str(path): path.stat() for path in paths}
    return toys.tree(root), {name: (s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_size) for name, s in status.items()}


BROKEN_METRIC = toys.SCORER + "\nMETRICS['broken'] = accuracy('broken', value=lambda totals: 1 / 0)\n"


def test_it_prints_a_table_and_writes_records_and_site(tmp_path):
    done = score(toys.workspace(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["1", "good", "1.000", "[1.000,", "1.000]"] in lines
    assert "6 scored, 0 up to date, 0 problems" in done.stdout
    assert len(toys.records(tmp_path)) == 6
    assert (tmp_path / "site" / "index.html").is_file()


def test_verbose_names_each_record_that_is_safe(tmp_path):
    done = score(toys.workspace(tmp_path), "-v")
    stored = [line.removeprefix("stored ") for line in done.stderr.splitlines()]
    assert sorted(stored) == sorted(f"results/records/{name}" for name in toys.records(tmp_path))


def test_one_worker_and_two_leave_the_same_bytes(tmp_path):
    one, two = toys.workspace(tmp_path / "one"), toys.workspace(tmp_path / "two")
    assert [score(one, "--workers", 1).returncode, score(two, "--workers", 2).returncode] == [0, 0]
    assert toys.records(one) == toys.records(two)


@pytest.mark.parametrize("arguments", [(), ("--json",), ("half",), ("--workers", "2")])
def test_on_an_unchanged_workspace_it_writes_no_byte(tmp_path, arguments):
    root = toys.workspace(tmp_path)
    score(root)
    before = metadata(root)
    done = score(root, *arguments)
    assert done.returncode == 0
    assert metadata(root) == before


def test_on_an_unchanged_workspace_it_computes_nothing_and_so_imports_nothing_for_it(tmp_path):
    root = toys.workspace(tmp_path, metrics=["accuracy", "bleu", "chrf2++"])
    score(root)
    code = f"""
import sys
from harness.cli.app import main
code = main(["score", "--workspace", {str(root)!r}])
print(code, *(name for name in ("numpy", "scipy", "sacrebleu", "multiprocessing.pool") if name in sys.modules))
"""
    assert toys.python(code).stdout.splitlines()[-1] == "0"


def test_only_what_changed_is_scored_again(tmp_path):
    root = toys.workspace(tmp_path)
    score(root)
    toys.submission(root / "submissions" / "toy" / "half", {"dev": toys.PERFECT, "test": toys.HALF})
    done = score(root)
    assert "1 scored, 5 up to date, 0 problems, 1 older records kept" in done.stdout


def test_json_holds_the_same_facts(tmp_path):
    root = toys.workspace(tmp_path)
    facts = json.loads(score(root, "--json").stdout)
    assert (facts["scored"], facts["current"], facts["problems"], facts["absent"]) == (6, 0, [], [])
    stored = [json.loads(content) for content in toys.records(root).values()]
    key = lambda result: (result["test_set"], result["system"])  # noqa: E731 - a sort key
    assert [key(result) for result in sorted(facts["results"], key=key)] == sorted(map(key, stored))


def test_what_is_refused_does_not_stop_the_rest(tmp_path):
    root = toys.workspace(tmp_path)
    toys.submission(root / "submissions" / "toy" / "short", {"dev": toys.PERFECT[:3], "test": toys.PERFECT})
    done = score(root)
    assert done.returncode == 1
    assert "error[S010]" in done.stderr
    assert "7 scored, 0 up to date, 1 problems" in done.stdout


def test_a_metric_that_raises_fails_the_run_but_not_the_other_metrics(tmp_path):
    root = toys.workspace(tmp_path, scorer=BROKEN_METRIC, metrics=["accuracy", "broken"])
    done = score(root)
    assert done.returncode == 1
    assert done.stderr.count("error[M001]") == 2, "once per test set, however many systems it hit"
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert ["2", "half", "0.500", "unavailable"] in [
        [*line.split()[:3], line.split()[-1]] for line in done.stdout.splitlines() if len(line.split()) > 4
    ]


def test_a_failed_metric_is_tried_again_and_its_failure_stays_one_record(tmp_path):
    root = toys.workspace(tmp_path, scorer=BROKEN_METRIC, metrics=["accuracy", "broken"])
    score(root)
    stored = toys.records(root)
    assert "6 scored, 0 up to date" in score(root).stdout
    assert toys.records(root) == stored
    (root / "tasks" / "toy" / "scorer.py").write_text(BROKEN_METRIC.replace("1 / 0", "0 * totals['hits']"))
    assert score(root).returncode == 0
    assert len(toys.records(root)) == 2 * len(stored)


def test_where_lower_is_better_the_lowest_score_is_first(tmp_path):
    root = toys.workspace(tmp_path, scorer=toys.SCORER.replace("**known", "**known, 'best': 'lower'"))
    lines = [line.split()[:2] for line in score(root).stdout.splitlines()]
    assert ["1", "half"] in lines


def test_an_empty_folder_is_a_usage_error_that_says_what_to_do(tmp_path):
    done = score(tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error[U015]: there are no submissions")
    assert "  help: " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_that_does_not_exist_is_a_usage_error(tmp_path):
    done = score(tmp_path / "missing")
    assert (done.returncode, done.stderr[:11]) == (2, "error[U011]")


def test_gold_that_is_not_what_was_pinned_is_an_integrity_error(tmp_path):
    root = toys.workspace(tmp_path, more=f'gold_sha256 = "{"0" * 64}"')
    done = score(root)
    assert (done.returncode, done.stderr[:11]) == (5, "error[G011]")
    assert not (root / "results").exists()


def test_a_workspace_that_cannot_be_written_is_an_environment_error(tmp_path):
    root = toys.workspace(tmp_path)
    toys.write(root / "results", "a file in the way")
    done = score(root)
    assert (done.returncode, done.stderr[:11]) == (6, "error[E010]")


# --- faults of a task ---


def test_an_infinite_value_fails_the_run_but_not_the_other_metrics(tmp_path):
    root = toys.workspace(
        tmp_path, scorer=BROKEN_METRIC.replace("1 / 0", "float('inf')"), metrics=["accuracy", "broken"]
    )
    done = score(root, "--json")
    facts = json.loads(done.stdout)
    assert done.returncode == 1
    assert [fault["code"] for fault in facts["problems"]] == ["M001", "M001"]
    assert "the value is inf" in facts["problems"][0]["message"]
    assert all(found["scores"][0]["value"] is not None for found in facts["results"])


def test_a_signature_that_raises_stops_its_task_and_is_named(tmp_path):
    scorer = toys.SCORER.replace('f"{name}:v1"', "[][1]")
    done = score(toys.workspace(tmp_path, scorer=scorer))
    assert (done.returncode, done.stderr[:11]) == (3, "error[T018]")
    assert "the signature of accuracy failed: IndexError" in done.stderr


def test_bad_gold_of_one_test_set_does_not_stop_the_others(tmp_path):
    root = toys.workspace(tmp_path)
    toys.write(root / "tasks" / "toy" / "data" / "dev.jsonl", '{"id": "1"}\n')
    done = score(root)
    assert done.returncode == 1
    assert f"error[G010] {root / 'tasks' / 'toy' / 'data' / 'dev.jsonl'}:1: " in done.stderr
    assert "3 scored, 0 up to date, 1 problems" in done.stdout


def test_gold_that_is_not_here_does_not_stop_the_others(tmp_path):
    root = toys.workspace(tmp_path)
    (root / "tasks" / "toy" / "data" / "dev.jsonl").unlink()
    done = score(root)
    assert (done.returncode, done.stderr[:11]) == (1, "error[G013]")
    assert "3 scored, 0 up to date, 1 problems" in done.stdout
    done = toys.run("check", root / "submissions" / "toy" / "good")
    assert (done.returncode, done.stderr[:11]) == (6, "error[G013]")


def test_a_folder_of_tasks_that_does_not_exist_is_a_usage_error(tmp_path):
    done = score(toys.workspace(tmp_path), "--tasks", tmp_path / "nonexistent")
    assert (done.returncode, done.stderr[:11]) == (2, "error[U011]")
    assert "nonexistent is not a folder" in done.stderr


# --- a selection ---


@pytest.fixture
def crowded(tmp_path):
    """`short` is refused on `dev` and has two files too many, `partial` lacks `test`, and a metric fails."""
    more = 'collection = "c"'
    root = toys.workspace(tmp_path, scorer=BROKEN_METRIC, metrics=["accuracy", "broken"], more=more)
    toys.submission(root / "submissions" / "toy" / "short", {"dev": toys.PERFECT[:3], "test": toys.PERFECT})
    toys.write(root / "submissions" / "toy" / "short" / "outputs" / "dve.jsonl", "")
    toys.write(root / "submissions" / "toy" / "short" / "outputs" / "notes.txt", "")
    toys.submission(root / "submissions" / "toy" / "partial", {"dev": toys.PERFECT})
    return root


def cells(facts):
    return sorted((found["system"], found["test_set"]) for found in facts["results"])


HALF, SHORT = [("half", "dev"), ("half", "test")], [("short", "test")]
M001 = ["M001", "M001"]


@pytest.mark.parametrize(
    ("word", "found", "codes", "absent"),
    [
        ("half", HALF, M001, []),
        ("h*", HALF, M001, []),
        ("{root}/submissions/toy/half", HALF, M001, []),
        ("toy/half/dev", HALF[:1], M001[:1], []),
        ("short", SHORT, ["M001", "S010", "S050"], []),
        ("toy/short/test", SHORT, M001[:1], []),
        ("partial", [("partial", "dev")], M001[:1], [("partial", "test")]),
    ],
)
def test_a_selection_is_all_that_is_reported_each_cell_once(crowded, word, found, codes, absent):
    score(crowded)
    facts = json.loads(score(crowded, word.format(root=crowded), "--json").stdout)
    assert cells(facts) == found
    assert sorted(fault["code"] for fault in facts["problems"]) == codes
    assert [(cell["system"], cell["test_set"]) for cell in facts["absent"]] == absent
    assert len(facts["strays"]) == (word == "short")


# --- how a run ends ---


def verb_that(raises):
    """Python code that runs `harness tasks`, whose verb raises."""
    return f"""
import sys
from harness.cli import tasks
from harness.cli.app import main
def run(arguments):
    raise {raises}
tasks.run = run
sys.exit(main(["tasks"]))
"""


def test_an_interrupt_ends_with_130_and_one_line():
    done = toys.python(verb_that("KeyboardInterrupt"))
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "interrupted: what was stored is kept, run it again to continue\n"


def test_a_bug_ends_with_70_and_a_file_instead_of_a_traceback(tmp_path):
    done = toys.python(verb_that("ZeroDivisionError('secret')"), TMPDIR=str(tmp_path))
    assert done.returncode == 70
    assert done.stderr.startswith("error[BUG]: ")
    assert "Traceback" not in done.stderr
    (file,) = tmp_path.iterdir()
    assert str(file) in done.stderr
    assert "ZeroDivisionError: secret" in file.read_text("utf-8")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    root = toys.workspace(tmp_path)
    command = [sys.executable, "-m", "harness", "tasks", "terminology", "--workspace", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=toys.environment()) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


WAITING = toys.SCORER.replace(
    "    import numpy as np\n",
    """\
    import time
    from pathlib import Path

    Path(__file__).with_name("scoring").touch()
    time.sleep(600)
""",
)


def test_ctrl_c_with_several_workers_ends_with_130_and_no_traceback(tmp_path):
    root = toys.workspace(tmp_path / "workspace", scorer=WAITING)
    command = [sys.executable, "-m", "harness", "score", "--workers", "2", "--workspace", str(root)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=toys.environment(), start_new_session=True)
    try:
        toys.wait_until((root / "tasks" / "toy" / "scoring").exists)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
        assert process.wait(60) == 130
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")
