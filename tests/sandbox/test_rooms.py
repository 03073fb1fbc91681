"""What is copied into a room, and what an interpreter shows."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.errors import EnvironmentFault, InvalidInput
from harness.sandbox import Room, landlock, rooms


@pytest.fixture
def submission(tmp_path):
    folder = tmp_path / "submission"
    for name in ("submission.toml", "run.sh", "model/weights.bin", "model/outputs/part", "outputs/set.jsonl"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    (folder / "run.sh").chmod(0o700)
    (folder / "model").chmod(0o700)
    return folder


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_copy_holds_the_regular_files_without_the_outputs(submission, tmp_path):
    copy = rooms.prepare(submission, tmp_path / "copy")
    assert copy == tmp_path / "copy"
    assert names_in(copy) == ["model/outputs/part", "model/weights.bin", "run.sh", "submission.toml"]
    assert (copy / "model/weights.bin").read_text("utf-8") == "model/weights.bin"


def test_everybody_can_read_a_copy_and_nobody_else_can_write_it(submission, tmp_path):
    before = os.umask(0o077)
    try:
        copy = rooms.prepare(submission, tmp_path / "copy")
    finally:
        os.umask(before)
    modes = {str(path.relative_to(copy)): path.stat().st_mode & 0o7777 for path in (copy, *copy.rglob("*"))}
    assert modes["."] == modes["model"] == modes["run.sh"] == 0o755
    assert modes["submission.toml"] == 0o644


@pytest.mark.parametrize("kind", ["symbolic link", "named pipe", "socket", "file with 2 hard links"])
def test_what_is_no_regular_file_is_refused_by_its_name(submission, tmp_path, kind, monkeypatch):
    strange = submission / "model" / "strange"
    if kind == "symbolic link":
        strange.symlink_to("/etc/passwd")
    elif kind == "named pipe":
        os.mkfifo(strange)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            monkeypatch.chdir(strange.parent)  # the path of a socket has a limit
            listening.bind(strange.name)
    else:
        strange.hardlink_to(submission / "run.sh")
    with pytest.raises(InvalidInput) as caught:
        rooms.prepare(submission, tmp_path / "copy")
    assert {fault.code for fault in caught.value.problems} == {"S022"}
    assert f"this is a {kind};" in caught.value.problems[0].message
    assert not (tmp_path / "copy").exists()


def test_a_linked_outputs_folder_is_not_even_looked_at(submission, tmp_path):
    for path in (submission / "outputs").iterdir():
        path.unlink()
    (submission / "outputs").rmdir()
    (submission / "outputs").symlink_to("/etc")
    assert "outputs" not in names_in(rooms.prepare(submission, tmp_path / "copy"))


def test_a_copy_never_mixes_with_what_is_there(submission, tmp_path):
    (tmp_path / "copy").mkdir()
    with pytest.raises(EnvironmentFault):
        rooms.prepare(submission, tmp_path / "copy")


def test_the_library_holds_what_systems_may_import_and_nothing_else(tmp_path):
    library = rooms.library(tmp_path / "library")
    assert names_in(library) == ["harness/__init__.py", "harness/system.py"]
    program = "import harness.system, sys; print(harness.system.serve.__module__, 'harness.api' in sys.modules)"
    environment = {"PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], env=environment, cwd="/", capture_output=True, text=True, check=True
    )
    assert done.stdout == "harness.system False\n"


def test_this_interpreter_needs_its_prefixes():
    readable, _ = rooms.runtime()
    shown = [*(place.resolve() for place in readable), Path("/usr")]
    for place in (sys.prefix, sys.base_prefix, os.__file__, sys.executable):
        assert any(Path(place).resolve().is_relative_to(above) for above in shown), place


def test_of_a_checkout_only_the_environment_in_it_is_shown(tmp_path):
    checkout = tmp_path / "checkout"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)
    readable, _ = rooms.runtime(checkout / ".venv/bin/python")
    assert checkout / ".venv" in readable
    assert checkout not in readable
    assert not any(checkout.is_relative_to(place) for place in readable)


def test_gold_of_installed_tasks_is_masked_and_gold_that_nobody_sees_is_not(tmp_path):
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (packages,) = environment.glob("lib/python3*/site-packages")
    installed, organizers = packages / "harness/tasks", environment / "gold"
    unseen = tmp_path / "elsewhere"
    for folder in (installed, organizers, unseen):
        folder.mkdir(parents=True)
    _, masked = rooms.runtime(environment / "bin/python", gold=[organizers, unseen, environment / "absent"])
    assert {installed.resolve(), organizers.resolve()} <= set(masked)
    assert unseen.resolve() not in masked
    assert environment / "absent" not in masked


def test_what_lies_in_a_masked_place_needs_no_mask_of_its_own(tmp_path):
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=120)
    (packages,) = environment.glob("lib/python3*/site-packages")
    task = packages / "harness" / "tasks" / "toy"
    task.mkdir(parents=True)
    _, masked = rooms.runtime(environment / "bin/python", gold=[task])
    assert (packages / "harness" / "tasks").resolve() in masked
    assert task.resolve() not in masked


def test_our_own_tasks_are_masked_where_they_can_be_seen():
    readable, masked = rooms.runtime()
    tasks = Path(harness.__file__).with_name("tasks").resolve()
    is_seen = any(tasks.is_relative_to(place.resolve()) for place in (*readable, Path("/usr")))
    assert (tasks in masked) == is_seen


def test_an_interpreter_that_cannot_run_is_a_fault_of_the_environment(tmp_path):
    with pytest.raises(EnvironmentFault) as caught:
        rooms.runtime(tmp_path / "python")
    assert caught.value.problems[0].code == "E012"


def test_landlock_allows_what_lies_around_gold(tmp_path):
    for name in ("packages/library.py", "packages/harness/score.py", "packages/harness/tasks/gold.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    packages, tasks = tmp_path / "packages", tmp_path / "packages/harness/tasks"
    room = Room(folder=tmp_path / "packages", readable=(packages,), masked=(tasks,))
    allowed = {path: rights for path, rights in landlock.rules(room) if path.startswith(str(packages))}
    assert allowed == {
        str(packages): 8,  # to list
        str(packages / "harness"): 8,
        str(packages / "library.py"): 5,  # to execute, to read
        str(packages / "harness/score.py"): 5,
    }
