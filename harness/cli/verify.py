"""`harness verify`: the records are what they claim, and their numbers can be computed again."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.catalogue import problem
from harness.cli import terminal
from harness.errors import ExitCode, IntegrityError, Problem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from harness.records import Result
    from harness.workspace import Workspace

SUMMARY = "check every record against its hash, and recompute scores on request"
OTHER_PYTHON = 1e-12
"""How far a score may differ, relatively, from a record made by another Python: since 3.12, `sum`
adds floats with compensation, also inside sacrebleu."""
EPILOG = """\
Every record must hash to its name and be canonical. With --recompute, the scores of the current
records are computed again from gold and outputs and must be equal: to the last bit on the Python that made
the record, to 1e-12 on another.

examples:
  harness verify
  harness verify --recompute
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("--recompute", action="store_true", help="score the current records again and compare")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Verify. Exit code 5 if anything is not what it claims."""
    workspace = terminal.workspace_of(arguments)
    kept = workspace.results
    stores = (kept.records, kept.comparisons, kept.derived, kept.timings)
    paths = [(store, path) for store in stores for path in store.paths()]
    problems: list[Problem] = []
    with terminal.progress("verifying", len(paths)) as advance:
        for store, path in paths:
            advance(path.stem[:12])
            try:
                store.verify(path)
            except IntegrityError as error:
                problems += error.problems
    current = recomputed = 0
    if not problems:
        from harness import plan

        results = plan.make(workspace).current
        current = len(results)
        if arguments.recompute:
            problems += _recompute(workspace, results)
            recomputed = current
    problems = terminal.located(problems, arguments)
    facts = {"records": len(paths), "current": current, "recomputed": recomputed, "problems": len(problems)}
    if arguments.json:
        terminal.say_json({**facts, "problems": [fault.to_dict() for fault in problems]})
    else:
        terminal.report(problems)
        terminal.say(", ".join(f"{count} {name}" for name, count in facts.items()))
    return ExitCode.INTEGRITY if problems else ExitCode.GOOD


def _recompute(workspace: Workspace, results: list[Result]) -> Iterator[Problem]:
    """R012 for every score that comes out differently."""
    from harness import worker
    from harness.plan import Cell

    cells = [Cell(result.task, result.test_set, result.system) for result in results]
    with terminal.progress("recomputing", len(cells)) as advance:
        for stored, outcome in zip(results, worker.run(workspace, cells, 1), strict=True):
            advance(str(outcome.cell))
            expected, found = _facts(stored), {} if outcome.result is None else _facts(outcome.result)
            same_python = outcome.result is not None and outcome.result.provenance.python == stored.provenance.python
            tolerance = 0.0 if same_python else OTHER_PYTHON
            for what in [key for key, fact in expected.items() if not _equal(fact, found.get(key), tolerance)]:
                yield problem(
                    "R012",
                    what=what,
                    system=stored.system,
                    test_set=stored.test_set,
                    expected=expected[what],
                    found=found.get(what),
                )


def _facts(result: Result) -> dict[str, object]:
    """Everything that recomputing must reproduce, by what it is called; versions may differ."""
    import msgspec

    facts = msgspec.to_builtins(result)
    scores = {score.pop("metric"): score.pop("value") for score in facts["scores"]}
    for version in ("harness", "python", "packages"):
        del facts["provenance"][version]
    return {**scores, **facts}


def _equal(one: object, other: object, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=tolerance)
    return one == other
