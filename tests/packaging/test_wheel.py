"""The wheel holds exactly what it should, and works without the checkout.

`HARNESS_UPDATE=1 pytest tests/packaging` writes wheel-files.txt anew; read its diff before you commit it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest

EXPECTED = Path(__file__).with_name("wheel-files.txt")
PLACES = {"harness": "harness", "tasks": "harness/tasks", "leaderboard": "harness/site/theme"}
LEFT_OUT = {"tests", "golden", "__pycache__"}


def run(*command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(repository, tmp_path_factory) -> Path:
    """The wheel, built from the sdist as a packager builds it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(repository))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def files(wheel) -> list[str]:
    """The names in the wheel, without the version."""
    with zipfile.ZipFile(wheel) as archive:
        return sorted(
            re.sub(r"^(shared_task_harness)-[^/]+(\.dist-info/)", r"\1\2", name) for name in archive.namelist()
        )


@pytest.fixture(scope="session")
def environment(wheel, tmp_path_factory) -> Path:
    """A virtual environment with the wheel in it; dependencies come from the one that runs the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    site = Path(run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return folder


def test_wheel_brings_one_top_level_name_and_its_metadata(files):
    assert {name.split("/")[0] for name in files} == {"harness", "shared_task_harness.dist-info"}


def test_wheel_holds_every_file_of_the_three_folders_under_its_mapped_name(files, repository):
    assert [name for name in files if name.startswith("harness/")] == sorted(mapped(repository))


def mapped(repository):
    for folder, place in PLACES.items():
        for path in (repository / folder).rglob("*"):
            inner = path.relative_to(repository / folder)
            if path.is_file() and not any(part in LEFT_OUT or part.startswith(".") for part in inner.parts):
                yield str(PurePosixPath(place, inner))


def test_wheel_holds_the_listed_files(files):
    if os.environ.get("HARNESS_UPDATE") == "1":
        EXPECTED.write_text("\n".join(files) + "\n", "utf-8")
    assert files == EXPECTED.read_text("utf-8").splitlines()


def test_wheel_holds_no_tests_no_golden_and_no_hidden_files(files):
    parts = {part for name in files for part in name.split("/")}
    assert not parts & LEFT_OUT
    assert not [part for part in parts if part.startswith(".")]


def test_distribution_does_not_take_the_name_of_a_stranger(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode("utf-8"))
    assert metadata["Name"] == "shared-task-harness"
    assert metadata["License-Expression"] == "Apache-2.0"


@pytest.mark.parametrize("command", [["python", "-m", "harness"], ["harness"]], ids=" ".join)
def test_installed_wheel_lists_its_tasks_from_anywhere(environment, repository, tmp_path, command):
    program = str(environment / "bin" / command[0])
    listed = run(program, *command[1:], "tasks", cwd=tmp_path)
    for manifest in (repository / "tasks").glob("*/task.toml"):
        assert manifest.parent.name.replace("_", "-") in listed


@pytest.mark.parametrize("name", ["tasks", "leaderboard", "tests"])
def test_installed_wheel_leaks_no_folder_of_the_checkout(environment, tmp_path, name):
    question = f"import importlib.util as u; print(u.find_spec({name!r}))"
    assert run(str(environment / "bin" / "python"), "-c", question, cwd=tmp_path).strip() == "None"


def test_editable_install_is_one_line_that_names_the_checkout(repository, tmp_path):
    build = "import sys; from hatchling.build import build_editable; print(build_editable(sys.argv[1]))"
    name = run(sys.executable, "-c", build, str(tmp_path), cwd=repository).split()[-1]
    with zipfile.ZipFile(tmp_path / name) as archive:
        (link,) = [entry for entry in archive.namelist() if "dist-info" not in entry]
        assert link.endswith(".pth")
        assert archive.read(link).decode("utf-8").split() == [str(repository)]
