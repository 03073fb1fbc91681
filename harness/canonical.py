"""Canonical JSON (RFC 8785), so that equal facts have equal bytes and one sha256.

Keys are sorted by UTF-16 code units, nothing is escaped that need not be, and floats are written
as ECMAScript writes them: the shortest digits that read back to the same number.
"""

from __future__ import annotations

import hashlib
import json
import math


def encode(value: object) -> bytes:
    """Canonical bytes of a JSON value. Raises ValueError for NaN and infinity, TypeError otherwise."""
    return _text(value).encode("utf-8")


def digest(content: bytes) -> str:
    """The sha256 of some bytes, in lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def _text(value: object) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return str(value)
        case float():
            return number(value)
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
        case dict():
            items = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
            return "{" + ",".join(f"{_text(key)}:{_text(item)}" for key, item in items) + "}"
    message = f"not a JSON value: {type(value).__name__}"
    raise TypeError(message)


def number(value: float) -> str:
    """A float as ECMAScript's Number::toString writes it."""
    if not math.isfinite(value):
        message = f"JSON has no {value}"
        raise ValueError(message)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}e0".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    power = int(exponent.split("e", maxsplit=1)[0]) + len(whole)
    digits = (whole + fraction).lstrip("0")
    power -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    return sign + _place_point(digits, power)


def _place_point(digits: str, power: int) -> str:
    """Write 0.DIGITS * 10^power: the rule of ECMA-262, section Number::toString."""
    count = len(digits)
    if count <= power <= 21:  # noqa: PLR2004 - the limits are the standard's
        return digits + "0" * (power - count)
    if 0 < power <= 21:  # noqa: PLR2004
        return f"{digits[:power]}.{digits[power:]}"
    if -6 < power <= 0:  # noqa: PLR2004
        return f"0.{'0' * -power}{digits}"
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{tail}e{power - 1:+d}"
