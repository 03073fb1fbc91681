"""Every segment can be read and linked to; what it says stays text, and what it means is marked and said in words."""

from __future__ import annotations

import gzip
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import IntegrityError
from harness.site import segmentpages, segmentview

CELL = ("terminology", "en-de", "alpha")
PLACE = "terminology/en-de/alpha-1.html"
HOSTILE = [
    "<script>alert(1)</script>",
    '"onload="alert(1)',
    "' onmouseover='x",
    "</dd></dl></article></main>",
    "]]><!-- -->",
    "{{ leaf }}{% raw %}",
    "&amp;&lt;",
    "\u202egnp.exe\u200b\u2066",
    "\x00\x1b[31m\r\n\t",
    "javascript:alert(1)",
    "x" * 10_000,
    "e" + "\u0301" * 300,
]


@pytest.fixture
def page(build, make, parse, tmp_path):
    """Build the page of some rows and read it."""

    def made(*rows, place=PLACE, **facts):
        path = make.segments(tmp_path, rows, **{"metrics": ["term_success", "bleu"], **facts.pop("record", {})})
        site = build(make.result(**{"segments": len(rows), **facts}), segments={CELL: path})
        return parse(site / place)

    return made


def keys(page):
    return page.values("data-is")


def test_a_segment_shows_texts_values_and_tags(page, make):
    row = make.segment(7, 0.3333333, tags={"domain": "law"}, block="doc-1")
    found = page(row)
    for text in ("A drug.", "Eine Arznei.", "Ein Arzneimittel.", "doc-1", "law", "0.3333", "31.25"):
        assert text in found.text
    assert "s-7" in found.values("id")
    assert "#s-7" in found.values("href")
    assert "0.3333333" in found.values("title", "b"), "the full precision stands beside it"


def test_texts_have_the_languages_of_the_test_set_and_may_run_either_way(page, make):
    found = page(make.segment())
    lines = [known for tag, known in found.tags if tag == "dd" and "dir" in known]
    assert [known.get("lang") for known in lines] == ["en", "de", "de"]
    assert {known["dir"] for known in lines} == {"auto"}


def test_the_languages_of_a_segment_win(page, make):
    found = page(make.segment(tags={"target_language": "fr"}), tags={})
    assert found.values("lang", "dd") == ["fr", "fr"]


def test_evidence_is_marked_and_said_in_words(page, make):
    row = make.segment(
        1,
        0.5,
        make.span(4, 16, "found"),
        make.span(2, 6, "missed", text="source", label="drug → Droge"),
    )
    found = page(row)
    assert found.inside("mark.good")[1:] == ["Arzneimittel"]
    assert found.inside("mark.bad")[1:] == ["drug"], "the first one is the legend's"
    listed = [text for stack, text in found.texts if "article.seg" in stack and "li.bad" in stack]
    assert "".join(listed).split() == ["missed", "drug", "→", "Droge"]
    assert "missed: drug → Droge" in found.values("title", "mark")


def test_the_primary_metric_decides_the_colour_and_others_are_named(page, make):
    spans = [make.span(4, 16, "found"), make.span(4, 16, "missed", metric="surface")]
    found = page(make.segment(1, 1.0, *spans))
    assert "Arzneimittel" in found.inside("mark.good")
    assert "found: drug → Arzneimittel; missed: drug → Arzneimittel (surface)" in found.values("title", "mark")


def test_a_finding_that_stands_in_source_and_output_is_said_once(page, make):
    spans = [make.span(0, 3, "found"), make.span(2, 6, "found", text="source")]
    found = page(make.segment(1, 1.0, *spans))
    listed = [text for stack, text in found.texts if "article.seg" in stack and "li.good" in stack and text == "found"]
    assert len(listed) == 1
    assert "\N{MULTIPLICATION SIGN}" not in found.text


