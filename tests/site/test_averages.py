"""The page of averages: what was averaged with which weights, best first, and nothing for what is missing."""

from __future__ import annotations

import pytest

from harness.site import pages
from harness.site.site import Records

VALUES = {"alpha": (0.4, 0.8), "beta": (0.6, 0.6), "gamma": (0.2, 0.2)}
SETS = ("en-de", "en-fr")


def records(make, **facts):
    """Three systems on two test sets, one more on the first alone; their mean by weights 1 to 3."""
    results = [
        make.result(one, value, test_set=test_set)
        for one, values in VALUES.items()
        for test_set, value in zip(SETS, values, strict=True)
    ]
    results.append(make.result("partial", 0.9))
    means = {one: 0.25 * values[0] + 0.75 * values[1] for one, values in VALUES.items()}
    known = {"title": "Mean over languages", "weights": {"en-de": 0.25, "en-fr": 0.75}, **facts}
    found = make.derived("term_success", known.pop("weights"), {**means, "partial": None}, **known)
    compared = make.comparison({one: values[0] for one, values in VALUES.items()})
    return Records(results=results, derived=[found], comparisons=[compared])


@pytest.fixture
def page(tmp_path, make, parse):
    def built(**facts):
        pages.build(records(make, **facts), tmp_path / "site", tmp_path / "none")
        path = tmp_path / "site/terminology/averages.html"
        return parse(path) if path.exists() else None

    return built


def test_systems_stand_in_the_order_of_their_average_and_the_rest_last(page):
    found = page()
    assert [name for name in found.inside("bdi.name") if name.strip()] == ["Alpha", "Beta", "Gamma", "Partial"]
    assert found.inside("span.v")[:3] == ["0.7000", "0.4000", "0.8000"]
    assert "2 of 2 test sets" in found.text  # the factory says 2 parts of whatever has no value
    assert "no result" in found.text


def test_the_lower_the_better_where_the_record_says_so(page):
    found = page(best="lower")
    assert [name for name in found.inside("bdi.name") if name.strip()] == ["Gamma", "Beta", "Alpha", "Partial"]


def test_the_script_learns_weights_and_clusters(page):
    found = page()
    assert found.values("data-weight") == ["0.25", "0.75"]
    assert found.values("data-cluster") == ["2", "1", "3"]  # of en-de alone: en-fr has no comparison here
    assert [src.rpartition("/")[2] for src in found.values("src")] == ["site.js", "whatif.js"]


@pytest.mark.parametrize("weights", [{"en-de": -1.0, "en-fr": 1.0}, {"en-de": 1.0}])
def test_gains_and_single_test_sets_are_no_averages(page, weights):
    assert page(weights=weights) is None


def test_what_does_not_judge_has_no_order_to_ask_about(page):
    found = page(best="none")
    assert "data-whatif" not in {name for _, known in found.tags for name in known}
    assert [src.rpartition("/")[2] for src in found.values("src")] == ["site.js"]


def test_the_page_is_made_again_when_a_part_of_it_changes(tmp_path, make):
    site = tmp_path / "site"
    pages.build(records(make), site, tmp_path / "none")
    written = pages.build(records(make, title="Mean"), site, tmp_path / "none")
    assert site / "terminology/averages.html" in written
