"""The canonical form of a token, and the strict one."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..readings import CANONICAL, STRICT, canonical, is_marks


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("March", "march"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("  twelve \t dollars\u00a0", "twelve dollars"),
        ("one sil four", "one four"),
        ("SIL", ""),
        ("silence", "silence"),
        ("cafe\u0301", "café"),
        ("año", "año"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("\u01f0", "\u01f0"),
    ],
)
def test_the_canonical_form(text, expected):
    assert canonical(text) == expected


def test_accents_stay():
    assert canonical("papá") != canonical("papa")


@given(st.text())
def test_the_canonical_form_of_a_canonical_form_is_itself(text):
    assert canonical(canonical(text)) == canonical(text)


def test_no_single_character_has_a_canonical_form_that_changes_again():
    letters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)
    assert [letter for letter in letters if canonical(canonical(letter)) != canonical(letter)] == []


@pytest.mark.parametrize("text", [".", "...", "¿", "«", "$", "€", "°", "+", "- -", "…"])
def test_punctuation_and_symbols_are_marks(text):
    assert is_marks(text)


@pytest.mark.parametrize("text", ["", " ", "a", "5", "$5", "a.", "º", "²", "\u0301"])
def test_letters_digits_and_nothing_are_no_marks(text):
    assert not is_marks(text)


def test_the_strict_form_is_the_text_and_silences_nothing():
    assert STRICT.form(" One sil  ") == " One sil  "
    assert not STRICT.is_silenced(".")
    assert CANONICAL.is_silenced(".")
