"""The importer of the DSTC11 archive: what it reads, what it refuses, what it names."""

from __future__ import annotations

import json

import pytest

from harness.errors import InvalidInput

from ..importers import dstc11_intents

TURNS = (("bank_01_003", "Pay", "I want to pay."), ("bank_01_007", "Move", "I move."), ("bank_02_001", "Pay", "Pay!"))


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def predictions(labels):
    return [{"turn_id": turn, "predicted_label": label} for (turn, _, _), label in zip(TURNS, labels, strict=True)]


def gold():
    return [
        {"turn_id": turn, "predicted_label": "0", "reference_label": intent, "utterance": text}
        for turn, intent, text in TURNS
    ]


@pytest.fixture
def archive(tmp_path):
    for domain in ("test-banking", "development"):
        folder = tmp_path / "dstc11-submissions" / "1" / domain
        write(folder / "Baseline" / "predictions.json", gold())
        write(folder / "T01" / "predictions.json", predictions("120"))
    return tmp_path


def problems(collection):
    return [(found.code, found.line) for findings in collection.findings for found in findings.problems]


def test_domains_and_systems_are_what_the_folders_say(archive):
    collection = dstc11_intents(archive)
    assert [test_set.id for test_set in collection.test_sets] == ["dstc11-t1-development", "dstc11-t1-banking"]
    assert [(found.system, sorted(found.outputs)) for found in collection.submissions] == [
        ("Baseline", ["dstc11-t1-banking", "dstc11-t1-development"]),
        ("T01", ["dstc11-t1-banking", "dstc11-t1-development"]),
    ]
    assert (collection.findings, collection.strays) == ([], [])


def test_gold_comes_from_the_baseline_and_blocks_are_dialogues(archive):
    test_set = dstc11_intents(archive).test_sets[1]
    assert test_set.rows[1] == {"id": "bank_01_007", "source": "I move.", "reference": "Move", "dialogue": "bank_01"}
    assert test_set.table["block"] == "dialogue"
    assert test_set.table["compat"] == ["dstc11"]
    assert test_set.table["tags"] == {"source_language": "en", "domain": "banking"}


def test_outputs_are_labels_by_turn(archive):
    (_, found) = dstc11_intents(archive).submissions
    assert found.outputs["dstc11-t1-banking"] == [("bank_01_003", "1"), ("bank_01_007", "2"), ("bank_02_001", "0")]


def test_a_number_is_no_label(archive):
    write(archive / "dstc11-submissions/1/test-banking/T01/predictions.json", predictions(["1", 2, "3"]))
    collection = dstc11_intents(archive)
    assert problems(collection) == [("G020", 2)]
    assert "no string under the key 'predicted_label'" in collection.findings[0].problems[0].message
    assert list(collection.submissions[1].outputs) == ["dstc11-t1-development"]


@pytest.mark.parametrize(("line", "code"), [("", "S035"), ("[]", "G020"), ('{"turn_id": "a", "turn_id": "b"}', "S031")])
def test_a_line_that_cannot_be_read_refuses_its_file_with_the_line(archive, line, code):
    path = archive / "dstc11-submissions/1/test-banking/T01/predictions.json"
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    assert problems(dstc11_intents(archive)) == [(code, 4)]


def test_a_baseline_without_references_leaves_its_domain_out(archive):
    write(archive / "dstc11-submissions/1/test-banking/Baseline/predictions.json", predictions("123"))
    collection = dstc11_intents(archive)
    assert [test_set.id for test_set in collection.test_sets] == ["dstc11-t1-development"]
    assert problems(collection) == [("G020", 1), ("G020", 2), ("G020", 3)]


def test_repeated_and_missing_turns_are_left_to_the_check(archive):
    rows = predictions("120")
    write(archive / "dstc11-submissions/1/test-banking/T01/predictions.json", [rows[0], rows[0]])
    (_, found) = dstc11_intents(archive).submissions
    assert found.outputs["dstc11-t1-banking"] == [("bank_01_003", "1")] * 2


def test_what_belongs_to_nothing_is_named(archive):
    for name in ("LICENSE.md", "development/dialogues.jsonl", "development/x.jsonl", "dstc11-submissions/2/a/b.jsonl"):
        write(archive / name, [])
    write(archive / "dstc11-submissions/1/test-banking/T01/notes.txt", [])
    assert dstc11_intents(archive).strays == [
        "LICENSE.md",
        "dstc11-submissions/1/test-banking/T01/notes.txt",
        "development (2 files)",
        "dstc11-submissions/2 (1 files)",
    ]


def test_another_archive_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"G020.*Baseline/predictions\.json"):
        dstc11_intents(tmp_path)
