"""Taggers that are networks, in torch: `bilstm`, `bilstm-crf` and `transformer`, on the cpu or a card.

    tagger = train(sentences, labels, allowed, kind="bilstm-crf", seed=1)
    tagger.save(folder)                     # network.json and network.npz: plain files
    load(folder, device="cuda").lattices(sentences)

This module joins the parts: what is seen of tokens (`networks_inputs`), layers (`networks_layers`) and learning
(`networks_training`). Importing it imports torch.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from proteno.decoding import Lattice
from proteno.taggers.networks_inputs import Inputs, number
from proteno.taggers.networks_layers import KINDS, Network, Shape, score
from proteno.taggers.networks_training import Epoch, Plan, examples, fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from _typeshed import DataclassInstance

    from proteno.taggers.networks_training import Allowed

__all__ = ["Epoch", "NetworkTagger", "Settings", "load", "train"]

CONFIG, WEIGHTS = "network.json", "network.npz"

Part = TypeVar("Part", bound="DataclassInstance")


@dataclass(frozen=True)
class Settings:
    """What can be set besides the fields of `Shape` and `Plan`.

    kind          which network: one of KINDS
    device        `cpu`, `cuda`, or None: the card if torch sees one
    seed          of weights, held-out share, order and dropout
    least         how often a word must stand in training to have numbers of its own
    dropout       share of the numbers between layers that is hidden in each step
    word_dropout  share of the words that is hidden in each step, so that characters are used
    """

    kind: str = "bilstm"
    device: str | None = None
    seed: int = 0
    least: int = 1
    dropout: float = 0.3
    word_dropout: float = 0.1


class NetworkTagger:
    """A trained network. On one device the same sentences get the same scores; on another they differ by rounding."""

    def __init__(self, kind: str, inputs: Inputs, labels: Sequence[str], network: Network) -> None:
        self.kind = kind
        self.inputs = inputs
        self.labels = tuple(labels)
        self.network = network

    def lattices(self, sentences: Sequence[Sequence[str]]) -> list[Lattice]:
        """One lattice per sentence of tokens; sentences of like lengths are computed together."""
        tokens, rows = number(sentences)
        table = torch.from_numpy(self.inputs.table(tokens)).to(self.network.device)
        transitions = self.network.transition_scores()
        return [Lattice(emissions, transitions) for emissions in score(self.network, table, rows)]

    def save(self, folder: Path) -> None:
        """Write CONFIG and WEIGHTS (float32, no pickle) into a folder that exists."""
        config = {
            "kind": self.kind,
            "shape": asdict(self.network.shape),
            "labels": self.labels,
            "characters": self.inputs.characters,
            "words": self.inputs.words,
        }
        text = json.dumps(config, ensure_ascii=False, indent=0)
        (folder / CONFIG).write_text(text + "\n", "utf-8")
        weights = {name: weight.cpu().numpy() for name, weight in self.network.state_dict().items()}
        np.savez_compressed(folder / WEIGHTS, **weights)


def train(
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    allowed: Allowed | None = None,
    progress: Callable[[Epoch], object] | None = None,
    **settings: Any,  # noqa: ANN401 - the dataclasses say which type each has
) -> NetworkTagger:
    """Train a network on sentences of tokens with one label per token.

    allowed   for each token the labels that accept it: then the network learns to choose among these and the right
              one. What it says of others means nothing, so decode with the same constraint.
    progress  called after each epoch, with what it has brought
    settings  fields of Settings, Shape and Plan

    Raises TypeError for a setting that there is not, and ValueError for a kind that there is not, for a card that
    torch does not see, where numbers of tokens and labels differ, where no label accepts a token, and where
    there is nothing to learn from.
    """
    own, shape, plan = _taken(settings, Settings), _taken(settings, Shape), _taken(settings, Plan)
    if settings:
        message = f"no setting '{min(settings)}'"
        raise TypeError(message)
    if own.kind not in KINDS:
        message = f"no network '{own.kind}'; there are {', '.join(KINDS)}"
        raise ValueError(message)
    device = _device(own.device)
    names = tuple(sorted({label for line in labels for label in line}))
    tokens, known = examples(sentences, labels, allowed, {name: number for number, name in enumerate(names)})
    inputs = Inputs.of(sentences, own.least)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(own.seed)
        network = Network(own.kind, inputs.sizes, len(names), shape, (own.dropout, own.word_dropout)).to(device)
        fit(network, torch.from_numpy(inputs.table(tokens)).to(device), known, plan, progress)
    return NetworkTagger(own.kind, inputs, names, network)


def load(folder: Path, device: str | None = None) -> NetworkTagger:
    """What `save` wrote, on this device or another: `cpu`, `cuda`, or None: the card if torch sees one.

    Raises OSError or ValueError for files that are missing or no such files, KeyError and RuntimeError for a config
    and weights that do not fit, and ValueError for a card that torch does not see.
    """
    config = json.loads((folder / CONFIG).read_text("utf-8"))
    inputs = Inputs(tuple(config["words"]), config["characters"])
    network = Network(config["kind"], inputs.sizes, len(config["labels"]), Shape(**config["shape"]))
    with np.load(folder / WEIGHTS, allow_pickle=False) as weights:
        network.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})
    return NetworkTagger(config["kind"], inputs, config["labels"], network.to(_device(device)))


def _taken(settings: dict[str, Any], part: type[Part]) -> Part:
    """A dataclass of those settings that are its fields, which are taken away."""
    return part(**{field.name: settings.pop(field.name) for field in fields(part) if field.name in settings})


def _device(name: str | None) -> torch.device:
    """The device of that name; there is no silent way from a card back to the cpu."""
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in {"cpu", "cuda"}:
        message = f"no device '{name}'; there are cpu, cuda"
        raise ValueError(message)
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda': torch sees no card")
    return torch.device(name)
