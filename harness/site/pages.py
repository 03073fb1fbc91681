"""Render the site from records and templates alone. Equal records give equal bytes.

A page is rendered only when what it depends on has changed since the last build; `.inputs.json` in the site
remembers what that was.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from jinja2 import TemplateError

from harness import __version__
from harness.catalogue import problem
from harness.errors import EnvironmentFault
from harness.site import config, index, model, publish, testset
from harness.site.render import environment, template_fault, theme
from harness.site.site import Records, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jinja2 import Environment

    from harness.site.site import Page

FAMILIES: tuple[Callable[[Site], Iterator[Page]], ...] = (index.pages, testset.pages)
"""Every kind of page."""
MEMORY = ".inputs.json"


def build(records: Records, site: Path, overrides: Path, today: date | None = None) -> list[Path]:
    """Bring `site` up to date and return the files that were written.

    `overrides` is a folder whose `templates/` and `static/` win over the theme's files of the same name, and whose
    `site.toml` says what an organizer wants; it may not exist, and a template there can extend the one it
    replaces as `theme/<name>`. Pages that belong to no record any more are removed if this module
    made them. What is up to date is not touched. `today` decides what may be shown already.

    Raises InvalidInput (T013 and others for site.toml; T013 for a template that does not render), IntegrityError (R011)
    for a record that could not be a page, EnvironmentFault (E010, E011) if the site cannot be written.
    """
    made = of(records, config.read(overrides), today or date_of_build())
    try:
        wanted: dict[str, bytes | None] = {**_static(theme() / "static"), **_static(overrides / "static")}
        memory = _Memory(site, _digest_of(overrides, made.config))
        renderer = environment(overrides)
        for page in (page for family in FAMILIES for page in family(made)):
            wanted[page.place] = None if memory.has(page) else _render(page, renderer, made)
        wanted[MEMORY] = memory.content()
    except TemplateError as error:
        raise template_fault(error) from error
    except OSError as error:
        raise EnvironmentFault(problem("E012", what=f"{error.strerror} ({error.filename})")) from error
    return [path for path in publish.publish(wanted, site) if path.name != MEMORY]


def of(records: Records, settings: config.Config, today: date) -> Site:
    """What may be shown on a day."""
    shown = model.visible(records, settings, today)
    groups = model.groups(shown.results, shown.absent, shown.comparisons, shown.timings)
    return Site(records=shown, groups=groups, config=settings)


def date_of_build() -> date:
    """Today, or the day of SOURCE_DATE_EPOCH, by which builds are made again."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.now(UTC)
    return (datetime.fromtimestamp(int(epoch), UTC) if epoch else now).date()


def _render(page: Page, renderer: Environment, made: Site) -> bytes:
    context = page.context()
    if page.template is None:
        content = context["content"]
        return content if isinstance(content, bytes) else str(content).encode("utf-8")
    template = renderer.get_template(page.template)
    return template.render(root=page.root, site=made, config=made.config, **context).encode("utf-8")


def _static(folder: Path) -> dict[str, bytes]:
    """The static files of a folder by their place in the site; hidden files are left out."""
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    shown = {place: path for place, path in files.items() if not any(part.startswith(".") for part in place.parts)}
    return {f"static/{place.as_posix()}": path.read_bytes() for place, path in sorted(shown.items())}


def _digest_of(overrides: Path, settings: config.Config) -> str:
    """All that every page depends on: templates, configuration, this version."""
    hashed = hashlib.sha256(f"{__version__} {settings}".encode())
    for folder in (theme() / "templates", overrides / "templates"):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                hashed.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()


class _Memory:
    """What the pages of the last build were made of."""

    def __init__(self, site: Path, common: str) -> None:
        self.site, self.common = site, common
        self.now: dict[str, str] = {}
        try:
            kept = json.loads((site / MEMORY).read_text("utf-8"))
            self.before: dict[str, str] = kept["pages"] if kept["common"] == common else {}
        except (OSError, ValueError, KeyError, TypeError):
            self.before = {}

    def has(self, page: Page) -> bool:
        """Whether the page that lies there was made of the same; one that does not name its inputs is made again."""
        if not page.inputs:
            return False
        self.now[page.place] = hashlib.sha256("\0".join(page.inputs).encode()).hexdigest()
        return self.before.get(page.place) == self.now[page.place] and (self.site / page.place).is_file()

    def content(self) -> bytes:
        """What to remember of this build."""
        return json.dumps({"common": self.common, "pages": self.now}, sort_keys=True).encode()
