"""The check before publishing finds what a careless hand or an override could break, and nothing in a sound site."""

from __future__ import annotations

import random

import msgspec
import pytest

from harness.site import check, config, pages, publish
from harness.site.memory import sha256
from harness.site.site import Records

PAGE = "terminology/en-de.html"


@pytest.fixture
def site(build, make):
    values = {"alpha": 0.9, "beta": 0.8}
    return build(
        *(make.result(system, value) for system, value in values.items()),
        make.reference(),
        comparisons=[make.comparison(values)],
        absent=[("terminology", "en-fr", "alpha")],
    )


def change(site, place, *pairs):
    """Change a file as if the build had made it so."""
    path = site / place
    text = path.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    before = sha256(path.read_bytes())
    path.write_text(text, "utf-8")
    sums = site / publish.SUMS
    sums.write_text(sums.read_text("utf-8").replace(before, sha256(path.read_bytes())), "utf-8")


def test_a_sound_site_has_no_findings(site):
    assert check.findings(site) == []


def test_the_bundled_tasks_have_none(whole):
    assert check.findings(whole) == []


def test_an_empty_board_has_none(build):
    assert check.findings(build()) == []


def test_a_folder_without_a_site_is_named(tmp_path):
    (found,) = check.findings(tmp_path)
    assert (found.rule, "no site" in found.what) == ("files", True)


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("links", "</main>", '<a href="nowhere.html">x</a></main>'),
        ("links", "</main>", '<a href="../../outside.html">x</a></main>'),
        ("links", "</main>", '<a href="/index.html">x</a></main>'),
        ("links", "</main>", '<a href="../index.html#nowhere">x</a></main>'),
        ("links", "</main>", '<a href="#nowhere">x</a></main>'),
        ("links", "</main>", '<a href="javascript:alert(1)">x</a></main>'),
        ("ids", "</main>", '<p id="main"></p></main>'),
        ("ids", "</main>", '<p aria-labelledby="nobody"></p></main>'),
        ("policy", "script-src 'self'", "script-src *"),
        ("policy", "</main>", "<script>1</script></main>"),
        ("policy", "</main>", "<style>p{}</style></main>"),
        ("policy", "</main>", '<p style="color:red"></p></main>'),
        ("policy", "</main>", '<p onclick="x()"></p></main>'),
        ("policy", '<meta charset="utf-8">', '<link rel="stylesheet" href="../static/site.css">'),
        ("external", "</main>", '<img src="https://example.org/x.png" alt=""></main>'),
        ("external", "</main>", '<img src="//example.org/x.png" alt=""></main>'),
        ("external", 'src="../static/site.js"', 'src="https://cdn.example.org/x.js"'),
        ("budget", "</main>", f"<svg>{'x' * 15_000}</svg></main>"),
    ],
)
def test_a_fault_of_a_page_is_found(site, rule, old, new):
    change(site, PAGE, (old, new))
    found = check.findings(site)
    assert [(one.place, one.rule) for one in found] == [(PAGE, rule)]


def test_links_that_are_allowed_are_no_fault(site):
    links = ("https://example.org", "mailto:a@example.org", "../", "../index.html#main", "en-de.html?x=1", "#main")
    change(site, PAGE, ("</main>", "".join(f'<a href="{link}">x</a>' for link in links) + "</main>"))
    assert check.findings(site) == []


def test_a_heavy_page_is_found(site):
    noise = random.Random(0).randbytes(110_000).hex()  # noqa: S311 - nothing but incompressible
    change(site, PAGE, ("</main>", f"<p>{noise}</p></main>"))
    (found,) = check.findings(site)
    assert (found.place, found.rule) == (PAGE, "budget")


def test_a_style_sheet_that_loads_something_is_found(site):
    change(site, "static/site.css", ("* {", "@import 'x.css'; * {"))
    assert [(one.place, one.rule) for one in check.findings(site)] == [("static/site.css", "external")]


def test_files_that_are_not_as_summed_are_found(site):
    (site / PAGE).write_text((site / PAGE).read_text("utf-8") + " ", "utf-8")
    (site / "cite.bib").unlink()
    found = {(one.place, one.rule) for one in check.findings(site)}
    assert {(PAGE, "files"), ("cite.bib", "files")} == found


def test_the_page_of_a_lost_reader_may_start_at_the_top(make, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "site.toml").write_text('url = "https://example.org/board"\n', "utf-8")
    pages.build(Records(results=[make.result()]), tmp_path / "site", own)
    assert 'href="/board/static/site.css"' in (tmp_path / "site/404.html").read_text("utf-8")
    assert check.findings(tmp_path / "site", "https://example.org/board") == []
    assert {one.place for one in check.findings(tmp_path / "site", "https://example.org/other")} == {"404.html"}


def test_columns_that_mix_signatures_are_named(make):
    odd = [make.score("term_success", 0.5, signature="term_success|v:2")]
    results = [make.result("alpha"), make.result("beta"), make.result("gamma", scores=odd)]
    origin = msgspec.structs.replace(results[0].provenance, task_version="2.0.0")
    results.append(msgspec.structs.replace(make.result("delta"), provenance=origin))
    made = pages.of(Records(results=results), config.Config(), pages.date_of_build())
    found = check.mixed(made.boards)
    assert [(one.place, one.rule) for one in found] == [(PAGE, "mixed")] * 2
    assert "term_success|v:2 (gamma)" in found[0].what
    assert "2.0.0 (delta)" in found[1].what
    assert check.mixed(pages.of(Records(results=results[:2]), config.Config(), pages.date_of_build()).boards) == []


def test_what_the_records_do_not_say_any_more_is_stale(site, make, tmp_path):
    records = Records(results=[make.result("alpha", 0.7)])
    own = tmp_path / "leaderboard"
    wanted = pages.render(records, site, own, fresh=True)
    found = {one.place for one in check.stale(wanted, site)}
    assert {"index.html", PAGE, "terminology/systems/beta.html"} <= found
    pages.build(records, site, own)
    assert check.stale(pages.render(records, site, own, fresh=True), site) == []
    change(site, PAGE, ("</main>", "<p>Added by hand.</p></main>"))
    assert PAGE in {one.place for one in check.stale(pages.render(records, site, own, fresh=True), site)}
    pages.build(records, site, own)  # a page that was changed by hand is made again
    assert check.findings(site) == check.stale(pages.render(records, site, own, fresh=True), site) == []
