"""Canonical JSON as RFC 8785 has it."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import canonical

NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}
"""Appendix B of the RFC: IEEE 754 bits and their text."""


@pytest.mark.parametrize(("bits", "expected"), NUMBERS.items())
def test_a_number_is_written_as_ecmascript_writes_it(bits, expected):
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical.number(value) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_json_has_no_such_number(value):
    with pytest.raises(ValueError, match="JSON has no"):
        canonical.encode({"key": [value]})


def test_keys_are_sorted_by_utf_16_code_units_as_in_the_rfc():
    keys = ["€", "\r", "\ufb33", "1", "😀", "\x80", "ö"]
    found = list(json.loads(canonical.encode(dict.fromkeys(keys))))
    assert found == ["\r", "1", "\x80", "ö", "€", "😀", "\ufb33"]
    assert sorted(keys) != found, "code points would sort the emoji last"


def test_the_example_of_the_rfc():
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27],
        "string": '€$\x0f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    text = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical.encode(value) == text.encode()


def test_only_what_must_be_escaped_is_escaped():
    assert canonical.encode('\b\t\n\f\r"\\/\x1f\x7fü😀') == '"\\b\\t\\n\\f\\r\\"\\\\/\\u001f\x7fü😀"'.encode()


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object()])
def test_what_is_no_json_value_is_refused(value):
    with pytest.raises(TypeError, match="not a JSON value"):
        canonical.encode([value])


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(VALUES)
def test_what_is_written_reads_back_equal(value):
    """To a reader for whom, as in ECMAScript, every number is a double."""
    assert json.loads(canonical.encode(value), parse_int=float) == value


@given(VALUES)
def test_reading_and_writing_again_changes_no_byte(value):
    content = canonical.encode(value)
    assert canonical.encode(json.loads(content)) == content


@given(st.dictionaries(TEXT, SCALARS, min_size=2))
def test_the_order_in_which_keys_came_does_not_matter(table):
    assert canonical.encode(dict(reversed(table.items()))) == canonical.encode(table)
