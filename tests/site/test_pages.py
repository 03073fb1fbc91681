"""The site says what the records say: no more, no less, and nobody's name becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.catalogue import NOTICES
from harness.errors import IntegrityError
from harness.site import pages, render
from harness.site.site import Records

if TYPE_CHECKING:
    from pathlib import Path

CSP = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
ESCAPES = re.compile(r"\|\s*safe|autoescape|Markup|<script(?! src=)|\sstyle=|\son\w+=")
HOSTILE = [
    "<script>alert(1)</script>",
    '"onload="alert(1)',
    "' onmouseover='x",
    "</td></tr></table>",
    "]]><!-- -->",
    "{{ board }}{% raw %}",
    "&amp;&lt;",
    "\u202egnp.exe\u200b\u2066",
    "\x00\x1b[31m\r\n\t",
    "javascript:alert(1)",
    "x" * 10_000,
]


class Page(HTMLParser):
    """The tags of a page in order, its text, and its cells by row."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[str] = []
        self.in_row = False
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.in_row |= tag == "tr"
        if tag == "tr":
            self.rows.append("")

    def handle_endtag(self, tag):
        self.in_row &= tag != "tr"

    def handle_data(self, data):
        self.text += data
        if self.in_row:
            self.rows[-1] += data

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]

    def row(self, word: str) -> list[str]:
        """The words of the first row that holds `word`."""
        return next(row for row in self.rows if word in row).split()

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]


@pytest.fixture
def site(tmp_path):
    """Build a site from results and read its pages; `site.path` is where it lies."""

    def build(*results, absent=()):
        return pages.build(Records(results=results, absent=absent), tmp_path / "site", tmp_path / "leaderboard")

    def page(place="terminology/en-de.html"):
        return Page(tmp_path / "site" / place)

    return SimpleNamespace(build=build, page=page, path=tmp_path / "site", overrides=tmp_path / "leaderboard")


@pytest.fixture
def full(site, make):
    """A site with everything: ties, an undefined value, yardsticks, notices, an absent system."""
    site.build(
        make.result("alpha", 0.9, notices={"N016": 3}),
        make.result("beta", 0.7123456789012345, kind="baseline"),
        make.result("gamma", 0.7123456789012345, kind="contrastive"),
        make.result("delta", 0.5),
        make.result("nothing", None),
        make.reference(),
        make.result("copy", 0.05, kind="floor"),
        make.result("stuffer", 0.99, kind="gaming"),
        make.result("alpha", 0.4, test_set="en+zh"),
        absent=[("terminology", "en+zh", "beta"), ("terminology", "en-de", "omega")],
    )
    return site


def all_pages(site) -> list[Page]:
    return [Page(path) for path in sorted(site.path.rglob("*.html"))]


def test_every_record_has_its_page(full):
    places = [page.path.relative_to(full.path).as_posix() for page in all_pages(full)]
    assert {"index.html", "terminology/en+zh.html", "terminology/en-de.html"} <= set(places)


def test_ties_share_a_rank_and_the_next_rank_counts_them(full):
    page = full.page()
    ranks = {name: page.row(name.title())[0] for name in ("alpha", "beta", "gamma", "delta")}
    assert ranks == {"alpha": "1", "beta": "2", "gamma": "2", "delta": "4"}


def test_a_system_without_a_value_is_listed_last_and_never_ranked(full):
    page = full.page()
    row = page.row("Nothing")
    assert row[:2] == ["not", "ranked"]
    assert "undefined" in row
    order = [name for row in page.rows for name in ("Alpha", "Delta", "Nothing", "Reference") if name in row]
    assert order[:4] == ["Alpha", "Delta", "Nothing", "Reference"]


def test_yardsticks_stand_apart_without_a_rank(full):
    page = full.page()
    headings = [row.strip() for row in page.rows]
    assert headings.index("Yardsticks, not ranked") > next(n for n, row in enumerate(page.rows) if "Nothing" in row)
    assert page.row("Stuffer")[0] == "Stuffer"
    assert {"ceiling", "floor", "gaming"} <= set(page.text.split())
    assert "Alpha" in full.page("index.html").row("en-de"), "a yardstick is never the best system"


def test_an_absent_system_is_not_submitted_and_has_no_number(full):
    row = full.page().row("omega")
    assert row == ["omega", "omega", "not", "submitted"]
    coverage = [row for row in full.page("coverage.html").rows if "scored" in row or "not submitted" in row]
    assert any("Beta" in row and "not submitted" in row for row in coverage)


def test_a_test_set_that_nobody_scored_is_covered_but_has_no_page(site, make):
    site.build(make.result(collection=""), absent=[("terminology", "en-fr", "alpha")])
    assert site.page("coverage.html").row("Alpha")[-6:] == ["scored", "not", "submitted", "1", "of", "2"]
    assert not (site.path / "terminology/en-fr.html").exists()


def test_a_submission_without_result_is_neither_scored_nor_absent(site, make):
    site.build(
        make.result("alpha"),
        make.result("alpha", test_set="en-fr"),
        make.result("beta", test_set="en-fr"),
        absent=[("terminology", "en-fr", "gamma")],
    )
    assert any("Beta" in row and "no result" in row for row in site.page("coverage.html").rows)


