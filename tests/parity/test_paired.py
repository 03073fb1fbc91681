"""Paired tests on the WMT25 terminology archive: every float is that of sacrebleu, run on this interpreter.

Numbers on paper would not do: the last bits of BLEU's resamples depend on the versions of Python and NumPy.
"""

from __future__ import annotations

import importlib
from functools import partial

import pytest

from harness.api import Request, Segment
from harness.api import TestSet as ATestSet
from harness.metrics import SHARED
from harness.metrics.official_resampling import bleu_scores, chrf_scores
from harness.stats.sacrebleu import paired_bootstrap, paired_randomization

pytestmark = [pytest.mark.parity, pytest.mark.slow]

SYSTEMS = {"de": 18, "es": 21}
SCORES = {"bleu": bleu_scores, "chrf2++": chrf_scores}
by_language = pytest.mark.parametrize("language", SYSTEMS)
by_metric = pytest.mark.parametrize("name", SCORES)


@pytest.fixture(scope="module")
def collection(parity_root):
    (folder,) = (parity_root / "data" / "wmt-conference" / "wmt25-terminology").glob("*/ranking")
    importers = importlib.import_module("harness.tasks.terminology.importers")
    return importers.wmt25_terminology(folder)


@pytest.fixture(scope="module")
def corpora(collection):
    """By language: the references of mode `proper`, and the outputs of every system that has all 500."""
    found = {}
    for test_set in collection.test_sets:
        language, mode = test_set.id.split("-")[-2:]
        if mode == "proper":
            outputs = {system.name: system.outputs.get(test_set.id, ()) for system in collection.submissions}
            full = {name: [text for _, text in rows] for name, rows in sorted(outputs.items()) if len(rows) == 500}
            found[language] = [row["reference"] for row in test_set.rows], full
    assert {language: len(systems) for language, (_, systems) in found.items()} == SYSTEMS
    return found


@pytest.fixture(scope="module")
def statistics(corpora):
    """What our metric extracts, by language and metric: one matrix per system."""
    return {
        (language, name): [matrix(name, language, references, texts) for texts in systems.values()]
        for language, (references, systems) in corpora.items()
        for name in SCORES
    }


def matrix(name, language, references, texts):
    segments = tuple(
        Segment(str(number), (Request(str(number), "", (reference,)),), str(number))
        for number, reference in enumerate(references)
    )
    test_set = ATestSet(language, "terminology", segments, {"target_language": language}, f"paired {language}")
    rows = SHARED[name].statistics(test_set, {str(number): text for number, text in enumerate(texts)}).rows
    assert rows.shape == (500, {"bleu": 10, "chrf2++": 24}[name])
    return rows


def theirs(name, corpus, systems, test):
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF
    from sacrebleu.significance import PairedTest

    references, outputs = corpus
    facts = {"references": [references]}
    metric = BLEU(force=True, **facts) if name == "bleu" else CHRF(word_order=2, **facts)
    _, table = PairedTest(list(outputs.items())[:systems], {name: metric}, None, test_type=test)()
    (results,) = [column for title, column in table.items() if title != "System"]
    return [(result.score, result.mean, result.ci, result.p_value) for result in results]


def numbers(result):
    return [(system.score, system.mean, system.ci, system.p) for system in result.systems]


def compared(found, expected):
    """How many floats are equal; fails if one of them is not."""
    assert found == expected
    return sum(number is not None for row in expected for number in row)


@by_metric
@by_language
def test_bootstrap_of_all_systems(statistics, corpora, language, name):
    expected = theirs(name, corpora[language], None, "bs")
    found = paired_bootstrap(statistics[language, name], SCORES[name])
    assert compared(numbers(found), expected) == 4 * SYSTEMS[language] - 1
    assert found.signature.endswith("|float32:yes|seed:12345|resamples:1000")
    print(f"\n{language} {name}: {4 * SYSTEMS[language] - 1} floats are equal")  # noqa: T201 - the point of `-s`


@pytest.mark.parametrize(("name", "systems"), [("bleu", 4), ("chrf2++", 2)])
@by_language
def test_randomization_of_some_systems(statistics, corpora, language, name, systems):
    expected = theirs(name, corpora[language], systems, "ar")
    matrices = statistics[language, name][:systems]
    found = paired_randomization(matrices, SCORES[name])
    assert compared(numbers(found), expected) == 2 * systems - 1
    assert found.signature.endswith("|float32:no|seed:12345|trials:10000")
    if name == "bleu":
        estimate = partial(bleu_scores, libm=False)
        assert paired_randomization(matrices, SCORES[name], estimate=estimate) == found
    print(f"\n{language} {name}: {2 * systems - 1} floats are equal")  # noqa: T201 - the point of `-s`


@by_language
def test_no_p_of_a_trial_depends_on_the_estimate(statistics, language):
    """All systems, where sacrebleu itself would take half a minute."""
    matrices = statistics[language, "bleu"]
    fast = paired_randomization(matrices, bleu_scores, estimate=partial(bleu_scores, libm=False))
    assert fast == paired_randomization(matrices, bleu_scores)
