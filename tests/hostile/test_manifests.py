"""Hostile manifests and names: every fault at once, each with its line, and no path that leads out."""

from __future__ import annotations

import pytest

from .cases import ALPHA
from .toy import MANIFEST, ROWS, TASK, TEST_SET, TOML, lines


def check(toy, content: str | bytes) -> list[tuple[str, int | None]]:
    toy.write(MANIFEST, content)
    outcome = toy.run("check", toy.root / ALPHA, "--json")
    assert outcome.code == 3, outcome.text
    assert {problem["file"] for problem in outcome.json["problems"]} == {str(toy.root / MANIFEST)}
    return [(problem["code"], problem["line"]) for problem in outcome.json["problems"]]


GOOD = 'task = "toy"\nteam = "team"\nsystem = "alpha"\n'
REFUSED = {
    "empty": ("", [("T012", None)] * 3),
    "over 64 KiB": (GOOD + "#" * 70_000, [("S034", None)]),
    "unknown key": (GOOD + 'sytsem = "x"\n', [("T011", 4)]),
    "unknown table": (GOOD + "[runs]\ncommand = 1\n", [("T011", 4)]),
    "command that is no list": (GOOD + "[run]\ncommand = 1\n", [("T013", 5)]),
    "unknown key in a table": (GOOD + '[run]\ncommand = ["x"]\ncomand = 1\n', [("T011", 6)]),
    "system without a command, and with outputs": (GOOD + "[run]\n", [("T013", 4), ("T013", 4)]),
    "use of what is not there": (
        GOOD + '[run]\ncallable = "a:b"\nprotocol = "callable"\nuses = ["b"]\n',
        [("T013", 4), ("T013", 7)],
    ),
    "use of another folder": (
        GOOD + '[run]\ncallable = "a:b"\nprotocol = "callable"\nuses = ["../x"]\n',
        [("T013", 4), ("T013", 7)],
    ),
    "use of itself": (
        GOOD + '[run]\ncallable = "a:b"\nprotocol = "callable"\nuses = ["alpha"]\n',
        [("T013", 4), ("T013", 7)],
    ),
    "unknown protocol": (GOOD + '[run]\nprotocol = "xml"\n', [("T013", 5)]),
    "key twice": (GOOD + 'team = "x"\n', [("S031", 4)]),
    "table twice": (GOOD + "[a]\n[a]\n", [("S031", 5)]),
    "no value": (GOOD + "name =\n", [("T010", 4)]),
    "invalid UTF-8": (GOOD.encode() + b"#\xff\n", [("S013", 4)]),
    "NUL": (GOOD + "# \0\n", [("T010", 4)]),
    "escaped surrogate": (GOOD + 'name = "\\ud800"\n', [("T010", 4)]),
    "not a number": (GOOD + "name = nan\n", [("S033", 4), ("T013", 4)]),
    "infinity": (GOOD + "name = inf\n", [("S033", 4), ("T013", 4)]),
    "a date": (GOOD + "name = 1979-05-27\n", [("T013", 4)]),
    "a list": (GOOD + 'name = ["x"]\n', [("T013", 4)]),
    "an empty name": (GOOD + 'name = ""\n', [("T013", 4)]),
    "a long name": (GOOD + f'name = "{"x" * 5000}"\n', [("T013", 4)]),
    "unknown kind": (GOOD + 'kind = "best"\n', [("T013", 4)]),
    "script as URL": (GOOD + 'url = "javascript:alert(1)"\n', [("T013", 4)]),
    "quote in URL": (GOOD + "url = 'https://x\"onclick=1'\n", [("T013", 4)]),
    "nested arrays": (GOOD + f"name = {'[' * 30_000}\n", [("T019", None)]),
    "nested tables": (GOOD + f"name = {'{a=' * 10_000}\n", [("T019", None)]),
    "bidirectional name": (GOOD + 'name = "a\u202eb"\n', [("S042", 4)]),
    "escaped bidirectional name": (GOOD + 'name = "a\\u202eb"\n', [("S042", 4)]),
    "zero-width name": (GOOD + 'name = "a\u200bb"\n', [("S042", 4)]),
    "name with ESC": (GOOD + 'name = "\\u001b[31m"\n', [("S042", 4)]),
    "name not in NFC": (GOOD + 'name = "e\u0301"\n', [("S042", 4)]),
    "private-use name": (GOOD + 'name = "\ue000"\n', [("S042", 4)]),
    "several": (GOOD.replace("system", "systm") + 'kind = "x"\nname = 3\n', None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_manifest_is_refused_with_every_reason(toy, name):
    content, expected = REFUSED[name]
    found = check(toy, content)
    if expected is None:
        expected = [("T011", 3), ("T012", None), ("T013", 4), ("T013", 5)]
        found.sort()
    assert found == expected


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD + f"name = {'9' * 5000}\n", id="5000 digits"),
        pytest.param(GOOD + f"{'a.' * 9000}a = 1\n", id="dotted key"),
        pytest.param(GOOD + f"[{'a.' * 9000}a]\n", id="dotted table"),
    ],
)
def test_bombs_in_toml_are_refused(toy, content):
    toy.write(MANIFEST, content)
    assert toy.check().code == 3


