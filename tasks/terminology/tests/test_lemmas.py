"""Lemmas come from simplemma, in the languages for which it ships data."""

from __future__ import annotations

from importlib.metadata import files, version

import pytest

from ..lemmas import LANGUAGES, lemma, signature


def test_the_languages_are_those_that_simplemma_ships():
    data = [file for file in files("simplemma") or () if file.parent.name == "data" and file.suffix != ".py"]
    assert {file.name.split(".")[0] for file in data if file.name[0] != "_"} == LANGUAGES


@pytest.mark.parametrize(
    ("word", "language", "expected"),
    [("drugs", "en", "drug"), ("Häuser", "de", "Haus"), ("plaies", "fr", "plaie"), ("Reisen", "de", "Reise")],
)
def test_a_word_form_has_a_lemma(word, language, expected):
    assert lemma(word, language) == expected


def test_upper_and_lower_case_are_different_words():
    assert lemma("Reisen", "de") != lemma("reisen", "de")


@pytest.mark.parametrize(("word", "language"), [("xyzzy", "en"), ("mice", "zh"), ("mice", "")])
def test_a_word_without_lemma_stands_for_itself(word, language):
    assert lemma(word, language) == word


def test_the_signature_names_the_version_or_says_none():
    assert signature("de") == f"simplemma-{version('simplemma')}"
    assert signature("zh") == signature("") == "none"
