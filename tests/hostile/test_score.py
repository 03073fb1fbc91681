"""One bad submission stops nobody else, and nothing that somebody wrote reaches the terminal raw."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import unicodedata
from unittest import mock

import pytest

from .cases import ALPHA, archive, scorer
from .toy import MANIFEST, OUTPUTS, ROWS, TASK, TEST_SET, lines

ESCAPES = "\x1b[31m\u202e[link=x]"


def systems(outcome) -> set[str]:
    return {result["system"] for result in outcome.json["results"]}


def snapshot(toy) -> dict[str, bytes]:
    folders = ("results", "site")
    files = (path for name in folders for path in (toy.root / name).rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in files if path.name != ".lock"}


@pytest.fixture
def mixed(toy):
    """Two good submissions around a bad one."""
    toy.submission("beta", outputs=lines(*ROWS[:2]))
    toy.submission("gamma", outputs=lines(*reversed(ROWS)))
    return toy


class TestOneBadAmongGood:
    def test_the_others_are_scored_and_the_bad_one_is_named(self, mixed):
        outcome = mixed.run("score", "--json")
        assert systems(outcome) == {"@reference", "alpha", "gamma"}
        (problem,) = outcome.json["problems"]
        assert problem["code"] == "S010"
        assert problem["file"] == str(mixed.root / "submissions/toy/beta/outputs/dev.jsonl")
        assert outcome.code == 1

    def test_a_second_run_says_the_same_and_writes_nothing(self, mixed):
        mixed.run("score")
        before = snapshot(mixed)
        again = mixed.run("score", "--json")
        assert (again.code, again.json["scored"], len(again.json["problems"])) == (1, 0, 1)
        assert snapshot(mixed) == before

    def test_mending_it_scores_it_alone(self, mixed):
        mixed.run("score")
        mixed.submission("beta")
        outcome = mixed.run("score", "--json")
        assert (outcome.code, outcome.json["scored"]) == (0, 1)
        assert systems(outcome) == {"@reference", "alpha", "beta", "gamma"}

    def test_spoiling_a_scored_one_takes_it_off_the_board(self, mixed):
        mixed.submission("beta")
        assert mixed.run("score").code == 0
        mixed.submission("beta", outputs=lines("x"))
        outcome = mixed.run("score", "--json")
        assert (outcome.code, "beta" in systems(outcome)) == (1, False)
        board = next((mixed.root / "site").rglob("dev*.html")).read_text("utf-8")
        assert re.search(r"\balpha\b", board)
        assert not re.search(r">\s*beta\s*<", board)

    @pytest.mark.parametrize(
        "spoil",
        [
            pytest.param(lambda toy: toy.write(MANIFEST, b"\xff"), id="manifest is not text"),
            pytest.param(lambda toy: (toy.root / MANIFEST).unlink(), id="no manifest"),
            pytest.param(
                lambda toy: toy.write(MANIFEST, 'task = "no"\nteam = "x"\nsystem = "alpha"\n'), id="other task"
            ),
            pytest.param(lambda toy: toy.write(f"{ALPHA}/outputs/deb.jsonl", "x"), id="unknown test set"),
            pytest.param(lambda toy: (toy.root / OUTPUTS).unlink(), id="no outputs"),
            pytest.param(
                lambda toy: toy.write("submissions/no-task/x/submission.toml", "x"), id="task that is not there"
            ),
        ],
    )
    def test_whatever_is_bad_the_others_are_scored(self, toy, spoil):
        toy.submission("gamma")
        spoil(toy)
        outcome = toy.run("score", "--json")
        assert (outcome.code, "gamma" in systems(outcome), bool(outcome.json["problems"])) == (1, True, True)

    def test_check_and_score_find_the_same_problems(self, mixed):
        checked = mixed.run("check", "{}/submissions", "--json").json["problems"]
        assert checked == mixed.run("score", "--json").json["problems"]

    def test_workers_change_nothing(self, mixed):
        for number in range(4):
            mixed.submission(f"system-{number}")
        alone = mixed.run("score", "--workers", "1", "--json")
        before = snapshot(mixed)
        assert mixed.run("score", "--workers", "2").code == 1
        assert (alone.code, snapshot(mixed)) == (1, before)

    def test_a_metric_that_fails_leaves_the_others(self, toy):
        scorer('raise RuntimeError("x")')(toy)
        outcome = toy.run("score", "--json")
        alpha = next(result for result in outcome.json["results"] if result["system"] == "alpha")
        values = {score["metric"]: score["value"] for score in alpha["scores"]}
        assert (outcome.code, values["own"], values["bleu"]) == (1, None, pytest.approx(100))


def raw_characters(text: str) -> set[str]:
    """What a terminal might obey: all control and format characters but LF."""
    return {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char != "\n"}


def stray_file(toy):
    toy.write(f"{ALPHA}/outputs/{ESCAPES}.txt", "x")


def outputs_file(toy):
    toy.write(f"{ALPHA}/outputs/{ESCAPES}.jsonl", "x")


def system_folder(toy):
    toy.submission("beta").rename(toy.root / "submissions/toy" / ESCAPES)


def empty_folder(toy):
    (toy.root / "submissions/toy" / ESCAPES).mkdir()


def task_folder(toy):
    toy.submission("beta").rename(toy.root / "submissions" / ESCAPES)


def manifest_values(toy):
    escaped = "\\u001b[31m\\u202e[/][link=x]"
    toy.write(
        MANIFEST, f'task = "{escaped}"\nteam = "{escaped}"\nsystem = "{escaped}"\nkind = "{escaped}"\n"{escaped}" = 1\n'
    )


def row_values(toy):
    escaped = r"\u001b[31m\u202e[/]"
    rows = (
        f'{{"id": "{escaped}", "output": ""}}',
        f'{{"{escaped}": 1, "{escaped}": 1}}',
        f'{{"id": "3", "{escaped}": ""}}',
    )
    toy.submission(outputs=lines(*rows))


def task_texts(toy):
    toy.task(TASK.replace('"Toy"', '"\\u001b[31mToy[/]"').replace("nobody", "\\u001b[31m") + TEST_SET)


def gold_values(toy):
    toy.task(gold=lines(r'{"id": "\u001b[31m", "source": "\u001b[31m\u202e", "reference": ""}'))


HOSTILE = [
    outputs_file, manifest_values, row_values, gold_values, stray_file, system_folder, empty_folder, task_folder,
    task_texts,
]  # fmt: skip


class TestTheTerminal:
    @pytest.mark.parametrize("spoil", HOSTILE, ids=lambda spoil: spoil.__name__)
    @pytest.mark.parametrize("argv", ["check", "score", "tasks", "describe", "export", "verify"])
    def test_gets_no_control_character(self, toy, spoil, argv):
        spoil(toy)
        words = {"check": ["check", "{}/submissions"], "describe": ["tasks", "toy"], "export": ["export", "results"]}
        outcome = toy.run(*words.get(argv, [argv]))
        text = outcome.text.replace("\t", "") if argv == "export" else outcome.text  # columns of the table
        assert raw_characters(text) == set(), ascii(text)
        assert outcome.code != 70

    @pytest.mark.parametrize("path", ["a\x1b[31mb", "a\u202eb", "[/]", "a\udcffb", "a\x00b", "x" * 5000])
    @pytest.mark.parametrize("verb", ["check", "score", "tasks", "import", "import-source"])
    def test_gets_no_control_character_of_the_command_line(self, toy, path, verb):
        words = {"import": ["import", path, "."], "import-source": ["import", "wmt25-terminology", path]}
        outcome = toy.run(*words.get(verb, [verb, path]))
        assert raw_characters(outcome.text) == set(), ascii(outcome.text)
        assert outcome.code in {2, 3} or len(path) == 5000

    @pytest.mark.parametrize("name", ["[/]", "[link=x]y", "[bold red]x", "\\[x]", ":smile:"])
    def test_shows_markup_as_text(self, toy, name):
        toy.submission(more=f"name = '{name}'\n")
        assert toy.run("score").code == 0
        toy.submission(outputs=lines(*ROWS[:2], f'{{"id": "{name}", "output": ""}}'.replace("\\", "\\\\")))
        assert name.replace("\\", "") in toy.check().err.replace("\\", "")

    def test_gets_no_control_character_of_an_archive(self, toy):
        archive(toy, name=f"archive/submissions/track1/team/sys{ESCAPES}.ende.proper.jsonl")
        toy.write(f"archive/{ESCAPES}", "x")
        assert raw_characters(toy.run("import", "wmt25-terminology", "{}/archive").text) == set()

    @pytest.mark.parametrize("verb", ["check", "score"])
    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
    def test_may_have_any_encoding(self, toy, verb, encoding):
        toy.submission(outputs=lines(*ROWS[:2], r'{"id": "Größe→", "output": ""}'))
        words = ["check", toy.root / "submissions"] if verb == "check" else ["score"]
        outcome = toy.run_process(*words, env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"})
        assert outcome.code in {1, 3}, outcome.text

    def test_may_be_closed_early(self, toy):
        command = (
            f"set -o pipefail; {sys.executable} -m harness tasks toy --requests dev --tasks '{toy.root}/tasks' | true"
        )
        done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("verb", ["check", "score"])
    def test_shows_folders_whose_names_are_not_text(self, tmp_path, verb):
        from .toy import make

        toy = make(tmp_path / os.fsdecode(b"work\xff"))
        toy.submission(outputs=lines(*ROWS)[:-1])
        words = ["check", toy.root / "submissions"] if verb == "check" else ["score"]
        outcome = toy.run_process(*words)
        assert (outcome.code, "error[BUG]" in outcome.err) == (0, False), outcome.text


def test_an_outputs_file_whose_name_is_not_text_is_named(toy):
    toy.write(f"{ALPHA}/outputs/{os.fsdecode(bytes([255]))}.jsonl", "x")
    outcome = toy.run_process("check", toy.root / ALPHA)
    assert (outcome.code, "error[S050]" in outcome.err) == (3, True), outcome.text


def test_a_file_that_cannot_be_read_does_not_stop_the_others(toy):
    """The first of two is refused, by a stand-in: root may read anything."""
    toy.submission("beta")
    real, refused = os.open, []

    def open_or_refuse(path, *arguments, **settings):
        if os.fspath(path) == "dev.jsonl" and not refused:
            refused.append(path)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *arguments, **settings)

    toy.stack.enter_context(mock.patch("os.open", open_or_refuse))
    outcome = toy.run("score", "--json")
    assert [fault["code"] for fault in outcome.json["problems"]] == ["E012"]
    assert (outcome.code, systems(outcome)) == (1, {"@reference", "beta"})
