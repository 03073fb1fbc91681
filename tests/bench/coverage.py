"""How often intervals cover the truth and tests cry wolf, by simulation: `python tests/bench/coverage.py RUNS`.

A population is made once and is the truth: segments or documents with their counts, or a contingency table.
A test set of n is n independent draws from it, as large as a real one. For every test set an interval is
made as the harness makes it, with its default seed, and it covers or it does not.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from harness.api import Totals
from harness.metrics import bleu, chrf, clustering
from harness.stats.bootstrap import percentile_interval
from harness.stats.corrected import corrected_interval
from harness.stats.paired import Sample, bootstrap_p, resampled_scores
from harness.stats.randomization import baseline_p
from harness.stats.ranking import holm

if TYPE_CHECKING:
    from collections.abc import Callable

ALPHA = 0.05
ROWS_PER_DOCUMENT = (1, 9)


# --- populations of segments ---


@dataclass(frozen=True, eq=False)
class Population:
    """Block sums (blocks, k) of everything there is, and the value of totals (B, k)."""

    blocks: str
    sums: np.ndarray
    value: Callable

    @property
    def truth(self):
        return float(self.value(self.sums.sum(axis=0, keepdims=True))[0])

    def draw(self, n, generator):
        return self.sums[generator.integers(0, len(self.sums), size=n)]


def quotient(totals):
    return totals[..., 0] / totals[..., 1]


def documents(generator, blocks, spread):
    """The document of every segment, and how easy the segment is: half its own doing, half its document's."""
    sizes = generator.integers(ROWS_PER_DOCUMENT[0], ROWS_PER_DOCUMENT[1] + 1, size=blocks) if spread else 1
    owner = np.repeat(np.arange(blocks), sizes)
    shared = generator.normal(size=blocks)[owner]
    own = generator.normal(size=len(owner))
    return owner, np.sqrt(0.5) * (shared + own)


def added_up(owner, rows):
    sums = np.zeros((owner[-1] + 1, rows.shape[1]))
    np.add.at(sums, owner, rows)
    return sums


def share(ease, middle, slope):
    """A probability from an ease, by the logistic function."""
    return 1 / (1 + np.exp(-(np.log(middle / (1 - middle)) + slope * ease)))


def accuracy_rows(ease, words, generator):
    """Right or wrong; about seven of ten are right."""
    hits = generator.random(len(ease)) < share(ease, 0.72, 1.0)
    return np.stack([hits, np.ones(len(ease))], axis=1)


def bleu_rows(ease, words, generator):
    """Tokens and n-gram counts of a system of about 35 BLEU; n-grams of easy segments match together."""
    hypothesis = np.maximum(1, np.rint(words * generator.normal(0.98, 0.1, size=len(ease)))).astype(int)
    total = np.maximum(hypothesis[:, None] - np.arange(4), 0)
    match, correct = share(ease, 0.6, 0.7), total.copy()
    for order in range(4):
        left = correct[:, order - 1] if order else total[:, 0]
        correct[:, order] = generator.binomial(np.minimum(left, total[:, order]), match ** (1 if order == 0 else 0.7))
    return np.column_stack([hypothesis, words, correct, total]).astype(float)


def chrf_rows(ease, words, generator, word_order=2):
    """N-gram counts of a system of about 60 chrF2++."""
    match, columns = share(ease, 0.8, 0.6), []
    for length, orders in ((5 * words, chrf.CHARACTER_ORDERS), (words, word_order)):
        hypothesis_length = np.maximum(1, np.rint(length * generator.normal(1, 0.08, size=len(ease))).astype(int))
        for order in range(orders):
            hypothesis, reference = np.maximum(hypothesis_length - order, 0), np.maximum(length - order, 0)
            matching = generator.binomial(np.minimum(hypothesis, reference), match ** (1 + 0.5 * order))
            columns += [hypothesis, reference, matching]
    return np.column_stack(columns).astype(float)


def reference_words(n, generator):
    """Lengths of references: a median of 20 words."""
    return np.maximum(1, generator.lognormal(3.0, 0.5, size=n).astype(int))


METRICS = {
    "accuracy": (accuracy_rows, quotient),
    "BLEU": (bleu_rows, lambda totals: bleu.value(Totals(bleu.COLUMNS, totals))),
    "chrF2++": (chrf_rows, lambda totals: chrf.value(Totals(chrf.columns(2), totals))),
}


def population(metric, *, in_documents=False, blocks=50_000, seed=1):
    generator = np.random.default_rng(seed)
    rows, value = METRICS[metric]
    owner, ease = documents(generator, blocks, in_documents)
    counts = rows(ease, reference_words(len(ease), generator), generator)
    return Population("documents" if in_documents else "segments", added_up(owner, counts), value)


# --- populations of clusterings ---


@dataclass(frozen=True, eq=False)
class Clustering:
    """A table of probabilities: clusters x references."""

    name: str
    cells: np.ndarray

    def draw(self, n, generator):
        """Counts of the cells of a sample, as columns and one row per segment."""
        counts = generator.multinomial(n, self.cells.ravel())
        filled = np.flatnonzero(counts)
        columns = tuple((clustering.CLUSTER, *map(str, divmod(int(cell), self.cells.shape[1]))) for cell in filled)
        cell = np.repeat(np.arange(len(filled)), counts[filled])
        return columns, csr_array((np.ones(n), cell, np.arange(n + 1)), shape=(n, len(filled)))

    def truth(self, metric):
        """The value of the population: of a table so large that n - 1 is n, and AMI is NMI."""
        formula = FORMULAS["NMI" if metric == "AMI" else metric]
        counts = np.rint(self.cells * 1e9).astype(np.int64)
        columns = [(clustering.CLUSTER, *map(str, cell)) for cell in np.ndindex(*counts.shape)]
        return clustering.of_tables(formula)(Totals(tuple(columns), counts.ravel()))


