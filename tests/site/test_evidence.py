"""Texts keep every character, whatever marks lie on them, and show those that nobody would see."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import printable
from harness.site import evidence


class Stretch(NamedTuple):
    start: int
    end: int
    number: int


STRETCHES = st.lists(st.tuples(st.integers(-3, 40), st.integers(-3, 40)), max_size=12)


@given(text=st.text(max_size=30), places=STRETCHES)
def test_pieces_add_up_to_the_text_and_each_character_knows_its_spans(text, places):
    spans = [Stretch(start, end, number) for number, (start, end) in enumerate(places)]
    pieces = evidence.marked(text, spans)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    covering = [piece.spans for piece in pieces for _ in piece.text]
    for place, found in enumerate(covering):
        assert found == tuple(span for span in spans if span.start <= place < span.end)


@given(text=st.text(max_size=60))
def test_runs_hold_every_character_once_and_no_invisible_one(text):
    runs = evidence.runs(text)
    read = "".join(chr(int(run.name[2:].split()[0], 16)) if run.name else run.text for run in runs)
    assert read == text
    assert all(printable(run.text, 10_000) == run.text for run in runs)
    assert [run.breaks for run in runs if run.breaks] == [True] * text.count("\n")


@pytest.mark.parametrize(
    ("char", "shown", "name"),
    [
        ("\u200f", "\\u200f", "U+200F RIGHT-TO-LEFT MARK"),
        ("\u202e", "\\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u200b", "\\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u3164", "\\u3164", "U+3164 HANGUL FILLER"),
        ("\U000e0101", "\\ue0101", "U+E0101 VARIATION SELECTOR-18"),
        ("\n", "↵", "U+000A"),
        ("\t", "⇥", "U+0009"),
        ("\x00", "\\x00", "U+0000"),
    ],
)
def test_what_nobody_would_see_is_shown_by_name(char, shown, name):
    (before, run, after) = evidence.runs(f"a{char}b")
    assert (before.text, run.text, run.name, after.text) == ("a", shown, name, "b")


def test_an_emoji_keeps_its_selector():
    assert [run.text for run in evidence.runs("\u2764\ufe0f")] == ["\u2764\ufe0f"]


def test_long_text_is_printed_in_portions_that_the_environment_does_not_cut():
    runs = evidence.runs("x" * 10_000)
    assert "".join(run.text for run in runs) == "x" * 10_000
    assert max(len(run.text) for run in runs) <= evidence.RUN_LIMIT


@given(ids=st.lists(st.text(max_size=200), min_size=2, max_size=4, unique=True))
def test_anchors_are_safe_and_never_shared(ids):
    anchors = list(map(evidence.anchor, ids))
    assert len(set(anchors)) == len(ids)
    assert all(re.fullmatch(r"s-[A-Za-z0-9._~-]{0,150}", found) for found in anchors)


def test_plain_ids_stay_readable_in_anchors():
    assert evidence.anchor("doc-3.17") == "s-doc-3.17"


def test_the_first_language_tag_counts():
    tables = [{"target_language": "de"}, {"target_language": "fr", "language": "en"}]
    assert evidence.language(tables, ("target_language", "language")) == "de"
    assert evidence.language([{"language": "en-GB"}], ("target_language", "language")) == "en-GB"
    assert evidence.language([{"language": '"><script>'}], ("language",)) == ""


def test_verdicts_have_a_tone_and_unknown_ones_count_for_nothing():
    assert [evidence.tone(word) for word in ("found", "missed", "shrug")] == ["good", "bad", "other"]


def test_any_object_with_ends_is_a_span():
    (piece,) = evidence.marked("abc", [SimpleNamespace(start=0, end=3)])
    assert piece.text == "abc"
