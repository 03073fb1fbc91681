"""Render the site from records and templates alone. Equal records give equal bytes.

A page is rendered only when what it depends on has changed since the last build; `.inputs.json` in the site
remembers what that was, and `changes.json` when each result appeared.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from jinja2 import TemplateError

from harness import __version__
from harness.catalogue import problem
from harness.errors import EnvironmentFault
from harness.site import (
    averages,
    changes,
    config,
    coverage,
    downloads,
    feed,
    index,
    log,
    memory,
    method,
    metrics,
    model,
    notfound,
    pairs,
    publish,
    segmentpages,
    systems,
    testset,
    timing,
)
from harness.site.render import environment, template_fault, theme
from harness.site.site import Records, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from jinja2 import Environment

    from harness.site.memory import Memory
    from harness.site.site import Page

FAMILIES: tuple[Callable[[Site], Iterator[Page]], ...] = (
    index.pages,
    testset.pages,
    timing.pages,
    systems.pages,
    pairs.pages,
    segmentpages.pages,
    metrics.pages,
    averages.pages,
    coverage.pages,
    method.pages,
    changes.pages,
    downloads.pages,
    feed.pages,
    notfound.pages,
)
"""Every kind of page. Where two want one place, the first has it."""


def build(records: Records, site: Path, overrides: Path, today: date | None = None) -> list[Path]:
    """Bring `site` up to date and return the files that were written.

    `overrides` is a folder whose `templates/` and `static/` win over the theme's files of the same name, and whose
    `site.toml` says what an organizer wants; it may not exist, and a template there can extend the one it
    replaces as `theme/<name>`. Files that belong to no record any more are removed if this module
    made them. What is up to date is not touched. `today` decides what may be shown already.

    Raises InvalidInput (T013 and others for site.toml; T013 for a template that does not render), IntegrityError (R011)
    for a record that could not be a page, EnvironmentFault (E010, E011) if the site cannot be written.
    """
    wanted = render(records, site, overrides, today)
    return [path for path in publish.publish(wanted, site) if path.name != memory.PLACE]


def render(
    records: Records, site: Path, overrides: Path, today: date | None = None, *, fresh: bool = False
) -> dict[str, bytes | None]:
    """Every file that `site` should hold by its place, None for those that lie there already; SHA256SUMS is the last.

    Nothing is written. A `fresh` one holds the bytes of all files. Raises as `build` does.
    """
    settings, day = config.read(overrides), today or date_of_build()
    remembered = memory.Memory(None if fresh else site)
    made = of(records, settings, day)
    ids, remembered.ids = log.identities(made.records.results, remembered.known_ids)
    made = replace(made, log=log.continued(log.read(site), made.records.results, ids, day))
    try:
        static = {**_static(theme() / "static"), **_static(overrides / "static")}
        listed: dict[str, Page] = {}
        for page in (page for family in FAMILIES for page in family(made)):
            listed.setdefault(page.place, page)
        made.places.update(static, listed)
        remembered.common = _digest_of(overrides, made, hides_names=settings.hides_names(day))
        renderer = environment(overrides)
        wanted: dict[str, bytes | None] = dict(static)
        for page in listed.values():
            wanted[page.place] = None if remembered.has(page, made) else _render(page, renderer, made, remembered)
        wanted[memory.PLACE] = remembered.content()
    except TemplateError as error:
        raise template_fault(error) from error
    except OSError as error:
        raise EnvironmentFault(problem("E012", what=f"{error.strerror} ({error.filename})")) from error
    return {**wanted, publish.SUMS: _sums(wanted, remembered)}


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


def _render(page: Page, renderer: Environment, made: Site, remembered: Memory) -> bytes:
    made.asked.clear()
    context = page.context()
    if page.template is None:
        content = context["content"]
        rendered = content if isinstance(content, bytes) else str(content).encode("utf-8")
    else:
        facts = {"root": page.root, "here": page.place, "site": made, "config": made.config}
        rendered = renderer.get_template(page.template).render(**facts, **context).encode("utf-8")
    remembered.learn(page, made, rendered)
    return rendered


def _static(folder: Path) -> dict[str, bytes]:
    """The static files of a folder by their place in the site; hidden files are left out."""
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    shown = {place: path for place, path in files.items() if not any(part.startswith(".") for part in place.parts)}
    return {f"static/{place.as_posix()}": path.read_bytes() for place, path in sorted(shown.items())}


def _sums(wanted: Mapping[str, bytes | None], remembered: Memory) -> bytes:
    """SHA256SUMS, as `sha256sum --check` reads it, over every file that is for readers."""
    sums = {
        place: remembered.content_of(place) if content is None else memory.sha256(content)
        for place, content in wanted.items()
        if place != memory.PLACE
    }
    return "".join(f"{found}  {place}\n" for place, found in sorted(sums.items())).encode()


def _digest_of(overrides: Path, made: Site, *, hides_names: bool) -> str:
    """All that every page depends on: templates, configuration, this version, and what its head leads to.

    What is hidden is not part of it: the records of pages tell of that, and a digest of it would be public.
    """
    facts = (__version__, {**_facts(made.config), "hides_names": hides_names}, made.navigation)
    hashed = hashlib.sha256(repr(facts).encode())
    for folder in (theme() / "templates", overrides / "templates"):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                hashed.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()


def _facts(settings: config.Config) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__ if name != "hidden_until"}
