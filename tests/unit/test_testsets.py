"""Test sets: a table of facts and gold, read strictly."""

from __future__ import annotations

import hashlib
import os

import pytest

from harness import registry, testsets
from harness.errors import EnvironmentFault, IntegrityError, InvalidInput, UsageError

from . import toys


@pytest.fixture
def task(tmp_path):
    toys.task(tmp_path / "tasks" / "toy", test_sets=())
    return registry.get("toy", [tmp_path / "tasks"])


@pytest.fixture
def load(task, tmp_path):
    """Write a test set of the workspace, then load it."""

    def write_and_load(table="", **files):
        folder = tmp_path / "testsets" / "toy" / "dev"
        toys.write(folder / "testset.toml", f'id = "dev"\n{table}\n')
        for name, text in files.items():
            toys.write(folder / name.replace("_", "."), text)
        return testsets.load(testsets.get(task, "dev", tmp_path / "testsets"))

    return write_and_load


def fault_of(error):
    (fault,) = error.value.problems
    return fault


ROW = {"id": "1", "source": "s", "reference": "r"}


# --- where they lie ---


def test_bundled_test_sets_come_before_those_of_the_workspace(tmp_path):
    toys.task(tmp_path / "tasks" / "toy", test_sets=("dev", "test"))
    toys.write(tmp_path / "testsets" / "toy" / "blind" / "testset.toml", 'id = "blind"\n')
    found = testsets.find(registry.get("toy", [tmp_path / "tasks"]), tmp_path / "testsets")
    assert list(found) == ["dev", "test", "blind"]


def test_a_test_set_that_is_bundled_already_is_refused(tmp_path):
    toys.task(tmp_path / "tasks" / "toy", test_sets=("dev",))
    toys.write(tmp_path / "testsets" / "toy" / "dev" / "testset.toml", 'id = "dev"\n')
    with pytest.raises(InvalidInput, match="T016"):
        testsets.find(registry.get("toy", [tmp_path / "tasks"]), tmp_path / "testsets")


def test_an_id_that_differs_from_the_folder_is_refused(task, tmp_path):
    toys.write(tmp_path / "testsets" / "toy" / "dev" / "testset.toml", 'id = "test"\n')
    with pytest.raises(InvalidInput, match="T014"):
        testsets.find(task, tmp_path / "testsets")


def test_an_unknown_test_set_is_a_usage_error_with_a_suggestion(load, task, tmp_path):
    load(gold_jsonl=toys.json_lines([ROW]))
    with pytest.raises(UsageError, match=r"U014.*'dov'.*did you mean 'dev'"):
        testsets.get(task, "dov", tmp_path / "testsets")


def test_gold_may_lie_outside_the_workspace(load, tmp_path):
    toys.gold(tmp_path / "safe" / "blind.jsonl")
    test_set = load('gold = "../../../safe/blind.jsonl"')
    assert [segment.id for segment in test_set.segments] == ["1", "2", "3", "4"]


def test_an_unknown_compat_list_is_refused(load):
    with pytest.raises(InvalidInput, match=r"T013.*no compat list 'wmt'"):
        load('compat = ["wmt"]', gold_jsonl=toys.json_lines([ROW]))


# --- JSON Lines ---


def test_a_row_becomes_a_segment_with_one_request(load):
    (segment,) = load(gold_jsonl=toys.json_lines([ROW])).segments
    (request,) = segment.requests
    assert (segment.id, request.id, request.source, request.references) == ("1", "1", "s", ("r",))


def test_a_row_may_have_several_references(load):
    rows = [{"id": 7, "source": "s", "references": ["a", "b"]}]
    (segment,) = load(gold_jsonl=toys.json_lines(rows)).segments
    assert (segment.id, segment.requests[0].references) == ("7", ("a", "b"))


