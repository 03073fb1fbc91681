"""What every task must keep, as functions that assert it: one call per promise.

The promises of a test set take a task and one of its test sets (`CHECKS_OF_TEST_SETS`), those of
the code take the task (`CHECKS_OF_TASKS`). None of them knows what the task measures.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness import testsets
from harness.api import Metric, TestSet, Totals
from harness.score import Entry, corpus_totals, reference_outputs, score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.registry import Task

Outputs = dict[str, str]
MAXIMUM = {"fraction": 1.0, "points": 100.0}
CEILING_AT_LEAST = 0.9
"""Share of the primary metric's maximum that the references reach, if metric and gold fit."""
FLOOR_AT_MOST = 0.5
"""Share of the reference's primary value that empty and shuffled outputs may reach."""
HEAVY = ("numpy", "sacrebleu", "scipy", "simplemma", "torch")


@dataclass(frozen=True)
class Case:
    """A task and one of its test sets, with the rows by which it is judged."""

    task: Task
    test_set: TestSet

    def __str__(self) -> str:
        return f"{self.task.name}:{self.test_set.id}"

    @cached_property
    def metrics(self) -> Sequence[Metric]:
        """The metrics of the task, those of its compat lists included."""
        return self.task.metrics_for(list(self.task.manifest.compat))

    @property
    def primary(self) -> Metric:
        """The metric that orders the table."""
        return self.task.metrics[self.task.manifest.primary]

    @cached_property
    def gold(self) -> Outputs:
        """The references, as if they were outputs."""
        return reference_outputs(self.test_set)

    @cached_property
    def mixed(self) -> Outputs:
        """A fair output: references, with every third request answered by another's reference."""
        shuffled = self.floors["shuffled"]
        return {
            identifier: shuffled[identifier] if number % 3 == 0 else text
            for number, (identifier, text) in enumerate(self.gold.items())
        }

    @cached_property
    def floors(self) -> Mapping[str, Outputs]:
        """Outputs that know nothing: empty, the source, references of other requests."""
        texts = list(self.gold.values())
        half = len(texts) // 2
        return {
            "empty": dict.fromkeys(self.gold, ""),
            "source-copy": {request.id: request.source for request in self.test_set.requests},
            "shuffled": dict(zip(self.gold, texts[half:] + texts[:half], strict=True)),
        }


def cases(task: Task) -> Iterator[Case]:
    """The bundled test sets of a task."""
    for table in task.manifest.test_sets:
        source = testsets.TestSetSource(task, table, task.folder / "task.toml")
        yield Case(task, testsets.load(source))


def corpus(metric: Metric, test_set: TestSet, outputs: Outputs) -> float:
    """The corpus score, turned so that more is better."""
    value = float(metric.value(corpus_totals(metric.statistics(test_set, outputs))))
    return -value if metric.best == "lower" else value


def check_gold_scores_the_maximum(case: Case, others: Mapping[str, Outputs]) -> None:
    """No row beats the references in any metric, and they come close to the primary's maximum.

    `others` holds honest and floor rows. A gaming row may beat them: that is what it is for.
    """
    for metric in case.metrics:
        ceiling = corpus(metric, case.test_set, case.gold)
        for name, outputs in others.items():
            found = corpus(metric, case.test_set, outputs)
            assert found <= ceiling, f"{metric.name}: {name} has {found}, the references {ceiling}"
    if case.primary.best == "higher" and case.primary.unit in MAXIMUM:
        share = corpus(case.primary, case.test_set, case.gold) / MAXIMUM[case.primary.unit]
        assert CEILING_AT_LEAST <= share <= 1, f"{case.primary.name}: the references reach {share} of the maximum"


def check_floor_rows_score_low(case: Case) -> None:
    """Outputs that know nothing are worse than the references; empty and shuffled ones much worse."""
    for metric in case.metrics:
        ceiling = corpus(metric, case.test_set, case.gold)
        for name, outputs in case.floors.items():
            found = corpus(metric, case.test_set, outputs)
            assert found < ceiling, f"{metric.name}: {name} has {found}, the references {ceiling}"
    if case.primary.best == "higher":
        ceiling = corpus(case.primary, case.test_set, case.gold)
        for name in ("empty", "shuffled"):
            found = corpus(case.primary, case.test_set, case.floors[name])
            assert found <= FLOOR_AT_MOST * ceiling, f"{case.primary.name}: {name} has {found} of {ceiling}"


