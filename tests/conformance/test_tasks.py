"""Every task that is found keeps the promises of `harness.conformance`, on each of its bundled test sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness import registry, submissions
from harness.api import Metric, Request, Statistics, TestSet, ratio
from harness.conformance import Case, cases, checks, code, testset

TASKS = registry.find()
CASES = [case for task in TASKS.values() for case in cases(task)]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def bundled(repository, case):
    """Outputs of the bundled submissions that do not try to game the metric."""
    reader = case.task.manifest.reader
    for folder in sorted((repository / "submissions" / case.task.name).glob("*/")):
        found = submissions.load(folder)
        if found.manifest.kind != "gaming" and case.test_set.id in found.test_sets(reader):
            yield found.system, dict(submissions.read_outputs(found, case.task, case.test_set).outputs)


def test_there_are_tasks_and_they_bundle_test_sets():
    assert {case.task.name for case in CASES} == set(TASKS)
    assert "terminology" in TASKS


@every_case
def test_no_bundled_submission_beats_the_references(repository, case):
    testset.check_gold_scores_the_maximum(case, dict(bundled(repository, case)))


@pytest.mark.parametrize("check", [check for task in TASKS.values() for check in checks(task)], ids=str)
def test_promises(check):
    check()


class TestTheSuiteNotices:
    """Each promise is broken once, by a task that is like a bundled one but for its primary metric."""

    CASE = next(case for case in CASES if case.task.name == "terminology")

    def broken(self, *, statistics=None, value=None, requests=None):
        primary = self.CASE.primary
        metric = replace(primary, statistics=statistics or primary.statistics, value=value or primary.value)
        return Case(Disguise(self.CASE.task, metric), requests or self.CASE.test_set)

    def test_a_metric_that_ignores_the_outputs(self):
        case = self.broken(value=lambda totals: totals["terms"] * 0.0 + 0.95)
        for check in (testset.check_floor_rows_score_low, testset.check_corruption_lowers_the_score):
            with pytest.raises(AssertionError):
                check(case)

    def test_a_metric_that_rewards_emptiness(self):
        def statistics(test_set: TestSet, outputs):
            return Statistics(("hits", "terms"), np.array([[not outputs[r.id], 1] for r in test_set.requests]))

        with pytest.raises(AssertionError, match="empty has"):
            testset.check_gold_scores_the_maximum(self.broken(statistics=statistics, value=ratio("hits", "terms")))

    def test_a_metric_that_depends_on_the_order(self):
        def statistics(test_set: TestSet, outputs):
            return Statistics(
                ("hits", "terms"), np.array([[n * len(outputs[r.id]), 1] for n, r in enumerate(test_set.requests)])
            )

        with pytest.raises(AssertionError):
            testset.check_permutation_changes_nothing(self.broken(statistics=statistics))

    def test_a_metric_that_is_not_the_same_twice(self):
        counter = iter(range(1000))

        def statistics(test_set: TestSet, outputs):
            return Statistics(("hits", "terms"), np.array([[next(counter), 1] for _ in test_set.requests]))

        with pytest.raises(AssertionError):
            testset.check_statistics_are_deterministic(self.broken(statistics=statistics))

    def test_a_value_that_is_another_for_many_corpora(self):
        def value(totals):
            return totals["hits"] / 2 if totals.values.ndim == 1 else totals["hits"] / 3

        with pytest.raises(AssertionError):
            testset.check_value_agrees_on_many_corpora_at_once(self.broken(value=value))

    def test_a_request_that_tells_its_reference(self):
        segment = self.CASE.test_set.segments[0]
        (request,) = segment.requests
        told = Request(request.id, request.source, request.references, {"hint": [f"say: {request.references[0]}"]})
        test_set = replace(self.CASE.test_set, segments=(replace(segment, requests=(told,)),))
        with pytest.raises(AssertionError, match="tells its reference"):
            testset.check_requests_hide_the_references(self.broken(requests=test_set))

    def test_a_task_that_reaches_into_the_engine(self, tmp_path):
        folder = tmp_path / "tasks" / "curious"
        folder.mkdir(parents=True)
        (folder / "scorer.py").write_text("import harness.store\n", "utf-8")
        with pytest.raises(AssertionError, match=r"harness\.store"):
            code.check_code_imports_only_what_tasks_may(replace(self.CASE.task, folder=folder))


class Disguise:
    """A task whose only metric is another one."""

    def __init__(self, task, metric: Metric) -> None:
        self.name, self.folder, self.manifest = task.name, task.folder, task.manifest
        self.metrics = {metric.name: metric}

    def metrics_for(self, _compat):
        return list(self.metrics.values())