def test_further_strings_are_tags_and_the_rest_is_gold(load):
    rows = [{**ROW, "domain": "law", "terms": {"a": ["b"]}, "count": 3, "flag": True}]
    (segment,) = load(gold_jsonl=toys.json_lines(rows)).segments
    assert segment.tags == {"domain": "law"}
    assert segment.gold == {"terms": {"a": ["b"]}, "count": 3, "flag": True}


def test_what_only_scorers_may_see_is_not_asked(load):
    rows = [{**ROW, "label": "secret", "terms": ["x"]}]
    (request,) = load(gold_jsonl=toys.json_lines(rows)).requests
    assert request.to_dict() == {"id": "1", "source": "s"}


def test_without_blocks_every_segment_is_its_own(load):
    rows = [{**ROW, "id": str(n)} for n in range(3)]
    assert [segment.block for segment in load(gold_jsonl=toys.json_lines(rows)).segments] == ["0", "1", "2"]


def test_segments_with_an_equal_value_of_the_block_key_are_one_block(load):
    rows = [{**ROW, "id": str(n), "document": name} for n, name in enumerate("aab")]
    test_set = load('block = "document"', gold_jsonl=toys.json_lines(rows))
    assert [segment.block for segment in test_set.segments] == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ([1], "a row of gold is a JSON object"),
        ({"source": "s"}, "'id' must be a non-empty string or an integer"),
        ({"id": "", "source": "s"}, "'id' must be a non-empty string or an integer"),
        ({"id": True, "source": "s"}, "'id' must be a non-empty string or an integer"),
        ({"id": "9", "reference": "r"}, "'source' is missing"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(load, row, what):
    with pytest.raises(InvalidInput) as error:
        load(gold_jsonl=toys.json_lines([ROW, row]))
    fault = fault_of(error)
    assert (fault.code, fault.line) == ("G010", 2)
    assert what in fault.message


def test_a_block_key_that_is_missing_is_refused_with_its_line(load):
    with pytest.raises(InvalidInput) as error:
        load('block = "document"', gold_jsonl=toys.json_lines([{**ROW, "document": "a"}, {**ROW, "id": "2"}]))
    assert (fault_of(error).code, fault_of(error).line) == ("G010", 2)


def test_all_faults_of_gold_are_reported_at_once(load):
    with pytest.raises(InvalidInput) as error:
        load(gold_jsonl=toys.json_lines([ROW, ROW, 3]) + '{"id": 1, "id": 2}\n{\n')
    assert [(fault.code, fault.line) for fault in error.value.problems] == [
        ("S032", 2),
        ("G010", 3),
        ("S031", 4),
        ("S035", 5),
    ]


@pytest.mark.parametrize("references", ["abc", [1, 2], None, [None]])
def test_references_are_a_list_of_strings(load, references):
    with pytest.raises(InvalidInput, match="G010"):
        load(gold_jsonl=toys.json_lines([{"id": "1", "source": "s", "references": references}]))


def test_gold_without_segments_is_refused(load):
    with pytest.raises(InvalidInput, match=r"G010.*0 segments"):
        load(gold_jsonl="")


def test_missing_gold_is_refused(load):
    with pytest.raises(EnvironmentFault, match="G013"):
        load()


def test_a_fifo_in_the_place_of_gold_is_refused_and_not_waited_for(load, tmp_path):
    gold = tmp_path / "testsets" / "toy" / "dev" / "gold.jsonl"
    gold.parent.mkdir(parents=True)
    os.mkfifo(gold)
    with pytest.raises(InvalidInput, match=r"S022.*FIFO"):
        load()


# --- plain text ---

PLAIN = 'sources = "src.txt"\nreferences = ["a.txt", "b.txt"]'


def test_plain_text_is_parallel_line_by_line(load):
    test_set = load(PLAIN, src_txt="one\ntwo\n", a_txt="eins\nzwei\n", b_txt="un\n\n")
    found = [(request.id, request.source, request.references) for request in test_set.requests]
    assert found == [("1", "one", ("eins", "un")), ("2", "two", ("zwei", ""))]


def test_a_unicode_line_separator_does_not_end_a_line(load):
    test_set = load(PLAIN, src_txt="a\u2028b\n", a_txt="x\x85y\n", b_txt="z")
    assert [(request.source, request.references) for request in test_set.requests] == [("a\u2028b", ("x\x85y", "z"))]


def test_files_of_different_length_are_refused(load):
    with pytest.raises(InvalidInput) as error:
        load(PLAIN, src_txt="one\ntwo\n", a_txt="eins\nzwei\n", b_txt="un\n")
    fault = fault_of(error)
    assert fault.code == "G012"
    assert fault.file.endswith("b.txt")
    assert "expected 2 lines as in src.txt, found 1" in fault.message


# --- identity ---


def test_gold_that_is_pinned_must_be_that_gold(load):
    gold = toys.json_lines([ROW])
    pin = hashlib.sha256(gold.encode()).hexdigest()
    assert load(f'gold_sha256 = "{pin}"', gold_jsonl=gold).id == "dev"
    with pytest.raises(IntegrityError) as error:
        load(f'gold_sha256 = "{pin}"', gold_jsonl=gold.replace('"r"', '"R"'))
    assert fault_of(error).code == "G011"
    assert pin in fault_of(error).message


def test_the_digest_covers_gold_and_facts_and_nothing_else(load):
    gold = toys.json_lines([ROW])
    first = load('title = "T"', gold_jsonl=gold).digest
    assert load('# a comment\ntitle = "T"', gold_jsonl=gold).digest == first
    assert load('title = "U"', gold_jsonl=gold).digest != first
    assert load('title = "T"\ntags = { mode = "x" }', gold_jsonl=gold).digest != first
    assert load('title = "T"', gold_jsonl=gold.replace('"s"', '"S"')).digest != first


def test_test_sets_with_one_digest_are_equal(load):
    gold = toys.json_lines([ROW])
    one, two, other = load(gold_jsonl=gold), load(gold_jsonl=gold), load('title = "U"', gold_jsonl=gold)
    assert (one, hash(one)) == (two, hash(two))
    assert one != other


# --- contradictions, and a task's own requests ---


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('gold = "gold.jsonl"\nsources = "src.txt"', "'gold' and 'sources' exclude each other"),
        ('references = ["a.txt"]', "'references' needs 'sources'"),
        ('gold = "gold.jsonl"\nreferences = ["a.txt"]', "'references' needs 'sources'"),
    ],
)
def test_keys_of_json_lines_and_of_plain_text_contradict_each_other(load, table, what):
    with pytest.raises(InvalidInput) as error:
        load(table, gold_jsonl=toys.json_lines([ROW]), src_txt="s\n", a_txt="r\n")
    fault = fault_of(error)
    assert (fault.code, fault.line) == ("T013", 2)
    assert what in fault.message


REQUESTS = """

def requests(row, tags):
    from harness.api import Request

    return [Request(row["id"], row["source"])] * {"one": 1, "none": 0}[row["source"]]
"""


@pytest.mark.parametrize("is_plain", [False, True], ids=["JSON Lines", "plain text"])
@pytest.mark.parametrize(
    ("source", "what"),
    [("odd", "the task's requests() fails: KeyError: 'odd'"), ("none", "the segment has 0 requests")],
)
def test_a_row_of_which_a_task_can_make_no_request_is_refused_with_its_line(load, task, source, what, is_plain):
    toys.write(task.folder / "scorer.py", toys.SCORER + REQUESTS)
    rows = [{**ROW, "source": "one"}, {**ROW, "id": "2", "source": source}]
    with pytest.raises(InvalidInput) as error:
        load(PLAIN, src_txt=f"one\n{source}\n", a_txt="a\nb\n", b_txt="a\nb\n") if is_plain else load(
            gold_jsonl=toys.json_lines(rows)
        )
    fault = fault_of(error)
    assert (fault.code, fault.line) == ("G010", 2)
    assert what in fault.message
