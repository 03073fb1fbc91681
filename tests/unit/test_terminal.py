"""What is printed fits the screen, and what does not fit is said."""

from __future__ import annotations

import re
import sys

import pytest

from harness.cli import terminal

COLUMNS = ["rank", "system", "accuracy", "95 % interval", *(f"metric-number-{number}" for number in range(1, 9))]
"""On a screen, three of the numbers fill 80 characters where the name of the system has 22."""


def rows(length):
    """Two rows; `length` is that of the longer system name."""
    return [
        ["1", "s" * length, "0.910", "[.873, .943]", *["12.34"] * 7, "unavailable"],
        ["unranked", "careful", "0.5", "", *["1.00"] * 8],
    ]


@pytest.fixture
def drawn(monkeypatch, capsys):
    """Draw the table on a terminal, or into a pipe; returns its lines."""

    def draw(length, *, is_screen):
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: is_screen)
        terminal.table("toy", COLUMNS, rows(length), text_columns=2)
        return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()  # without bold

    return draw


@pytest.mark.parametrize("length", [10, 22, 23, 24, 30, 31, 32])
def test_columns_without_room_are_named_and_the_others_are_whole(drawn, length):
    *shown, last = drawn(length, is_screen=True)
    left_out = re.fullmatch(r"\(no room for (.+): see the pages, or harness export results\)", last)[1].split(", ")
    fitting = len(COLUMNS) - len(left_out)
    assert left_out == COLUMNS[fitting:]
    assert fitting >= 4, "there is room for some"
    assert max(map(len, shown)) <= 80
    assert "…" not in "".join(shown)
    lines = [re.sub(r"\s+", " ", line).strip() for line in shown]
    for row in rows(length):
        assert " ".join(filter(None, row[:fitting])) in lines


def test_a_file_or_a_pipe_gets_every_column(drawn):
    shown = drawn(22, is_screen=False)
    assert [name for name in COLUMNS if name not in "\n".join(shown)] == []
    assert "no room" not in "\n".join(shown)
