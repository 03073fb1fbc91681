"""What counting costs in CPU time: sacrebleu's extraction and ours, all systems of WMT25 en-de proper.

Both have their references ready, except in the last row, which is the whole job of a board. Each round
starts with empty caches of tokens.
"""

from __future__ import annotations

import json
import statistics
import time

import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from harness.api import Request, Segment
from harness.api import TestSet as ATestSet
from harness.metrics import SHARED, bleu, chrf, ter

ROUNDS = 5


def texts(path):
    return [json.loads(line)["de"] for line in path.read_text("utf-8").split("\n") if line]


@pytest.fixture(scope="module")
def references(parity_root):
    (path,) = parity_root.glob("data/wmt-conference/wmt25-terminology/*/ranking/references/track1/full_data.ende.jsonl")
    return texts(path)


@pytest.fixture(scope="module")
def systems(parity_root):
    folder = "data/wmt-conference/wmt25-terminology/*/ranking/submissions/track1"
    return [texts(path) for path in sorted(parity_root.glob(f"{folder}/*/*.ende.proper.jsonl"))]


def theirs(name, references):
    """A metric of sacrebleu that has counted its references, and nothing else."""
    facts = {"bleu": {"force": True}, "chrf2++": {"word_order": 2}, "ter": {}}[name]
    return {"bleu": BLEU, "chrf2++": CHRF, "ter": TER}[name](references=[references], **facts)


def forget():
    """Empty every cache of ours."""
    for cache in (bleu._references, bleu._tokenize, chrf._references, ter._references):
        cache.cache_clear()


def timed(action):
    started = time.process_time()
    found = action()
    return time.process_time() - started, found


class Job:
    """The counts of all systems, by both."""

    def __init__(self, references, systems):
        self.references, self.systems = references, systems
        segments = (Segment(str(n), (Request(str(n), "", (text,)),), str(n)) for n, text in enumerate(references))
        self.test_set = ATestSet("t", "x", tuple(segments), {"target_language": "de"}, "wmt25 de")
        self.outputs = [{str(n): text for n, text in enumerate(texts)} for texts in systems]

    def by_sacrebleu(self, metric):
        return [metric._extract_corpus_statistics(texts, None) for texts in self.systems]

    def by_us(self, name):
        return [SHARED[name].statistics(self.test_set, outputs).rows for outputs in self.outputs]

    def round_of(self, name):
        """CPU seconds of both, with the references ready; the counts must be equal."""
        forget()
        metric = theirs(name, self.references)
        SHARED[name].statistics(self.test_set, dict.fromkeys(self.outputs[0], ""))  # prepares the references
        seconds, expected = timed(lambda: self.by_sacrebleu(metric))
        own_seconds, found = timed(lambda: self.by_us(name))
        assert [rows.tolist() for rows in found] == expected
        return seconds, own_seconds

    def round_of_board(self, names):
        """CPU seconds of both for everything, references included."""
        forget()
        seconds, _ = timed(lambda: [self.by_sacrebleu(theirs(name, self.references)) for name in names])
        own_seconds, _ = timed(lambda: [self.by_us(name) for name in names])
        return seconds, own_seconds


@pytest.mark.bench
def test_extraction(references, systems):
    job = Job(references, systems)
    rows = {name: lambda name=name: job.round_of(name) for name in ("bleu", "chrf2++", "ter")}
    rows["bleu + chrf2++, and references"] = lambda: job.round_of_board(["bleu", "chrf2++"])
    times = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, measure in rows.items():
            times[name].append(measure())
    print(f"\n{len(systems)} systems, {len(references)} segments, median of {ROUNDS} rounds")  # noqa: T201 - as in test_startup.py
    for name, found in times.items():
        theirs_, ours = (1000 * statistics.median(seconds) for seconds in zip(*found, strict=True))
        ratio = statistics.median(a / b for a, b in found)
        print(f"{name:32} sacrebleu {theirs_:6.0f} ms CPU, harness {ours:6.0f} ms, {ratio:5.1f} times faster")  # noqa: T201
