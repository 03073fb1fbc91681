"""`harness explain`: one segment of one system, with the counts and spans behind every number."""

from __future__ import annotations

import json
import shutil

import pytest

from ..hostile.toy import Toy
from ..unit import toys

SCORER = '''\
from dataclasses import replace

from harness.api import Evidence, Metric, Request, Statistics, ratio


def requests(row, tags):
    """Every row asks twice, and sends a hint along."""
    reference = row["references"][0]
    return [Request(f"{row['id']}/{n}", row["source"], (reference,), {"hint": row["hint"], "n": n}) for n in (1, 2)]


def statistics(test_set, outputs):
    import numpy as np

    rows = [
        (sum(outputs.get(r.id) == r.references[0] for r in segment.requests), len(segment.requests))
        for segment in test_set.segments
    ]
    return Statistics(("hits", "requests"), np.array(rows, dtype=np.int64))


def spans(test_set, outputs, totals):
    for segment in test_set.segments:
        for request in segment.requests:
            output = outputs.get(request.id)
            yield Evidence(segment.id, request.id, "source", 1, 3, "seen", "middle")
            yield Evidence(segment.id, request.id, "reference", 0, 1, "seen", "initial")
            if output:
                verdict = "right" if output == request.references[0] else "wrong"
                yield Evidence(segment.id, request.id, "output", 0, len(output), verdict, "all")


ACCURACY = Metric(
    name="accuracy",
    title="Accuracy",
    formula="hits / requests",
    citation="-",
    statistics=statistics,
    value=ratio("hits", "requests"),
    signature=lambda test_set: "accuracy:v1",
    ratio=("hits", "requests"),
    evidence=spans,
)
METRICS = {
    "accuracy": ACCURACY,
    "corpus": replace(ACCURACY, name="corpus", segments="none", evidence=None),
}
'''
GOLD = [
    {"id": "first", "document": "d1", "domain": "law", "hint": "a", "source": "😁😀bc", "reference": "ÄBC"},
    {"id": "second", "document": "d1", "domain": "law", "hint": "b", "source": "two", "reference": "TWO"},
    {"id": "third", "document": "d2", "domain": "news", "hint": "c", "source": "three", "reference": "THREE"},
]
OUTPUTS = {
    "first/1": "ÄBC",
    "first/2": "\u001b[31m😁!",
    "second/1": "TWO",
    "second/2": "TWO",
    "third/1": "?",
}
"""The last request is not answered."""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp("explain")
    facts = {"scorer": SCORER, "metrics": ["accuracy", "corpus"], "answers": "at-most-one"}
    folder = toys.task(root / "tasks" / "toy", test_sets=("dev",), more='block = "document"', **facts)
    toys.write(folder / "data" / "dev.jsonl", toys.json_lines(GOLD))
    rows = [{"id": name, "output": text} for name, text in OUTPUTS.items()]
    system = toys.submission(root / "submissions" / "toy" / "alpha", {})
    toys.write(system / "outputs" / "dev.jsonl", toys.json_lines(rows))
    toy = Toy(root)
    assert toy.run("score", "--workers", "1").code == 0
    return toy


def explain(toy, *arguments):
    done = toy.run("explain", *arguments)
    assert (done.code, done.err) == (0, "")
    return done


def facts(toy, segment, *arguments, system="alpha"):
    return explain(toy, system, "dev", segment, "--json", *arguments).json


def metric(found, name="accuracy"):
    return next(one for one in found["metrics"] if one["metric"] == name)


# --- the segment ---


def test_a_segment_is_shown_with_its_place(toy):
    found = facts(toy, "first")
    names = ("task", "test_set", "system", "segment", "block", "tags")
    assert [found[name] for name in names] == [
        "toy",
        "dev",
        "alpha",
        "first",
        "d1",
        {"document": "d1", "domain": "law"},
    ]


