"""The bundled test sets and submissions are what README.md says they are.

`HARNESS_UPDATE=1 pytest tasks/gender` writes golden/starter.json anew; read its diff before you commit it.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from harness import registry, testsets
from harness.score import corpus_totals, reference_outputs

from .. import words
from ..scorer import METRICS, outcome
from ..sides import sides

FOLDER = Path(__file__).resolve().parents[1]
SUBMISSIONS = FOLDER.parents[1] / "submissions" / "gender"
GOLDEN = FOLDER / "golden" / "starter.json"
INTENDED = json.loads((FOLDER / "golden" / "intended-es.json").read_text("utf-8"))
LANGUAGES, SUBSETS = ("de", "es"), ("counterfactual", "contextual")
TEST_SETS = [f"starter-{subset}-en-{language}" for language in LANGUAGES for subset in SUBSETS]
KINDS = {
    "fair": "baseline",
    "pronoun-list": "gaming",
    "all-masculine": "gaming",
    "source-copy": "floor",
    "empty": "floor",
}
LISTS = {
    "de": ("Der Herr: er, sein, seine, seinen, seinem, seiner, ihm, ihn.", "Die Frau: sie, ihr, ihre, ihren, ihrem."),
    "es": ("El señor: él, lo.", "La señora: ella, la."),
}
GENDERED = {"he", "him", "his", "himself", "she", "her", "hers", "herself", "mr", "mrs", "ms", "man", "woman"}
PAIRED = {
    *(
        "he she",
        "him her",
        "his her",
        "himself herself",
        "mr ms",
        "mr mrs",
        "man woman",
        "father mother",
        "son daughter",
    ),
    *(
        "husband wife",
        "wife husband",
        "king queen",
        "prince princess",
        "widower widow",
        "hero heroine",
        "actor actress",
    ),
    *("waiter waitress", "headmaster headmistress", "policeman policewoman", "dairyman dairywoman"),
    *("fisherman fisherwoman",),
}
"""English words that tell a gender, masculine and feminine."""
every_language = pytest.mark.parametrize("language", LANGUAGES)
every_test_set = pytest.mark.parametrize("name", TEST_SETS)


def rows(path: Path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def gold(subset, language):
    return rows(FOLDER / "data" / f"en-{language}-{subset}.jsonl")


def outputs(system, name):
    """Outputs by id, in the order of the file."""
    return {row["id"]: row["output"] for row in rows(SUBMISSIONS / system / "outputs" / f"{name}.jsonl")}


@cache
def load(name):
    task = registry.find()["gender"]
    (table,) = [table for table in task.manifest.test_sets if table.id == name]
    return testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))


def texts(value):
    """Every string of a row."""
    if isinstance(value, str):
        yield value
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


@every_language
class TestGold:
    def test_there_are_eight_pairs_of_each_of_eight_domains(self, language):
        found = gold("counterfactual", language)
        assert [row["id"] for row in found] == [str(number) for number in range(1, 65)]
        assert list(Counter(row["domain"] for row in found).values()) == [8] * 8

    def test_there_are_as_many_women_as_men_of_64_professions(self, language):
        found = gold("contextual", language)
        assert [row["id"] for row in found] == [str(number) for number in range(1, 65)]
        assert Counter(row["gender"] for row in found) == {"m": 32, "f": 32}
        assert len({row["profession"] for row in found}) == 64

    def test_no_source_and_no_context_stands_twice(self, language):
        sources = [
            row[gender]["source"] for row in gold("counterfactual", language) for gender in ("masculine", "feminine")
        ]
        sources += [row["source"] for row in gold("contextual", language)]
        assert len(set(sources)) == len(sources) == 192
        assert len({row["context"] for row in gold("contextual", language)}) == 64

    def test_the_sources_of_a_pair_differ_in_words_that_tell_a_gender_and_in_nothing_else(self, language):
        for row in gold("counterfactual", language):
            texts_of_both = (re.findall(r"\w+", row[gender]["source"].lower()) for gender in ("masculine", "feminine"))
            different = {f"{a} {b}" for a, b in zip(*texts_of_both, strict=True) if a != b}
            assert different
            assert different <= PAIRED

    def test_only_the_context_of_a_contextual_segment_tells_the_gender(self, language):
        for row in gold("contextual", language):
            assert words.official(row["source"]).isdisjoint(GENDERED)
            assert not words.official(row["context"]).isdisjoint(GENDERED)

    @pytest.mark.parametrize("subset", SUBSETS)
    def test_texts_are_plain(self, language, subset):
        for row in gold(subset, language):
            for text in texts(row):
                assert text == unicodedata.normalize("NFC", " ".join(text.split()))
                assert "{" not in text

    @pytest.mark.parametrize("subset", SUBSETS)
    @pytest.mark.parametrize("view", [words.official, words.strict], ids=["official", "strict"])
    def test_each_reference_has_words_that_its_counterfactual_lacks(self, language, subset, view):
        for found in sides(load(f"starter-{subset}-en-{language}"), view):
            assert all(side.right and side.wrong for side in found)


def value(metric, name, found):
    return metric.value(corpus_totals(metric.statistics(load(name), found)))


class TestSubmissions:
    def test_these_five_are_bundled_and_each_says_what_it_is(self):
        kinds = {
            toml.parent.name: tomllib.loads(toml.read_text("utf-8"))["kind"]
            for toml in SUBMISSIONS.glob("*/submission.toml")
            if (toml.parent / "outputs").is_dir()  # the others run: tests/unit/test_bundled_systems.py
        }
        assert kinds == KINDS

    @pytest.mark.parametrize("system", KINDS)
    @every_test_set
    def test_outputs_are_complete_and_in_order(self, system, name):
        assert list(outputs(system, name)) == [request.id for request in load(name).requests]

    @every_test_set
    def test_fair_is_no_copy_of_any_reference_and_leaves_nothing_out(self, name):
        test_set = load(name)
        known = {text for row in gold(test_set.tags["subset"], test_set.tags["target_language"]) for text in texts(row)}
        assert known.isdisjoint(outputs("fair", name).values())
        assert all(outputs("fair", name).values())

    @every_test_set
    def test_fair_is_better_to_men_than_to_women(self, name):
        found = outputs("fair", name)
        assert 0 < value(METRICS["gap"], name, found) < 0.3

    @every_language
    def test_all_masculine_gives_both_sides_of_a_pair_the_masculine_output_of_fair(self, language):
        name = f"starter-counterfactual-en-{language}"
        fair = outputs("fair", name)
        assert outputs("all-masculine", name) == {key: fair[f"{key[:-1]}m"] for key in fair}

    @every_language
    def test_all_masculine_is_never_right_about_a_woman_in_context(self, language):
        name = f"starter-contextual-en-{language}"
        found = outputs("all-masculine", name)
        assert value(METRICS["feminine-accuracy"], name, found) == 0
        assert value(METRICS["masculine-accuracy"], name, found) > 0.85

    @every_test_set
    def test_source_copy_copies_the_sources_without_their_context(self, name):
        assert outputs("source-copy", name) == {request.id: request.source for request in load(name).requests}

    @every_test_set
    def test_empty_says_nothing(self, name):
        assert set(outputs("empty", name).values()) == {""}

    @every_test_set
    def test_pronoun_list_looks_at_the_first_pronoun_that_it_is_sent_and_at_nothing_else(self, name):
        test_set = load(name)
        masculine, feminine = LISTS[test_set.tags["target_language"]]
        expected = {}
        for request in test_set.requests:
            sent = request.fields.get("context", request.source).lower()
            first = re.search(r"\b(he|him|his|she|her)\b", sent)
            expected[request.id] = feminine if first and first[0] in {"she", "her"} else masculine
        assert outputs("pronoun-list", name) == expected


@cache
def counted():
    """Numerator and denominator of each bundled submission and of the reference, by test set and metric."""
    found = {}
    for name in TEST_SETS:
        systems = {"@reference": reference_outputs(load(name)), **{system: outputs(system, name) for system in KINDS}}
        for metric in METRICS.values():
            if metric.ratio:
                totals = {key: corpus_totals(metric.statistics(load(name), said)) for key, said in systems.items()}
                counts = {key: [int(total[column]) for column in metric.ratio] for key, total in totals.items()}
                found[f"{name} {metric.name}"] = counts
    return found


def test_the_counts_of_every_bundled_row_are_the_golden_ones():
    found = counted()
    if os.environ.get("HARNESS_UPDATE") == "1":
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(counts)}" for key, counts in found.items())
        GOLDEN.write_text(f"{{\n{lines}\n}}\n", "utf-8")
    assert found == json.loads(GOLDEN.read_text("utf-8"))


@every_test_set
def test_saying_nothing_is_perfect_officially_and_worthless_by_default(name):
    assert counted()[f"{name} gender-accuracy"]["empty"] == [64, 64]
    assert len(set(counted()[f"{name} empty-rate"]["empty"])) == 1
    assert counted()[f"{name} strict-accuracy"]["empty"] == [0, 64]


def agreement():
    """How often `fair` in Spanish has an outcome, by what its writer meant and by what is counted."""
    found = Counter()
    for name, meant in INTENDED.items():
        said = outputs("fair", name)
        assert list(meant) == list(said)
        for side in (side for pair in sides(load(name), words.strict) for side in pair):
            found[meant[side.request], outcome(said[side.request], side)] += 1
    return found


def test_no_output_that_was_meant_wrong_is_counted_as_correct():
    assert agreement()["incorrect", "correct"] == agreement()["both", "correct"] == 0


class TestReadme:
    TEXT = (FOLDER / "README.md").read_text("utf-8")

    def cells(self, table, system):
        """The cells of a system's row in the table whose head starts so, without marks of emphasis."""
        (after,) = re.findall(rf"^\| {re.escape(table)} \|.*\n((?:\|.*\n)+)", self.TEXT, re.MULTILINE)
        (row,) = [line for line in after.splitlines() if line.startswith(f"| `{system}`")]
        return [cell.strip(" *") for cell in row.strip("|").split("|")][1:]

    @pytest.mark.parametrize("system", ["@reference", *KINDS])
    def test_it_quotes_every_metric_of_one_test_set(self, system):
        name = "starter-counterfactual-en-de"
        found = reference_outputs(load(name)) if system == "@reference" else outputs(system, name)
        task = registry.find()["gender"]
        metrics = ("strict-accuracy", "coverage", "gap", "empty-rate", "gender-accuracy")
        expected = [f"{value(task.metrics[metric], name, found):.3f}" for metric in metrics]
        assert self.cells(name, system) == [*expected, f"{value(task.metrics['chrf2++'], name, found):.2f}"]

    @pytest.mark.parametrize("system", ["@reference", *KINDS])
    def test_it_quotes_the_strict_and_the_official_accuracy_of_every_test_set(self, system):
        expected = []
        for name in TEST_SETS:
            pairs = (counted()[f"{name} {metric}"][system] for metric in ("strict-accuracy", "gender-accuracy"))
            expected.append(" / ".join(f"{above / below:.3f}" for above, below in pairs))
        assert self.cells("strict / official", system) == expected

    def test_it_says_how_often_the_counting_agrees_with_what_was_meant(self):
        found = agreement()
        right = sum(count for (meant, _), count in found.items() if meant == "correct")
        agreed = sum(count for (meant, counted_as), count in found.items() if meant == counted_as)
        told = (
            f"{found['correct', 'correct']} of {right} right ones count as correct",
            f"{found['correct', 'both']} count as both",
            f"{found['correct', 'undetermined']} as undetermined",
            f"agree in {agreed} of {sum(found.values())} outputs",
            f"{found['undetermined', 'correct']} neutral ones do",
        )
        text = " ".join(self.TEXT.split())
        assert [words for words in told if words not in text] == []

    def test_it_is_short_enough_to_be_read(self):
        assert self.TEXT.count("\n") <= 150
