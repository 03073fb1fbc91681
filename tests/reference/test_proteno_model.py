"""Proteno from training rows to answers, through its programs and over the wire."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tomllib

import pytest

TAMIL = [
    ("விலை ₹ 500 .", "விலை||ஐந்நூறு ரூபாய்|"),
    ("அவர் 1947 இல் பிறந்தார் .", "அவர்|ஆயிரத்து தொள்ளாயிரத்து நாற்பத்து ஏழு|இல்|பிறந்தார்|"),
    ("வீடு 3 km தொலைவு .", "வீடு|மூன்று|கிலோமீட்டர்|தொலைவு|"),
    ("BBC செய்தி , 50 % .", "பி பி சி|செய்தி||ஐம்பது|சதவீதம்|"),
    ("திரு . ராஜன் வந்தார் .", "திருவாளர்||ராஜன்|வந்தார்|"),
]
"""Written for this test."""
crfsuite = pytest.mark.usefixtures("crf")


@pytest.fixture(scope="module")
def crf():
    pytest.importorskip(
        "pycrfsuite", reason="no python-crfsuite: training Proteno's CRF needs it (dependency group `reference`)"
    )


@pytest.fixture(scope="module")
def rows(repository):
    """The starter's training rows by language."""
    folder = repository / "tasks" / "text_normalization" / "data"
    return {
        language: [json.loads(line) for line in (folder / f"{language}-train.jsonl").read_text("utf-8").splitlines()]
        for language in ("en", "es")
    }


def run(*command, asked=b"", folder=None):
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        input=asked, capture_output=True, timeout=120, check=False, cwd=folder, env=environment,
    )  # fmt: skip


