"""Our numbers on MT-GenEval equal those of the official script, cell by cell.

The archive is imported, and outputs of known kinds (references, flipped, rotated, empty …) are written
as submissions, checked and scored, all through the command line. No outputs of real systems are public.
"""

from __future__ import annotations

import csv
import json
import os
import string
import subprocess
import sys
import unicodedata
from functools import partial

import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

ORACLE = "oracles/gender/mtgeneval_official.json"
ATTACKS = "oracles/gender/mtgeneval_perturbations_test.json"
LANGUAGES = {"de", "es", "fr", "it", "ru"}
SPLITS = {"dev", "test"}
PAIR_KINDS, CONTEXT_KINDS = 11, 7
CELLS = len(SPLITS) * len(LANGUAGES) * (PAIR_KINDS * 3 + CONTEXT_KINDS)
NUMBERS = {
    "pair_acc": "gender-accuracy",
    "masc_acc": "gender-accuracy-masculine",
    "fem_acc": "gender-accuracy-feminine",
}
REFERENCE = "ref"
"""The kind that needs no submission: it is the row `@reference`."""


def harness(*words) -> str:
    command = [sys.executable, "-m", "harness", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=os.environ)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def words_of(text):
    """Words as the official script cuts them, written down a second time."""
    for char in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~":
        text = text.replace(char, " ")
    return text.lower().split()


def common(first, second):
    return " ".join(sorted(set(words_of(first)) & set(words_of(second))))


def pair_outputs(rows):
    """For each kind the outputs to a counterfactual test set: masculine and feminine ones, line by line."""
    m, f = ([row[gender]["reference"] for row in rows] for gender in ("masculine", "feminine"))
    both = [f"{a} {b}" for a, b in zip(m, f, strict=True)]
    shared = [common(a, b) for a, b in zip(m, f, strict=True)]
    empty = [""] * len(rows)
    return {
        "flipped": (f, m),
        "src_en": tuple([row[gender]["source"] for row in rows] for gender in ("masculine", "feminine")),
        "rotated": (m[1:] + m[:1], f[1:] + f[:1]),
        "mixed": (
            [(a, b)[number % 2] for number, (a, b) in enumerate(zip(m, f, strict=True))],
            [b if number % 3 else a for number, (a, b) in enumerate(zip(m, f, strict=True))],
        ),
        "empty": (empty, empty),
        "upper_ref": ([text.upper() for text in m], [text.upper() for text in f]),
        "masc_only": (m, m),
        "fem_only": (f, f),
        "both_concat": (both, both),
        "common_only": (shared, shared),
    }


def context_outputs(rows):
    """For each kind the outputs to a contextual test set, line by line."""
    original, flipped = [row["reference"] for row in rows], [row["flipped"][0] for row in rows]
    return {
        "flipped": flipped,
        "src_en": [row["source"] for row in rows],
        "rotated": original[1:] + original[:1],
        "mixed": [both[number % 2] for number, both in enumerate(zip(original, flipped, strict=True))],
        "empty": [""] * len(rows),
        "both_concat": [f"{a} {b}" for a, b in zip(original, flipped, strict=True)],
    }


def without_unicode_punctuation(text):
    """Every punctuation mark outside ASCII becomes a space."""
    marks = {char for char in text if char not in string.punctuation and unicodedata.category(char)[0] == "P"}
    return text.translate(str.maketrans(dict.fromkeys(marks, " ")))


DISGUISES = {
    "flipped_curly_apostrophe": lambda text: text.replace("'", "\u2019"),
    "flipped_nfc": partial(unicodedata.normalize, "NFC"),
    "flipped_nfd": partial(unicodedata.normalize, "NFD"),
    "flipped_char_spaced": " ".join,
    "flipped_unicode_punct_removed": without_unicode_punctuation,
}
"""How the words of the wrong gender may be hidden from the official script."""


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def submit(workspace, kind, test_set, outputs):
    folder = workspace / "submissions" / "gender" / kind
    (folder / "outputs").mkdir(parents=True, exist_ok=True)
    (folder / "submission.toml").write_text(f'task = "gender"\nteam = "oracle"\nsystem = "{kind}"\n', "utf-8")
    lines = [json.dumps({"id": identifier, "output": output}) + "\n" for identifier, output in outputs]
    (folder / "outputs" / f"{test_set}.jsonl").write_text("".join(lines), "utf-8")