def dirichlet_table(clusters, references, right, *, noise=0.15, seed=1):
    """A clustering of which `right` of every reference lies in clusters of its own, the rest anywhere.

    With fewer clusters than references some share one; with more, some references have several. The
    rest is spread by Dirichlet(noise): the smaller, the fewer cells.
    """
    generator = np.random.default_rng(seed)
    sizes = generator.dirichlet(np.full(references, 3.0))
    table = np.zeros((clusters, references))
    for reference in range(references):
        own = [k for k in range(clusters) if k % references == reference] or [reference % clusters]
        table[own, reference] = right * generator.dirichlet(np.full(len(own), 2.0))
        table[:, reference] += (1 - right) * generator.dirichlet(np.full(clusters, noise))
    return Clustering(f"K={clusters}, R={references}, {right:.0%} at home", table * sizes)


TABLES = (
    dirichlet_table(29, 29, 0.72),
    dirichlet_table(12, 29, 0.72),
    dirichlet_table(53, 29, 0.80),
    dirichlet_table(29, 29, 0.93, seed=2),
    dirichlet_table(29, 29, 0.35, noise=0.3, seed=3),
)
FORMULAS = {
    "ACC": clustering.accuracy,
    "F1": clustering.f1,
    "ARI": clustering.ari,
    "NMI": clustering.nmi,
    "AMI": clustering.ami,
}


# --- coverage ---


def percentile_coverage(of, n, runs, *, seed=2, resamples=1000):
    """How many of `runs` percentile intervals cover the truth."""
    generator, truth = np.random.default_rng(seed), of.truth
    ends = (percentile_interval(of.draw(n, generator), of.value, resamples=resamples) for _ in range(runs))
    return sum(lo <= truth <= hi for lo, hi in ends)


def corrected_coverage(of, metric, n, runs, *, seed=2, resamples=1000):
    """How many of `runs` corrected intervals cover the truth."""
    generator, truth = np.random.default_rng(seed), of.truth(metric)
    formula, covered = clustering.of_tables(FORMULAS[metric]), 0
    for _ in range(runs):
        columns, rows = of.draw(n, generator)
        value = lambda totals, columns=columns: formula(Totals(columns, totals))  # noqa: E731 - one per sample
        point = formula(Totals(columns, rows.sum(axis=0)))
        lo, hi = corrected_interval(point, rows, value, resamples=resamples)
        covered += lo <= truth <= hi
    return covered


# --- false positives ---


def alike(metric, n, systems, generator):
    """Systems that are equally good: the same n segments, and of each an output of their own."""
    rows, value = METRICS[metric]
    ease, words = generator.normal(size=n), reference_words(n, generator)
    own = np.sqrt(0.6) * ease + np.sqrt(0.4) * generator.normal(size=(systems, n))
    return [Sample(rows(each, words, generator), value) for each in own]


def bootstrap_false_positives(metric, n, runs, *, seed=3, resamples=1000):
    """How often the paired bootstrap finds a difference between two systems that are alike."""
    generator = np.random.default_rng(seed)
    return sum(p_matrix(alike(metric, n, 2, generator), resamples)[0, 1] < ALPHA for _ in range(runs))


def randomization_false_positives(metric, n, runs, *, seed=3, trials=1000):
    """The same for approximate randomization."""
    generator, found = np.random.default_rng(seed), 0
    for _ in range(runs):
        one, other = alike(metric, n, 2, generator)
        found += bool(baseline_p(one, [other], trials=trials)[0] < ALPHA)
    return found


def holm_false_positives(metric, n, runs, *, systems=5, seed=3, resamples=1000):
    """How often a table of systems that are alike has any pair that Holm's correction leaves significant."""
    generator, found = np.random.default_rng(seed), 0
    for _ in range(runs):
        adjusted = holm(p_matrix(alike(metric, n, systems, generator), resamples))
        found += any(adjusted[pair] < ALPHA for pair in combinations(range(systems), 2))
    return found


def p_matrix(samples, resamples):
    point = np.array([sample.value(sample.sums.sum(axis=0, keepdims=True))[0] for sample in samples])
    return bootstrap_p(point, resampled_scores(samples, resamples=resamples))


# --- the long version ---


def main(runs):
    """Print Markdown tables of coverage and of false positives."""
    write("| metric | n | blocks | method | coverage | runs |", "|---|---|---|---|---|---|")
    for metric in METRICS:
        for in_documents in (False, True):
            of = population(metric, in_documents=in_documents)
            for n in (30, 100, 500, 2000):
                covered = percentile_coverage(of, n, runs)
                write(f"| {metric} | {n} | {of.blocks} | percentile | {covered / runs:.3f} | {runs} |")
    for metric in ("ACC", "F1", "ARI", "NMI"):
        for of in TABLES:
            for n in (200, 500, 1500):
                covered = corrected_coverage(of, metric, n, runs, resamples=300)
                write(f"| {metric}, {of.name} | {n} | segments | corrected | {covered / runs:.3f} | {runs} |")
    write("", f"| test | metric | n | false positives at {ALPHA} | runs |", "|---|---|---|---|---|")
    tests = {
        "paired bootstrap": bootstrap_false_positives,
        "randomization": randomization_false_positives,
        "paired bootstrap, Holm, any of 10 pairs": holm_false_positives,
    }
    for name, test in tests.items():
        for metric in METRICS:
            for n in (100, 500):
                write(f"| {name} | {metric} | {n} | {test(metric, n, runs) / runs:.3f} | {runs} |")


def write(*lines):
    print(*lines, sep="\n", flush=True)  # noqa: T201 - the table is what this is run for


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
