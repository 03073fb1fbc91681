"""What can be known of style sheet, scripts and pages without a browser: contrast, weight, structure, links."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import pytest

from harness.site import render

KILO = 1000
BUDGETS = {"site.css": 6 * KILO, "site.js": 4 * KILO, "whatif.js": 2.5 * KILO}
"""Bytes of each static file, compressed."""
PAGE_BUDGET = 100 * KILO
CHART_BUDGET = 15 * KILO
INKS = ("ink", "muted", "accent", "warn", "good", "bad")
GROUNDS = ("paper", "card", "wash")
DANGEROUS = re.compile(
    r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|fetch\(|XMLHttp|import\("
)
HANDLER = re.compile(r"on[a-z]+")
HEADING = re.compile(r"h[1-6]")
ADDRESSES = ("href", "src", "action", "poster", "data", "xlink:href", "srcset")


class Outline(HTMLParser):
    """The start tags of a page, each with its attributes and the tags around it."""

    VOID = frozenset({"meta", "link", "br", "wbr", "img", "input", "hr", "col", "source"})

    def __init__(self, path):
        super().__init__()
        self.path, self.tags, self.around = path, [], []
        self.feed(path.read_text("utf-8"))
        assert self.around == [], f"{path}: not closed: {self.around}"

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"{self.path}: an attribute twice in {self.get_starttag_text()}"
        self.tags.append((tag, dict(attrs), tuple(self.around)))
        if tag not in self.VOID:
            self.around.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.around)))

    def handle_endtag(self, tag):
        assert self.around, f"{self.path}: </{tag}> closes nothing"
        assert self.around.pop() == tag, f"{self.path}: </{tag}> at {self.getpos()}"

    def values(self, *names):
        return [attributes[name] for _, attributes, _ in self.tags for name in names if name in attributes]


@pytest.fixture(scope="module")
def outlines(whole):
    found = [Outline(path) for path in sorted(whole.rglob("*.html"))]
    assert len(found) > 10
    return found


# --- style and script ---


def tokens():
    """Colours by name: light and dark."""
    css = (render.theme() / "static/site.css").read_text("utf-8")
    found = re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\);", css)
    return {name: schemes for name, *schemes in found}


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("ink", INKS)
def test_text_is_legible_on_every_ground(scheme, ground, ink):
    colours = tokens()
    assert contrast(colours[ink][scheme], colours[ground][scheme]) >= 4.5


def test_no_colour_stands_outside_the_tokens():
    css = (render.theme() / "static/site.css").read_text("utf-8")
    rules = re.sub(r":root \{.*?\}|@media print \{.*", "", css, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", rules) == []


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two hex colours."""
    dark, light = sorted(map(luminance, (first, second)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(char * 2 for char in colour[1:])
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_static_files_are_light():
    folder = render.theme() / "static"
    assert sorted(path.name for path in folder.iterdir()) == sorted(BUDGETS)
    weights = {name: len(gzip.compress((folder / name).read_bytes(), 9)) for name in BUDGETS}
    assert {name: weight for name, weight in weights.items() if weight > BUDGETS[name]} == {}


def test_style_and_script_ask_for_nothing_and_write_no_markup():
    folder = render.theme() / "static"
    assert not re.search(r"url\(|@import|@font-face", (folder / "site.css").read_text("utf-8"))
    for path in folder.glob("*.js"):
        assert not DANGEROUS.search(path.read_text("utf-8")), path.name


# --- every page of the bundled tasks ---


def test_pages_and_charts_are_light(outlines):
    for page in outlines:
        content = page.path.read_bytes()
        assert len(gzip.compress(content)) <= PAGE_BUDGET, page.path
        charts = re.findall(rb"<svg.*?</svg>", content, re.DOTALL)
        assert all(len(chart) <= CHART_BUDGET for chart in charts), page.path


def test_pages_need_nothing_that_is_not_beside_them(outlines, whole):
    for page in outlines:
        places = unquote_all(page)
        loaded = [attributes for tag, attributes, _ in page.tags if tag in {"script", "img", "source"}]
        assert all("src" in attributes for attributes in loaded), f"{page.path}: code in the page"
        for tag, attributes, _ in page.tags:
            if tag != "a":
                assert not any("//" in (attributes.get(name) or "") for name in ADDRESSES), (page.path, attributes)
            assert not [name for name in attributes if HANDLER.fullmatch(name) or name == "style"], page.path
            assert tag not in {"style", "iframe", "object", "embed", "base", "form", "font", "marquee"}, page.path
        assert all(place.startswith(("https://", "mailto:", whole.as_uri())) for place in places), page.path


def unquote_all(page):
    """Where the links lead: addresses, or those of files."""
    found = []
    for link in page.values(*ADDRESSES):
        place = link.partition("#")[0]
        assert not place.startswith("/"), (page.path, link)
        is_address = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", place)
        target = (page.path.parent / unquote(place)).resolve() if place else page.path
        found.append(place if is_address else target.as_uri())
    return found


def test_links_lead_somewhere(outlines):
    ids = {page.path: set(page.values("id")) for page in outlines}
    for page in outlines:
        for link in page.values("href", "src"):
            place, _, fragment = link.partition("#")
            if ":" in place:
                continue
            target = (page.path.parent / unquote(place)).resolve() if place else page.path
            assert target.is_file(), (page.path, link)
            assert not fragment or unquote(fragment) in ids[target], (page.path, link)


def test_pages_are_well_formed_for_readers_and_their_machines(outlines):
    for page in outlines:
        names = page.values("id")
        assert len(names) == len(set(names)), page.path
        referred = {
            word for value in page.values("aria-labelledby", "aria-describedby", "for") for word in value.split()
        }
        assert referred <= set(names), page.path
        headings = [int(tag[1]) for tag, _, _ in page.tags if HEADING.fullmatch(tag)]
        assert headings.count(1) == 1, (page.path, headings)
        assert headings[0] == 1, page.path
        assert all(below - above <= 1 for above, below in pairwise(headings)), (page.path, headings)
        assert all(attributes.get("scope") for tag, attributes, _ in page.tags if tag == "th"), page.path
        tables = [(attributes, around) for tag, attributes, around in page.tags if tag == "table"]
        regions = [attributes for _, attributes, _ in page.tags if "scroll" in (attributes.get("class") or "").split()]
        assert len(regions) == len(tables), page.path
        assert all(one["tabindex"] == "0" and one["aria-labelledby"] for one in regions), page.path


def test_what_the_script_is_asked_for_it_can_do(outlines):
    asked = [value for page in outlines for value in page.values("data-tools")]
    assert {word for value in asked for word in value.split()} <= {"sort", "filter", "columns"}
    for page in outlines:
        scripts = [attributes["src"].rpartition("/")[2] for tag, attributes, _ in page.tags if tag == "script"]
        averages = [attributes for _, attributes, _ in page.tags if "data-whatif" in attributes]
        assert scripts == ["site.js", "whatif.js"][: 2 if averages else 1], page.path
        assert all("data-tools" in attributes for attributes in averages), page.path
        for part in (part for value in page.values("data-filters") for part in value.split("|")):
            assert re.fullmatch(r"[\w-]+=[^=|]+", part), (page.path, part)
