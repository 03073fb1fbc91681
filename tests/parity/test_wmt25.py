"""Our numbers on the WMT25 terminology archive, track 1, equal those of the official scorers.

The archive is imported and scored through the command line, as a reader would. BLEU and chrF2++
must equal the published scores; the success rates must equal the official counts, with simplemma
in the place of stanza. `pytest -m parity tests/parity/test_wmt25.py -k published -s` also prints
how far the rates lie from the published ones.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import defaultdict

import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

ORACLE = "oracles/terminology/wmt25_track1.tsv"
CELLS = 113
LANGUAGES = ("de", "es")
MODES = ("noterm", "proper", "random")
SUMS_LIKE_THE_PUBLISHED = sys.version_info < (3, 12)
"""From Python 3.12 on, `sum` of floats is compensated, so BLEU moves by up to 5e-14 in sacrebleu itself."""


def harness(*words) -> str:
    command = [sys.executable, "-m", "harness", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=os.environ)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def archive(parity_root):
    (folder,) = (parity_root / "data" / "wmt-conference" / "wmt25-terminology").glob("*/ranking")
    return folder


@pytest.fixture(scope="module")
def workspace(archive, tmp_path_factory):
    """The archive, imported and scored."""
    folder = tmp_path_factory.mktemp("wmt25")
    harness("import", "wmt25-terminology", archive, "--workspace", folder)
    harness("score", "--workspace", folder)
    return folder


@pytest.fixture(scope="module")
def scores(workspace):
    """Rows of the exported table by (language, mode, system, metric)."""
    table = harness("export", "results", "--as", "tsv", "--workspace", workspace)
    found = {}
    for row in csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        *_, language, mode = row["test_set"].split("-")
        found[language, mode, row["system"], row["metric"]] = row
    return found


@pytest.fixture(scope="module")
def oracle(parity_root):
    """What the official scorers give, by (language, mode, system), for the pairs of the archive."""
    with (parity_root / ORACLE).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {(row["lang"], row["mode"], row["team"]): row for row in rows if row["lang"] in LANGUAGES}


@pytest.fixture(scope="module")
def submitted(oracle):
    """The cells for which a team sent a file."""
    return {cell: row for cell, row in oracle.items() if row["status"] == "ok"}


def test_every_cell_of_the_oracle_is_compared(submitted, scores):
    systems = {(language, mode, system) for language, mode, system, _ in scores if system != "@reference"}
    assert len(submitted) == CELLS
    assert systems == set(submitted)


def test_the_cells_without_a_file_are_the_absent_ones(workspace, oracle, submitted):
    facts = json.loads(harness("score", "--json", "--workspace", workspace))
    absent = {(*cell["test_set"].split("-")[-2:], cell["system"]) for cell in facts["absent"]}
    assert len(absent) == 13
    assert absent == set(oracle) - set(submitted)
    assert facts["problems"] == []


def test_bleu_equals_the_published_score(submitted, scores):
    differences = [
        abs(float(scores[*cell, "bleu"]["value"]) - float(row["bleu4_published"])) for cell, row in submitted.items()
    ]
    assert len(differences) == CELLS
    assert max(differences) <= (0.0 if SUMS_LIKE_THE_PUBLISHED else 1e-12)


def test_chrf_equals_the_published_score(submitted, scores):
    found = {cell: float(scores[*cell, "chrf2++"]["value"]) for cell in submitted}
    assert len(found) == CELLS
    assert found == {cell: float(row["chrf2pp_published"]) for cell, row in submitted.items()}


def test_bleu_and_chrf_equal_sacrebleu_on_this_interpreter(workspace, submitted, scores):
    from sacrebleu.metrics import BLEU, CHRF

    compared = 0
    for language in LANGUAGES:
        gold = rows_of(workspace / "testsets" / "terminology" / f"wmt25-t1-en-{language}-proper" / "gold.jsonl")
        references = [[row["reference"] for row in gold]]
        bleu, chrf = BLEU(references=references), CHRF(word_order=2, references=references)
        for language_, mode, system in submitted:
            if language_ != language:
                continue
            folder = workspace / "submissions" / "terminology" / system / "outputs"
            outputs = [row["output"] for row in rows_of(folder / f"wmt25-t1-en-{language}-{mode}.jsonl")]
            assert len(outputs) == len(gold) == 500
            expected = (bleu.corpus_score(outputs, None).score, chrf.corpus_score(outputs, None).score)
            found = tuple(float(scores[language, mode, system, name]["value"]) for name in ("bleu", "chrf2++"))
            assert found == expected, (language, mode, system)
            compared += 1
    assert compared == CELLS


def rows_of(path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


@pytest.mark.parametrize("dictionary", ["proper", "random"])
@pytest.mark.parametrize(("form", "column"), [("surface", "surface"), ("lemma", "simplemma")])
def test_success_rates_have_the_official_counts(submitted, scores, dictionary, form, column):
    ours = {cell: scores[*cell, f"{dictionary}-success-{form}"] for cell in submitted}
    assert len(ours) == CELLS
    found = {cell: (int(row["numerator"]), int(row["n"])) for cell, row in ours.items()}
    assert found == {
        cell: (int(row[f"{dictionary}_{column}_hits"]), int(row[f"{dictionary}_{column}_terms"]))
        for cell, row in submitted.items()
    }
    assert {cell: float(row["value"]) for cell, row in ours.items()} == {
        cell: float(row[f"{dictionary}_{column}_rate"]) for cell, row in submitted.items()
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reference_is_near_the_top_of_term_success(scores, language, mode):
    assert 0.93 <= float(scores[language, mode, "@reference", "term-success"]["value"]) <= 1.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_term_success_orders_systems_as_the_published_rate_does(submitted, scores, language):
    cells = [cell for cell in submitted if cell[:2] == (language, "proper")]
    ours = [float(scores[*cell, "term-success"]["value"]) for cell in cells]
    published = [float(submitted[cell]["proper_published"]) for cell in cells]
    assert len(cells) == {"de": 18, "es": 21}[language]
    correlation = spearman(ours, published)
    print(f"\n{language} term-success against the published proper rate: Spearman {correlation:.3f}")  # noqa: T201
    assert correlation >= 0.9


def spearman(first, second):
    """Pearson's correlation of the ranks."""
    a, b = ranks(first), ranks(second)
    mean = (len(a) + 1) / 2
    covariance = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    return covariance / (sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b)) ** 0.5


