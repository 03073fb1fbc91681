"""What other programs follow and cite: an Atom feed of results, and BibTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness import canonical
from harness.errors import printable
from harness.site import changes, log
from harness.site.site import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.site.site import Site

FEED = "feed.xml"
BIBTEX = "cite.bib"
_SPECIAL = re.compile(r"[\\{}$&#_%~^]")
_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def pages(site: Site) -> Iterator[Page]:
    """The feed and the citation."""
    yield Page(FEED, "feed.xml.j2", lambda: _context(site), (log.encode(site.log).decode(),))
    yield Page(BIBTEX, None, lambda: {"content": bibtex(site)})


def _context(site: Site) -> Mapping[str, object]:
    found = changes.rows(site)[: changes.SHOWN]
    address = site.config.address("")
    return {
        "changes": found,
        "updated": max((change.published for change in found), default=None),
        "id": address or f"urn:sha256:{canonical.digest(site.config.title.encode())}",
        "address": address or "",
    }


def bibtex(site: Site) -> str:
    """The organizers' own BibTeX, or an entry made of what site.toml says; nobody's text becomes a command."""
    config = site.config
    if config.citation is not None:
        return config.citation.strip() + "\n"
    authors = " and ".join(f"{{{_tex(author)}}}" for author in config.authors)
    fields = {
        "title": f"{{{_tex(config.title)}}}",
        "author": authors or f"{{The organizers of {_tex(config.title)}}}",
        "year": str(max(entry.published for entry in site.log).year) if site.log else "",
        "howpublished": rf"\url{{{config.url}}}" if config.url else "",
        "note": f"Results with sha256 {state(site)[:16]}",
    }
    lines = [f"  {key} = {{{text}}},\n" for key, text in fields.items() if text]
    return f"@misc{{leaderboard,\n{''.join(lines)}}}\n"


def state(site: Site) -> str:
    """A digest of all results that are shown: it changes with any of them."""
    return canonical.digest("\n".join(sorted(entry.id for entry in site.log)).encode())


def _tex(text: str) -> str:
    return _SPECIAL.sub(lambda match: _TEX.get(match[0], f"\\{match[0]}"), printable(text, 500))
