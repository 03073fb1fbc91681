"""The promises of a task's code, tried in an interpreter of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.registry import Task

HEAVY = ("numpy", "sacrebleu", "scipy", "simplemma", "torch")


def check_signatures_need_no_heavy_import(task: Task) -> None:
    """Signatures are text, differ between metrics, and are made without importing what they name."""
    found = _child(task, _SIGNATURES)
    assert found["heavy"] == [], f"making signatures imports {found['heavy']}"
    for test_set, signatures in found["signatures"].items():
        assert len(set(signatures.values())) == len(signatures), f"{test_set}: metrics share a signature: {signatures}"
        assert all(signatures.values()), test_set
        assert all("\t" not in text and "\n" not in text for text in signatures.values())


def check_code_imports_only_what_tasks_may(task: Task) -> None:
    """The task's modules load, and bring nothing of the engine beyond harness.api and harness.metrics."""
    beyond = _child(task, _IMPORTS)["beyond"]
    assert beyond == [], f"the task's code imports {beyond}"


CHECKS = (check_signatures_need_no_heavy_import, check_code_imports_only_what_tasks_may)


_FIND = """\
import json, sys
from pathlib import Path
from harness import registry
name, folder = sys.argv[1], Path(sys.argv[2])
tasks = registry.find()
task = tasks.get(name) or registry.find([folder.parent])[name]
"""
_SIGNATURES = f"""\
{_FIND}
from harness import testsets
metrics = task.metrics_for(list(task.manifest.compat))
signatures = {{}}
for table in task.manifest.test_sets:
    test_set = testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))
    signatures[table.id] = {{metric.name: metric.signature(test_set) for metric in metrics}}
heavy = sorted(set(sys.modules) & set({HEAVY}))
print(json.dumps({{"signatures": signatures, "heavy": heavy}}))
"""
_IMPORTS = """\
import ast, importlib, json, pkgutil, sys
from pathlib import Path
import harness.api, harness.metrics, harness.tasks
name, folder = sys.argv[1], Path(sys.argv[2])
for module in pkgutil.iter_modules(harness.metrics.__path__):
    importlib.import_module(f"harness.metrics.{module.name}")
if str(folder.parent) not in map(str, harness.tasks.__path__):
    harness.tasks.extend(folder.parent)
before = set(sys.modules)
package = f"{harness.tasks.__name__}.{folder.name}"
for path in sorted(folder.glob("*.py")):
    importlib.import_module(package if path.stem == "__init__" else f"{package}.{path.stem}")
new = set(sys.modules) - before
loaded = {name for name in new if name.split(".")[0] == "harness" and f"{name}.".startswith("harness.")}
trees = [ast.walk(ast.parse(path.read_bytes())) for path in folder.glob("*.py")]
nodes = [node for tree in trees for node in tree]
loaded |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
loaded |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
allowed = (f"{package}.", "harness.api.", "harness.metrics.")
beyond = [name for name in sorted(loaded) if name.split(".")[0] == "harness" and not f"{name}.".startswith(allowed)]
print(json.dumps({"beyond": [name for name in beyond if name != "harness"]}))
"""


def _child(task: Task, program: str) -> dict[str, Any]:
    """Run a program in a fresh interpreter with the same search path; it prints JSON."""
    path = os.pathsep.join(place or str(Path.cwd()) for place in sys.path)
    command = [sys.executable, "-c", program, task.name, str(task.folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
