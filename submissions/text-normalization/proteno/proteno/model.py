"""A trained system: the classes of a language, those that training generated, and a tagger that chooses.

    model = train("en", sentences, readings)
    model.say(["On", "5", "March"])           one reading for each token
    model.read("On 5 March")                  a text

It is saved as a folder of plain files: `model.json`, `generated.json`, and those of the tagger.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proteno import classes, taggers
from proteno.decoding import decode
from proteno.generation import Inventory, generate
from proteno.realign import realign, restore, with_marks
from proteno.tokens import tokenise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from proteno.classes import Language
    from proteno.decoding import Lattice
    from proteno.taggers import Tagger

SETTINGS, GENERATED = "model.json", "generated.json"


@dataclass(frozen=True)
class Model:
    """What reads a language.

    core         whether it has only the smaller set of predefined classes
    counts       how many classes are predefined, would be generated for all training data, and are kept of these
    tagger_name  a name in `taggers.TAGGERS`
    """

    language: Language
    core: bool
    counts: Mapping[str, int]
    inventory: Inventory
    tagger_name: str
    tagger: Tagger

    def say_all(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """One reading for each token of each sentence, `""` for silence."""
        lattices = self.tagger.lattices(sentences)
        return [self._chosen(tokens, lattice) for tokens, lattice in zip(sentences, lattices, strict=True)]

    def say(self, tokens: Sequence[str]) -> list[str]:
        """One reading for each token of a sentence."""
        return self.say_all([tokens])[0]

    def read(self, text: str) -> str:
        """What is said for a text: its granular tokens are read, and what is silent leaves no space."""
        return " ".join(filter(None, self.say(tokenise(text))))

    def save(self, folder: Path) -> None:
        """Write the model into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        settings = {"language": self.language.name, "core": self.core, "tagger": self.tagger_name}
        _write(folder / SETTINGS, settings | {"classes": self.counts})
        _write(folder / GENERATED, dict(sorted(self.inventory.generated.items())))
        self.tagger.save(folder)

    def _chosen(self, tokens: Sequence[str], lattice: Lattice) -> list[str]:
        """The readings of the best path; a token that no class accepts which the tagger knows stays as it is."""
        labels = self.tagger.labels
        numbers = {label: number for number, label in enumerate(labels)}
        accepting = [
            {numbers[label]: said for label, said in self.inventory.readings(token).items() if label in numbers}
            or {0: token}
            for token in tokens
        ]
        path = decode(lattice, [list(readings) for readings in accepting])
        return restore(self.language, tokens, [said[label] for said, label in zip(accepting, path, strict=True)])


def train(
    language_name: str,
    sentences: Sequence[Sequence[str]],
    readings: Sequence[Sequence[str]],
    *,
    tagger: str = "crf",
    core: bool = False,
    keep_marks: bool = False,
    **settings: Any,  # noqa: ANN401 - each tagger says which it takes
) -> Model:
    """Generate classes and train a tagger on sentences and what is said for each token.

    core        with the smaller set of predefined classes only
    keep_marks  marks that are silent are learnt as marks that stay: for data that do either, without a rule
    settings  go to the tagger's `train`

    Raises ValueError for an unknown language or tagger, and ImportError where the tagger's library is missing.
    """
    language, predefined = classes.load(language_name, core=core)
    written = map(with_marks, sentences, readings) if keep_marks else readings
    aligned = [realign(language, tokens, said) for tokens, said in zip(sentences, written, strict=True)]
    inventory, needed = generate(predefined, sentences, aligned)
    labels = [inventory.labels(tokens, said) for tokens, said in zip(sentences, aligned, strict=True)]
    allowed = [
        [list(dict.fromkeys([*inventory.readings(token), label])) for token, label in zip(tokens, said, strict=True)]
        for tokens, said in zip(sentences, labels, strict=True)
    ]
    counts = {"predefined": len(predefined), "generated": needed, "kept": sum(map(len, inventory.generated.values()))}
    trained = taggers.train(tagger, sentences, labels, allowed, settings)
    return Model(language, core, counts, inventory, tagger, trained)


def load(folder: Path) -> Model:
    """A saved model. Raises OSError, ValueError or KeyError where that is missing or broken."""
    settings = json.loads((folder / SETTINGS).read_text("utf-8"))
    generated = json.loads((folder / GENERATED).read_text("utf-8"))
    language, predefined = classes.load(settings["language"], core=settings["core"])
    tagger = taggers.load(settings["tagger"], folder)
    inventory = Inventory(predefined, generated)
    return Model(language, settings["core"], settings["classes"], inventory, settings["tagger"], tagger)


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
