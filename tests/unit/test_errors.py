"""Text of other people enters messages escaped, as far as it must be."""

from __future__ import annotations

import pytest

from harness.errors import printable


@pytest.mark.parametrize("text", ["a b", "a\u00a0b", "a\u3000b", "Größe", "漢字", "😀"])
def test_what_can_be_seen_stays_as_it_is_blanks_included(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("char", "shown"),
    [
        ("\n", r"\x0a"),
        ("\x85", r"\x85"),
        ("\u200b", r"\u200b"),
        ("\u2028", r"\u2028"),
        ("\u2029", r"\u2029"),
        ("\ud800", r"\ud800"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_cannot_be_seen_or_breaks_a_line_is_escaped(char, shown):
    assert printable(f"a{char}b") == f"a{shown}b"
