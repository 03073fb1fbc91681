"""What the paired tests cost, beside sacrebleu's: CPU time, alternated in one process, extraction excluded.

All 18 systems of WMT25 en-de `proper`. Both sides start from extracted counts: lists of lists there, as
sacrebleu extracts them, and matrices of int64 here. The matrix product has one thread, because idle
threads of a BLAS wait by spinning, which would count as our CPU time.
"""

from __future__ import annotations

import importlib
import statistics
import time
from functools import partial

import numpy as np
import pytest

from harness.metrics.official_resampling import bleu_scores, chrf_scores
from harness.stats.sacrebleu import paired_bootstrap, paired_randomization

TEST_SET = "wmt25-t1-en-de-proper"
SCORES = {"bleu": bleu_scores, "chrf2++": chrf_scores}
ESTIMATES = {"bleu": partial(bleu_scores, libm=False), "chrf2++": None}
TARGETS = {"bleu": 40, "chrf2++": 100}
ROUNDS = {"bs": 7, "ar": 3}
OURS_PER_ROUND = 3


@pytest.fixture(scope="module")
def corpus(parity_root):
    """The references, and the outputs of every system that has all 500."""
    (folder,) = (parity_root / "data" / "wmt-conference" / "wmt25-terminology").glob("*/ranking")
    collection = importlib.import_module("harness.tasks.terminology.importers").wmt25_terminology(folder)
    (test_set,) = [candidate for candidate in collection.test_sets if candidate.id == TEST_SET]
    outputs = [[text for _, text in system.outputs.get(TEST_SET, ())] for system in collection.submissions]
    return [row["reference"] for row in test_set.rows], [texts for texts in outputs if len(texts) == 500]


def metric_of(name, references):
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return BLEU(references=references) if name == "bleu" else CHRF(word_order=2, references=references)


def theirs(metric, counts, test):
    """The whole test of sacrebleu, except that outputs are counts already."""
    from sacrebleu.significance import PairedTest

    metric._extract_corpus_statistics = lambda given, _: given
    named = [(str(number), rows) for number, rows in enumerate(counts)]
    _, table = PairedTest(named, {"metric": metric}, None, test_type=test)()
    (results,) = [column for title, column in table.items() if title != "System"]
    return [(result.score, result.mean, result.ci, result.p_value) for result in results]


def ours(name, matrices, test):
    if test == "bs":
        found = paired_bootstrap(matrices, SCORES[name])
    else:
        found = paired_randomization(matrices, SCORES[name], estimate=ESTIMATES[name])
    return [(system.score, system.mean, system.ci, system.p) for system in found.systems]


def timed(function):
    """The result and its CPU seconds."""
    start = time.process_time()
    result = function()
    return result, time.process_time() - start


@pytest.mark.bench
@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("test", ROUNDS)
def test_resampling(corpus, name, test):
    threads = pytest.importorskip("threadpoolctl", reason="one thread of BLAS cannot be asked for")
    references, outputs = corpus
    metric = metric_of(name, [references])
    counts = [metric._extract_corpus_statistics(texts, None) for texts in outputs]
    matrices = [np.array(rows) for rows in counts]
    slow, fast = [], []
    with threads.threadpool_limits(1, "blas"):
        for _ in range(ROUNDS[test]):
            expected, seconds = timed(partial(theirs, metric, counts, test))
            slow.append(seconds)
            for _ in range(OURS_PER_ROUND):
                found, seconds = timed(partial(ours, name, matrices, test))
                fast.append(seconds)
                assert found == expected
    print("\n" + report(name, test, slow, fast))  # noqa: T201 - the numbers are what this is run for


def report(name, test, slow, fast):
    rounds = [fast[start : start + OURS_PER_ROUND] for start in range(0, len(fast), OURS_PER_ROUND)]
    ratios = sorted(one / statistics.median(own) for one, own in zip(slow, rounds, strict=True))
    theirs_ms, ours_ms = 1000 * statistics.median(slow), 1000 * statistics.median(fast)
    ratio = f"{statistics.median(ratios):4.0f} times (rounds {ratios[0]:.0f}..{ratios[-1]:.0f})"
    return f"{test} {name:8} sacrebleu {theirs_ms:6.0f} ms, harness {ours_ms:5.1f} ms CPU: {ratio}, aim {TARGETS[name]}"
