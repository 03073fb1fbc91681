"""The workload that is the same everywhere."""

from __future__ import annotations

import io
import subprocess
import sys
from itertools import islice

import pytest

from harness.timing import reference


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("saturday", "sunday", 3), ("flaw", "lawn", 2)],
)
def test_distances_are_those_of_the_textbooks(left, right, distance):
    assert reference.edit_distance(left, right) == distance


def test_words_are_counted_the_most_frequent_first():
    assert reference.count_words("b a, b 12 a b") == [("b", 3), ("a", 2), (",", 1), ("12", 1)]


def test_numbers_are_those_of_the_generator():
    """ranqd1 from seed 0, as printed in Numerical Recipes, second edition, page 284: 3C6EF35F 47502932 D1CCF6E9."""
    assert list(islice(reference.numbers(0), 3)) == [0x3C6E, 0x4750, 0xD1CC]


def test_a_unit_has_the_same_digest_everywhere():
    assert reference.unit() == reference.DIGEST
    prepared = reference.prepare()
    assert {reference.unit(prepared) for _ in range(3)} == {reference.DIGEST}


def test_sums_stay_within_what_floats_hold_exactly():
    matrix = reference.prepare().matrix
    assert abs(matrix).max() <= 32
    assert 32 * 32 * matrix.shape[0] * matrix.size < 2**53


def test_each_line_is_answered_with_a_digest():
    replies = io.BytesIO()
    reference.serve(io.BytesIO(b"one\n\ntwo\n"), replies)
    assert replies.getvalue().decode().splitlines() == [reference.DIGEST] * 3


def test_the_child_answers_line_by_line_and_ends_with_its_input():
    command = [sys.executable, "-m", "harness.timing.reference"]
    with subprocess.Popen(command, stdin=-1, stdout=-1) as child:
        for _ in range(2):
            child.stdin.write(b"go\n")
            child.stdin.flush()
            assert child.stdout.readline().decode() == f"{reference.DIGEST}\n"
        child.stdin.close()
        assert child.wait(10) == 0
