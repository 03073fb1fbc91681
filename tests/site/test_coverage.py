"""The matrix of coverage: what is missing is said in words and is never a number."""

from __future__ import annotations

import pytest

from harness.site import coverage, model, pages
from harness.site.site import Records


def matrix(results, absent=()):
    """The matrices of records."""
    return [coverage.matrix(group) for group in model.groups(results, absent)]


def test_every_system_has_a_state_on_every_test_set(make):
    broken = [make.score(), make.score("bleu", None, reason="unavailable: OSError: no file")]
    undefined = [make.score(value=None, reason="undefined: 0 of 0")]
    results = [
        make.result("alpha"),
        make.result("alpha", test_set="en-fr", scores=undefined),
        make.result("beta", scores=broken),
        make.result("gamma", test_set="en-fr"),
        make.reference(),
    ]
    (found,) = matrix(results, [("terminology", "en-fr", "beta"), ("terminology", "en-de", "late")])
    assert found.test_sets == ("en-de", "en-fr")
    assert {line.system.system: line.states for line in found.lines} == {
        "alpha": ("scored", "scored"),
        "beta": ("scored in part", "not submitted"),
        "gamma": ("no result", "scored"),
        "late": ("not submitted", "no result"),
    }
    assert [line.scored for line in found.lines] == [2, 1, 1, 0]
    assert found.totals == (2, 2)


def test_a_test_set_without_any_result_is_a_column(make):
    found = matrix([make.result(collection="")], [("terminology", "en-fr", "alpha")])
    assert [one.test_sets for one in found] == [("en-de", "en-fr")]


def test_collections_stand_apart(make):
    results = [make.result(), make.result("beta", collection="wmt26", test_set="en-it")]
    assert [(one.collection, len(one.lines)) for one in matrix(results)] == [("wmt25", 1), ("wmt26", 1)]


def test_the_page_counts_the_states_and_explains_those_that_occur(build, make, parse):
    site = build(make.result(collection=""), make.reference(), absent=[("terminology", "en-fr", "alpha")])
    page = parse(site / "coverage.html")
    terms = [text for text in page.inside("dt") + page.inside("dt.none") if text.strip()]
    assert terms == ["scored", "not submitted"]
    assert "0" not in [text.strip() for text in page.inside("td")]
    assert "1 of 2" in page.text
    assert "Reference" not in page.text


def test_a_hidden_test_set_is_no_column(make, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/site.toml").write_text('[hidden_until]\n"*/en-fr" = 2999-01-01\n', "utf-8")
    records = Records(results=[make.result(), make.result(test_set="en-fr")], absent=[("terminology", "en-fr", "beta")])
    pages.build(records, tmp_path / "site", tmp_path / "own")
    assert "en-fr" not in (tmp_path / "site/coverage.html").read_text("utf-8")


@pytest.mark.parametrize("many", [1, 30])
def test_many_systems_can_be_searched(build, make, parse, many):
    page = parse(build(*(make.result(f"system-{n}", 0.5) for n in range(many))) / "coverage.html")
    assert (page.values("data-tools", "table") == ["filter"]) is (many == 30)
