"""Two systems against each other: what the records say of their difference, and the segments behind it."""

from __future__ import annotations

import pytest

from harness.records import Pair
from harness.site import model, pages, pairs
from harness.site.site import Records

METHOD = "paired-bootstrap|resamples:1000|seed:0|level:0.95|alpha:0.05|holm:student-tails"


def board(results, **facts):
    (group,) = model.groups(results, [], **facts)
    return group.boards[0]


def names(results, **facts):
    return pairs.names(board(results, **facts))


@pytest.fixture
def duel(build, make, parse, tmp_path):
    """Build the page of alpha and beta from the rows of both, and read it."""

    def made(a=(), b=(), *, pair=None, reason=None, record=None, **facts):
        results = [make.result("alpha", 0.9, **facts), make.result("beta", 0.8, **facts)]
        compared = make.comparison({"alpha": 0.9, "beta": 0.8}, pairs=[pair] if pair else [], reason=reason)
        known = {"alpha": a, "beta": b}
        paths = {
            ("terminology", "en-de", system): make.segments(tmp_path, rows, system, **record or {})
            for system, rows in known.items()
            if rows
        }
        site = build(*results, comparisons=[compared], segments=paths)
        return parse(site / "terminology/en-de/alpha--vs--beta.html")

    return made


def pair(p_holm=0.004, **facts):
    known = {"a": "alpha", "b": "beta", "difference": 0.1, "lo": 0.05, "hi": 0.15, "p": 0.002, "p_holm": p_holm}
    return Pair(**{**known, **facts})


def rows_of(make, values, output="Ein Arzneimittel."):
    return [
        make.segment(number, value, said=[make.said(f"Source {number}.", output)])
        for number, value in enumerate(values, 1)
    ]


def test_the_best_meet_each_other_and_everybody_their_neighbours(make):
    results = [make.result(f"s{number:02}", 1 - number / 100, team=f"t{number}") for number in range(25)]
    found = names(results)
    assert len(found) == 20 * 19 // 2 + 5
    assert ("s00", "s19") in found
    assert ("s23", "s24") in found
    assert ("s00", "s20") not in found


def test_systems_of_one_team_meet_whatever_their_ranks(make):
    results = [make.result(f"s{number:02}", 1 - number / 100, team=f"t{number % 24}") for number in range(26)]
    assert ("s00", "s24") in names(results)
    crowd = [make.result(f"s{number:03}", 1 - number / 1000) for number in range(100)]
    assert len(names(crowd)) == 20 * 19 // 2 + 80, "a large team does not square the number of pages"


def test_only_systems_that_compete_and_have_a_rank_meet(make):
    others = [make.result(kind, 0.5, kind=kind) for kind in ("floor", "gaming")]
    results = [make.result("a"), make.result("b", 0.7, kind="baseline"), make.result("none", None), make.reference()]
    assert names([*results, *others]) == [("a", "b")]


def test_no_page_can_be_taken_for_another(make):
    results = [make.result(name, 0.9 - n / 10) for n, name in enumerate(("a", "b-1", "a--vs--b", "c"))]
    assert names(results) == [("a", "b-1"), ("a", "c"), ("b-1", "c")] or ("a", "b-1") not in names(results)
    places = [pairs.place("t", "s", *found) for found in names(results)]
    segments = [f"t/s/{result.system}-{number}.html" for result in results for number in (1, 2)]
    assert len({*places, *segments}) == len(places) + len(segments)


def test_a_test_set_that_is_called_like_a_folder_of_pages_has_none(make):
    assert names([make.result("a", test_set="systems"), make.result("b", test_set="systems")]) == []


def test_a_significant_difference_is_said_in_words(duel):
    page = duel(pair=pair())
    words = " ".join("".join(page.inside("p.verdict")).split())
    assert words.startswith("Alpha is significantly better than Beta by term_success: p = 0.0040 after Holm")
    assert {"0.1", "0.05", "0.15", "0.002", "0.004"} <= set(page.values("data-v"))


def test_two_that_the_test_set_does_not_tell_apart(duel):
    words = " ".join("".join(duel(pair=pair(0.051)).inside("p.verdict")).split())
    assert words.startswith("This test set does not tell Alpha and Beta apart")


def test_lower_is_better_names_the_other_one(build, make, parse):
    scores = {"alpha": 0.1, "beta": 0.2}
    results = [make.result(name, scores=[make.score(value=value, best="lower")]) for name, value in scores.items()]
    compared = make.comparison(scores, best="lower", pairs=[pair(difference=-0.1, lo=-0.2, hi=-0.05)])
    page = parse(build(*results, comparisons=[compared]) / "terminology/en-de/alpha--vs--beta.html")
    assert "Alpha is significantly better than Beta" in " ".join("".join(page.inside("p.verdict")).split())
    assert next(text.strip() for text in page.inside("td.num ahead") if text.strip()) == "0.1000"


def test_a_pair_that_was_stored_the_other_way_round_is_turned(duel):
    page = duel(pair=pair(a="beta", b="alpha", difference=-0.1, lo=-0.15, hi=-0.05))
    assert {"0.1", "0.05", "0.15"} <= set(page.values("data-v"))
    assert pairs.turned(None) is None


