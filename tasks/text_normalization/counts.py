"""What the metrics count: tokens by what should become of them and by what did, sentences, and words.

A token of the gold is one of three **kinds**:

    same     leaving it as it is is right: its form equals that of a reference
    silent   it has to change, and every reference is silent
    spoken   it has to change, and some reference says something

and an output for it gets one of four **verdicts**:

    right    it equals one of the references, whichever
    over     it is wrong, and leaving the token alone would have been right
    under    it is wrong, and the token was left as it is
    wrong    anything else

A sentence is right if every token equals that of one and the same reference; readings of two references
do not mix. Its word errors are the edit distance between the white-space words of its joined tokens and
those of a reference: of several references the one with the fewest errors, the first of equals.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.api import Statistics, TestSet

from .levenshtein import distance
from .readings import SILENCE, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.api import Request

SAME, SILENT, SPOKEN = "same", "silent", "spoken"
RIGHT, OVER, UNDER, WRONG = "right", "over", "under", "wrong"
COLUMNS = (
    "tokens",
    "right",
    "same",
    "over",
    "change",
    "change_right",
    "change_under",
    "spoken",
    "spoken_right",
    "spoken_under",
    "sentences",
    "sentences_right",
    "errors",
    "words",
    "identity_errors",
)


@dataclass(frozen=True, slots=True)
class Gold:
    """One sentence, read: `raw` is the form of each token, `references` those of each reference.

    `accepted` holds, token by token, the forms that are right; `identity_errors` are the word errors of
    the output that changes nothing.
    """

    raw: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    accepted: tuple[tuple[str, ...], ...]
    kinds: tuple[str, ...]
    words: tuple[list[str], ...]
    identity_errors: int


class Forms(dict[str, str]):
    """The forms of texts, each computed once; `silenced` says which of them are marks only."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading
        self.silenced: dict[str, bool] = {}

    def __missing__(self, text: str) -> str:
        form = self.reading.form(text)
        self[text] = form
        if form not in self.silenced:
            self.silenced[form] = self.reading.is_silenced(form)
        return form

    def of(self, texts: Iterable[str]) -> tuple[str, ...]:
        """The form of each text."""
        return tuple(self[text] for text in texts)


@lru_cache(maxsize=8)
def gold_of(test_set: TestSet, reading: Reading) -> tuple[Gold, ...]:
    """The sentences of a test set in order. Raises ValueError for one without reference."""
    forms = Forms(reading)
    return tuple(_gold(segment.requests[0], forms) for segment in test_set.segments)


def _gold(request: Request, forms: Forms) -> Gold:
    if not request.references:
        message = f"request {request.id} has no reference"
        raise ValueError(message)
    raw = forms.of(request.source)
    references = tuple(forms.of(reference) for reference in request.references)
    accepted = tuple(tuple(dict.fromkeys(readings)) for readings in zip(*references, strict=True))
    kinds = tuple(_kind(form, right, forms) for form, right in zip(raw, accepted, strict=True))
    words = tuple(" ".join(reference).split() for reference in references)
    errors, _ = word_errors(Gold(raw, references, accepted, kinds, words, 0), raw, forms)
    return Gold(raw, references, accepted, kinds, words, errors)


def _kind(raw: str, accepted: Sequence[str], forms: Forms) -> str:
    if _is_right(raw, accepted, forms):
        return SAME
    return SPOKEN if any(form != SILENCE for form in accepted) else SILENT


def _is_right(form: str, accepted: Sequence[str], forms: Forms) -> bool:
    return form in accepted or (SILENCE in accepted and forms.silenced[form])


def verdicts(gold: Gold, output: Sequence[str], forms: Forms) -> list[str]:
    """What became of each token; `output` holds forms."""
    found = []
    for form, raw, accepted, kind in zip(output, gold.raw, gold.accepted, gold.kinds, strict=True):
        if _is_right(form, accepted, forms):
            found.append(RIGHT)
        elif kind == SAME:
            found.append(OVER)
        else:
            found.append(UNDER if form == raw else WRONG)
    return found


def _equal_reference(gold: Gold, output: Sequence[str], forms: Forms) -> int | None:
    """Which reference a sentence equals token by token, if each of its tokens is right by some reference."""
    if len(gold.references) == 1:
        return 0
    for number, reference in enumerate(gold.references):
        if all(_is_right(form, (wanted,), forms) for form, wanted in zip(output, reference, strict=True)):
            return number
    return None


def word_errors(gold: Gold, output: Sequence[str], forms: Forms) -> tuple[int, int]:
    """The fewest word errors against one reference, and how many words that reference has."""
    found = []
    for reference, words in zip(gold.references, gold.words, strict=True):
        said = (
            SILENCE if wanted == SILENCE and forms.silenced[form] else form
            for form, wanted in zip(output, reference, strict=True)
        )
        spoken = " ".join(said).split()
        found.append((0 if spoken == words else distance(spoken, words), len(words)))
    return min(found, key=lambda pair: pair[0])


def statistics(test_set: TestSet, outputs: Mapping[str, tuple[str, ...]], *, reading: Reading) -> Statistics:
    """One row per sentence: COLUMNS, all of them integers."""
    import numpy as np

    forms = Forms(reading)
    rows = []
    for segment, gold in zip(test_set.segments, gold_of(test_set, reading), strict=True):
        output = forms.of(outputs[segment.requests[0].id])
        rows.append(_row(gold, output, forms))
    return Statistics(COLUMNS, np.array(rows, dtype=np.int64).reshape(-1, len(COLUMNS)))


def _row(gold: Gold, output: Sequence[str], forms: Forms) -> list[int]:
    judged = verdicts(gold, output, forms)
    cells = Counter(zip(gold.kinds, judged, strict=True))
    silent, spoken = gold.kinds.count(SILENT), gold.kinds.count(SPOKEN)
    right = judged.count(RIGHT)
    equal = _equal_reference(gold, output, forms) if right == len(judged) else None
    errors, words = word_errors(gold, output, forms) if equal is None else (0, len(gold.words[equal]))
    return [
        len(judged),
        right,
        len(judged) - silent - spoken,
        cells[SAME, OVER],
        silent + spoken,
        cells[SILENT, RIGHT] + cells[SPOKEN, RIGHT],
        cells[SILENT, UNDER] + cells[SPOKEN, UNDER],
        spoken,
        cells[SPOKEN, RIGHT],
        cells[SPOKEN, UNDER],
        1,
        int(equal is not None),
        errors,
        words,
        gold.identity_errors,
    ]
