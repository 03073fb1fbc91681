"""A task and one of its test sets, with the rows by which its promises are judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from harness import testsets
from harness.score import corpus_totals, reference_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.api import Metric, Output, TestSet
    from harness.registry import Task

Rows: TypeAlias = "dict[str, Output]"


@dataclass(frozen=True)
class Case:
    """A task and one of its test sets, with the rows by which it is judged."""

    task: Task
    test_set: TestSet

    def __str__(self) -> str:
        return f"{self.task.name}:{self.test_set.id}"

    @cached_property
    def metrics(self) -> Sequence[Metric]:
        """The metrics of the task and of its compat lists; lists that this test set does not name as far as they apply.

        What a list measures may not be there: then not even the references have a value.
        """
        own = self.task.metrics_for(self.test_set.compat)
        return [
            metric
            for metric in self.task.metrics_for(list(self.task.manifest.compat))
            if metric in own or not math.isnan(corpus(metric, self.test_set, self.gold))
        ]

    @property
    def judges(self) -> Sequence[Metric]:
        """The metrics that say which of two outputs is better; the others only describe."""
        return [metric for metric in self.metrics if metric.best != "none"]

    @property
    def primary(self) -> Metric:
        """The metric that orders the table."""
        return self.task.metrics[self.task.manifest.primary]

    @cached_property
    def gold(self) -> Rows:
        """The references, as if they were outputs."""
        return reference_outputs(self.test_set)

    @cached_property
    def blank(self) -> Rows:
        """Empty outputs."""
        return {name: "" if isinstance(text, str) else ("",) * len(text) for name, text in self.gold.items()}

    @cached_property
    def mixed(self) -> Rows:
        """A fair output: references, with every third request answered by another's reference."""
        shuffled = self.floors["shuffled"]
        return {
            identifier: shuffled[identifier] if number % 3 == 0 else text
            for number, (identifier, text) in enumerate(self.gold.items())
        }

    @cached_property
    def floors(self) -> Mapping[str, Rows]:
        """Outputs that know nothing: empty, the source, references of other requests (or tokens of others)."""
        return {
            "empty": self.blank,
            "source-copy": {request.id: request.source for request in self.test_set.requests},
            "shuffled": self._shuffled(),
        }

    def _shuffled(self) -> Rows:
        outputs = list(self.gold.values())
        if all(isinstance(output, str) for output in outputs):
            return dict(zip(self.gold, _turned(outputs), strict=True))
        tokens = iter(_turned([token for output in outputs for token in output]))
        return {name: tuple(next(tokens) for _ in output) for name, output in self.gold.items()}


def _turned(items: list[Any]) -> list[Any]:
    half = len(items) // 2
    return items[half:] + items[:half]


def cases(task: Task) -> Iterator[Case]:
    """The bundled test sets of a task."""
    for table in task.manifest.test_sets:
        source = testsets.TestSetSource(task, table, task.folder / "task.toml")
        yield Case(task, testsets.load(source))


def corpus(metric: Metric, test_set: TestSet, outputs: Rows) -> float:
    """The corpus score, turned so that more is better."""
    value = float(metric.value(corpus_totals(metric.statistics(test_set, outputs))))
    return {"lower": -value, "zero": -abs(value)}.get(metric.best, value)
