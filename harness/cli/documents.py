"""Tables for papers: Markdown and LaTeX, with everything escaped that a participant may have written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
    }
)
_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>|#!&~"})


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int) -> str:
    """A table of GitHub's Markdown; the first `text_columns` are text, the others numbers."""
    rule = ["---" if index < text_columns else "---:" for index in range(len(columns))]
    lines = [[_plain(cell, _MARKDOWN) for cell in row] for row in [columns, *rows]]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [lines[0], rule, *lines[1:]])


def latex(columns: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int) -> str:
    """A tabular with the rules of the package booktabs."""
    shape = "l" * text_columns + "r" * (len(columns) - text_columns)
    lines = [" & ".join(_plain(cell, _LATEX) for cell in row) + r" \\" for row in [columns, *rows]]
    body = ["\\toprule", lines[0], "\\midrule", *lines[1:], "\\bottomrule"]
    body = ["{}" + line if line.startswith(("[", "*")) else line for line in body]
    return "\n".join([f"\\begin{{tabular}}{{{shape}}}", *body, "\\end{tabular}", ""])


def _plain(text: str, table: dict[int, str]) -> str:
    return printable(text).translate(table)
