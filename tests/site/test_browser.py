"""A real browser opens every kind of page from the disk: quiet, alone, legible, and in no need of scripts."""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from pathlib import Path

import pytest

from harness.site import pages
from harness.site.site import Records

pytestmark = pytest.mark.browser
WIDTHS = (320, 390, 640, 1280)  # 320: 400 % zoom; 390: a phone; 640: 200 % zoom
DRAWN_OUTSIDE = """() => [...document.querySelectorAll('main *')].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !one.closest('.scroll, [hidden], .skip') && one.checkVisibility();
}).map((one) => one.outerHTML.slice(0, 120)).slice(0, 5)"""
SMALL_TARGETS = """() => [...document.querySelectorAll('button, select, input, summary')].filter((one) => {
  const box = (one.closest('label') ?? one).getBoundingClientRect();
  return one.checkVisibility() && (box.width < 24 || box.height < 24);
}).map((one) => one.outerHTML.slice(0, 120))"""


def kind_of(place: Path) -> str:
    """What kind of page lies there: a name for all that come from one template."""
    folders, stem = place.parts[:-1], place.stem
    if not folders:
        return re.sub(r"timing-.*", "timing-task", stem)
    if len(folders) == 1:
        return "test set"
    if folders[1] in {"systems", "metrics"}:
        return folders[1]
    return "pair" if "--vs--" in stem else "segments"


@pytest.fixture(scope="session")
def shown(whole):
    """Of every kind of page the smallest and the largest."""
    kinds = defaultdict(list)
    for path in whole.rglob("*.html"):
        kinds[kind_of(path.relative_to(whole))].append(path)
    assert {"index", "test set", "systems", "segments", "pair", "metrics", "timing"} <= set(kinds)
    ordered = {kind: sorted(paths, key=lambda path: (path.stat().st_size, path)) for kind, paths in kinds.items()}
    return {kind: sorted({paths[0], paths[-1]}) for kind, paths in ordered.items()}


@pytest.fixture(scope="session")
def largest(shown):
    """Of every kind of page the largest."""
    return {kind: max(paths, key=lambda path: path.stat().st_size) for kind, paths in shown.items()}


def test_pages_open_from_the_disk_and_ask_nobody_else(shown, whole, visit):
    for paths in shown.values():
        for path in paths:
            page = visit(path)
            assert page.trouble == [], path
            assert {path.as_uri(), (whole / "static/site.css").as_uri()} <= set(page.requested)
            assert all(url.startswith(whole.as_uri()) for url in page.requested), path
            page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways(shown, visit, width):
    for paths in shown.values():
        for path in paths:
            page = visit(path, width=width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, page.evaluate(DRAWN_OUTSIDE))
            assert page.evaluate(SMALL_TARGETS) == [], path
            page.context.close()


def test_pages_are_complete_without_scripts(largest, visit):
    for path in largest.values():
        bare, live = visit(path, java_script_enabled=False), visit(path)
        assert bare.trouble == []
        assert bare.locator("button, input, select").count() == 0, f"{path}: a control that does nothing"
        assert live.locator("button, input, select").count() > 0, f"{path}: at least the theme"
        assert bare.locator("main").inner_text().strip()
        live.evaluate("for (const one of document.querySelectorAll('main .tools')) one.remove()")
        said = [" ".join(page.locator("main").text_content().split()) for page in (bare, live)]
        assert said[0] == said[1], f"{path}: the script takes something away"
        bare.context.close()
        live.context.close()


def test_pages_print_without_controls_and_with_what_was_folded(largest, visit):
    for path in largest.values():
        page = visit(path, color_scheme="dark")
        page.emulate_media(media="print")
        assert not page.locator(".tools, .skip").filter(visible=True).count(), path
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        heads = page.evaluate("[...document.querySelectorAll('thead')].map((one) => getComputedStyle(one).display)")
        assert set(heads) <= {"table-header-group"}, "repeated on every sheet"
        assert page.pdf(format="A4").startswith(b"%PDF")
        page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(largest, visit, scheme):
    package = importlib.util.find_spec("axe_playwright_python")
    axe = Path(package.origin).with_name("axe.min.js").read_text("utf-8")
    options = {"resultTypes": ["violations"], "runOnly": ["color-contrast"] if scheme == "dark" else axe_tags()}
    faults = {}
    for kind, path in largest.items():
        page = visit(path, color_scheme=scheme, bypass_csp=True)
        page.evaluate(axe)
        found = page.evaluate("(options) => axe.run(document, options)", options)["violations"]
        faults[kind] = [(fault["id"], [node["html"][:200] for node in fault["nodes"][:3]]) for fault in found]
        page.context.close()
    assert {kind: found for kind, found in faults.items() if found} == {}


def axe_tags():
    """The rules: WCAG 2.2 AA and what axe holds for good practice."""
    return ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def test_motion_is_never_forced(largest, visit):
    for path in largest.values():
        page = visit(path, reduced_motion="reduce")
        moving = (
            "document.getAnimations().length + (getComputedStyle(document.documentElement).scrollBehavior !== 'auto')"
        )
        assert page.evaluate(moving) == 0
        page.context.close()


def test_the_keyboard_reaches_everything_and_shows_where_it_is(largest, visit):
    page = visit(largest["test set"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        where = page.evaluate("""() => {
            const style = getComputedStyle(document.activeElement);
            return [document.activeElement.tagName, style.outlineStyle, parseFloat(style.outlineWidth)];
        }""")
        seen.add(where[0])
        assert where[0] == "BODY" or (where[1] != "none" and where[2] >= 2), where
    assert {"A", "BUTTON", "SECTION"} <= seen


def test_strangers_names_do_nothing(tmp_path, make, visit):
    site = tmp_path / "site"
    name = "<script>document.title='hacked'</script><img src=x onerror=alert(1)>" + "x" * 90
    results = [make.result("evil", 0.2, name=name, team=name, tags={"mode": name}), make.result("good")]
    pages.build(Records(results=results, absent=[("terminology", "en-de", "late")]), site, tmp_path / "none")
    for path in site.rglob("*.html"):
        page = visit(path, width=390)
        assert page.trouble == []
        assert page.title() != "hacked"
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, (path, page.evaluate(DRAWN_OUTSIDE))


def test_a_real_board_sorts_filters_and_comes_back(largest, visit):
    path = largest["test set"]
    page = visit(path)
    grid = page.locator("table[data-tools]").first
    official = grid.locator("tbody .name").all_text_contents()
    grid.locator("thead button").nth(1).click()
    assert grid.locator("tbody").first.locator(".name").all_text_contents() == sorted(
        grid.locator("tbody").first.locator(".name").all_text_contents(), key=str.casefold
    )
    again = visit(page.url)
    assert (
        again.locator("table[data-tools]").first.locator("tbody .name").all_text_contents()
        == grid.locator("tbody .name").all_text_contents()
    )
    for _ in range(2):
        grid.locator("thead button").nth(1).click()
    assert grid.locator("tbody .name").all_text_contents() == official
    page.get_by_label("Find").first.fill(official[0])
    assert official[0] in grid.locator("tbody .name:visible").all_text_contents()
    assert page.trouble == []
