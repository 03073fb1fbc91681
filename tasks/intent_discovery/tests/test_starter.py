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


def outputs(system):
    return {row["id"]: row["output"] for row in rows(SUBMISSIONS / system / "outputs" / "starter-support.jsonl")}


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
        task = registry.find()["intent-discovery"]
        (table,) = task.manifest.test_sets
        found = testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))
        assert len({segment.block for segment in found.segments}) == 94
        assert found.segments[0].tags == {"domain": "library"}


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
