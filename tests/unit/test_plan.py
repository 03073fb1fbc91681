"""Planning: a record is current while submission, gold, task version and signatures are what it says."""

from __future__ import annotations

from functools import partial

import pytest

from harness import plan, worker
from harness.errors import IntegrityError, UsageError
from harness.records import REFERENCE
from harness.workspace import Workspace

from . import toys

SYSTEMS = (REFERENCE, "good", "half")
EVERYTHING = {(test_set, system) for test_set in ("dev", "test") for system in SYSTEMS}


def make(root, *selection):
    return plan.make(Workspace(root), selection)


def jobs(root, *selection):
    return {(cell.test_set, cell.system) for cell in make(root, *selection).jobs}


def score_everything(root):
    workspace = Workspace(root)
    workspace.results.records.put([outcome.result for outcome in worker.run(workspace, plan.make(workspace).jobs, 1)])


@pytest.fixture
def root(tmp_path):
    """A workspace in which everything is scored."""
    toys.workspace(tmp_path)
    score_everything(tmp_path)
    return tmp_path


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_at_first_everything_is_to_be_done_references_included(tmp_path):
    made = make(toys.workspace(tmp_path))
    assert {(cell.test_set, cell.system) for cell in made.jobs} == EVERYTHING
    assert (made.current, made.history) == ([], 0)


def test_what_is_scored_is_not_to_be_done_again(root):
    made = make(root)
    assert (made.jobs, made.history, len(made.current)) == ([], 0, len(EVERYTHING))


def test_planning_writes_nothing(root):
    before = toys.tree(root)
    make(root)
    assert toys.tree(root) == before


# --- currency: exactly what a change concerns is done again, and what it replaces is kept ---

SUBMISSION, TASK = "submissions/toy/half", "tasks/toy"
CHANGES = {
    "a byte of outputs": (
        partial(edit, old="TWO", new="TWo"),
        f"{SUBMISSION}/outputs/dev.jsonl",
        {("dev", "half")},
    ),
    "a byte of submission.toml": (
        partial(edit, old='"us"', new='"uS"'),
        f"{SUBMISSION}/submission.toml",
        {("dev", "half"), ("test", "half")},
    ),
    "a byte of gold": (
        partial(edit, old='"TWO"', new='"TWo"'),
        f"{TASK}/data/test.jsonl",
        {("test", system) for system in SYSTEMS},
    ),
    "the version of the task": (partial(edit, old="1.0.0", new="1.0.1"), f"{TASK}/task.toml", EVERYTHING),
    "a further metric": (
        partial(edit, old='["accuracy"]', new='["accuracy", "chrf2"]'),
        f"{TASK}/task.toml",
        EVERYTHING,
    ),
}


