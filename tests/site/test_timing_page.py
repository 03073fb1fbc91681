"""The page of timings: what was measured, what is void and why, on what machine, and how far apart from it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from harness.records import Flag, Isolation
from harness.site import measures, model, pages, timing
from harness.site.site import Records, Site

VOID = [Flag(name="noise", detail="19 of 40 blocks were disturbed", voids=True)]


class Ids(HTMLParser):
    """The ids of a page and the fragments that its links name."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.fragments, self.headings = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        if "id" in known:
            self.ids.append(known["id"])
        if known.get("href", "").startswith("#"):
            self.fragments.append(known["href"][1:])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))


@pytest.fixture
def page(tmp_path, make):
    """Build a site from timings and read its page of them."""

    def build(*timings, **facts):
        results = facts.pop("results", [make.result("alpha")])
        pages.build(Records(results=results, timings=timings), tmp_path / "site", tmp_path / "none")
        return (tmp_path / "site/timing.html").read_text("utf-8")

    return build


def tables_of(timings):
    machines = {one: n for n, one in enumerate(dict.fromkeys(found.machine_id for found in timings), 1)}
    return timing.tables(timings, machines)


def test_a_table_for_every_scenario_and_a_block_for_every_backend_and_machine(make):
    found = tables_of(
        [
            make.timing(),
            make.timing(backend="cuda"),
            make.timing(quick=True),
            make.timing(machine_id="f" * 16),
            make.timing(scenario="latency"),
        ]
    )
    assert [table.scenario for table in found] == ["offline", "latency"]
    assert [(race.backend, race.quick, race.machine) for race in found[0].races] == [
        ("cpu1", False, 1),
        ("cpu1", False, 2),
        ("cpu1", True, 1),
        ("cuda", False, 1),
    ]


def test_the_fastest_stands_first_and_void_ones_last_without_a_rank(make):
    timings = [make.timing("slow", 5.0), make.timing("void", 900.0, flags=VOID), make.timing("fast", 50.0)]
    (race,) = tables_of(timings)[0].races
    assert [(line.timing.system, line.rank) for line in race.lines] == [("fast", 1), ("slow", 2), ("void", None)]


def test_columns_are_in_the_order_of_phases_and_only_those_that_somebody_has(make):
    quantities = [
        make.quantity("model-size", 2048, "bytes"),
        make.quantity("energy", None, "J", reason="no counters here"),
        make.quantity("something-new", 3.0, "J"),
        make.quantity("throughput", 10.0, "requests/s"),
        make.quantity("load", 0.5),
    ]
    (table,) = tables_of([make.timing(quantities=quantities)])
    assert [column.name for column in table.columns] == ["load", "throughput", "model-size", "something-new"]
    assert [column.title for column in table.columns] == ["Load", "Throughput", "Model size", "Something new"]
    assert [column.unit for column in table.columns] == ["", "requests/s", "", "J"]
    assert list(table.phases) == [("Load", 1), ("Steady", 1), ("Whole", 2)]
    assert table.missing == (("Energy", "no counters here"),)


def test_a_number_and_its_interval_share_a_unit(make):
    found = timing.cell(make.quantity("load", 0.0015, lo=0.0009, hi=0.0021))
    assert (found.shown, found.interval) == ("1.50 ms", ("900 µs", "2.10"))
    assert timing.cell(make.quantity("throughput", 1234.5, "requests/s", lo=None)).interval is None
    assert timing.cell(make.quantity("threads", 4, "count", lo=None)).shown == "4"
    missing = timing.cell(make.quantity("latency-p99", None, reason="n too small"))
    assert (missing.shown, missing.reason) == ("", "n too small")
    assert timing.cell(None).reason == ""


