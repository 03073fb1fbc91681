"""Whatever bytes lie there: an exit code of the table, never a traceback, and no lost or added line missed."""

from __future__ import annotations

import contextlib
import io
import shlex
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.cli.app import main
from harness.textio import Findings, read_lines

from .cases import ALPHA
from .toy import DATA, GOLD, MANIFEST, OUTPUTS, ROWS, TASK, TEST_SET, TOML, as_in_a_new_process, lines, make

KNOWN_CODES = {0, 1, 2, 3, 5}
MANIFEST_TEXT = 'task = "toy"\nteam = "team"\nsystem = "alpha"\nname = "A"\n'
hostile = settings(deadline=None, max_examples=150)


@pytest.fixture(scope="module")
def place():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def chunks(*of: str):
    """Bytes made of pieces of a format, odd characters, and noise."""
    pieces = [piece.encode() for piece in of]
    odd = [
        b"\n",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        "\u2028\u202e\u200b".encode(),
        b"\xed\xa0\x80",
        b"\x1b[31m",
        b"\\ud800",
        b"9" * 400,
        b"NaN",
        b"1e999",
    ]
    return st.lists(st.sampled_from([*pieces, *odd]) | st.binary(max_size=8), max_size=30).map(b"".join)


json_bytes = st.binary(max_size=200) | chunks(
    *ROWS, *GOLD, '{"id": "', '", "output": "', '"}', "{", "[", "}", "]", ":", ",", '"'
)
toml_bytes = st.binary(max_size=200) | chunks(
    *MANIFEST_TEXT.split("\n"), *TASK.split("\n"), *TEST_SET.split("\n"), "[", "]", "{", "=", '"', "'''", ".", "a", "#"
)


def run_with(place: Path, name: str, content: bytes, *argv: str):
    with tempfile.TemporaryDirectory(dir=place) as folder:
        toy = make(Path(folder))
        toy.write(name, content)
        outcome = toy.run(*argv)
    assert outcome.code in KNOWN_CODES, outcome.text
    assert "Traceback" not in outcome.text
    assert "error[BUG]" not in outcome.text
    assert "\x1b" not in outcome.text
    return outcome


@hostile
@given(content=json_bytes)
@example(content=lines(*ROWS))
def test_any_bytes_as_outputs(place, content):
    outcome = run_with(place, OUTPUTS, content, "check", "{}/" + ALPHA)
    assert (outcome.code == 0) == ("error[" not in outcome.text)


@hostile
@given(content=toml_bytes)
@example(content=MANIFEST_TEXT.encode())
def test_any_bytes_as_submission_toml(place, content):
    run_with(place, MANIFEST, content, "check", "{}/" + ALPHA)


@hostile
@given(content=json_bytes)
@example(content=lines(*GOLD))
def test_any_bytes_as_gold(place, content):
    run_with(place, DATA, content, "check", "{}/" + ALPHA)


@hostile
@given(content=toml_bytes)
@example(content=(TASK + TEST_SET).encode())
def test_any_bytes_as_task_toml(place, content):
    run_with(place, TOML, content, "tasks", "toy")


@settings(deadline=None, max_examples=25)
@given(outputs=json_bytes, manifest=st.just(MANIFEST_TEXT.encode()) | toml_bytes)
def test_any_bytes_scored(place, outputs, manifest):
    with tempfile.TemporaryDirectory(dir=place) as folder:
        toy = make(Path(folder))
        toy.submission("gamma")
        toy.write(OUTPUTS, outputs)
        toy.write(MANIFEST, manifest)
        outcome = toy.run("score", "--json")
    assert outcome.code in {0, 1}, outcome.text
    assert "gamma" in {result["system"] for result in outcome.json["results"]}


@settings(deadline=None, max_examples=60)
@given(content=json_bytes)
def test_any_bytes_as_a_record(place, content):
    with tempfile.TemporaryDirectory(dir=place) as folder:
        toy = make(Path(folder))
        toy.write(f"results/records/toy/dev/{'0' * 64}.json", content)
        codes = {toy.run(*words).code for words in (["verify"], ["export", "results"], ["verify", "--json"])}
    assert codes == {5}


