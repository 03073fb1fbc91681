"""Importer `mt-geneval`, on small archives and through the command line."""

from __future__ import annotations

import json
import os
import tomllib
from typing import TYPE_CHECKING

import pytest

from harness.cli.app import main

from ..importers import mt_geneval

if TYPE_CHECKING:
    from pathlib import Path

LINES = {
    ("masculine", "en"): ["He is a doctor.", "He sings."],
    ("masculine", "de"): ["Er ist Arzt.", "Er singt."],
    ("feminine", "en"): ["She is a doctor.", "She sings."],
    ("feminine", "de"): ["Sie ist Ärztin.", "Sie singt."],
}
CONTEXT = {
    "2to1": ["She studied in Bonn. <sep> The doctor left.", "<sep> The cook stayed."],
    "original": ["Die Ärztin ging.", "Der Koch blieb."],
    "flipped": ["Der Arzt ging.", "Die Köchin blieb."],
}


class Archive:
    """An archive of both kinds for one language pair, which tests bring out of order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sentences("test", "de")
        self.context("test", "de")

    def sentence_file(self, gender="masculine", split="test", pair="en_de", language="de"):
        return self.root / "sentences" / split / f"geneval-sentences-{gender}-{split}.{pair}.{language}"

    def context_file(self, part="2to1", split="test", pair="en_de", language="en"):
        return self.root / "context" / f"geneval-context-wikiprofessions-{part}-{split}.{pair}.{language}"

    def sentences(self, split, target):
        for (gender, language), lines in LINES.items():
            end = "en" if language == "en" else target
            write(self.sentence_file(gender, split, f"en_{target}", end), lines)

    def context(self, split, target):
        for part, lines in CONTEXT.items():
            write(self.context_file(part, split, f"en_{target}", "en" if part == "2to1" else target), lines)


def write(path: Path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + "\n" for line in lines).encode())


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "data")


@pytest.fixture
def workspace(tmp_path):
    return tmp_path / "workspace"


@pytest.fixture
def harness(workspace, capsys):
    """Runs a command on the workspace; returns exit code and what it said."""

    def run(*words):
        code = main([*map(str, words), "--workspace", str(workspace)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def bring(archive, harness):
    """Imports the archive; returns exit code and what was said."""
    return lambda: harness("import", "mt-geneval", archive.root)


@pytest.fixture
def gold(workspace):
    """The gold rows of a test set that was imported."""
    folder = workspace / "testsets" / "gender"
    return lambda name: [
        json.loads(line) for line in (folder / name / "gold.jsonl").read_text("utf-8").split("\n")[:-1]
    ]


def imported_in(workspace):
    return sorted(path.name for path in (workspace / "testsets" / "gender").glob("*"))


class TestWhatIsWritten:
    def test_splits_and_languages_are_what_the_files_say(self, archive, bring, workspace):
        archive.sentences("dev", "pt")
        archive.context("dev", "nl")
        archive.context("blind", "hi")
        assert bring()[0] == 0
        assert imported_in(workspace) == [
            "mt-geneval-contextual-blind-en-hi",
            "mt-geneval-contextual-dev-en-nl",
            "mt-geneval-contextual-test-en-de",
            "mt-geneval-counterfactual-dev-en-pt",
            "mt-geneval-counterfactual-test-en-de",
        ]

    def test_a_counterfactual_row_has_a_source_and_a_reference_for_each_gender(self, bring, gold):
        bring()
        assert gold("mt-geneval-counterfactual-test-en-de")[1] == {
            "id": "2",
            "masculine": {"source": "He sings.", "reference": "Er singt."},
            "feminine": {"source": "She sings.", "reference": "Sie singt."},
        }

    def test_a_contextual_row_is_split_at_its_separator_and_may_have_no_context(self, bring, gold):
        bring()
        assert gold("mt-geneval-contextual-test-en-de") == [
            {
                "id": "1",
                "context": "She studied in Bonn.",
                "source": "The doctor left.",
                "reference": "Die Ärztin ging.",
                "flipped": ["Der Arzt ging."],
            },
            {
                "id": "2",
                "context": "",
                "source": "The cook stayed.",
                "reference": "Der Koch blieb.",
                "flipped": ["Die Köchin blieb."],
            },
        ]

    def test_the_first_separator_counts_and_blanks_around_it_do_not(self, archive, bring, gold):
        write(archive.context_file(), [" One.<sep>Two. ", "a <sep> b <sep> c"])
        bring()
        rows = gold("mt-geneval-contextual-test-en-de")
        assert [(row["context"], row["source"]) for row in rows] == [("One.", "Two."), ("a", "b <sep> c")]

    def test_a_test_set_knows_what_it_is_and_whose(self, bring, workspace):
        bring()
        for subset in ("counterfactual", "contextual"):
            folder = workspace / "testsets" / "gender" / f"mt-geneval-{subset}-test-en-de"
            table = tomllib.loads((folder / "testset.toml").read_text("utf-8"))
            languages = {"source_language": "en", "target_language": "de"}
            assert table["tags"] == {**languages, "subset": subset, "split": "test"}
            assert table["collection"] == "mt-geneval-test-en-de"
            assert table["compat"] == ["mt-geneval"]
            assert table["licence"] == "CC-BY-SA-3.0"
            assert table["citation"].startswith("Currey et al. 2022")

    def test_what_was_imported_is_scored(self, bring, harness, workspace):
        bring()
        folder = workspace / "submissions" / "gender" / "one-for-all"
        said = {"counterfactual": [("1-m", "Arzt"), ("1-f", "Arzt"), ("2-m", "Er"), ("2-f", "Sie")]}
        said["contextual"] = [("1", "Der Arzt ging."), ("2", "Der Koch blieb.")]
        for subset, rows in said.items():
            lines = [json.dumps({"id": identifier, "output": output}) for identifier, output in rows]
            write(folder / "outputs" / f"mt-geneval-{subset}-test-en-de.jsonl", lines)
        write(folder / "submission.toml", ['task = "gender"', 'team = "a"', 'system = "one-for-all"'])
        assert harness("check", folder)[0] == 0
        assert harness("score", "gender", "--workers", "1")[0] == 0
        _, exported = harness("export", "results")
        cells = [line.split("\t") for line in exported.splitlines() if "en-de\tone-for-all\t" in line]
        found = {(row[1].split("-")[2], row[3]): row[4] for row in cells if row[3].endswith("-accuracy")}
        assert found["counterfactual", "strict-accuracy"] == found["counterfactual", "gender-accuracy"] == "0.5"
        assert found["contextual", "strict-accuracy"] == found["contextual", "gender-accuracy"] == "0.5"

    def test_importing_again_writes_no_file(self, bring):
        assert "4 files written" in bring()[1]  # gold and table of two test sets
        assert "0 files written" in bring()[1]

    def test_the_importer_itself_writes_nothing_and_finds_no_submissions(self, archive):
        before = sorted(archive.root.rglob("*"))
        collection = mt_geneval(archive.root)
        assert len(collection.test_sets) == 2
        assert (collection.submissions, collection.strays, collection.findings) == ([], [], [])
        assert sorted(archive.root.rglob("*")) == before


class TestStrays:
    def test_the_annotated_folders_are_named_once_each(self, archive, bring, workspace):
        for split in ("dev", "test"):
            for (gender, language), lines in LINES.items():
                name = f"geneval-sentences-{gender}-{split}.en_de.{language}"
                write(archive.root / "sentences" / split / "annotated" / name, lines)
        code, said = bring()
        assert code == 0
        assert said.count("annotated") == 2
        assert "not imported: sentences/dev/annotated (4 files)" in said
        assert "not imported: sentences/test/annotated (4 files)" in said
        assert len(imported_in(workspace)) == 2

    @pytest.mark.parametrize(
        "place",
        [
            "README.md",
            "context/.DS_Store",
            "context/geneval-context-wikiprofessions-2to1-test.en_de.fr",  # neither of its languages
            "context/geneval-context-wikiprofessions-original-test.en_de.en",  # the source's language
            "sentences/test/geneval-sentences-masculine-dev.en_de.de",  # another split than its folder's
            "sentences/test/geneval-sentences-neutral-test.en_de.de",
        ],
    )
    def test_a_file_that_belongs_to_no_test_set_is_named(self, archive, bring, place):
        write(archive.root / place, ["x"])
        code, said = bring()
        assert (code, f"not imported: {place}\n" in said) == (0, True)

    def test_another_folder_is_named_once(self, archive, bring):
        for number in range(3):
            write(archive.root / "documents" / "test" / str(number), ["x"])
        assert "not imported: documents/test (3 files)" in bring()[1]


class TestFaults:
    """A fault leaves its test set out; the other one is imported."""

    def refused(self, bring, workspace, kept):
        code, said = bring()
        assert code == 1
        assert imported_in(workspace) == [f"mt-geneval-{kept}-test-en-de"]
        return said

    @pytest.mark.parametrize("gender", ["masculine", "feminine"])
    @pytest.mark.parametrize("language", ["en", "de"])
    def test_a_missing_file_of_a_pair_is_named(self, archive, bring, workspace, gender, language):
        path = archive.sentence_file(gender, language=language)
        path.unlink()
        said = self.refused(bring, workspace, "contextual")
        assert f"error[G020] {path}: the file is missing" in said

    @pytest.mark.parametrize(("part", "language"), [("2to1", "en"), ("original", "de"), ("flipped", "de")])
    def test_a_missing_file_of_three_is_named(self, archive, bring, workspace, part, language):
        path = archive.context_file(part, language=language)
        path.unlink()
        said = self.refused(bring, workspace, "counterfactual")
        assert f"error[G020] {path}: the file is missing" in said

    @pytest.mark.parametrize("count", [1, 3])
    def test_files_of_different_length_are_refused_with_both_numbers(self, archive, bring, workspace, count):
        path = archive.sentence_file("feminine")
        write(path, ["Sie singt."] * count)
        said = self.refused(bring, workspace, "contextual")
        first = "sentences/test/geneval-sentences-masculine-test.en_de.en"
        assert f"error[G012] {path}: expected 2 lines as in {first}, found {count}" in said

    @pytest.mark.parametrize("line", ["No separator.", "Only context. <sep> "])
    def test_a_line_without_a_segment_is_refused(self, archive, bring, workspace, line):
        write(archive.context_file(), ["a <sep> b", line])
        said = self.refused(bring, workspace, "counterfactual")
        assert f"error[G020] {archive.context_file()}:2: the line has no segment after <sep>" in said

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b"Er ist Arzt.\n\n", "error[G020] {}:2: the line is blank"),
            (b"", "error[G020] {}: the file is empty"),
            (b"Er ist Arzt.\r\nEr singt.\r\n", "error[S012] {}:1: 2 of 2 lines end in CR LF"),
            (b"Er ist Arzt.\rEr singt.\nEr\n", "error[G020] {}:1: the line holds a CR"),
            (b"Er ist Arzt.\nEr singt\xe4.\n", "error[S013] {}:2: invalid UTF-8 (0xe4)"),
            (b"\xef\xbb\xbfEr ist Arzt.\nEr singt.\n", "error[S011] {}:1: "),
        ],
        ids=["blank line", "empty file", "CR LF", "CR", "Latin-1", "byte order mark"],
    )
    def test_a_broken_file_is_named_with_its_line(self, archive, bring, workspace, content, expected):
        path = archive.sentence_file()
        path.write_bytes(content)
        said = self.refused(bring, workspace, "contextual")
        assert expected.format(path) in said

    @pytest.mark.parametrize("kind", ["link", "FIFO"])
    def test_what_is_no_regular_file_is_named(self, archive, bring, workspace, kind):
        path = archive.sentence_file()
        path.unlink()
        if kind == "FIFO":
            os.mkfifo(path)
        else:
            path.symlink_to(archive.sentence_file("feminine"))
        assert f"error[S022] {path}: " in self.refused(bring, workspace, "contextual")

    def test_a_line_separator_is_text_and_no_line_end(self, archive, bring, gold):
        write(archive.sentence_file(), ["Er ist\u2028Arzt.\x85", "Er singt."])
        assert bring()[0] == 0
        assert gold("mt-geneval-counterfactual-test-en-de")[0]["masculine"]["reference"] == "Er ist\u2028Arzt."

    @pytest.mark.parametrize("is_file", [False, True])
    def test_what_is_not_the_archive_is_refused(self, harness, workspace, tmp_path, is_file):
        source = tmp_path / "holiday"
        if is_file:
            source.write_text("x", "utf-8")
        else:
            source.mkdir()
        code, said = harness("import", "mt-geneval", source)
        assert code == 3
        assert f"error[G020] {source}: there is no sentences/<split>/geneval-sentences-" in said
        assert imported_in(workspace) == []
