"""Scoring is a pure function from gold and outputs to a record."""

from __future__ import annotations

import json
import pickle

import pytest

from harness import plan, score, testsets, worker
from harness.catalogue import problem
from harness.errors import InvalidInput
from harness.records import REFERENCE
from harness.store import _encode
from harness.workspace import Workspace

from . import toys


def outcomes(root, workers=1):
    workspace = Workspace(root)
    return list(worker.run(workspace, plan.make(workspace).jobs, workers))


def results(root, workers=1):
    return {(outcome.cell.system, outcome.cell.test_set): outcome.result for outcome in outcomes(root, workers)}


def scores(result):
    return {found.metric: found for found in result.scores}


def metrics(**added):
    """A scorer with further metrics; each value is the Python source of one."""
    lines = [f"METRICS[{name!r}] = {source}" for name, source in added.items()]
    return toys.SCORER + "\n\ndef fail(*_):\n    raise RuntimeError('no luck')\n\n\n" + "\n".join(lines) + "\n"


# --- the record ---


def test_a_score_is_a_quotient_with_its_counts(tmp_path):
    found = scores(results(toys.workspace(tmp_path))["half", "dev"])["accuracy"]
    assert (found.value, found.numerator, found.n) == (0.5, 2, 4)
    assert (found.unit, found.signature) == ("fraction", "accuracy:v1")
    assert found.method == "percentile|resamples:1000|seed:0|level:0.95"
    assert 0 <= found.interval.lo < 0.5 < found.interval.hi <= 1


def test_the_references_are_scored_as_if_they_were_outputs(tmp_path):
    result = results(toys.workspace(tmp_path))[REFERENCE, "dev"]
    assert (result.kind, scores(result)["accuracy"].value) == ("ceiling", 1.0)


def test_a_record_says_what_it_was_made_from(tmp_path):
    root = toys.workspace(tmp_path)
    result = results(root)["good", "test"]
    workspace = Workspace(root)
    test_set = testsets.load(testsets.get(workspace.task("toy"), "test", workspace.testsets))
    assert (result.task, result.test_set, result.system, result.team, result.segments) == (
        "toy",
        "test",
        "good",
        "us",
        4,
    )
    assert (result.provenance.gold, result.provenance.task_version) == (test_set.digest, "1.0.0")
    assert set(result.provenance.packages) == {"numpy"}, "the metrics name what decides their numbers"


def test_the_same_inputs_give_the_same_bytes_on_one_worker_and_on_two(tmp_path):
    root = toys.workspace(tmp_path)
    alone, pooled = outcomes(root, 1), outcomes(root, 2)
    assert len(alone) >= worker.POOL_PAYS_FROM, "else no pool is used"
    assert [outcome.cell for outcome in alone] == [outcome.cell for outcome in pooled]
    assert [_encode(outcome.result) for outcome in alone] == [_encode(outcome.result) for outcome in pooled]


def test_the_order_of_rows_does_not_change_a_score(tmp_path):
    root = toys.workspace(tmp_path)
    before = results(root)["half", "dev"]
    file = root / "submissions" / "toy" / "half" / "outputs" / "dev.jsonl"
    file.write_text("".join(reversed(file.read_text().splitlines(keepends=True))))
    after = results(root)["half", "dev"]
    assert after.scores == before.scores
    assert after.notices == {"N017": 1}


def test_refused_outputs_have_problems_and_no_result(tmp_path):
    root = toys.workspace(tmp_path)
    toys.write(root / "submissions" / "toy" / "half" / "outputs" / "dev.jsonl", "{\n")
    refused = [outcome for outcome in outcomes(root) if outcome.result is None]
    assert [str(outcome.cell) for outcome in refused] == ["toy/half on dev"]
    assert "S035" in [fault.code for fault in refused[0].problems]


def test_blocks_of_gold_are_what_is_resampled(tmp_path):
    root = toys.workspace(tmp_path, more='block = "document"')
    for path in (root / "tasks" / "toy" / "data").glob("*.jsonl"):
        rows = [{**json.loads(line), "document": "the only one"} for line in path.read_text().splitlines()]
        path.write_text(toys.json_lines(rows))
    found = scores(results(root)["half", "dev"])["accuracy"]
    assert (found.value, found.interval) == (0.5, None)