def test_what_was_not_tested_says_why(duel):
    assert "only neighbours are" in duel().text
    assert "blocks are too few" in duel(reason="blocks are too few").text


def test_every_metric_is_tested_by_its_own_record(build, make, parse):
    results = [make.result("alpha", 0.9), make.result("beta", 0.8)]
    bleu = make.comparison({"alpha": 31.25, "beta": 31.25}, metric="bleu", pairs=[pair(1.0, difference=0.125, p=0.5)])
    page = parse(build(*results, comparisons=[bleu]) / "terminology/en-de/alpha--vs--beta.html")
    assert "0.125" in page.values("data-v")
    assert "were not tested against each other by term_success" in " ".join(page.text.split())


def test_who_is_right_where_is_counted(duel, make):
    a, b = rows_of(make, [1, 1, 1, 0, 0, None]), rows_of(make, [1, 0, 0, 1, 0, 0], "Anders.")
    b[0] = make.segment(1, 1.0, said=a[0].said)
    page = duel(a, b, segments=6)
    counts = [int(text) for text in page.inside("td.num") if text.isdecimal()]
    assert counts[-4:] == [1, 2, 1, 1]
    assert "1 segment says nothing" in page.text
    assert "1 of 6 outputs are the same" in page.text


def test_the_largest_differences_come_first_with_links_to_both(duel, make):
    a, b = rows_of(make, [0.5, 1.0, 0.2, 0.6]), rows_of(make, [0.4, 0.0, 0.9, 0.6], "Anders.")
    page = duel(a, b, segments=4)
    assert [text for text in page.inside("h4") if text.strip()] == ["2", "1", "3"], "first for alpha, then for beta"
    links = [link for link in page.values("href") if "#s-" in link]
    assert links[:2] == ["alpha-1.html#s-2", "beta-1.html#s-2"]
    assert page.values("data-is") == ["ab", "", ""]
    assert page.values("data-filters") == ["ab=Only where it alone is right"]


def test_each_side_shows_what_the_other_lacks(duel, make):
    a = [make.segment(1, 1.0, make.span(4, 16), make.span(0, 3, label="shared"))]
    b = [make.segment(1, 0.0, make.span(0, 5, "missed", text="source"), make.span(0, 3, label="shared"))]
    page = duel(a, b, segments=1)
    assert "Arzneimittel" in page.inside("mark.good")
    assert page.inside("mark.bad") == ["missed"], "the legend's: source and references carry no marks of one system"
    assert [text for text in page.inside("div.only") if text == "shared"] == []


def test_lower_is_better_turns_the_segments(duel, make):
    scores = [make.score(value=0.5, best="lower"), make.score("bleu", 30.0, unit="points")]
    page = duel(rows_of(make, [0.0]), rows_of(make, [0.7]), segments=1, scores=scores)
    assert "Where Alpha is ahead" in " ".join(page.text.split())
    assert page.values("data-is") == ["ab"]


def test_without_values_evidence_says_who_is_ahead(duel, make):
    a, b = [make.segment(1, None, make.span())], [make.segment(1, None, make.span(verdict="missed"))]
    for row in (*a, *b):
        row.values.clear()
    page = duel(a, b, segments=1, record={"metrics": []})
    assert page.values("data-is") == ["ab"]


def test_tokens_of_both_stand_under_each_other(duel, make):
    a = [make.segment(1, 1.0, said=[make.said(["2", "."], ["two", ""])])]
    b = [make.segment(1, 0.0, said=[make.said(["2", "."], None)])]
    page = duel(a, b, segments=1)
    assert [text for text in page.inside("ol.toks") if text.strip()] == [
        "2",
        "2",
        "two",
        "no output",
        ".",
        ".",
        "∅",
        "no output",
    ]


def test_pages_are_not_made_again_for_others(build, make, tmp_path):
    results = [make.result("alpha", 0.9), make.result("beta", 0.8)]
    compared = make.comparison({"alpha": 0.9, "beta": 0.8})
    site = build(*results, comparisons=[compared])
    place = site / "terminology/en-de/alpha--vs--beta.html"
    before = place.stat().st_mtime_ns
    build(*results, make.result("gamma", 0.1), comparisons=[compared])
    assert place.stat().st_mtime_ns == before


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "{{ duel }}", "\u202eevil\u200b", "x" * 3000])
def test_hostile_names_are_inert(build, make, parse, text):
    def page(name):
        results = [make.result("alpha", 0.9, name=name, title=name, team=name), make.result("beta", 0.8, name=name)]
        return parse(build(*results, comparisons=[make.comparison({"alpha": 0.9, "beta": 0.8})]) / PLACE)

    assert page(text).shape == page("harmless").shape


PLACE = "terminology/en-de/alpha--vs--beta.html"


def test_a_site_of_many_pairs_is_listed_once(make, tmp_path):
    results = [make.result(f"s{number:02}", 1 - number / 100) for number in range(30)]
    made = pages.of(Records(results=results), model_config(), None)
    places = [page.place for page in pairs.pages(made)]
    assert len(places) == len(set(places))


def model_config():
    from harness.site.config import Config

    return Config()
