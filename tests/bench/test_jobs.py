"""What a whole paired job costs: BLEU and chrF2++ of all WMT25 en-de systems, extraction and resampling.

sacrebleu's PairedTest with its references cached, and our extraction with the same test; outputs are in
memory on both sides. Every mean, interval and p-value must be equal.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pytest

from harness.metrics import SHARED
from harness.stats.sacrebleu import paired_bootstrap

from .test_extraction import Job, forget, theirs

NAMES = ("bleu", "chrf2++")
ROUNDS = 3


@pytest.fixture(scope="module")
def job(parity_root):
    from .test_extraction import texts

    (path,) = parity_root.glob("data/wmt-conference/wmt25-terminology/*/ranking/references/track1/full_data.ende.jsonl")
    folder = "data/wmt-conference/wmt25-terminology/*/ranking/submissions/track1"
    systems = [texts(found) for found in sorted(parity_root.glob(f"{folder}/*/*.ende.proper.jsonl"))]
    references = texts(path)
    return Job(references, [system for system in systems if len(system) == len(references)])


def by_sacrebleu(job):
    from sacrebleu.significance import PairedTest

    named = [(str(number), system) for number, system in enumerate(job.systems)]
    metrics = {name: theirs(name, job.references) for name in NAMES}
    _, table = PairedTest(named, metrics, None, test_type="bs")()
    return [
        [(result.score, result.mean, result.ci, result.p_value) for result in column]
        for title, column in table.items()
        if title != "System"
    ]


def by_us(job):
    forget()
    found = []
    for name in NAMES:
        rows = [np.asarray(rows) for rows in job.by_us(name)]
        tested = paired_bootstrap(rows, SHARED[name].sacrebleu)
        found.append([(system.score, system.mean, system.ci, system.p) for system in tested.systems])
    return found


@pytest.mark.bench
def test_a_whole_paired_job_beside_sacrebleu(job):
    seconds: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        started = time.process_time()
        expected = by_sacrebleu(job)
        between = time.process_time()
        found = by_us(job)
        seconds.append((between - started, time.process_time() - between))
        assert found == expected
    one, other = (statistics.median(column) for column in zip(*seconds, strict=True))
    print(  # noqa: T201 - a bench is read
        f"BLEU + chrF2++, {len(job.systems)} systems, paired bootstrap of 1,000: "
        f"sacrebleu {one:.2f} s  ours {other:.2f} s  ratio {one / other:.1f}x (aim 8x)"
    )
