"""The page of a system says everything that the records say of it, and nothing of others that they do not."""

from __future__ import annotations

import pytest

from harness.records import Flag

PLACE = "terminology/systems/alpha.html"


@pytest.fixture
def page(build, parse):
    def made(*results, place=PLACE, **records):
        return parse(build(*results, **records) / place)

    return made


def words(page):
    return " ".join(" ".join(text for _, text in page.texts).split())


def test_who_it_is_and_what_its_kind_means(page, make):
    found = words(page(make.result(kind="baseline", name="Alpha One", team="The Team")))
    for text in ("Alpha One", "The Team", "baseline", "competes; a baseline"):
        assert text in found


def test_every_system_has_a_page_the_references_too(page, make):
    found = page(make.result(), make.reference(), place="terminology/systems/@reference.html")
    assert "Reference" in found.text
    assert "harness score terminology ," in words(found), "nobody can score the references alone"


def test_every_test_set_with_rank_and_score(page, make):
    results = [make.result("alpha", 0.7), make.result("beta", 0.9), make.result("alpha", 0.6, test_set="en-fr")]
    found = page(*results, comparisons=[make.comparison({"beta": 0.9, "alpha": 0.7})])
    assert "2 of 2" in found.text
    assert "1 of 1" in found.text
    assert {"0.7", "0.6"} <= set(found.values("data-v"))
    assert {"../../terminology/en-de.html", "../../terminology/en-fr.html"} <= set(found.values("href"))


def test_what_is_missing_is_said(page, make):
    found = words(page(make.result(), absent=[("terminology", "en-fr", "alpha"), ("gender", "x", "alpha")]))
    assert "en-fr not submitted" in found
    assert "1 of 2 expected" in found


def test_undefined_and_absent_values_are_no_zeros(page, make):
    results = [make.result("alpha", None), make.result("beta", scores=[make.score("other"), make.score()])]
    found = words(page(*results))
    assert "not ranked" in found
    assert "undefined" in found
    assert "other" not in found.split(), "a metric that the system lacks everywhere is not listed"


def test_every_metric_is_listed_with_full_precision(page, make):
    found = page(make.result("alpha", 0.7123456789012345))
    assert {"0.7123456789012345", "31.25"} <= set(found.values("data-v"))
    assert {"../../terminology/metrics/bleu.html", "../../terminology/metrics/term_success.html"} <= set(
        found.values("href")
    )


def test_derived_numbers_with_their_weights(page, make):
    gain = make.derived("term_success", {"en-de": 1, "en-fr": -1}, {"alpha": 0.25, "beta": None})
    found = page(make.result(), make.result("alpha", test_set="en-fr"), derived=[gain])
    assert "0.25" in found.values("data-v")
    assert "+1 \N{MULTIPLICATION SIGN} en-de" in words(found)
    assert "-1 \N{MULTIPLICATION SIGN} en-fr" in words(found)
    undefined = page(make.result(), make.result("beta"), derived=[gain], place="terminology/systems/beta.html")
    assert "undefined" in words(undefined)


def test_timings_with_flags_in_words(page, make):
    flag = Flag(name="noisy", detail="others used the processor", voids=True)
    found = page(make.result(), timings=[make.timing(flags=[flag]), make.timing("beta")])
    assert "void: noisy" in words(found)
    assert "others used the processor" in words(found)
    assert "Imaginary CPU" in words(found)
    assert len(found.inside("tr.void")) > 0


def test_notices_in_words(page, make):
    found = words(page(make.result(notices={"N016": 3, "N999": 1})))
    assert "3 outputs are empty N016" in found
    assert "1 unknown notice N999" in found


def test_provenance_and_the_command(page, make):
    record = make.result()
    found = page(record)
    assert {record.provenance.outputs, record.provenance.manifest, record.provenance.gold} <= set(found.values("title"))
    assert "harness score terminology/alpha" in words(found)


def test_those_nearest_in_rank_are_linked(page, make):
    results = [make.result(f"s{number:02}", 1 - number / 100) for number in range(20)]
    compared = make.comparison({result.system: result.scores[0].value for result in results})
    found = page(*results, comparisons=[compared], place="terminology/systems/s19.html")
    links = [link for link in found.values("href") if "--vs--" in link]
    assert len(links) == 12
    assert links[-1] == "../../terminology/en-de/s18--vs--s19.html"
    assert "-0.0100" in words(found), "this one minus the other"


def test_segments_are_linked_where_they_are(page, make, tmp_path):
    path = make.segments(tmp_path, [make.segment()])
    cell = ("terminology", "en-de", "alpha")
    found = page(make.result(segments=1), make.result("alpha", test_set="en-fr"), segments={cell: path})
    assert [link for link in found.values("href") if link.endswith("-1.html")] == [
        "../../terminology/en-de/alpha-1.html"
    ]


def test_a_page_is_made_again_only_for_what_it_shows(build, make):
    site = build(make.result("alpha", 0.9))
    before = (site / PLACE).stat().st_mtime_ns
    build(make.result("alpha", 0.9), make.result("other", task="gender"))
    assert (site / PLACE).stat().st_mtime_ns == before
    build(make.result("alpha", 0.9), make.result("beta", 0.95))
    assert (site / PLACE).stat().st_mtime_ns != before


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '" onload="x', "{{ profile }}", "\u202eevil", "x" * 3000]
)
def test_hostile_names_are_inert(page, make, text):
    def of(name):
        flag = Flag(name="noisy", detail=name, voids=False)
        timing = make.timing(flags=[flag], machine={"cpu": name})
        derived = make.derived("term_success", {"en-de": 1}, {"alpha": 0.5}, title=name, tags={"mode": name})
        results = [make.result(name=name, team=name, title=name), make.result("beta", 0.1, name=name)]
        return page(*results, timings=[timing], derived=[derived])

    assert of(text).shape == of("harmless").shape
