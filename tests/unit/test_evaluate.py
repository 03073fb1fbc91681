"""Our metrics as `evaluate` modules, and `evaluate` modules as metrics of a task; with the real package."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys

import evaluate
import pytest

from harness import registry, submissions, testsets
from harness.errors import InvalidInput
from harness.integrations.evaluate import load
from harness.score import Entry, score

from . import toys

TASKS = registry.find()
BUNDLED = [
    (task, testsets.TestSetSource(task, table, task.folder / "task.toml"))
    for task in TASKS.values()
    for table in task.manifest.test_sets
]
every_test_set = pytest.mark.parametrize(
    ("task", "source"), BUNDLED, ids=[f"{task.name}:{source.id}" for task, source in BUNDLED]
)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """`evaluate` makes folders in the cache of the user."""
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", tmp_path / "cache")


def complete_outputs(repository, task, test_set):
    """The outputs of the first bundled submission that answers every request of a test set."""
    reader = task.manifest.reader
    for folder in sorted((repository / "submissions" / task.name).glob("*/")):
        found = submissions.load(folder)
        if test_set.id in found.test_sets(reader):
            read = submissions.read_outputs(found, task, test_set)
            if len(read.outputs) == len(list(test_set.requests)):
                return read.outputs
    return {request.id: request.references[0] for request in test_set.requests}


def as_predictions(test_set, outputs):
    """One prediction per segment: its output, or a list of them if it has several requests."""
    found = [
        [
            list(text) if isinstance(text, tuple) else text
            for text in (outputs[request.id] for request in segment.requests)
        ]
        for segment in test_set.segments
    ]
    return [answers[0] if len(answers) == 1 else answers for answers in found]


@every_test_set
def test_every_metric_of_every_task_equals_harness_score(repository, task, source):
    test_set = testsets.load(source)
    outputs = complete_outputs(repository, task, test_set)
    result = score(task, test_set, Entry.reference(test_set), outputs)
    assert len(result.scores) >= len(task.manifest.metrics)
    for expected in result.scores:
        module = load(f"{task.name}/{expected.metric}", test_set=test_set.id)
        (found,) = module.compute(predictions=as_predictions(test_set, outputs)).items()
        assert found[0] == expected.metric
        assert found[1] == expected.value or (math.isnan(found[1]) and expected.value is None)


@every_test_set
def test_rows_of_gold_as_references_give_the_same(repository, task, source):
    test_set = testsets.load(source)
    outputs = complete_outputs(repository, task, test_set)
    gold = [
        json.loads(line) for line in (source.file.parent / source.table.gold).read_text("utf-8").split("\n") if line
    ]
    name = f"{task.name}/{task.manifest.primary}"
    predictions = as_predictions(test_set, outputs)
    by_row = dict(zip((segment.id for segment in test_set.segments), predictions, strict=True))
    said = [by_row.get(str(row["id"])) for row in gold]  # context has no segment, and needs no prediction
    with_gold = load(name, tags=test_set.tags).compute(predictions=said, references=gold)
    assert with_gold == load(name, test_set=test_set.id).compute(predictions=predictions)


class TestBatches:
    LABELS = ("a", "a", "b", "c")

    def test_add_and_add_batch_score_what_was_added(self):
        one, many = (load("chrf2") for _ in range(2))
        texts = [("the cat", "the cat"), ("a dog", "the dog"), ("rain", "snow")]
        for prediction, reference in texts:
            one.add(prediction=prediction, reference=reference)
        many.add_batch(predictions=[p for p, _ in texts[:1]], references=[r for _, r in texts[:1]])
        many.add_batch(predictions=[p for p, _ in texts[1:]], references=[r for _, r in texts[1:]])
        whole = load("chrf2").compute(predictions=[p for p, _ in texts], references=[r for _, r in texts])
        assert one.compute() == many.compute() == whole
        assert 0 < whole["chrf2"] < 100

    def test_batches_name_the_segments_of_a_test_set(self):
        module = load("intent-discovery/acc", test_set="starter-support")
        module.add_batch(predictions=["x", "y"], references=["01-1", "01-2"])
        assert module.compute() == {"acc": 1.0}

    def test_a_module_can_be_used_again(self):
        module = load("bleu")
        for text in ("a b c d", "e f g h"):
            assert module.compute(predictions=[text], references=[text])["bleu"] == pytest.approx(100)

    def test_an_unknown_segment_is_refused(self):
        module = load("intent-discovery/acc", test_set="starter-support")
        with pytest.raises(ValueError, match="ids of segments of test set 'starter-support'"):
            module.compute(predictions=["x"], references=["1000"])

    def test_both_numbers_are_said_where_they_differ(self):
        with pytest.raises(ValueError, match="2 predictions and 1 references"):
            load("bleu").compute(predictions=["a", "b"], references=["a"])

    def test_a_broken_row_of_gold_is_named(self):
        module = load("intent-discovery/acc")
        rows = [{"source": "s", "reference": "x"}, {"source": "s", "references": []}]
        with pytest.raises(ValueError, match="row 2 of gold: the key 'reference' must be one intent"):
            module.compute(predictions=["a", "b"], references=rows)


class TestPredictions:
    """They are held to what a file of outputs is held to."""

    TOKENS = ({"source": ["3", "km"], "reference": ["three", "kilometers"]},)

    @pytest.mark.parametrize(
        ("name", "predictions", "references", "said"),
        [
            ("text-normalization/token-accuracy", ["ab"], TOKENS, "request 1 is a list of texts, one per token"),
            ("text-normalization/token-accuracy", [["a"]], TOKENS, "has 1 texts, expected 2"),
            ("text-normalization/token-accuracy", [["a", 3]], TOKENS, "is a list of texts"),
            ("intent-discovery/acc", [1, 2], ["x", "y"], "request 1 is a text, found 1"),
            ("intent-discovery/acc", [["a"], ["b"]], ["x", "y"], "is a text"),
            ("chrf2", [None], ["a"], "is a text, found None"),
            ("chrf2", ["\ud800"], ["a"], "is a text"),
            ("chrf2", "abc", "abc", "are lists"),
            ("chrf2", [], [], "0 predictions and 0 references"),
            ("chrf2", [object()], ["a"], "found object"),
        ],
    )
    def test_what_a_file_could_not_hold_is_refused(self, name, predictions, references, said):
        module = load(name)
        with pytest.raises(ValueError, match=re.escape(said)):
            module.compute(predictions=predictions, references=references)

    def test_none_is_no_answer_where_the_task_accepts_that(self):
        module = load("intent-discovery/acc")
        assert module.compute(predictions=["a", None], references=["x", "y"]) == {"acc": 0.5}

    def test_a_submission_that_leaves_requests_out_scores_as_by_the_command(self, repository):
        task = TASKS["intent-discovery"]
        (table,) = [table for table in task.manifest.test_sets if table.id == "starter-support"]
        test_set = testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))
        found = submissions.load(repository / "submissions" / "intent-discovery" / "confident-only")
        outputs = submissions.read_outputs(found, task, test_set).outputs
        expected = {
            item.metric: item.value for item in score(task, test_set, Entry.reference(test_set), outputs).scores
        }
        module = load("intent-discovery/acc", test_set=test_set.id)
        predictions = [outputs.get(segment.id) for segment in test_set.segments]
        assert predictions.count(None) == 204
        assert module.compute(predictions=predictions) == {"acc": expected["acc"]}

    def test_rows_that_are_context_are_told_to_the_metric_and_not_scored(self):
        rows = [
            {"source": "s", "reference": "pay", "given": {"intent": "pay"}},
            {"source": "s", "reference": "pay"},
            {"source": "s", "reference": "join"},
        ]
        module = load("intent-discovery/f1-known")
        assert module.compute(predictions=[None, "pay", "x"], references=rows) == {"f1-known": 1.0}
        assert module.compute(predictions=["y", "x", "pay"], references=rows) == {"f1-known": 0.0}

    def test_nothing_to_score_is_said(self):
        module = load("chrf2")
        with pytest.raises(ValueError, match="nothing to score"):
            module.compute()

    def test_an_option_of_other_modules_is_no_option_of_ours(self):
        module = load("chrf2++")
        with pytest.raises(TypeError, match="has no option word_order"):
            module.compute(predictions=["a"], references=["a"], word_order=0)

    def test_a_test_set_has_its_own_tags(self):
        with pytest.raises(ValueError, match="has tags of its own"):
            load("intent-discovery/acc", test_set="starter-support", tags={"noise": "ignore"})
        noisy = load("intent-discovery/acc", tags={"noise": "ignore"})
        assert noisy.compute(predictions=["noise", "a"], references=["x", "y"]) == {"acc": 1.0}


class TestNames:
    def test_combine_takes_our_modules_and_keeps_their_names(self):
        both = evaluate.combine([load("chrf2"), load("bleu")])
        found = both.compute(predictions=["a b c d"], references=[["a b c d", "x"]])
        assert found == {"chrf2": 100.0, "bleu": pytest.approx(100)}
        both.add_batch(predictions=["a b c d"], references=["a b c d"])
        assert set(both.compute()) == {"chrf2", "bleu"}

    def test_it_stands_beside_a_module_of_others(self, tmp_path):
        toys.write(tmp_path / "same" / "same.py", SAME)
        other = evaluate.load(str(tmp_path / "same"))
        found = evaluate.combine([load("chrf2"), other]).compute(predictions=["a", "b"], references=["a", "c"])
        assert found["same"] == 0.5
        assert 0 < found["chrf2"] < 100

    def test_an_unknown_metric_is_refused_with_a_suggestion(self):
        with pytest.raises(ValueError, match=r"no metric 'chrf3'.*did you mean 'chrf2'.*known here: bleu, chrf2"):
            load("chrf3")

    def test_a_test_set_needs_its_task(self):
        with pytest.raises(ValueError, match="load\\('task/bleu', test_set='starter'\\)"):
            load("bleu", test_set="starter")

    def test_it_says_what_it_is(self):
        module = load("intent-discovery/acc")
        assert module.name == "intent-discovery/acc"
        assert "Kuhn 1955" in module.citation
        assert "one per segment" in module.inputs_description


def test_the_engine_does_not_import_evaluate():
    modules = "harness.cli.app, harness.worker, harness.metrics, harness.evaluate_module"
    code = f"import sys, {modules}; print('evaluate' in sys.modules)"
    assert toys.python(code).stdout == "False\n"


def test_the_page_prints_what_it_says(repository):
    page = (repository / "docs" / "evaluate.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    for code, expected in blocks:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=toys.environment(),
        )
        assert (done.returncode, done.stdout) == (0, expected), done.stderr


# --- evaluate modules as metrics of a task ---

SAME = """\
import datasets
import evaluate


