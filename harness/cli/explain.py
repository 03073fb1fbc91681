"""`harness explain`: what one system said for one segment, and what each number made of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.catalogue import problem, suggestion
from harness.cli import chosen, terminal
from harness.errors import ExitCode, UsageError, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from harness.api import Evidence, Metric, Output, Segment, Statistics, TestSet
    from harness.cli.chosen import Board
    from harness.workspace import Workspace

SUMMARY = "show one segment of one system: texts, exact counts, and the evidence behind them"
EPILOG = """\
The counts are the segment's own row of the statistics, which the corpus score is computed from.

examples:
  harness explain my-system my-test-set 17
  harness explain my-task/my-system my-test-set 17 --metric chrf2++ --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("system", metavar="SYSTEM", help="a system, or task/system; @reference is one")
    parser.add_argument("test_set", metavar="TEST_SET", help="a test set that it took part in")
    parser.add_argument("segment", metavar="SEGMENT", help="the id of a segment")
    parser.add_argument("--metric", metavar="M", help="one metric (default: all)")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print the segment."""
    workspace = terminal.workspace_of(arguments)
    task, _, system = arguments.system.rpartition("/")
    boards = chosen.boards(workspace, task or None, arguments.test_set)
    own = [board for board in boards if system in {result.system for result in board.results}]
    board = (own or boards)[0]
    board.result(system)
    facts = _facts(workspace, board, system, arguments)
    if arguments.json:
        terminal.say_json(facts)
    else:
        _print(facts)
    return ExitCode.GOOD


def _facts(workspace: Workspace, board: Board, system: str, arguments: argparse.Namespace) -> dict[str, Any]:
    from harness import worker
    from harness.plan import Cell

    segment, position = _segment(board.test_set, arguments.segment)
    cell = Cell(board.task.name, board.test_set.id, system)
    outputs = worker.outputs_of(workspace, cell)
    statistics = worker.statistics_of(workspace, cell)
    metrics = board.task.metrics_for(board.test_set.compat)
    wanted = metrics if arguments.metric is None else [board.metric(arguments.metric)]
    return {
        "task": board.task.name,
        "test_set": board.test_set.id,
        "system": system,
        "segment": segment.id,
        "block": segment.block,
        "tags": dict(segment.tags),
        "requests": [
            {**request.to_dict(), "references": list(request.references), "output": outputs.get(request.id)}
            for request in segment.requests
        ],
        "metrics": [
            _metric(metric, board.test_set, position, statistics[metric.name], outputs)
            for metric in wanted
            if metric.name in statistics
        ],
    }


def _segment(test_set: TestSet, name: str) -> tuple[Segment, int]:
    positions = {segment.id: number for number, segment in enumerate(test_set.segments)}
    if name not in positions:
        shown, hint, count = f"'{printable(name)}'", suggestion(name, positions), len(positions)
        where = {"task": test_set.task, "test_set": test_set.id}
        raise UsageError(problem("U018", id=shown, hint=hint, expected=count, line=None, **where))
    return test_set.segments[positions[name]], positions[name]


def _metric(
    metric: Metric, test_set: TestSet, position: int, statistics: Statistics, outputs: Mapping[str, Output]
) -> dict[str, Any]:
    from harness import segments

    values = segments.values_of(metric, statistics)
    value = None if values is None or not math.isfinite(values[position]) else float(values[position])
    segment = test_set.segments[position]
    spans = segments.evidence_of(metric, test_set, statistics, outputs)
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "value": value,
        "counts": dict(_counts(statistics, position)),
        "evidence": [_span(item, segment, outputs) for item in spans if item.segment == segment.id],
    }


def _counts(statistics: Statistics, position: int) -> Iterator[tuple[str, int | float]]:
    """The columns of the segment's row; cells of a contingency table only where they hold something."""
    row = statistics.rows[[position]]
    row = (row.toarray() if hasattr(row, "toarray") else row)[0]
    for column, count in zip(statistics.columns, row.tolist(), strict=True):
        if isinstance(column, str):
            yield column, count
        elif count:
            yield " · ".join(column), count


def _span(item: Evidence, segment: Segment, outputs: Mapping[str, Output]) -> dict[str, Any]:
    request = next(request for request in segment.requests if request.id == item.request)
    texts = {"source": request.source, "output": outputs.get(item.request, ""), "reference": request.references[:1]}
    text = texts[item.text] if item.text != "reference" else request.references[0]
    shown = text if item.token is None else text[item.token]
    facts: dict[str, Any] = {"request": item.request, "text": item.text, "start": item.start, "end": item.end}
    facts |= {} if item.token is None else {"token": item.token}
    return {**facts, "shown": shown[item.start : item.end], "verdict": item.verdict, "label": item.label}


def _print(facts: dict[str, Any]) -> None:
    terminal.say(f"{facts['task']} · {facts['test_set']} · {facts['system']} · segment {facts['segment']}")
    for request in facts["requests"]:
        terminal.say("")
        known = {"id", "references", "output"}
        for name, text in [
            *((key, request[key]) for key in request if key not in known),
            ("output", request["output"]),
        ]:
            terminal.say(f"  {name:10} {_text(text)}")
        for reference in request["references"]:
            terminal.say(f"  {'reference':10} {_text(reference)}")
    for metric in facts["metrics"]:
        value = "" if metric["value"] is None else terminal.number(metric["unit"], metric["value"])
        terminal.say("")
        terminal.say(f"{metric['metric']}  {value}")
        terminal.say("  " + ", ".join(f"{name} {count:g}" for name, count in metric["counts"].items()))
        for item in metric["evidence"]:
            place = f"{item['text']}[{item['start']}:{item['end']}]" + (
                f" of token {item['token']}" if "token" in item else ""
            )
            terminal.say(f"  {item['verdict']:12} {place}  {item['shown']!r}  {item['label']}")


def _text(text: object) -> str:
    if text is None:
        return "(no answer)"
    return " | ".join(map(str, text)) if isinstance(text, list | tuple) else str(text)