def test_numbers_carry_the_precision_of_the_record(full, make):
    shown = full.page().values("data-v")
    record = make.result("beta", 0.7123456789012345)
    for score in record.scores:
        assert repr(score.value) in shown
        assert repr(score.interval.lo) in shown
        assert repr(score.interval.hi) in shown
    assert repr(record.scores[0].numerator) in shown


def test_the_primary_metric_and_the_order_are_stated(full):
    page = full.page()
    assert [tag for tag, attributes in page.tags if attributes.get("aria-sort") == "descending"] == ["th"]
    assert "Official order: by term_success, highest first" in page.text


def test_signatures_digests_and_commands_are_on_the_page(full, make):
    page = full.page()
    for score in make.result().scores:
        assert score.signature in page.text
        assert score.method in page.text
    assert {"a1" * 32, "b2" * 32, "c3" * 32} <= set(page.values("title"))
    assert "harness score terminology" in page.text
    assert "harness verify" in page.text


def test_notices_are_said_in_words(full):
    assert NOTICES["N016"] in full.page().text


def test_a_metric_that_only_some_records_have_is_said_to_be_not_computed(site, make):
    site.build(make.result("alpha"), make.result("beta", scores=make.scores(0.5)[:1]))
    assert site.page().row("Beta")[-2:] == ["not", "computed"]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (None, ("undefined", "")),
        ("undefined: 0 of 0", ("undefined", "0 of 0")),
        ("unavailable: ValueError: no: way", ("unavailable", "ValueError: no: way")),
        ("what: else", ("unavailable", "what: else")),
    ],
)
def test_why_there_is_no_value(make, reason, shown):
    assert render.why(make.score(value=None, reason=reason)) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.12345, "fraction", "0.1235"),
        (1.0, "fraction", "1.0000"),
        (38.204, "points", "38.20"),
        (-0.001, "points", "0.00"),
        (41.0, "count", "41"),
        (41.5, "count", "41.50"),
    ],
)
def test_digits_follow_the_unit(value, unit, shown):
    assert render.number(value, unit) == shown


def test_an_empty_workspace_says_what_to_do(site):
    site.build()
    assert "harness score" in site.page("index.html").text


# --- safety ---


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_changes_no_tag(tmp_path, make, text):
    assert_same_shape(tmp_path, make, text)


@settings(max_examples=40, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_text_changes_a_tag(tmp_path_factory, make, text):
    assert_same_shape(tmp_path_factory.mktemp("site"), make, text)


def assert_same_shape(folder, make, text):
    shapes = []
    for name, word in (("plain", "x"), ("hostile", text)):
        facts = {"name": word, "team": word, "collection": word, "tags": {"mode": word}}
        reason = f"unavailable: {word}"
        scores = [make.score(), make.score("bleu", None, unit=word, signature=word, method="none", reason=reason)]
        pages.build(Records(results=[make.result(scores=scores, **facts)], absent=[]), folder / name, folder / "none")
        found = [Page(folder / name / place) for place in ("index.html", "terminology/en-de.html")]
        shapes.append([page.shape for page in found])
        assert not any(INVISIBLE.search(page.text) for page in found)
    assert shapes[0] == shapes[1]


def test_no_template_switches_escaping_off(repository):
    templates = sorted((repository / "leaderboard/templates").glob("*.j2"))
    assert templates
    for template in templates:
        assert not ESCAPES.search(template.read_text("utf-8")), template
    environment = render.environment(repository / "none")
    assert environment.autoescape is True
    assert environment.undefined.__name__ == "StrictUndefined"


def test_pages_have_the_policy_and_nothing_inline(full):
    for page in all_pages(full):
        assert CSP in page.values("content")
        names = {name for _, attributes in page.tags for name in attributes}
        assert not [name for name in names if name.startswith("on") or name == "style"]
        assert not {tag for tag, _ in page.tags} & {"style", "iframe", "object", "base", "form"}


@pytest.mark.parametrize("facts", [{"task": "../up"}, {"test_set": ".."}, {"test_set": "a/b"}, {"task": ""}])
def test_a_record_cannot_leave_the_folder(site, make, facts):
    with pytest.raises(IntegrityError) as error:
        site.build(make.result(**facts))
    assert error.value.problems[0].code == "R011"
    assert not site.path.exists()


# --- structure ---


def test_links_resolve_and_are_relative(full):
    for page in all_pages(full):
        for link in page.values("href"):
            place, _, fragment = link.partition("#")
            target = (page.path.parent / unquote(place)).resolve() if place else page.path
            assert not link.startswith(("/", "http", "file:"))
            assert "+" not in link
            assert target.is_file(), link
            assert not fragment or fragment in Page(target).values("id")


def test_ids_are_unique_and_names_of_regions_exist(full):
    for page in all_pages(full):
        ids = page.values("id")
        assert len(ids) == len(set(ids))
        assert set(page.values("aria-labelledby")) <= set(ids)


def test_every_header_cell_has_a_scope_and_every_table_a_name(full):
    for page in all_pages(full):
        assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
        regions = [attributes for tag, attributes in page.tags if attributes.get("class", "").startswith("scroll")]
        assert len(regions) == sum(tag == "table" for tag, _ in page.tags)
        assert all(region["tabindex"] == "0" and region["aria-labelledby"] for region in regions)
