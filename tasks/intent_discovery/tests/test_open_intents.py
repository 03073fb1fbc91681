"""The importers of open intents: what they read, draw, give, name and refuse."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from harness.errors import InvalidInput

from ..importers import IMPORTERS

INTENTS = [f"intent-{letter}" for letter in "abcdefghij"]
DOMAINS = {"work": INTENTS[:4], "home": INTENTS[4:7], "travel": INTENTS[7:]}
EACH = 20
"""Training utterances of an intent in the archives below."""


def utterances(part, each, intents=INTENTS):
    return [[f"{part} {number} of {intent}", intent] for number in range(each) for intent in intents]


def table(rows):
    return "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def textoir(tmp_path):
    """Two sets of ten intents, and oos whose test part has 150 utterances of no intent."""
    for name in ("banking", "oos"):
        write(tmp_path / name / "train.tsv", table(utterances("train", EACH)))
        outside = [[f"nothing {number}", "oos"] for number in range(150)] if name == "oos" else []
        write(tmp_path / name / "test.tsv", table([*utterances("test", 3), *outside]))
        write(tmp_path / name / "dev.tsv", table([]))
    return tmp_path


@pytest.fixture
def clinc150(tmp_path):
    parts = {part: utterances(part, each) for part, each in (("train", EACH), ("test", 3), ("val", 1))}
    parts |= {part: [[f"{part} {n}", "oos"] for n in range(7)] for part in ("oos_train", "oos_test", "oos_val")}
    write(tmp_path / "data_full.json", json.dumps(parts))
    write(tmp_path / "domains.json", json.dumps(DOMAINS))
    return tmp_path


def read(name, source):
    return IMPORTERS[name](source)


def sets(collection):
    return {one.id: one for one in collection.test_sets}


def given(test_set):
    return [row for row in test_set.rows if "given" in row]


def messages(collection):
    return [(fault.line, fault.message) for found in collection.findings for fault in found.problems]


class TestTestSets:
    def test_there_is_one_for_each_ratio_and_seed(self, textoir):
        wanted = [
            f"{name}-kir{ratio}-seed{n}" for name in ("banking", "oos") for ratio in (25, 50, 75) for n in range(3)
        ]
        assert list(sets(read("textoir", textoir))) == wanted

    def test_the_test_part_is_scored_whole_and_in_order(self, textoir):
        for test_set in read("textoir", textoir).test_sets:
            rows = [row for row in test_set.rows if "given" not in row]
            expected = utterances("test", 3)
            assert [[row["source"], row["reference"]] for row in rows[:30]] == expected
            assert [row["id"] for row in rows] == [f"test-{n}" for n in range(1, len(rows) + 1)]

    @pytest.mark.parametrize(("ratio", "known"), [(25, 2), (50, 5), (75, 8)])
    def test_known_are_round_n_times_ratio_intents_half_to_even(self, textoir, ratio, known):
        test_set = sets(read("textoir", textoir))[f"banking-kir{ratio}-seed1"]
        assert len({row["given"]["intent"] for row in given(test_set)} - {None}) == known

    def test_a_tenth_of_each_known_intent_is_given_from_the_training_part(self, textoir):
        rows = [row for row in given(sets(read("textoir", textoir))["banking-kir50-seed0"]) if row["given"]["intent"]]
        assert set(Counter(row["given"]["intent"] for row in rows).values()) == {EACH // 10}
        train = utterances("train", EACH)
        for row in rows:
            text, intent = train[int(row["id"].removeprefix("train-")) - 1]
            assert (row["source"], row["reference"], row["given"]) == (text, intent, {"intent": intent})

    def test_of_few_utterances_one_is_given(self, textoir):
        write(textoir / "banking" / "train.tsv", table(utterances("train", 3)))
        test_set = sets(read("textoir", textoir))["banking-kir75-seed0"]
        counts = Counter(row["given"]["intent"] for row in given(test_set))
        assert set(counts.values()) - {100} == {1}

    def test_seeds_draw_others_and_the_same_again(self, textoir):
        drawn = [given(sets(read("textoir", textoir))[f"banking-kir50-seed{seed}"]) for seed in (0, 1, 2, 0)]
        names = [{row["given"]["intent"] for row in rows} for rows in drawn]
        assert drawn[0] == drawn[3]
        assert names[0] != names[1] != names[2]

    def test_known_intents_are_numpys_choice_of_the_sorted_names(self, textoir):
        """RandomState(0).choice(10, 5, replace=False) is 2 8 4 9 1: its stream is frozen since NumPy 1.17."""
        rows = given(sets(read("textoir", textoir))["banking-kir50-seed0"])
        assert {row["given"]["intent"] for row in rows} - {None} == {INTENTS[n] for n in (2, 8, 4, 9, 1)}

    def test_tags_say_the_protocol(self, textoir):
        table = sets(read("textoir", textoir))["banking-kir25-seed2"].table
        assert table["tags"] == {
            "source_language": "en",
            "dataset": "banking",
            "level": "intent",
            "known_ratio": "0.25",
            "seed": "2",
            "labelled_share": "0.1",
            "intents": "10",
        }
        assert table["compat"] == ["known-intents"]


class TestOutsiders:
    def test_a_hundred_of_the_label_oos_are_lent_to_a_set_without_any(self, textoir):
        test_set = sets(read("textoir", textoir))["banking-kir25-seed0"]
        rows = [row for row in given(test_set) if row["given"]["intent"] is None]
        assert len({row["id"] for row in rows}) == 100
        assert all(row["id"].startswith("ood-") and row["source"].startswith("nothing") for row in rows)
        assert {row["reference"] for row in rows} == {"oos"}
        assert "open" not in test_set.table["tags"], "none of them is scored"

    def test_oos_gives_none_and_scores_its_own_as_open(self, textoir):
        test_set = sets(read("textoir", textoir))["oos-kir25-seed0"]
        assert None not in {row["given"]["intent"] for row in given(test_set)}
        assert test_set.table["tags"]["open"] == "oos"
        assert test_set.table["tags"]["intents"] == "10"
        assert Counter(row["reference"] for row in test_set.rows)["oos"] == 150

    def test_clinc150_gives_all_of_its_training_part(self, clinc150):
        test_set = sets(read("clinc150", clinc150))["clinc150-kir50-seed0"]
        rows = [row for row in given(test_set) if row["given"]["intent"] is None]
        assert sorted(row["source"] for row in rows) == [f"oos_train {n}" for n in range(7)]
        assert [row["reference"] for row in test_set.rows[-7:]] == ["oos"] * 7


class TestDomains:
    def test_domains_are_known_and_discovered(self, clinc150):
        """Of three domains round(1.5) = 2 are known."""
        test_set = sets(read("clinc150", clinc150))["clinc150-domains-kir50-seed0"]
        rows = given(test_set)
        assert len({row["given"]["domain"] for row in rows} - {None}) == 2
        for row in rows:
            intent, domain = row["given"]["intent"], row["given"]["domain"]
            assert row["reference"] == (domain or "oos")
            assert (intent is None) == (domain is None) == row["id"].startswith("ood-")
            assert intent is None or intent in DOMAINS[domain]
        assert test_set.table["tags"]["level"] == "domain"
        assert test_set.table["tags"]["intents"] == "3"

    def test_a_tenth_of_every_intent_of_a_known_domain_is_given(self, clinc150):
        rows = given(sets(read("clinc150", clinc150))["clinc150-domains-kir25-seed0"])
        (domain,) = {row["given"]["domain"] for row in rows} - {None}
        counts = Counter(row["given"]["intent"] for row in rows if row["given"]["intent"])
        assert counts == dict.fromkeys(DOMAINS[domain], EACH // 10)

    def test_the_name_at_the_other_level_is_a_tag(self, clinc150):
        found = sets(read("clinc150", clinc150))
        by_level = [
            next(row for row in found[name].rows if row["id"] == "test-1")
            for name in ("clinc150-kir25-seed0", "clinc150-domains-kir25-seed0")
        ]
        assert [(row["reference"], row.get("domain"), row.get("intent")) for row in by_level] == [
            ("intent-a", "work", None),
            ("work", None, "intent-a"),
        ]


class TestTables:
    def test_a_cell_in_quotation_marks_may_hold_lines_and_tabs(self, textoir):
        text = 'text\tlabel\n"one\n""two""\tthree"\tintent-a\n'
        write(textoir / "banking" / "test.tsv", text)
        test_set = sets(read("textoir", textoir))["banking-kir25-seed0"]
        assert test_set.rows[-1] == {"id": "test-1", "source": 'one\n"two"\tthree', "reference": "intent-a"}

    def test_another_number_of_utterances_than_published_is_said_and_imported(self, textoir):
        collection = read("textoir", textoir)
        said = [message for _, message in messages(collection)]
        assert len(said) == 4
        assert "banking/train.tsv has 200 utterances, the published one 9,003" in said[0]
        assert len(collection.test_sets) == 18

    @pytest.mark.parametrize(
        ("text", "line", "what"),
        [
            ("label\ttext\na\tb\n", 1, "the columns are text, label; found label, text"),
            ("text\tlabel\nfine\tintent-a\nonly one\n", 3, "found 1 cells, 0 of them empty"),
            ("text\tlabel\n\tintent-a\n", 2, "found 2 cells, 1 of them empty"),
            ('text\tlabel\n"a"b\tintent-a\n', None, "no table in UTF-8"),
            (b"text\tlabel\n\xff\tintent-a\n", None, "no table in UTF-8"),
        ],
    )
    def test_a_file_that_is_no_such_table_leaves_its_set_out(self, textoir, text, line, what):
        write(textoir / "banking" / "test.tsv", text)
        collection = read("textoir", textoir)
        assert {one.table["tags"]["dataset"] for one in collection.test_sets} == {"oos"}
        ((found, message),) = [one for one in messages(collection) if "published" not in one[1]]
        assert found == line
        assert what in message

    def test_without_oos_nothing_is_lent_and_that_is_said(self, textoir):
        for path in (textoir / "oos").iterdir():
            path.unlink()
        (textoir / "oos").rmdir()
        collection = read("textoir", textoir)
        assert len(collection.test_sets) == 9
        assert None not in {row["given"]["intent"] for one in collection.test_sets for row in given(one)}
        assert any(found.file.endswith("oos/test.tsv") for found in collection.findings)

    def test_what_is_not_read_is_named(self, textoir):
        write(textoir / "stackoverflow" / "train.tsv", table([]))
        assert read("textoir", textoir).strays == ["banking/dev.tsv", "oos/dev.tsv", "stackoverflow/train.tsv"]


class TestJson:
    def test_parts_that_are_not_read_are_named(self, clinc150):
        write(clinc150 / "data_small.json", "{}")
        strays = read("clinc150", clinc150).strays
        assert strays == ["data_full.json: val", "data_full.json: oos_val", "data_small.json"]

    def test_another_number_of_utterances_than_published_is_said(self, clinc150):
        said = [message for _, message in messages(read("clinc150", clinc150))]
        assert len(said) == 4
        assert "oos_test has 7 utterances, the published one 1,000" in said[3]

    @pytest.mark.parametrize(
        ("name", "text", "what"),
        [
            ("data_full.json", "{}", "no part train, test, oos_train, oos_test"),
            ("data_full.json", "[]", "no object of lists"),
            ("data_full.json", "{", "S035"),
            ("data_full.json", b"\xff", "no UTF-8"),
            ("domains.json", '{"work": ["intent-a", ["intent-b"]]}', "no domain for intent-b, intent-c"),
        ],
    )
    def test_another_file_is_refused(self, clinc150, name, text, what):
        write(clinc150 / name, text)
        with pytest.raises(InvalidInput, match=what):
            read("clinc150", clinc150)

    @pytest.mark.parametrize("item", [["text"], ["text", ""], ["text", 1], "te"])
    def test_an_item_is_a_text_with_its_intent(self, clinc150, item):
        parts = json.loads((clinc150 / "data_full.json").read_text("utf-8"))
        write(clinc150 / "data_full.json", json.dumps(parts | {"test": [["fine", "intent-a"], item]}))
        with pytest.raises(InvalidInput, match="item 2 of test is no text with its intent"):
            read("clinc150", clinc150)


@pytest.mark.parametrize("name", ["textoir", "clinc150"])
def test_another_archive_is_refused(tmp_path, name):
    with pytest.raises(InvalidInput):
        read(name, tmp_path)
