"""A task small enough to check by head, and workspaces of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import harness
from harness.api import Metric, ratio

SCORER = """\
from harness.api import Metric, Statistics, ratio


def statistics(test_set, outputs):
    import numpy as np

    rows = [[outputs[request.id] == request.references[0], 1] for request in test_set.requests]
    return Statistics(("hits", "segments"), np.array(rows, dtype=np.int64))


def accuracy(name="accuracy", **facts):
    known = {
        "title": name,
        "formula": "hits / segments",
        "citation": "-",
        "statistics": statistics,
        "value": ratio("hits", "segments"),
        "signature": lambda test_set: f"{name}:v1",
        "ratio": ("hits", "segments"),
    }
    return Metric(name=name, **{**known, **facts})


METRICS = {"accuracy": accuracy()}
"""
"""Exact match with the first reference."""
FOUR_METRICS = (
    SCORER
    + """

def answers(test_set, outputs):
    import numpy as np

    rows = [(outputs[r.id] == r.references[0], outputs[r.id] != "-") for r in test_set.requests]
    return Statistics(("hits", "answers"), np.array(rows, dtype=np.int64))


METRICS |= {
    "errors": accuracy("errors", best="lower", value=lambda totals: 1 - totals["hits"] / totals["segments"]),
    "precision": accuracy(
        "precision", statistics=answers, value=ratio("hits", "answers"), ratio=("hits", "answers")
    ),
    "plain": accuracy("plain", interval="none"),
}
"""
)
"""Further: one where lower is better, one undefined where nothing is answered, one without intervals."""

ACCURACY = Metric(
    name="accuracy",
    title="Accuracy",
    formula="hits / segments",
    citation="-",
    statistics=lambda *_: pytest.fail("what compares counts nothing"),
    value=ratio("hits", "segments"),
    signature=lambda _: "accuracy:v1",
    ratio=("hits", "segments"),
)
"""A metric as an object, for what works on statistics that are there already."""
ERRORS = replace(
    ACCURACY, name="errors", best="lower", value=lambda totals: 1 - totals["hits"] / totals["segments"], ratio=None
)

SOURCES = ("one", "two", "three", "four")


def write(path: Path, text: str) -> Path:
    """Write a text file and the folders around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def json_lines(rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def task(folder: Path, *, scorer: str | None = SCORER, test_sets=("dev", "test"), more="", **facts) -> Path:
    """Write the task `folder.name`; `more` is TOML that goes into every test set's table."""
    known = {
        "name": folder.name.replace("_", "-"),
        "version": "1.0.0",
        "title": "Toy",
        "licence": "CC0-1.0",
        "citation": "nobody",
        "primary": "accuracy",
        "metrics": ["accuracy"],
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**known, **facts}.items()]
    for name in test_sets:
        lines += ["[[test_sets]]", f'id = "{name}"', f'gold = "data/{name}.jsonl"', more]
        gold(folder / "data" / f"{name}.jsonl")
    write(folder / "task.toml", "\n".join(lines) + "\n")
    write(folder / "__init__.py", "")
    if scorer is not None:
        write(folder / "scorer.py", scorer)
    return folder


def gold(path: Path, sources=SOURCES) -> Path:
    """Write gold in which the reference is the source in capitals."""
    rows = ({"id": str(n), "source": text, "reference": text.upper()} for n, text in enumerate(sources, start=1))
    return write(path, json_lines(rows))


def submission(folder: Path, outputs, *, team="us", kind="primary") -> Path:
    """Write the submission `<task>/<system>`; `outputs` are texts by test set, in the order of the gold."""
    lines = {"task": folder.parent.name, "team": team, "system": folder.name, "kind": kind}
    write(folder / "submission.toml", "".join(f'{key} = "{value}"\n' for key, value in lines.items()))
    for test_set, texts in outputs.items():
        rows = ({"id": str(n), "output": text} for n, text in enumerate(texts, start=1))
        write(folder / "outputs" / f"{test_set}.jsonl", json_lines(rows))
    return folder


PERFECT = tuple(text.upper() for text in SOURCES)
HALF = (*PERFECT[:2], "?", "?")


def workspace(root: Path, *, test_sets=("dev", "test"), **task_facts) -> Path:
    """A workspace with one toy task, two test sets, and the systems `good` (4 of 4) and `half` (2 of 4)."""
    task(root / "tasks" / "toy", test_sets=test_sets, **task_facts)
    for name, texts in (("good", PERFECT), ("half", HALF)):
        submission(root / "submissions" / "toy" / name, dict.fromkeys(test_sets, texts))
    return root


def records(root: Path) -> dict[str, bytes]:
    """The record files of a workspace."""
    return tree(root / "results" / "records")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def environment(**more: str) -> dict[str, str]:
    """The environment of a child process that imports the harness under test."""
    path = os.pathsep.join([str(Path(harness.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}


def run(*arguments: object, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Run `harness` in a process of its own; `more` is environment."""
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=environment(**more), timeout=120, check=False
    )


def wait_until(holds) -> None:
    """Wait for an event of another process."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.02)


def python(code: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment(**more), timeout=120, check=False)
