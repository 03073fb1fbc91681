"""Tasks: where they are looked for, and what makes two of them one."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from harness import registry
from harness.errors import InvalidInput, UsageError
from harness.workspace import Workspace

from . import toys


def codes(error):
    return [fault.code for fault in error.value.problems]


BUNDLED = sorted(registry.find())


def names(folders=()):
    return [name for name in registry.find(folders) if name not in BUNDLED]


def test_bundled_tasks_are_found_without_a_folder():
    assert registry.get("terminology").manifest.name == "terminology"


def test_tasks_are_listed_by_name(tmp_path):
    for name in ("zebra", "apple", "mid_dle"):
        toys.task(tmp_path / name)
    assert names([tmp_path]) == ["apple", "mid-dle", "zebra"]


def test_the_name_of_a_task_is_its_folder_with_hyphens(tmp_path):
    toys.task(tmp_path / "my_task")
    task = registry.get("my-task", [tmp_path])
    assert (task.folder.name, task.package) == ("my_task", "harness.tasks.my_task")


def test_a_name_that_differs_from_the_folder_is_refused(tmp_path):
    folder = toys.task(tmp_path / "toy", name="another")
    with pytest.raises(InvalidInput) as error:
        registry.find([tmp_path])
    (fault,) = error.value.problems
    assert (fault.code, fault.file, fault.line) == ("T014", str(folder / "task.toml"), 1)


def test_the_faults_of_all_manifests_are_reported_at_once(tmp_path):
    toys.task(tmp_path / "one", name="two")
    toys.write(tmp_path / "broken" / "task.toml", "name = [")
    with pytest.raises(InvalidInput) as error:
        registry.find([tmp_path])
    assert codes(error) == ["T010", "T014"]


def test_a_folder_without_manifest_is_no_task(tmp_path):
    toys.write(tmp_path / "notes" / "scorer.py", "raise SystemExit")
    assert names([tmp_path, tmp_path / "missing"]) == []


# --- one name in two places ---


def test_two_equal_manifests_are_one_task_and_the_first_folder_wins(tmp_path):
    first = toys.task(tmp_path / "a" / "toy")
    toys.task(tmp_path / "b" / "toy")
    assert registry.find([tmp_path / "a", tmp_path / "b"])["toy"].folder == first


def test_two_different_manifests_of_one_name_are_refused(tmp_path):
    toys.task(tmp_path / "a" / "toy", version="1.0.0")
    toys.task(tmp_path / "b" / "toy", version="1.0.1")
    with pytest.raises(InvalidInput, match="T016") as error:
        registry.find([tmp_path / "a", tmp_path / "b"])
    message = str(error.value)
    assert str(tmp_path / "a" / "toy") in message
    assert str(tmp_path / "b" / "toy") in message


def test_an_organizer_cannot_redefine_a_bundled_task(tmp_path):
    toys.task(tmp_path / "terminology")
    with pytest.raises(InvalidInput, match=r"T016.*'terminology'"):
        registry.find([tmp_path])


def test_a_workspaces_copy_of_a_bundled_task_is_accepted(tmp_path):
    bundled = registry.get("terminology")
    shutil.copytree(bundled.folder, tmp_path / "terminology")
    assert registry.get("terminology", [tmp_path]).folder == bundled.folder


def test_an_edited_copy_of_a_bundled_task_is_refused(tmp_path):
    copy = shutil.copytree(registry.get("terminology").folder, tmp_path / "terminology")
    gold = copy / "data" / "en-de.jsonl"
    gold.write_bytes(gold.read_bytes().replace(b"a", b"b", 1))
    with pytest.raises(InvalidInput, match=r"T016.*'terminology'"):
        registry.find([tmp_path])


def test_a_workspace_does_not_see_the_tasks_of_another(tmp_path):
    toys.task(tmp_path / "first" / "tasks" / "toy")
    (tmp_path / "second").mkdir()
    assert "toy" in Workspace(tmp_path / "first").tasks
    assert "toy" not in Workspace(tmp_path / "second").tasks


# --- HARNESS_TASKS and --tasks ---


def listed(*arguments, **environment):
    return [task["name"] for task in json.loads(toys.run("tasks", "--json", *arguments, **environment).stdout)]


def test_harness_tasks_names_folders_of_tasks(tmp_path):
    toys.task(tmp_path / "a" / "first_toy")
    toys.task(tmp_path / "b" / "second_toy")
    (tmp_path / "workspace").mkdir()
    where = ("--workspace", tmp_path / "workspace")
    assert listed(*where) == BUNDLED
    folders = os.pathsep.join([str(tmp_path / "a"), "", str(tmp_path / "b")])
    assert listed(*where, HARNESS_TASKS=folders) == sorted(["first-toy", "second-toy", *BUNDLED])


def test_the_environment_is_searched_before_the_command_line_and_that_before_the_workspace(tmp_path):
    for place in ("environment", "option", "workspace/tasks"):
        toys.task(tmp_path / place / "toy")

    def place(*options, **environment):
        code = f"""