def answers(folder, language, sentences, *words):
    """What the system says over the wire."""
    hello = {"harness": 1, "task": "text-normalization", "unit": "segment", "tags": {"language": language}}
    asked = [{"id": str(number), "source": tokens} for number, tokens in enumerate(sentences)]
    lines = "".join(json.dumps(message) + "\n" for message in (hello, *asked, {"end": True}))
    done = run("say.py", *words, asked=lines.encode(), folder=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    ready, *replies = map(json.loads, done.stdout.decode().split("\n")[:-1])
    assert ready["ready"]
    assert [reply["id"] for reply in replies] == [request["id"] for request in asked]
    return [reply["output"] for reply in replies]


def train(sentences, language="ta", **settings):
    from proteno import model

    tokens = [text.split() for text, _ in sentences]
    return model.train(language, tokens, [said.split("|") for _, said in sentences], **settings)


class TestBundledModels:
    @pytest.mark.parametrize("language", ["en", "es"])
    def test_they_say_the_training_part_as_it_is_said(self, proteno, rows, language):
        said = answers(proteno, language, [row["source"] for row in rows[language]])
        right = sum(output == row["reference"] for output, row in zip(said, rows[language], strict=True))
        assert right / len(said) > 0.95

    def test_sentences_that_were_never_seen(self, proteno):
        """Written for this test."""
        english = ["He", "paid", "$", "37", "on", "4", "June", "1987", "to", "the", "KLM", "."]
        (said,) = answers(proteno, "en", [english])
        assert said[2:4] == ["", "thirty seven dollars"]
        assert said[7] == "nineteen eighty seven"
        assert said[10:] == ["k l m", ""]

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_they_are_small_and_plain_text(self, proteno, language):
        files = sorted((proteno / "model" / language).iterdir())
        assert [file.name for file in files] == ["crf.jsonl", "generated.json", "model.json"]
        assert sum(len(file.read_text("utf-8").encode()) for file in files) < 300_000

    def test_a_language_that_was_not_trained_ends_the_system(self, proteno):
        hello = json.dumps({"harness": 1, "tags": {"language": "ta"}}).encode() + b"\n"
        assert run("say.py", asked=hello, folder=proteno).returncode == 1

    @crfsuite
    @pytest.mark.parametrize("language", ["en", "es"])
    def test_training_makes_them_again(self, proteno, repository, rows, language, tmp_path):
        gold = repository / "tasks" / "text_normalization" / "data" / f"{language}-train.jsonl"
        done = run(proteno / "train.py", language, gold, "--model", tmp_path / language)
        assert (done.returncode, done.stderr) == (0, b"")
        for name in ("generated.json", "model.json"):
            assert (tmp_path / language / name).read_bytes() == (proteno / "model" / language / name).read_bytes()
        sentences = [row["source"] for row in rows[language]]
        assert answers(proteno, language, sentences, tmp_path) == answers(proteno, language, sentences)


@crfsuite
class TestTraining:
    def test_tamil_takes_nothing_but_data(self):
        model = train(TAMIL, c1=0.0)
        assert model.counts == {"predefined": 8, "generated": 1, "kept": 1}
        assert model.read("விலை ₹750, வீடு 12km தொலைவு.") == ("விலை எழுநூற்று ஐம்பது ரூபாய் வீடு பன்னிரண்டு கிலோமீட்டர் தொலைவு")

    def test_a_saved_model_says_the_same(self, tmp_path):
        from proteno import model

        trained = train(TAMIL)
        trained.save(tmp_path / "ta")
        again = model.load(tmp_path / "ta")
        assert again.counts == trained.counts
        assert [again.read(text) for text, _ in TAMIL] == [trained.read(text) for text, _ in TAMIL]

    def test_a_token_that_no_known_class_accepts_stays_as_it_is(self):
        model = train([("a b", "a|b"), ("c", "c")], "en")
        assert model.say(["a", "77", "x9y", "!"]) == ["a", "77", "x9y", "!"]

    def test_a_price_is_learnt_in_one_currency_and_said_in_another_number(self):
        rows = [(f"pay $ {number} now", f"pay||{said} dollars|now") for number, said in ((5, "five"), (9, "nine"))]
        rows += [("walk 6 miles", "walk|six|miles"), ("pay £ 7 now", "pay||seven pounds|now")]
        model = train(rows, "en", c1=0.0)
        assert model.say(["pay", "$", "63", "now"]) == ["pay", "", "sixty three dollars", "now"]
        assert model.say(["pay", "£", "63", "now"]) == ["pay", "", "sixty three pounds", "now"]

    def test_an_empty_sentence_is_said(self):
        assert train(TAMIL).say([]) == []

    def test_an_unknown_tagger_is_refused(self):
        with pytest.raises(ValueError, match="no tagger 'hmm'; there are crf, bilstm"):
            train(TAMIL, tagger="hmm")


@pytest.fixture(scope="module")
def reproduce(proteno):
    return importlib.import_module("reproduce")


class TestReproduction:
    @pytest.fixture
    def imported(self, tmp_path, reproduce):
        """Ten training sentences, of which the last is the first, and a test part of which one sentence is known."""
        folder = tmp_path / "testsets" / "text-normalization"
        rows = [{"id": str(number), "source": [str(number % 9)], "reference": ["x"]} for number in range(10)]
        reproduce.write(folder / "proteno-es-train" / "gold.jsonl", rows)
        test = folder / "proteno-es-test" / "gold.jsonl"
        return tmp_path, lambda *tokens: reproduce.write(test, [{"source": [token]} for token in tokens])

    def test_the_test_part_is_scored_and_what_of_it_is_not_in_the_training_part(self, reproduce, imported):
        workspace, write = imported
        write("3", "77")
        parts = reproduce.split(workspace)
        assert (parts.language, len(parts.train)) == ("es", 10)
        assert parts.tests == {
            "proteno-es-test": [{"source": ["3"]}, {"source": ["77"]}],
            "proteno-es-unseen-test": [{"source": ["77"]}],
        }

    def test_without_a_test_part_the_last_fifth_is_held_out_and_not_trained_on(self, reproduce, imported):
        parts = reproduce.split(imported[0])
        assert [row["id"] for row in parts.train] == list("01234567")
        assert {name: [row["id"] for row in rows] for name, rows in parts.tests.items()} == {
            "proteno-es-held-out-test": ["8", "9"],
            "proteno-es-unseen-test": ["8"],
        }

    def test_the_copy_that_is_scored_has_no_model_yet(self, reproduce, imported):
        workspace, _ = imported
        copy = reproduce.lay_out(workspace, reproduce.split(workspace))
        assert (copy / "proteno" / "languages" / "es.toml").is_file()
        assert not (copy / "model").exists()
        manifest = workspace / "testsets" / "text-normalization" / "proteno-es-held-out-test" / "testset.toml"
        assert tomllib.loads(manifest.read_text("utf-8"))["tags"] == {"language": "es"}


@pytest.mark.parametrize("program", ["train.py", "reproduce.py"])
class TestPrograms:
    def test_help_has_an_example(self, proteno, program):
        done = run(proteno / program, "--help")
        assert done.returncode == 0
        assert f"example:\n  python {program}" in done.stdout.decode()

    def test_an_error_is_no_traceback(self, proteno, program, tmp_path):
        words = ["en"] if program == "train.py" else []
        done = run(proteno / program, *words, tmp_path / "missing.jsonl")
        assert done.returncode == 1
        assert done.stderr.decode().startswith("error: ")
        assert "Traceback" not in done.stderr.decode()
