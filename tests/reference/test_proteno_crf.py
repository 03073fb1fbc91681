from __future__ import annotations

import json
import random

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("proteno")


@pytest.fixture(scope="module")
def pycrfsuite():
    return pytest.importorskip(
        "pycrfsuite", reason="no python-crfsuite: training Proteno's CRF needs it (dependency group `reference`)"
    )


def corpus(seed, size=60):
    """Sentences in which March is a month after a number, and a number a year after `in`."""
    dice = random.Random(seed)  # noqa: S311 - a test wants the same sentences again
    sentences, labels = [], []
    for _ in range(size):
        number = str(dice.randrange(1, 30))
        year = str(dice.randrange(1900, 2020))
        word = dice.choice(["house", "PDF", "walks", "A", "tree"])
        sentences.append([word, "on", number, "March", "in", year, "."])
        labels.append(["self", "self", "ordinal", "AG0", "self", "year", "silence"])
        sentences.append(["March", "with", year, word, "!"])
        labels.append(["self", "self", "cardinal", "self", "silence"])
    return sentences, labels


@pytest.fixture(scope="module")
def trained(pycrfsuite):
    from proteno.taggers import crf

    return crf.train(*corpus(1), iterations=30)


def best(tagger, tokens):
    from proteno.decoding import decode

    (lattice,) = tagger.lattices([tokens])
    return [tagger.labels[label] for label in decode(lattice, [range(len(tagger.labels))] * len(tokens))]


@pytest.mark.parametrize("penalty", [{"c1": 0.0, "c2": 0.1}, {"c1": 0.1, "c2": 0.05}])
def test_without_constraints_our_path_is_that_of_crfsuite(pycrfsuite, tmp_path, penalty):
    from proteno.taggers import crf

    sentences, labels = corpus(2)
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(penalty | {"max_iterations": 8})  # too few to be sure of anything
    for tokens, said in zip(sentences, labels, strict=True):
        trainer.append(crf.seen(tokens), said)
    trainer.train(str(tmp_path / "model"))
    theirs = pycrfsuite.Tagger()
    theirs.open(str(tmp_path / "model"))
    ours = crf.of_crfsuite(tmp_path / "model")
    dice = random.Random(3)  # noqa: S311 - a test wants the same sentences again
    words = [token for tokens in sentences for token in tokens]
    for _ in range(200):
        tokens = [dice.choice(words) for _ in range(dice.randrange(1, 12))]
        assert best(ours, tokens) == theirs.tag(crf.seen(tokens))


def test_neighbours_decide(trained):
    assert best(trained, ["Tree", "on", "17", "March", "in", "1987", "."])[2:6] == ["ordinal", "AG0", "self", "year"]
    assert best(trained, ["March", "with", "1987", "trees", "!"])[:3] == ["self", "self", "cardinal"]


def test_what_is_saved_is_text_and_says_the_same(trained, tmp_path):
    from proteno.taggers import crf

    trained.save(tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.read_text("utf-8").startswith('{"labels": ["AG0", "cardinal"')
    again = crf.load(tmp_path)
    sentences, _ = corpus(4, size=10)
    assert again.labels == trained.labels
    for one, other in zip(trained.lattices(sentences), again.lattices(sentences), strict=True):
        np.testing.assert_allclose(one.emissions, other.emissions, atol=0.01)
        np.testing.assert_allclose(one.transitions, other.transitions, atol=1e-4)


def test_no_weight_that_is_zero_is_kept(trained, tmp_path):
    trained.save(tmp_path)
    _, *rows = (tmp_path / "crf.jsonl").read_text("utf-8").splitlines()
    weights = [weight for row in map(json.loads, rows) for weight in row[1].values()]
    assert len(weights) > 50
    assert all(weights)


def test_scores_do_not_depend_on_what_was_asked_before(trained):
    sentences, _ = corpus(5, size=5)
    first = [lattice.emissions.copy() for lattice in trained.lattices(sentences)]
    trained.lattices(reversed(sentences[:3]))
    for one, other in zip(first, trained.lattices(sentences), strict=True):
        np.testing.assert_array_equal(one, other.emissions)


def test_other_lengths_are_refused(pycrfsuite):
    from proteno.taggers import crf

    with pytest.raises(ValueError, match="1 labels for 2 tokens"):
        crf.train([["a", "b"]], [["self"]])


@pytest.mark.parametrize(
    ("token", "shape"),
    [("March", "Aaaaa"), ("FBI", "AAA"), ("internationally", "aaaa"), ("1970s", "9999a"), ("B-2", "A-9"), ("", "")],
)
def test_shapes(token, shape):
    from proteno.features import shape as of

    assert of(token) == shape


@pytest.mark.parametrize(
    ("token", "value"),
    [("0", "zero"), ("12", "month"), ("31", "day"), ("1999", "year"), ("2012", "new-year"), ("1789", "old-year"),
     ("9999", "beyond"), ("x", ""), ("௫", ""), ("1,000", "")],
)  # fmt: skip
def test_sizes_of_numbers(token, value):
    from proteno.features import value as of

    assert of(token) == value
