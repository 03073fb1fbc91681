"""What a row of gold asks, and in which cell of the contingency table an answer to it stands.

A test set may tell intents. A row with the key `given`, as in `"given": {"intent": "card_arrival"}`, is an
example: it is asked with these keys beside its text and never scored. The intent null is told of an utterance
that belongs to no intent. What is discovered are intents, or with the tag `level = "domain"` domains; the
names that are given at that level are *known*. With the tag `open = "oos"` the utterances whose reference is
`oos` belong to no intent, and stand in no table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.api import Request, answers_to
from harness.metrics.clustering import ALONE, CLUSTER, UNANSWERED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.api import Column, TestSet

NOISE = "noise"
READINGS_OF_NOISE = ("singletons", "cluster", "ignore")
LEVEL = "level"
LEVELS = ("intent", "domain")
OPEN = "open"
GIVEN = "given"


def requests(row: Mapping[str, Any], tags: Mapping[str, str]) -> Sequence[Request]:
    """One request per utterance, with its dialogue and what is given; the gold intent is the reference.

    Raises ValueError for a row without an utterance or without exactly one non-empty intent, for
    given names that are no such thing, and for a tag `noise` or `level` that has no such value.
    """
    source, references = row.get("source"), row["references"]
    if not isinstance(source, str):
        message = "the key 'source' must be a string"
        raise ValueError(message)  # noqa: TRY004 - a fault of data, reported with its line
    if len(references) != 1 or not isinstance(references[0], str) or not references[0]:
        message = "the key 'reference' must be one intent, a non-empty string"
        raise ValueError(message)
    for tag, values in ((NOISE, READINGS_OF_NOISE), (LEVEL, LEVELS)):
        if tags.get(tag, values[0]) not in values:
            message = f"the tag '{tag}' is one of {', '.join(values)}, found '{tags[tag]}'"
            raise ValueError(message)
    fields = {"dialogue": row["dialogue"]} if "dialogue" in row else {}
    given = _given(row, level(tags)) if GIVEN in row else {}
    return [Request(row["id"], source, (references[0],), {**fields, **given}, is_context=bool(given))]


def _given(row: Mapping[str, Any], named: str) -> Mapping[str, str | None]:
    """What a system is told of an utterance. Raises ValueError if it is not so, or if gold says otherwise."""
    given, (reference,) = row[GIVEN], row["references"]
    is_told = isinstance(given, dict) and named in given and not given.keys() - set(LEVELS)
    if not is_told or not all(value is None or (value and isinstance(value, str)) for value in given.values()):
        message = f"the key 'given' names the {named}: a non-empty string, or null for an utterance that has none"
        raise ValueError(message)
    if given[named] not in {None, reference}:
        message = f"the {named} that is given is '{given[named]}', the reference '{reference}'"
        raise ValueError(message)
    told: Mapping[str, str | None] = given
    return told


def level(tags: Mapping[str, str]) -> str:
    """What is discovered: `intent` or `domain`."""
    return tags.get(LEVEL, LEVELS[0])


@lru_cache(maxsize=64)
def known(test_set: TestSet) -> frozenset[str]:
    """The names that a system is told, at the level of the test set."""
    named = level(test_set.tags)
    return frozenset(told for request in test_set.context if (told := request.fields.get(named)) is not None)


def is_open(test_set: TestSet, request: Request) -> bool:
    """Whether an utterance belongs to no intent at all."""
    return bool(request.references[0] == test_set.tags.get(OPEN))


def label_of(request: Request, outputs: Mapping[str, str]) -> str | None:
    """The one label of an utterance, or None. Raises ValueError for several."""
    labels = answers_to(request, outputs)
    if len(labels) > 1:
        message = f"request {request.id} has {len(labels)} labels; an utterance is in one cluster"
        raise ValueError(message)
    return labels[0] if labels else None


def of_answer(test_set: TestSet, request: Request, outputs: Mapping[str, str]) -> Sequence[Column]:
    """The cell of an utterance, or none where it is left out. Raises ValueError for several labels."""
    label, intent = label_of(request, outputs), request.references[0]
    if is_open(test_set, request):
        return []
    if label is None:
        return [(UNANSWERED, intent)]
    reading = test_set.tags.get(NOISE, READINGS_OF_NOISE[0])
    if label != NOISE or reading == "cluster":
        return [(CLUSTER, label, intent)]
    return [(ALONE, intent)] if reading == "singletons" else []


def reading(test_set: TestSet) -> str:
    """What decides in which cell an answer stands, as part of a signature."""
    noise = test_set.tags.get(NOISE, READINGS_OF_NOISE[0])
    without = f"|open:{test_set.tags[OPEN]} left out" if OPEN in test_set.tags else ""
    return f"missing:unmatched|repeated:refused|noise:{noise}{without}"