def test_every_request_is_shown_with_what_was_sent_expected_and_said(toy):
    same = {"source": "😁😀bc", "hint": "a", "references": ["ÄBC"]}
    assert facts(toy, "first")["requests"] == [
        {"id": "first/1", "n": 1, "output": "ÄBC", **same},
        {"id": "first/2", "n": 2, "output": "\u001b[31m😁!", **same},
    ]


def test_a_request_without_an_answer_has_none(toy):
    assert [request["output"] for request in facts(toy, "third")["requests"]] == ["?", None]
    assert "(no answer)" in explain(toy, "alpha", "dev", "third").out


def test_the_references_are_a_system(toy):
    found = facts(toy, "first", system="@reference")
    assert [request["output"] for request in found["requests"]] == ["ÄBC", "ÄBC"]
    assert metric(found)["counts"] == {"hits": 2, "requests": 2}


def test_a_system_may_be_named_with_its_task(toy):
    assert facts(toy, "first", system="toy/alpha") == facts(toy, "first")


# --- the numbers ---


@pytest.mark.parametrize(("segment", "hits", "value"), [("first", 1, 0.5), ("second", 2, 1.0), ("third", 0, 0.0)])
def test_counts_are_the_segments_own_and_the_value_is_made_of_them(toy, segment, hits, value):
    found = metric(facts(toy, segment))
    assert found["counts"] == {"hits": hits, "requests": 2}
    assert (found["value"], found["unit"]) == (value, "fraction")


def test_counts_of_all_segments_add_up_to_those_of_the_corpus(toy):
    rows = map(json.loads, toy.run("export", "results", "--json").out.splitlines())
    corpus = next(row for row in rows if (row["system"], row["metric"]) == ("alpha", "accuracy"))
    counts = [metric(facts(toy, row["id"]))["counts"] for row in GOLD]
    assert (corpus["numerator"], corpus["n"]) == tuple(
        sum(row[name] for row in counts) for name in ("hits", "requests")
    )


def test_a_metric_that_says_nothing_about_one_segment_has_counts_only(toy):
    found = metric(facts(toy, "first"), "corpus")
    assert (found["value"], found["evidence"]) == (None, [])
    assert found["counts"] == {"hits": 1, "requests": 2}


def test_one_metric_can_be_picked(toy):
    assert [one["metric"] for one in facts(toy, "first")["metrics"]] == ["accuracy", "corpus"]
    assert [one["metric"] for one in facts(toy, "first", "--metric", "corpus")["metrics"]] == ["corpus"]


# --- the evidence ---


def test_evidence_shows_the_span_of_the_text_that_it_names(toy):
    """An emoji is one code point; five stand for `[31m` and its escape character."""
    keys = ("request", "text", "start", "end", "shown", "verdict", "label")
    found = [tuple(span[key] for key in keys) for span in metric(facts(toy, "first"))["evidence"]]
    assert found == [
        ("first/1", "source", 1, 3, "😀b", "seen", "middle"),
        ("first/1", "reference", 0, 1, "Ä", "seen", "initial"),
        ("first/1", "output", 0, 3, "ÄBC", "right", "all"),
        ("first/2", "source", 1, 3, "😀b", "seen", "middle"),
        ("first/2", "reference", 0, 1, "Ä", "seen", "initial"),
        ("first/2", "output", 0, 7, "\u001b[31m😁!", "wrong", "all"),
    ]


def test_evidence_of_other_segments_is_left_out(toy):
    assert {span["request"] for span in metric(facts(toy, "third"))["evidence"]} == {"third/1", "third/2"}


# --- the text ---


def test_the_text_shows_what_the_json_holds(toy):
    lines = [" ".join(line.split()) for line in explain(toy, "alpha", "dev", "second").out.splitlines()]
    assert lines[0] == "toy · dev · alpha · segment second"
    for line in ("source two", "hint b", "output TWO", "reference TWO", "accuracy 1.000", "hits 2, requests 2"):
        assert line in lines


def test_the_text_lets_no_escape_character_through(toy):
    out = explain(toy, "alpha", "dev", "first").out
    assert "\u001b" not in out
    assert r"\x1b[31m😁!" in out