def test_the_page_has_numbers_reasons_and_what_they_mean(page, make):
    late = [make.quantity("latency-p50", 0.02), make.quantity("latency-p99", None, reason="n too small: 20 of 368")]
    text = page(
        make.timing(scenario="latency", quantities=late), make.timing("beta", 50.0), make.timing("void", flags=VOID)
    )
    assert "20.0 ms" in text
    assert "n too small: 20 of 368" in text
    assert 'class="void"' in text
    assert "void: noise" in text
    assert "19 of 40 blocks were disturbed" in text
    assert "1 is void" in text
    assert measures.MEANINGS["throughput"][1] in text
    assert measures.MEANINGS["energy"][1] not in text, "nobody measured it"


def test_isolation_says_its_gaps_and_who_trusted(page, make):
    text = page(
        make.timing(),
        make.timing(
            "beta", isolation=Isolation(level="L1", selftest="", gaps=["No network is closed."], trusted_by="Ann")
        ),
    )
    assert "The kernel is shared." in text
    assert "No network is closed." in text
    assert "trusted by <bdi>Ann</bdi>" in text


def test_machines_are_told_by_their_facts(page, make):
    text = page(
        make.timing(), make.timing("beta", machine_id="f" * 16, machine={"gpu": "Imaginary GPU", "cpu": "Other"})
    )
    assert "Machine 1" in text
    assert "Imaginary GPU, Other" in text
    assert "0123456789abcdef" in text


def test_runs_are_shown_apart_and_are_no_timings(page, make):
    text = page(make.timing(scenario="run", backend="cpuN"))
    assert "Nothing was timed yet" in text
    assert "The run that made the outputs" in text
    assert "terminology/en-de" not in Ids(text).ids


def test_ids_are_unique_links_resolve_and_headings_are_in_order(page, make):
    found = Ids(
        page(
            make.timing(),
            make.timing(test_set="en+zh"),
            make.timing(scenario="run"),
            results=[make.result("alpha"), make.result("alpha", test_set="en+zh")],
        )
    )
    assert len(found.ids) == len(set(found.ids))
    assert set(found.fragments) <= set(found.ids)
    assert timing.anchor("terminology", "en+zh") in found.ids
    assert all(after - before <= 1 for before, after in pairwise(found.headings))


def test_hostile_texts_stay_text(page, make):
    evil = "</td><script>alert(1)</script>\u202e"
    text = page(
        make.timing(
            name=evil,
            flags=[Flag(name=evil, detail=evil, voids=True)],
            machine={"cpu": evil, evil: evil},
            isolation=Isolation(level=evil, selftest="", gaps=[evil], trusted_by=evil),
            quantities=[make.quantity(evil, None, reason=evil), make.quantity("load", 1.0, evil)],
            backend=evil,
            protocol=evil,
        )
    )
    assert "<script>" not in text.replace('<script src="', "")
    assert "\u202e" not in text


def test_many_timings_have_a_page_for_each_task(tmp_path, make, monkeypatch):
    monkeypatch.setattr(timing, "MOST", 2)
    results = [make.result("alpha"), make.result("alpha", task="gender", test_set="en-fr")]
    timings = [make.timing(), make.timing("beta"), make.timing(task="gender", test_set="en-fr")]
    pages.build(Records(results=results, timings=timings), tmp_path / "site", tmp_path / "none")
    overview, terminology, gender, board = (
        (tmp_path / "site" / place).read_text("utf-8")
        for place in ("timing.html", "timing-terminology.html", "timing-gender.html", "terminology/en-de.html")
    )
    assert "3 timings" in overview
    assert 'href="timing-gender.html"' in overview
    assert 'id="terminology/en-de"' in terminology
    assert 'id="terminology/en-de"' not in overview + gender
    assert 'href="../timing-terminology.html#terminology/en-de"' in board


def test_a_timing_without_any_result_of_its_task_has_no_page(make):
    timings = [make.timing(task="../up")]
    assert not list(timing.pages(Site(records=Records(results=[], timings=timings), groups=[])))


def test_there_is_no_page_without_timings(make):
    (group,) = model.groups([make.result()], [])
    assert not list(timing.pages(Site(records=Records(results=[make.result()]), groups=[group])))
