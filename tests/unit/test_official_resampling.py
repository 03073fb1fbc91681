"""sacrebleu's paired tests, float for float: every number is compared by `==` with sacrebleu, run here and now."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import PairedTest

from harness.metrics.official_resampling import bleu_scores, chrf_scores
from harness.stats import sacrebleu as official
from harness.stats.sacrebleu import paired_bootstrap, paired_randomization, seed_of, signature

METRICS = {
    "bleu": (BLEU, {}, bleu_scores),
    "chrf2": (CHRF, {}, chrf_scores),
    "chrf2++": (CHRF, {"word_order": 2}, chrf_scores),
    "chrf3+": (CHRF, {"word_order": 1, "beta": 3}, partial(chrf_scores, beta=3)),
    "chrf2 with epsilon": (CHRF, {"eps_smoothing": True}, partial(chrf_scores, eps_smoothing=True)),
    "chrf2++ with epsilon": (CHRF, {"word_order": 2, "eps_smoothing": True}, partial(chrf_scores, eps_smoothing=True)),
}
by_metric = pytest.mark.parametrize("name", METRICS)
by_test = pytest.mark.parametrize("test", ["bs", "ar"])
FLOAT32_HOLDS = 2**24


@pytest.fixture(autouse=True, scope="module")
def _the_seed_of_whoever_runs_this_does_not_matter():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SACREBLEU_SEED", raising=False)
        yield


# --- the two sides ---


def metric_of(name, references=None):
    """The metric of sacrebleu; without references it takes statistics in the place of texts."""
    kind, facts, _ = METRICS[name]
    if references is not None:
        return kind(references=references, **facts)
    metric = kind(**facts)
    metric.num_refs = 1
    metric._extract_corpus_statistics = lambda statistics, _: statistics
    return metric


def theirs(metric, systems, test, draws):
    named = [(str(number), system) for number, system in enumerate(systems)]
    _, table = PairedTest(named, {"metric": metric}, None, test_type=test, n_samples=draws)()
    (results,) = [column for title, column in table.items() if title != "System"]
    return [(result.score, result.mean, result.ci, result.p_value) for result in results]


def ours(name, statistics, test, draws, **facts):
    arrays, score = [np.array(rows) for rows in statistics], METRICS[name][2]
    if test == "bs":
        found = paired_bootstrap(arrays, score, resamples=draws, **facts)
    else:
        found = paired_randomization(arrays, score, trials=draws, **facts)
    return [(result.score, result.mean, result.ci, result.p) for result in found.systems]


def assert_equal(name, statistics, test, draws):
    assert ours(name, statistics, test, draws) == theirs(metric_of(name), statistics, test, draws)


# --- texts ---

REFERENCES = [
    "the cat sat on the mat .",
    "there is no such thing as a free lunch .",
    "it rains .",
    "a (very) short story, told twice: told twice .",
    "nobody reads the last line of a list",
    "one two three four five six seven",
]
SECOND_REFERENCES = ["a cat sat on a mat .", "no lunch is free .", "rain .", "", "who reads the last line ?", "1 2 3 4"]
BASELINE = [
    "the cat sat on a mat .",
    "there is no free lunch .",
    "rain",
    "a very short story told twice .",
    "nobody ever reads the last line",
    "one two three four six five seven",
]
SYSTEMS = {
    "the baseline": BASELINE,
    "its duplicate": list(BASELINE),
    "the reference": REFERENCES,
    "empty where others are not": ["", "there is no such thing as a lunch .", "", "", "nobody reads the last line", ""],
    "always empty": [""] * 6,
    "no match": ["qqqqqqqq"] * 6,
    "one match": ["qqq", "qqq", "qqq", "qqq", "qqq", "one two qqq"],
    "unigrams only": ["cat mat the", "lunch free a", "rains it", "twice story", "list line last", "six four two"],
    "too long": [f"{text} {text}" for text in BASELINE],
}


@by_test
@by_metric
@pytest.mark.parametrize("references", [[REFERENCES], [REFERENCES, SECOND_REFERENCES]], ids=["1 ref", "2 refs"])
def test_all_numbers_of_small_corpora_are_sacrebleus(name, test, references):
    metric, outputs = metric_of(name, references), list(SYSTEMS.values())
    statistics = [metric._extract_corpus_statistics(texts, None) for texts in outputs]
    expected = theirs(metric, outputs, test, draws=200)
    assert ours(name, statistics, test, draws=200) == expected
    assert expected[0][3] is None
    assert expected[1][3] == 1 / 201, "no difference exceeds none, and this makes a copy of the baseline significant"


@by_metric
@pytest.mark.parametrize("baseline", ["always empty", "no match", "one match"])
def test_a_baseline_without_a_match_changes_the_precision_and_is_followed(name, baseline):
    metric = metric_of(name, [REFERENCES])
    outputs = [SYSTEMS[baseline], *SYSTEMS.values()]
    statistics = [metric._extract_corpus_statistics(texts, None) for texts in outputs]
    assert ours(name, statistics, "bs", draws=150) == theirs(metric, outputs, "bs", draws=150)


def test_one_system_has_an_interval_and_no_p():
    statistics = [metric_of("bleu", [REFERENCES])._extract_corpus_statistics(BASELINE, None)]
    assert_equal("bleu", statistics, "bs", 100)
    ((_, mean, half, p),) = ours("bleu", statistics, "bs", 100)
    assert mean is not None
    assert half > 0
    assert p is None
    assert_equal("bleu", statistics, "ar", 100)


def test_numbers_are_python_floats():
    statistics = [
        metric_of("chrf2", [REFERENCES])._extract_corpus_statistics(texts, None) for texts in SYSTEMS.values()
    ]
    for test in ("bs", "ar"):
        numbers = [number for row in ours("chrf2", statistics, test, 50) for number in row]
        assert {type(number) for number in numbers} == {float, type(None)}


# --- counts ---


def bleu_counts(generator, segments, largest, share):
    """Rows such as BLEU extracts them; `share` of the n-grams match."""
    hypothesis, reference = generator.integers(0, largest + 1, size=(2, segments))
    totals = np.maximum(hypothesis - np.arange(4)[:, None], 0)
    correct = generator.binomial(totals, share)
    return np.vstack([hypothesis, reference, correct, totals]).T.tolist()


def chrf_counts(generator, segments, largest, share, orders):
    """Rows such as chrF extracts them: nothing is counted for orders that a reference does not have."""
    reference = generator.integers(0, largest + 1, size=(segments, orders))
    hypothesis = np.where(reference > 0, generator.integers(0, largest + 1, size=(segments, orders)), 0)
    match = generator.binomial(np.minimum(hypothesis, reference), share)
    return np.stack([hypothesis, reference, match], axis=2).reshape(segments, -1).tolist()


def counts_of(name, *facts):
    return bleu_counts(*facts) if name == "bleu" else chrf_counts(*facts, metric_of(name).order)


@by_metric
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    segments=st.integers(1, 9),
    largest=st.sampled_from([1, 3, 9, 300]),
    shares=st.lists(st.sampled_from([0.0, 0.05, 0.5, 0.9, 1.0]), min_size=1, max_size=4),
    test=st.sampled_from(["bs", "ar"]),
)
def test_all_numbers_of_any_counts_are_sacrebleus(name, seed, segments, largest, shares, test):
    generator = np.random.default_rng(seed)
    statistics = [counts_of(name, generator, segments, largest, share) for share in shares]
    assert_equal(name, [*statistics, statistics[0]], test, 41)


@by_metric
@pytest.mark.parametrize("largest", [2, 40, 4000])
def test_scores_of_resamples_are_sacrebleus_one_by_one(name, largest):
    score, metric = METRICS[name][2], metric_of(name)
    rows = np.array(counts_of(name, np.random.default_rng(largest), 300, largest, 0.5))
    for dtype in (np.float32, np.float64, np.int64):
        expected = [metric._compute_score_from_stats(row).score for row in rows.astype(dtype)]
        found = score(rows.astype(dtype))
        assert found.tolist() == np.array(expected).tolist()
        assert found.dtype == np.array(expected).dtype


def test_scores_are_float64_as_soon_as_one_of_them_is_a_literal_zero():
    rows = np.array(chrf_counts(np.random.default_rng(1), 5, 30, 0.5, 6), dtype=np.float32)
    follows_numpy_2 = type(np.float32(1) * 1.0) is np.float32
    assert chrf_scores(rows).dtype == (np.float32 if follows_numpy_2 else np.float64)
    rows[3, 2::3] = 0
    assert chrf_scores(rows)[3] == 0
    assert chrf_scores(rows).dtype == np.float64


@by_metric
@by_test
def test_the_size_of_chunks_does_not_matter(name, test, monkeypatch):
    generator = np.random.default_rng(5)
    statistics = [counts_of(name, generator, 23, 50, 0.4) for _ in range(3)]
    whole = ours(name, statistics, test, 150)
    monkeypatch.setattr(official, "_FEWEST_RESAMPLES", 1)
    monkeypatch.setattr(official, "_CHUNK_CELLS", 23 * 7)
    monkeypatch.setattr(official, "_CHUNK_TRIALS", 11)
    assert ours(name, statistics, test, 150) == whole == theirs(metric_of(name), statistics, test, 150)


@pytest.mark.parametrize("orders", range(2, 16))
def test_sums_of_epsilon_turn_into_float32_when_sacrebleus_do(orders):
    """Orders without a match add Python floats; the last, which the hypothesis does not reach, a float32 zero."""
    row = np.array([5, 5, 0] * (orders - 1) + [0, 5, 0], dtype=np.float32)
    expected = CHRF(char_order=orders, eps_smoothing=True)._compute_score_from_stats(row).score
    assert chrf_scores(row[None], eps_smoothing=True).tolist() == [expected]


# --- large counts ---


def fail(*_):
    pytest.fail("the product is exact, so it should have been used")


@by_metric
def test_sums_that_float32_cannot_hold_are_rounded_as_sacrebleu_rounds_them(name):
    generator = np.random.default_rng(7)
    statistics = [counts_of(name, generator, 40, 2**22, 0.7) for _ in range(3)]
    assert_equal(name, statistics, "bs", 60)
    drawn = np.random.default_rng(12345).choice(40, size=(60, 40))
    weights = np.array([np.bincount(indices, minlength=40) for indices in drawn])
    rounded_once = (weights @ np.array(statistics[0])).astype(np.float32)
    (sums,) = official._resampled([np.array(statistics[0])], drawn)
    assert (sums != rounded_once).any(), "a float64 product would not be equal"


def test_one_system_of_large_counts_does_not_slow_down_the_others(monkeypatch):
    generator, added = np.random.default_rng(8), []
    statistics = [counts_of("bleu", generator, 20, largest, 0.5) for largest in (30, 2**23, 50)]
    expected = theirs(metric_of("bleu"), statistics, "bs", 30)
    slowly = official._added_as_sacrebleu_does
    monkeypatch.setattr(official, "_added_as_sacrebleu_does", lambda *facts: added.append(1) or slowly(*facts))
    assert ours("bleu", statistics, "bs", 30) == expected
    assert added == [1]


@pytest.mark.parametrize("largest", [FLOAT32_HOLDS - 1, FLOAT32_HOLDS, FLOAT32_HOLDS + 1, FLOAT32_HOLDS + 3])
def test_the_guard_stands_where_float32_stops_holding_every_integer(largest, monkeypatch):
    rows = np.array([[largest, largest, *[largest] * 4, *[largest] * 4]])
    drawn = np.zeros((5, 1), dtype=np.int64)
    if largest < FLOAT32_HOLDS:
        monkeypatch.setattr(official, "_added_as_sacrebleu_does", fail)
    (sums,) = official._resampled([rows], drawn)
    assert (sums == np.float32(largest)).all()
    assert_equal("bleu", [rows.tolist(), rows.tolist()], "bs", 5)


def test_the_guard_sees_sums_of_resamples_and_not_only_the_corpus():
    """Columns sum to 12,000,000, which is below 2^24; a resample that draws the first row twice is beyond."""
    large = [12_000_000 - 3, 12_000_000, *[11_999_999 - 2 * n for n in range(4)], *[12_000_000 - n for n in range(4)]]
    rows = [large, *[[1, 1, 1, 0, 0, 0, 1, 0, 0, 0]] * 3]
    assert_equal("bleu", [rows, rows[::-1]], "bs", 100)
    weights = np.array([np.bincount(row, minlength=4) for row in np.random.default_rng(12345).choice(4, size=(100, 4))])
    assert (weights @ np.array(rows)).max() > FLOAT32_HOLDS


@by_metric
def test_large_counts_are_shuffled_exactly(name):
    generator = np.random.default_rng(9)
    statistics = [counts_of(name, generator, 30, 2**30, 0.7) for _ in range(2)]
    assert_equal(name, statistics, "ar", 60)


# --- estimates ---


@pytest.mark.parametrize("error", [0.0, 9e-8])
def test_p_does_not_depend_on_errors_of_the_estimate(error):
    generator, noise = np.random.default_rng(10), np.random.default_rng(11)
    statistics = [np.array(counts_of("bleu", generator, 6, 9, 0.8)) for _ in range(2)]
    statistics = [*statistics, statistics[0]]

    def estimate(sums):
        found = bleu_scores(sums, libm=False)
        return found + noise.uniform(-error, error, size=found.shape)

    found = paired_randomization(statistics, bleu_scores, trials=500, estimate=estimate)
    assert found == paired_randomization(statistics, bleu_scores, trials=500)
    assert found.systems[2].p == 1 / 501


def test_the_estimate_is_near():
    rows = np.array(bleu_counts(np.random.default_rng(12), 500, 60, 0.5))
    assert np.abs(bleu_scores(rows, libm=False) - bleu_scores(rows)).max() < 1e-11


# --- seeds and signatures ---


def statistics_of_two():
    return [bleu_counts(np.random.default_rng(seed), 12, 20, 0.6) for seed in (1, 2)]


@by_test
@pytest.mark.parametrize("seed", ["1", "12345", " 99 ", "18446744073709551617"])
def test_the_seed_of_the_environment_is_sacrebleus(test, seed, monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", seed)
    assert_equal("bleu", statistics_of_two(), test, 100)


@by_test
def test_without_the_variable_the_seed_is_12345(test):
    assert ours("bleu", statistics_of_two(), test, 100) == ours("bleu", statistics_of_two(), test, 100, seed=12345)
    assert ours("bleu", statistics_of_two(), test, 100) != ours("bleu", statistics_of_two(), test, 100, seed=12346)


@by_test
@pytest.mark.parametrize("zero", ["0", "-0", "00"])
def test_the_seed_zero_is_refused_with_the_reason(test, zero, monkeypatch):
    with pytest.raises(ValueError, match=r"seed 0 cannot be reproduced.*no seed"):
        ours("bleu", statistics_of_two(), test, 100, seed=0)
    monkeypatch.setenv("SACREBLEU_SEED", zero)
    with pytest.raises(ValueError, match=r"seed 0 cannot be reproduced.*SACREBLEU_SEED"):
        ours("bleu", statistics_of_two(), test, 100)


@by_test
@pytest.mark.parametrize("none", ["none", "None", "NONE"])
def test_no_seed_draws_anew_every_time(test, none):
    runs = [ours("bleu", statistics_of_two(), test, 500, seed=none) for _ in range(4)]
    assert len({tuple(run) for run in runs}) > 1
    assert len({run[0][0] for run in runs}) == 1, "scores are drawn by nobody"


@pytest.mark.parametrize(("seed", "reason"), [("twelve", "invalid literal"), ("-3", "non-negative"), ("", "invalid")])
def test_other_seeds_are_refused_as_by_sacrebleu(seed, reason, monkeypatch):
    monkeypatch.setenv("SACREBLEU_SEED", seed)
    for side in (ours, lambda _, *facts: theirs(metric_of("bleu"), *facts)):
        with pytest.raises(ValueError, match=reason):
            side("bleu", statistics_of_two(), "bs", 10)


def test_the_signature_names_what_decides_about_the_last_bits():
    arrays = [np.array(rows) for rows in statistics_of_two()]
    major = np.__version__.split(".")[0]
    found = paired_bootstrap(arrays, bleu_scores, resamples=10, seed=12345).signature
    assert found == f"arithmetic:sacrebleu|numpy:{major}|float32:yes|seed:12345|resamples:10"
    found = paired_randomization(arrays, bleu_scores, trials=20, seed="none").signature
    assert found == f"arithmetic:sacrebleu|numpy:{major}|float32:no|seed:none|trials:20"
    assert signature("resamples:1000", seed=seed_of("7"), float32=True).endswith("|seed:7|resamples:1000")


# --- what is refused ---

FINE = np.ones((3, 10), dtype=np.int64)
REFUSED = [
    pytest.param([], "one matrix", id="no system"),
    pytest.param([FINE, FINE[:2]], "all of one shape", id="fewer segments"),
    pytest.param([FINE, FINE[:, :9]], "all of one shape", id="fewer columns"),
    pytest.param([FINE[0]], "one matrix", id="a row"),
    pytest.param([FINE[:0]], "one matrix", id="no segment"),
    pytest.param([FINE, FINE.astype(float)], "must be counts", id="floats"),
    pytest.param([FINE, -FINE], "must be counts", id="negative"),
    pytest.param([FINE, FINE * 2**52], "so large", id="beyond float64"),
]


@by_test
@pytest.mark.parametrize(("statistics", "reason"), REFUSED)
def test_what_is_no_statistics_is_refused(test, statistics, reason):
    with pytest.raises(ValueError, match=reason):
        ours("bleu", statistics, test, 10)


@by_test
def test_no_draws_are_refused(test):
    with pytest.raises(ValueError, match="at least one draw is needed, not 0"):
        ours("bleu", [FINE], test, 0)
