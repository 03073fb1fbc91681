"""`harness check` from anywhere, and help lines that can be pasted there."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from ..unit import toys


@pytest.fixture
def elsewhere(tmp_path):
    folder = tmp_path / "else where"
    folder.mkdir()
    return folder


def commands(done):
    """The complete commands that the help lines name, without `harness`."""
    return [shlex.split(found) for found in re.findall(r"help: .*?harness (.+)$", done.stderr, re.MULTILINE)]


def requests(done):
    return [json.loads(line)["source"] for line in done.stdout.splitlines()]


def test_help_of_a_check_elsewhere_names_the_workspace_and_works(tmp_path, elsewhere):
    root = toys.workspace(tmp_path / "its workspace")
    toys.submission(root / "submissions" / "toy" / "short", {"dev": toys.PERFECT[:3]})
    done = toys.run("check", root / "submissions" / "toy" / "short", cwd=elsewhere)
    assert (done.returncode, done.stderr[:11]) == (3, "error[S010]")
    assert commands(done) == [["tasks", "toy", "--requests", "dev", "--workspace", str(root)]]
    again = toys.run(*commands(done)[0], cwd=elsewhere)
    assert (again.returncode, requests(again)) == (0, list(toys.SOURCES))


def test_help_of_score_names_workspace_and_tasks_and_works(tmp_path, elsewhere):
    tasks = toys.task(tmp_path / "some tasks" / "toy", test_sets=("dev",)).parent
    root = tmp_path / "its workspace"
    toys.submission(root / "submissions" / "toy" / "short", {"dev": toys.PERFECT[:3]})
    where = ["--workspace", str(root), "--tasks", str(tasks)]
    done = toys.run("score", *where, cwd=elsewhere)
    assert (done.returncode, done.stderr[:11]) == (1, "error[S010]")
    assert commands(done) == [["tasks", "toy", "--requests", "dev", *where]]
    again = toys.run(*commands(done)[0], cwd=elsewhere)
    assert (again.returncode, requests(again)) == (0, list(toys.SOURCES))


def test_help_of_a_plain_call_names_no_workspace(tmp_path):
    root = toys.workspace(tmp_path)
    toys.submission(root / "submissions" / "toy" / "short", {"dev": toys.PERFECT[:3]})
    done = toys.run("score", cwd=root)
    assert commands(done) == [["tasks", "toy", "--requests", "dev"]]


@pytest.mark.parametrize(
    ("inside", "path", "files"),
    [("good", "../half", 3), ("good", "..", 6), ("good", ".", 3), ("good/outputs", "..", 3), ("", "half", 3)],
)
def test_a_relative_path_means_the_workspace_in_which_it_lies(tmp_path, inside, path, files):
    root = toys.workspace(tmp_path)
    done = toys.run("check", path, cwd=root / "submissions" / "toy" / inside)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{files} files checked, 0 problems" in done.stdout