class Same(evaluate.Metric):
    def _info(self):
        columns = dict.fromkeys(("predictions", "references"), datasets.Value("string"))
        features = datasets.Features(columns)
        return evaluate.MetricInfo(description="", citation="", inputs_description="", features=features)

    def _compute(self, predictions, references):
        hits = [a == b for a, b in zip(predictions, references)]
        return {"same": sum(hits) / len(hits), "each": [float(hit) for hit in hits], "calls": self.count()}

    seen = 0

    def count(self):
        Same.seen += 1
        return Same.seen
"""
TABLE = '\n[evaluate.same]\npath = "metrics/same"\nresult = "{result}"\n'


def own(root, *, result="same", script=SAME, path=None):
    """A workspace whose task names an evaluate module by a local path."""
    toys.workspace(root, test_sets=("dev",), scorer=None, primary="same", metrics=["same", "chrf2"])
    toml = root / "tasks" / "toy" / "task.toml"
    table = TABLE.format(result=result)
    toml.write_text(toml.read_text("utf-8") + (table if path is None else table.replace("metrics/same", path)), "utf-8")
    toys.write(root / "tasks" / "toy" / "metrics" / "same" / "same.py", script)
    return root


def scored(root):
    done = toys.run("score", "--json", "--workspace", root)
    facts = json.loads(done.stdout)
    values = {(result["system"], found["metric"]): found for result in facts["results"] for found in result["scores"]}
    return done.returncode, values, facts


@pytest.mark.parametrize("result", ["same", "each"])
def test_a_local_module_scores_beside_ours(tmp_path, result):
    code, values, _ = scored(own(tmp_path, result=result))
    assert code == 0
    assert [values[system, "same"]["value"] for system in ("good", "half", "@reference")] == [1.0, 0.5, 1.0]
    assert values["half", "same"]["interval"]["lo"] < 0.5 < values["half", "same"]["interval"]["hi"]
    assert re.fullmatch(
        rf"evaluate:same\|script:[0-9a-f]{{16}}\|result:{result}\|mean:segments", values["half", "same"]["signature"]
    )


def test_another_script_is_another_signature(tmp_path):
    _, before, _ = scored(own(tmp_path / "a"))
    _, after, _ = scored(own(tmp_path / "b", script=SAME + "# another\n"))
    assert before["half", "same"]["signature"] != after["half", "same"]["signature"]


def test_a_result_that_the_module_does_not_return_is_unavailable(tmp_path):
    code, values, facts = scored(own(tmp_path, result="sane"))
    assert code == 1
    assert values["half", "same"]["value"] is None
    assert values["half", "chrf2"]["value"] > 0
    assert [fault["code"] for fault in facts["problems"]] == ["M001"]
    assert "sane" in facts["problems"][0]["message"]


DOWNLOADING = SAME + "\n    def _download_and_prepare(self, dl_manager):\n        dl_manager.download('model')\n"


def test_a_module_that_wants_to_download_is_refused(tmp_path):
    code, values, facts = scored(own(tmp_path, script=DOWNLOADING))
    assert code == 1
    assert values["good", "same"]["value"] is None
    assert "a metric of a task is offline" in facts["problems"][0]["message"]


@pytest.mark.parametrize("path", ["accuracy", "evaluate-metric/accuracy", "../../elsewhere", "/etc/passwd"])
def test_a_path_outside_the_folder_or_a_name_of_a_hub_is_refused(tmp_path, path):
    toys.write(tmp_path / "elsewhere" / "elsewhere.py", SAME)
    own(tmp_path, path=path)
    task = registry.get("toy", [tmp_path / "tasks"])
    with pytest.raises(InvalidInput, match=r"T013.*evaluate\.same\.path: there is no script"):
        task.check()


def test_without_the_package_the_metric_is_unavailable_and_the_rest_is_scored(tmp_path):
    own(tmp_path)
    code = "import sys; sys.modules['evaluate'] = None; from harness.cli.app import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "score", "--json", "--workers", "1", "--workspace", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=toys.environment())
    facts = json.loads(done.stdout)
    assert done.returncode == 1
    values = {found["metric"]: found["value"] for found in facts["results"][0]["scores"]}
    assert values["same"] is None
    assert values["chrf2"] is not None


def test_a_fault_in_a_table_is_told_with_its_key(tmp_path):
    root = own(tmp_path)
    toml = root / "tasks" / "toy" / "task.toml"
    toml.write_text(toml.read_text("utf-8").replace("result =", "resulf ="), "utf-8")
    done = toys.run("tasks", "toy", "--workspace", root)
    assert "T011" in done.stderr
    assert "evaluate.same.resulf: unknown key, did you mean 'result'?" in done.stderr
    assert "evaluate.same.result: missing" in done.stderr
