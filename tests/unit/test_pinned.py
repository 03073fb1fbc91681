"""Systems that came with the project are known by the digest of their files."""

from __future__ import annotations

import os
import tomllib

import pytest

from harness import submissions
from harness.staging import PINNED


def test_the_pins_are_those_of_the_bundled_systems_that_run(repository):
    folders = sorted(toml.parent for toml in (repository / "submissions").glob("*/*/submission.toml") if runs(toml))
    digests = sorted(submissions.digest_of_files(submissions.load(folder)) for folder in folders)
    if os.environ.get("HARNESS_UPDATE") == "1":
        PINNED.write_text("".join(f"{digest}\n" for digest in digests), "utf-8")
    assert PINNED.read_text("utf-8").split() == digests


def runs(toml):
    return "run" in tomllib.loads(toml.read_text("utf-8"))


@pytest.fixture
def system(tmp_path):
    (tmp_path / "submission.toml").write_text('task = "t"\nteam = "a"\nsystem = "s"\n[run]\ncommand = ["x"]\n', "utf-8")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("pass\n", "utf-8")
    return tmp_path


def test_a_digest_changes_with_every_byte_and_every_name(system):
    found = {digest(system)}
    (system / "code" / "a.py").write_text("pass \n", "utf-8")
    found.add(digest(system))
    (system / "code" / "a.py").rename(system / "code" / "b.py")
    found.add(digest(system))
    (system / "empty").touch()
    found.add(digest(system))
    assert len(found) == 4


def test_compiled_files_of_python_are_nobodys_work(system):
    before = digest(system)
    (system / "code" / "__pycache__").mkdir()
    (system / "code" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    assert digest(system) == before


def test_a_digest_changes_with_the_files_of_others_that_are_used(system):
    variant = system.parent / "variant"
    variant.mkdir()
    text = (
        (system / "submission.toml")
        .read_text("utf-8")
        .replace('command = ["x"]', f'command = ["x"]\nuses = ["{system.name}"]')
    )
    (variant / "submission.toml").write_text(text, "utf-8")
    before = digest(variant)
    (system / "code" / "a.py").write_text("pass \n", "utf-8")
    assert digest(variant) != before


def digest(folder):
    return submissions.digest_of_files(submissions.load(folder))
