"""The page of methods takes resamples, seeds and levels from the records."""

from __future__ import annotations

import msgspec

from harness.site import method


def test_methods_are_those_of_the_records(build, make, parse):
    scores = [
        make.score(method="percentile|resamples:77|seed:5|level:0.9"),
        make.score("k", 3.0, unit="count", method="none", interval=None),
        make.score("odd", 0.5, method="magic|moon:full"),
    ]
    results = [make.result("alpha", 0.9, scores=scores), make.result("beta", 0.5, scores=scores)]
    compared = make.comparison(
        {"alpha": 0.9, "beta": 0.5},
        method="paired-bootstrap|resamples:66|seed:4|level:0.8|alpha:0.2|holm:student-tails",
    )
    page = parse(build(*results, comparisons=[compared]) / "method.html")
    words = " ".join(page.text.split())
    for text in ("Resamples: 77", "Seed: 5", "Level: 90 %", "moon: full", "Resamples: 66", "Significance level: 0.2"):
        assert text in words
    assert "in 80 % of the resamples" in words
    assert "1000" not in words
    assert "Holm, with Student's tails" in words


def test_methods_without_an_interval_stand_last(make):
    found = method.methods([("a", "k", "none"), ("a", "x", "percentile|seed:0"), ("b", "y", "percentile|seed:0")])
    assert [(one.name, one.used) for one in found] == [
        ("percentile", (("a", ("x",)), ("b", ("y",)))),
        ("none", (("a", ("k",)),)),
    ]


def test_a_test_set_says_how_much_it_can_tell(build, make, parse):
    compared = msgspec.structs.replace(make.comparison({"alpha": 0.9, "beta": 0.5}), detectable=0.0123, blocks=40)
    site = build(
        make.result("alpha", 0.9), make.result("beta", 0.5), make.result(test_set="one"), comparisons=[compared]
    )
    cells = [text.strip() for text in parse(site / "method.html").inside("td.num") if text.strip()]
    told, silent = cells[:6], cells[6:]
    assert told == ["500", "40", "2", "1", "2", "0.0123"]
    assert (silent[0], silent[2:4], silent[-1]) == ("500", ["1", "0"], "not compared")


def test_timing_is_explained_only_where_something_was_timed(build, make, parse):
    assert "No system was timed" in parse(build(make.result()) / "method.html").text
    assert "void" in parse(build(make.result(), timings=[make.timing()]) / "method.html").text
