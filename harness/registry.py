"""Find and load tasks.

Discovery reads manifests only; a task's Python is imported when the task is used. The folder name
is the module name, and the task's name is the folder name with `-` for `_`. Tasks are looked for,
in this order: bundled ones, `HARNESS_TASKS`, folders given by `--tasks` or lying in the
workspace; entry points of the group `harness.tasks` are read only for a name that none of these
holds, because reading them is slow.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import manifest as manifests
from harness import tasks as home
from harness.api import Importer, Metric, Request
from harness.catalogue import problem, suggestion
from harness.errors import InvalidInput, Problem, UsageError, printable
from harness.manifest import TaskManifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ENTRY_POINTS = "harness.tasks"
_REFERENCES = "the key 'references' must be a list of references, and 'reference' one; each is a {}"


@dataclass(frozen=True, eq=False)
class Task:
    """A task: its manifest, its folder, and its code, which is imported on first use."""

    folder: Path
    package: str
    manifest: TaskManifest

    @property
    def name(self) -> str:
        """The task's name."""
        return self.manifest.name

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric that the task can name: the shared ones, and its own. Raises InvalidInput."""
        from harness.metrics import SHARED

        return {**SHARED, **self._evaluate_modules(), **getattr(self._module("scorer"), "METRICS", {})}

    def _evaluate_modules(self) -> Mapping[str, Metric]:
        """The metrics that are scripts for `evaluate`, by the names of their tables."""
        if not self.manifest.evaluate:
            return {}
        from harness import evaluate_module

        found, faults = {}, []
        for name, table in self.manifest.evaluate.items():
            try:
                found[name] = evaluate_module.metric(name, table, self.folder)
            except ValueError as error:
                path, key = self.folder / "task.toml", f"evaluate.{name}.path"
                line = manifests.line_of(path, "evaluate", name, "path")
                faults.append(problem("T013", file=path, line=line, key=key, what=str(error)))
        if faults:
            raise InvalidInput(*faults)
        return found

    @cached_property
    def requests(self) -> Callable[[Mapping[str, Any], Mapping[str, str]], Sequence[Request]]:
        """How a row of gold (with the tags of its test set) becomes requests; one by default."""
        default = {"text": one_request, "tokens": one_request_of_tokens}[self.manifest.outputs]
        return getattr(self._module("scorer"), "requests", None) or default

    @property
    def importers(self) -> Mapping[str, Importer]:
        """The task's importers by the name of their collection."""
        return getattr(self._module("importers"), "IMPORTERS", {})

    def metrics_for(self, compat: Sequence[str]) -> list[Metric]:
        """The default metrics, then those of the compat lists that a test set names."""
        names = [*self.manifest.metrics, *(name for key in compat for name in self.manifest.compat[key])]
        return [self.metrics[name] for name in dict.fromkeys(names)]

    def check(self) -> None:
        """Raise InvalidInput for every metric that the manifest names and nobody defines."""
        faults = [*self._misnamed_metrics(), *self._unknown_metrics()]
        if faults:
            raise InvalidInput(*faults)

    def _misnamed_metrics(self) -> Iterator[Problem]:
        for key, metric in self.metrics.items():
            if metric.name != key:
                reason = f"METRICS['{key}'] is called '{metric.name}'"
                yield problem("T018", file=self.folder / "scorer.py", what="scorer.py", reason=reason, task=self.name)

    def _unknown_metrics(self) -> Iterator[Problem]:
        path = self.folder / "task.toml"
        named = {"metrics": self.manifest.metrics, "primary": [self.manifest.primary]}
        known = ", ".join(self.metrics)
        named |= {f"compat.{key}": names for key, names in self.manifest.compat.items()}
        named |= {f"derived.{number}.metric": [table.metric] for number, table in enumerate(self.manifest.derived)}
        for key, names in named.items():
            line = manifests.line_of(path, *(int(part) if part.isdigit() else part for part in key.split(".")))
            for name in names:
                if name not in self.metrics:
                    hint = suggestion(name, self.metrics)
                    quoted = f"'{printable(name)}'"
                    yield problem("T015", file=path, line=line, key=key, id=quoted, hint=hint, known=known)
        what = None
        primary = self.manifest.primary
        if primary not in self.manifest.metrics:
            what = f"'{printable(primary)}' is not among metrics"
        elif primary in self.metrics and self.metrics[primary].best not in {"higher", "lower"}:
            what = f"'{printable(primary)}' orders nothing: neither higher nor lower is better"
        if what:
            yield problem("T013", file=path, line=manifests.line_of(path, "primary"), key="primary", what=what)

    def _module(self, name: str) -> object:
        """The task's module `name`, or None if it has none. Raises InvalidInput (T018)."""
        file = self.folder / f"{name}.py"
        if not file.is_file():
            return None
        if self.package.startswith(home.__name__):
            home.extend(self.folder.parent)
        try:
            module = importlib.import_module(f"{self.package}.{name}")
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise InvalidInput(problem("T018", file=file, what=file.name, reason=reason, task=self.name)) from error
        if Path(module.__file__ or "").resolve() != file.resolve():
            reason = f"this process has already loaded another task of this name, {module.__file__}"
            raise InvalidInput(problem("T018", file=file, what=file.name, reason=reason, task=self.name))
        return module


