"""Read a pickle that holds lists of strings, and nothing else.

A pickle is a program. Before it runs it is read instruction by instruction, and refused for the first
one that lists of strings do not need: no global, no call, no object. There is one exception, because
one official file holds it: strings of NumPy, which are the call `scalar(dtype, bytes)`. The two names
are looked up here and nowhere else, and they mean a function and a class of this module. Any other
name is refused, and NumPy is not imported.

Sizes are limited: bytes before anything is read, instructions before any of them runs, and items before
anybody walks through them, because a list may hold one other list a million times.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from typing import TYPE_CHECKING, Any

from harness.api import Findings, open_beneath

if TYPE_CHECKING:
    from pathlib import Path

NEXT = "harness import proteno SOURCE"
PROTOCOL = 4
MOST_BYTES = 16 * 1024 * 1024
MOST_INSTRUCTIONS = 4_000_000
MOST_ITEMS = 4_000_000
_LISTS_OF_STRINGS = {
    *("PROTO", "FRAME", "STOP", "MARK", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("SHORT_BINUNICODE", "BINUNICODE", "MEMOIZE", "BINGET", "LONG_BINGET"),
}
_STRINGS_OF_NUMPY = {
    *("STACK_GLOBAL", "REDUCE", "BUILD", "TUPLE", "TUPLE2", "TUPLE3"),
    *("NONE", "NEWTRUE", "NEWFALSE", "BININT1", "BININT2", "SHORT_BINBYTES", "BINBYTES"),
}
_INSTRUCTIONS = _LISTS_OF_STRINGS | _STRINGS_OF_NUMPY


class Dtype:
    """Stands in for `numpy.dtype`: a code such as `U10`, then a state that holds the order of bytes."""

    def __init__(self, code: str, align: bool, copy: bool) -> None:  # noqa: ARG002, FBT001 - as NumPy writes them
        self.code = code
        self.order = ""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]


def scalar(dtype: Dtype, content: bytes) -> str:
    """Stands in for `numpy.core.multiarray.scalar`: a little-endian string, padded with NUL.

    Raises ValueError for any other kind of scalar, and AttributeError for what is no dtype.
    """
    if not re.fullmatch(r"U[0-9]{1,4}", dtype.code) or dtype.order != "<":
        message = "it holds a NumPy scalar that is no little-endian string"
        raise ValueError(message)
    return content.decode("utf-32-le").rstrip("\0")


_NAMES = {
    ("numpy", "dtype"): Dtype,
    ("numpy.core.multiarray", "scalar"): scalar,
    ("numpy._core.multiarray", "scalar"): scalar,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - a class or a function
        if (module, name) not in _NAMES:
            message = f"it asks for {module[:60]}.{name[:60]}, which is never looked up"
            raise ValueError(message)
        return _NAMES[module, name]


def load(folder: Path, name: str) -> list[str] | list[list[str]]:
    """The list of strings, or of lists of strings, that a file of the folder holds.

    Raises InvalidInput: S0xx if it is no regular file, else G020 with the first fault.
    """
    findings = Findings(str(folder / name), NEXT)
    with open_beneath(folder, name) as stream:
        content = stream.read(MOST_BYTES + 1)
    value: Any = None
    try:
        _check_program(content)
        value = _Unpickler(io.BytesIO(content)).load()
        _check_lists(value)
    except Exception as error:  # noqa: BLE001 - a broken program may fail in any way, and none of them is ours
        findings.add("G020", what=f"not a pickle of lists of strings: {str(error) or type(error).__name__}")
    findings.check()
    return value  # type: ignore[no-any-return] # as _check_lists found


def _check_program(content: bytes) -> None:
    """Raise ValueError for a pickle that is too large or has an instruction that is not on the list."""
    if len(content) > MOST_BYTES:
        message = f"it is larger than {MOST_BYTES} bytes"
        raise ValueError(message)
    for number, (instruction, argument, place) in enumerate(pickletools.genops(content)):
        if instruction.name not in _INSTRUCTIONS:
            message = f"it holds the instruction {instruction.name} at byte {place}"
            raise ValueError(message)
        if instruction.name == "PROTO" and argument != PROTOCOL:
            message = f"it has protocol {argument}, expected {PROTOCOL}"
            raise ValueError(message)
        if number >= MOST_INSTRUCTIONS:
            message = f"it holds more than {MOST_INSTRUCTIONS} instructions"
            raise ValueError(message)


def _check_lists(value: object) -> None:
    """Raise ValueError for what is no list of strings and no list of lists of strings."""
    if not isinstance(value, list):
        message = f"it holds one object of type {type(value).__name__}"
        raise ValueError(message)  # noqa: TRY004 - a fault of data
    lists = [item for item in value if isinstance(item, list)]
    if sum(map(len, lists)) > MOST_ITEMS:
        message = f"it holds more than {MOST_ITEMS} tokens"
        raise ValueError(message)
    strings = [token for item in lists for token in item] if lists else value
    if (lists and len(lists) != len(value)) or not all(isinstance(string, str) for string in strings):
        message = "an item is neither a string nor a list of strings, or they are mixed"
        raise ValueError(message)
    if any(not string.isascii() and re.search("[\ud800-\udfff]", string) for string in strings):
        message = "a string holds half a surrogate pair, which is no character"
        raise ValueError(message)