def submit_every_kind(workspace):
    """Write outputs of every kind for every test set that was imported."""
    for gold in sorted((workspace / "testsets" / "gender").glob("*/gold.jsonl")):
        rows, write = rows_of(gold), partial(submit, workspace, test_set=gold.parent.name)
        if "-counterfactual-" in gold.parent.name:
            kinds = pair_outputs(rows)
            if "-test-" in gold.parent.name:
                kinds |= {
                    name: [[hide(text) for text in side] for side in kinds["flipped"]]
                    for name, hide in DISGUISES.items()
                }
            for kind, sides in kinds.items():
                numbered = enumerate(zip(*sides, strict=True), start=1)
                write(kind, outputs=[(f"{n}-{g}", text) for n, texts in numbered for g, text in zip("mf", texts)])  # noqa: B905
        else:
            for kind, texts in context_outputs(rows).items():
                write(kind, outputs=[(str(number), text) for number, text in enumerate(texts, start=1)])


def exported(workspace):
    """Rows of the exported table by (subset, split/language, system, metric)."""
    table = harness("export", "results", "--as", "tsv", "--workspace", workspace)
    found = {}
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["test_set"].startswith("mt-geneval-"):
            _, _, subset, split, _, language = row["test_set"].split("-")
            kind = REFERENCE if row["system"] == "@reference" else row["system"]
            found[subset, f"{split}/{language}", kind, row["metric"]] = row
    return found


@pytest.fixture(scope="module")
def archive(parity_root):
    (folder,) = (parity_root / "data" / "amazon-science" / "machine-translation-gender-eval").glob("*/data")
    return folder


@pytest.fixture(scope="module")
def oracle(parity_root):
    """What the official script gives, by (subset, split/language, kind, metric)."""
    found = {}
    for subset, places in json.loads((parity_root / ORACLE).read_text("utf-8")).items():
        for place, kinds in places.items():
            for kind, value in kinds.items():
                if not kind.startswith("_"):
                    values = value if isinstance(value, dict) else {"pair_acc": value}
                    found |= {(subset, place, kind, NUMBERS[name]): number for name, number in values.items()}
    return {cell: number for cell, number in found.items() if cell[1].rpartition("/")[2] in LANGUAGES}


@pytest.fixture(scope="module")
def workspace(archive, tmp_path_factory):
    """The archive, imported, answered in every kind and scored."""
    folder = tmp_path_factory.mktemp("mt-geneval")
    harness("import", "mt-geneval", archive, "--workspace", folder)
    submit_every_kind(folder)
    harness("score", "gender", "--workspace", folder)
    return folder


@pytest.fixture(scope="module")
def scores(workspace):
    return exported(workspace)


def test_the_data_at_hand_are_those_of_the_oracle(parity_root, scores):
    shapes = {}
    for subset, places in json.loads((parity_root / ORACLE).read_text("utf-8")).items():
        for place, kinds in places.items():
            shapes[subset, place] = kinds["_stats"]["n"]
    found = {cell[:2]: int(row["segments"]) for cell, row in scores.items()}
    assert {place.rpartition("/")[2] for _, place in found} == LANGUAGES
    assert len(found) == 20
    assert found == {place: shapes[place] for place in found}


def test_every_cell_of_the_oracle_is_equal(oracle, scores):
    assert len(oracle) == CELLS == 400
    found = {cell: float(scores[cell]["value"]) for cell in oracle}
    assert found == oracle


def test_every_value_is_the_quotient_of_its_counts(oracle, scores):
    compared = 0
    for cell, number in oracle.items():
        row = scores[cell]
        assert int(row["n"]) == int(row["segments"])
        assert int(row["numerator"]) / int(row["n"]) == number
        compared += 1
    assert compared == CELLS


def test_the_archive_tells_no_gender_of_a_contextual_segment(scores):
    sided = [row for (subset, *_, metric), row in scores.items() if subset == "contextual" and "masculine" in metric]
    assert len(sided) == 2 * len(SPLITS) * len(LANGUAGES) * CONTEXT_KINDS
    assert {row["value"] for row in sided} == {""}


def test_words_in_disguise_pass_the_official_script_and_not_ours(parity_root, scores):
    """The oracle rounds to four digits. True accuracy is 0: every output has the wrong gender."""
    expected = json.loads((parity_root / ATTACKS).read_text("utf-8"))
    compared = 0
    for language in sorted(LANGUAGES):
        for kind in ("flipped", *DISGUISES):
            cell = ("counterfactual", f"test/{language}", kind)
            assert round(float(scores[*cell, "gender-accuracy"]["value"]), 4) == expected[language][kind]
            assert float(scores[*cell, "strict-accuracy"]["value"]) == 0.0
            compared += 1
    assert compared == 30


