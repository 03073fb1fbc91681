"""What every task must keep, as functions that assert it: one call per promise.

For the author of a task, `checks(task)` yields them all, ready to be called by a test:

    @pytest.mark.parametrize("check", conformance.checks(registry.get("proverbs", [Path("tasks")])), ids=str)
    def test_the_task_keeps_its_promises(check):
        check()

The promises of a test set take a task and one of its test sets (`CHECKS_OF_TEST_SETS`), those of
the code take the task (`CHECKS_OF_TASKS`). None of them knows what the task measures. A broken
promise is an AssertionError that says which metric, which row, and both numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.conformance import code, testset
from harness.conformance.case import Case, cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.registry import Task

__all__ = ["CHECKS_OF_TASKS", "CHECKS_OF_TEST_SETS", "Case", "Check", "cases", "checks"]

CHECKS_OF_TEST_SETS = testset.CHECKS
CHECKS_OF_TASKS = code.CHECKS


@dataclass(frozen=True)
class Check:
    """One promise of one task or test set: call it."""

    promise: Callable[[Any], None]
    subject: Case | Task

    def __call__(self) -> None:
        """Raise AssertionError if the promise is broken."""
        self.promise(self.subject)

    def __str__(self) -> str:
        name = self.subject if isinstance(self.subject, Case) else self.subject.name
        return f"{name}:{self.promise.__name__.removeprefix('check_')}"


def checks(task: Task) -> Iterator[Check]:
    """Every promise of a task and of its bundled test sets."""
    yield from (Check(promise, case) for case in cases(task) for promise in CHECKS_OF_TEST_SETS)
    yield from (Check(promise, task) for promise in CHECKS_OF_TASKS)
