"""What `rank`, `compare` and `explain` share: options, and the scored systems that they are about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.catalogue import problem, suggestion
from harness.errors import UsageError, printable
from harness.stats import RESAMPLES, SEED, TRIALS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from harness.api import Metric, TestSet
    from harness.comparing import Member
    from harness.records import Result
    from harness.registry import Task
    from harness.workspace import Workspace


_SHOWN_TAGS = 12


def add_settings(parser: argparse.ArgumentParser, default_seed: int | None = SEED) -> None:
    """Declare how often is resampled, and from which seed; None leaves it to the arithmetic."""
    said = str(SEED) if default_seed is not None else f"{SEED}; sacrebleu's own for its arithmetic"
    parser.add_argument("--resamples", type=count, default=RESAMPLES, metavar="B", help=f"default: {RESAMPLES}")
    parser.add_argument("--seed", type=seed, default=default_seed, metavar="N", help=f"default: {said}")


def add_trials(parser: argparse.ArgumentParser) -> None:
    """Declare how often outputs are swapped."""
    parser.add_argument("--trials", type=count, default=TRIALS, metavar="T", help=f"randomizations; default: {TRIALS}")


def add_where(parser: argparse.ArgumentParser) -> None:
    """Declare which segments are compared."""
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="TAG=VALUE",
        help="only segments with this tag, for instance domain=law; may be repeated",
    )


def _tags(where: Sequence[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in where)
    return {key: text for key, _, text in pairs}


def holds(board: Board, where: Sequence[str]) -> bool:
    """Whether a board has a segment with these tags."""
    wanted = _tags(where)
    return any(wanted.items() <= found.tags.items() for found in board.test_set.segments)


def sliced(board: Board, where: Sequence[str]) -> tuple[Board, list[int] | None]:
    """The board of the segments that are meant, and their positions; all of them, and None, if nothing is said.

    Raises UsageError (U020) for a slice without segments.
    """
    if not where:
        return board, None
    wanted = _tags(where)
    segments = board.test_set.segments
    positions = [n for n, found in enumerate(segments) if wanted.items() <= found.tags.items()]
    if not positions:
        known = sorted({f"{key}={text}" for found in segments for key, text in found.tags.items()})
        listed = ", ".join(known[:_SHOWN_TAGS]) + (" …" if len(known) > _SHOWN_TAGS else "")
        said = f"'{printable(' '.join(where))}'"
        raise UsageError(
            problem("U020", id=said, test_set=board.test_set.id, found=len(segments), known=listed or "none")
        )
    chosen = tuple(segments[position] for position in positions)
    return replace(board, test_set=replace(board.test_set, segments=chosen)), positions


def count(text: str) -> int:
    """A number of at least 1, as an argument."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def seed(text: str) -> int:
    """A number of at least 0, as an argument."""
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def add_form(parser: argparse.ArgumentParser) -> None:
    """Declare the form of the table."""
    parser.add_argument("--as", dest="form", choices=["table", "markdown", "latex"], default="table")


@dataclass(frozen=True)
class Board:
    """A test set with the current results of every system on it."""

    task: Task
    test_set: TestSet
    results: Sequence[Result]

    def has(self, name: str | None) -> bool:
        """Whether the board knows a metric."""
        return name is None or name in {metric.name for metric in self.task.metrics_for(self.test_set.compat)}

    def metric(self, name: str | None) -> Metric:
        """A metric of this board; the primary one by default. Raises UsageError (U016)."""
        known = {metric.name: metric for metric in self.task.metrics_for(self.test_set.compat)}
        wanted = name or self.task.manifest.primary
        if wanted not in known:
            shown, hint = f"'{printable(wanted)}'", suggestion(wanted, known)
            raise UsageError(problem("U016", id=shown, test_set=self.test_set.id, hint=hint, known=", ".join(known)))
        return known[wanted]

    def result(self, system: str) -> Result:
        """The result of a system. Raises UsageError (U017)."""
        known = {result.system: result for result in self.results}
        if system not in known:
            shown, where, hint = f"'{printable(system)}'", self.test_set.id, suggestion(system, known)
            raise UsageError(problem("U017", id=shown, task=self.task.name, test_set=where, hint=hint))
        return known[system]


def boards(workspace: Workspace, task: str | None, test_set: str | None) -> list[Board]:
    """The boards of a task, or of the task that has the test set; every test set by default.

    Raises UsageError: U017 where nothing was scored, and what an unknown task or test set raises.
    """
    from harness import plan, testsets

    found = []
    for name in [task] if task else workspace.tasks:
        chosen = workspace.task(name)
        current = [result for result in plan.make(workspace).current if result.task == name]
        sources = testsets.find(chosen, workspace.testsets)
        if task and test_set:
            testsets.get(chosen, test_set, workspace.testsets)
        for identifier in [identifier for identifier in sources if test_set in {None, identifier}]:
            results = [result for result in current if result.test_set == identifier]
            if results:
                found.append(Board(chosen, testsets.load(sources[identifier]), results))
    if not found:
        shown, where = f"'{printable(task or test_set or 'any task')}'", test_set or "any test set"
        raise UsageError(problem("U017", id=shown, task=task or "any task", test_set=where, hint=""))
    return found


def members(
    workspace: Workspace, board: Board, metric: Metric, systems: Iterable[str], positions: list[int] | None = None
) -> list[Member]:
    """The statistics of some systems, from the cache or counted again; of some segments if `positions` are given."""
    from harness import worker
    from harness.api import Statistics
    from harness.comparing import Member
    from harness.plan import Cell

    found = []
    for system in systems:
        result = board.result(system)
        statistics = worker.statistics_of(workspace, Cell(board.task.name, board.test_set.id, system))
        if metric.name in statistics:
            own = statistics[metric.name]
            part = own if positions is None else Statistics(own.columns, own.rows[positions])
            found.append(Member(system, result.provenance.outputs, part))
    return found
