"""Home of loaded tasks: `harness.tasks.<folder>` wherever that folder lies.

In a wheel the bundled tasks lie here. In a checkout (or an editable install of one) they lie in
the `tasks/` beside this package; `HARNESS_TASKS` and `extend` add the folders of organizers.
"""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]


def extend(folder: Path) -> None:
    """Let tasks below `folder` be imported as `harness.tasks.<name>`; repeated calls do nothing."""
    place = str(folder.resolve())
    if place not in __path__:
        __path__.append(place)


if (_CHECKOUT / "tasks").is_dir() and 'name = "shared-task-harness"' in (
    (_CHECKOUT / "pyproject.toml").read_text("utf-8") if (_CHECKOUT / "pyproject.toml").is_file() else ""
):
    extend(_CHECKOUT / "tasks")
for _folder in filter(None, os.environ.get("HARNESS_TASKS", "").split(os.pathsep)):
    extend(Path(_folder))
SEARCH_PATH = tuple(map(Path, __path__))
"""Where tasks are looked for in every workspace."""
