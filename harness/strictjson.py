"""Strict JSON: one value from one text, or the reason why not.

On top of RFC 8259: no duplicate keys, no NaN or infinity (also not by overflow, `1e999`), no
integer of more than 18 digits, at most 64 nested brackets, no lone surrogate.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from harness.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH = 64
INTEGER_DIGITS = 18
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Refused(ValueError):
    """Why a text is refused: a code of the catalogue and the facts of its wording."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def parse(text: str) -> Any:  # noqa: ANN401 - JSON is any
    """Parse one JSON value.

    Raises Refused with S013 (lone surrogate), S030 (depth), S031 (duplicate key), S033 (number)
    or S035 (syntax).
    """
    _check_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Refused(
            "S035", what=error.msg.split(":", maxsplit=1)[0].removesuffix(" at").lower(), char=error.pos + 1
        ) from None
    if "\\u" in text and any(_SURROGATE.search(string) for string in strings(value)):
        byte = len(text[: _lone_surrogate(text)].encode("utf-8")) + 1
        raise Refused("S013", what="a lone surrogate escape, which is no character,", byte=byte)
    return value


def _lone_surrogate(text: str) -> int:
    """Where the first escaped surrogate without its partner stands in valid JSON."""
    high = -1  # where an unpaired high surrogate stands that may still find its partner
    for escape in _ESCAPE.finditer(text):
        is_next = high >= 0 and escape.start() == high + len(r"\ud800")
        code = int(escape[1], 16) if escape[1] else 0
        if high >= 0 and not (is_next and 0xDC00 <= code <= 0xDFFF):  # noqa: PLR2004 - low surrogates
            return high
        if high < 0 and 0xDC00 <= code <= 0xDFFF:  # noqa: PLR2004
            return escape.start()
        high = escape.start() if 0xD800 <= code <= 0xDBFF else -1  # noqa: PLR2004 - high surrogates
    return max(high, 0)


def strings(value: object) -> Iterator[str]:
    """Every string in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEPTH:
        return  # cannot be deeper than it has brackets
    depth = deepest = 0
    for char in _STRING.sub("", text):
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    if deepest > DEPTH:
        raise Refused("S030", found=deepest, expected=DEPTH)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Refused("S031", key=f"'{printable(key)}'")
            seen.add(key)
    return value


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > INTEGER_DIGITS:
        raise Refused("S033", what=printable(digits, 30))
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Refused("S033", what=printable(digits, 30))
    return value


def _constant(name: str) -> float:
    raise Refused("S033", what=name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant, strict=True
)
