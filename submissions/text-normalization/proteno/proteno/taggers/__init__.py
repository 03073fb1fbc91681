"""What a tagger is: scores for labels, by sentence. Which taggers there are; a module is imported when it is used.

Each module has two functions:

    train(sentences, labels, **settings) -> Tagger    labels: one per token, in sentences of equal lengths
    load(folder) -> Tagger                            what `Tagger.save` wrote there

`networks` holds several taggers and is told which as `kind`; it also takes `allowed`, so that a network learns to
choose among the labels that accept a token and wastes nothing on others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    from proteno.decoding import Lattice

TAGGERS = {"crf": "crf", "bilstm": "networks", "bilstm-crf": "networks", "transformer": "networks"}
"""By name: the module beside this file that trains and loads it."""


class Tagger(Protocol):
    """A trained tagger: pure, so the same sentences get the same scores."""

    labels: tuple[str, ...]

    def lattices(self, sentences: Sequence[Sequence[str]]) -> list[Lattice]:
        """One lattice per sentence of tokens; its columns are `labels`."""
        ...

    def save(self, folder: Path) -> None:
        """Write plain files into a folder that exists; never a pickle."""
        ...


def train(
    name: str,
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    allowed: Sequence[Sequence[Sequence[str]]],
    settings: dict[str, Any],
) -> Tagger:
    """Train a tagger by its name.

    allowed   for each token the labels that accept it, and its own
    settings  go to the module's `train`

    Raises what the module raises, and ValueError for a name that there is not.
    """
    module = _module(name)
    if TAGGERS[name] == "networks":
        settings = settings | {"kind": name, "allowed": allowed}
    tagger: Tagger = module.train(sentences, labels, **settings)
    return tagger


def load(name: str, folder: Path) -> Tagger:
    """A saved tagger; ValueError for a name that there is not."""
    tagger: Tagger = _module(name).load(folder)
    return tagger


def _module(name: str) -> ModuleType:
    if name not in TAGGERS:
        message = f"no tagger '{name}'; there are {', '.join(TAGGERS)}"
        raise ValueError(message)
    return import_module(f"proteno.taggers.{TAGGERS[name]}")
