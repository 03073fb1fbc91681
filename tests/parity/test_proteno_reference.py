"""The bundled Proteno on the real corpora, on parts of them so that it takes seconds.

The full figures come from `python reproduce.py SOURCE` beside the system; here training is shorter and the bounds
are those that the full figures must keep.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

CLASSES = {("en", True): (8, 1_387), ("en", False): (18, 225), ("es", True): (10, 245), ("es", False): (19, 133)}
"""Predefined and generated classes of the training parts, as the README of the system says."""
TRAINED_ON, ASKED = 4_000, 1_500


@pytest.fixture(scope="module")
def proteno(repository):
    """The package of the system."""
    pytest.importorskip("pycrfsuite", reason="no python-crfsuite: training Proteno's CRF needs it")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(repository / "submissions" / "text-normalization" / "proteno"))
        names = ("classes", "generation", "model", "realign")
        yield SimpleNamespace(**{name: importlib.import_module(f"proteno.{name}") for name in names})


@pytest.fixture(scope="module")
def gold(parity_root, tmp_path_factory):
    """Rows by language and part, imported through the command line."""
    folder = tmp_path_factory.mktemp("proteno")
    corpora = parity_root / "data" / "amazon-science" / "proteno"
    (english,) = corpora.glob("*/data/English")
    for source in (english, corpora / "proteno-spanish-train.jsonl"):
        command = [sys.executable, "-m", "harness", "import", "proteno", str(source), "--workspace", str(folder)]
        subprocess.run(command, check=True, capture_output=True, timeout=300, env=os.environ)
    files = (folder / "testsets" / "text-normalization").glob("*/gold.jsonl")
    return {file.parent.name: [json.loads(row) for row in file.read_text("utf-8").splitlines()] for file in files}


def columns(rows):
    return [row["source"] for row in rows], [row["reference"] for row in rows]


@pytest.mark.parametrize(("language", "core"), CLASSES)
def test_classes_that_the_training_part_takes(proteno, gold, language, core):
    loaded, predefined = proteno.classes.load(language, core=core)
    tokens, readings = columns(gold[f"proteno-{language}-train"])
    aligned = [proteno.realign.realign(loaded, *pair) for pair in zip(tokens, readings, strict=True)]
    inventory, needed = proteno.generation.generate(predefined, tokens, aligned)
    assert (len(predefined), needed) == CLASSES[language, core]
    unsaid = sum(inventory.labels(*pair).count("noise") for pair in zip(tokens, aligned, strict=True))
    assert unsaid < 100, "what is taken for noise is rare"


def share(pairs):
    return sum(pairs) / len(pairs)


def test_english(proteno, gold):
    """99.0 % of the tokens strictly, 92 % of those to be changed; trained on a quarter of the training part."""
    model = proteno.model.train("en", *columns(gold["proteno-en-train"][:TRAINED_ON]), iterations=60)
    tokens, readings = columns(gold["proteno-en-test"][:ASKED])
    said = model.say_all(tokens)
    triples = [
        triple for sentence in zip(tokens, readings, said, strict=True) for triple in zip(*sentence, strict=True)
    ]
    assert share([reading == output for _, reading, output in triples]) > 0.990
    changed = [
        (reading, output) for token, reading, output in triples if reading.casefold() not in {"", token.casefold()}
    ]
    assert share([reading.casefold() == output.casefold() for reading, output in changed]) > 0.92


def test_spanish(proteno, gold):
    """98.8 % of the tokens in canonical form, on the last fifth of the training part, which is held out."""
    readings_of = importlib.import_module("harness.tasks.text_normalization.readings")
    rows = gold["proteno-es-train"]
    first = len(rows) * 4 // 5
    model = proteno.model.train("es", *columns(rows[:first]), keep_marks=True, iterations=60)
    tokens, readings = columns(rows[first:])
    pairs = [
        pair for sentence in zip(readings, model.say_all(tokens), strict=True) for pair in zip(*sentence, strict=True)
    ]
    canonical, is_marks = readings_of.canonical, readings_of.is_marks
    right = [canonical(said) == canonical(reading) or (not reading and is_marks(said)) for reading, said in pairs]
    assert share(right) > 0.988


def test_nothing_is_said_that_no_class_of_the_token_makes(proteno, gold):
    """Sentences with signs of currencies apart, whose words swap places."""
    model = proteno.model.train("en", *columns(gold["proteno-en-train"][:500]), iterations=10)
    sentences = [
        tokens for tokens in columns(gold["proteno-en-test"][:ASKED])[0] if not set("$£€¥₹").intersection(tokens)
    ]
    assert len(sentences) > ASKED * 0.9
    for tokens in sentences:
        for token, said in zip(tokens, model.say(tokens), strict=True):
            assert said in {token, *model.inventory.readings(token).values()}
