"""The sides of a segment: what a system is asked, and which words of the references tell its gender.

With C the words of the reference and X those of the counterfactual reference, a side has

    right = C - X        words that only the asked gender has
    wrong = X - C        words that only the other gender has

A counterfactual segment has two sides, masculine and feminine, each the other's counterfactual. A
contextual segment has one, whose counterfactual is `flipped`, and whose gender its tag `gender` may tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.api import Request, Segment, TestSet

    Words = Callable[[str], frozenset[str]]

GENDERS = {"m": "masculine", "f": "feminine"}
FLIPPED = "flipped"


@dataclass(frozen=True, slots=True)
class Side:
    """One request: its gender (`masculine`, `feminine`, or nothing where nobody tells it) and its words."""

    request: str
    gender: str
    right: frozenset[str]
    wrong: frozenset[str]

    @property
    def other_gender(self) -> str:
        """The gender of the counterfactual."""
        return {"masculine": "feminine", "feminine": "masculine"}.get(self.gender, "")


@lru_cache(maxsize=8)
def sides(test_set: TestSet, words: Words) -> tuple[tuple[Side, ...], ...]:
    """The sides of every segment, in order; `words` is one of the two views of `words.py`."""
    return tuple(tuple(_sides(segment, words)) for segment in test_set.segments)


def _sides(segment: Segment, words: Words) -> list[Side]:
    if FLIPPED in segment.gold:
        (request,), (flipped,) = segment.requests, segment.gold[FLIPPED]
        return [_side(request, GENDERS.get(segment.tags.get("gender", ""), ""), flipped, words)]
    masculine, feminine = segment.requests
    return [
        _side(masculine, "masculine", feminine.references[0], words),
        _side(feminine, "feminine", masculine.references[0], words),
    ]


def _side(request: Request, gender: str, counterfactual: str, words: Words) -> Side:
    own, other = words(request.references[0]), words(counterfactual)
    return Side(request.id, gender, own - other, other - own)
