"""What the script adds to a page that is complete without it: sorting, filters, columns, copying, other weights."""

from __future__ import annotations

import shutil

import pytest

from harness.site import render

pytestmark = pytest.mark.browser
NONE = "\u2013"
CSP = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
SHELL = f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Page</title>
<meta http-equiv="Content-Security-Policy" content="{CSP}">
<link rel="stylesheet" href="static/site.css">
<script src="static/site.js"></script><script src="static/whatif.js"></script>
</head><body><main>%s</main><footer></footer></body></html>"""
BOARD = """
<section class="scroll" tabindex="0" aria-labelledby="scores"><table class="board" data-tools="sort filter columns">
<caption id="scores"><span>Scores</span></caption>
<thead><tr><th scope="col" data-key="rank">Rank</th><th scope="col" data-key="system">System</th>
<th scope="col" class="num" data-key="f1" aria-sort="descending">f1<span class="sub">0 to 1 ↑</span></th>
<th scope="col" class="num" data-key="ter" data-best="lower"><a href="#ter">ter</a></th>
<th scope="col" class="num" data-key="gap" data-best="zero">gap</th></tr></thead>
<tbody>
<tr><td data-v="1">1</td><th scope="row"><bdi class="name">Beta 10</bdi></th>
<td><span data-v="0.9">.9</span></td><td data-v="50.0">50</td><td data-v="-0.2">-.2</td></tr>
<tr class="apart"><td data-v="2">2</td><th scope="row"><bdi class="name">Alpha</bdi></th>
<td><span data-v="0.10">.1</span></td><td data-v="40.0">40</td><td data-v="0.3">.3</td></tr>
<tr><td class="none">not ranked</td><th scope="row"><bdi class="name">Beta 9</bdi></th>
<td class="none">undefined</td><td data-v="100.0">100</td><td data-v="0.1">.1</td></tr>
</tbody>
<tbody><tr><th scope="rowgroup" colspan="5"><span>Not submitted</span></th></tr>
<tr><td></td><th scope="row"><bdi class="name">Late</bdi></th>
<td colspan="3" class="none">not submitted</td></tr></tbody>
</table></section><h2 id="ter">TER</h2>"""
SEGMENTS = """
<div class="segs" data-filters="wrong=Only errors|diff=Different">
<article id="s-1" data-is="">Right answer</article>
<article id="s-2" data-is="wrong diff">Wrong answer</article>
<article id="s-3" data-is="wrong">Another wrong one</article>
</div><p><a href="#s-1">first</a></p>"""
BIBTEX = '<pre data-copy="BibTeX"><code>@misc{x, title = "y"}</code></pre>'
AVERAGE = """
<section class="scroll" tabindex="0" aria-labelledby="mean"><table data-whatif data-tools="sort">
<caption id="mean"><span>Mean</span></caption>
<thead><tr><th scope="col">System</th><th scope="col" data-average>mean</th>
<th scope="col" data-weight="0.25" data-name="en-de">en-de</th>
<th scope="col" data-weight="0.75" data-name="en-fr">en-fr</th></tr></thead>
<tbody>
<tr><th scope="row"><bdi class="name">Alpha</bdi></th><td data-v="0.7">0.70</td>
<td data-v="0.4" data-cluster="2">.4</td><td data-v="0.8" data-cluster="1">.8</td></tr>
<tr><th scope="row"><bdi class="name">Beta</bdi></th><td data-v="0.6">0.60</td>
<td data-v="0.6" data-cluster="1">.6</td><td data-v="0.6" data-cluster="1">.6</td></tr>
<tr><th scope="row"><bdi class="name">Gamma</bdi></th><td data-v="0.2">0.20</td>
<td data-v="0.2" data-cluster="3">.2</td><td data-v="0.2" data-cluster="2">.2</td></tr>
<tr><th scope="row"><bdi class="name">Partial</bdi></th><td>none</td><td data-v="0.9">.9</td><td>not submitted</td></tr>
</tbody></table></section>"""


@pytest.fixture
def opened(tmp_path, visit):
    """A page with this content; nothing may be amiss in its console at the end."""
    pages = []
    shutil.copytree(render.theme() / "static", tmp_path / "static")
    path = tmp_path / "page.html"

    def show(content, fragment="", **facts):
        path.write_text(SHELL % content, "utf-8")
        pages.append(visit(path.as_uri() + fragment, **facts))
        return pages[-1]

    yield show
    assert [page.trouble for page in pages] == [[]] * len(pages)


def names(page):
    return [name.text_content() for name in page.locator(".name:visible").all()]


def fragment(page):
    return page.evaluate("location.hash")


def status(page):
    return page.locator("[role=status]").first.text_content()


def press(page, name):
    page.get_by_role("button", name=name).click()


# --- sorting ---


@pytest.mark.parametrize(
    ("column", "orders"),
    [
        ("f1", (["Beta 10", "Alpha", "Beta 9", "Late"], ["Alpha", "Beta 10", "Beta 9", "Late"])),
        ("Sort by ter", (["Alpha", "Beta 10", "Beta 9", "Late"], ["Beta 9", "Beta 10", "Alpha", "Late"])),
        ("gap", (["Beta 9", "Beta 10", "Alpha", "Late"], ["Alpha", "Beta 10", "Beta 9", "Late"])),
        ("System", (["Alpha", "Beta 9", "Beta 10", "Late"], ["Beta 10", "Beta 9", "Alpha", "Late"])),
    ],
)
def test_a_click_sorts_best_first_then_the_other_way_then_officially(opened, column, orders):
    page = opened(BOARD)
    official = names(page)
    for order in (*orders, official):
        press(page, column)
        assert names(page) == order
    assert fragment(page) == ""
    assert status(page) == "Official order"


def test_the_order_is_said_to_everyone(opened):
    page = opened(BOARD)
    heads = page.locator("thead th")
    press(page, "gap")
    assert [head.get_attribute("aria-sort") for head in heads.all()] == [None, None, None, None, "ascending"]
    assert status(page) == "Sorted by gap, ascending"
    assert page.evaluate("getComputedStyle(document.querySelector('.apart > *')).borderTopWidth") == "1px"
    press(page, "gap")
    press(page, "gap")
    assert [head.get_attribute("aria-sort") for head in heads.all()] == [None, None, "descending", None, None]
    assert page.evaluate("getComputedStyle(document.querySelector('.apart > *')).borderTopWidth") == "2px"


def test_the_keyboard_sorts_and_keeps_its_place(opened):
    page = opened(BOARD)
    page.get_by_role("button", name="f1").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert names(page)[0] == "Alpha"
    assert page.evaluate("document.activeElement.textContent").startswith("f1")


def test_the_link_brings_everything_back(opened):
    page = opened(BOARD)
    press(page, "Sort by ter")
    page.get_by_label("Find").fill("a")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("gap").uncheck()
    link = fragment(page)
    again = opened(BOARD, link)
    assert names(again) == names(page) == ["Alpha", "Beta 10", "Beta 9", "Late"]
    assert again.get_by_label("Find").input_value() == "a"
    assert not again.locator("thead th").last.is_visible()
    assert fragment(again) == link
    again.evaluate("location.hash = 'scores.sort=system.a'")
    again.wait_for_function("document.querySelector('.name').textContent === 'Alpha'")
    assert names(again)[1] == "Beta 9"
    assert again.locator("thead th").last.is_visible()


@pytest.mark.parametrize(
    "link", ["#scores.sort=none.a", "#scores.sort=", "#=", "#scores.hide=x&scores.q=", "#%", "#a=%ff"]
)
def test_a_broken_link_changes_nothing(opened, link):
    assert names(opened(BOARD, link)) == ["Beta 10", "Alpha", "Beta 9", "Late"]


# --- filtering and columns ---


def test_the_filter_wants_every_word(opened):
    page = opened(BOARD)
    page.get_by_label("Find").fill("BETA 9")
    assert names(page) == ["Beta 9"]
    assert status(page) == "1 of 4 shown"
    assert not page.get_by_text("Not submitted", exact=True).is_visible(), "a title without rows"
    page.get_by_label("Find").fill("")
    assert len(names(page)) == 4
    assert page.get_by_text("Not submitted", exact=True).is_visible()


def test_columns_can_be_hidden_but_not_who_it_is_about(opened):
    page = opened(BOARD)
    page.get_by_text("Columns", exact=True).click()
    assert page.get_by_role("checkbox").count() == 3
    page.get_by_role("checkbox", name="ter").uncheck()
    assert [head.is_visible() for head in page.locator("thead th").all()] == [True, True, True, False, True]
    assert [cell.is_visible() for cell in page.locator("tbody tr").first.locator("th, td").all()][3] is False
    assert page.locator("td.none[colspan]").get_attribute("colspan") == "2"
    page.get_by_role("checkbox", name="ter").check()
    assert page.locator("td.none[colspan]").get_attribute("colspan") == "3"


# --- segments ---


def test_segments_show_by_kind_and_by_word(opened):
    page = opened(SEGMENTS)
    assert [label.inner_text().split() for label in page.locator("fieldset label").all()] == [
        ["All", "3"],
        ["Only", "errors", "2"],
        ["Different", "1"],
    ]
    page.get_by_label("Only errors").check()
    page.get_by_label("Find").fill("another")
    assert [item.is_visible() for item in page.locator("article").all()] == [False, False, True]
    assert status(page) == "1 of 3 shown"
    again = opened(SEGMENTS, fragment(page))
    assert again.get_by_label("Only errors").is_checked()
    assert [item.is_visible() for item in again.locator("article").all()] == [False, False, True]


def test_an_anchor_to_a_hidden_segment_shows_it(opened):
    page = opened(SEGMENTS)
    page.get_by_label("Only errors").check()
    page.get_by_text("first").click()
    page.wait_for_function("document.querySelector('article').checkVisibility()")
    assert fragment(page) == "#s-1"
    assert page.get_by_label("All").is_checked()


# --- copying ---


def test_a_text_is_copied_or_at_least_selected(opened):
    page = opened(BIBTEX, permissions=["clipboard-write", "clipboard-read"])
    press(page, "Copy BibTeX")
    page.wait_for_function("document.querySelector('[role=status]').textContent")
    if status(page) == "Copied":
        assert page.evaluate("navigator.clipboard.readText()") == '@misc{x, title = "y"}'
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    press(page, "Copy BibTeX")
    assert status(page).startswith("Selected")
    assert page.evaluate("String(getSelection())") == '@misc{x, title = "y"}'


# --- other weights ---


def whatif(page):
    return [cell.inner_text().split() for cell in page.locator("tbody td:nth-child(3)").all()]


def test_other_weights_give_another_order_and_say_what_survives(opened):
    page = opened(AVERAGE)
    assert names(page) == ["Alpha", "Beta", "Gamma", "Partial"]
    assert page.get_by_label("en-de").input_value() == "1"
    assert page.get_by_label("en-fr").input_value() == "3"
    assert not page.locator(".tools ul").is_visible()
    page.get_by_label("en-de").fill("3")
    page.get_by_label("en-fr").fill("1")
    assert names(page) == ["Beta", "Alpha", "Gamma", "Partial"]  # .6, (3 x .4 + .8) / 4 = .5, .2, unknown
    assert whatif(page) == [["0.60", "rank", "1", "▲1"], ["0.50", "rank", "2", "▼1"], ["0.20", "rank", "3"], [NONE]]
    # Beta is before Alpha by clusters 1, 1 and 2, 1; both are before Gamma by 3, 2.
    assert "Of 3 pairs of systems 2 keep their order; 3 are backed" in page.locator(".tools:has(fieldset)").inner_text()
    assert page.locator(".tools li").all_inner_texts() == ["Beta now before Alpha"]
    assert fragment(page) == "#mean.weights=3_1"


def test_a_pair_that_test_sets_disagree_about_is_not_backed(opened):
    page = opened(
        AVERAGE.replace('data-v="0.8" data-cluster="1"', 'data-v="0.8" data-cluster="0"'), "#mean.weights=3_1"
    )
    assert names(page)[0] == "Beta"
    assert "2 are backed" in page.locator(".tools:has(fieldset)").inner_text()


def test_a_test_set_of_weight_zero_does_not_count_and_none_left_gives_no_number(opened):
    page = opened(AVERAGE)
    page.get_by_label("en-fr").fill("0")
    assert [cell[0] for cell in whatif(page)] == ["0.60", "0.40", "0.20", NONE]
    page.get_by_label("en-de").fill("0")
    assert [cell[0] for cell in whatif(page)] == [NONE] * 4


def test_the_nearest_to_zero_is_best_where_zero_is(opened):
    content = AVERAGE.replace("data-average", 'data-average data-best="zero"')
    content = content.replace('data-v="0.7"', 'data-v="-0.1"').replace('data-v="0.8"', 'data-v="-0.4"')
    page = opened(content, "#mean.weights=1_1")  # Alpha (.4 - .4) / 2 = 0, Gamma .2, Beta .6
    assert names(page) == ["Alpha", "Gamma", "Beta", "Partial"]
    assert whatif(page)[0] == ["0.00", "rank", "1"]


def test_official_weights_come_back(opened):
    page = opened(AVERAGE, "#mean.weights=3_1")
    press(page, "Official weights")
    assert names(page) == ["Alpha", "Beta", "Gamma", "Partial"]
    assert fragment(page) == ""
    assert not page.locator(".tools ul").is_visible()


# --- theme ---


def test_the_theme_is_chosen_and_kept(opened):
    ground = "getComputedStyle(document.body).backgroundColor"
    page = opened(BOARD, color_scheme="light")
    light = page.evaluate(ground)
    page.get_by_label("Theme").select_option("Dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == dark
    assert page.get_by_label("Theme").input_value() == "dark"
    assert opened(BOARD, color_scheme="dark").evaluate(ground) == dark
