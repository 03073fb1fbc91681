"""`harness tasks`: which tasks there are, what a task asks for, the requests of a test set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.cli import terminal
from harness.errors import ExitCode

if TYPE_CHECKING:
    import argparse

    from harness.registry import Task
    from harness.workspace import Workspace

SUMMARY = "list tasks, describe one, or print the requests of a test set"
BETTER = {"higher": "higher", "lower": "lower", "zero": "nearer to 0", "none": ""}
EPILOG = """\
examples:
  harness tasks
  harness tasks my-task
  harness tasks my-task --requests my-test-set > requests.jsonl
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a task (default: list them all)")
    parser.add_argument("--requests", metavar="TEST_SET", help="print what a system would be asked, as JSON Lines")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print what was asked for."""
    workspace = terminal.workspace_of(arguments)
    if arguments.name is None:
        _list(workspace, as_json=arguments.json)
    elif arguments.requests is None:
        _describe(workspace, workspace.task(arguments.name), as_json=arguments.json)
    else:
        _print_requests(workspace, workspace.task(arguments.name), arguments.requests)
    return ExitCode.GOOD


def _list(workspace: Workspace, *, as_json: bool) -> None:
    tasks = list(workspace.tasks.values())
    if as_json:
        keys = ("name", "title", "version", "primary")
        terminal.say_json([{key: getattr(task.manifest, key) for key in keys} for task in tasks])
        return
    rows = [[task.name, task.manifest.title, task.manifest.version, task.manifest.primary] for task in tasks]
    terminal.table("tasks", ["name", "title", "version", "primary metric"], rows, text_columns=4)


def _describe(workspace: Workspace, task: Task, *, as_json: bool) -> None:
    from harness import testsets

    task.check()
    found = testsets.find(task, workspace.testsets)
    metrics = task.metrics_for(list(task.manifest.compat))
    facts = ("name", "title", "formula", "unit", "best", "citation")
    manifest = task.manifest
    if as_json:
        keys = ["name", "version", "title", "licence", "citation", "primary", "compat", "importers"]
        keys += ["reader", "outputs", "answers"]
        terminal.say_json(
            {
                **{key: getattr(manifest, key) for key in keys},
                "metrics": [{key: getattr(metric, key) for key in facts} for metric in metrics],
                "test_sets": [{"id": name, "tags": source.table.tags} for name, source in found.items()],
            }
        )
        return
    terminal.say(f"{manifest.title} ({task.name} {manifest.version}), licence {manifest.licence}")
    if manifest.description:
        terminal.say(manifest.description)
    rows = [[metric.name, metric.formula, metric.unit, BETTER[metric.best]] for metric in metrics]
    terminal.table("metrics", ["name", "formula", "unit", "better"], rows, text_columns=4)
    sets = [[name, ", ".join(map(" ".join, source.table.tags.items()))] for name, source in found.items()]
    terminal.table("test sets", ["id", "tags"], sets, text_columns=2)
    if manifest.importers:
        terminal.say(f"importers: {', '.join(manifest.importers)} (harness import NAME SOURCE)")


def _print_requests(workspace: Workspace, task: Task, name: str) -> None:
    from harness import testsets

    test_set = testsets.load(testsets.get(task, name, workspace.testsets))
    for request in test_set.asked:
        terminal.write(json.dumps(request.to_dict(), ensure_ascii=False) + "\n")