# --- metrics that fail, and metrics that are undefined ---

FAILURES = {
    "in its statistics": "accuracy('broken', statistics=fail)",
    "in its value": "accuracy('broken', value=fail)",
}


@pytest.mark.parametrize("source", FAILURES.values(), ids=FAILURES)
def test_a_metric_that_raises_is_unavailable_and_the_others_are_scored(tmp_path, source):
    root = toys.workspace(tmp_path, scorer=metrics(broken=source), metrics=["accuracy", "broken"])
    found = scores(results(root)["half", "dev"])
    assert (found["broken"].value, found["broken"].interval) == (None, None)
    assert found["broken"].reason == "unavailable: RuntimeError: no luck"
    assert found["accuracy"].value == 0.5


def test_statistics_of_the_wrong_shape_are_a_failure(tmp_path):
    source = "accuracy('broken', statistics=lambda t, o: Statistics(('hits', 'segments'), statistics(t, o).rows[1:]))"
    root = toys.workspace(tmp_path, scorer=metrics(broken=source), metrics=["accuracy", "broken"])
    reason = scores(results(root)["half", "dev"])["broken"].reason
    assert reason == "unavailable: ValueError: statistics have shape (3, 2), expected (4, 2)"


def test_the_reason_of_a_failure_is_printable(tmp_path):
    scorer = metrics(broken="accuracy('broken', statistics=fail)").replace("no luck", "\\x1b[31m" + "x" * 1000)
    root = toys.workspace(tmp_path, scorer=scorer, metrics=["accuracy", "broken"])
    reason = scores(results(root)["half", "dev"])["broken"].reason
    assert reason.startswith(r"unavailable: RuntimeError: \x1b[31mxxx")
    assert len(reason) < 400


def test_nothing_of_nothing_is_undefined_and_no_failure(tmp_path):
    source = "accuracy('empty', ratio=('zeros', 'zeros'), value=ratio('zeros', 'zeros'), statistics=zeros)"
    scorer = metrics(empty=source).replace(
        "def fail",
        "def zeros(test_set, outputs):\n    import numpy as np\n\n"
        "    return Statistics(('zeros',), np.zeros((len(test_set.segments), 1), dtype=np.int64))\n\n\ndef fail",
    )
    root = toys.workspace(tmp_path, scorer=scorer, metrics=["accuracy", "empty"])
    found = scores(results(root)["half", "dev"])["empty"]
    assert (found.value, found.interval, found.numerator, found.n) == (None, None, 0, 0)
    assert found.reason == "undefined: 0 of 0"


def test_metrics_that_share_statistics_extract_them_once(tmp_path):
    scorer = toys.SCORER.replace("    import numpy as np\n", "    import numpy as np\n    CALLS.append(test_set.id)\n")
    scorer += "CALLS = []\nMETRICS['again'] = accuracy('again')\n"
    root = toys.workspace(tmp_path, scorer=scorer, metrics=["accuracy", "again"])
    workspace = Workspace(root)
    task = workspace.task("toy")
    test_set = testsets.load(testsets.get(task, "dev", workspace.testsets))
    score.score(task, test_set, score.Entry.reference(test_set), score.reference_outputs(test_set))
    assert task._module("scorer").CALLS == ["dev"]


def test_a_metric_without_interval_has_none_and_says_so(tmp_path):
    source = "accuracy('plain', interval='none')"
    root = toys.workspace(tmp_path, scorer=metrics(plain=source), metrics=["accuracy", "plain"])
    found = scores(results(root)["half", "dev"])["plain"]
    assert (found.value, found.interval, found.method) == (0.5, None, "none")


