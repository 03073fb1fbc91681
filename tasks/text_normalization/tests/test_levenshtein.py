"""The edit distance, by examples and against the table of the textbook."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ..levenshtein import distance

WORDS = st.lists(st.sampled_from("abcde"), max_size=40)


def by_the_table(first, second):
    """The definition: the cheapest way into each cell, row by row."""
    above = list(range(len(second) + 1))
    for number, word in enumerate(first, start=1):
        row = [number]
        for column, other in enumerate(second, start=1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (word != other)))
        above = row
    return above[-1]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", 0),
        ("", "one two", 2),
        ("one two", "", 2),
        ("one two three", "one two three", 0),
        ("one two three", "one three", 1),
        ("one three", "one two three", 1),
        ("one two three", "one four three", 1),
        ("twelve dollars", "$ 12 .", 3),
        ("a b", "b a", 2),
        ("a a a", "a", 2),
        ("one", "two", 1),
    ],
)
def test_it_counts_words_inserted_deleted_and_replaced(first, second, expected):
    assert distance(first.split(), second.split()) == expected


@settings(max_examples=500)
@given(WORDS, WORDS)
def test_it_is_that_of_the_table(first, second):
    assert distance(first, second) == by_the_table(first, second)


@given(st.lists(st.sampled_from("ab"), min_size=60, max_size=140), st.lists(st.sampled_from("ab"), max_size=140))
@settings(max_examples=50)
def test_it_is_that_of_the_table_for_more_words_than_a_machine_word_has_bits(first, second):
    assert distance(first, second) == by_the_table(first, second)


@given(WORDS, WORDS)
def test_it_is_the_same_both_ways(first, second):
    assert distance(first, second) == distance(second, first)


def test_a_flood_of_words_against_a_short_reference_takes_no_time_worth_noting():
    flood = [f"word{number % 7}" for number in range(30_000)]
    started = time.perf_counter()
    assert distance(flood, ["a", "word3", "b"]) == 29_999
    assert time.perf_counter() - started < 1
