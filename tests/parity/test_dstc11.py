"""Our numbers on the archive of DSTC11 track 2, task 1, equal those of the official scorer.

The archive is imported and scored through the command line. All 38 systems must equal the official
scores to 1e-9; each way to game the official scorer must work in compat and fail by default.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict

import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

TEST_SET = "dstc11-t1-banking"
SYSTEMS, UTTERANCES, INTENTS = 38, 1503, 29
COLUMNS = {
    "acc": "ACC",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "nmi": "NMI",
    "ari": "ARI",
    "example-coverage": "example_coverage",
    "k": "n_clusters",
}
EXACT = ("acc", "precision", "recall", "f1", "example-coverage", "k")


def harness(*words, code=0):
    command = [sys.executable, "-m", "harness", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=os.environ)
    assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def scores_in(workspace, code=0):
    """Values by system and metric; None where there is none."""
    facts = json.loads(harness("score", "--json", "--workspace", workspace, code=code))
    return {
        result["system"]: {score["metric"]: score["value"] for score in result["scores"]} for result in facts["results"]
    }


@pytest.fixture(scope="module")
def archive(parity_root):
    (folder,) = (parity_root / "data" / "amazon-science" / "dstc11-track2-intent-induction").glob("*/dstc11")
    return folder


@pytest.fixture(scope="module")
def workspace(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dstc11")
    harness("import", "dstc11-intents", archive, "--workspace", folder)
    return folder


@pytest.fixture(scope="module")
def scores(workspace):
    return scores_in(workspace)


@pytest.fixture(scope="module")
def oracle(parity_root):
    path = parity_root / "oracles" / "intent" / "dstc11_task1_all_teams.tsv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return {row["team"]: row for row in rows if row["domain"] == "test-banking"}


def test_every_system_of_the_archive_is_compared(scores, oracle):
    assert len(oracle) == SYSTEMS
    assert set(scores) == {*oracle, "@reference"}


def test_the_gold_is_that_of_the_baseline(workspace):
    gold = rows_of(workspace / "testsets" / "intent-discovery" / TEST_SET / "gold.jsonl")
    assert len(gold) == UTTERANCES
    assert len({row["reference"] for row in gold}) == INTENTS
    assert gold[0]["id"] == "banking_0000_001"
    assert gold[0]["dialogue"] == "banking_0000"


@pytest.mark.parametrize("path", ["", "dstc11-", "dstc11-dict-"])
@pytest.mark.parametrize("metric", COLUMNS)
def test_every_score_equals_the_official_one(scores, oracle, path, metric):
    scale = 100 if path == "" and metric != "k" else 1
    differences = [
        abs(scale * scores[system][path + metric] - float(row[COLUMNS[metric]])) for system, row in oracle.items()
    ]
    assert len(differences) == SYSTEMS
    assert max(differences) <= 1e-9


@pytest.mark.parametrize("metric", EXACT)
def test_what_is_made_of_counts_is_equal_to_the_last_bit(scores, oracle, metric):
    assert {system: scores[system][f"dstc11-{metric}"] for system in oracle} == {
        system: float(row[COLUMNS[metric]]) for system, row in oracle.items()
    }


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


# --- gaming ---


@pytest.fixture(scope="module")
def tricks(workspace):
    """Outputs of each trick, by the name of the oracle; a trick is played with the outputs of T23."""
    gold = {
        row["id"]: row["reference"]
        for row in rows_of(workspace / "testsets" / "intent-discovery" / TEST_SET / "gold.jsonl")
    }
    honest = rows_of(workspace / "submissions" / "intent-discovery" / "T23" / "outputs" / f"{TEST_SET}.jsonl")
    members = defaultdict(list)
    for row in honest:
        members[row["output"]].append(row)
    purity = {
        label: max(Counter(gold[row["id"]] for row in rows).values()) / len(rows) for label, rows in members.items()
    }
    purest = sorted(members, key=lambda label: -purity[label])[:10]
    kept = [row for row in honest if row["output"] in purest]
    return {
        "T23 as submitted": honest,
        "keep only 10 purest clusters (680 of 1503 turns)": kept,
        "purest 10 clusters repeated 21x": honest + kept * 20,
        "one line": honest[:1],
        "all in one cluster": [{"id": name, "output": "all"} for name in gold],
        "every turn its own cluster": [{"id": name, "output": name} for name in gold],
    }


@pytest.fixture(scope="module")
def expected(parity_root):
    return json.loads((parity_root / "oracles" / "intent" / "dstc11_task1_gaming_banking.json").read_text("utf-8"))


def play(workspace, folder, tricks, *, answers=None):
    """A workspace with the same gold, in which each trick is a submission."""
    place = folder / "testsets" / "intent-discovery" / TEST_SET
    place.mkdir(parents=True)
    for name in ("gold.jsonl", "testset.toml"):
        (place / name).write_bytes((workspace / "testsets" / "intent-discovery" / TEST_SET / name).read_bytes())
    if answers:
        with (place / "testset.toml").open("a", encoding="utf-8") as stream:
            stream.write(f'answers = "{answers}"\n')
    for number, rows in enumerate(tricks.values()):
        system = folder / "submissions" / "intent-discovery" / f"trick-{number}"
        (system / "outputs").mkdir(parents=True)
        (system / "submission.toml").write_text(
            f'task = "intent-discovery"\nteam = "us"\nsystem = "trick-{number}"\n', "utf-8"
        )
        (system / "outputs" / f"{TEST_SET}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


@pytest.fixture(scope="module")
def played(workspace, tricks, tmp_path_factory):
    """Scores of each trick where the test set accepts every answer, as the official scorer does.

    A repeated answer makes the metrics of one label per utterance unavailable, hence exit code 1.
    """
    folder = play(workspace, tmp_path_factory.mktemp("official"), tricks, answers="any")
    found = scores_in(folder, code=1)
    return {name: found[f"trick-{number}"] for number, name in enumerate(tricks)}


def test_each_trick_works_in_compat(played, expected):
    compared = 0
    for name, found in played.items():
        for metric, column in {**COLUMNS, "example-coverage": "Example Coverage", "k": "K"}.items():
            assert found[f"dstc11-{metric}"] == pytest.approx(expected[name][column], abs=0.005), (name, metric)
            compared += 1
    assert compared == 6 * 8
    honest = played["T23 as submitted"]["dstc11-acc"]
    for name in ("keep only 10 purest clusters (680 of 1503 turns)", "purest 10 clusters repeated 21x", "one line"):
        assert played[name]["dstc11-acc"] > honest + 10


def test_no_trick_beats_the_honest_system_by_default(played):
    honest = played["T23 as submitted"]
    for name, found in played.items():
        if found is honest:
            continue
        for metric in ("acc", "f1", "ari", "ami"):
            value = found[metric]
            assert value is None or value < honest[metric], (name, metric)
    assert played["purest 10 clusters repeated 21x"]["acc"] is None
    assert played["one line"]["acc"] == 1 / UTTERANCES
    assert played["keep only 10 purest clusters (680 of 1503 turns)"]["acc"] < 0.5


def test_repeated_answers_are_refused_by_default(workspace, tricks, tmp_path):
    name = "purest 10 clusters repeated 21x"
    folder = play(workspace, tmp_path, {name: tricks[name]})
    facts = json.loads(harness("score", "--json", "--workspace", folder, code=1))
    assert [result["system"] for result in facts["results"]] == ["@reference"]
    assert {fault["code"] for fault in facts["problems"]} == {"S032", "S060"}


def test_the_dictionary_path_gives_a_missing_utterance_the_label_minus_one(played, tricks):
    """680 answers and one cluster of 823: the official 87.35 becomes what the cluster -1 leaves of it."""
    found = played["keep only 10 purest clusters (680 of 1503 turns)"]
    assert found["dstc11-dict-k"] == found["dstc11-k"] + 1
    assert found["dstc11-dict-acc"] < 60
    assert played["purest 10 clusters repeated 21x"]["dstc11-dict-acc"] == pytest.approx(71.46, abs=0.005)


# --- a domain that is not at hand ---


def test_another_domain_is_read_by_what_its_folder_says(tmp_path):
    root = tmp_path / "dstc11" / "dstc11-submissions" / "1" / "test-gardens"
    turns = [("g_01_1", "1", "Water"), ("g_01_2", "2", "Prune"), ("g_02_1", "2", "Prune"), ("g_02_2", "2", "Water")]
    for system in ("Baseline", "T01"):
        (root / system).mkdir(parents=True)
        rows = [{"turn_id": turn, "predicted_label": label if system == "T01" else "0"} for turn, label, _ in turns]
        if system == "Baseline":
            rows = [
                {**row, "reference_label": intent, "utterance": f"say {intent}"}
                for row, (_, _, intent) in zip(rows, turns, strict=True)
            ]
        (root / system / "predictions.json").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    harness("import", "dstc11-intents", tmp_path / "dstc11", "--workspace", tmp_path / "w")
    found = scores_in(tmp_path / "w")
    assert found["T01"]["acc"] == 0.75
    assert found["Baseline"]["dstc11-acc"] == 50.0
    assert found["Baseline"]["recall"] == 1.0
