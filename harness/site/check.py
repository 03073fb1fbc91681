"""Whether a site that lies on the disk may be published: every fault as a finding, none of them mended.

Links and ids resolve, nothing is loaded from elsewhere, no page lacks its policy or is too heavy, the files are what
SHA256SUMS says, and columns do not mix numbers that do not compare. `leaks` looks for what is still hidden.
"""

from __future__ import annotations

import gzip
import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from harness.site import publish
from harness.site.memory import sha256
from harness.site.notfound import PLACE as NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.site.model import Board

POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
KILO = 1000
BUDGETS = {".html": 100 * KILO, ".css": 6 * KILO, ".js": 4 * KILO}
"""Bytes of a file, compressed as servers do."""
CHART = 15 * KILO
"""Bytes of a drawing in a page."""
LINKS = frozenset({"https", "http", "mailto"})
"""Schemes to which a reader may be led; files of a page itself lie beside it."""

_LED = frozenset({"a", "area"})
_ADDRESSES = ("href", "src", "action", "poster", "data", "xlink:href", "srcset")
_FORBIDDEN = frozenset({"style", "iframe", "object", "embed", "base", "form", "frame"})
_HANDLER = re.compile(r"on[a-z]+")
_OUTSIDE = re.compile(r"url\(\s*['\"]?(?:[a-z][a-z0-9+.-]*:|//)|@import", re.IGNORECASE)
_CHART = re.compile(rb"<svg\b.*?</svg>", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A fault: in which file, against which rule, and what it is."""

    place: str
    rule: str
    what: str


@dataclass(slots=True)
class _Read:
    """What a page says of itself and of others."""

    ids: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    faults: list[tuple[str, str]] = field(default_factory=list)


class _Parser(HTMLParser):
    """Collects ids, what refers to them, links, and what a page must not hold."""

    def __init__(self, *, may_be_absolute: bool) -> None:
        super().__init__()
        self.found = _Read()
        self._policy = False
        self._loaded = False
        self._may_be_absolute = may_be_absolute

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if "id" in known:
            self.found.ids.append(known["id"])
        for name in ("aria-labelledby", "aria-describedby", "for", "headers"):
            self.found.named.update(known.get(name, "").split())
        if known.get("http-equiv", "").lower() == "content-security-policy" and known.get("content") == POLICY:
            self._policy = True
        if tag in _FORBIDDEN or (tag == "script" and "src" not in known):
            self._fault("policy", f"<{tag}> in the page")
        for name, value in known.items():
            if name == "style" or _HANDLER.fullmatch(name):
                self._fault("policy", f"the attribute {name} of <{tag}>")
            if name in _ADDRESSES:
                self._address(tag, value)

    def _address(self, tag: str, value: str) -> None:
        if not self._policy and tag not in _LED:
            self._loaded = True
        parts = urlsplit(value)
        if not parts.scheme and not parts.netloc and (self._may_be_absolute or not value.startswith("/")):
            self.found.links.add(value)
        elif tag not in _LED:
            self._fault("external", f"<{tag}> loads {value}")
        elif parts.scheme not in LINKS:
            self._fault("links", f"a link to {value}, which is neither relative nor an address of web or mail")

    def _fault(self, rule: str, what: str) -> None:
        self.found.faults.append((rule, what))

    def read(self, text: str) -> _Read:
        self.feed(text)
        self.close()
        if not self._policy:
            self._fault("policy", "no Content-Security-Policy, or another one")
        elif self._loaded:
            self._fault("policy", "something is loaded before the Content-Security-Policy stands")
        for name in sorted({name for name in self.found.ids if self.found.ids.count(name) > 1}):
            self._fault("ids", f"the id {name} stands more than once")
        for name in sorted(self.found.named - {*self.found.ids}):
            self._fault("ids", f"there is no id {name}, which something refers to")
        return self.found


def findings(site: Path, address: str | None = None) -> list[Finding]:
    """What is wrong with the files of a site; `address` is where it will be published."""
    listed = dict(publish.listed(site))
    if not listed:
        return [Finding("", "files", f"no site was built in this folder: there is no {publish.SUMS} in it")]
    found: list[Finding] = []
    pages: dict[str, _Read] = {}
    for place, digest in sorted(listed.items()):
        path = site / place
        if not path.is_file():
            found.append(Finding(place, "files", f"the file is missing, but stands in {publish.SUMS}"))
            continue
        content = path.read_bytes()
        if sha256(content) != digest:
            found.append(Finding(place, "files", f"its sha256 is not the one in {publish.SUMS}"))
        found += [Finding(place, "budget", what) for what in _heavy(place, content)]
        if place.endswith(".html"):
            parser = _Parser(may_be_absolute=place == NOT_FOUND)
            pages[place] = parser.read(content.decode("utf-8", "replace"))
            found += [Finding(place, rule, what) for rule, what in pages[place].faults]
        elif place.endswith(".css") and _OUTSIDE.search(content.decode("utf-8", "replace")):
            found.append(Finding(place, "external", "the style sheet loads something"))
    base = urlsplit(address).path.rstrip("/") + "/" if address else None
    files = {*listed, publish.SUMS}
    for place, read in pages.items():
        found += [Finding(place, "links", what) for what in _broken(place, read, pages, files, base)]
    return sorted(found)


def _heavy(place: str, content: bytes) -> Iterator[str]:
    allowed = BUDGETS.get(posixpath.splitext(place)[1])
    if allowed is not None and len(content) > allowed and (found := len(gzip.compress(content))) > allowed:
        yield f"{found:,} bytes compressed, more than the {allowed:,} that keep pages quick"
    if place.endswith(".html"):
        largest = max(map(len, _CHART.findall(content)), default=0)
        if largest > CHART:
            yield f"a drawing of {largest:,} bytes, more than the {CHART:,} allowed"


def _broken(place: str, read: _Read, pages: Mapping[str, _Read], files: set[str], base: str | None) -> Iterator[str]:
    """Links of a page that lead to no file of the site, or to no id in it."""
    for link in sorted(read.links):
        parts = urlsplit(link)
        path = unquote(parts.path)
        if path.startswith("/"):
            inside = base is not None and path.startswith(base)
            target = path.removeprefix(base or "") if inside else ".."
        else:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(place), path)) if path else place
        if path.endswith("/") and not target.startswith(".."):
            target = posixpath.normpath(f"{target}/index.html").lstrip("/")
        if target.startswith("..") or target not in files:
            yield f"{link} leads to no file of the site"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            yield f"{link} leads to no such id"


def mixed(boards: Sequence[Board]) -> list[Finding]:
    """Columns whose numbers were not made in the same way: their records name several signatures."""
    found = []
    for board in boards:
        made: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row in board.rows:
            for score in row.result.scores:
                made["signatures", score.metric][score.signature].append(row.result.system)
            made["versions", "the task"][row.result.provenance.task_version].append(row.result.system)
            made["references", "gold"][row.result.provenance.gold[:12]].append(row.result.system)
        for (what, name), by_value in made.items():
            if len(by_value) > 1:
                each = "; ".join(f"{value} ({_few(systems)})" for value, systems in sorted(by_value.items()))
                found.append(Finding(f"{board.task}/{board.test_set}.html", "mixed", f"{what} of {name}: {each}"))
    return sorted(found)


def _few(systems: Sequence[str]) -> str:
    shown = 3
    more = f" and {len(systems) - shown} more" if len(systems) > shown else ""
    return ", ".join(systems[:shown]) + more


def stale(wanted: Mapping[str, bytes | None], site: Path) -> list[Finding]:
    """Files that are not what the records say now."""
    for_readers = {place: content for place, content in wanted.items() if not place.startswith(".")}
    changed, left = publish.differences(for_readers, site)
    found = [Finding(place, "stale", "not what the records say now; build the site again") for place in changed]
    return sorted(found + [Finding(place, "stale", "belongs to no record any more") for place in left])