def test_overlapping_evidence_is_nested_properly(page, make):
    spans = [make.span(0, 9, "found"), make.span(4, 16, "missed", label="x"), make.span(2, 5, "shrug", label="y")]
    found = page(make.segment(1, 0.5, *spans))
    assert not any(stack.count("mark.good") + stack.count("mark.bad") > 1 for stack, _ in found.texts)
    output = [text for stack, text in found.texts if "div.output" in stack and "dd" in stack]
    assert "".join(output) == "Ein Arzneimittel."


@pytest.mark.parametrize(
    ("best", "value", "key"),
    [
        ("higher", 1.0, ""),
        ("higher", 0.99, "wrong bad"),
        ("lower", 0.0, ""),
        ("lower", 0.1, "wrong bad"),
        ("none", 0.1, ""),
    ],
)
def test_what_is_below_its_best_can_be_filtered(page, make, best, value, key):
    scores = [make.score(value=0.5, best=best), make.score("bleu", 30.0, unit="points")]
    assert keys(page(make.segment(1, value), scores=scores)) == [key]


def test_without_a_value_evidence_decides(page, make):
    rows = [make.segment(1, None, make.span(verdict="missed")), make.segment(2, None, make.span(verdict="found"))]
    found = page(*rows, make.segment(3, None))
    assert keys(found) == ["wrong bad", "", ""]
    assert found.values("data-filters") == ["wrong=Only errors"]


def test_a_finding_of_another_metric_is_an_error_of_its_own_kind(page, make):
    rows = [make.segment(1, 1.0, make.span(verdict="missed", metric="surface")), make.segment(2, 0.0), make.segment(3)]
    found = page(*rows)
    assert keys(found) == ["bad", "wrong bad", ""]
    assert found.values("data-filters") == ["wrong=Only errors|bad=Errors by any metric"]


def test_tokens_stand_under_each_other(page, make):
    said = make.said(["2", "kg", "."], ["two", "kg", ""], references=[["two", "kilograms", ""]])
    row = make.segment(1, 0.5, make.span(0, 2, "under", token=1), said=[said])
    found = page(row)
    assert [text for text in found.inside("ol.toks") if text.strip()] == [
        "2",
        "two",
        "two",
        "kg",
        "kilograms",
        "kg",
        ".",
        "∅",
        "∅",
    ]
    assert found.inside("mark.bad")[1:] == ["kg"]
    assert "from top to bottom: source, reference, output" in found.text


def test_every_request_of_a_segment_is_shown_with_its_own_findings(page, make):
    requests = [make.said(id="1-m", output="Er"), make.said(id="1-f", output="Er")]
    spans = [
        make.span(0, 2, "right", request="1-m", label="masculine"),
        make.span(0, 2, "wrong", request="1-f", label="masculine"),
    ]
    found = page(make.segment(1, 0.0, *spans, said=requests))
    order = [text for text in found.inside("div.asked") if text in ("1-m", "1-f", "right", "wrong")]
    assert order == ["1-m", "right", "1-f", "wrong"]


def test_a_missing_and_an_empty_output_are_told_apart(page, make):
    found = page(make.segment(1, said=[make.said(output=None)]), make.segment(2, said=[make.said(output="")]))
    assert found.inside("i.gone") == ["no output", "empty"]


def test_many_values_fold_away(page, make):
    names = ["term_success", *(f"m{number}" for number in range(9))]
    row = make.segment()
    facts = {"id": "1", "block": "1", "tags": {}, "said": row.said, "values": [1.0] * 10, "evidence": []}
    found = page(type(row)(**facts), record={"metrics": names})
    assert "9 more metrics" in "".join(found.inside("summary"))


def test_long_texts_are_shown_whole_up_to_a_limit(page, make):
    whole, over = "ä" * 15_000, "ö" * (segmentview.TEXT_LIMIT + 5)
    found = page(make.segment(1, said=[make.said(whole, over)]))
    assert whole in "".join(found.inside("div.source"))
    assert "ö" * segmentview.TEXT_LIMIT in "".join(found.inside("div.output"))
    assert "… and 5 more characters" in found.text