def test_sparse_statistics_score_as_dense_ones(tmp_path):
    source = "accuracy('sparse', statistics=sparse)"
    scorer = metrics(sparse=source).replace(
        "def fail",
        "def sparse(test_set, outputs):\n    from scipy.sparse import csr_array\n\n"
        "    dense = statistics(test_set, outputs)\n"
        "    return Statistics(dense.columns, csr_array(dense.rows))\n\n\ndef fail",
    )
    found = scores(results(toys.workspace(tmp_path, scorer=scorer, metrics=["accuracy", "sparse"]))["half", "dev"])
    assert found["sparse"].value == found["accuracy"].value == 0.5
    assert found["sparse"].interval == found["accuracy"].interval


def test_gold_without_references_is_scored_or_refused_but_no_bug(tmp_path):
    root = toys.workspace(tmp_path)
    rows = [{"id": str(n), "source": text} for n, text in enumerate(toys.SOURCES, start=1)]
    toys.write(root / "tasks" / "toy" / "data" / "dev.jsonl", toys.json_lines(rows))
    assert toys.run("score", "--workspace", root, TMPDIR=str(tmp_path)).returncode != 70


def test_an_error_of_a_scoring_process_arrives_whole():
    error = InvalidInput(problem("T017", id="'x'", hint=""))
    assert pickle.loads(pickle.dumps(error)).problems == error.problems  # noqa: S301 - what a pool of processes does


# --- values and formulas that need care ---


@pytest.mark.parametrize("value", ["inf", "-inf"])
def test_an_infinite_value_is_unavailable_and_the_others_are_scored(tmp_path, value):
    source = f"accuracy('broken', value=lambda totals: float('{value}'))"
    root = toys.workspace(tmp_path, scorer=metrics(broken=source), metrics=["accuracy", "broken"])
    found = scores(results(root)["half", "dev"])
    assert (found["broken"].value, found["broken"].interval) == (None, None)
    assert found["broken"].reason == f"unavailable: the value is {value}"
    assert found["accuracy"].value == 0.5


def test_a_ratio_of_columns_that_do_not_exist_is_unavailable_and_no_bug(tmp_path):
    scorer = metrics(broken="accuracy('broken', ratio=('hits', 'nowhere'))")
    root = toys.workspace(tmp_path, scorer=scorer, metrics=["accuracy", "broken"])
    found = scores(results(root)["half", "dev"])
    assert (found["broken"].value, found["broken"].reason[:24]) == (None, "unavailable: ValueError:")
    assert found["accuracy"].value == 0.5


def test_a_formula_for_one_corpus_only_has_the_interval_of_the_vectorised_one(tmp_path):
    single = "accuracy('single', ratio=None, value=lambda totals: __import__('math').sqrt(totals['hits']))"
    vector = "accuracy('vector', ratio=None, value=lambda totals: __import__('numpy').sqrt(totals['hits']))"
    scorer = metrics(single=single, vector=vector)
    root = toys.workspace(tmp_path, scorer=scorer, metrics=["accuracy", "single", "vector"])
    found = scores(results(root)["half", "dev"])
    assert found["single"].value == 2**0.5
    assert found["single"].interval == found["vector"].interval
    assert found["single"].interval.lo < 2**0.5 < found["single"].interval.hi


def test_a_value_whose_interval_fails_keeps_its_value_and_says_why(tmp_path):
    source = "accuracy('picky', value=lambda totals: {2: 0.5}[int(totals['hits'])])"
    root = toys.workspace(tmp_path, scorer=metrics(picky=source), metrics=["accuracy", "picky"])
    found = scores(results(root)["half", "dev"])["picky"]
    assert (found.value, found.interval, found.numerator, found.n) == (0.5, None, 2, 4)
    assert found.reason.startswith("unavailable: interval: KeyError: ")


def test_statistics_of_the_wrong_type_are_a_failure_of_that_metric(tmp_path):
    source = "accuracy('broken', statistics=lambda test_set, outputs: 3)"
    root = toys.workspace(tmp_path, scorer=metrics(broken=source), metrics=["accuracy", "broken"])
    found = scores(results(root)["half", "dev"])
    assert (found["broken"].value, found["accuracy"].value) == (None, 0.5)
    assert found["broken"].reason.startswith("unavailable: AttributeError: ")
