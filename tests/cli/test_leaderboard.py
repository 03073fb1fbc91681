"""`harness leaderboard`: builds, checks and serves the site of a workspace."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import sys

import pytest

from ..unit import toys

DAY = {"SOURCE_DATE_EPOCH": "1780000000"}
WORLDS = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "77", "TZ": "America/Los_Angeles", "LC_ALL": "tr_TR.UTF-8"},
)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    root = toys.workspace(tmp_path_factory.mktemp("scored"))
    toys.submission(root / "submissions/toy/late", {"dev": toys.HALF})
    assert toys.run("score", "--workspace", root, **DAY).returncode == 0
    return root


@pytest.fixture
def root(tmp_path, scored):
    """A scored workspace of this test's own, with its site."""
    shutil.copytree(scored, tmp_path / "own")
    return tmp_path / "own"


def leaderboard(root, *arguments, **more):
    return toys.run("leaderboard", "--workspace", root, *arguments, **{**DAY, **more})


def test_an_unchanged_workspace_writes_nothing(root):
    done = leaderboard(root)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["0 files written", f"leaderboard: {root / 'site/index.html'}"]


def test_what_was_written_is_said_to_programs(root):
    shutil.rmtree(root / "site")
    found = json.loads(leaderboard(root, "--json").stdout)
    assert found["site"] == str(root / "site/index.html")
    assert str(root / "site/SHA256SUMS") in found["written"]


def test_the_same_records_give_the_same_bytes_anywhere(root):
    sites = []
    for number, world in enumerate(WORLDS):
        shutil.rmtree(root / "site", ignore_errors=True)
        done = leaderboard(root, **world)
        assert (done.returncode, done.stderr) == (0, "")
        shutil.copytree(root / "site", root.parent / str(number))
        sites.append(toys.tree(root.parent / str(number)))
    assert sites[0] == sites[1] == sites[2]
    assert "2026-05-28" in sites[0]["changes.json"].decode()


@pytest.mark.parametrize("arguments", [["--date", "2026-01-02"], []])
def test_the_day_is_the_one_that_was_given(root, arguments):
    shutil.rmtree(root / "site")
    assert leaderboard(root, *arguments).returncode == 0
    day = "2026-01-02" if arguments else "2026-05-28"
    assert {entry["published"] for entry in json.loads((root / "site/changes.json").read_bytes())} == {day}


@pytest.mark.parametrize(
    "arguments", [["--date", "soon"], ["--serve", "70000"], ["--serve", "x"], ["--check", "--serve"]]
)
def test_what_makes_no_sense_is_refused(root, arguments):
    done = leaderboard(root, *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr


class TestCheck:
    def test_a_fresh_site_may_be_published(self, root):
        before = toys.tree(root / "site")
        done = leaderboard(root, "--check")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{root / 'site'} may be published\n", "")
        assert toys.tree(root / "site") == before

    def test_a_site_of_another_day_is_as_good(self, root):
        assert leaderboard(root, "--check", SOURCE_DATE_EPOCH="1790000000").returncode == 0

    def test_a_page_that_was_edited_is_found(self, root):
        page = root / "site/toy/dev.html"
        page.write_text(page.read_text("utf-8").replace("</main>", '<a href="no.html">x</a></main>'), "utf-8")
        done = leaderboard(root, "--check")
        assert done.returncode == 5
        rules = [line.split(": ")[:2] for line in done.stderr.splitlines()]
        assert sorted(rules) == [["files", "toy/dev.html"], ["links", "toy/dev.html"], ["stale", "toy/dev.html"]]
        assert done.stdout == f"3 findings in {root / 'site'}\n"

    def test_findings_are_facts_for_programs(self, root):
        (root / "site/toy/dev.html").unlink()
        done = leaderboard(root, "--check", "--json")
        assert done.returncode == 5
        found = json.loads(done.stdout)["findings"]
        assert {"file", "rule", "what"} == set(found[0])
        assert {"files", "stale"} == {one["rule"] for one in found}

    def test_what_was_not_scored_is_stale(self, root):
        toys.submission(root / "submissions/toy/half", {"dev": toys.PERFECT, "test": toys.HALF})
        done = leaderboard(root, "--check")
        assert done.returncode == 5
        assert "1 submissions are not scored as they are" in done.stderr

    def test_what_is_hidden_now_and_was_published_before_is_found(self, root):
        config = toys.write(root / "leaderboard/site.toml", '[hidden_until]\n"toy/test" = 2999-01-01\n')
        done = leaderboard(root, "--check")
        assert done.returncode == 5
        assert "stale: toy/test.html: belongs to no record any more" in done.stderr
        config.write_text('reveal = 2999-01-01\nalias_key = "nobody knows it"\n', "utf-8")
        done = leaderboard(root, "--check")
        assert "leak: index.html: it names the system half, which is hidden" in done.stderr
        assert leaderboard(root).returncode == 0
        assert leaderboard(root, "--check").returncode == 0
        assert leaderboard(root, "--check", "--date", "2999-01-01").returncode == 5

    def test_without_a_site_there_is_nothing_to_publish(self, root):
        shutil.rmtree(root / "site")
        done = leaderboard(root, "--check")
        assert done.returncode == 5
        assert "no site was built" in done.stderr
        assert not (root / "site").exists()


class TestServe:
    def test_a_reload_shows_what_changed_and_interrupting_ends_it(self, root):
        command = [sys.executable, "-m", "harness", "leaderboard", "--workspace", str(root), "--serve", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=toys.environment(**DAY)) as running:
            try:
                said = running.stderr.readline()
                port = int(said.split("127.0.0.1:")[1].split("/")[0])
                assert b"Ours" not in self.get(port, "/")
                toys.write(root / "leaderboard/site.toml", 'title = "Ours"\n')
                assert b"Ours" in self.get(port, "/toy/dev.html")
            finally:
                running.send_signal(signal.SIGINT)
            assert running.wait(30) == 0

    def get(self, port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", path)
        content = connection.getresponse().read()
        connection.close()
        return content

    def test_a_port_that_is_taken_is_said(self, root):
        import socket

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            done = leaderboard(root, "--serve", str(taken.getsockname()[1]))
        assert done.returncode == 6
        assert "error[E014]" in done.stderr
        assert "in use" in done.stderr