def test_two_hundred_segments_a_page(page, make, tmp_path):
    rows = [make.segment(number) for number in range(1, 402)]
    first = page(*rows)
    last = page(*rows, place="terminology/en-de/alpha-3.html")
    assert len(keys(first)) == 200
    assert len(keys(last)) == 1
    links = [link for link in first.values("href") if link.startswith("alpha-")]
    assert links[:2] == ["alpha-2.html", "alpha-3.html"]
    assert "Segments 401 to 401 of 401" in last.text


def test_pages_of_long_texts_are_small(page, make, tmp_path):
    words = "Eine lange Rede über nichts, die dennoch niemals enden will, weil jeder noch etwas sagt. "
    rows = [make.segment(number, said=[make.said(f"{number} " + words * 40, words * 40)]) for number in range(1, 101)]
    page(*rows)
    sizes = [len(gzip.compress(path.read_bytes())) for path in tmp_path.glob("site/terminology/en-de/alpha-*.html")]
    assert len(sizes) > 1
    assert max(sizes) <= 100_000


def test_the_page_of_a_segment_is_known_without_reading(make, tmp_path):
    rows = [make.segment(number, said=[make.said("x" * 4000)]) for number in range(300)]
    path = make.segments(tmp_path, rows)
    found = segmentpages.paging(mock.Mock(segments={CELL: path}), make.result(segments=300))
    assert found.each < 200
    assert [found.page_of(index) for index in (0, found.each - 1, found.each, 299)] == [1, 1, 2, found.pages]


def test_no_record_no_page(build, make, tmp_path):
    site = build(make.result(), segments={CELL: tmp_path / "gone.json"})
    assert not (site / PLACE).exists()


def test_what_is_no_record_is_said(build, make, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(IntegrityError, match="R011"):
        build(make.result(), segments={CELL: path})


def test_unchanged_records_are_not_read_again(build, make, tmp_path):
    path = make.segments(tmp_path, [make.segment()])
    result = make.result(segments=1)
    site = build(result, segments={CELL: path})
    before = (site / PLACE).stat().st_mtime_ns
    with mock.patch.object(segmentview, "read", side_effect=AssertionError):
        build(result, make.result("beta", 0.9), segments={CELL: path})
    assert (site / PLACE).stat().st_mtime_ns == before


def test_a_changed_name_changes_the_page(build, make, parse, tmp_path):
    path = make.segments(tmp_path, [make.segment()])
    build(make.result(segments=1), segments={CELL: path})
    site = build(make.result(segments=1, name="Renamed"), segments={CELL: path})
    assert "Renamed" in parse(site / PLACE).text


def hostile_row(make, text):
    """A segment in which everything that strangers write is `text`."""
    said = [make.said(text, text, references=[text]), make.said([text], [text], id="2", references=[[text]])]
    spans = [make.span(0, 3, label=text, verdict=text, metric=text), make.span(1, 99, "missed", request="2", token=0)]
    return make.segment(
        1, 0.5, *spans, id=text, block=f"{text}b", tags={"domain": text, "target_language": text}, said=said
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_inert_and_visible(page, make, text):
    harmless = page(hostile_row(make, "abcd"), name="abcd", title="abcd")
    found = page(hostile_row(make, text), name=text, title=text)
    assert found.shape == harmless.shape
    runs = [run for stack, run in found.texts if "div.output" in stack and "dd" in stack]
    assert "".join(runs) == "".join(run.text for run in segmentview.runs(text))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(min_size=4, max_size=12).filter(lambda text: text.isprintable() or text.strip()))
def test_any_text_is_inert(page, make, text):
    assert page(hostile_row(make, text)).shape == page(hostile_row(make, "abcd" + "x" * (len(text) - 4))).shape