def ranks(values):
    """1 for the smallest value; equal values share their mean rank."""
    return [sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values]


def test_spearman_of_an_example_by_hand():
    assert ranks([0.1, 0.5, 0.5, 0.9]) == [1, 2.5, 2.5, 4]
    assert spearman([1, 2, 3, 4], [10, 20, 30, 40]) == 1
    assert spearman([1, 2, 3], [1, 3, 2]) == 0.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_rates_lie_near_the_published_ones(submitted, scores, language):
    """The lemma rate differs by the lemmatiser, term success by what it means: boundaries and consumption."""
    differences = defaultdict(list)
    for cell, row in submitted.items():
        if cell[0] == language:
            for name in ("proper-success-surface", "proper-success-lemma", "term-success"):
                if name == "term-success" and cell[1] == "random":
                    continue  # there it is scored by the other dictionary
                differences[name].append(float(scores[*cell, name]["value"]) - float(row["proper_published"]))
    for name, found in differences.items():
        mean, largest = sum(map(abs, found)) / len(found), max(map(abs, found))
        ceiling = float(scores[language, "proper", "@reference", name]["value"])
        bias, cells = sum(found) / len(found), len(found)
        facts = f"mean {mean:.4f}  largest {largest:.4f}  bias {bias:+.4f}  references {ceiling:.4f}  cells {cells}"
        print(f"{language} {name:24} {facts}")  # noqa: T201 - README.md of the task quotes it
    lemma = differences["proper-success-lemma"]
    assert sum(map(abs, lemma)) / len(lemma) < 0.005
    assert max(map(abs, lemma)) < 0.04


def test_scoring_again_writes_no_byte(workspace):
    before = contents(workspace)
    assert len(before) > CELLS
    assert "0 scored, 119 up to date, 0 problems" in harness("score", "--workspace", workspace)
    assert contents(workspace) == before


def contents(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}
