"""A metric that is a Hugging Face `evaluate` module in the task's own folder.

    score = sum over segments of the module's result for the segment / segments

A module may return one number per example (a list, as learned metrics do): it is called once. Else it
is called for each segment alone, and a corpus metric such as BLEU becomes the mean of its sentence
scores; the signature says which. The script is imported from its path: nothing is looked up by name,
nothing is fetched, and a module that wants to download is refused.

Needs the package `evaluate` when scoring, and not before. A segment has one request here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from harness.api import Metric, Statistics, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.api import Output, Request, TestSet
    from harness.manifest import EvaluateTable

COLUMNS = ("sum", "segments")


class NoDownloads:
    """Stands in the place of a download manager and refuses."""

    def __getattr__(self, name: str) -> NoReturn:
        message = f"the module asks for {name}(): a metric of a task is offline"
        raise PermissionError(message)


@dataclass(frozen=True)
class Module:
    """A script of the task, and which of its results is the metric. Equal modules share one extraction."""

    script: Path
    result: str
    config: str | None

    def __call__(self, test_set: TestSet, outputs: Mapping[str, Output]) -> Statistics:
        """The result of every segment and the number 1; columns `sum` and `segments`.

        Raises ImportError without the package `evaluate`, KeyError for a result that the module does
        not return, ValueError for a segment of several requests, and what the module raises.
        """
        import numpy as np

        requests = list(test_set.requests)
        if len(requests) != len(test_set.segments):
            message = "a segment of this test set has several requests; an evaluate module takes one text for each"
            raise ValueError(message)
        module = _load(self.script, self.config)
        values = _together(module, requests, outputs, self.result)
        if values is None:
            values = [float(_results(module, [request], outputs)[self.result]) for request in requests]
        return Statistics(COLUMNS, np.column_stack([values, np.ones(len(values))]))

    def signature(self, _: TestSet) -> str:
        """The bytes of the script decide, and which result is taken."""
        digest = hashlib.sha256(self.script.read_bytes()).hexdigest()[:16]
        config = "" if self.config is None else f"|config:{self.config}"
        return f"evaluate:{self.script.stem}|script:{digest}|result:{self.result}{config}|mean:segments"


def metric(name: str, table: EvaluateTable, folder: Path) -> Metric:
    """The metric that a `[evaluate.<name>]` table of the task in `folder` declares.

    Raises ValueError if its path leads to no script inside the folder.
    """
    module = Module(script(table.path, folder), table.result, table.config)
    return Metric(
        name=name,
        title=table.title or name,
        formula=f"mean of {table.result} over segments",
        citation=table.citation or "-",
        statistics=module,
        value=ratio(*COLUMNS),
        signature=module.signature,
        unit=table.unit,
        best=table.best,
        packages=("evaluate",),
    )


def script(path: str, folder: Path) -> Path:
    """The script of a module: the file itself, or the one that is called like its folder, as `evaluate` has it."""
    named = folder / path
    found = named if named.suffix == ".py" else named / f"{named.name}.py"
    if not found.resolve().is_relative_to(folder.resolve()) or not found.is_file():
        message = f"there is no script {found.name} at '{path}' in the task's folder; modules of a hub are not loaded"
        raise ValueError(message)
    return found


@lru_cache(maxsize=8)
def _load(path: Path, config: str | None) -> Any:  # noqa: ANN401 - evaluate ships no types
    """The module of a script, without the loader of `evaluate`, which may fetch what a script imports."""
    import evaluate

    spec = importlib.util.spec_from_file_location(f"harness_evaluate_{path.stem}", path)
    if spec is None or spec.loader is None:
        message = f"{path.name} is no Python script"
        raise ImportError(message)
    code = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = code
    spec.loader.exec_module(code)
    kinds: list[Any] = [
        kind
        for _, kind in inspect.getmembers(code, inspect.isclass)
        if issubclass(kind, evaluate.EvaluationModule) and kind.__module__ == spec.name
    ]
    if len(kinds) != 1:
        message = f"{path.name} defines {len(kinds)} evaluation modules, expected 1"
        raise ImportError(message)
    module = kinds[0](config_name=config, keep_in_memory=True)
    module.download_and_prepare(dl_manager=NoDownloads())
    return module


def _together(
    module: Any,  # noqa: ANN401 - evaluate ships no types
    requests: Sequence[Request],
    outputs: Mapping[str, Output],
    result: str,
) -> list[float] | None:
    """One result per request of one call, or None if the module gives one for all."""
    found = _results(module, requests, outputs)[result]
    try:
        values = list(map(float, found))
    except TypeError:
        return None
    return values if len(values) == len(requests) else None


def _results(module: Any, requests: Sequence[Request], outputs: Mapping[str, Output]) -> Mapping[str, Any]:  # noqa: ANN401 - above
    """What the module computes; it gets sources if it has a column for them."""
    is_single = all(len(request.references) == 1 for request in requests)
    columns: dict[str, list[Any]] = {
        "predictions": [_plain(outputs[request.id]) for request in requests],
        "references": [
            _plain(request.references[0]) if is_single else list(map(_plain, request.references))
            for request in requests
        ],
        "sources": [_plain(request.source) for request in requests],
    }
    wanted = {name: columns[name] for name in module._feature_names() if name in columns}  # noqa: SLF001 - no public door
    found: Mapping[str, Any] = module.compute(**wanted)
    return found


def _plain(text: Output) -> Any:  # noqa: ANN401 - a text, or a list of texts
    return list(text) if isinstance(text, tuple) else text
