"""Find terms in text: where a term stands, and how many terms have places of their own.

Text is compared token by token after NFC, without zero-width characters, case-folded, as surface
form or as lemma. Positions are code points of the *original* text, so that they can be shown.

A term may stand, by the target language:

* `token`  only between token boundaries;
* `edge`   also at the start or the end of a token if it has four letters or more, because
           compounding languages write "Blutdruck" inside "Blutdruckmessgerät";
* `free`   anywhere, for scripts that do not separate words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from .lemmas import lemma

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Boundary = Literal["token", "edge", "free"]
Span = tuple[int, int]
"""`[start, end)` in code points of the original text."""

UNSEGMENTED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
COMPOUNDING = frozenset(
    ["af", "da", "de", "et", "eu", "fi", "fo", "hu", "is", "lb", "nb", "nl", "nn", "no", "sv", "tr"]
)
EDGE_LETTERS = 4
EXACT_UP_TO = 12
"""Terms that compete for the same places are placed exactly up to this many, else greedily."""

_WORDS = re.compile(r"\w+|[^\w\s]")
_CHARACTERS = re.compile(r"\S")
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))


def boundary(language: str) -> Boundary:
    """Where a term may stand in a language."""
    if language in UNSEGMENTED:
        return "free"
    return "edge" if language in COMPOUNDING else "token"


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its case-folded surface form and lemma, and where it stands in the original text.

    `origin[i]` is the span of what character i of `surface` was made of, which is not one code
    point where normalising or folding changed the number of characters.
    """

    surface: str
    lemma: str
    origin: tuple[Span, ...]

    @property
    def start(self) -> int:
        """The first code point."""
        return self.origin[0][0]

    @property
    def end(self) -> int:
        """Behind the last code point."""
        return self.origin[-1][1]

    def forms(self, *, lemmas: bool) -> tuple[str, ...]:
        """The forms by which it can be recognised."""
        return (self.surface, self.lemma) if lemmas and self.lemma != self.surface else (self.surface,)


@lru_cache(maxsize=1 << 13)
def tokenize(text: str, language: str) -> tuple[Token, ...]:
    """Tokens of a text: words and single punctuation marks, or characters where words are unmarked."""
    normal, origin = _normalise(text)
    pattern = _CHARACTERS if language in UNSEGMENTED else _WORDS
    return tuple(
        Token(
            found.group().casefold(),
            lemma(found.group(), language).casefold(),
            tuple(origin[place] for place in range(*found.span()) for _ in normal[place].casefold()),
        )
        for found in pattern.finditer(normal)
    )


