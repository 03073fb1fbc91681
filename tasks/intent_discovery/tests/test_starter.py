"""The bundled test set and submissions are what README.md says they are."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest

from harness import registry, testsets

FOLDER = Path(__file__).resolve().parents[1]
SUBMISSIONS = FOLDER.parents[1] / "submissions" / "intent-discovery"
DOMAINS = {"library": 49, "swimming-pool": 50, "bike-repair": 52, "ferry": 45, "energy-coop": 44}


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


GOLD = rows(FOLDER / "data" / "support.jsonl")
KNOWN = rows(FOLDER / "data" / "support-known.jsonl")
SCORED = [row for row in KNOWN if "given" not in row]


def outputs(system, test_set="starter-support"):
    return {row["id"]: row["output"] for row in rows(SUBMISSIONS / system / "outputs" / f"{test_set}.jsonl")}


def load(name):
    task = registry.find()["intent-discovery"]
    (table,) = [table for table in task.manifest.test_sets if table.id == name]
    return testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))


class TestGold:
    def test_there_are_240_utterances_of_20_intents_in_5_domains(self):
        assert len(GOLD) == len({row["source"].casefold() for row in GOLD}) == 240
        assert Counter(row["domain"] for row in GOLD) == DOMAINS
        sizes = Counter(row["reference"] for row in GOLD)
        assert (len(sizes), min(sizes.values()), max(sizes.values())) == (20, 6, 20)

    def test_an_intent_belongs_to_one_domain_and_each_domain_has_four(self):
        pairs = {(row["domain"], row["reference"]) for row in GOLD}
        assert Counter(domain for domain, _ in pairs) == dict.fromkeys(DOMAINS, 4)

    def test_there_are_94_dialogues_of_one_domain_each_in_order(self):
        dialogues = {name: list(turns) for name, turns in groupby(GOLD, key=lambda row: row["dialogue"])}
        assert len(dialogues) == 94
        for name, turns in dialogues.items():
            assert [row["id"] for row in turns] == [f"{name}-{n}" for n in range(1, len(turns) + 1)]
            assert len({row["domain"] for row in turns}) == 1
        assert sum(len({row["reference"] for row in turns}) > 1 for turns in dialogues.values()) == 63

    def test_dialogues_are_the_blocks(self):
        found = load("starter-support")
        assert len({segment.block for segment in found.segments}) == 94
        assert found.segments[0].tags == {"domain": "library"}


class TestGoldWithKnownIntents:
    def test_it_holds_the_240_utterances_and_160_further_ones(self):
        plain = [{key: value for key, value in row.items() if key != "given"} for row in KNOWN]
        further = [row for row in plain if row not in GOLD]
        assert (len(plain), len(further)) == (400, 160)
        assert len({row["source"].casefold() for row in KNOWN}) == len({row["id"] for row in KNOWN}) == 400
        assert Counter(row["reference"] == "oos" for row in further) == {True: 40, False: 120}

    def test_two_intents_of_each_domain_are_known(self):
        domains = {row["reference"]: row["domain"] for row in GOLD}
        known = {row["given"]["intent"] for row in KNOWN if "given" in row} - {None}
        assert Counter(domains[intent] for intent in known) == dict.fromkeys(DOMAINS, 2)

    def test_given_are_twelve_new_utterances_of_each_known_intent_and_those_of_every_fourth_dialogue(self):
        given = [row for row in KNOWN if row.get("given", {}).get("intent")]
        known = {row["given"]["intent"] for row in given}
        assert Counter(row["reference"] for row in given if row["id"].startswith("k")) == dict.fromkeys(known, 12)
        fourth = {row["id"] for row in GOLD if int(row["dialogue"]) % 4 == 0 and row["reference"] in known}
        assert {row["id"] for row in given if not row["id"].startswith("k")} == fourth
        assert len(fourth) == 35

    def test_of_forty_utterances_without_an_intent_twelve_are_scored(self):
        outside = [row for row in KNOWN if row["reference"] == "oos"]
        assert Counter(row.get("given", "scored") == "scored" for row in outside) == {False: 28, True: 12}
        assert all(row["given"] == {"intent": None} for row in outside if "given" in row)

    def test_217_are_scored_of_all_twenty_intents(self):
        assert len(SCORED) == 217
        assert {row["reference"] for row in SCORED} == {row["reference"] for row in GOLD} | {"oos"}

    def test_the_engine_takes_examples_for_context(self):
        found = load("starter-support-known")
        assert (len(found.segments), len(found.context)) == (217, 183)
        assert found.tags["intents"] == str(len({row["reference"] for row in GOLD}))


class TestSubmissions:
    def test_these_five_are_bundled_and_each_says_what_it_is(self):
        kinds = {
            toml.parent.name: tomllib.loads(toml.read_text("utf-8"))["kind"]
            for toml in SUBMISSIONS.glob("*/submission.toml")
            if (toml.parent / "outputs").is_dir()  # the others run: tests/unit/test_bundled_systems.py
        }
        assert kinds == {
            "tfidf-kmeans": "baseline",
            "one-cluster": "floor",
            "singletons": "floor",
            "shuffled": "floor",
            "confident-only": "gaming",
        }

    def test_floors_are_what_they_are_called(self):
        assert set(outputs("one-cluster").values()) == {"everything"}
        assert len(set(outputs("singletons").values())) == len(outputs("singletons")) == 240
        intents = [row["reference"] for row in GOLD]
        assert list(outputs("shuffled").values()) == intents[97:] + intents[:97]

    def test_floors_answer_what_is_scored_of_the_test_set_with_known_intents(self):
        found = {name: outputs(name, "starter-support-known") for name in ("one-cluster", "singletons", "shuffled")}
        assert all(list(labels) == [row["id"] for row in SCORED] for labels in found.values())
        assert set(found["one-cluster"].values()) == {"everything"}
        assert len(set(found["singletons"].values())) == 217
        intents = [row["reference"] for row in SCORED]
        assert list(found["shuffled"].values()) == intents[97:] + intents[:97]

    def test_the_gaming_row_gives_36_answers_of_the_honest_system(self):
        honest, confident = outputs("tfidf-kmeans"), outputs("confident-only")
        assert (len(honest), len(confident)) == (240, 36)
        assert confident.items() <= honest.items()

    @pytest.mark.parametrize(
        ("system", "options"), [("tfidf-kmeans", []), ("confident-only", ["--confident", "36"])], ids=["all", "36"]
    )
    def test_the_script_beside_them_makes_these_partitions(self, system, options):
        """As partitions: which centre comes first may depend on the machine's floats."""
        asked = "".join(json.dumps({key: row[key] for key in ("id", "source", "dialogue")}) + "\n" for row in GOLD)
        command = [sys.executable, str(SUBMISSIONS / "tfidf-kmeans" / "cluster.py"), *options]
        done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=120, check=True)
        made = {row["id"]: row["output"] for row in map(json.loads, done.stdout.split("\n")[:-1])}
        assert partition(made) == partition(outputs(system))


def partition(labels):
    found = {}
    for name, label in labels.items():
        found.setdefault(label, set()).add(name)
    return {frozenset(names) for names in found.values()}
