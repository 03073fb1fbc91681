"""A tiny workspace in a temporary folder, and the command line as a function."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import harness.tasks
from harness.cli.app import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TASK = """\
name = "toy"
version = "1.0.0"
title = "Toy"
licence = "CC0-1.0"
citation = "nobody, never: a toy"
primary = "bleu"
metrics = ["bleu"]
"""
TEST_SET = """
[[test_sets]]
id = "dev"
gold = "data/dev.jsonl"
"""
SOURCES = ("The cat sat on the mat.", "A dog ran through the old town.", "It rains, and nobody minds.")
REFERENCES = ("Die Katze sass auf der Matte.", "Ein Hund lief durch die alte Stadt.", "Es regnet, niemand stört sich.")
ROWS = tuple(f'{{"id": "{number}", "output": "{text}"}}' for number, text in enumerate(REFERENCES, start=1))
GOLD = tuple(
    json.dumps({"id": str(number), "source": source, "reference": reference}, ensure_ascii=False)
    for number, (source, reference) in enumerate(zip(SOURCES, REFERENCES, strict=True), start=1)
)
OUTPUTS = "submissions/toy/alpha/outputs/dev.jsonl"
MANIFEST = "submissions/toy/alpha/submission.toml"
DATA = "tasks/toy/data/dev.jsonl"
TOML = "tasks/toy/task.toml"


def lines(*rows: str) -> bytes:
    """The bytes of a file with these lines."""
    return "".join(f"{row}\n" for row in rows).encode()


@contextlib.contextmanager
def as_in_a_new_process() -> Iterator[None]:
    """Forget afterwards which folders of tasks were named, and their modules."""
    places, modules = list(harness.tasks.__path__), set(sys.modules)
    try:
        yield
    finally:
        harness.tasks.__path__[:] = places
        for name in set(sys.modules) - modules:
            if name.startswith("harness.tasks."):
                del sys.modules[name]


@dataclass(frozen=True)
class Outcome:
    """What the command said."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both streams."""
        return self.out + self.err

    @cached_property
    def json(self) -> Any:
        """The document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Toy:
    """A workspace with a task `toy`, a test set `dev` of three requests and a submission `alpha`."""

    root: Path
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    """What must be undone after the test."""

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file below the workspace."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def task(self, text: str = TASK + TEST_SET, gold: bytes = lines(*GOLD)) -> None:
        """Write the task."""
        self.write(TOML, text)
        self.write(DATA, gold)

    def submission(self, system: str = "alpha", outputs: bytes | None = lines(*ROWS), more: str = "") -> Path:
        """Write a submission, good unless said otherwise."""
        folder = self.root / "submissions/toy" / system
        self.write(f"{folder}/submission.toml", f'task = "toy"\nteam = "team"\nsystem = "{system}"\n{more}')
        if outputs is not None:
            self.write(f"{folder}/outputs/dev.jsonl", outputs)
        return folder

    def run(self, *argv: str | Path) -> Outcome:
        """Run the command in this process; `{}` in an argument is the workspace."""
        out, err = io.StringIO(), io.StringIO()
        words = [str(word).replace("{}", str(self.root)) for word in argv]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), as_in_a_new_process():
            code = main([*words, *self._places(words)])
        return Outcome(code, out.getvalue(), err.getvalue())

    def run_process(self, *argv: str | Path, **settings: Any) -> Outcome:
        """Run the command in a process of its own, as a person does."""
        words = [str(word).replace("{}", str(self.root)) for word in argv]
        command = [sys.executable, "-m", "harness", *words, *self._places(words)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, **settings)
        return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def _places(self, words: list[str]) -> list[str]:
        return [] if "--workspace" in words else ["--workspace", str(self.root), "--tasks", str(self.root / "tasks")]

    def check(self, *argv: str | Path) -> Outcome:
        """Check the submission `alpha`, or what is said."""
        return self.run("check", *(argv or (self.root / "submissions/toy/alpha",)))

    def check_outputs(self, content: bytes) -> Outcome:
        """Check these bytes as the outputs of `alpha`."""
        self.submission(outputs=content)
        return self.check()


def make(root: Path) -> Toy:
    """A good workspace."""
    toy = Toy(root)
    toy.task()
    toy.submission()
    return toy