def _normalise(text: str) -> tuple[str, Sequence[Span]]:
    """NFC without zero-width characters, and what each character was made of in the original."""
    pieces: list[str] = []
    origin: list[Span] = []
    for start, cluster in _clusters(text):
        piece = unicodedata.normalize("NFC", cluster).translate(_ZERO_WIDTH)
        pieces.append(piece)
        origin += [(start, start + len(cluster))] * len(piece)
    return "".join(pieces), origin


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Split before every character that starts a new composition: each piece normalises alone."""
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or not _continues(text[position]):
            yield start, text[start:position]
            start = position


def _continues(char: str) -> bool:
    """Combining marks and Hangul vowels and finals may compose with what stands before them."""
    return unicodedata.combining(char) != 0 or "\u1160" <= char <= "\u11ff"


def find(term: str, text: str, language: str, *, lemmas: bool) -> list[Span]:
    """Every place of a term in a text, in order of its end; overlapping places included."""
    wanted = tokenize(term, language)
    tokens = tokenize(text, language)
    edges = boundary(language) == "edge" and sum(char.isalpha() for char in term) >= EDGE_LETTERS
    spans: set[Span] = set()
    for first in range(len(tokens) - len(wanted) + 1 if wanted else 0):
        window = tokens[first : first + len(wanted)]
        spans |= _places(wanted, window, lemmas=lemmas, edges=edges)
    return sorted(spans, key=by_end)


def by_end(span: Span) -> tuple[int, int]:
    """The order of candidates: earliest end first."""
    return (span[1], span[0])


def _places(wanted: Sequence[Token], window: Sequence[Token], *, lemmas: bool, edges: bool) -> set[Span]:
    """The spans of a term in a window of as many tokens: none, one, or both edges of a compound."""
    if not all(_same(a, b, lemmas=lemmas) for a, b in zip(wanted[1:-1], window[1:-1], strict=True)):
        return set()
    first, last = window[0], window[-1]
    if len(wanted) == 1:
        if _same(wanted[0], first, lemmas=lemmas):
            return {(first.start, first.end)}
        if not edges:
            return set()
        ends = (_tail(wanted[0], first, lemmas=lemmas), _head(wanted[0], first, lemmas=lemmas))
        tail = {(ends[0], first.end)} if ends[0] is not None else set()
        head = {(first.start, ends[1])} if ends[1] is not None else set()
        return tail | head
    start = first.start if _same(wanted[0], first, lemmas=lemmas) else None
    end = last.end if _same(wanted[-1], last, lemmas=lemmas) else None
    if edges:
        start = _tail(wanted[0], first, lemmas=lemmas) if start is None else start
        end = _head(wanted[-1], last, lemmas=lemmas) if end is None else end
    return set() if start is None or end is None else {(start, end)}


def _same(wanted: Token, token: Token, *, lemmas: bool) -> bool:
    forms = token.forms(lemmas=lemmas)
    return any(form in forms for form in wanted.forms(lemmas=lemmas))


def _tail(wanted: Token, token: Token, *, lemmas: bool) -> int | None:
    """Where the term starts in a token that ends with it, or None."""
    for form in token.forms(lemmas=lemmas):
        for ending in wanted.forms(lemmas=lemmas):
            if form.endswith(ending):
                return token.origin[min(len(form) - len(ending), len(token.surface) - 1)][0]
    return None


def _head(wanted: Token, token: Token, *, lemmas: bool) -> int | None:
    """Where the term ends in a token that starts with it, or None."""
    for form in token.forms(lemmas=lemmas):
        for beginning in wanted.forms(lemmas=lemmas):
            if form.startswith(beginning):
                return token.origin[min(len(beginning), len(token.surface)) - 1][1]
    return None


def outermost(candidates: Sequence[Sequence[Span]]) -> list[Span | None]:
    """For each term its first span that lies inside no longer span of another term.

    None for a term all of whose occurrences are parts of longer terms ("blood" where the text
    only says "blood pressure"), and for a term without occurrence.
    """
    spans = {span for places in candidates for span in places}
    return [next((span for span in places if not _is_inside(span, spans)), None) for places in candidates]


def _is_inside(span: Span, others: set[Span]) -> bool:
    return any(a <= span[0] and span[1] <= b and (a, b) != span for a, b in others)


def place(candidates: Sequence[Sequence[Span]]) -> list[Span | None]:
    """Give as many terms as possible a span of their own, no two of which overlap.

    `candidates` holds the possible spans of each term, in the order of `find`; the result holds
    one of them or None, and has the largest possible number of spans. Terms that do not compete
    are placed apart. Groups of more than EXACT_UP_TO competing terms are placed greedily by
    earliest end, which is a lower bound.
    """
    placed: list[Span | None] = [None] * len(candidates)
    for group in _competing(candidates):
        places = {term: candidates[term] for term in group}
        chosen = _exact(places) if len(group) <= EXACT_UP_TO else _greedy(places)
        for term, span in chosen.items():
            placed[term] = span
    return placed


def _competing(candidates: Sequence[Sequence[Span]]) -> list[list[int]]:
    """Group the terms that have overlapping spans, directly or through others."""
    spans = sorted((span, term) for term, places in enumerate(candidates) for span in places)
    group_of = list(range(len(candidates)))

    def root(term: int) -> int:
        while group_of[term] != term:
            term = group_of[term]
        return term

    reach, holder = -1, -1
    for (start, end), term in spans:
        if start < reach:
            group_of[max(root(term), root(holder))] = min(root(term), root(holder))
        if end > reach:
            reach, holder = end, term
    groups: dict[int, list[int]] = {}
    for term, places in enumerate(candidates):
        if places:
            groups.setdefault(root(term), []).append(term)
    return list(groups.values())


def _exact(places: dict[int, Sequence[Span]]) -> dict[int, Span]:
    """Maximum placement: for each set of terms, the earliest end at which all of it can be placed.

    Any disjoint placement can be read from left to right, so extending the earliest end by the
    earliest-ending span that starts behind it loses nothing.
    """
    best: dict[frozenset[int], tuple[int, dict[int, Span]]] = {frozenset(): (0, {})}
    layer = [frozenset[int]()]
    while layer:
        following: dict[frozenset[int], tuple[int, dict[int, Span]]] = {}
        for done in layer:
            end, chosen = best[done]
            for term, spans in places.items():
                span = next((span for span in spans if span[0] >= end), None) if term not in done else None
                if span is None:
                    continue
                grown = done | {term}
                if grown not in following or span[1] < following[grown][0]:
                    following[grown] = (span[1], {**chosen, term: span})
        best |= following
        if not following:
            return best[layer[0]][1]
        layer = list(following)
    return {}


def _greedy(places: dict[int, Sequence[Span]]) -> dict[int, Span]:
    chosen: dict[int, Span] = {}
    reach = 0
    by_end = sorted((end, start, term) for term, spans in places.items() for start, end in spans)
    for end, start, term in by_end:
        if term not in chosen and start >= reach:
            chosen[term] = (start, end)
            reach = end
    return chosen
