"""The bundled test sets and submissions are what README.md says they are.

`HARNESS_UPDATE=1 pytest tasks/terminology` writes golden/starter.json anew; read its diff before you commit it.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from harness import registry, testsets

from ..scorer import TERM_SUCCESS, TERM_SUCCESS_SURFACE

FOLDER = Path(__file__).resolve().parents[1]
SUBMISSIONS = FOLDER.parents[1] / "submissions" / "terminology"
GOLDEN = FOLDER / "golden" / "starter.json"
PAIRS, MODES = ("en-de", "en-fr"), ("noterm", "proper", "random")
SYSTEMS = ("careful-glossary", "shuffled", "source-copy", "terms-appended")
SHIFT = 31
every_pair = pytest.mark.parametrize("pair", PAIRS)
every_test_set = pytest.mark.parametrize(("pair", "mode"), [(pair, mode) for pair in PAIRS for mode in MODES])


def rows(path: Path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def gold(pair):
    return rows(FOLDER / "data" / f"{pair}.jsonl")


def outputs(system, pair, mode):
    """Outputs by id, in the order of the file."""
    return {row["id"]: row["output"] for row in rows(SUBMISSIONS / system / "outputs" / f"starter-{pair}-{mode}.jsonl")}


def empty(test_set):
    return {request.id: "" for request in test_set.requests}


def load(pair, mode):
    task = registry.find()["terminology"]
    (table,) = [table for table in task.manifest.test_sets if table.id == f"starter-{pair}-{mode}"]
    return testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))


@every_pair
class TestGold:
    def test_there_are_twelve_segments_of_each_of_six_domains(self, pair):
        assert [row["id"] for row in gold(pair)] == [str(number) for number in range(1, 73)]
        assert list(Counter(row["domain"] for row in gold(pair)).values()) == [12] * 6

    def test_no_source_and_no_reference_stands_twice(self, pair):
        for key in ("source", "reference"):
            assert len({row[key] for row in gold(pair)}) == 72

    def test_every_segment_has_terms_in_both_dictionaries(self, pair):
        assert all(row["proper"] and row["random"] for row in gold(pair))

    def test_at_least_ten_segments_ask_for_a_term_and_for_a_longer_one_around_it(self, pair):
        around = [any(a != b and a in b for a in row["proper"] for b in row["proper"]) for row in gold(pair)]
        assert sum(around) >= 10

    @pytest.mark.parametrize("mode", ["noterm", "proper"])
    def test_some_terms_stand_only_inside_longer_ones(self, pair, mode):
        test_set = load(pair, mode)
        totals = TERM_SUCCESS.statistics(test_set, empty(test_set)).rows.sum(axis=0)
        assert totals[2] == {"en-de": 23, "en-fr": 1}[pair]

    @pytest.mark.parametrize("mode", ["proper", "random"])
    def test_no_entry_is_absent_from_its_source(self, pair, mode):
        test_set = load(pair, mode)
        totals = TERM_SUCCESS.statistics(test_set, empty(test_set)).rows.sum(axis=0)
        assert totals[3] == 0

    def test_some_terms_have_variants_and_some_are_the_same_in_both_languages(self, pair):
        entries = [entry for row in gold(pair) for entry in row["proper"].items()]
        assert sum(len(variants) > 1 for _, variants in entries) >= 5
        assert sum(term.casefold() in map(str.casefold, variants) for term, variants in entries) >= 5

    def test_one_house_says_one_thing(self, pair):
        said = {}
        for row in gold(pair):
            for term, variants in row["proper"].items():
                assert said.setdefault(term, variants) == variants


def test_the_house_is_austrian_in_the_kitchen():
    cooking = {term: variants for row in gold("en-de") for term, variants in row["proper"].items()}
    expected = {"cream": ["Obers"], "yeast": ["Germ"], "oven": ["Backrohr"], "egg yolk": ["Eidotter"]}
    assert {term: cooking[term] for term in expected} == expected


class TestSubmissions:
    def test_these_four_are_bundled_and_each_says_what_it_is(self):
        kinds = {
            toml.parent.name: tomllib.loads(toml.read_text("utf-8"))["kind"]
            for toml in SUBMISSIONS.glob("*/submission.toml")
            if (toml.parent / "outputs").is_dir()  # the others run: tests/unit/test_bundled_systems.py
        }
        assert kinds == {
            "careful-glossary": "baseline",
            "shuffled": "floor",
            "source-copy": "floor",
            "terms-appended": "gaming",
        }

    @pytest.mark.parametrize("system", SYSTEMS)
    @every_test_set
    def test_outputs_are_complete_and_in_order(self, system, pair, mode):
        assert list(outputs(system, pair, mode)) == [row["id"] for row in gold(pair)]
        assert all(outputs(system, pair, mode).values())

    @every_test_set
    def test_source_copy_copies_the_sources(self, pair, mode):
        assert outputs("source-copy", pair, mode) == {row["id"]: row["source"] for row in gold(pair)}

    @every_test_set
    def test_shuffled_gives_each_output_of_careful_glossary_31_requests_too_early(self, pair, mode):
        honest = list(outputs("careful-glossary", pair, mode).values())
        assert list(outputs("shuffled", pair, mode).values()) == honest[SHIFT:] + honest[:SHIFT]

    @every_test_set
    def test_terms_appended_is_careful_glossary_without_terms_plus_the_first_variant_of_each_missing_term(
        self, pair, mode
    ):
        honest = outputs("careful-glossary", pair, "noterm")
        dictionary = "proper" if mode == "noterm" else mode
        assert outputs("terms-appended", pair, mode) == {
            row["id"]: appended(honest[row["id"]], row[dictionary]) for row in gold(pair)
        }


def appended(output, dictionary):
    missing = [
        variants[0]
        for variants in dictionary.values()
        if not any(variant.lower() in output.lower() for variant in variants)
    ]
    return " ".join([output, *missing])


@cache
def counted():
    """`hits` and `terms` of each bundled submission and of the reference, by test set and metric."""
    return dict(_counted())


def _counted():
    for pair in PAIRS:
        for mode in MODES:
            test_set = load(pair, mode)
            reference = {request.id: request.references[0] for request in test_set.requests}
            systems = {"@reference": reference, **{system: outputs(system, pair, mode) for system in SYSTEMS}}
            for metric in (TERM_SUCCESS, TERM_SUCCESS_SURFACE):
                found = {name: metric.statistics(test_set, texts).rows.sum(axis=0) for name, texts in systems.items()}
                yield f"{test_set.id} {metric.name}", {name: row[:2].tolist() for name, row in found.items()}


def test_hits_and_terms_of_every_bundled_row_are_the_golden_ones():
    found = counted()
    if os.environ.get("HARNESS_UPDATE") == "1":
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(f"{{\n{lines}\n}}\n", "utf-8")
    assert found == json.loads(GOLDEN.read_text("utf-8"))


@every_test_set
def test_appending_the_terms_beats_the_honest_system_in_term_success(pair, mode):
    rates = {name: hits / terms for name, (hits, terms) in counted()[f"starter-{pair}-{mode} term-success"].items()}
    assert rates["terms-appended"] > rates["careful-glossary"]
    assert rates["terms-appended"] > 0.97


class TestReadme:
    TEXT = (FOLDER / "README.md").read_text("utf-8")

    def cells(self, start):
        """The cells of the one table row that starts so, without marks of emphasis."""
        (row,) = [line for line in self.TEXT.splitlines() if line.startswith(f"| {start}")]
        return [cell.strip(" *") for cell in row.strip("|").split("|")]

    @pytest.mark.parametrize(
        ("start", "system"),
        [
            ("`careful-glossary`", "careful-glossary"),
            ("`terms-appended`", "terms-appended"),
            ("`@reference`", "@reference"),
        ],
    )
    def test_it_quotes_the_term_success_of_the_attack(self, start, system):
        hits, terms = counted()["starter-en-de-noterm term-success"][system]
        assert self.cells(start)[1] == f"{hits / terms:.3f}".removeprefix("0")

    @every_pair
    def test_it_counts_segments_and_entries(self, pair):
        _, segments, _, proper, required, nested, ordinary = self.cells(pair)
        totals = TERM_SUCCESS.statistics(load(pair, "proper"), empty(load(pair, "proper"))).rows.sum(axis=0)
        entries = {name: str(sum(len(row[name]) for row in gold(pair))) for name in ("proper", "random")}
        assert (segments, proper, ordinary) == (str(len(gold(pair))), entries["proper"], entries["random"])
        assert (required, nested) == (str(totals[1]), str(totals[2]))
