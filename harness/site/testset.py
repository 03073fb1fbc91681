"""The page of a test set: who did how well, and how fast."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.site.site import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.site.model import Board
    from harness.site.site import Site


def pages(site: Site) -> Iterator[Page]:
    """One page per test set."""
    for board in site.boards:
        yield Page(f"{board.task}/{board.test_set}.html", "testset.html.j2", partial(_context, board))


def _context(board: Board) -> Mapping[str, object]:
    return {"board": board}
