"""Texts as pages show them: what is invisible made visible, and the evidence of metrics marked in them.

Marks are never nested: a text is cut wherever a span starts or ends, and every piece knows all the spans that
cover it. So spans may overlap in any way, and the pieces still add up to the text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from harness.canonical import digest
from harness.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Stretch(Protocol):
    """A span: `[start, end)` in code points."""

    @property
    def start(self) -> int: ...  # noqa: D102 - see the class
    @property
    def end(self) -> int: ...  # noqa: D102


AnyStretch = TypeVar("AnyStretch", bound=Stretch)

GOOD = frozenset({"found", "right", "correct", "kept", "ok"})
BAD = frozenset({"missed", "missing", "wrong", "incorrect", "over", "under", "unanswered", "forbidden"})
TONES = {"good": "as it should be", "bad": "not as it should be", "other": "a finding that is neither"}
"""The three ways in which a verdict is shown; a word that is in none of the lists is shown and counts for nothing."""

RUN_LIMIT = 1000
"""Characters that are printed at once: well below what the environment would cut off."""
SIGNS = {"\n": "↵", "\r": "␍", "\t": "⇥"}
"""Invisible characters that have a sign of their own; others are shown by their number."""
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)
"""What a reader does not see although Unicode does not call it a format character; not U+FE0F, which makes emoji."""
_SAFE = re.compile(r"[^A-Za-z0-9._-]")
_ANCHOR_LIMIT = 120


@dataclass(frozen=True, slots=True)
class Piece(Generic[AnyStretch]):
    """A stretch of text under one set of spans, in the order in which they were given."""

    text: str
    spans: tuple[AnyStretch, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Text as it is printed; `name` says which invisible character it stands for, `breaks` that a line ends here."""

    text: str
    name: str = ""
    breaks: bool = False


def marked(text: str, spans: Sequence[AnyStretch]) -> list[Piece[AnyStretch]]:
    """Cut a text where spans start and end; the pieces add up to it.

    What a span says of characters that the text does not have is left out.
    """
    edges: dict[int, tuple[list[int], list[int]]] = {0: ([], []), len(text): ([], [])}
    for number, span in enumerate(spans):
        start, end = max(span.start, 0), min(span.end, len(text))
        if start < end:
            edges.setdefault(start, ([], []))[0].append(number)
            edges.setdefault(end, ([], []))[1].append(number)
    pieces, active, last = [], set[int](), 0
    for place in sorted(edges):
        if place > last:
            pieces.append(Piece(text[last:place], tuple(spans[number] for number in sorted(active))))
        starting, ending = edges[place]
        active.difference_update(ending)
        active.update(starting)
        last = place
    return pieces


def tone(verdict: str) -> str:
    """Whether a verdict is `good`, `bad` or `other`."""
    return "good" if verdict in GOOD else "bad" if verdict in BAD else "other"


def runs(text: str) -> tuple[Run, ...]:
    """A text with every invisible character set apart, in portions that can be printed."""
    if text.isprintable() and not _IGNORABLE.search(text):
        return tuple(Run(portion) for portion in _portions(text))
    return tuple(_runs(text))


def _runs(text: str) -> Iterator[Run]:
    start = 0
    for place, char in enumerate(text):
        shown = SIGNS.get(char) or _instead_of(char)
        if shown is None:
            continue
        yield from (Run(portion) for portion in _portions(text[start:place]))
        yield Run(shown, _name(char), breaks=char == "\n")
        start = place + 1
    yield from (Run(portion) for portion in _portions(text[start:]))


def _instead_of(char: str) -> str | None:
    if _IGNORABLE.match(char):
        return f"\\u{ord(char):04x}"
    shown = printable(char)
    return None if shown == char else shown


def _name(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip()


def _portions(text: str) -> Iterator[str]:
    if len(text) <= RUN_LIMIT:
        return iter((text,) if text else ())
    return (text[start : start + RUN_LIMIT] for start in range(0, len(text), RUN_LIMIT))


def anchor(identifier: str) -> str:
    """The fragment of a segment's permalink: its id in characters that are safe everywhere, different for each id."""
    safe = _SAFE.sub(lambda found: f"~{ord(found[0]):x}.", identifier)
    if len(safe) > _ANCHOR_LIMIT:
        safe = f"~-{digest(identifier.encode('utf-8', 'surrogatepass'))[:32]}"
    return f"s-{safe}"


def language(tables: Iterable[Mapping[str, str]], names: Iterable[str]) -> str:
    """The first language that one of the tables has by one of the names; empty where none is a language tag."""
    found = (table[name] for table in tables for name in names if name in table)
    return next((tag for tag in found if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag)), "")
