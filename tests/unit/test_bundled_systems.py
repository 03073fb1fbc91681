"""The bundled systems that run: asked by hand over the wire, they answer as their READMEs say."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from harness import registry, testsets

SUBMISSIONS = Path(__file__).resolve().parents[2] / "submissions"
TASKS = SUBMISSIONS.parent / "tasks"
WORDS = "terminology/word-by-word"
MEN = "gender/masculine-rule"
TABLE = "text-normalization/majority-table"
CLASSES = "text-normalization/proteno"
TOPICS = "intent-discovery/tfidf-kmeans-live"
TEST_SETS = {
    WORDS: [f"starter-en-{target}-{mode}" for target in ("de", "fr") for mode in ("noterm", "proper", "random")],
    MEN: [f"starter-{kind}-en-{target}" for kind in ("counterfactual", "contextual") for target in ("de", "es")],
    TABLE: ["starter-en-test", "starter-es-test"],
    CLASSES: ["starter-en-test", "starter-es-test"],
    TOPICS: ["starter-support", "starter-support-known"],
}
TO_DE, TO_ES, TO_FR = ({"source_language": "en", "target_language": language} for language in ("de", "es", "fr"))
ENGLISH = {"language": "en"}
every_system = pytest.mark.parametrize("system", TEST_SETS)
every_test_set = pytest.mark.parametrize(
    ("system", "name"), [(system, name) for system, names in TEST_SETS.items() for name in names]
)


def manifest(system):
    return tomllib.loads((SUBMISSIONS / system / "submission.toml").read_text("utf-8"))


def command(run):
    """What starts a system; a function is served over stdin and stdout."""
    if run["protocol"] == "callable":
        return [sys.executable, "-m", "harness.system", run["callable"], "0", "1", run["unit"]]
    python, *arguments = run["command"]
    assert python == "python"
    return [sys.executable, *arguments]


def ask(system, tags, requests):
    """Everything that a system says to these requests: one process, started, asked and ended by hand."""
    run = manifest(system)["run"]
    hello = {"harness": 1, "task": system.split("/")[0], "test_set": "by-hand", "unit": run["unit"], "tags": tags}
    lines = "".join(json.dumps(message) + "\n" for message in (hello, *requests, {"end": True}))
    done = subprocess.run(
        [*command(run)],
        input=lines.encode(),
        capture_output=True,
        timeout=60,
        check=False,
        cwd=SUBMISSIONS / system,
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    ready, *replies = map(json.loads, done.stdout.decode().split("\n")[:-1])
    assert ready == {"ready": True, "protocol": 1}
    assert all(set(reply) == {"id", "output"} for reply in replies)
    return replies


def say(system, tags, **request):
    """The output for one request."""
    (reply,) = ask(system, tags, [{"id": "q", **request}])
    return reply["output"]


@cache
def load(system, name):
    task = registry.find()[system.split("/")[0]]
    (table,) = [table for table in task.manifest.test_sets if table.id == name]
    return testsets.load(testsets.TestSetSource(task, table, task.folder / "task.toml"))


def requests(system, name):
    return [request.to_dict() for request in load(system, name).asked]


@cache
def replies(system, name):
    return ask(system, load(system, name).tags, requests(system, name))


@every_system
class TestFolders:
    def test_a_system_is_called_like_its_folder_and_says_under_what_licence(self, system):
        found = manifest(system)
        assert f"{found['task']}/{found['system']}" == system
        assert (found["team"], found["licence"]) == ("harness", "CC-BY-4.0")

    def test_word_lists_are_floors_and_do_not_compete(self, system):
        assert manifest(system)["kind"] == {WORDS: "floor", MEN: "floor"}.get(system, "baseline")

    def test_there_are_no_outputs(self, system):
        assert not (SUBMISSIONS / system / "outputs").exists()

    def test_every_path_of_the_model_exists(self, system):
        model = manifest(system)["run"]["model"]
        assert model
        assert all((SUBMISSIONS / system / path).exists() for path in model)


@every_test_set
class TestEveryTestSet:
    def test_every_request_has_one_reply_in_order(self, system, name):
        asked = [request["id"] for request in requests(system, name)]
        assert [reply["id"] for reply in replies(system, name)] == asked

    def test_an_output_is_what_the_task_wants(self, system, name):
        for request, reply in zip(requests(system, name), replies(system, name), strict=True):
            if isinstance(request["source"], list):
                assert [type(text) for text in reply["output"]] == [str] * len(request["source"])
            else:
                assert isinstance(reply["output"], str)
                assert reply["output"]

    def test_a_second_process_says_the_same(self, system, name):
        assert ask(system, load(system, name).tags, requests(system, name)) == replies(system, name)

    def test_neither_order_nor_ids_make_a_difference(self, system, name):
        opaque = {hashlib.sha256(request["id"].encode()).hexdigest(): request for request in requests(system, name)}
        again = ask(system, load(system, name).tags, [opaque[name] | {"id": name} for name in sorted(opaque)])
        first = {reply["id"]: reply["output"] for reply in replies(system, name)}
        assert [reply["output"] for reply in again] == [first[opaque[name]["id"]] for name in sorted(opaque)]


class TestWordByWord:
    def test_terms_and_common_words_are_replaced_where_they_stand_and_the_rest_stays(self):
        output = say(WORDS, TO_DE, source="The nurse has two old syringes.", terms={"syringe": ["Spritze", "Kanüle"]})
        assert output == "Der nurse hat zwei alt Spritze."

    def test_the_word_list_is_that_of_the_pair(self):
        assert say(WORDS, TO_FR, source="We read two books, always.", terms={"book": ["livre"]}) == (
            "Nous lire deux livre, toujours."
        )

    def test_a_longer_term_outranks_the_shorter_one_inside_it(self):
        terms = {"blood": ["Blut"], "blood pressure": ["Blutdruck"]}
        assert say(WORDS, TO_DE, source="blood pressure, blood", terms=terms) == "Blutdruck, Blut"

    def test_a_term_outranks_the_word_list(self):
        assert say(WORDS, TO_DE, source="The house is old", terms={"house": ["Gebäude"], "old": ["alte"]}) == (
            "Der Gebäude ist alte"
        )

    @pytest.mark.parametrize(
        ("term", "form"),
        [("battery", "batteries"), ("bus", "buses"), ("knead", "kneading"), ("braise", "Braised"), ("egg", "egg")],
    )
    def test_a_term_is_found_in_its_regular_forms(self, term, form):
        assert say(WORDS, TO_DE, source=f"x {form} x", terms={term: ["ÖL"]}) == "x ÖL x"

    def test_a_term_is_not_found_inside_a_word(self):
        assert say(WORDS, TO_DE, source="smearing", terms={"ear": ["Ohr"]}) == "smearing"

    def test_terms_may_hold_what_means_something_to_a_pattern(self):
        assert say(WORDS, TO_DE, source="a C (sharp) b", terms={"C (sharp": ["Cis"]}) == "ein Cis) b"

    def test_without_terms_only_the_word_list_is_left(self):
        assert say(WORDS, TO_DE, source="Can I pay with bread?", terms={}) == "Kann ich zahlen mit Brot?"

    def test_a_pair_without_a_word_list_gets_its_terms(self):
        tags = {"source_language": "en", "target_language": "ru"}
        assert say(WORDS, tags, source="The oil is hot.", terms={"oil": ["масло"]}) == "The масло is hot."


class TestMasculineRule:
    @pytest.mark.parametrize(
        "source", ["The surgeon lost his book; he was tired.", "The surgeon lost her book; she was tired."]
    )
    def test_women_are_read_as_men(self, source):
        assert say(MEN, TO_DE, source=source, context="") == "Der Chirurg verlor sein Buch; er war müde."
        assert say(MEN, TO_ES, source=source, context="") == "El cirujano perdió su libro; él fue cansado."

    def test_titles_and_names_of_women_become_those_of_men(self):
        assert say(MEN, TO_ES, source="Ms. Vale, an actress") == "Señor. Vale, un actor"

    def test_the_context_makes_no_difference(self):
        found = {say(MEN, TO_ES, source="The nurse left.", context=context) for context in ("He sang.", "She sang.")}
        assert found == {"El enfermero dejó."}

    def test_no_word_about_women_is_left_in_the_lists(self):
        for target, forbidden in (("de", {"Sie", "Ärztin", "Königin"}), ("es", {"ella", "la", "una", "médica"})):
            lines = (SUBMISSIONS / MEN / f"en-{target}.txt").read_text("utf-8").splitlines()
            words = dict(line.split(" = ") for line in lines if not line.startswith("#"))
            assert not {"she", "her", "hers", "actress", "queen"} & set(words)
            assert not forbidden & {word for english, word in words.items() if english != "you"}

    @pytest.mark.parametrize("name", [name for name in TEST_SETS[MEN] if "counterfactual" in name])
    def test_both_of_a_pair_are_translated_alike_but_for_relatives_and_for_her_that_means_him(self, name):
        said = {reply["id"]: reply["output"] for reply in replies(MEN, name)}
        asked = {request["id"]: request["source"] for request in requests(MEN, name)}
        differ = [number for number in range(1, 65) if said[f"{number}-m"] != said[f"{number}-f"]]
        for number in differ:
            assert re.search(r"\b(him|wife|father|son)\b", asked[f"{number}-m"])
        assert len(differ) < 20


class TestMajorityTable:
    def test_each_token_is_said_as_training_said_it_most_often(self):
        assert say(TABLE, ENGLISH, source=["A", "cat", "paid", "%", ",", "March"]) == [
            "A", "cat", "paid", "percent", "", "March",
        ]  # fmt: skip

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_the_outputs_are_those_of_majority(self, language):
        file = SUBMISSIONS / f"text-normalization/majority/outputs/starter-{language}-test.jsonl"
        rows = file.read_text("utf-8").split("\n")[:-1]
        assert replies(TABLE, f"starter-{language}-test") == [json.loads(row) for row in rows]

    def test_training_makes_the_table_again(self, tmp_path):
        (tmp_path / "train.py").write_bytes((SUBMISSIONS / TABLE / "train.py").read_bytes())
        gold = [f"{language}={TASKS / f'text_normalization/data/{language}-train.jsonl'}" for language in ("en", "es")]
        subprocess.run([sys.executable, tmp_path / "train.py", *gold], check=True, timeout=60)
        assert (tmp_path / "table.json").read_bytes() == (SUBMISSIONS / TABLE / "table.json").read_bytes()

    def test_training_counts_and_the_first_seen_of_equals_wins(self, tmp_path):
        rows = [
            {"source": ["1", "m", "x"], "reference": ["one", "minutes", "x"]},
            {"source": ["1", "m", "x"], "reference": ["first", "meters", ""]},
            {"source": ["1"], "reference": ["first"]},
        ]
        (tmp_path / "train.py").write_bytes((SUBMISSIONS / TABLE / "train.py").read_bytes())
        (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        subprocess.run([sys.executable, tmp_path / "train.py", f"xx={tmp_path / 'gold.jsonl'}"], check=True, timeout=60)
        table = json.loads((tmp_path / "table.json").read_text("utf-8"))
        assert table == {"xx": {"1": "first", "m": "minutes"}}


class TestTopics:
    def test_utterances_that_share_rare_words_share_a_cluster(self):
        """Nine utterances make round(sqrt 9) = 3 clusters; three times three share all their words."""
        texts = {"loan": "extend my loan please", "bike": "the bike chain broke", "bill": "wrong bill amount again"}
        rows = [
            {"id": f"{topic}{number}", "source": text, "dialogue": f"{topic}{number}"}
            for number in range(3)
            for topic, text in texts.items()
        ]
        clusters = {}
        for reply in ask(TOPICS, {"source_language": "en"}, rows):
            clusters.setdefault(reply["output"], set()).add(reply["id"][:4])
        assert sorted(clusters.values(), key=min) == [{"bike"}, {"bill"}, {"loan"}]

    def test_there_are_as_many_clusters_as_the_root_of_the_utterances(self):
        """round(sqrt 240) = 15."""
        labels = {reply["output"] for reply in replies(TOPICS, "starter-support")}
        assert labels == {f"c{number}" for number in range(15)}
