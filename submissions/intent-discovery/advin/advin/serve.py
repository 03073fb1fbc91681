"""Speak the protocol: all requests of a test set in, one label for each out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advin import corpus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from advin.corpus import Corpus

    Answer = Callable[[Corpus, Mapping[str, str]], Sequence[str]]


def serve(answer: Answer) -> None:
    """Answer one test set over stdin and stdout. `answer` gets the corpus and the tags of the test set."""
    from harness.system import serve as speak

    tags: dict[str, str] = {}
    speak(lambda requests: labels(answer, requests, tags), lambda hello: tags.update(hello.get("tags", {})), "corpus")


def labels(answer: Answer, requests: Sequence[Mapping[str, Any]], tags: Mapping[str, str]) -> list[str]:
    """The label of each request, in their order."""
    if not requests:
        return []
    known, order = corpus.read(requests)
    found = [""] * len(order)
    for place, label in zip(order, answer(known, tags), strict=True):
        found[place] = label
    return found