def check_corruption_lowers_the_score(case: Case) -> None:
    """The more outputs are emptied, the lower the primary metric; no other metric rises."""
    order = list(case.gold)
    random.Random(0).shuffle(order)  # noqa: S311 - any order will do
    quarter = max(1, len(order) // 4)
    steps = [order[:count] for count in (0, quarter, 2 * quarter, len(order))]
    for metric in case.metrics:
        values = [corpus(metric, case.test_set, {**case.gold, **dict.fromkeys(emptied, "")}) for emptied in steps]
        assert values == sorted(values, reverse=True), f"{metric.name}: {values}"
        if metric.name == case.primary.name:
            assert len(set(values)) == len(values), f"{metric.name}: {values}"


def check_permutation_changes_nothing(case: Case) -> None:
    """The order of the segments decides nothing: equal totals, to the last bit."""
    for seed in (1, 2):
        segments = list(case.test_set.segments)
        random.Random(seed).shuffle(segments)  # noqa: S311 - any order will do
        permuted = replace(case.test_set, segments=tuple(segments), digest=f"{case.test_set.digest}-{seed}")
        for metric in case.metrics:
            before = corpus_totals(metric.statistics(case.test_set, case.mixed))
            after = corpus_totals(metric.statistics(permuted, case.mixed))
            assert dict(zip(before.columns, before.values, strict=True)) == dict(
                zip(after.columns, after.values, strict=True)
            ), metric.name
            assert metric.value(before) == metric.value(after), metric.name


def check_sum_of_statistics_is_the_corpus(case: Case) -> None:
    """The recorded score is the value of the summed rows, and a quotient's counts are its columns."""
    test_set = replace(case.test_set, compat=tuple(case.task.manifest.compat))
    result = score(case.task, test_set, Entry.reference(test_set), case.mixed)
    recorded = {found.metric: found for found in result.scores}
    for metric in case.metrics:
        statistics = metric.statistics(test_set, case.mixed)
        assert statistics.rows.shape == (len(test_set.segments), len(statistics.columns)), metric.name
        assert len(set(statistics.columns)) == len(statistics.columns), metric.name
        total = sum(statistics.rows[index] for index in range(statistics.rows.shape[0]))
        totals = Totals(statistics.columns, np.asarray(total).ravel())
        assert recorded[metric.name].value == metric.value(totals), metric.name
        if metric.ratio:
            assert recorded[metric.name].numerator == totals[metric.ratio[0]], metric.name
            assert recorded[metric.name].n == totals[metric.ratio[1]], metric.name


def check_statistics_are_deterministic(case: Case) -> None:
    """Equal outputs give equal rows, in whatever order they come."""
    backwards = dict(reversed(case.mixed.items()))
    for metric in case.metrics:
        first, *others = (metric.statistics(case.test_set, dict(rows)) for rows in (case.mixed, case.mixed, backwards))
        for other in others:
            assert other.columns == first.columns, metric.name
            assert (other.rows != first.rows).sum() == 0, metric.name


def check_value_agrees_on_many_corpora_at_once(case: Case) -> None:
    """`value` of B resamples at once is `value` of each alone, up to rounding."""
    generator = np.random.default_rng(0)
    count = len(case.test_set.segments)
    weights = generator.multinomial(count, [1 / count] * count, 20)
    for metric in case.metrics:
        statistics = metric.statistics(case.test_set, case.mixed)
        sums = np.vstack([weights @ statistics.rows, np.zeros((1, len(statistics.columns)), statistics.rows.dtype)])
        together = metric.value(Totals(statistics.columns, sums))
        alone = [metric.value(Totals(statistics.columns, row)) for row in sums]
        assert np.shape(together) == (len(sums),), metric.name
        np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12, err_msg=metric.name)


def check_segment_values_lie_in_the_range_of_the_metric(case: Case) -> None:
    """A segment's own score, where there is one, lies between 0 and the metric's maximum."""
    for metric in case.metrics:
        if metric.segments == "none" or metric.unit not in MAXIMUM:
            continue
        statistics = metric.statistics(case.test_set, case.mixed)
        value = metric.value if metric.segments == "value" else metric.segments
        values = np.asarray(value(Totals(statistics.columns, statistics.rows)))
        assert values.shape == (len(case.test_set.segments),), metric.name
        known = values[~np.isnan(values)]
        assert (known >= 0).all(), metric.name
        assert (known <= MAXIMUM[metric.unit] * (1 + 1e-12)).all(), metric.name