def one_request(row: Mapping[str, Any], tags: Mapping[str, str]) -> Sequence[Request]:  # noqa: ARG001 - the hook's shape
    """The default: one request per row, with all its references. Raises ValueError for what is no text."""
    source, references = row.get("source"), row["references"]
    if not isinstance(source, str):
        message = "the key 'source' is missing" if source is None else "the key 'source' must be a string"
        raise ValueError(message)  # noqa: TRY004 - a fault of data, reported with its line
    if not all(isinstance(reference, str) for reference in references):
        raise ValueError(_REFERENCES.format("string"))
    return [Request(row["id"], source, tuple(references))]


def one_request_of_tokens(row: Mapping[str, Any], tags: Mapping[str, str]) -> Sequence[Request]:  # noqa: ARG001 - as above
    """The same for tokens: source and references are lists of strings of one length."""
    source, references = row.get("source"), row["references"]
    if not _are_tokens(source) or not source:
        message = "the key 'source' must be a non-empty list of strings, one per token"
        raise ValueError(message)
    if not all(_are_tokens(reference) for reference in references):
        raise ValueError(_REFERENCES.format("list of strings"))
    for reference in references:
        if len(reference) != len(source):
            message = f"the source has {len(source)} tokens, a reference has {len(reference)}"
            raise ValueError(message)
    return [Request(row["id"], tuple(source), tuple(map(tuple, references)))]


def _are_tokens(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(token, str) for token in value)


def find(folders: Sequence[Path] = ()) -> dict[str, Task]:
    """Every task on the search path, by name; `folders` are searched last.

    Raises InvalidInput with the faults of every manifest at once, and T016 when two folders
    define one name differently.
    """
    found: dict[str, Task] = {}
    faults: list[Problem] = []
    places = [*home.SEARCH_PATH, *folders]
    for path in dict.fromkeys(place.resolve() for place in places):
        for toml in sorted(path.glob("*/task.toml")):
            try:
                _add(found, _read(toml, f"{home.__name__}.{toml.parent.name}"))
            except InvalidInput as error:
                faults += error.problems
    if faults:
        raise InvalidInput(*faults)
    return dict(sorted(found.items()))


def get(name: str, folders: Sequence[Path] = ()) -> Task:
    """The task called `name`. Raises UsageError (T017) and InvalidInput."""
    known = find(folders)
    task = known.get(name) or _from_entry_point(name)
    if task is None:
        hint = suggestion(name, known)
        raise UsageError(problem("T017", id=f"'{printable(name)}'", hint=hint))
    return task


def _add(found: dict[str, Task], task: Task) -> None:
    """Keep the first of two equal tasks (a checkout beside an installed copy); refuse others."""
    first = found.setdefault(task.name, task)
    if first is not task and _content(first.folder) != _content(task.folder):
        what = f"task '{task.name}'"
        raise InvalidInput(problem("T016", what=what, first=first.folder, other=task.folder))


def _content(folder: Path) -> dict[str, bytes]:
    """What makes a task: its files but for caches, documentation and tests."""
    kinds = {".toml", ".py", ".jsonl", ".txt"}
    files = (path for path in folder.rglob("*") if path.suffix in kinds and path.is_file())
    names = ((path.relative_to(folder), path) for path in files)
    return {str(name): path.read_bytes() for name, path in names if name.parts[0] not in {"tests", "golden"}}


def _read(toml: Path, package: str) -> Task:
    manifest, _ = manifests.load(toml, TaskManifest)
    expected = toml.parent.name.replace("_", "-")
    faults = list(manifests.require_id(manifest.name, toml, manifests.line_of(toml, "name")))
    if manifest.reader == "lines" and (manifest.outputs, manifest.answers) != ("text", "one"):
        what = "lines are paired by number, one text for each request; other outputs and answers need 'jsonl'"
        faults.append(problem("T013", file=toml, line=manifests.line_of(toml, "reader"), key="reader", what=what))
    if manifest.name != expected:
        line, found = manifests.line_of(toml, "name"), f"'{printable(manifest.name)}'"
        faults.append(problem("T014", file=toml, line=line, key="name", found=found, expected=toml.parent.name))
    if faults:
        raise InvalidInput(*faults)
    return Task(toml.parent, package, manifest)


def _from_entry_point(name: str) -> Task | None:
    from importlib.metadata import entry_points  # slow, hence only for names that are not found

    for point in entry_points(group=ENTRY_POINTS, name=name):
        spec = importlib.util.find_spec(point.value)
        if spec and spec.origin and (toml := Path(spec.origin).parent / "task.toml").is_file():
            return _read(toml, point.value)
    return None
