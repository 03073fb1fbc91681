"""Importer `proteno`, on small archives and through the command line."""

from __future__ import annotations

import json
import tomllib

import pytest

from harness.cli.app import main
from harness.errors import InvalidInput

from ..importers import proteno
from .archives import READINGS, SPANISH, TAGGED, TOKENS, refusal, row, write_lines, write_pickles


@pytest.fixture
def english(tmp_path):
    return write_pickles(tmp_path / "English", TOKENS, READINGS)


@pytest.fixture
def harness(tmp_path, capsys):
    """Runs a command on the workspace; returns exit code and what it said."""

    def run(*words):
        code = main([*map(str, words), "--workspace", str(tmp_path / "workspace")])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def gold(tmp_path):
    """The rows of an imported test set."""

    def read(name):
        path = tmp_path / "workspace" / "testsets" / "text-normalization" / name / "gold.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    return read


class TestEnglish:
    def test_the_first_three_fifths_are_for_training_and_ids_go_on(self, english, harness, gold):
        assert harness("import", "proteno", english)[0] == 0
        assert [row["id"] for row in gold("proteno-en-train")] == ["1", "2", "3"]
        assert [row["id"] for row in gold("proteno-en-test")] == ["4", "5"]
        assert gold("proteno-en-train")[0] == {"id": "1", "source": TOKENS[0], "reference": READINGS[0]}

    def test_a_test_set_says_what_it_is(self, english, harness, tmp_path):
        harness("import", "proteno", english)
        toml = tmp_path / "workspace" / "testsets" / "text-normalization" / "proteno-en-test" / "testset.toml"
        table = tomllib.loads(toml.read_text("utf-8"))
        assert table["tags"] == {"language": "en", "split": "test"}
        assert table["compat"] == ["proteno"]
        assert table["licence"] == "CC-BY-SA-3.0"
        assert "Tyagi et al. 2021" in table["citation"]

    def test_what_was_imported_is_scored(self, english, harness, tmp_path):
        harness("import", "proteno", english)
        folder = tmp_path / "workspace" / "submissions" / "text-normalization" / "identity"
        write_lines(
            folder / "outputs" / "proteno-en-test.jsonl",
            *({"id": str(number), "output": TOKENS[number - 1]} for number in (4, 5)),
        )
        manifest = 'task = "text-normalization"\nteam = "we"\nsystem = "identity"\n'
        (folder / "submission.toml").write_text(manifest, "utf-8")
        assert harness("check", folder)[0] == 0
        assert harness("score", "--workers", "1")[0] == 0
        _, exported = harness("export", "results")
        found = {line.split("\t")[3]: line.split("\t")[7:9] for line in exported.splitlines() if "\tidentity\t" in line}
        assert found["change-accuracy"] == ["0", "3"]
        assert found["token-accuracy"] == ["2", "5"]
        assert found["token-accuracy-strict"] == ["1", "5"]

    def test_importing_again_writes_nothing(self, english, harness):
        assert "4 files written" in harness("import", "proteno", english)[1]
        assert "0 files written" in harness("import", "proteno", english)[1]

    def test_a_sentence_with_too_few_readings_is_left_out_and_named(self, tmp_path, harness, gold):
        readings = [*READINGS[:1], ["Call", "me"], *READINGS[2:]]
        code, said = harness("import", "proteno", write_pickles(tmp_path / "English", TOKENS, readings))
        assert code == 0
        assert "not imported: sentence 2: it has 3 tokens and 2 readings" in said
        assert [row["id"] for row in gold("proteno-en-train")] == ["1", "3"]

    def test_a_sentence_without_tokens_is_left_out_and_named(self, tmp_path):
        found = proteno(write_pickles(tmp_path / "English", [*TOKENS, []], [*READINGS, []]))
        assert found.strays == ["sentence 6: it has no token"]

    def test_other_files_of_the_folder_are_named(self, english):
        (english / "LICENSE.txt").write_text("-", "utf-8")
        (english / "old").mkdir()
        assert proteno(english).strays == ["LICENSE.txt", "old/"]