def test_nesting_of_toml_is_said_in_terms_of_toml(toy):
    toy.write(MANIFEST, GOOD + f"name = {'[' * 30_000}\n")
    error = toy.check().err
    assert '{"id": …, "output": …}' not in error
    assert "more than 64 deep" not in error


def test_a_byte_order_mark_in_a_manifest_is_called_one(toy):
    assert check(toy, b"\xef\xbb\xbf" + GOOD.encode()) == [("S011", 1)]


def test_a_wrong_choice_is_answered_with_the_choices(toy):
    toy.write(MANIFEST, GOOD + 'kind = "best"\n')
    error = toy.check().err
    assert [kind for kind in ("primary", "contrastive", "baseline", "floor", "gaming") if kind not in error] == []


NOT_IDS = [
    "..", ".", ".hidden", "-x", "_x", "a/b", "../alpha", "/etc", "a\\\\b", "a b", "a:b", "é", "a\\u202eb", "\u0430lpha",
    "CON", "con", "nul.txt", "COM1", "lpt9", "x" * 65, "a\\nb", "a\\u0000b", "[/]", "<b>", "@reference",
]  # fmt: skip


@pytest.mark.parametrize("key", ["team", "system", "task"])
@pytest.mark.parametrize("name", NOT_IDS)
def test_ids_are_ids(toy, key, name):
    line = {"task": 1, "team": 2, "system": 3}[key]
    content = GOOD.split("\n")
    content[line - 1] = f'{key} = "{name}"'
    assert ("S040", line) in check(toy, "\n".join(content))


@pytest.mark.parametrize("name", ["a", "A-b_c.d+e", "x" * 64, "0", "CONSOLE", "com10", "null"])
def test_ordinary_ids_are_accepted(toy, name):
    assert toy.check(toy.submission(name)).code == 0


@pytest.mark.parametrize("name", ["Größe", "CAT+ (v2)", "système <b>", "[/]", "模型", "x & y"])
def test_display_names_may_hold_any_visible_text(toy, name):
    toy.submission(more=f'name = "{name}"\n')
    assert (toy.check().code, toy.run("score").code) == (0, 0)


class TestCollisions:
    def test_score_names_both(self, toy):
        toy.submission("Alpha")
        outcome = toy.run("score")
        assert "'alpha' and 'Alpha'" in outcome.err
        assert (outcome.code, "error[S041]" in outcome.err) == (1, True)

    def test_check_names_both(self, toy):
        toy.submission("Alpha")
        outcome = toy.run("check", "{}/submissions")
        assert (outcome.code, "error[S041]" in outcome.err) == (3, True)


def test_check_of_all_submissions_misses_none(toy):
    toy.submission("beta")
    (toy.root / MANIFEST).unlink()
    assert toy.run("score").code == 1
    assert toy.run("check", "{}/submissions").code == 3


def test_an_unknown_task_is_named(toy):
    toy.write("submissions/toi/alpha/submission.toml", GOOD.replace("toy", "toi"))
    outcome = toy.run("check", "{}/submissions/toi/alpha")
    assert outcome.code == 3
    assert "there is no task 'toi', did you mean 'toy'?" in outcome.err


TASKS = {
    "unknown key": (TASK + 'citaton = "x"\n' + TEST_SET, ("T011", 8)),
    "unknown key of a test set": (TASK + TEST_SET + 'golden = "x"\n', ("T011", 12)),
    "no primary": (TASK.replace('primary = "bleu"\n', "") + TEST_SET, ("T012", None)),
    "other name": (TASK.replace('"toy"', '"tog"') + TEST_SET, ("T014", 1)),
    "no metrics": (TASK.replace('["bleu"]', "[]") + TEST_SET, ("T013", 7)),
    "unknown reader": (TASK + 'reader = "yaml"\n' + TEST_SET, ("T013", 8)),
    "digest that is none": (TASK + TEST_SET + 'gold_sha256 = "abc"\n', ("T013", 12)),
    "huge limit": (TASK + TEST_SET + "[limits]\noutput_bytes = 99999999\n", ("T013", 13)),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_refused_with_its_line(toy, name):
    content, expected = TASKS[name]
    toy.write(TOML, content)
    outcome = toy.run("tasks", "toy", "--json")
    assert expected in [(problem["code"], problem["line"]) for problem in outcome.json["problems"]], outcome.text
    assert outcome.code == 3


def test_a_test_set_cannot_lead_out_of_the_outputs(toy):
    toy.task(TASK + TEST_SET.replace('"dev"', '"../dev"', 1))
    toy.write(f"{ALPHA}/dev.jsonl", lines(*ROWS))
    outcome = toy.check()
    assert (outcome.code, "error[S040]" in outcome.err) == (3, True)


def test_a_second_call_does_not_know_the_tasks_of_the_first(toy, tmp_path):
    from harness.cli.app import main

    from .toy import as_in_a_new_process

    with as_in_a_new_process():
        assert main(["tasks", "--workspace", str(toy.root), "--tasks", str(toy.root / "tasks")]) == 0
        (tmp_path / "empty").mkdir()
        assert main(["tasks", "toy", "--workspace", str(tmp_path / "empty")]) == 2
