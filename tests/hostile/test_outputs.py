"""Hostile outputs: refused with the reason, the line and both numbers, or scored exactly as they are."""

from __future__ import annotations

import os
import resource
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

from .cases import ALPHA, third
from .toy import DATA, OUTPUTS, ROWS, TASK, TEST_SET, lines

GIB = 1024**3


def row(text: str, number: int = 3) -> str:
    return f'{{"id": "{number}", "output": "{text}"}}'


def raw(text: bytes) -> bytes:
    return lines(*ROWS[:2]) + b'{"id": "3", "output": "' + text + b'"}\n'


def said(outcome) -> list[tuple[str, int | None]]:
    return [(problem["code"], problem["line"]) for problem in outcome.json["problems"]]


REFUSED = {  # bytes, and every code with its line
    "an empty file": (b"", [("S010", None)]),
    "first row missing": (lines(*ROWS[1:]), [("S010", 1)]),
    "middle row missing": (lines(ROWS[0], ROWS[2]), [("S010", 2)]),
    "one row too many": (lines(*ROWS, row("x", 4)), [("S017", 4), ("S010", 4)]),
    "an extra empty last line": (lines(*ROWS, ""), [("S010", 4)]),
    "an empty line between": (lines(ROWS[0], "", *ROWS[1:]), [("S010", 2)]),
    "only a line feed": (b"\n", [("S010", 1)]),
    "byte order mark": (b"\xef\xbb\xbf" + lines(*ROWS), [("S011", 1)]),
    "byte order mark alone": (b"\xef\xbb\xbf", [("S011", 1), ("S010", 1)]),
    "CRLF everywhere": (lines(*ROWS).replace(b"\n", b"\r\n"), [("S012", 1)]),
    "CRLF on the last line": (lines(*ROWS)[:-1] + b"\r\n", [("S012", 3)]),
    "invalid UTF-8": (raw(b"\xff"), [("S013", 3)]),
    "Latin-1": (raw("é".encode("latin-1")), [("S013", 3)]),
    "overlong UTF-8": (raw(b"\xc0\xaf"), [("S013", 3)]),
    "raw surrogate": (raw(b"\xed\xa0\x80"), [("S013", 3)]),
    "beyond Unicode": (raw(b"\xf4\x90\x80\x80"), [("S013", 3)]),
    "truncated character": (lines(*ROWS) + b"\xe2\x82", [("S013", 4), ("S010", 4)]),
    "escaped lone surrogate": (raw(rb"\ud800"), [("S013", 3)]),
    "escaped lone surrogate in a key": (lines(*ROWS[:2], r'{"id": "3", "output": "", "\udc00": 1}'), [("S013", 3)]),
    "escaped surrogates in the wrong order": (raw(rb"\ude00\ud83d"), [("S013", 3)]),
    "a lone CR in a JSON string": (raw(b"a\rb"), [("S035", 3)]),
    "a line over 1 MiB": (raw(b"x" * 1024 * 1024), [("S015", 3), ("S010", 2)]),
    "nesting 1e5": (lines(*ROWS[:2], '{"id": "3", "output": "", "x": ' + "[" * 100_000), [("S030", 3)]),
    "nesting of objects": (lines(*ROWS[:2], '{"x": ' * 100 + "1" + "}" * 100), [("S030", 3)]),
    "duplicate key": (lines(*ROWS[:2], '{"id": "3", "output": "a", "output": "b"}'), [("S031", 3)]),
    "duplicate key, escaped": (lines(*ROWS[:2], r'{"id": "3", "output": "a", "outpu\u0074": "b"}'), [("S031", 3)]),
    "duplicate key inside": (lines(*ROWS[:2], '{"id": "3", "output": "a", "x": {"y": 1, "y": 1}}'), [("S031", 3)]),
    "duplicate id": (lines(ROWS[0], ROWS[1], ROWS[0]), [("S032", 3)]),
    "duplicate id, one a number": (lines(*ROWS[:2], '{"id": 2, "output": ""}'), [("S032", 3)]),
    "id with a path": (lines(*ROWS[:2], '{"id": "../x", "output": ""}'), [("S017", 3)]),
    "id with a control character": (lines(*ROWS[:2], r'{"id": "\u001b[31m", "output": ""}'), [("S017", 3)]),
    "two values on a line": (lines(*ROWS[:2], ROWS[2] + ROWS[2]), [("S035", 3)]),
    "not an object": (lines(*ROWS[:2], '["3", "x"]'), [("S018", 3)]),
    "output null": (lines(*ROWS[:2], '{"id": "3", "output": null}'), [("S018", 3)]),
    "output a list": (lines(*ROWS[:2], '{"id": "3", "output": ["x"]}'), [("S018", 3)]),
    "id a list": (lines(*ROWS[:2], '{"id": ["3"], "output": ""}'), [("S018", 3)]),
    "id a truth value": (lines(*ROWS[:2], '{"id": true, "output": ""}'), [("S018", 3)]),
    "a comment": (lines("# made by us", *ROWS), [("S035", 1), ("S010", 4)]),
    "several faults": (
        b"\xef\xbb\xbf" + lines("x", row("\0", 2), ROWS[2], ROWS[2]),
        [("S011", 1), ("S035", 1), ("S014", 2), ("S032", 4), ("S010", 3)],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_outputs_are_refused_with_every_reason(toy, name):
    content, expected = REFUSED[name]
    toy.submission(outputs=content)
    outcome = toy.run("check", toy.root / ALPHA, "--json")
    assert said(outcome) == expected
    assert {problem["file"] for problem in outcome.json["problems"]} == {str(toy.root / OUTPUTS)}
    assert outcome.code == 3


@pytest.mark.parametrize("char", [number for number in range(32) if chr(number) not in "\t\n\r"])
def test_every_raw_control_character_is_refused(toy, char):
    toy.submission(outputs=raw(bytes([char])))
    outcome = toy.run("check", toy.root / ALPHA, "--json")
    assert said(outcome) == [("S014", 3)]
    assert f"U+{char:04X} at byte 24 " in outcome.json["problems"][0]["message"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "1" * 19])
def test_numbers_that_are_not_finite_or_ordinary_are_refused(toy, number):
    toy.submission(outputs=lines(*ROWS[:2], f'{{"id": "3", "output": "", "p": {number}}}'))
    assert said(toy.run("check", toy.root / ALPHA, "--json")) == [("S033", 3)]


@pytest.mark.parametrize("number", ["1_0", "\uff11", "0x10", "010", "1.", "+1", ".5", "\u0661"])
def test_what_only_looks_like_a_number_is_not_json(toy, number):
    toy.submission(outputs=lines(*ROWS[:2], f'{{"id": "3", "output": "", "p": {number}}}'))
    assert said(toy.run("check", toy.root / ALPHA, "--json")) == [("S035", 3)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lines(*ROWS[:1]), "expected 3 outputs, found 1; the first request without output is '2'"),
        (lines(*ROWS, ""), "expected 3 outputs, found 4; line 4 is empty"),
        (lines(*ROWS).replace(b"\n", b"\r\n", 2), "2 of 3 lines end in CR LF"),
        (lines(ROWS[0], ROWS[1], ROWS[0]), "id '1' was given on line 1 already"),
        (lines(*ROWS[:2], "[" * 100_000), "nested 100000 deep, more than the 64 allowed"),
    ],
)
def test_messages_hold_both_numbers(toy, content, message):
    assert message in toy.check_outputs(content).err