def check_evidence_points_into_the_texts(case: Case) -> None:
    """Every piece of evidence is a non-empty stretch of the text that it names."""
    requests = {request.id: request for request in case.test_set.requests}
    segments = {segment.id for segment in case.test_set.segments}
    for metric in case.metrics:
        if metric.evidence is None:
            continue
        totals = corpus_totals(metric.statistics(case.test_set, case.mixed))
        for found in metric.evidence(case.test_set, case.mixed, totals):
            request = requests[found.request]
            texts = {
                "source": request.source,
                "output": case.mixed[request.id],
                "reference": "".join(request.references),
            }
            assert found.segment in segments
            assert 0 <= found.start < found.end <= len(texts[found.text]), (metric.name, found)
            assert found.verdict
            assert found.label


def check_requests_hide_the_references(case: Case) -> None:
    """A request is JSON, has an id of its own, and nothing in it tells the reference."""
    seen = set()
    for request in case.test_set.requests:
        sent = request.to_dict()
        assert json.loads(json.dumps(sent)) == sent
        assert request.id not in seen
        seen.add(request.id)
        assert not {"reference", "references", "gold"} & set(sent)
        for text in _strings(request.fields):
            for reference in request.references:
                told = reference and reference not in request.source and reference in text
                assert not told, f"request {request.id} tells its reference: {text!r}"


def check_signatures_need_no_heavy_import(task: Task) -> None:
    """Signatures are text, differ between metrics, and are made without importing what they name."""
    found = _child(task, _SIGNATURES)
    assert found["heavy"] == [], f"making signatures imports {found['heavy']}"
    for test_set, signatures in found["signatures"].items():
        assert all(signatures.values()), test_set
        assert all("\t" not in text and "\n" not in text for text in signatures.values())


def check_code_imports_only_what_tasks_may(task: Task) -> None:
    """The task's modules load, and bring nothing of the engine beyond harness.api and harness.metrics."""
    beyond = _child(task, _IMPORTS)["beyond"]
    assert beyond == [], f"the task's code imports {beyond}"


CHECKS_OF_TEST_SETS = (
    check_floor_rows_score_low,
    check_corruption_lowers_the_score,
    check_permutation_changes_nothing,
    check_sum_of_statistics_is_the_corpus,
    check_statistics_are_deterministic,
    check_value_agrees_on_many_corpora_at_once,
    check_segment_values_lie_in_the_range_of_the_metric,
    check_evidence_points_into_the_texts,
    check_requests_hide_the_references,
)
CHECKS_OF_TASKS = (check_signatures_need_no_heavy_import, check_code_imports_only_what_tasks_may)

_FIND = """\
import json, sys
from pathlib import Path
from harness import registry
name, folder = sys.argv[1], Path(sys.argv[2])
tasks = registry.find()
task = tasks.get(name) or registry.find([folder.parent])[name]
"""
_SIGNATURES = f"""\
{_FIND}
from harness import testsets
metrics = task.metrics_for(list(task.manifest.compat))
signatures = {{}}
for table in task.manifest.test_sets:
    test_set = testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))
    signatures[table.id] = {{metric.name: metric.signature(test_set) for metric in metrics}}
heavy = sorted(set(sys.modules) & set({HEAVY}))
print(json.dumps({{"signatures": signatures, "heavy": heavy}}))
"""
_IMPORTS = """\
import importlib, json, sys
from pathlib import Path
import harness.api, harness.metrics, harness.tasks
name, folder = sys.argv[1], Path(sys.argv[2])
for module in ("bleu", "chrf", "references"):
    importlib.import_module(f"harness.metrics.{module}")
if str(folder.parent) not in map(str, harness.tasks.__path__):
    harness.tasks.extend(folder.parent)
before = set(sys.modules)
package = f"{harness.tasks.__name__}.{folder.name}"
for path in sorted(folder.glob("*.py")):
    importlib.import_module(package if path.stem == "__init__" else f"{package}.{path.stem}")
new = set(sys.modules) - before
beyond = sorted(name for name in new if name.split(".")[0] == "harness" and not name.startswith(package))
print(json.dumps({"beyond": [name for name in beyond if not name.startswith("harness.metrics")]}))
"""


def _child(task: Task, program: str) -> dict[str, object]:
    """Run a program in a fresh interpreter with the same search path; it prints JSON."""
    path = os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
    command = [sys.executable, "-c", program, task.name, str(task.folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
