"""Our numbers on the Proteno corpora equal those of an independent re-implementation.

The English corpus and the training part of the Spanish one are imported through the command line, the
two reference systems (`identity`, and the majority table of the training part) are built from what was
imported, and `harness score` scores them. Numbers stand here as they were published: three digits.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict

import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

TASK = "text-normalization"
TEST = "proteno-en-test"
NO_PAUSE, FOLDED = "en-test-without-sil", "en-test-without-sil-folded"
ORACLE_ES = "oracles/tn/prototype_es.json"
SPLIT_ES = 2874
KINDS = ("identical", "silence", "changed, other", "case only")


def harness(*words) -> str:
    command = [sys.executable, "-m", "harness", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=os.environ)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


@pytest.fixture(scope="module")
def english(parity_root):
    (folder,) = (parity_root / "data" / "amazon-science" / "proteno").glob("*/data/English")
    return folder


@pytest.fixture(scope="module")
def spanish(parity_root):
    return parity_root / "data" / "amazon-science" / "proteno" / "proteno-spanish-train.jsonl"


@pytest.fixture(scope="module")
def imported(english, tmp_path_factory):
    """The English corpus, imported and nothing else."""
    folder = tmp_path_factory.mktemp("proteno")
    harness("import", "proteno", english, "--workspace", folder)
    return folder


@pytest.fixture(scope="module")
def gold(imported):
    """The rows of both English parts."""
    folder = imported / "testsets" / TASK
    return {part: rows_of(folder / f"proteno-en-{part}" / "gold.jsonl") for part in ("train", "test")}


def majority_of(rows):
    """Per raw token its most frequent reading, the first seen of equals; others stay as they are."""
    counts = defaultdict(Counter)
    for row in rows:
        for raw, reading in zip(row["source"], row["reference"], strict=True):
            counts[raw][reading] += 1
    table = {raw: found.most_common(1)[0][0] for raw, found in counts.items()}
    return lambda tokens: [table.get(token, token) for token in tokens]


def silence(tokens):
    """Punctuation and symbols fall silent, nothing else is touched."""
    return ["" if all(unicodedata.category(char)[0] in "PS" for char in token) else token for token in tokens]


def without_sil(reading):
    return " ".join(word for word in reading.split() if word != "sil") if "sil" in reading.split() else reading


@pytest.fixture(scope="module")
def scores(imported, gold):
    """Rows of the exported table by (test set, system, metric), in the strict and the canonical reading.

    Beside the test part stand two variants that are scored strictly, to name what a partial canonical
    form gives: the word `sil` dropped from the references, and everything case-folded as well.
    """
    submissions, test = imported / "submissions" / TASK, gold["test"]
    variants = {
        NO_PAUSE: [{**row, "reference": list(map(without_sil, row["reference"]))} for row in test],
        FOLDED: [
            {
                **row,
                "source": [token.casefold() for token in row["source"]],
                "reference": [without_sil(token).casefold() for token in row["reference"]],
            }
            for row in test
        ],
    }
    for name, rows in variants.items():
        folder = imported / "testsets" / TASK / name
        write_rows(folder / "gold.jsonl", rows)
        (folder / "testset.toml").write_text(f'id = "{name}"\ncompat = ["proteno"]\n', "utf-8")
    systems = {"identity": list, "majority": majority_of(gold["train"]), "silence": silence}
    for system, say in systems.items():
        manifest = f'task = "{TASK}"\nteam = "reference"\nsystem = "{system}"\n'
        for name, rows in {TEST: test, **(variants if system == "identity" else {})}.items():
            answers = ({"id": row["id"], "output": say(row["source"])} for row in rows)
            write_rows(submissions / system / "outputs" / f"{name}.jsonl", answers)
        (submissions / system / "submission.toml").write_text(manifest, "utf-8")
    harness("score", TASK, "--workspace", imported)
    table = harness("export", "results", "--as", "tsv", "--workspace", imported)
    found = csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {(row["test_set"], row["system"], row["metric"]): row for row in found if row["task"] == TASK}


def percent(row):
    return round(100 * float(row["value"]), 3)


def kind(raw, reading):
    """How a reading differs from the token."""
    if raw == reading:
        return "identical"
    if not reading:
        return "silence"
    return "case only" if raw.lower() == reading.lower() else "changed, other"


class TestEnglishCorpus:
    def test_the_split_is_that_of_the_paper(self, gold):
        assert [row["id"] for row in gold["train"]] == [str(number) for number in range(1, 14_857)]
        assert [row["id"] for row in gold["test"]] == [str(number) for number in range(14_857, 24_761)]

    @pytest.mark.parametrize(
        ("part", "tokens", "kinds", "sentences"),
        [
            ("train", 187_993, (131_811, 38_680, 14_814, 2_688), 7_540),
            ("test", 123_020, (85_896, 25_229, 10_122, 1_773), 5_175),
        ],
    )
    def test_label_statistics(self, gold, part, tokens, kinds, sentences):
        found = [[kind(*pair) for pair in zip(row["source"], row["reference"], strict=True)] for row in gold[part]]
        assert sum(map(len, found)) == tokens
        assert Counter(label for sentence in found for label in sentence) == dict(zip(KINDS, kinds, strict=True))
        assert sum(bool({"changed, other", "case only"} & set(sentence)) for sentence in found) == sentences

    def test_distinct_changes(self, gold):
        def changes(rows):
            pairs = (pair for row in rows for pair in zip(row["source"], row["reference"], strict=True))
            return {(raw, reading) for raw, reading in pairs if raw != reading}

        everywhere = changes(gold["train"] + gold["test"])
        assert len(everywhere) == 3_684
        assert sum(bool(reading) for _, reading in everywhere) == 3_377
        assert len(changes(gold["train"])) == 2_654

    def test_tokens_with_more_than_one_reading(self, gold):
        readings = defaultdict(Counter)
        for row in gold["train"] + gold["test"]:
            for raw, reading in zip(row["source"], row["reference"], strict=True):
                readings[raw][reading] += 1
        several = [found for found in readings.values() if len(found) > 1]
        assert (len(several), sum(map(Counter.total, several))) == (252, 50_721)
        assert sum(found.total() - max(found.values()) for found in several) == 7_478
        assert readings["."][""] == 26_868
        assert readings["2012"]["two o one two"] == 2

    def test_sentences_that_stand_twice(self, gold):
        train, test = ([tuple(row["source"]) for row in gold[part]] for part in ("train", "test"))
        assert len(train + test) - len(set(train + test)) == 1_092
        known = set(train)
        assert sum(sentence in known for sentence in test) == 469

    def test_the_pause_is_left_in_twelve_references(self, gold):
        references = [reading.split() for row in gold["train"] + gold["test"] for reading in row["reference"]]
        assert sum("sil" in words and len(words) > 1 for words in references) == 12

    def test_strings_of_numpy_became_readings(self, gold):
        """They are words of British spelling, lower-cased and otherwise as they are written."""
        pairs = Counter(
            pair
            for row in gold["train"] + gold["test"]
            for pair in zip(row["source"], row["reference"], strict=True)
            if pair[0] in {"Centre", "Theatre"}
        )
        assert pairs["Centre", "centre"] == 29
        assert pairs["Theatre", "theatre"] == 15


class TestIdentity:
    """The row that does nothing, in each reading that the published table names."""

    @pytest.mark.parametrize(
        ("test_set", "metric", "expected"),
        [
            (TEST, "token-accuracy-strict", 69.823),
            (TEST, "sentence-accuracy-strict", 0.121),
            (TEST, "wer-strict", 39.525),
            (TEST, "change-accuracy-strict", 0),
            (TEST, "under-normalization-strict", 100),
            (TEST, "over-normalization-strict", 0),
            (NO_PAUSE, "wer-strict", 39.520),
            (FOLDED, "wer-strict", 37.188),
            (FOLDED, "token-accuracy-strict", 71.264),
            (TEST, "token-accuracy", 91.371),
            (TEST, "sentence-accuracy", 49.132),
            (TEST, "wer", 20.010),
            (TEST, "nwer", 100),
        ],
    )
    def test_values(self, scores, test_set, metric, expected):
        assert percent(scores[test_set, "identity", metric]) == expected

    @pytest.mark.parametrize(
        ("test_set", "metric", "expected"),
        [
            (TEST, "change-accuracy-strict", 37_124),
            (TEST, "spoken-change-accuracy-strict", 11_895),
            (FOLDED, "change-accuracy-strict", 35_351),
            (FOLDED, "spoken-change-accuracy-strict", 10_122),
            (TEST, "change-accuracy", 10_122),
            (TEST, "token-accuracy", 123_020),
            (TEST, "sentence-accuracy", 9_904),
            (TEST, "over-normalization", 112_404),
            (TEST, "over-normalization-strict", 85_896),
        ],
    )
    def test_denominators(self, scores, test_set, metric, expected):
        assert int(scores[test_set, "identity", metric]["n"]) == expected


class TestMajority:
    @pytest.mark.parametrize(
        ("metric", "expected"),
        [
            ("token-accuracy-strict", 96.537),
            ("sentence-accuracy-strict", 70.689),
            ("change-accuracy-strict", 89.454),
            ("wer-strict", 6.773),
            ("under-normalization-strict", 3.311),
            ("over-normalization-strict", 0.402),
        ],
    )
    def test_the_published_row(self, scores, metric, expected):
        assert percent(scores[TEST, "majority", metric]) == expected

    def test_the_same_row_by_which_systems_are_ranked(self, scores):
        found = {name: percent(scores[TEST, "majority", name]) for name in ("change-accuracy", "token-accuracy", "wer")}
        assert found == {"change-accuracy": 66.558, "token-accuracy": 96.917, "wer": 6.334}


class TestSilence:
    def test_the_attack_takes_two_thirds_of_the_strict_changes_and_none_of_ours(self, scores):
        assert percent(scores[TEST, "silence", "change-accuracy-strict"]) == 66.628
        assert percent(scores[TEST, "silence", "change-accuracy"]) == 0
        assert percent(scores[TEST, "silence", "nwer"]) == 100


@pytest.mark.parametrize(
    ("start", "system"),
    [("changing nothing", "identity"), ("`silence`, see", "silence"), ("majority table", "majority")],
)
def test_the_readme_of_the_task_quotes_these_numbers(scores, repository, start, system):
    text = (repository / "tasks" / "text_normalization" / "README.md").read_text("utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    metrics = ["change-accuracy", "token-accuracy", "wer"]
    metrics += [f"{name}-strict" for name in ("change-accuracy", "token-accuracy", "sentence-accuracy", "wer")]
    values = [f"{float(scores[TEST, system, metric]['value']):.3f}".removeprefix("0") for metric in metrics]
    assert [cell.strip() for cell in line.strip("|").split("|")][1:] == values


@pytest.fixture(scope="module")
def facts(spanish, tmp_path_factory):
    """What the import of the Spanish sentences said, and the gold that it wrote."""
    folder = tmp_path_factory.mktemp("spanish")
    said = json.loads(harness("import", "proteno", spanish, "--workspace", folder, "--json"))
    return said, rows_of(folder / "testsets" / TASK / "proteno-es-train" / "gold.jsonl")


class TestSpanish:
    """Only the training part is at hand: 2,874 of 4,791 sentences."""

    def test_what_is_imported_is_the_training_part(self, facts, spanish):
        said, _ = facts
        rows = rows_of(spanish)
        assert (len(rows), sum(len(row["unnorm"]) for row in rows)) == (SPLIT_ES, 81_945)
        assert said["test_sets"] == ["proteno-es-train"]

    def test_as_many_sentences_are_usable_as_published_and_each_of_the_others_is_named(self, facts):
        said, gold = facts
        assert len(gold) == 2_831
        assert len(said["strays"]) == SPLIT_ES - 2_831 == 43
        assert all(stray.startswith("sentence ") and ": " in stray for stray in said["strays"])
        named = {stray.removeprefix("sentence ").partition(":")[0] for stray in said["strays"]}
        assert named | {row["id"] for row in gold} == {str(number) for number in range(1, SPLIT_ES + 1)}

    def test_as_many_tokens_are_unchanged_and_silent_as_the_published_classes_say(self, facts, parity_root):
        _, gold = facts
        classes = json.loads((parity_root / ORACLE_ES).read_text("utf-8"))["class_counts"]
        pairs = [pair for row in gold for pair in zip(row["source"], row["reference"], strict=True)]
        assert len(pairs) == sum(classes.values()) == 80_677
        assert sum(raw == reading for raw, reading in pairs) == classes["self"] == 71_248
        assert sum(not reading for _, reading in pairs) == classes["sil"] == 237

    def test_sentences_with_a_token_that_straddles_a_tag(self, facts, spanish):
        """36 here, of the 53 in the whole corpus."""
        scan = importlib.import_module("harness.tasks.text_normalization.spanish").scan
        usable = {int(row["id"]) for row in facts[1]}
        straddling = 0
        for number, row in enumerate(rows_of(spanish), start=1):
            if number in usable:
                ends = [0]
                for token in row["unnorm"]:
                    ends.append(ends[-1] + len("".join(token.split()).lower()))
                straddling += any({span.start, span.end} - set(ends) for span in scan(row["norm"])[1])
        assert straddling == 36

    def test_a_percent_sign_is_told_from_its_number(self, facts):
        _, gold = facts
        readings = Counter(
            reading for row in gold for raw, reading in zip(row["source"], row["reference"], strict=True) if raw == "%"
        )
        assert readings.most_common(1)[0][0] == "por ciento"
        assert readings[""] == 0


def test_scoring_again_writes_nothing(scores, imported):
    assert "0 scored" in harness("score", TASK, "--workspace", imported)
