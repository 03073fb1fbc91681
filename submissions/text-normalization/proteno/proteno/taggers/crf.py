"""A linear-chain CRF, the default: trained by python-crfsuite, then a table of weights of its own.

Only training needs crfsuite. Its weights are read back and kept as text, and decoding is ours, so that labels
which a token excludes are excluded from the search and not from its result.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import lru_cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from proteno.decoding import Lattice
from proteno.features import View, attributes, views

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from proteno.decoding import Floats

FILE = "crf.jsonl"
CACHED_VIEWS = 1 << 17
DECIMALS = 4


class Crf:
    """Weights for attributes and for transitions; a pure function of the tokens.

    states  by attribute: what it adds to each label, (L,)
    """

    def __init__(self, labels: Sequence[str], transitions: Floats, states: Mapping[str, Floats]) -> None:
        self.labels = tuple(labels)
        self.transitions = transitions
        self.states = states
        self._vector = lru_cache(CACHED_VIEWS)(self._sum)

    def lattices(self, sentences: Sequence[Sequence[str]]) -> list[Lattice]:
        """One lattice per sentence: emissions are sums of weights."""
        return [Lattice(self._emissions(tokens), self.transitions) for tokens in sentences]

    def save(self, folder: Path) -> None:
        """Write `crf.jsonl`: labels and transitions first, then one attribute a line with its weights by label.

        Weights are rounded to DECIMALS, and those that become zero left out.
        """
        with (folder / FILE).open("w", encoding="utf-8") as lines:
            header = {"labels": self.labels, "transitions": self.transitions.round(DECIMALS).tolist()}
            lines.write(json.dumps(header) + "\n")
            for attribute, weights in sorted(self.states.items()):
                kept = {
                    label: float(weight)
                    for label, weight in zip(self.labels, weights.round(DECIMALS), strict=True)
                    if weight
                }
                if kept:
                    lines.write(json.dumps([attribute, kept], ensure_ascii=False) + "\n")

    def _emissions(self, tokens: Sequence[str]) -> Floats:
        found = np.zeros((len(tokens), len(self.labels)))
        for at in range(len(tokens)):
            for view in views(tokens, at):
                weights = self._vector(view)
                if weights is not None:
                    found[at] += weights
        return found

    def _sum(self, view: View) -> Floats | None:
        """What a view adds; None where nothing in it has a weight, which is the rule."""
        weights = [self.states[attribute] for attribute in attributes(view) if attribute in self.states]
        return sum(weights[1:], weights[0]) if weights else None


def train(
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    *,
    iterations: int = 120,
    c1: float = 0.1,
    c2: float = 0.05,
    report: Callable[[str], object] | None = None,
) -> Crf:
    """Fit a CRF by L-BFGS.

    iterations  at most so many
    c1, c2      weight of the L1 and the L2 penalty
    report      is told each line of crfsuite's log

    Raises ImportError without python-crfsuite, and ValueError where a sentence has no label for each token.
    """
    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    settings = {"max_iterations": iterations, "c1": c1, "c2": c2}
    trainer.select("lbfgs")
    trainer.set_params(settings if c1 else {name: value for name, value in settings.items() if name != "c1"})
    if report is not None:
        trainer.message = lambda line: report(line.rstrip())
    for tokens, said in zip(sentences, labels, strict=True):
        if len(tokens) != len(said):
            message = f"{len(said)} labels for {len(tokens)} tokens"
            raise ValueError(message)
        trainer.append(seen(tokens), said)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.crfsuite"
        trainer.train(str(file))
        return of_crfsuite(file)


def seen(tokens: Sequence[str]) -> list[list[str]]:
    """By token: the names of all attributes, as crfsuite takes them."""
    return [list(chain.from_iterable(map(attributes, views(tokens, at)))) for at in range(len(tokens))]


def of_crfsuite(file: Path) -> Crf:
    """The weights of a trained model, read back."""
    import pycrfsuite

    tagger = pycrfsuite.Tagger()
    tagger.open(str(file))
    info: Any = tagger.info()
    labels = sorted(tagger.labels())
    tagger.close()
    states: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for (attribute, label), weight in info.state_features.items():
        states[attribute][label] = weight
    transitions = np.array([[info.transitions.get((before, label), 0.0) for label in labels] for before in labels])
    return Crf(labels, transitions, {attribute: _row(labels, found) for attribute, found in states.items()})


def load(folder: Path) -> Crf:
    """What `save` wrote. Raises OSError, ValueError or KeyError where that is missing or broken."""
    with (folder / FILE).open(encoding="utf-8") as lines:
        header = json.loads(next(lines))
        states = {attribute: _row(header["labels"], found) for attribute, found in map(json.loads, lines)}
    return Crf(header["labels"], np.array(header["transitions"]), states)


def _row(labels: Sequence[str], weights: Mapping[str, float]) -> Floats:
    return np.array([weights.get(label, 0.0) for label in labels])
