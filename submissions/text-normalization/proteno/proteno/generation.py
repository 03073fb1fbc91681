"""Classes of a language and those that training data call for.

Training tokens are visited in data order. A reading that a predefined class makes from its token, or an
earlier generated class of this token, needs no new class; any other generates one, `raw_to_reading`, which
**accepts that raw token only** and says that reading, whatever its context.

There are thousands of generated classes, but a token is accepted by few. So taggers learn their **rank among
those of the same token**: AG0, AG1, … The class is found again from token and rank, and nothing is lost.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from proteno.classes import Class

GENERATED = "AG"
NOISE = "noise"
"""The label of a training token whose reading no class of the inventory makes. No class has it, so it never fires."""
RARE = 50


class Inventory:
    """The classes by which a system reads: predefined ones, and generated ones by raw token in order of rank."""

    def __init__(self, classes: Sequence[Class], generated: Mapping[str, Sequence[str]]) -> None:
        self.classes = tuple(classes)
        self.generated = {token: tuple(readings) for token, readings in generated.items()}
        self._readings: dict[str, dict[str, str]] = {}

    def readings(self, token: str) -> Mapping[str, str]:
        """By label, the predefined ones first: what each class that accepts the token says for it."""
        if token not in self._readings:
            said = ((one.description.name, one.reading(token)) for one in self.classes)
            found = {label: reading for label, reading in said if reading is not None}
            for rank, reading in enumerate(self.generated.get(token, ())):
                found[f"{GENERATED}{rank}"] = reading
            self._readings[token] = found
        return self._readings[token]

    def label(self, token: str, reading: str) -> str | None:
        """The first label that makes this reading of the token; None if no class does."""
        return next((label for label, said in self.readings(token).items() if said == reading), None)

    def labels(self, tokens: Sequence[str], readings: Sequence[str]) -> list[str]:
        """What a tagger learns for a sentence; NOISE where no class makes the reading."""
        return [self.label(token, reading) or NOISE for token, reading in zip(tokens, readings, strict=True)]

    @property
    def size(self) -> tuple[int, int]:
        """How many classes: predefined, generated."""
        return len(self.classes), sum(map(len, self.generated.values()))


def generate(
    classes: Sequence[Class], sentences: Sequence[Sequence[str]], readings: Sequence[Sequence[str]]
) -> tuple[Inventory, int]:
    """The inventory for the data, and how many classes it takes to make every reading of them.

    Ranks follow how often a class is needed, the first generated first among equals: so a rank means much the
    same for all tokens. A reading that is seen once among RARE or more occurrences of its token (`6` as *sixth
    twenty thirteen*) is taken for an error of the data: its class is counted, and left out of the inventory.

    Raises ValueError where a sentence has more or fewer readings than tokens.
    """
    predefined = Inventory(classes, {})
    occurrences: Counter[str] = Counter()
    needed: dict[str, Counter[str]] = {}
    for sentence, said in zip(sentences, readings, strict=True):
        occurrences.update(sentence)
        for token, reading in zip(sentence, said, strict=True):
            if predefined.label(token, reading) is None:
                needed.setdefault(token, Counter())[reading] += 1
    kept = {
        token: [reading for reading, count in found.most_common() if count > 1 or occurrences[token] < RARE]
        for token, found in needed.items()
    }
    return Inventory(classes, {token: found for token, found in kept.items() if found}), sum(map(len, needed.values()))
