"""The first page: all tasks and their test sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.site.site import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.site.site import Site


def pages(site: Site) -> Iterator[Page]:
    """One page."""
    yield Page("index.html", "index.html.j2", lambda: {"tasks": site.tasks})