@pytest.mark.parametrize(("change", "file", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_change_makes_exactly_the_cells_it_concerns_jobs_again(root, change, file, expected):
    change(root / file)
    made = make(root)
    assert {(cell.test_set, cell.system) for cell in made.jobs} == expected
    assert {(result.test_set, result.system) for result in made.current} == EVERYTHING - expected
    assert made.history == len(expected)


def test_a_selection_in_a_workspace_without_submissions_is_no_typing_error(tmp_path):
    """U015 says what is missing; U010 would ask for another word."""
    toys.task(tmp_path / "tasks" / "toy")
    done = toys.run("score", "toy", "--workspace", tmp_path)
    assert done.returncode == 2
    assert "error[U015]" in done.stderr


def test_a_changed_signature_makes_a_metric_out_of_date(tmp_path):
    scorer = "from pathlib import Path\n" + toys.SCORER.replace('f"{name}:v1"', "Path(__file__ + '.v').read_text()")
    toys.task(tmp_path / "tasks" / "toy", scorer=scorer)
    signature = toys.write(tmp_path / "tasks" / "toy" / "scorer.py.v", "one")
    toys.submission(tmp_path / "submissions" / "toy" / "good", {"dev": toys.PERFECT})
    score_everything(tmp_path)
    assert jobs(tmp_path) == set()
    signature.write_text("two")
    assert jobs(tmp_path) == {("dev", "good"), ("dev", REFERENCE)}


def test_old_records_are_kept_and_current_again_when_the_change_is_undone(root):
    file = root / SUBMISSION / "outputs" / "dev.jsonl"
    before, kept = file.read_bytes(), toys.records(root)
    edit(file, "TWO", "TWo")
    score_everything(root)
    assert kept.items() <= toys.records(root).items()
    assert len(toys.records(root)) == len(kept) + 1
    file.write_bytes(before)
    made = make(root)
    assert (made.jobs, made.history) == ([], 1)


def test_a_withdrawn_submission_is_history(root):
    for file in (root / SUBMISSION / "outputs").iterdir():
        file.unlink()
    (root / SUBMISSION / "outputs").rmdir()
    (root / SUBMISSION / "submission.toml").unlink()
    (root / SUBMISSION).rmdir()
    made = make(root)
    assert ({result.system for result in made.current}, made.history, made.refused) == ({REFERENCE, "good"}, 2, [])


def test_a_comment_in_task_toml_changes_nothing(root):
    edit(root / TASK / "task.toml", "name", "# a comment\nname")
    assert jobs(root) == set()


def test_another_primary_metric_orders_the_table(tmp_path):
    toys.workspace(tmp_path, metrics=["accuracy", "chrf2"])
    score_everything(tmp_path)
    edit(tmp_path / TASK / "task.toml", 'primary = "accuracy"', 'primary = "chrf2"')
    score_everything(tmp_path)
    assert {result.primary for result in make(tmp_path).current} == {"chrf2"}


def test_a_failed_metric_is_tried_again_until_it_works(tmp_path):
    broken = toys.SCORER + "\nfrom pathlib import Path\nif not Path(__file__).with_name('mended').exists():\n"
    broken += "    METRICS['accuracy'] = accuracy(value=lambda totals: 1 / 0)\n"
    root = toys.workspace(tmp_path, scorer=broken)
    score_everything(root)
    assert jobs(root) == EVERYTHING
    stored = toys.records(root)
    score_everything(root)
    assert toys.records(root) == stored, "the same failure is the same record"


def test_a_tampered_record_stops_the_plan(root):
    path = next((root / "results" / "records").rglob("*.json"))
    path.write_bytes(path.read_bytes().replace(b"accuracy", b"accurate", 1))
    with pytest.raises(IntegrityError, match="R010"):
        make(root)


# --- selection ---

SELECTIONS = {
    (): EVERYTHING,
    ("toy",): EVERYTHING,
    ("half",): {("dev", "half"), ("test", "half")},
    ("toy/half",): {("dev", "half"), ("test", "half")},
    ("submissions/toy/half/",): {("dev", "half"), ("test", "half")},
    ("toy/half/dev",): {("dev", "half")},
    ("toy/*/dev",): {("dev", system) for system in SYSTEMS},
    ("/some/where/submissions/toy/half",): {("dev", "half"), ("test", "half")},
    ("dev",): {("dev", system) for system in SYSTEMS},
    ("d*",): {("dev", system) for system in SYSTEMS},
    ("toy/[gh]*",): {cell for cell in EVERYTHING if cell[1] != REFERENCE},
    ("dev", "half"): {("dev", system) for system in SYSTEMS} | {("test", "half")},
    (REFERENCE,): {("dev", REFERENCE), ("test", REFERENCE)},
}


@pytest.mark.parametrize(("selection", "expected"), SELECTIONS.items(), ids=map(" ".join, SELECTIONS))
def test_a_selection_restricts_the_jobs(tmp_path, selection, expected):
    assert jobs(toys.workspace(tmp_path), *selection) == expected


def test_a_selection_does_not_hide_what_is_current(root):
    assert len(make(root, "half").current) == len(EVERYTHING)


@pytest.mark.parametrize("word", ["nothing*", "toy/nobody", "HALF"])
def test_a_word_that_selects_nothing_is_a_usage_error(root, word):
    with pytest.raises(UsageError, match="U010"):
        make(root, "good", word)


def test_a_misspelt_word_gets_a_suggestion(root):
    with pytest.raises(UsageError, match="did you mean 'half'"):
        make(root, "hafl")


def test_selecting_a_refused_submission_shows_why_it_is_refused(root):
    edit(root / SUBMISSION / "submission.toml", "primary", "no such kind")
    assert [fault.code for fault in make(root, "toy/half").refused] == ["T013"]


# --- what cannot be scored ---


def test_a_submission_to_an_unknown_task_is_refused_with_a_suggestion(root):
    toys.submission(root / "submissions" / "tox" / "other", {"dev": toys.PERFECT})
    (fault,) = make(root).refused
    assert (fault.code, "did you mean 'toy'?" in fault.message) == ("T017", True)


def test_outputs_for_an_unknown_test_set_are_refused_and_the_rest_is_scored(root):
    toys.submission(root / "submissions" / "toy" / "new", {"dev": toys.PERFECT, "tost": toys.PERFECT})
    made = make(root)
    assert [fault.code for fault in made.refused] == ["S050"]
    assert [str(cell) for cell in made.jobs] == ["toy/new on dev"]


def test_a_submission_without_outputs_is_refused(root):
    toys.submission(root / "submissions" / "toy" / "new", {})
    assert [fault.code for fault in make(root).refused] == ["S051"]


def test_files_that_belong_to_no_test_set_are_named(root):
    toys.write(root / SUBMISSION / "outputs" / "notes.md", "")
    assert make(root).strays == [str(root / SUBMISSION / "outputs" / "notes.md")]


def test_who_takes_part_in_a_collection_is_expected_in_all_of_it(tmp_path):
    toys.workspace(tmp_path, more='collection = "c"')
    toys.submission(tmp_path / "submissions" / "toy" / "partial", {"dev": toys.PERFECT})
    assert [str(cell) for cell in make(tmp_path).absent] == ["toy/partial on test"]


def test_a_test_set_without_submission_is_not_scored(tmp_path):
    toys.task(tmp_path / "tasks" / "toy")
    toys.submission(tmp_path / "submissions" / "toy" / "good", {"dev": toys.PERFECT})
    assert jobs(tmp_path) == {("dev", "good"), ("dev", REFERENCE)}


def test_two_systems_whose_names_differ_in_case_collide(root):
    toys.submission(root / "submissions" / "toy" / "HALF", {"dev": toys.PERFECT})
    made = make(root)
    assert [fault.code for fault in made.refused] == ["S041", "S041"]
    assert "toy/HALF on dev" not in map(str, made.jobs), "nobody can tell which of the two was meant"


def test_records_hold_no_path(root):
    assert not [name for name, content in toys.records(root).items() if str(root) in content.decode()]
