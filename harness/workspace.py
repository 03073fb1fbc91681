"""A workspace: any folder with some of `tasks/ submissions/ testsets/ leaderboard/`.

What people write lies in those; what the harness writes lies in `results/` (truth, to be kept)
and `site/` (rendered), with what it can make again in `.harness/`; both are disposable.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness import registry
from harness.cache import StatisticsCache
from harness.catalogue import problem
from harness.errors import UsageError
from harness.store import Store, comparisons_in, derived_in, results_in, timings_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.records import Comparison, Derived, Result, Timing
    from harness.registry import Task


@dataclass(frozen=True)
class Workspace:
    """The folders of a workspace; `task_folders` are further places to look for tasks."""

    root: Path
    task_folders: tuple[Path, ...] = ()

    def check(self) -> None:
        """Raise UsageError (U011) if the root, or a folder of tasks that was asked for, is not one."""
        for folder in (self.root, *self.task_folders):
            if not folder.is_dir():
                raise UsageError(problem("U011", what=folder))

    @property
    def submissions(self) -> Path:
        """What gets scored: `submissions/<task>/<system>/`."""
        return self.root / "submissions"

    @property
    def testsets(self) -> Path:
        """Test sets that no task bundles: `testsets/<task>/<id>/`."""
        return self.root / "testsets"

    @property
    def leaderboard(self) -> Path:
        """Templates and static files that override the theme's."""
        return self.root / "leaderboard"

    @property
    def site(self) -> Path:
        """The rendered leaderboard."""
        return self.root / "site"

    @property
    def results(self) -> Results:
        """What the harness found out: truth, to be kept."""
        return Results(self.root / "results")

    @property
    def statistics(self) -> StatisticsCache:
        """The statistics behind the records; disposable."""
        return StatisticsCache(self.root / ".harness" / "statistics")

    @property
    def _search_path(self) -> tuple[Path, ...]:
        """Where tasks are looked for beside the bundled ones."""
        return (*self.task_folders, self.root / "tasks")

    @cached_property
    def tasks(self) -> Mapping[str, Task]:
        """Every task that can be found from here, by name. Raises InvalidInput."""
        return registry.find(self._search_path)

    def task(self, name: str) -> Task:
        """One task. Raises UsageError (T017) and InvalidInput."""
        return self.tasks.get(name) or registry.get(name, self._search_path)


@dataclass(frozen=True)
class Results:
    """The folders of `results/`: records by kind, and what systems said."""

    folder: Path

    @property
    def records(self) -> Store[Result]:
        """The results."""
        return results_in(self.folder / "records")

    @property
    def comparisons(self) -> Store[Comparison]:
        """What the test sets can tell apart."""
        return comparisons_in(self.folder / "comparisons")

    @property
    def derived(self) -> Store[Derived]:
        """Numbers over several test sets."""
        return derived_in(self.folder / "derived")

    @property
    def timings(self) -> Store[Timing]:
        """What was measured of systems that run."""
        return timings_in(self.folder / "timings")

    @property
    def segments(self) -> Path:
        """What each system said and scored on every segment, by test set."""
        return self.folder / "segments"

    @property
    def outputs(self) -> Path:
        """What systems that run have said: `<task>/<system>/<test set>.jsonl`."""
        return self.folder / "outputs"
