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
    a name that nobody defines and for tags beside a test set, which has its own; and what loading a task
    or a test set raises.
    """
    task_name, _, metric_name = name.rpartition("/")
    place = Workspace(Path(workspace))
    if test_set is not None and (tags or not task_name):
        wanted = f"load('{task_name or 'task'}/{metric_name}', test_set='{test_set}')"
        message = f"test set '{test_set}' belongs to a task and has tags of its own: {wanted}"
        raise ValueError(message)
    if not task_name:
        table = TestSetTable(id="here", tags=dict(tags or {}))
        return HarnessMetric(_known(SHARED, metric_name), registry.one_request, table)
    task = place.task(task_name)
    metric = _known(task.metrics, metric_name)
    table = TestSetTable(id="here", tags=dict(tags or {}), answers=task.manifest.answers)
    gold = None if test_set is None else testsets.load(testsets.get(task, test_set, place.testsets))
    return HarnessMetric(metric, task.requests, table, task=task.name, gold=gold)


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
        table: TestSetTable,
        *,
        task: str = "",
        gold: TestSet | None = None,
    ) -> None:
        self._metric = metric
        self._requests = requests
        self._table = table
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
        """Add one segment. Raises ValueError for what cannot be a prediction."""
        super().add(prediction=_json(prediction), reference=_json(reference), **kwargs)

    def add_batch(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Add several segments. Raises ValueError for lists of different lengths, or that are none."""
        if references is None and self._gold is not None:
            references = [segment.id for segment in self._gold.segments]
        if isinstance(predictions, str) or isinstance(references, str):
            message = "predictions and references are lists with one item for each segment, found one text"
            raise ValueError(message)  # noqa: TRY004 - one error for all that cannot be scored
        found = [0 if items is None else len(items) for items in (predictions, references)]
        if found[0] != found[1] or not found[0]:
            message = f"{found[0]} predictions and {found[1]} references; there is one of each for a segment"
            raise ValueError(message)
        batch = [list(map(_json, items or ())) for items in (predictions, references)]
        super().add_batch(predictions=batch[0], references=batch[1], **kwargs)

    def compute(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> Any:  # noqa: ANN401
        """Score what was added, and what is given here. Raises ValueError if there is nothing."""
        if predictions is not None or references is not None:
            self.add_batch(predictions=predictions, references=references)
        if len(self) == 0:
            message = "there is nothing to score: give predictions, or add them first"
            raise ValueError(message)
        return super().compute(**kwargs)

    def _compute(self, *, predictions: Any = (), references: Any = (), **kwargs: Any) -> dict[str, float]:  # noqa: ANN401 - as in the base class
        if kwargs:
            message = f"{self.name} has no option {', '.join(kwargs)}; what it counts stands in its signature"
            raise TypeError(message)
        names = [json.loads(reference) for reference in references]
        test_set = self._test_set(names)
        if self._gold is None:
            names = list(map(str, range(1, len(names) + 1)))
        said = dict(zip(names, map(json.loads, predictions), strict=True))
        outputs: dict[str, Output] = {}
        for segment in test_set.segments:  # rows of gold that are context are none
            outputs |= _outputs(segment, said[segment.id], test_set.answers)
        totals = corpus_totals(self._metric.statistics(test_set, outputs))
        return {self._metric.name: float(self._metric.value(totals))}

    def _test_set(self, references: Sequence[Any]) -> TestSet:
        if self._gold is None:
            rows = [_row(number, reference) for number, reference in enumerate(references, start=1)]
            return testsets.of_rows(rows, self._requests, self._table, self._task)
        known = {segment.id: segment for segment in self._gold.segments}
        is_known = all(isinstance(name, str) and name in known for name in references)
        if not is_known or len(set(references)) < len(references):
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


def _json(item: Any) -> str:  # noqa: ANN401 - what a caller has
    try:
        text = json.dumps(item)
        json.loads(text)  # it may hold what only looks like JSON
    except (TypeError, ValueError) as error:
        message = f"texts, lists of texts and rows of gold can be scored, found {type(item).__name__}: {error}"
        raise ValueError(message) from error
    return text


def _outputs(segment: Segment, prediction: Any, answers: str) -> dict[str, Output]:  # noqa: ANN401 - JSON
    """The outputs for the requests of a segment, held to what a file of outputs is held to.

    None is no answer, where the task accepts that.
    """
    found = prediction if len(segment.requests) > 1 else [prediction]
    if not isinstance(found, list) or len(found) != len(segment.requests):
        message = (
            f"segment {segment.id} has {len(segment.requests)} requests; its prediction is a list of as many outputs"
        )
        raise ValueError(message)
    outputs: dict[str, Output] = {}
    for request, answer in zip(segment.requests, found, strict=True):
        if answer is None and answers != "one":
            continue
        fault = _fault(answer, request.source)
        if fault:
            message = f"the output of request {request.id} {fault}"
            raise ValueError(message)
        outputs[request.id] = tuple(answer) if isinstance(answer, list) else answer
    return outputs


def _fault(answer: Any, source: Any) -> str | None:  # noqa: ANN401 - JSON
    """What is wrong with an output, or None: a text, or as many texts as the source has tokens."""
    if not isinstance(source, tuple):
        return None if _is_text(answer) else f"is a text, found {answer!r:.40}"
    if not isinstance(answer, list) or not all(map(_is_text, answer)):
        return f"is a list of texts, one per token, found {answer!r:.40}"
    return None if len(answer) == len(source) else f"has {len(answer)} texts, expected {len(source)}, one per token"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.encode("utf-8", "replace").decode("utf-8") == value
