from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("proteno")

LABELS = 4
scores = st.integers(-8, 8).map(float)


@st.composite
def problems(draw):
    """Emissions and transitions of whole numbers, so that sums are exact, and what is allowed."""
    tokens = draw(st.integers(1, 5))
    emissions = draw(st.lists(st.lists(scores, min_size=LABELS, max_size=LABELS), min_size=tokens, max_size=tokens))
    transitions = draw(st.lists(st.lists(scores, min_size=LABELS, max_size=LABELS), min_size=LABELS, max_size=LABELS))
    some = st.lists(st.integers(0, LABELS - 1), min_size=1, max_size=LABELS, unique=True)
    return np.array(emissions), np.array(transitions), draw(st.lists(some, min_size=tokens, max_size=tokens))


def total(path, emissions, transitions):
    return sum(emissions[at, label] for at, label in enumerate(path)) + sum(
        transitions[before, label] for before, label in pairwise(path)
    )


@given(problems())
def test_no_path_of_accepting_labels_is_better(proteno, problem):
    from proteno.decoding import Lattice, decode

    emissions, transitions, allowed = problem
    path = decode(Lattice(emissions, transitions), allowed)
    assert all(label in labels for label, labels in zip(path, allowed, strict=True))
    assert total(path, emissions, transitions) == max(total(p, emissions, transitions) for p in product(*allowed))


def test_by_hand():
    """0-0 gives 3, 0-1 gives 1 + 4 - 2 = 3, 1-1 gives 2 + 4 = 6; without label 1 at the first token the first wins."""
    from proteno.decoding import Lattice, decode

    lattice = Lattice(np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([[0.0, -2.0], [0.0, 0.0]]))
    assert decode(lattice, [[0, 1], [0, 1]]) == [1, 1]
    assert decode(lattice, [[0], [0, 1]]) == [0, 0]
    assert decode(lattice, [[0], [1, 0]]) == [0, 1]


def test_a_token_that_nothing_accepts_and_other_lengths_are_refused():
    from proteno.decoding import Lattice, decode

    lattice = Lattice(np.zeros((1, 2)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="no label accepts"):
        decode(lattice, [[]])
    with pytest.raises(ValueError, match="2 lists of labels for 1 tokens"):
        decode(lattice, [[0], [0]])
    assert decode(Lattice(np.zeros((0, 2)), np.zeros((2, 2))), []) == []


class Dice:
    """A tagger that says anything at all."""

    labels = ("silence", "unit", "units", "cardinal", "ordinal", "digits", "AG0", "AG1", "AG2", "lower", "self", "year")

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def lattices(self, sentences):
        from proteno.decoding import Lattice

        size = len(self.labels)
        return [
            Lattice(self.random.normal(scale=1e3, size=(len(tokens), size)), self.random.normal(size=(size, size)))
            for tokens in sentences
        ]


SENTENCES = [
    ["It", "costs", "$", "5", "."],
    ["$", "5", "-", "10", ",", "or", "$", "4", ".", "20"],
    ["$", "3", "million", "for", "£", "2", ".", "5"],
    ["£", "€", "$", "7", "kg", "%"],
]
OF_ITS_SIGN = {
    "$": {"dollar", "dollars"},
    "£": {"pound", "pounds", "quid"},
    "€": {"euro", "euros"},
    "kg": {"kilogram", "kilograms", "kilos"},
    "%": {"percent"},
}
UNITS = set().union(*OF_ITS_SIGN.values())


@pytest.fixture(scope="module")
def inventory(proteno):
    from proteno import classes
    from proteno.generation import Inventory

    generated = {"£": ["quid"], "kg": ["kilos"], ".": ["point", "cents"], "-": ["to"]}
    return Inventory(classes.load("en")[1], generated)


@given(st.integers(0, 2**32), st.sampled_from(SENTENCES))
def test_whatever_a_tagger_says_no_unit_is_said_that_is_not_written(inventory, seed, tokens):
    """Not one class that makes *pounds* accepts `$` or `5`, so `$ 5` is never five pounds; nor is 5 ever six."""
    from proteno import classes
    from proteno.model import Model

    model = Model(classes.load("en")[0], False, {}, inventory, "dice", Dice(seed))  # noqa: FBT003 - a field
    said = model.say(tokens)
    words = [word for reading in said for word in reading.split() if word in UNITS]
    written = set().union(*(OF_ITS_SIGN.get(token, set()) for token in tokens))
    assert set(words) <= written
    assert len(words) <= sum(token in OF_ITS_SIGN for token in tokens)
    numbers = [(token, reading) for token, reading in zip(tokens, said, strict=True) if token.isdecimal()]
    for token, reading in numbers:
        assert any(reading.startswith(one) for one in inventory.readings(token).values())
        assert reading
        assert not any(char.isdigit() for char in reading)
