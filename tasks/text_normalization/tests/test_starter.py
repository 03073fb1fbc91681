"""The bundled test sets and submissions are what README.md says they are.

`HARNESS_UPDATE=1 pytest tasks/text_normalization` writes golden/starter.json anew; read its diff before you commit it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import tomllib
import unicodedata
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from harness import registry, testsets
from harness.score import corpus_totals, reference_outputs

from ..scorer import EXTRACTION, METRICS

FOLDER = Path(__file__).resolve().parents[1]
SUBMISSIONS = FOLDER.parents[1] / "submissions" / "text-normalization"
GOLDEN = FOLDER / "golden" / "starter.json"
LANGUAGES, PARTS = ("en", "es"), ("train", "test")
KINDS = {"cardinal", "ordinal", "date", "time", "money", "measure", "roman", "acronym", "plain"}
SYSTEMS = {"identity": "floor", "majority": "baseline", "rules": "baseline", "silence": "gaming"}
every_language = pytest.mark.parametrize("language", LANGUAGES)
every_part = pytest.mark.parametrize(("language", "part"), [(name, part) for name in LANGUAGES for part in PARTS])


def rows(path: Path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def gold(language, part):
    return rows(FOLDER / "data" / f"{language}-{part}.jsonl")


def pairs(language, part):
    """Each token with its reading."""
    return [pair for row in gold(language, part) for pair in zip(row["source"], row["reference"], strict=True)]


def outputs_file(system, language):
    return SUBMISSIONS / system / "outputs" / f"starter-{language}-test.jsonl"


def is_marks(token):
    return all(unicodedata.category(char)[0] in "PS" for char in token)


def is_spoken_change(raw, reading):
    return reading != "" and raw.casefold() != reading.casefold()


def load(language, part):
    task = registry.find()["text-normalization"]
    (table,) = [table for table in task.manifest.test_sets if table.id == f"starter-{language}-{part}"]
    return testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))


@every_part
class TestGold:
    def test_ids_go_on_from_the_training_part_to_the_test_part(self, language, part):
        numbers = {"train": range(1, 91), "test": range(91, 191)}[part]
        assert [row["id"] for row in gold(language, part)] == list(map(str, numbers))

    def test_every_kind_has_its_sentences(self, language, part):
        counts = Counter(row["kind"] for row in gold(language, part))
        assert set(counts) == KINDS
        assert min(counts.values()) >= 10

    def test_tokens_and_readings_have_no_stray_white_space(self, language, part):
        for raw, reading in pairs(language, part):
            assert raw
            assert raw.split() == [raw]
            assert reading == " ".join(reading.split())

    def test_nothing_that_is_said_holds_a_digit_or_a_symbol(self, language, part):
        for raw, reading in pairs(language, part):
            assert not any(char.isdigit() for char in reading), (raw, reading)
            assert not reading or not is_marks(reading), (raw, reading)

    def test_what_is_said_in_the_place_of_a_token_is_written_small(self, language, part):
        assert [(raw, reading) for raw, reading in pairs(language, part) if raw != reading != reading.lower()] == []

    def test_only_punctuation_symbols_and_what_stands_beside_them_fall_silent(self, language, part):
        assert {raw for raw, reading in pairs(language, part) if not reading and not is_marks(raw)} <= {"00"}

    def test_text_is_composed(self, language, part):
        for row in gold(language, part):
            for text in (*row["source"], *row["reference"]):
                assert unicodedata.is_normalized("NFC", text)


@every_language
class TestLanguages:
    def test_no_sentence_stands_twice_or_in_both_parts(self, language):
        sentences = [tuple(row["source"]) for part in PARTS for row in gold(language, part)]
        assert len(sentences) == len(set(sentences)) == 190

    def test_some_tokens_have_several_readings(self, language):
        readings = defaultdict(set)
        for part in PARTS:
            for raw, reading in pairs(language, part):
                readings[raw].add(reading)
        assert sum(len(found) > 1 for found in readings.values()) >= 40

    def test_the_training_parts_are_collections_of_their_own(self, language):
        assert load(language, "train").collection == f"starter-{language}-train"
        assert load(language, "test").collection == "starter"

    def test_the_gold_is_pinned(self, language):
        table = tomllib.loads((FOLDER / "task.toml").read_text("utf-8"))
        assert all("gold_sha256" in found for found in table["test_sets"])
        assert load(language, "test").tags == {"language": language, "split": "test"}


@pytest.mark.parametrize(
    ("language", "raw", "readings"),
    [
        ("en", "1998", {"nineteen ninety eight", "one thousand nine hundred ninety eight"}),
        ("en", "I", {"I", "one", "the first"}),
        ("en", "IV", {"i v", "four", "the fourth"}),
        ("en", "m", {"m", "meter", "meters", "minutes", "million dollars"}),
        ("en", "2", {"two", "second", "half", "two dollar", "two euros"}),
        ("es", "1", {"un", "una", "uno"}),
        ("es", "II", {"segunda", "segundo", "dos"}),
        ("es", ".", {"", "punto", "y"}),
    ],
)
def test_the_traps_that_the_readme_names_are_set(language, raw, readings):
    found = {reading for part in PARTS for token, reading in pairs(language, part) if token == raw}
    assert found == readings


def majority(language):
    """The most frequent reading of each token in the training part, the first seen of equals."""
    counts = defaultdict(Counter)
    for raw, reading in pairs(language, "train"):
        counts[raw][reading] += 1
    table = {raw: max(found, key=found.__getitem__) for raw, found in counts.items()}
    return lambda tokens: [table.get(token, token) for token in tokens]


def rules(language):
    path = SUBMISSIONS / "rules" / f"{language}.py"
    spec = importlib.util.spec_from_file_location(f"rules_{language}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.normalise


def written(say, language):
    """An outputs file, byte for byte."""
    answers = ({"id": row["id"], "output": say(row["source"])} for row in gold(language, "test"))
    return "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers).encode()


class TestSubmissions:
    def test_these_four_are_bundled_and_each_says_what_it_is(self):
        kinds = {
            toml.parent.name: tomllib.loads(toml.read_text("utf-8"))["kind"]
            for toml in SUBMISSIONS.glob("*/submission.toml")
            if (toml.parent / "outputs").is_dir()  # the others run: tests/unit/test_bundled_systems.py
        }
        assert kinds == SYSTEMS

    @every_language
    def test_identity_says_what_is_written(self, language):
        assert outputs_file("identity", language).read_bytes() == written(list, language)

    @every_language
    def test_majority_is_the_table_of_the_training_part(self, language):
        assert outputs_file("majority", language).read_bytes() == written(majority(language), language)

    @every_language
    def test_rules_are_what_the_code_beside_them_says(self, language):
        assert outputs_file("rules", language).read_bytes() == written(rules(language), language)

    @every_language
    def test_silence_drops_marks_and_touches_nothing_else(self, language):
        def say(tokens):
            return ["" if is_marks(token) else token for token in tokens]

        assert outputs_file("silence", language).read_bytes() == written(say, language)


@cache
def counted():
    """Numerator and denominator of each bundled submission and of the reference, by test set and metric."""
    return dict(_counted())


def _counted():
    for language in LANGUAGES:
        test_set = load(language, "test")
        systems = {"@reference": reference_outputs(test_set)}
        for system in SYSTEMS:
            answers = rows(outputs_file(system, language))
            systems[system] = {row["id"]: tuple(row["output"]) for row in answers}
        for extract in EXTRACTION.values():
            totals = {name: corpus_totals(extract(test_set, outputs)) for name, outputs in systems.items()}
            for metric in METRICS.values():
                if metric.statistics is extract:
                    shares = {name: [int(found[column]) for column in metric.ratio] for name, found in totals.items()}
                    yield f"{test_set.id} {metric.name}", shares


def test_counts_of_every_bundled_row_are_the_golden_ones():
    found = counted()
    if os.environ.get("HARNESS_UPDATE") == "1":
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
        GOLDEN.write_text(f"{{\n{lines}\n}}\n", "utf-8")
    assert found == json.loads(GOLDEN.read_text("utf-8"))


@every_language
def test_silence_raises_the_strict_accuracy_on_change_and_nothing_that_ranks(language):
    def rate(metric, system):
        above, below = counted()[f"starter-{language}-test {metric}"][system]
        return above / below

    assert rate("change-accuracy-strict", "silence") > 0.35 > rate("change-accuracy-strict", "identity") == 0
    for metric in ("change-accuracy", "token-accuracy", "nwer"):
        assert rate(metric, "silence") == rate(metric, "identity")


class TestReadme:
    TEXT = (FOLDER / "README.md").read_text("utf-8")

    def cells(self, start, table=""):
        """The cells of the one table row that starts so, without marks of emphasis."""
        text = self.TEXT[self.TEXT.index(table) :]
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {start}")]
        return [cell.strip(" *") for cell in row.strip("|").split("|")]

    @every_part
    def test_it_counts_sentences_and_tokens(self, language, part):
        known = {raw for raw, _ in pairs(language, "train")}
        found = pairs(language, part)
        spoken = [raw for raw, reading in found if is_spoken_change(raw, reading)]
        unseen = str(sum(raw not in known for raw in spoken)) if part == "test" else ""
        silent = sum(not reading for _, reading in found)
        expected = [str(count) for count in (len(gold(language, part)), len(found), silent, len(spoken))]
        assert self.cells(f"starter-{language}-{part} | {expected[0]} ")[1:] == [*expected, unseen]

    @pytest.mark.parametrize("system", SYSTEMS)
    def test_it_quotes_what_the_attack_does(self, system):
        header = self.cells("starter-en-test | change-accuracy-strict")[1:]
        found = dict(zip(header, self.cells(f"`{system}`", "| starter-en-test | change")[1:], strict=True))
        for metric, shown in found.items():
            above, below = counted()[f"starter-en-test {metric}"][system]
            assert shown == f"{above / below:.3f}".removeprefix("0"), metric
        assert len(found) == 5