class TestSpanish:
    def test_pickles_are_the_whole_and_are_split(self, tmp_path, harness, gold):
        assert harness("import", "proteno", write_pickles(tmp_path / "Spanish", SPANISH, TAGGED))[0] == 0
        (first,) = gold("proteno-es-train")
        assert first == {"id": "1", "source": SPANISH[0], "reference": ["el", "cinco", "de", "mayo", "."]}
        assert [row["id"] for row in gold("proteno-es-test")] == ["2", "3"]
        assert gold("proteno-es-test")[1]["reference"] == ["el", "noventa y siete", "por ciento", "."]

    @pytest.mark.parametrize("whole", [True, False], ids=["the folder", "the file"])
    def test_json_lines_are_the_training_part(self, tmp_path, harness, gold, whole):
        path = write_lines(tmp_path / "any" / "name.jsonl", *map(row, SPANISH, TAGGED))
        code, said = harness("import", "proteno", path.parent if whole else path)
        assert (code, "1 test sets, 0 submissions" in said) == (0, True)
        assert [row["id"] for row in gold("proteno-es-train")] == ["1", "2", "3"]

    def test_a_file_need_not_be_called_jsonl(self, tmp_path):
        path = write_lines(tmp_path / "corpus.json", *map(row, SPANISH, TAGGED))
        assert [part.id for part in proteno(path).test_sets] == ["proteno-es-train"]

    def test_json_lines_with_lists_of_readings_are_english(self, tmp_path):
        path = write_lines(tmp_path / "english.jsonl", *map(row, TOKENS, READINGS))
        (found,) = proteno(path).test_sets
        assert (found.id, len(found.rows)) == ("proteno-en-train", 5)

    def test_each_sentence_that_cannot_be_aligned_is_named_with_its_number_and_the_reason(self, tmp_path):
        tagged = [TAGGED[0], "Llama a Ana.", TAGGED[2]]
        found = proteno(write_lines(tmp_path / "a.jsonl", *map(row, SPANISH, tagged)))
        assert found.strays == ["sentence 2: at character 5 the tokens go on '.', the text 'aana.'"]
        assert [row["id"] for row in found.test_sets[0].rows] == ["1", "3"]

    def test_a_file_none_of_whose_sentences_can_be_aligned_is_refused(self, tmp_path):
        path = write_lines(tmp_path / "a.jsonl", row(["a"], "b"))
        assert refusal(path) == ("G020", "none of its 1 sentences can be aligned")


class TestWhatIsNoCorpus:
    def test_a_folder_without_a_corpus(self, tmp_path):
        code, said = refusal(tmp_path)
        assert code == "G020"
        assert "neither unnorm_list.pkl and norm_list.pkl nor one JSON Lines file" in said

    def test_a_folder_with_half_of_the_pickles(self, english):
        (english / "norm_list.pkl").unlink()
        assert refusal(english)[0] == "G020"

    def test_a_folder_with_two_corpora(self, tmp_path):
        for name in ("a.jsonl", "b.jsonl"):
            write_lines(tmp_path / name, *map(row, SPANISH, TAGGED))
        code, said = refusal(tmp_path)
        assert (code, "such files: 2" in said) == ("G020", True)

    def test_a_file_of_other_keys_is_no_corpus(self, tmp_path):
        write_lines(tmp_path / "a.jsonl", {"id": "1", "output": []})
        code, said = refusal(tmp_path)
        assert (code, "such files: 0" in said) == ("G020", True)

    def test_a_broken_file_beside_the_corpus_is_told_and_the_corpus_imported(self, tmp_path, harness, gold):
        folder = tmp_path / "spanish"
        write_lines(folder / "a.jsonl", *map(row, SPANISH, TAGGED))
        (folder / "b.jsonl").write_text("{\n", "utf-8")
        code, said = harness("import", "proteno", folder)
        assert (code, "error[S035]" in said) == (1, True)
        assert len(gold("proteno-es-train")) == 3

    @pytest.mark.parametrize(
        "broken",
        [{"unnorm": "a", "norm": "a"}, {"unnorm": ["a"], "norm": 1}, {"unnorm": ["a", 1], "norm": "a"}, {"unnorm": []}],
    )
    def test_a_row_that_is_no_sentence_refuses_the_file_with_its_line(self, tmp_path, broken):
        path = write_lines(tmp_path / "a.jsonl", row(SPANISH[0], TAGGED[0]), broken)
        with pytest.raises(InvalidInput) as caught:
            proteno(path)
        (problem,) = caught.value.problems
        assert (problem.code, problem.line) == ("G020", 2)

    def test_tagged_texts_and_lists_in_one_file_are_refused(self, tmp_path):
        path = write_lines(tmp_path / "a.jsonl", row(SPANISH[0], TAGGED[0]), row(TOKENS[0], READINGS[0]))
        assert refusal(path)[0] == "G020"

    def test_an_empty_file_is_refused(self, tmp_path):
        assert refusal(write_lines(tmp_path / "a.jsonl")) == ("G020", "it holds no sentence")

    def test_a_file_that_is_no_json_is_refused(self, english):
        (english / "LICENSE.txt").write_text("Attribution-ShareAlike\n", "utf-8")
        code, _ = refusal(english / "LICENSE.txt")
        assert code == "S035"

    def test_lists_of_unequal_length_are_refused(self, tmp_path):
        code, said = refusal(write_pickles(tmp_path / "English", TOKENS, READINGS[1:]))
        assert (code, "it holds 4 sentences, unnorm_list.pkl holds 5" in said) == ("G020", True)

    def test_tokens_that_are_texts_are_refused(self, tmp_path):
        code, said = refusal(write_pickles(tmp_path / "English", ["a", "b"], READINGS[:2]))
        assert (code, "expected lists of tokens" in said) == ("G020", True)
