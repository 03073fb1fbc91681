"""A word-by-word translator to whom everybody is a man.

Two rules: words about women are read as their masculine counterparts (`masculine.txt`), and every common word gets the
one word that the list of the pair has for it (`en-de.txt`, `en-es.txt`), in the masculine. The context is not read.
A pair without a list gets English words.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.system import serve

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent
WORD = re.compile(r"\w+(?:['\u2019]\w+)?")


def read_words(file: Path) -> dict[str, str]:
    """The lines `word = other word` of a list; none if there is no such file."""
    if not file.is_file():
        return {}
    lines = file.read_text("utf-8").splitlines()
    return dict(line.split(" = ") for line in lines if not line.startswith("#"))


class EverybodyIsAMan:
    """A translator that sees one word at a time, and makes it masculine."""

    def __init__(self) -> None:
        self.masculine = read_words(FOLDER / "masculine.txt")
        self.words: Mapping[str, str] = {}

    def prepare(self, hello: Mapping[str, Any]) -> None:
        """Load the word list of the pair that will be asked for."""
        tags = hello["tags"]
        self.words = read_words(FOLDER / f"{tags['source_language']}-{tags['target_language']}.txt")

    def translate(self, request: Mapping[str, Any]) -> str:
        """The source with every word replaced that a list knows."""
        return WORD.sub(lambda found: self.replace(found[0]), request["source"])

    def replace(self, word: str) -> str:
        """The masculine translation of one word, capitalised like it; an unknown word stays."""
        lower = word.lower()
        masculine = self.masculine.get(lower, lower)
        found = self.words.get(masculine, word if masculine == lower else masculine)
        return found[0].upper() + found[1:] if word[0].isupper() else found


if __name__ == "__main__":
    translator = EverybodyIsAMan()
    serve(translator.translate, translator.prepare)