# --- the bundled terminology ---


@pytest.fixture(scope="module")
def bundled(tmp_path_factory, repository):
    """Two bundled systems on one bundled test set."""
    root = tmp_path_factory.mktemp("bundled")
    for name in ("careful-glossary", "source-copy"):
        source, target = (place / "submissions" / "terminology" / name for place in (repository, root))
        (target / "outputs").mkdir(parents=True)
        for file in ("submission.toml", "outputs/starter-en-de-proper.jsonl"):
            shutil.copy(source / file, target / file)
    toy = Toy(root)
    assert toy.run("score", "--workspace", root, "--workers", "1").code == 0
    return toy


def terms(toy, system):
    """The first segment: its counts, and (verdict, text, shown) of every span."""
    arguments = ("--metric", "term-success", "--json", "--workspace", toy.root)
    (found,) = explain(toy, system, "starter-en-de-proper", "1", *arguments).json["metrics"]
    spans = sorted((span["verdict"], span["text"], span["shown"]) for span in found["evidence"])
    return found["counts"], spans


def test_terms_that_were_used_are_found_in_source_and_output(bundled):
    """The nurse checks your blood pressure before you take any of the prescribed drugs."""
    counts, spans = terms(bundled, "careful-glossary")
    assert (counts["hits"], counts["terms"]) == (3, 3)
    assert spans == sorted(
        [("found", "source", text) for text in ("nurse", "blood pressure", "drugs")]
        + [("found", "output", text) for text in ("Pflegefachkraft", "Blutdruck", "Arzneimittel")]
    )


def test_terms_that_were_not_used_are_missed_in_the_source(bundled):
    counts, spans = terms(bundled, "source-copy")
    assert (counts["hits"], counts["terms"]) == (0, 3)
    assert spans == sorted(("missed", "source", text) for text in ("nurse", "blood pressure", "drugs"))


def test_the_terms_that_were_sent_stand_beside_the_source(bundled):
    arguments = ("starter-en-de-proper", "1", "--json", "--workspace", bundled.root)
    (request,) = explain(bundled, "careful-glossary", *arguments).json["requests"]
    assert request["terms"] == {
        "nurse": ["Pflegefachkraft", "Pflegekraft"],
        "blood pressure": ["Blutdruck"],
        "drug": ["Arzneimittel"],
    }


# --- errors ---


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("alpha", "dev", "frist"), "U018", "did you mean 'first'?"),
        (("alpha", "dev", "4"), "U018", "'4' among the 3 of test set dev"),
        (("alhpa", "dev", "first"), "U017", "did you mean 'alpha'?"),
        (("alpha", "dev", "first", "--metric", "acuracy"), "U016", "did you mean 'accuracy'?"),
        (("toy/alpha", "dve", "first"), "U014", "did you mean 'dev'?"),
        (("alpha", "dve", "first"), "U017", "dve"),
        (("tyo/alpha", "dev", "first"), "T017", "did you mean 'toy'?"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(toy, arguments, code, words):
    done = toy.run("explain", *arguments)
    assert (done.code, done.out, done.err[:11]) == (2, "", f"error[{code}]")
    assert words in done.err
    assert "  help: " in done.err


def test_what_was_not_scored_cannot_be_explained(tmp_path):
    done = Toy(toys.workspace(tmp_path)).run("explain", "good", "dev", "1")
    assert (done.code, done.out, done.err[:11]) == (2, "", "error[U017]")


def test_a_test_set_of_this_name_in_another_task_is_not_in_the_way(tmp_path):
    root = toys.workspace(tmp_path)
    toys.task(root / "tasks" / "zoo", test_sets=("dev",))
    toys.submission(root / "submissions" / "zoo" / "ape", {"dev": toys.PERFECT})
    toy = Toy(root)
    assert toy.run("score", "--workers", "1").code == 0
    assert explain(toy, "zoo/ape", "dev", "1", "--json").json["task"] == "zoo"
    assert explain(toy, "ape", "dev", "1", "--json").json["task"] == "zoo"
