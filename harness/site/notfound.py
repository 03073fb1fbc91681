"""The page that a host shows where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.site.site import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.site.site import Site

PLACE = "404.html"


def pages(site: Site) -> Iterator[Page]:
    """One page. A host shows it at any depth, so its links start at the top of the site, where that is known."""
    base = None if site.config.url is None else f"{urlsplit(site.config.url).path.rstrip('/')}/"
    yield Page(PLACE, "404.html.j2", dict, base=base)
