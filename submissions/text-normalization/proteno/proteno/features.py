"""What a tagger that learns weights may look at: the token, its shape, its letters, its neighbours.

What is seen of a token is the sum of what is seen at a few *views*: one token at an offset, or two neighbours
together. A view is a pure function of the tokens in it, so what was worked out for `of March` once is
known from then on.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

View = tuple[str, ...]
"""Where it looks, then the tokens that are there."""

CACHED = 1 << 16
"""Tokens that are remembered."""
EDGE = ""
"""The token before the first and after the last."""
_VOWELS = frozenset("aeiouáéíóúüàèìòù")
_LONG_WORD = 4
_SHORT_WORD = 7
_VALUES = ((0, "zero"), (12, "month"), (31, "day"), (59, "minute"), (99, "tens"), (999, "hundreds"))
_YEARS = ((1000, "thousand"), (1500, "old-year"), (1900, "year"), (2000, "new-year"), (2030, "beyond"))


def views(tokens: Sequence[str], at: int) -> Iterator[View]:
    """The views of a token. Long words in lower case are looked at alone: they are themselves wherever they stand."""
    token = tokens[at]
    yield ("0", token)
    if token.islower() and len(token) > _LONG_WORD:
        return
    far_left, left, right, far_right = (
        tokens[near] if 0 <= near < len(tokens) else EDGE for near in (at - 2, at - 1, at + 1, at + 2)
    )
    yield ("-1", left)
    yield ("+1", right)
    yield ("-2", far_left)
    yield ("+2", far_right)
    yield ("-1,0", left, token)
    yield ("0,+1", token, right)
    yield ("-1,+1", left, right)
    yield ("-2,-1", far_left, left)
    yield ("+1,+2", right, far_right)


def attributes(view: View) -> tuple[str, ...]:
    """What is seen there: names, each of which has a weight for each label."""
    where, *tokens = view
    if len(tokens) == 1:
        return _own(tokens[0]) if where == "0" else tuple(f"{where} {one}" for one in _near(tokens[0]))
    (left, left_shape), (right, right_shape) = map(_outline, tokens)
    return (
        f"{where} {left} {right}",
        f"{where} {left_shape} {right_shape}",
        f"{where} {left_shape} {right}",
        f"{where} {left} {right_shape}",
    )


def shape(token: str) -> str:
    """Capitals as A, small letters as a, digits as 9; runs of more than four letters are cut, marks stay."""
    kinds = ("A" if char.isupper() else "a" if char.isalpha() else "9" if char.isdecimal() else char for char in token)
    found = ""
    for kind in kinds:
        if kind == "9" or not found.endswith(kind * _LONG_WORD):
            found += kind
    return found


def value(token: str) -> str:
    """A rough size for a number, by what it could be: a day, a year; empty for anything else."""
    if not (token.isascii() and token.isdecimal()):
        return ""
    number = int(token)
    small = next((name for limit, name in _VALUES if number <= limit), None)
    return small or next((name for least, name in reversed(_YEARS) if number >= least), "")


@lru_cache(CACHED)
def _outline(token: str) -> tuple[str, str]:
    return token.lower(), shape(token)


@lru_cache(CACHED)
def _near(token: str) -> tuple[str, ...]:
    size = value(token)
    return (f"w={token.lower()}", f"s={shape(token)}", *([f"v={size}"] if size else []))


@lru_cache(CACHED)
def _own(token: str) -> tuple[str, ...]:
    return tuple(f"0 {one}" for one in _inside(token))


def _inside(token: str) -> Iterator[str]:
    yield "bias"
    yield from _near(token)
    yield f"W={token}"
    yield f"n={min(len(token), _SHORT_WORD)}"
    if token.isdecimal():
        yield f"zero={token.startswith('0')} {len(token)}"
        yield f"ends={token[-2:]}"
        yield f"begins={token[:2]} {len(token)}"
        return
    low = token.lower()
    for length in (1, 2, 3):
        yield f"p={low[:length]}"
        yield f"e={low[-length:]}"
    if token.isalpha():
        yield f"known={token.islower()} {token.istitle()} {token.isupper()}"
    if token.isalpha() and len(token) < _SHORT_WORD:
        yield f"cv={''.join('v' if char in _VOWELS else 'c' for char in low)} {shape(token)}"
        for first, second in pairwise(f"<{low}>"):
            yield f"b={first}{second} {token.isupper()}"