def test_a_duplicate_id_names_both_lines(toy):
    outcome = toy.check_outputs(lines(ROWS[0], ROWS[1], ROWS[1]))
    assert f"{toy.root / OUTPUTS}:3: id '2' was given on line 2 already" in outcome.err
    assert "help: keep one of lines 2 and 3" in outcome.err


def test_more_than_twenty_problems_are_listed_up_to_twenty_and_counted(toy):
    outcome = toy.check_outputs(lines(*["x"] * 53))
    assert outcome.err.count("error[S035]") == 20
    assert "34 more" in outcome.text  # 53 rows and the wrong number of them are 54 problems


def test_at_most_twenty_problems_of_a_file_are_listed(toy):
    outcome = toy.check_outputs(lines(*["x"] * 1000))
    assert outcome.err.count("error[") == 20 + 1  # the last one says how many more there are


def test_wording_of_a_refused_string(toy):
    assert "at at" not in toy.check_outputs(raw(b"a\rb")).err


ACCEPTED = {  # bytes, and how often each notice counts
    "good": (lines(*ROWS), {}),
    "last line without LF": (lines(*ROWS)[:-1], {"N010": 1}),
    "NEL": (raw("a\x85b".encode()), {"N011": 1, "N014": 1}),
    "U+2028 and U+2029 on one line": (raw("a\u2028b\u2029".encode()), {"N011": 1}),
    "U+2028 on two lines": (lines(ROWS[0], row("a\u2028", 2), row("\u2028b")), {"N011": 2}),
    "CR between tokens": (lines(*ROWS[:2], '{"id": "3",\r"output": "a"}'), {"N012": 1}),
    "escaped LF": (raw(rb"a\nb"), {"N013": 1}),
    "zero-width space": (raw("a\u200bb".encode()), {"N014": 1}),
    "bidirectional override": (raw("a\u202eb".encode()), {"N014": 1}),
    "escaped NUL": (raw(rb"a\u0000b"), {"N014": 1}),
    "escaped ESC": (raw(rb"a\u001b[31mb"), {"N014": 1}),
    "further keys": (lines(*ROWS[:2], '{"id": "3", "output": "a", "x": 1, "y": 2}'), {"N015": 1}),
    "empty output": (raw(b""), {"N016": 1}),
    "blank output": (raw(b"  "), {"N016": 1}),
    "reversed": (lines(*reversed(ROWS)), {"N017": 1}),
    "surrogate pair": (raw(rb"\ud83d\ude00"), {}),
    "escaped TAB": (raw(rb"a\tb"), {}),
    "no-break space": (raw("a\u00a0b".encode()), {}),
    "combining marks": (raw("e\u0301".encode()), {}),
    "right-to-left text": (raw("שלום".encode()), {}),
    "64 KiB, the limit": (raw(b"x" * 65536), {}),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_odd_but_legitimate_text_is_accepted_and_counted(toy, name):
    content, notices = ACCEPTED[name]
    toy.submission(outputs=content)
    outcome = toy.run("check", toy.root / ALPHA, "--json")
    assert (outcome.code, outcome.json["problems"]) == (0, [])
    assert outcome.json["notices"].get(str(toy.root / OUTPUTS), {}) == notices


def test_a_tolerated_tab_between_tokens_changes_nothing(toy):
    assert toy.check_outputs(lines(*ROWS).replace(b'", ', b'",\t')).code == 0


class TestPlainText:
    """The reader `lines`: one output a line, and only LF ends a line."""

    @pytest.fixture
    def check(self, toy):
        toy.task(TASK + 'reader = "lines"\n' + TEST_SET)
        (toy.root / OUTPUTS).unlink()

        def check(content: bytes):
            toy.write(f"{ALPHA}/outputs/dev.txt", content)
            return toy.run("check", toy.root / ALPHA, "--json")

        return check

    @pytest.mark.parametrize("separator", ["\r", "\x85", "\u2028", "\u2029"])
    def test_separators_are_text_and_counted(self, check, separator):
        outcome = check(f"a{separator}b\nc\nd\n".encode())
        (notices,) = outcome.json["notices"].values()
        assert (outcome.code, notices["N012" if separator == "\r" else "N011"]) == (0, 1)

    @pytest.mark.parametrize("char", "\x00\x0b\x0c\x1b\x1c\x1d\x1e\x1f")
    def test_raw_controls_are_refused(self, check, char):
        assert said(check(f"a{char}b\nc\nd\n".encode())) == [("S014", 1)]

    @pytest.mark.parametrize(("content", "line"), [(b"a\nb\n", 2), (b"a\nb\nc\nd\n", 4), (b"a\nb\nc\n\n", 4)])
    def test_the_number_of_lines_counts(self, check, content, line):
        assert said(check(content)) == [("S010", line)]

    def test_an_empty_line_is_an_empty_output(self, check):
        outcome = check(b"a\n\nc\n")
        (notices,) = outcome.json["notices"].values()
        assert (outcome.code, notices) == (0, {"N016": 1})

    def test_json_is_text(self, check):
        assert check(b'{"id": "1"}\n[\nNaN\n').code == 0


# --- what lies on the disk ---


def in_place_of_outputs(toy, make):
    (toy.root / OUTPUTS).unlink()
    make(toy.root / OUTPUTS)


def symbolic_link(path: Path) -> None:
    (path.parents[1] / "real.jsonl").write_bytes(lines(*ROWS))
    path.symlink_to("../real.jsonl")


def bound_socket(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(path.parent)  # the path itself is too long for a socket
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)
        os.close(here)


def device(path: Path) -> None:
    try:
        os.mknod(path, 0o20644, os.makedev(1, 5))  # /dev/zero: it never ends
    except PermissionError:
        pytest.skip("only root makes devices")


KINDS = {
    "symbolic link": symbolic_link,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "FIFO": os.mkfifo,
    "socket": bound_socket,
    "device": device,
    "folder": Path.mkdir,
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("verb", ["check", "score"])
def test_only_regular_files_are_read(toy, name, verb):
    in_place_of_outputs(toy, KINDS[name])
    outcome = toy.run(*(["check", toy.root / ALPHA] if verb == "check" else ["score"]))
    kind = {"dangling link": "symbolic link", "link to itself": "symbolic link"}.get(name, name)
    assert f"error[S022] {toy.root / OUTPUTS}: this is a " in outcome.err
    assert kind in outcome.err
    assert outcome.code == (3 if verb == "check" else 1)


def test_a_hard_link_is_refused(toy):
    os.link(toy.root / OUTPUTS, toy.root / "other")
    outcome = toy.check()
    assert (outcome.code, "with 2 hard links" in outcome.err) == (3, True)


@pytest.mark.parametrize("place", [f"{ALPHA}/outputs", ALPHA])
@pytest.mark.parametrize("verb", ["check", "score"])
def test_nothing_is_read_through_a_linked_folder(toy, place, verb):
    (toy.root / place).rename(toy.root / "elsewhere")
    (toy.root / place).symlink_to(toy.root / "elsewhere")
    outcome = toy.run(*(["check", toy.root / ALPHA] if verb == "check" else ["score"]))
    assert outcome.code == (3 if verb == "check" else 1), outcome.text
    assert "alpha" not in outcome.out.replace(str(toy.root), "")


def test_a_linked_outputs_folder_is_called_a_link(toy):
    (toy.root / ALPHA / "outputs").rename(toy.root / "elsewhere")
    (toy.root / ALPHA / "outputs").symlink_to(toy.root / "elsewhere")
    assert "error[S022]" in toy.check().err


def test_help_for_a_link_names_no_command_that_would_copy_what_it_points_at(toy):
    (toy.root / OUTPUTS).unlink()
    (toy.root / OUTPUTS).symlink_to("/etc/passwd")
    (said,) = toy.run("check", toy.root / ALPHA, "--json").json["problems"]
    assert said["help"] == "put the file itself in place of the link"


@pytest.mark.parametrize(
    ("code", "content"), [("S011", b"\xef\xbb\xbf" + lines(*ROWS)), ("S012", lines(*ROWS).replace(b"\n", b"\r\n"))]
)
def test_help_for_bytes_works(toy, code, content):
    outcome = toy.check_outputs(content)
    command = outcome.err.split("help: ")[1].strip()
    assert (code in outcome.err, command.startswith("sed ")) == (True, True)
    subprocess.run(["/bin/bash", "-c", command], check=True, timeout=10)
    assert (toy.root / OUTPUTS).read_bytes() == lines(*ROWS)


def test_help_can_be_pasted_whatever_the_folder_is_called(tmp_path):
    from .toy import make

    toy = make(tmp_path / "my $(touch pwned) talk")
    command = toy.check_outputs(b"\xef\xbb\xbf" + lines(*ROWS)).err.split("help: ")[1].strip()
    assert shlex.split(command)[-1] == str(toy.root / OUTPUTS)


@pytest.mark.parametrize("size", [10 * GIB, 1024 * GIB, 300 * 1024**2])
@pytest.mark.parametrize("name", [OUTPUTS, f"{ALPHA}/submission.toml", DATA])
def test_sparse_giants_are_refused_unread(toy, name, size):
    """With 1 GiB of address space, reading one would fail; with 60 s it would not end."""
    with (toy.root / name).open("r+b") as stream:
        try:
            stream.truncate(size)
        except OSError:
            pytest.skip("this file system holds no such file")
    outcome = toy.run("check", toy.root / ALPHA, "--json")
    (problem,) = outcome.json["problems"]
    assert problem["code"] in {"S015", "S022"}
    assert f"{size:,}" in problem["message"]
    assert problem["file"] == str(toy.root / name)


def test_a_giant_line_takes_no_memory(toy):
    with (toy.root / OUTPUTS).open("r+b") as stream:
        stream.truncate(200 * 1024**2)  # under the limit of a file: it has to be read, a part at a time

    def little_memory():
        resource.setrlimit(resource.RLIMIT_AS, (190 * 1024**2, 190 * 1024**2))

    outcome = toy.run_process("check", toy.root / ALPHA, preexec_fn=little_memory)
    assert (outcome.code, "error[S015]" in outcome.err) == (3, True), outcome.text


def test_the_limit_of_a_line_is_exact(toy):
    toy.task(TASK + TEST_SET.replace("[[", "[limits]\noutput_bytes = 1048576\n[[", 1))
    frame = len(row("", 3))
    assert toy.check_outputs(raw(b"x" * (1024 * 1024 - frame))).code == 0
    assert "1,048,577 bytes" in toy.check_outputs(raw(b"x" * (1024 * 1024 - frame + 1))).err


def test_the_limit_of_an_output_counts_bytes(toy):
    assert toy.check_outputs(raw("é".encode() * 32768)).code == 0
    assert "65,538 bytes" in toy.check_outputs(raw("é".encode() * 32769)).err


@pytest.mark.parametrize("content", [b"\xff\n", b"{\n", b"\0\n"])
def test_help_about_gold_is_about_gold(toy, content):
    toy.write(DATA, content)
    problems = toy.run("check", toy.root / ALPHA, "--json").json["problems"]
    assert problems
    assert [problem for problem in problems if f"harness check {toy.root / DATA}" in problem["help"]] == []


def test_one_file_can_be_checked_alone(toy):
    toy.write(f"{ALPHA}/outputs/deb.jsonl", "x")
    third('{"id": "3"}')(toy)
    outcome = toy.run("check", toy.root / OUTPUTS)
    assert (outcome.code, outcome.err.count("error[")) == (3, 1)


class TestAMachineThatCannotRead:
    def test_says_that_it_cannot_read(self, toy):
        if not os.path.exists("/proc/self/mem"):  # noqa: PTH110 - it is no path of ours
            pytest.skip("no /proc/self/mem, whose first byte cannot be read")
        toy.task(TASK + TEST_SET.replace("data/dev.jsonl", "/proc/self/mem"))
        assert "error[E012] /proc/self/mem: cannot read" in toy.check().err

    def test_calls_a_path_that_is_too_long_no_submission(self, toy):
        outcome = toy.run("check", "x" * 300)
        assert (outcome.code, "error[U012]" in outcome.err) == (2, True)


class TestTheOutputsFolder:
    @pytest.fixture(autouse=True)
    def broken(self, toy):
        third('{"id": "3"}')(toy)

    def test_means_the_whole_submission(self, toy):
        outcome = toy.run("check", toy.root / ALPHA / "outputs")
        assert (outcome.code, "error[S018]" in outcome.err) == (3, True), outcome.text

    @pytest.mark.parametrize("path", [".", "..", "dev.jsonl", "../outputs"])
    def test_means_it_also_from_inside(self, toy, monkeypatch, path):
        monkeypatch.chdir(toy.root / ALPHA / "outputs")
        outcome = toy.run("check", path)
        assert (outcome.code, "error[S018]" in outcome.err) == (3, True), outcome.text


@pytest.mark.parametrize("name", ["dev.json", ".dev.jsonl", "dev.jsonl.bak"])
def test_a_file_that_is_never_read_does_not_pass_the_check(toy, name):
    stray = toy.write(f"{ALPHA}/outputs/{name}", lines(*ROWS))
    outcome = toy.run("check", stray, "--json")
    assert [problem["file"] or problem["message"] for problem in outcome.json["problems"]] != []
    assert outcome.code == 3
    assert name in outcome.json["problems"][0]["message"]


def test_a_duplicate_among_very_many_keys_is_found(toy):
    keys = [*(f'"k{number}": 0' for number in range(49_999)), '"k0": 0']
    outcome = toy.check_outputs(lines(*ROWS[:2], f"{{{', '.join(keys)}}}"))
    assert (outcome.code, "error[S031]" in outcome.err, "'k0' stands twice" in outcome.err) == (3, True, True)


def test_a_lone_surrogate_is_found_behind_a_pair_and_other_letters(toy):
    text = row(r"éé \ud83d\ude00 \ud800")
    byte = text.encode().index(rb"\ud800") + 1
    assert (
        f"surrogate escape, which is no character, at byte {byte} of the line"
        in toy.check_outputs(lines(*ROWS[:2], text)).err
    )