@hostile
@given(data=st.data())
def test_an_inserted_deleted_or_repeated_line_is_caught(place, data):
    rows = list(ROWS)
    index = data.draw(st.integers(0, len(rows) - 1))
    change = data.draw(st.sampled_from(["insert", "delete", "repeat", "replace"]))
    line = data.draw(st.sampled_from(["", '{"id": "4", "output": ""}', *ROWS]))
    if change == "insert":
        rows.insert(index, line)
    elif change == "delete":
        del rows[index]
    elif change == "repeat":
        rows.insert(data.draw(st.integers(0, len(rows))), rows[index])
    else:
        rows[index] = line
    outcome = run_with(place, OUTPUTS, lines(*rows), "check", "{}/" + ALPHA)
    if rows == list(ROWS):
        assert outcome.code == 0
    else:
        assert outcome.code == 3
        assert any(f"error[{code}]" in outcome.err for code in ("S010", "S017", "S032")), outcome.text


@hostile
@given(position=st.integers(0, len(lines(*ROWS)) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_is_other_text(place, position, bit):
    content = bytearray(lines(*ROWS))
    content[position] ^= 1 << bit
    outcome = run_with(place, OUTPUTS, bytes(content), "check", "{}/" + ALPHA)
    if outcome.code == 0:  # then only the text changed: every id and every line is still there
        assert bytes(content).count(b"\n") + bytes(content).count(b"\\n") >= len(ROWS) - 1
        assert [f'"id": "{number}"'.encode() in content for number in (1, 2, 3)].count(False) == 0


text_without_c0 = st.lists(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in range(32) if n != 9]), max_size=30
    )
    | st.sampled_from(["\x85", "a\u2028b", "\u2029", "x\ry", "\ty", "\u00a0", "\x7f", "\u200b"]),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, max_examples=300)
@given(texts=text_without_c0)
def test_joined_lines_are_read_back_identically(texts):
    texts = [text if index else text.removeprefix("\ufeff") for index, text in enumerate(texts)]
    findings = Findings("file")
    read = list(read_lines(io.BytesIO("".join(f"{text}\n" for text in texts).encode()), findings))
    assert read == list(enumerate(texts, start=1))
    assert findings.problems == []


@settings(deadline=None, max_examples=300)
@given(content=st.binary(max_size=300))
def test_the_number_of_lines_is_the_number_of_line_feeds(content):
    read = list(read_lines(io.BytesIO(content), Findings("file")))
    assert len(read) == content.count(b"\n") + (not content.endswith(b"\n") and content != b"")


WORDS = [
    "score", "check", "tasks", "import", "export", "verify", "results", "toy", "terminology", "toy/alpha", "dev",
    "alpha",
    "*", "[", "toy/*", "wmt25-terminology", "submissions", "submissions/toy/alpha", OUTPUTS, "tasks/toy", "nowhere", "",
    ".", "..", "/", "-", "--", "--json", "--as", "csv", "jsonl", "xml", "--requests", "--workers", "0", "1", "-1", "x",
    "--recompute", "-v", "--output", "--help", "--version", "--nonsense", "a\u202eb", "\udcff", "a\0b",
]  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(argv=st.lists(st.sampled_from(WORDS), max_size=6), verb=st.sampled_from(WORDS[:6]))
def test_any_command_line(place, argv, verb):
    if "--output" in argv:
        argv = [word for word in argv if word not in {"/", "..", "."}]
    with tempfile.TemporaryDirectory(dir=place) as folder, contextlib.chdir(folder):
        toy = make(Path(folder))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), as_in_a_new_process():
            try:
                code = main([verb, *argv, "--tasks", str(toy.root / "tasks")])
            except SystemExit as stop:
                code = stop.code
    assert code in {0, 1, 2, 3, 5, 6, 7}, shlex.join([verb, *argv]).encode("unicode_escape") + err.getvalue().encode(
        "unicode_escape"
    )
