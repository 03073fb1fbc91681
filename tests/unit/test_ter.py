"""TER by hand."""

from __future__ import annotations

import math

import pytest

from harness.api import Request, Segment, Totals
from harness.api import TestSet as ATestSet
from harness.metrics import SHARED, ter
from harness.score import corpus_totals

METRIC = SHARED["ter"]


def build(*references, digest=None):
    segments = tuple(Segment(f"s{n}", (Request(f"s{n}", "", tuple(own)),), "b") for n, own in enumerate(references))
    return ATestSet("t", "toy", segments, {}, digest or repr(references))


def rows(outputs, *references):
    return METRIC.statistics(build(*references), {f"s{n}": text for n, text in enumerate(outputs)}).rows.tolist()


@pytest.mark.parametrize(
    ("output", "reference", "edits"),
    [
        pytest.param("a b c d", "a b c d", 0, id="equal"),
        pytest.param("a b d", "a b c d", 1, id="a word is missing"),
        pytest.param("a b x c d", "a b c d", 1, id="a word too many"),
        pytest.param("a b x d", "a b c d", 1, id="another word"),
        pytest.param("e f a b c d", "a b c d e f", 1, id="a stretch of two words moved: one edit, not four"),
        pytest.param("c d e f g h a b", "a b c d e f g h", 1, id="however long and far"),
        pytest.param("b a d c", "a b c d", 2, id="two shifts"),
        pytest.param("c d a x", "a b c d", 2, id="a shift and a replacement"),
        pytest.param("", "a b c", 3, id="empty output"),
        pytest.param("a b c", "", 3, id="empty reference"),
        pytest.param("", "", 0, id="both empty"),
        pytest.param("A B", "a b", 0, id="case does not count"),
        pytest.param("a b.", "a b .", 2, id="punctuation stays on its word"),
        pytest.param("  a\nb\u3000", "a b", 0, id="white space does not count"),
    ],
)
def test_edits_by_hand(output, reference, edits):
    assert rows([output], [reference]) == [[edits, len(reference.split())]]


def test_a_stretch_moves_fifty_words_and_no_further():
    def moved(distance):
        rest = [f"w{n}" for n in range(distance)]
        return ter.edits([*rest, "a"], ["a", *rest], ter.Work(ter.BUDGET))

    assert (moved(50), moved(51)) == (1, 2)


def test_a_stretch_has_at_most_ten_words():
    def moved(size):
        stretch, rest = [f"a{n}" for n in range(size)], [f"b{n}" for n in range(20)]
        return ter.edits([*rest, *stretch], [*stretch, *rest], ter.Work(ter.BUDGET))

    assert (moved(10), moved(11)) == (1, 2)


def test_with_several_references_the_fewest_edits_count_and_the_mean_length():
    assert rows(["a b c"], ["a b c d", "x y"]) == [[1, 3]]
    assert rows(["a b c"], ["a b c d", "x y z"]) == [[1, 3.5]]
    assert rows(["a", "a"], ["a b", "c"], ["a"]) == [[1, 1.5], [0, 1]]


def test_lengths_of_three_references_are_the_nearest_floats():
    assert rows(["a"], ["a", "a", "a b"]) == [[0, 4 / 3]]


def test_the_value_is_a_percentage():
    test_set = build(["a b c d"], ["a b c d"])
    statistics = METRIC.statistics(test_set, {"s0": "a b x d", "s1": "d a b c"})
    assert METRIC.value(corpus_totals(statistics)) == 25.0


def test_more_edits_than_words_are_more_than_100_points():
    assert value(edits=3, length=2) == 150.0


def value(*, edits, length):
    import numpy as np

    return METRIC.value(Totals(ter.COLUMNS, np.array([edits, length])))


def test_without_reference_words_any_edit_is_100_points_as_in_sacrebleu():
    """There is nothing to divide by; the official scorer says 100, or 0 without edits, and never nan."""
    assert (value(edits=7, length=0), value(edits=0, length=0)) == (100.0, 0.0)
    assert not math.isnan(value(edits=0, length=0))


def test_a_request_without_reference_is_an_error_and_not_a_score():
    with pytest.raises(ValueError, match="request s1 has no reference"):
        METRIC.statistics(build(["a"], []), {"s0": "a", "s1": "a"})


def test_requests_of_one_segment_are_summed():
    requests = (Request("p", "", ("a b",)), Request("q", "", ("a b", "c")))
    test_set = ATestSet("t", "toy", (Segment("s", requests, "b"),), {}, "pair")
    assert METRIC.statistics(test_set, {"p": "a", "q": "c"}).rows.tolist() == [[1, 3.5]]


def test_what_takes_too_much_work_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(ter, "BUDGET", 1000)
    message = r"^segment s1: 40 words against 50 need more than 1000 cells of work; TER is not computed$"
    outputs = {"s0": "a b", "s1": " ".join(map(str, range(40, 0, -1)))}
    with pytest.raises(ValueError, match=message):
        METRIC.statistics(build(["a b"], ["1", " ".join(map(str, range(50)))]), outputs)


def test_work_is_counted_and_not_timed():
    """Three rows of three cells, twice: once for the output, once for the shift that is taken."""
    spent = []
    for _ in range(2):
        work = ter.Work(ter.BUDGET)
        assert ter.edits(["b", "c", "a"], ["a", "b", "c"], work) == 1
        spent.append(ter.BUDGET - work.left)
    assert spent[0] == spent[1] > 18
    assert ter.edits(["b", "c", "a"], ["a", "b", "c"], ter.Work(spent[0])) == 1
    with pytest.raises(ter.Exhausted):
        ter.edits(["b", "c", "a"], ["a", "b", "c"], ter.Work(spent[0] - 1))


@pytest.mark.parametrize("size", [3000, 30_000, 300_000])
def test_no_output_can_make_scoring_hang(size):
    """Stretches to shift everywhere: sacrebleu would take hours. Here it is a count, or an error within seconds."""
    words = [str(n % 997) for n in range(size)]
    output = [word for start in range(0, size, 6) for word in words[start + 3 : start + 6] + words[start : start + 3]]
    with pytest.raises(ter.Exhausted):
        ter.edits(output, words, ter.Work(ter.BUDGET // 10))


def test_importing_and_signing_need_no_heavy_package():
    import subprocess
    import sys

    code = (
        "import sys; from harness.metrics import SHARED; from harness.api import *;"
        "t = TestSet('t', 'x', (Segment('s', (Request('s', '', ('a',)),), 's'),), {}, 'd');"
        "print(SHARED['ter'].signature(t), {'numpy', 'sacrebleu'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    signature, _, loaded = done.stdout.strip().partition(" ")
    assert signature.startswith("nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:2.6.")
    assert loaded == "set()"
