"""Every metric of every task as a Hugging Face `evaluate` module, equal to `harness score`.

    from harness.integrations.evaluate import load

    chrf = load("chrf2++", tags={"target_language": "de"})
    chrf.compute(predictions=["Das Haus ist klein."], references=["Das Haus ist klein."])

    terms = load("task/metric", test_set="test-set")
    terms.compute(predictions=outputs)                              # one per segment, in their order
    terms.add_batch(predictions=batch, references=ids)              # or batch by batch, by segment id

The module counts with the same functions as the command, so a figure in a training loop is the figure
of the leaderboard. `evaluate.combine` takes these modules like any other.

Source: von Werra et al. 2022, Evaluate & Evaluation on the Hub.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import canonical, registry, testsets
from harness.catalogue import suggestion
from harness.manifest import TestSetTable
from harness.metrics import SHARED
from harness.score import corpus_totals
from harness.workspace import Workspace

try:
    import datasets
    import evaluate
except ImportError as error:
    message = "harness.integrations.evaluate needs the package evaluate: pip install 'shared-task-harness[evaluate]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.api import Metric, Output, Segment, TestSet
    from harness.testsets import Ask

__all__ = ["HarnessMetric", "load"]

INPUTS = """
Args:
    predictions: one per segment: a text, a list of texts where the task's outputs are tokens, or a list of
        outputs in the order of the requests for a segment with several.
    references: with a test set, ids of its segments (default: all, in order); without, one per segment:
        a reference, a list of references, or a row of gold.
Returns:
    {name of the metric: value}; nan where it is undefined.
"""


def load(
    name: str, *, test_set: str | None = None, tags: Mapping[str, str] | None = None, workspace: Path | str = "."
) -> HarnessMetric:
    """The metric called `name`: that of a shared metric, or `task/metric`.

    `test_set` is one of the task, bundled or in `workspace`; without it, references come with each
    call, and `tags` says what a test set would, for instance `target_language`. Raises ValueError for
    a name that nobody defines, and what loading a task or a test set raises.
    """
    task_name, _, metric_name = name.rpartition("/")
    place = Workspace(Path(workspace))
    if not task_name:
        if test_set is not None:
            message = f"test set '{test_set}' belongs to a task: load('task/{name}', test_set='{test_set}')"
            raise ValueError(message)
        return HarnessMetric(_known(SHARED, metric_name), registry.one_request, tags or {})
    task = place.task(task_name)
    metric = _known(task.metrics, metric_name)
    if test_set is None:
        return HarnessMetric(metric, task.requests, tags or {}, task=task.name)
    gold = testsets.load(testsets.get(task, test_set, place.testsets))
    return HarnessMetric(metric, task.requests, {**gold.tags, **(tags or {})}, task=task.name, gold=gold)


def _known(metrics: Mapping[str, Metric], name: str) -> Metric:
    if name not in metrics:
        message = f"there is no metric '{name}'{suggestion(name, metrics)}; known here: {', '.join(metrics)}"
        raise ValueError(message)
    return metrics[name]


class HarnessMetric(evaluate.Metric):  # type: ignore[misc] # evaluate ships no types
    """One metric of the harness with the interface of `evaluate`.

    Texts, lists and rows travel through the Arrow tables of `evaluate` as JSON, so that one type of
    column serves every task. They are kept in memory.
    """

    def __init__(
        self,
        metric: Metric,
        requests: Ask,
        tags: Mapping[str, str],
        *,
        task: str = "",
        gold: TestSet | None = None,
    ) -> None:
        self._metric = metric
        self._requests = requests
        self._tags = tags
        self._task = task
        self._gold = gold
        super().__init__(keep_in_memory=True)
        self.info.module_name = f"{task}/{metric.name}".lstrip("/")

    def _info(self) -> Any:  # noqa: ANN401 - evaluate ships no types
        columns = dict.fromkeys(("predictions", "references"), datasets.Value("string"))
        return evaluate.MetricInfo(
            description=f"{self._metric.title}: {self._metric.formula}",
            citation=self._metric.citation,
            inputs_description=INPUTS,
            features=datasets.Features(columns),
        )

    def add(self, *, prediction: Any = None, reference: Any = None, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Add one segment."""
        super().add(prediction=json.dumps(prediction), reference=json.dumps(reference), **kwargs)

    def add_batch(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Add several segments. Raises ValueError for lists of different lengths."""
        if references is None and self._gold is not None:
            references = [segment.id for segment in self._gold.segments]
        if predictions is None or references is None or len(predictions) != len(references):
            found = [0 if items is None else len(items) for items in (predictions, references)]
            message = f"{found[0]} predictions and {found[1]} references; there is one of each for a segment"
            raise ValueError(message)
        batch = [list(map(json.dumps, items)) for items in (predictions, references)]
        super().add_batch(predictions=batch[0], references=batch[1], **kwargs)

    def compute(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> Any:  # noqa: ANN401
        """Score what was added, and what is given here."""
        if predictions is not None:
            self.add_batch(predictions=predictions, references=references)
        return super().compute(**kwargs)

    def _compute(self, *, predictions: Any = (), references: Any = (), **kwargs: Any) -> dict[str, float]:  # noqa: ANN401, ARG002 - as in the base class
        test_set = self._test_set([json.loads(reference) for reference in references])
        outputs: dict[str, Output] = {}
        for segment, prediction in zip(test_set.segments, map(json.loads, predictions), strict=True):
            outputs |= _outputs(segment, prediction)
        totals = corpus_totals(self._metric.statistics(test_set, outputs))
        return {self._metric.name: float(self._metric.value(totals))}

    def _test_set(self, references: Sequence[Any]) -> TestSet:
        if self._gold is None:
            rows = [_row(number, reference) for number, reference in enumerate(references, start=1)]
            return testsets.of_rows(rows, self._requests, TestSetTable(id="here", tags=dict(self._tags)), self._task)
        known = {segment.id: segment for segment in self._gold.segments}
        if set(references) - set(known) or len(set(references)) < len(references):
            message = f"references are ids of segments of test set '{self._gold.id}', each once"
            raise ValueError(message)
        if list(known) == list(references):
            return self._gold
        digest = canonical.digest(canonical.encode([self._gold.digest, *references]))
        return replace(self._gold, segments=tuple(known[name] for name in references), digest=digest)


def _row(number: int, reference: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A row of gold from what a caller has: the row itself, references, or one."""
    row = reference if isinstance(reference, dict) else {"source": "", "references": reference}
    row = {**row, "references": [row["references"]]} if isinstance(row.get("references"), str) else row
    return {**row, "id": str(number)}


def _outputs(segment: Segment, prediction: Any) -> dict[str, Output]:  # noqa: ANN401 - JSON
    """The outputs for the requests of a segment."""
    answers = prediction if len(segment.requests) > 1 else [prediction]
    if not isinstance(answers, list) or len(answers) != len(segment.requests):
        message = (
            f"segment {segment.id} has {len(segment.requests)} requests; its prediction is a list of as many outputs"
        )
        raise ValueError(message)
    return {
        request.id: tuple(answer) if isinstance(answer, list) else answer
        for request, answer in zip(segment.requests, answers, strict=True)
    }
