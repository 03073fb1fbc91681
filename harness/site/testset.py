"""The page of a test set: who did how well, how fast, how surely, and how elsewhere in the collection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.site import charts, gains, heat, speed, timing
from harness.site.site import Page, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.records import Comparison
    from harness.site.charts import Strip
    from harness.site.model import Board, Group, Row
    from harness.site.site import Site


def pages(site: Site) -> Iterator[Page]:
    """One page per test set, and a file of all tests between its systems."""
    for group in site.groups:
        results = [[row.result for row in board.rows] for board in group.boards]
        missing = [[one.system for one in board.missing] for board in group.boards]
        shared = fingerprint(results, missing, [one for one in site.records.derived if one.task == group.task])
        for board in group.boards:
            facts = [repr(one) for one in board.missing], timing.place(site, board.task), board.title, board.tags
            inputs = shared, fingerprint(board.comparison, board.timings, facts)
            context = partial(_context, site, group, board)
            yield Page(place(board.task, board.test_set), "testset.html.j2", context, inputs)
            if board.comparison is not None and heat.matrix(board) is not None:
                compared = (fingerprint(board.comparison, [row.result.system for row in board.competing]),)
                yield Page(pairs_place(board), None, partial(_pairs, board.comparison), compared)


def place(task: str, test_set: str) -> str:
    """Where the page of a test set lies."""
    return f"{task}/{test_set}.html"


def pairs_place(board: Board) -> str:
    """Where the tests between all systems of a test set lie: in a folder, so that no test set's own file is there."""
    return f"data/{board.task}/pairs/{board.test_set}.csv"


def _context(site: Site, group: Group, board: Board) -> Mapping[str, object]:
    return {
        "board": board,
        "strip": strip(board),
        "speeds": speed.plots(board),
        "gains": gains.plots(group, board, site.records.derived),
        "heatmap": heat.heat_map(group, board),
        "matrix": heat.matrix(board),
        "pairs_place": pairs_place(board),
        "timing_place": timing.place(site, board.task),
        "timing_anchor": timing.anchor(board.task, board.test_set),
        "cell": timing.cell,
    }


def _pairs(comparison: Comparison) -> Mapping[str, object]:
    return {"content": heat.pairs_csv(comparison)}


def strip(board: Board) -> Strip | None:
    """The scale of the intervals of the primary metric: over the competing systems, or all if one competes alone."""
    own, others = (_intervals(rows) for rows in (board.competing, board.yardsticks))
    return charts.strip(own if len(own) > 1 else own + others)


def _intervals(rows: tuple[Row, ...]) -> list[tuple[float, float]]:
    known = (row.primary.interval for row in rows if row.primary is not None)
    return [(interval.lo, interval.hi) for interval in known if interval is not None]
