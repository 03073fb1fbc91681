"""Word by word: every required term becomes its target, every common word the one that a list says.

Asked over the wire of `harness.system`; the first message names the languages, and the word list of that pair is
loaded before the system says that it is ready. A pair without a list (all but en-de and en-fr) gets its terms only.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.system import serve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WORD = re.compile(r"\w+(?:['\u2019]\w+)?")


def read_words(file: Path) -> dict[str, str]:
    """The lines `word = translation` of a word list; none if there is no such file."""
    if not file.is_file():
        return {}
    lines = file.read_text("utf-8").splitlines()
    return dict(line.split(" = ") for line in lines if not line.startswith("#"))


def inflected(term: str) -> str:
    """A pattern for an English term and its regular inflections: battery, batteries; brake, braked, brakes."""
    if term.endswith("y"):
        return re.escape(term[:-1]) + "(?:y|ies|ied)"
    if term.endswith("e"):
        return re.escape(term[:-1]) + "(?:e|es|ed|ing)"
    return re.escape(term) + "(?:s|es|ed|ing)?"


def with_case_of(model: str, word: str) -> str:
    """The word, capitalised where the word in its place is; English `I` says nothing."""
    return word[0].upper() + word[1:] if model[0].isupper() and model != "I" else word


class WordByWord:
    """A translator that sees one word, or one term, at a time."""

    def __init__(self) -> None:
        self.words: Mapping[str, str] = {}

    def prepare(self, hello: Mapping[str, Any]) -> None:
        """Load the word list of the pair that will be asked for."""
        tags = hello["tags"]
        self.words = read_words(Path(__file__).with_name(f"{tags['source_language']}-{tags['target_language']}.txt"))

    def translate(self, request: Mapping[str, Any]) -> str:
        """The source with terms, the longest first, and common words replaced where they stand."""
        source, terms = request["source"], sorted(request["terms"].items(), key=lambda entry: -len(entry[0]))
        if not terms:
            return self.replace_words(source)
        return self.replace_terms(source, [term for term, _ in terms], [variants[0] for _, variants in terms])

    def replace_terms(self, source: str, terms: Sequence[str], targets: Sequence[str]) -> str:
        """The source with each term replaced by the target at its place, and words between them by the list."""
        pattern = re.compile(rf"\b(?:{'|'.join(f'({inflected(term)})' for term in terms)})\b", re.IGNORECASE)
        pieces, end = [], 0
        for found in pattern.finditer(source):
            target = targets[(found.lastindex or 1) - 1]
            pieces += [self.replace_words(source[end : found.start()]), with_case_of(found[0], target)]
            end = found.end()
        return "".join([*pieces, self.replace_words(source[end:])])

    def replace_words(self, text: str) -> str:
        """The text with every word that the list knows replaced."""
        return WORD.sub(lambda found: with_case_of(found[0], self.words.get(found[0].lower(), found[0])), text)


if __name__ == "__main__":
    translator = WordByWord()
    serve(translator.translate, translator.prepare)
