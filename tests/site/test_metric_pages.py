"""The page of a metric: what it is, what decides its numbers, and who is best by it."""

from __future__ import annotations

import pytest

from harness.site import metrics
from harness.site.site import Meaning

PLACE = "terminology/metrics/term_success.html"


@pytest.fixture
def page(build, parse):
    def made(*results, place=PLACE, **records):
        return parse(build(*results, **records) / place)

    return made


def words(page):
    return " ".join(page.text.split())


def test_what_a_task_says_of_it(page, make):
    meaning = Meaning("Term success", "found / required", "Somebody 2023")
    found = words(page(make.result(), metrics={("terminology", "term_success"): meaning}))
    for text in ("Term success", "found / required", "Somebody 2023", "higher is better", "fraction 0 to 1"):
        assert text in found


def test_without_that_its_name_must_do(page, make):
    assert "term_success" in page(make.result()).inside("h1")


def test_signatures_side_by_side_and_their_differences(page, make):
    signatures = {"en-de": "term:v1|match:edge|fast", "en-fr": "term:v1|match:token|x"}
    results = [
        make.result(test_set=name, scores=[make.score(signature=signature)]) for name, signature in signatures.items()
    ]
    found = page(*results)
    assert [text for text in found.inside("b") if text in ("term", "match", "fast", "x")] == ["match", "fast", "x"]
    assert set(signatures.values()) <= set(found.inside("li"))
    assert {"#s1", "#s2"} <= set(found.values("href"))
    assert {"s1", "s2"} <= set(found.values("id"))


def test_parts_of_signatures():
    (first, second, third) = metrics.parts(["a:1|b:2:3", "a:1|c"])
    assert (first.key, first.values, first.differs) == ("a", ("1", "1"), False)
    assert (second.key, second.values, second.differs) == ("b", ("2:3", ""), True)
    assert (third.key, third.values) == ("c", ("", "yes"))
    assert metrics.parts([""]) == ()


@pytest.mark.parametrize(("best", "names"), [("higher", ["C"]), ("lower", ["B"]), ("zero", ["A"]), ("none", [])])
def test_the_best_by_its_direction(page, make, best, names):
    values = {"a": 0.1, "b": -0.5, "c": 0.9}
    results = [
        make.result(name, 0.5, scores=[make.score(value=0.5), make.score("m", value, best=best)])
        for name, value in values.items()
    ]
    yardstick = make.result(
        "cheat", 0.5, kind="gaming", scores=[make.score(value=0.5), make.score("m", 0.0, best=best)]
    )
    found = page(*results, yardstick, place="terminology/metrics/m.html")
    assert found.inside("div.who") == names
    assert ("the metric does not judge" in found.text) == (best == "none")


def test_all_who_tie_are_best(page, make):
    found = page(*[make.result(f"s{number}") for number in range(7)])
    assert len(found.inside("div.who")) == 5
    assert "and 2 more with the same value" in words(found)


def test_a_metric_without_interval_says_so(page, make):
    found = page(make.result(scores=[make.score(method="none", interval=None)]))
    assert "No interval: resampling would mislead." in words(found)


def test_a_name_that_is_no_file_name_has_no_page_and_no_link(build, make, parse):
    site = build(make.result(scores=[make.score(), make.score("../../evil"), make.score("a/b")]))
    assert [path.name for path in site.rglob("metrics/*")] == ["term_success.html"]
    page = parse(site / "terminology/systems/alpha.html")
    assert "../../evil" in page.text
    assert not any("evil" in link for link in page.values("href"))


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '" onload="x', "{{ metric }}", "\u202eevil", "x" * 3000])
def test_hostile_texts_are_inert(page, make, text):
    def of(text):
        meaning = {("terminology", "term_success"): Meaning(text, text, text)}
        scores = [make.score(signature=f"k:{text}", method=text)]
        return page(make.result(name=text, title=text, scores=scores), metrics=meaning)

    assert of(text).shape == of("harmless").shape
