"""The words of a text in both views, and where they stand in the original."""

from __future__ import annotations

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..words import is_blank, located, official, strict

LETTERS = "aeéÉß한\u0130\u0131\u03a3\u03c3\u212a\u1112\u1161\u11ab"
MARKS = " '.,_*«»।؟¿\u2019\u02bc\u0301\u0308\u0323\u00a0\u00ad\u200b\u200d\u2028\ufeff"
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(LETTERS + MARKS)))


class TestOfficial:
    def test_each_ascii_punctuation_character_splits(self):
        assert len(string.punctuation) == 32
        for char in string.punctuation:
            assert official(f"A{char}b") == {"a", "b"}

    @pytest.mark.parametrize("char", "«»“”\u2019…\u2013¿،؟।€")
    def test_no_other_character_but_white_space_does(self, char):
        assert official(f"a{char}b c\u00a0d") == {f"a{char}b", "c", "d"}

    def test_nothing_is_normalised(self):
        assert official("é") != official("e\u0301")


class TestStrict:
    @pytest.mark.parametrize(
        "char", [*string.punctuation, *"«»“”\u2018\u2019…\u2013—¿¡،؟।·„\u2039\u203a。、\u02bc\u00a0\u202f\u2028"]
    )
    def test_every_punctuation_mark_and_every_white_space_splits(self, char):
        assert strict(f"A{char}b") == {"a", "b"}

    @pytest.mark.parametrize("char", ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u202a"])
    def test_what_has_no_width_vanishes(self, char):
        assert strict(f"{char}a{char}b{char}") == {"ab"}

    @pytest.mark.parametrize("char", "€°≠™")
    def test_a_symbol_outside_ascii_stays_glued(self, char):
        assert strict(f"a{char}b") == {f"a{char}b"}

    def test_composed_and_decomposed_letters_are_the_same(self):
        assert strict("MÉDICA") == strict("me\u0301dica") == {"m\u00e9dica"}

    def test_what_has_no_width_does_not_keep_a_letter_from_its_mark(self):
        assert strict("e\u200d\u0301l") == {"\u00e9l"}

    def test_a_sign_and_its_stroke_are_one_symbol_in_either_form(self):
        assert strict("a≠b") == strict("a=\u0338b") == {"a≠b"}

    def test_a_letter_that_is_composed_in_lower_case_only_is_composed(self):
        assert strict("T\u0308") == strict("\u1e97") == {"\u1e97"}

    def test_a_final_sigma_is_that_of_its_own_word(self):
        assert strict("ΔΕΣ.ΔΕ") == {"δες", "δε"}  # and not δεσ, as before a letter

    def test_a_text_of_marks_and_spaces_has_no_word(self):
        assert strict(" … \u200b — ") == frozenset()

    @given(TEXTS)
    def test_the_form_of_the_input_does_not_matter(self, text):
        for form in ("NFC", "NFD"):
            assert strict(unicodedata.normalize(form, text)) == strict(text)


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Die Ärztin lacht.", ["Die", "Ärztin", "lacht"]),
            ("(«Ärztin»,", ["Ärztin"]),
            ("L\u2019infirmière", ["L", "infirmière"]),
            ("die A\u0308rztin.", ["die", "A\u0308rztin"]),
            ("Ärzt\u00adin", ["Ärzt\u00adin"]),
            ("eine\u00a0Ärztin", ["eine", "Ärztin"]),
            ("वह आई\u0964", ["वह", "आई"]),
            ("\u1112\u1161\u11ab a", ["\u1112\u1161\u11ab", "a"]),
            ("İ x", ["İ", "x"]),
            ("", []),
            (" . ", []),
        ],
    )
    def test_a_word_is_cut_out_of_the_original_text(self, text, expected):
        assert [text[word.start : word.end] for word in located(text)] == expected

    @given(TEXTS)
    def test_the_words_with_a_place_are_the_words_that_count(self, text):
        assert {word.text for word in located(text)} == strict(text)

    @given(TEXTS)
    def test_places_lie_in_the_text_in_order_and_hold_their_word(self, text):
        end = 0
        for word in located(text):
            assert end <= word.start < word.end <= len(text)
            assert word.text in strict(text[word.start : word.end])
            end = word.end


class TestBlank:
    @pytest.mark.parametrize("text", ["", " ", "\t\n", "\u00a0", "\u200b", " \ufeff \u2060"])
    def test_nothing_to_see_is_blank(self, text):
        assert is_blank(text)

    @pytest.mark.parametrize("text", ["a", ".", "…", "\u0301"])
    def test_a_mark_is_something_to_see(self, text):
        assert not is_blank(text)
