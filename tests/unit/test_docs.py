"""The documentation says what is true: its examples run, its lists are complete.

`HARNESS_UPDATE=1 pytest tests/unit/test_docs.py` writes docs/commands.md anew; read its diff before you commit it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.cli import app
from harness.manifest import Limits, Manifest, SubmissionManifest, TaskManifest, TestSetTable

DOCS = Path(__file__).resolve().parents[2] / "docs"
NEW_TASK, COMMANDS = DOCS / "new-task.md", DOCS / "commands.md"
INTRODUCTION = """\
# Commands

What `harness --help` and `harness VERB --help` say. This page is generated: `HARNESS_UPDATE=1 pytest tests/unit/test_docs.py`.
"""
FILE = re.compile(r"^`(?P<path>[^`\n]+)`\n\n```(?:toml|text)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)


def harness(*words, workspace=None):
    """Run the command as a person would. The search path of this interpreter stays; its width is fixed."""
    path = os.pathsep.join(os.path.abspath(place) for place in sys.path)
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": path}
    command = [sys.executable, "-m", "harness", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=environment, cwd=workspace
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def example():
    """The files of the example, by path."""
    found = {match["path"]: match["content"] for match in FILE.finditer(NEW_TASK.read_text("utf-8"))}
    assert len(found) == 5
    return found


@pytest.fixture(scope="module")
def workspace(example, tmp_path_factory):
    """The example, written as the page says."""
    folder = tmp_path_factory.mktemp("proverbs")
    for path, content in example.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, "utf-8")
    return folder


class TestTheExampleOfANewTask:
    def test_it_is_one_manifest_of_fifteen_lines(self, example):
        manifest = example["tasks/proverbs/task.toml"]
        assert manifest.count("\n") == 15
        assert tomllib.loads(manifest)["name"] == "proverbs"
        assert not [path for path in example if path.endswith(".py")]

    def test_its_commands_run_as_they_stand(self, workspace):
        (commands,) = [match["commands"] for match in SHELL.finditer(NEW_TASK.read_text("utf-8"))]
        lines = [shlex.split(line) for line in commands.splitlines()]
        assert [line[:2] for line in lines] == [["harness", verb] for verb in ("tasks", "check", "score", "export")]
        for _, *words in lines:
            harness(*words, workspace=workspace)
        assert (workspace / "site" / "index.html").is_file()

    def test_it_is_scored(self, workspace):
        facts = json.loads(harness("score", "--json", workspace=workspace))
        scores = {result["system"]: {score["metric"]: score["value"] for score in result["scores"]} for result in facts["results"]}
        assert facts["problems"] == []
        assert scores["@reference"] == {"chrf2++": 100.0, "bleu": pytest.approx(100)}
        assert set(scores) == {"@reference", "word-by-word"}

    def test_its_scores_are_those_of_sacrebleu(self, workspace, example):
        from sacrebleu.metrics import BLEU, CHRF

        outputs = example["submissions/proverbs/word-by-word/outputs/de-en.txt"].splitlines()
        references = [example["tasks/proverbs/data/de-en.en.txt"].splitlines()]
        table = harness("export", "results", "--as", "jsonl", workspace=workspace).splitlines()
        rows = [row for row in map(json.loads, table) if row["system"] == "word-by-word"]
        assert {row["metric"]: row["value"] for row in rows} == {
            "chrf2++": CHRF(word_order=2).corpus_score(outputs, references).score,
            "bleu": BLEU().corpus_score(outputs, references).score,
        }


class TestEveryKeyOfAManifestIsDocumented:
    @pytest.mark.parametrize(
        ("section", "manifest"),
        [("task.toml", TaskManifest), ("testset.toml", TestSetTable), ("submission.toml", SubmissionManifest)],
    )
    def test_the_table_of_a_section_lists_the_keys_of_its_manifest(self, section, manifest: type[Manifest]):
        (_, text) = NEW_TASK.read_text("utf-8").split(f"\n## {section}\n")
        rows = re.findall(r"^\| `([a-z_0-9]+)` \|", text.split("\n## ")[0], re.MULTILINE)
        assert len(rows) == len(set(rows))
        assert set(rows) == set(manifest.__struct_fields__)

    @pytest.mark.parametrize("key", Limits.__struct_fields__)
    def test_limits_are_named_with_their_table(self, key):
        assert f"`limits.{key}`" in NEW_TASK.read_text("utf-8")


class TestCommands:
    def test_every_verb_stands_there_with_its_help(self):
        pages = {"harness": ["--help"]} | {f"harness {verb}": [verb, "--help"] for verb in app._VERBS}
        sections = [f"\n## {title}\n\n```text\n{harness(*words)}```\n" for title, words in pages.items()]
        found = INTRODUCTION + "".join(sections)
        if os.environ.get("HARNESS_UPDATE") == "1":
            COMMANDS.write_text(found, "utf-8")
        # Where argparse breaks a line differs between versions of Python; what it says does not.
        assert COMMANDS.read_text("utf-8").split() == found.split()
