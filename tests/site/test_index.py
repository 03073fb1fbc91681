"""The first page, the changes and the feed: what there is, what is new, and when it appeared."""

from __future__ import annotations

import json
from datetime import date
from xml.etree import ElementTree as ET

import msgspec
import pytest

from harness.site import log, pages
from harness.site.site import Records, digest_of

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 2)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def publish(tmp_path):
    """Build on a day; returns the site."""

    def build(day, *results, **facts):
        pages.build(Records(results=results, **facts), tmp_path / "site", tmp_path / "own", day)
        return tmp_path / "site"

    return build


def entries(site):
    return {entry["system"]: entry for entry in json.loads((site / log.PLACE).read_bytes())}


def feed(site):
    root = ET.fromstring((site / "feed.xml").read_bytes())  # noqa: S314 - we wrote it
    found = [{child.tag.removeprefix(ATOM): child for child in entry} for entry in root.iter(f"{ATOM}entry")]
    return root, found


# --- the first page ---


def test_it_says_how_large_the_board_is_and_leads_everywhere(publish, make, parse):
    results = [make.result("alpha"), make.result("beta", 0.7), make.reference(), make.result("copy", 0.1, kind="floor")]
    page = parse(publish(MAY, *results, make.result(task="gender")) / "index.html")
    facts = [text for text in page.inside("dd") if text.strip()]
    assert facts == ["2", "2", "3", "4", "2026-05-01"]
    links = page.values("href", "a")
    assert {"timing.html", "coverage.html", "method.html", "changes.html", "downloads.html"} & set(links) == {
        "coverage.html",
        "method.html",
        "changes.html",
        "downloads.html",
    }
    assert {"terminology/en-de.html", "gender/en-de.html", "terminology/systems/alpha.html"} <= set(links)


def test_what_the_best_is_not_told_apart_from_is_said(publish, make, parse):
    values = {"alpha": 0.9, "beta": 0.8, "gamma": 0.7}
    results = [make.result(system, value) for system, value in values.items()]
    compared = make.comparison(values)
    together = [msgspec.structs.replace(place, cluster=1) for place in compared.systems[:2]]
    compared = msgspec.structs.replace(compared, systems=[*together, compared.systems[2]])
    assert "not told apart from 1 other" in parse(publish(MAY, *results, comparisons=[compared]) / "index.html").text


def test_ties_are_all_best(publish, make, parse):
    results = [make.result(f"system-{n}", 0.5) for n in range(5)]
    page = parse(publish(MAY, *results) / "index.html")
    assert "and 2 more with the same value" in page.text


def test_an_empty_board_has_all_its_pages(publish, parse):
    site = publish(MAY)
    assert "harness score" in parse(site / "index.html").text
    for place in ("coverage", "method", "changes", "downloads", "404"):
        assert parse(site / f"{place}.html").inside("h1")
    assert (site / log.PLACE).read_bytes() == b"[]\n"


def test_the_page_that_one_is_on_is_marked(publish, make, parse):
    site = publish(MAY, make.result())
    for place in ("index.html", "coverage.html", "method.html", "changes.html", "downloads.html"):
        marked = [known["href"] for tag, known in parse(site / place).tags if tag == "a" and "aria-current" in known]
        assert marked == [place]


# --- when it appeared ---


def test_a_result_keeps_the_day_on_which_it_appeared(publish, make):
    publish(MAY, make.result("alpha"))
    found = entries(publish(JUNE, make.result("alpha"), make.result("beta", 0.7)))
    assert {system: entry["published"] for system, entry in found.items()} == {
        "alpha": "2026-05-01",
        "beta": "2026-06-02",
    }
    assert found["alpha"]["id"] == digest_of(make.result("alpha"))


def test_a_result_that_takes_the_place_of_another_has_changed(publish, make, parse):
    publish(MAY, make.result("alpha", 0.5))
    site = publish(JUNE, make.result("alpha", 0.6))
    assert entries(site)["alpha"]["replaces"] == digest_of(make.result("alpha", 0.5))
    assert "changed" in parse(site / "changes.html").text.split()
    assert "(changed)" in parse(site / "index.html").text
    _, (entry,) = feed(site)
    assert entry["title"].text.endswith("(changed)")


def test_the_newest_stands_first(publish, make, parse):
    publish(MAY, make.result("alpha", 0.5))
    page = parse(publish(JUNE, make.result("alpha", 0.5), make.result("zeta", 0.6), make.reference()) / "changes.html")
    assert [text.strip() for text in page.inside("h2") if text.strip()] == ["2026-06-02", "2026-05-01"]
    assert page.text.index("Zeta") < page.text.index("Alpha")
    assert "Reference" not in page.text


def test_building_again_later_changes_nothing(publish, make, tmp_path):
    site = publish(MAY, make.result("alpha"))
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    publish(JUNE, make.result("alpha"))
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("content", [b"", b"{", b'[{"id": 1}]', b"\xff", b"[" * 5000])
def test_a_log_that_cannot_be_read_is_begun_anew(publish, make, content):
    site = publish(MAY, make.result())
    (site / log.PLACE).write_bytes(content)
    assert entries(publish(JUNE, make.result()))["alpha"]["published"] == "2026-06-02"


def test_what_is_withdrawn_leaves_the_log(publish, make):
    publish(MAY, make.result("alpha"), make.result("beta", 0.7))
    assert set(entries(publish(JUNE, make.result("alpha")))) == {"alpha"}


# --- the feed ---


def test_the_feed_is_atom_with_digests_of_records_for_ids(publish, make):
    results = [make.result("alpha", name="A <b>&amp;</b> \x1b"), make.result("beta", None), make.reference()]
    root, found = feed(publish(MAY, *results))
    assert root.tag == f"{ATOM}feed"
    assert [child.tag.removeprefix(ATOM) for child in root][:4] == ["id", "title", "updated", "author"]
    assert root.find(f"{ATOM}updated").text == "2026-05-01T00:00:00Z"
    assert [entry["id"].text for entry in found] == [f"urn:sha256:{digest_of(result)}" for result in results[:2]]
    assert found[0]["title"].text == r"A <b>&amp;</b> \x1b on terminology, en-de"
    assert "0.8000 [0.7877, 0.8123]" in found[0]["summary"].text
    assert "no value" in found[1]["summary"].text
    assert found[0]["link"].get("href") == "terminology/en-de.html"


def test_a_published_feed_has_whole_addresses(publish, make, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/site.toml").write_text('url = "https://example.org/board"\n', "utf-8")
    root, (entry,) = feed(publish(MAY, make.result()))
    assert root.find(f"{ATOM}id").text == "https://example.org/board/"
    assert entry["link"].get("href") == "https://example.org/board/terminology/en-de.html"


def test_a_feed_without_results_is_one(publish):
    root, found = feed(publish(MAY))
    assert found == []
    assert root.find(f"{ATOM}updated").text == "1970-01-01T00:00:00Z"
