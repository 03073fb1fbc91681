"""The same facts for programs: a file of records and a flat table per test set, everything in one, and the schema."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Literal

import msgspec

from harness.records import Comparison, Derived, Result, Timing  # noqa: TC001 - msgspec reads them
from harness.site import feed, log, publish
from harness.site.site import Page, fingerprint
from harness.tables import RESULTS, csv_of, results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.site.model import Board
    from harness.site.site import Cell, Site

PLACE = "downloads.html"
ALL = "data/all.json"
SCHEMA = "data/schema.json"
COLUMNS = (*RESULTS[:3], "name", "team", "kind", *RESULTS[3:])
"""Of the tables: those of `harness export results`, and who the system is."""


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """A system that is expected on a test set and has not submitted."""

    task: str
    test_set: str
    system: str


class TestSetFile(msgspec.Struct, frozen=True, kw_only=True):
    """All records of one test set."""

    __test__ = False

    schema: Literal["leaderboard-test-set/1"] = "leaderboard-test-set/1"
    task: str
    test_set: str
    title: str
    results: list[Result]
    comparisons: list[Comparison]
    timings: list[Timing]
    absent: list[Absence]


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    """All records of the leaderboard; the records of derived numbers stand here alone."""

    schema: Literal["leaderboard/1"] = "leaderboard/1"
    title: str
    results: list[Result]
    comparisons: list[Comparison]
    derived: list[Derived]
    timings: list[Timing]
    absent: list[Absence]


def pages(site: Site) -> Iterator[Page]:
    """The files, and the page that says what they are."""
    yield Page(PLACE, "downloads.html.j2", lambda: _context(site))
    for board in site.boards:
        name = f"data/{board.task}/{board.test_set}"
        own = [row.result for row in board.rows]
        found = test_set_file(site, board)
        yield Page(f"{name}.json", None, partial(_json, found), (fingerprint(found),))
        yield Page(f"{name}.csv", None, partial(_csv, own), (fingerprint(own),))
    whole = everything(site)
    yield Page(ALL, None, partial(_json, whole), (fingerprint(whole),))
    yield Page(SCHEMA, None, lambda: {"content": schema()}, ("schema",))


def test_set_file(site: Site, board: Board) -> TestSetFile:
    """The records of a test set, by system and metric."""
    own = (board.task, board.test_set)
    records = site.records
    return TestSetFile(
        task=board.task,
        test_set=board.test_set,
        title=board.title,
        results=sorted((row.result for row in board.rows), key=_order),
        comparisons=sorted((one for one in records.comparisons if (one.task, one.test_set) == own), key=_order),
        timings=sorted((one for one in records.timings if (one.task, one.test_set) == own), key=_order),
        absent=_absences(cell for cell in records.absent if cell[:2] == own),
    )


def everything(site: Site) -> Everything:
    """All records that are shown."""
    records = site.records
    return Everything(
        title=site.config.title,
        results=sorted(records.results, key=_order),
        comparisons=sorted(records.comparisons, key=_order),
        derived=sorted(records.derived, key=_order),
        timings=sorted(records.timings, key=_order),
        absent=_absences(records.absent),
    )


def schema() -> bytes:
    """JSON Schema of the files of records, and of the log of changes."""
    kinds = (Everything, TestSetFile, log.Entry)
    _, parts = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    names = (Everything.__name__, TestSetFile.__name__)
    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Files of a leaderboard of shared-task-harness",
        "anyOf": [
            *({"$ref": f"#/$defs/{name}"} for name in names),
            {"type": "array", "items": {"$ref": "#/$defs/Entry"}},
        ],
        "$defs": parts,
    }
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _order(record: Result | Comparison | Derived | Timing) -> tuple[str, str, str, bytes]:
    """By what a record is about, and then by all that it says."""
    named = getattr(record, "system", "") or getattr(record, "metric", "")
    return record.task, record.about, named, msgspec.json.encode(record, order="sorted")


def _absences(cells: Iterable[Cell]) -> list[Absence]:
    return [Absence(task=task, test_set=test_set, system=system) for task, test_set, system in sorted(set(cells))]


def _json(found: TestSetFile | Everything) -> Mapping[str, object]:
    return {"content": msgspec.json.encode(found, order="sorted") + b"\n"}


def _csv(own: list[Result]) -> Mapping[str, object]:
    return {"content": csv_of(results(own), COLUMNS)}


def _context(site: Site) -> Mapping[str, object]:
    return {
        "tasks": site.tasks,
        "citation": feed.bibtex(site),
        "state": feed.state(site),
        "sums": publish.SUMS,
        "everything": ALL,
        "schema": SCHEMA,
        "columns": COLUMNS,
        "log": log.PLACE,
        "feed": feed.FEED,
        "bibtex": feed.BIBTEX,
    }
