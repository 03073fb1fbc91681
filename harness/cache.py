"""Statistics of scored systems, kept so that comparing them counts nothing again.

One file per cell, `.harness/statistics/<xx>/<sha256>.npz`, named by what decides its content: gold,
outputs, task version and every signature. It is disposable: a file that is missing, damaged or of
another version is a miss and nothing else, and deleting the folder loses time only.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import canonical
from harness.api import Statistics

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import numpy as np

VERSION = 1


class StatisticsCache:
    """Statistics by metric, for each cell that was scored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: Hashable) -> dict[str, Statistics] | None:
        """The statistics of a cell by metric, or None."""
        import numpy as np

        try:
            with self._path(key).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                index = json.loads(str(stored["index"]))
                parts = [_unpacked(stored, number, columns) for number, columns in enumerate(index["columns"])]
            return {metric: parts[number] for metric, number in index["metrics"].items()}
        except Exception:  # noqa: BLE001 - whatever a damaged file does to its readers, it is a miss
            return None

    def put(self, key: Hashable, statistics: Mapping[str, Statistics]) -> None:
        """Keep the statistics of a cell; those that several metrics share are kept once.

        A disk that is full, or a folder that may not be written, is no reason to fail.
        """
        import numpy as np

        shared: dict[int, int] = {}
        arrays: dict[str, Any] = {}
        columns: list[Any] = []
        for found in statistics.values():
            if id(found) not in shared:
                shared[id(found)] = len(columns)
                arrays |= _packed(found, len(columns))
                columns.append(found.columns)
        metrics = {name: shared[id(found)] for name, found in statistics.items()}
        arrays["index"] = np.array(json.dumps({"metrics": metrics, "columns": columns}))
        try:
            _write(self._path(key), arrays)
        except OSError:
            return

    def _path(self, key: Hashable) -> Path:
        name = name_of((VERSION, key))
        return self.folder / name[:2] / f"{name}.npz"


def name_of(key: Hashable) -> str:
    """A file name for what a key stands for, the same in every process."""
    return canonical.digest(canonical.encode(repr(_stable(key))))


def _stable(key: object) -> object:
    """A key whose `repr` is the same in every process: sets have no order of their own."""
    if isinstance(key, frozenset):
        return sorted(map(_stable, key), key=repr)
    return tuple(map(_stable, key)) if isinstance(key, tuple) else key


def _packed(found: Statistics, number: int) -> dict[str, np.ndarray[Any, Any]]:
    rows = found.rows
    if not hasattr(rows, "tocsr"):
        return {f"rows-{number}": rows}
    sparse = rows.tocsr()
    names = ("data", "indices", "indptr")
    return {f"{name}-{number}": getattr(sparse, name) for name in names}


def _unpacked(stored: Mapping[str, Any], number: int, columns: list[Any]) -> Statistics:
    names = tuple(tuple(column) if isinstance(column, list) else column for column in columns)
    rows: Any
    if f"rows-{number}" in stored:
        rows = stored[f"rows-{number}"]
    else:
        from scipy.sparse import csr_array

        data, indices, starts = (stored[f"{name}-{number}"] for name in ("data", "indices", "indptr"))
        rows = csr_array((data, indices, starts), shape=(len(starts) - 1, len(names)))
        rows.check_format(full_check=True)
    if rows.ndim != 2 or rows.shape[1] != len(names):  # noqa: PLR2004 - a matrix
        message = f"rows of shape {rows.shape} for {len(names)} columns"
        raise ValueError(message)
    return Statistics(names, rows)


def _write(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write under another name and rename: a reader sees a whole file or none."""
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            np.savez(stream, **arrays)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