from pathlib import Path
from harness.workspace import Workspace
print(Workspace(Path({str(tmp_path / "workspace")!r}), tuple(map(Path, {options}))).task("toy").folder.parent.name)
"""
        return toys.python(code, **environment).stdout.strip()

    option, environment = str(tmp_path / "option"), {"HARNESS_TASKS": str(tmp_path / "environment")}
    assert place() == "tasks"
    assert place(option) == "option"
    assert place(option, **environment) == "environment"


# --- installed packages ---


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution on sys.path that registers the task `far-away` of its package `stranger`."""
    place = tmp_path / "site-packages"
    toys.task(place / "stranger" / "far_away")
    toys.write(place / "stranger" / "__init__.py", "")
    toys.write(place / "stranger-1.0.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    toys.write(place / "stranger-1.0.dist-info" / "entry_points.txt", "[harness.tasks]\nfar-away = stranger.far_away\n")
    monkeypatch.syspath_prepend(str(place))
    yield place
    for name in [name for name in sys.modules if name.split(".")[0] == "stranger"]:
        del sys.modules[name]


def test_an_installed_package_can_bring_a_task(installed):
    task = registry.get("far-away")
    assert (task.folder, task.package) == (installed / "stranger" / "far_away", "stranger.far_away")
    assert "accuracy" in task.metrics


def test_entry_points_are_read_only_for_a_name_that_no_folder_holds(tmp_path, monkeypatch):
    def forbidden(name):
        pytest.fail(f"entry points were read for {name}")

    toys.task(tmp_path / "toy")
    monkeypatch.setattr(registry, "_from_entry_point", forbidden)
    assert registry.get("toy", [tmp_path]).name == "toy"
    with pytest.raises(pytest.fail.Exception, match="read for nowhere"):
        registry.get("nowhere", [tmp_path])


def test_submissions_to_a_task_of_an_installed_package_are_scored(installed, tmp_path):
    from harness import plan

    toys.submission(tmp_path / "submissions" / "far-away" / "good", {"dev": toys.PERFECT})
    made = plan.make(Workspace(tmp_path))
    assert [fault.code for fault in made.refused] == []
    assert {cell.system for cell in made.jobs} == {"good", "@reference"}


def test_an_unknown_task_is_a_usage_error_with_a_suggestion():
    with pytest.raises(UsageError, match=r"T017.*'terminologie'.*did you mean 'terminology'"):
        registry.get("terminologie")


# --- a task's code ---


def test_reading_manifests_imports_no_task(tmp_path):
    toys.task(tmp_path / "toy", scorer="raise RuntimeError('imported')")
    assert names([tmp_path]) == ["toy"]


@pytest.mark.parametrize(
    ("scorer", "reason"),
    [
        ("raise RuntimeError('no\\x1b[31m luck')", r"RuntimeError: no\x1b[31m luck"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def broken(:", "SyntaxError: "),
    ],
)
def test_code_that_does_not_load_is_named_with_its_reason(tmp_path, scorer, reason):
    folder = toys.task(tmp_path / "toy", scorer=scorer)
    with pytest.raises(InvalidInput) as error:
        registry.get("toy", [tmp_path]).check()
    (fault,) = error.value.problems
    assert (fault.code, fault.file) == ("T018", str(folder / "scorer.py"))
    assert reason in fault.message


def test_a_task_without_code_has_the_shared_metrics(tmp_path):
    toys.task(tmp_path / "toy", scorer=None, metrics=["chrf2", "bleu"], primary="chrf2")
    task = registry.get("toy", [tmp_path])
    task.check()
    assert [metric.name for metric in task.metrics_for(())] == ["chrf2", "bleu"]
    assert task.importers == {}


def test_unknown_metrics_are_refused_with_line_and_suggestion(tmp_path):
    toys.task(tmp_path / "toy", metrics=["accuracy", "chrf3"], primary="bleu")
    with pytest.raises(InvalidInput) as error:
        registry.get("toy", [tmp_path]).check()
    assert [(fault.code, fault.line) for fault in error.value.problems] == [("T015", 7), ("T013", 6)]
    assert "'chrf3', did you mean 'chrf2'?" in error.value.problems[0].message


def test_compat_metrics_follow_the_default_ones_once(tmp_path):
    toys.task(tmp_path / "toy", test_sets=(), metrics=["accuracy", "bleu"])
    with (tmp_path / "toy" / "task.toml").open("a") as stream:
        stream.write('[compat]\nold = ["bleu", "chrf2"]\nolder = ["chrf2", "chrf2++"]\n')
    task = registry.get("toy", [tmp_path])
    found = [metric.name for metric in task.metrics_for(("old", "older"))]
    assert found == ["accuracy", "bleu", "chrf2", "chrf2++"]


def test_a_metric_that_goes_by_two_names_is_refused(tmp_path):
    folder = toys.task(tmp_path / "toy", scorer=toys.SCORER.replace("accuracy()", 'accuracy("precision")'))
    with pytest.raises(InvalidInput) as error:
        registry.get("toy", [tmp_path]).check()
    (fault,) = error.value.problems
    assert (fault.code, fault.file) == ("T018", str(folder / "scorer.py"))
    assert "METRICS['accuracy'] is called 'precision'" in fault.message


# --- the engine knows no task by name ---


def test_no_module_of_the_engine_names_a_bundled_task_or_its_archives():
    engine = Path(registry.__file__).parent
    archives = [name for task in registry.find().values() for name in task.manifest.importers]
    named = [*BUNDLED, *(name.replace("-", "_") for name in BUNDLED), *archives]
    modules = [path for path in sorted(engine.rglob("*.py")) if (engine / "tasks") not in path.parents]
    assert len(modules) > 40
    found = [(path.name, name) for path in modules for name in named if name in path.read_text("utf-8")]
    assert found == []
