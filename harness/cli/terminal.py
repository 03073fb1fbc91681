"""What several verbs print: problems, notices, tables and progress. rich is imported on use."""

from __future__ import annotations

import io
import json
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.catalogue import NOTICES
from harness.errors import PATH_LIMIT, Problem, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from harness.workspace import Workspace

_LINE = 2000
WIDE = 240
"""Columns of a table that goes to a file or a pipe, where nothing needs to fit a screen."""


def workspace_of(arguments: argparse.Namespace) -> Workspace:
    """The workspace that the command line names, else the current folder. Raises UsageError (U011)."""
    from harness.workspace import Workspace

    workspace = Workspace(arguments.workspace or Path(), tuple(arguments.task_folders))
    workspace.check()
    return workspace


def say(text: str) -> None:
    """One line for people on stdout; what cannot be seen is escaped."""
    sys.stdout.write(printable(text, _LINE) + "\n")


def tell(text: str) -> None:
    """One line for people on stderr; what cannot be seen is escaped."""
    sys.stderr.write(printable(text, _LINE) + "\n")


def write(data: str) -> None:
    """Data for programs on stdout, exactly as it is."""
    sys.stdout.write(data)


def say_json(value: object) -> None:
    """A JSON document on stdout."""
    write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def located(problems: Iterable[Problem], arguments: argparse.Namespace) -> list[Problem]:
    """The problems, with the workspace and task folders of this call in the commands of their help."""
    where = "" if arguments.workspace is None else f" --workspace {_quoted(arguments.workspace)}"
    where += "".join(f" --tasks {_quoted(folder)}" for folder in arguments.task_folders)
    return [problem.at(where) for problem in problems]


def _quoted(path: Path) -> str:
    return shlex.quote(printable(str(path), PATH_LIMIT))


def report(problems: Iterable[Problem]) -> None:
    """Problems on stderr."""
    for problem in problems:
        for line in str(problem).split("\n"):
            tell(line)


def notices_in_words(notices: Mapping[str, int]) -> list[str]:
    """`notice[N013] 4 outputs hold a line feed; it is text`."""
    return [f"notice[{code}] {count} {NOTICES[code]}" for code, count in sorted(notices.items())]


def number(unit: str, value: float | None) -> str:
    """A value in as many digits as its unit deserves; a rounded zero has no sign, and nothing is empty."""
    if value is None:
        return ""
    digits = {"points": 2, "fraction": 3}.get(unit)
    return f"{value:g}" if digits is None else f"{value:z.{digits}f}"


def interval(unit: str, lo: float | None, hi: float | None) -> str:
    """`[.873, .943]`: a fraction without its leading zeros, which would widen every table; empty if there is none."""
    if lo is None or hi is None:
        return ""
    ends = (number(unit, end) for end in (lo, hi))
    return f"[{', '.join(end.replace('0.', '.', 1) if end.lstrip('-').startswith('0.') else end for end in ends)}]"


def span(lo: int | None, hi: int | None) -> str:
    """`2-5`, or `2` where both ends are equal."""
    return "" if lo is None or hi is None else str(lo) if lo == hi else f"{lo}-{hi}"


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int = 1, form: str = "table"
) -> None:
    """A table on stdout; the first `text_columns` are text, the others numbers.

    Cells are shown literally: they may hold text that a participant wrote. The forms `markdown` and
    `latex` give the table alone, whole, for a paper.
    """
    if form != "table":
        from harness.cli import documents

        write(getattr(documents, form)(columns, rows, text_columns=text_columns))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_screen = sys.stdout.isatty()
    drawing = io.StringIO()  # not stdout: rich ends the process when the reader of stdout goes away
    console = Console(
        file=drawing, width=None if is_screen else WIDE, force_terminal=is_screen, highlight=False, emoji=False
    )
    names = [column.replace("-", "-\n") if is_screen else column for column in columns]
    widths = [
        max(len(printable(line)) for line in [*name.split("\n"), *(row[index] for row in rows)])
        for index, name in enumerate(names)
    ]
    fitting = len(columns)
    while fitting > text_columns + 1 and sum(widths[:fitting]) + fitting + 1 > console.width:
        fitting -= 1
    drawn = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    for index, name in enumerate(names[:fitting]):
        is_text = index < text_columns
        drawn.add_column(Text(name), justify="left" if is_text else "right", vertical="bottom")
    for row in rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row[:fitting]))
    console.print(drawn)
    say(title)
    write(drawing.getvalue())
    if fitting < len(columns):
        say(f"(no room for {', '.join(columns[fitting:])}: see the pages, or harness export results)")


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[str], Any]]:
    """A progress bar on stderr if that is a terminal; yields a function that advances it by one."""
    if not sys.stderr.isatty() or not total:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shown = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with shown:
        bar = shown.add_task(description, total=total)

        def advance(what: str) -> None:
            shown.update(bar, advance=1, description=printable(what))

        yield advance
