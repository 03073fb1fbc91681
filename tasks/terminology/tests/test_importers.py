"""Importer `wmt25-terminology`, on small archives and through the command line."""

from __future__ import annotations

import json
import os
import tomllib
from typing import TYPE_CHECKING

import pytest

from harness.cli.app import main

from ..importers import wmt25_terminology

if TYPE_CHECKING:
    from pathlib import Path

LINES = 3
TERMS = {"proper": {"drug": "Arzneimittel"}, "random": {"helps": "hilft"}, "noterm": {}}


def reference(number, source="en", target="de"):
    return {source: f"The drug {number} helps.", target: f"Das Arzneimittel {number} hilft.", **TERMS}


def answer(number, source="en", target="de"):
    return {source: f"The drug {number} helps.", "terms": {}, target: f" Die Arznei {number} hilft.\n"}


def write(path: Path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


class Archive:
    """An archive of one pair, which tests bring out of order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.references("ende", [reference(number) for number in range(1, LINES + 1)])
        self.outputs("Alpha", "Alpha", "ende", "proper", [answer(number) for number in range(1, LINES + 1)])

    def references(self, pair, rows):
        write(self.root / "references" / "track1" / f"full_data.{pair}.jsonl", rows)

    def outputs(self, team, system, pair, mode, rows):
        write(self.path(team, system, pair, mode), rows)

    def path(self, team="Alpha", system="Alpha", pair="ende", mode="proper"):
        return self.root / "submissions" / "track1" / team / f"{system}.{pair}.{mode}.jsonl"


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "ranking")


@pytest.fixture
def harness(tmp_path, capsys):
    """Runs a command on the workspace; returns exit code and what it said."""

    def run(*words):
        code = main([*map(str, words), "--workspace", str(tmp_path / "workspace")])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def bring(archive, harness):
    """Imports the archive; returns exit code and what was said."""
    return lambda: harness("import", "wmt25-terminology", archive.root)


@pytest.fixture
def workspace(tmp_path):
    return tmp_path / "workspace"


def lines(path: Path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class TestWhatIsWritten:
    def test_pairs_and_modes_are_what_the_files_say(self, archive, bring, workspace):
        archive.references("plen", [{**reference(1, "pl", "en"), "strict": {"drug": "medicine"}}])
        bring()
        assert sorted(path.name for path in (workspace / "testsets" / "terminology").iterdir()) == [
            *(f"wmt25-t1-en-de-{mode}" for mode in ("noterm", "proper", "random")),
            *(f"wmt25-t1-pl-en-{mode}" for mode in ("noterm", "proper", "random", "strict")),
        ]

    def test_a_test_set_knows_its_languages_its_mode_and_its_licence(self, bring, workspace):
        bring()
        folder = workspace / "testsets" / "terminology" / "wmt25-t1-en-de-random"
        table = tomllib.loads((folder / "testset.toml").read_text("utf-8"))
        assert table["tags"] == {"source_language": "en", "target_language": "de", "mode": "random"}
        assert table["compat"] == ["wmt25-t1"]
        assert table["collection"] == "wmt25-t1"
        assert table["licence"] == "CC-BY-NC-4.0"

    def test_gold_holds_every_dictionary_that_has_terms_with_lists_of_variants(self, bring, workspace):
        bring()
        (row, *_) = lines(workspace / "testsets" / "terminology" / "wmt25-t1-en-de-noterm" / "gold.jsonl")
        assert row == {
            "id": "1",
            "source": "The drug 1 helps.",
            "reference": "Das Arzneimittel 1 hilft.",
            "proper": {"drug": ["Arzneimittel"]},
            "random": {"helps": ["hilft"]},
        }

    def test_outputs_are_stripped_and_paired_by_line(self, bring, workspace):
        bring()
        outputs = workspace / "submissions" / "terminology" / "Alpha" / "outputs" / "wmt25-t1-en-de-proper.jsonl"
        assert lines(outputs) == [{"id": str(n), "output": f"Die Arznei {n} hilft."} for n in range(1, LINES + 1)]

    def test_a_line_feed_inside_an_output_is_text(self, archive, bring, workspace):
        archive.outputs("Alpha", "Alpha", "ende", "proper", [{"de": f"a\nb {n}"} for n in range(LINES)])
        assert bring()[0] == 0
        outputs = workspace / "submissions" / "terminology" / "Alpha" / "outputs" / "wmt25-t1-en-de-proper.jsonl"
        assert lines(outputs)[0]["output"] == "a\nb 0"

    def test_what_was_imported_passes_the_check_and_is_scored(self, bring, harness, workspace):
        assert bring()[0] == 0
        assert harness("check", workspace / "submissions")[0] == 0
        code, said = harness("score", "--workers", "1")
        assert code == 0
        assert "2 scored" in said
        _, exported = harness("export", "results")
        (row,) = [line.split("\t") for line in exported.splitlines() if "Alpha\tproper-success-surface" in line]
        assert row[7:9] == ["0", "3"]


class TestNames:
    @pytest.mark.parametrize(
        ("named", "expected"),
        [
            ("organizers/gpt-4.1-nano", "gpt-4.1-nano"),
            ("Team With Spaces/My System", "My-System"),
            ("Tëam/Systëm_1", "Syst-m_1"),
        ],
    )
    def test_names_with_dots_and_blanks_become_ids_and_stay_readable(self, archive, bring, workspace, named, expected):
        team, system = named.split("/")
        archive.outputs(team, system, "ende", "random", [answer(number) for number in range(1, LINES + 1)])
        assert bring()[0] == 0
        folder = workspace / "submissions" / "terminology" / expected
        table = tomllib.loads((folder / "submission.toml").read_text("utf-8"))
        assert table["system"] == expected
        assert table.get("name", expected) == system
        assert (folder / "outputs" / "wmt25-t1-en-de-random.jsonl").is_file()
        assert main(["check", str(folder), "--workspace", str(workspace)]) == 0

    def test_two_systems_of_one_name_get_the_names_of_their_teams(self, archive, bring, workspace):
        archive.outputs("Beta", "Alpha", "ende", "proper", [answer(number) for number in range(1, LINES + 1)])
        assert bring()[0] == 0
        found = sorted(path.name for path in (workspace / "submissions" / "terminology").iterdir())
        assert found == ["Alpha.Alpha", "Beta.Alpha"]

    def test_two_systems_that_get_one_id_all_the_same_are_not_merged_in_silence(self, archive, bring):
        archive.outputs("Alpha", "Alpha!", "ende", "proper", [answer(number) for number in range(1, LINES + 1)])
        code, said = bring()
        assert (code, "G020" in said) == (1, True)


class TestFaults:
    def test_an_unknown_pair_or_mode_is_a_stray(self, archive, bring, workspace):
        archive.outputs("Alpha", "Alpha", "enja", "proper", [answer(1)])
        archive.outputs("Alpha", "Alpha", "ende", "strict", [answer(1)])
        code, said = bring()
        assert code == 0
        assert "not imported: submissions/track1/Alpha/Alpha.enja.proper.jsonl" in said
        assert "not imported: submissions/track1/Alpha/Alpha.ende.strict.jsonl" in said
        assert len(list((workspace / "submissions" / "terminology" / "Alpha" / "outputs").iterdir())) == 1

    @pytest.mark.parametrize(
        "place", [".DS_Store", "submissions/track1/.DS_Store", "submissions/track1/Alpha/.DS_Store"]
    )
    def test_a_file_of_the_finder_is_a_stray(self, archive, bring, place):
        (archive.root / place).write_bytes(b"\0\0\0\1Bud1")
        code, said = bring()
        assert code == 0
        assert f"not imported: {place}" in said

    def test_another_track_is_named_once(self, archive, bring):
        for number in range(3):
            write(archive.root / "submissions" / "track2" / f"{number}.jsonl", [{}])
        assert "not imported: submissions/track2 (3 files of another track)" in bring()[1]

    def test_a_source_that_is_not_the_reference_s_is_refused_and_the_rest_imported(self, archive, bring, workspace):
        rows = [answer(1), {**answer(2), "en": "Another sentence."}, answer(3)]
        archive.outputs("Beta", "Beta", "ende", "proper", rows)
        code, said = bring()
        assert code == 1
        assert f"error[G021] {archive.path('Beta', 'Beta')}:2: the source differs" in said
        assert [path.name for path in (workspace / "submissions" / "terminology").iterdir()] == ["Alpha"]

    @pytest.mark.parametrize(
        ("broken", "code"),
        [
            ('{"de": "a"', "S035"),
            ("[1]", "G020"),
            ('{"en": "The drug 2 helps."}', "G020"),
            ('{"de": 1}', "G020"),
            ('{"de": "a", "de": "b"}', "S031"),
        ],
    )
    def test_a_broken_row_is_named_with_its_line_and_the_file_left_out(self, archive, bring, workspace, broken, code):
        path = archive.path("Beta", "Beta")
        archive.outputs("Beta", "Beta", "ende", "proper", [answer(1)])
        path.write_text(path.read_text("utf-8") + broken + "\n" + json.dumps(answer(3)) + "\n", "utf-8")
        exit_code, said = bring()
        assert exit_code == 1
        assert f"error[{code}] {path}:2:" in said
        assert not (workspace / "submissions" / "terminology" / "Beta").exists()

    @pytest.mark.parametrize("kind", ["folder", "symlink", "FIFO"])
    def test_what_is_no_regular_file_is_named_and_the_rest_imported(self, archive, bring, workspace, kind):
        path = archive.path("Beta", "Beta")
        path.parent.mkdir()
        make = {"folder": path.mkdir, "FIFO": lambda: os.mkfifo(path)}
        make.get(kind, lambda: path.symlink_to(archive.path()))()
        code, said = bring()
        assert (code, f"error[S022] {path}: " in said) == (1, True)
        assert [path.name for path in (workspace / "submissions" / "terminology").iterdir()] == ["Alpha"]

    def test_too_few_lines_are_imported_as_they_are_and_refused_by_the_check(self, archive, bring, harness, workspace):
        archive.references("ende", [reference(number) for number in range(1, 501)])
        archive.outputs("Alpha", "Alpha", "ende", "proper", [answer(number) for number in range(1, 500)])
        assert bring()[0] == 0
        code, said = harness("check", workspace / "submissions" / "terminology" / "Alpha")
        assert code == 3
        assert "error[S010]" in said
        assert "expected 500 outputs, found 499" in said
        assert "the first request without output is '500'" in said

    def test_too_many_lines_are_imported_as_they_are_and_refused_by_the_check(self, archive, bring, harness, workspace):
        archive.outputs("Alpha", "Alpha", "ende", "proper", [answer(number) for number in range(1, LINES + 2)])
        assert bring()[0] == 0
        code, said = harness("check", workspace / "submissions" / "terminology" / "Alpha")
        assert code == 3
        assert "expected 3 outputs, found 4" in said

    @pytest.mark.parametrize(
        "rows",
        [
            [{"en": "a", "fr": "b", **TERMS}],
            [reference(1), {"en": "a", "de": "b", "proper": {}}],
            [reference(1), {**reference(2), "de": None}],
        ],
        ids=["other languages", "a mode is missing", "no text"],
    )
    def test_references_that_are_not_of_this_kind_are_refused(self, archive, bring, rows):
        archive.references("ende", rows)
        code, said = bring()
        assert code == 1
        assert "error[G020]" in said

    def test_a_folder_that_is_not_the_archive_is_refused(self, harness, workspace, tmp_path):
        (tmp_path / "holiday").mkdir()
        code, said = harness("import", "wmt25-terminology", tmp_path / "holiday")
        assert code == 3
        assert "error[G020]" in said
        assert "full_data.<pair>.jsonl" in said
        assert list(workspace.iterdir()) == []

    def test_a_missing_folder_is_refused(self, harness, tmp_path):
        code, said = harness("import", "wmt25-terminology", tmp_path / "nowhere")
        assert code == 3
        assert "error[G020]" in said

    def test_the_importer_itself_raises_and_writes_nothing(self, archive):
        before = sorted(archive.root.rglob("*"))
        collection = wmt25_terminology(archive.root)
        assert [found.system for found in collection.submissions] == ["Alpha"]
        assert sorted(archive.root.rglob("*")) == before


class TestAgain:
    def test_importing_again_writes_no_file(self, bring):
        assert "8 files written" in bring()[1]  # gold and table of three modes, submission.toml, one file of outputs
        assert "0 files written" in bring()[1]

    def test_a_new_system_adds_its_files_only(self, archive, bring):
        bring()
        archive.outputs("Beta", "Beta", "ende", "proper", [answer(number) for number in range(1, LINES + 1)])
        assert "2 files written" in bring()[1]

    @pytest.mark.parametrize("side", ["workspace", "archive"])
    def test_a_file_with_other_content_is_never_overwritten(self, archive, bring, workspace, side):
        bring()
        outputs = workspace / "submissions" / "terminology" / "Alpha" / "outputs" / "wmt25-t1-en-de-proper.jsonl"
        if side == "workspace":
            outputs.write_text("mine\n", "utf-8")
        else:
            archive.outputs("Alpha", "Alpha", "ende", "proper", [{"de": "new"}] * LINES)
        before = outputs.read_bytes()
        code, said = bring()
        assert code == 7
        assert "error[P010]" in said
        assert outputs.read_bytes() == before

    def test_a_link_where_a_file_would_go_is_not_followed(self, bring, workspace, tmp_path):
        link = workspace / "submissions" / "terminology" / "Alpha" / "outputs" / "wmt25-t1-en-de-proper.jsonl"
        link.parent.mkdir(parents=True)
        link.symlink_to(tmp_path / "outside")
        code, said = bring()
        assert (code, f"error[P010] {link}: " in said) == (7, True)
        assert not (tmp_path / "outside").exists()
        assert [path for path in workspace.rglob("*") if not path.is_dir()] == [link]


class TestCoverage:
    def test_the_matrix_names_what_is_absent(self, bring):
        _, said = bring()
        assert "3 test sets, 1 submissions, 2 absent cells" in said

    def test_json_says_the_same(self, archive, harness):
        _, said = harness("import", "wmt25-terminology", archive.root, "--json")
        facts = json.loads(said)
        assert facts["submissions"] == {"Alpha": ["wmt25-t1-en-de-proper"]}
        assert facts["absent"] == [
            {"system": "Alpha", "test_set": f"wmt25-t1-en-de-{mode}"} for mode in ("random", "noterm")
        ]
        assert facts["problems"] == facts["strays"] == []