def test_the_strict_view_counts_as_correct_what_the_study_of_it_did(parity_root, scores):
    """It divided by all segments, ours by the scorable ones; the words differ, and the counts do not."""
    expected = json.loads((parity_root / ATTACKS).read_text("utf-8"))
    compared = 0
    for language in sorted(LANGUAGES):
        for kind in (REFERENCE, "rotated", "empty"):
            row = scores["counterfactual", f"test/{language}", kind, "masculine-accuracy"]
            found = round(int(row["numerator"]) / int(row["segments"]), 4)
            assert found == expected[language][f"masc_3way_{kind}"]["correct"]
            compared += 1
    assert compared == 15


@pytest.mark.parametrize("split", sorted(SPLITS))
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_by_default_nothing_is_worth_nothing_and_the_references_everything(scores, language, split):
    for subset in ("counterfactual", "contextual"):
        cell = (subset, f"{split}/{language}")
        assert float(scores[*cell, "empty", "gender-accuracy"]["value"]) == 1.0
        assert float(scores[*cell, "empty", "strict-accuracy"]["value"]) == 0.0
        assert float(scores[*cell, "empty", "empty-rate"]["value"]) == 1.0
        assert float(scores[*cell, "flipped", "strict-accuracy"]["value"]) == 0.0
        assert float(scores[*cell, REFERENCE, "strict-accuracy"]["value"]) == 1.0


PORTUGUESE_PAIRS = {
    ("masculine", "en"): ["He is a doctor.", "The nurse lost his keys.", "He is a journalist."],
    ("masculine", "pt"): ["Ele é médico.", "O enfermeiro perdeu as chaves.", "É jornalista."],
    ("feminine", "en"): ["She is a doctor.", "The nurse lost her keys.", "She is a journalist."],
    ("feminine", "pt"): ["Ela é médica.", "A enfermeira perdeu as chaves.", "É jornalista."],
}
CONTEXTS = {
    "pt": (["She laughed. <sep> The actor left."], ["A atriz saiu."], ["O ator saiu."]),
    "nl": (
        ["She laughed. <sep> The teacher left.", "<sep> The singer stayed."],
        ["De lerares vertrok.", "De zanger bleef."],
        ["De leraar vertrok.", "De zangeres bleef."],
    ),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The scores of a small archive: Portuguese with both kinds of test set, Dutch with contextual ones only."""
    root = tmp_path_factory.mktemp("not-at-hand")
    archive, folder = root / "data", root / "workspace"
    for (gender, language), lines in PORTUGUESE_PAIRS.items():
        write_lines(archive / "sentences" / "test" / f"geneval-sentences-{gender}-test.en_pt.{language}", lines)
    for language, texts in CONTEXTS.items():
        for part, end, lines in zip(("2to1", "original", "flipped"), ("en", language, language), texts, strict=True):
            name = f"geneval-context-wikiprofessions-{part}-test.en_{language}.{end}"
            write_lines(archive / "context" / name, lines)
    harness("import", "mt-geneval", archive, "--workspace", folder)
    submit_every_kind(folder)
    harness("score", "gender", "--workspace", folder)
    return exported(folder)


def write_lines(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


@pytest.mark.parametrize(
    ("subset", "place", "kind", "official", "strict"),
    [
        # The third Portuguese pair has equal references: always correct officially, unscorable by default.
        ("counterfactual", "test/pt", "ref", (3, 3), (2, 2)),
        ("counterfactual", "test/pt", "flipped", (1, 3), (0, 2)),
        ("counterfactual", "test/pt", "empty", (3, 3), (0, 2)),
        ("counterfactual", "test/pt", "masc_only", (1, 3), (0, 2)),
        ("counterfactual", "test/pt", "both_concat", (1, 3), (0, 2)),
        ("counterfactual", "test/pt", "common_only", (3, 3), (0, 2)),
        ("counterfactual", "test/pt", "upper_ref", (3, 3), (2, 2)),
        ("counterfactual", "test/pt", "src_en", (3, 3), (0, 2)),
        ("contextual", "test/pt", "ref", (1, 1), (1, 1)),
        ("contextual", "test/pt", "flipped", (0, 1), (0, 1)),
        ("contextual", "test/nl", "ref", (2, 2), (2, 2)),
        ("contextual", "test/nl", "flipped", (0, 2), (0, 2)),
        ("contextual", "test/nl", "mixed", (1, 2), (1, 2)),
        ("contextual", "test/nl", "rotated", (2, 2), (0, 2)),
        ("contextual", "test/nl", "empty", (2, 2), (0, 2)),
    ],
)
def test_languages_that_are_not_at_hand_are_imported_and_scored(small, subset, place, kind, official, strict):
    rows = {name: small[subset, place, kind, name] for name in ("gender-accuracy", "strict-accuracy")}
    found = [(int(row["numerator"]), int(row["n"])) for row in rows.values()]
    assert found == [official, strict]
