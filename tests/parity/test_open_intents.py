"""The archives of open intents, imported through the command line: sizes, the trap of BANKING, the protocol.

Published rows of systems are none of this: they were made by programs that are not here. The table of published
detection scores tests a formula: macro F1 is the mean of that of the known intents and that of the open class.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache

import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

RATIOS, SEEDS = (25, 50, 75), (0, 1, 2)
TEXTOIR = {"banking": (9003, 3080, 77), "snips": (13084, 700, 7), "oos": (15000, 5700, 150)}
KNOWN = {
    "banking": (19, 38, 58),
    "snips": (2, 4, 5),
    "oos": (38, 75, 112),
    "clinc150": (38, 75, 112),
    "clinc150-domains": (2, 5, 8),
}
"""round(n x ratio), half to even: 77 x .5 = 38.5 is 38, 150 x .25 = 37.5 is 38."""
GIVEN = {
    "banking": (212, 689),
    "snips": (375, 942),
    "oos": (380, 1120),
    "clinc150": (380, 1120),
    "clinc150-domains": (300, 1200),
}
"""The fewest and the most utterances that are given with an intent."""
LABELS = {"banking": 77, "oos": 150, "stackoverflow": 20}


def harness(*words):
    command = [sys.executable, "-m", "harness", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=os.environ)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def archives(parity_root):
    (textoir,) = (parity_root / "data" / "thuiar" / "TEXTOIR").glob("*/data")
    (clinc150,) = (parity_root / "data" / "clinc" / "oos-eval").glob("*/data")
    return {"textoir": textoir, "clinc150": clinc150}


@pytest.fixture(scope="module")
def workspace(archives, tmp_path_factory):
    folder = tmp_path_factory.mktemp("open-intents")
    for name, source in archives.items():
        harness("import", name, source, "--workspace", folder)
    return folder


@pytest.fixture(scope="module")
def gold(workspace):
    """The rows of a test set, read once."""

    @cache
    def rows(name):
        path = workspace / "testsets" / "intent-discovery" / name / "gold.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]

    return rows


def families():
    return [(name, ratio, seed) for name in KNOWN for ratio in RATIOS for seed in SEEDS]


def test_nothing_of_the_archives_is_refused_and_what_is_not_read_is_named(archives, tmp_path):
    textoir = json.loads(harness("import", "textoir", archives["textoir"], "--workspace", tmp_path, "--json"))
    assert (len(textoir["test_sets"]), textoir["problems"]) == (27, [])
    assert textoir["strays"] == ["banking/dev.tsv", "oos/dev.tsv", "snips/dev.tsv"]
    clinc150 = json.loads(harness("import", "clinc150", archives["clinc150"], "--workspace", tmp_path, "--json"))
    assert (len(clinc150["test_sets"]), clinc150["problems"]) == (18, [])
    assert sorted(clinc150["strays"]) == ["data_full.json: oos_val", "data_full.json: val"]


@pytest.mark.parametrize("name", TEXTOIR)
def test_test_parts_of_textoir_have_their_published_size(gold, name):
    _, size, intents = TEXTOIR[name]
    rows = [row for row in gold(f"{name}-kir25-seed0") if "given" not in row]
    assert len(rows) == size
    counts = Counter(row["reference"] for row in rows)
    assert len(counts.keys() - {"oos"}) == intents
    assert counts["oos"] == (1200 if name == "oos" else 0)


def test_the_test_part_of_clinc150_is_its_own(gold):
    rows = [row for row in gold("clinc150-kir25-seed0") if "given" not in row]
    counts = Counter(row["reference"] for row in rows)
    assert (len(rows), counts.pop("oos"), set(counts.values()), len(counts)) == (5500, 1000, {30}, 150)


def test_read_line_by_line_banking_has_13_records_too_many(archives):
    """9,003 by the rules of CSV, which the importer checks; 9,016 where quotation marks mean nothing."""
    path = archives["textoir"] / "banking" / "train.tsv"
    sizes = []
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        with path.open(encoding="utf-8", newline="") as stream:
            sizes.append(sum(1 for _ in csv.reader(stream, delimiter="\t", quoting=quoting)) - 1)
    assert sizes == [9003, 9016]


@pytest.mark.parametrize(("name", "ratio", "seed"), families())
def test_known_are_as_many_as_the_protocol_says_and_a_tenth_of_them_is_given(gold, workspace, name, ratio, seed):
    level = "domain" if name.endswith("domains") else "intent"
    test_set = f"{name}-kir{ratio}-seed{seed}"
    given = [row["given"] for row in gold(test_set) if "given" in row]
    assert len({told[level] for told in given} - {None}) == KNOWN[name][RATIOS.index(ratio)]
    outside = sum(told["intent"] is None for told in given)
    assert outside == (0 if name == "oos" else 100)
    table = tomllib.loads((workspace / "testsets/intent-discovery" / test_set / "testset.toml").read_text("utf-8"))
    assert (table["tags"]["known_ratio"], table["tags"]["seed"]) == (str(ratio / 100), str(seed))
    if name in {"oos", "clinc150", "clinc150-domains"}:  # a hundred training utterances of each intent
        assert set(Counter(told["intent"] for told in given if told["intent"]).values()) == {10}


@pytest.mark.parametrize("name", GIVEN)
def test_as_many_are_given_as_the_readme_says(gold, name):
    found = [
        sum(row.get("given", {}).get("intent") is not None for row in gold(f"{name}-kir{ratio}-seed{seed}"))
        for ratio in RATIOS
        for seed in SEEDS
    ]
    assert (min(found), max(found)) == GIVEN[name]


def test_a_tenth_of_the_training_utterances_of_banking_is_given(archives, gold):
    with (archives["textoir"] / "banking" / "train.tsv").open(encoding="utf-8", newline="") as stream:
        train = list(csv.DictReader(stream, delimiter="\t"))
    sizes = Counter(row["label"] for row in train)
    given = [row for row in gold("banking-kir75-seed2") if row.get("given", {}).get("intent")]
    counts = Counter(row["given"]["intent"] for row in given)
    assert counts == {intent: max(1, round(sizes[intent] / 10)) for intent in counts}
    for row in given:
        found = train[int(row["id"].removeprefix("train-")) - 1]
        assert (row["source"], row["reference"]) == (found["text"], found["label"])


def test_domains_are_those_of_the_archive(archives, gold):
    named = json.loads((archives["clinc150"] / "domains.json").read_text("utf-8"))
    domains = {intent: domain for domain, intents in named.items() for intent in intents}
    rows = [row for row in gold("clinc150-domains-kir50-seed1") if "given" not in row]
    assert all(row["reference"] == domains.get(row["intent"], "oos") for row in rows)
    assert Counter(row["reference"] for row in rows) == {**dict.fromkeys(named, 450), "oos": 1000}


def test_what_is_imported_can_be_asked_and_the_references_are_perfect(workspace, gold):
    """One test set of each kind, answered by its gold through files: all metrics but counts are 1."""
    for name, k, novel in (("banking-kir25-seed0", 77, 58), ("clinc150-domains-kir25-seed0", 10, 8)):
        asked = [json.loads(line) for line in _requests(workspace, name)]
        assert len(asked) == len(gold(name))
        assert [row["id"] for row in asked] == [row["id"] for row in gold(name)], "what is given comes first"
        outputs = workspace / "submissions" / "intent-discovery" / "gold" / "outputs" / f"{name}.jsonl"
        outputs.parent.mkdir(parents=True, exist_ok=True)
        outputs.write_text(
            "".join(
                json.dumps({"id": row["id"], "output": row["reference"]}) + "\n"
                for row in gold(name)
                if "given" not in row
            ),
            "utf-8",
        )
        manifest = 'task = "intent-discovery"\nteam = "parity"\nsystem = "gold"\n'
        (outputs.parents[1] / "submission.toml").write_text(manifest, "utf-8")
        facts = json.loads(harness("score", "--json", "--workspace", workspace, f"intent-discovery/gold/{name}"))
        (found,) = [one for one in facts["results"] if (one["system"], one["test_set"]) == ("gold", name)]
        assert found["segments"] == sum("given" not in row for row in gold(name))
        assert "N019" not in found["notices"]
        values = {score["metric"]: score["value"] for score in found["scores"]}
        assert (values.pop("k"), values.pop("novel-k")) == (k, novel)
        assert values == pytest.approx(dict.fromkeys(values, 1.0))


def _requests(workspace, name):
    said = harness("tasks", "intent-discovery", "--requests", name, "--workspace", workspace)
    return [line for line in said.split("\n") if line]


def test_macro_f1_of_published_rows_is_the_mean_of_known_and_open(parity_root):
    """F1 = (K F1-known + F1-open) / (K + 1) with our K, up to the rounding of three means over ten seeds."""
    path = parity_root / "oracles" / "intent" / "textoir_detection_published.tsv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    differences = []
    for row in rows:
        known = round(LABELS[row["dataset"]] * float(row["known_intent_ratio"]))
        mean = (known * float(row["F1_known"]) + float(row["F1_open"])) / (known + 1)
        differences.append(abs(mean - float(row["F1"])))
    assert len(differences) == 540
    assert sum(difference <= 0.05 for difference in differences) == 538
    assert max(differences) < 0.075
