"""`harness compare`: two systems, with p-values that can be worked out by hand."""

from __future__ import annotations

import pytest

from ..hostile.toy import Toy
from ..unit import toys

SCORER = toys.FOUR_METRICS + 'METRICS["together"] = accuracy("together", exchangeable=False)\n'
METRICS = ["accuracy", "errors", "precision", "plain", "together"]
DOCUMENTS, COPIES = 10, 4
KEYS = {
    "metric",
    "a",
    "b",
    "a_mean",
    "b_mean",
    "a_ci",
    "b_ci",
    "difference",
    "lo",
    "hi",
    "p_bootstrap",
    "p_randomization",
    "n",
    "baseline",
    "test_set",
}
ROWS = [
    {"id": f"{document}-{copy}", "document": str(document), "source": text, "reference": text.upper()}
    for document in range(DOCUMENTS)
    for copy in range(COPIES)
    for text in [f"word {document}"]
]


def outputs_of(is_right, otherwise="?"):
    """One output per segment: the reference in the documents that are answered right."""
    return [
        {"id": row["id"], "output": row["reference"] if is_right(int(row["document"])) else otherwise} for row in ROWS
    ]


def write_outputs(root, system, test_set, rows):
    toys.submission(root / "submissions" / "toy" / system, {})
    toys.write(root / "submissions" / "toy" / system / "outputs" / f"{test_set}.jsonl", toys.json_lines(rows))


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """`four` has four segments; `flat` and `documents` hold ten documents of four copies each."""
    root = tmp_path_factory.mktemp("compare")
    folder = toys.task(root / "tasks" / "toy", test_sets=("four",), scorer=SCORER, metrics=METRICS)
    tables = "".join(
        f'[[test_sets]]\nid = "{name}"\ngold = "gold.jsonl"\n{more}\n'
        for name, more in (("flat", ""), ("documents", 'block = "document"'))
    )
    toys.write(folder / "task.toml", (folder / "task.toml").read_text("utf-8") + tables)
    toys.write(folder / "gold.jsonl", toys.json_lines(ROWS))
    for system, texts in (("good", toys.PERFECT), ("half", toys.HALF), ("copy", toys.HALF), ("silent", ("-",) * 4)):
        toys.submission(root / "submissions" / "toy" / system, {"four": texts})
    for name in ("flat", "documents"):
        write_outputs(root, "right", name, outputs_of(lambda _: True))
        write_outputs(root, "odd", name, outputs_of(lambda document: document % 2))
        write_outputs(root, "wrong", name, outputs_of(lambda _: False))
    write_outputs(root, "early", "flat", outputs_of(lambda document: document < 4))
    toy = Toy(root)
    done = toy.run("score", "--workers", "1")
    assert (done.code, done.err) == (0, "")
    return toy


def compare(toy, *arguments):
    done = toy.run("compare", *arguments)
    assert (done.code, done.err) == (0, "")
    return done


def row(toy, a, b, test_set, *arguments, metric="accuracy"):
    (found,) = compare(toy, a, b, "--test-set", test_set, "--metric", metric, "--json", *arguments).json
    return found


# --- the numbers ---


def test_a_row_has_these_keys(toy):
    assert row(toy, "good", "half", "four").keys() >= KEYS


def test_values_are_those_of_the_corpus_and_the_difference_is_a_minus_b(toy):
    found = row(toy, "good", "half", "four")
    assert (found["a"], found["b"], found["difference"]) == (1.0, 0.5, 0.5)
    assert (found["n"], found["baseline"], found["test_set"], found["metric"]) == (4, "good", "four", "accuracy")


def test_the_interval_is_that_of_the_resampled_difference(toy):
    """The difference is how many of four draws fall on two of four segments; none does with p = 1/16 > 0.025."""
    found = row(toy, "good", "half", "four")
    assert (found["lo"], found["hi"]) == (0.0, 1.0)


def test_means_and_half_widths_are_those_of_the_resampled_values(toy):
    """`good` is right in every resample. `half` has 2 of 4 on average, its interval is [0, 1]."""
    found = row(toy, "good", "half", "four")
    assert (found["a_mean"], found["a_ci"], found["b_ci"]) == (1.0, 0.0, 0.5)
    assert found["b_mean"] == pytest.approx(0.5, abs=0.03)  # four standard errors of 1000 means


def test_p_by_bootstrap_is_the_share_of_resamples_as_far_from_the_difference_as_that_is_from_zero(toy):
    """Of four draws none or all fall on the two segments: 2 / 16."""
    assert row(toy, "good", "half", "four")["p_bootstrap"] == pytest.approx(2 / 16, abs=0.042)


def test_p_by_randomization_is_the_share_of_swaps_that_differ_as_much(toy):
    """The systems differ in two segments, and differ as much if both coins fall alike: 1 / 2."""
    assert row(toy, "good", "half", "four")["p_randomization"] == pytest.approx(1 / 2, abs=0.02)


def test_where_lower_is_better_the_difference_is_a_minus_b_all_the_same(toy):
    found, accuracy = (row(toy, "good", "half", "four", metric=name) for name in ("errors", "accuracy"))
    assert (found["a"], found["b"], found["difference"]) == (0.0, 0.5, -0.5)
    assert (found["lo"], found["hi"]) == (-1.0, 0.0)
    assert (found["p_bootstrap"], found["p_randomization"]) == (accuracy["p_bootstrap"], accuracy["p_randomization"])


# --- equal, mirrored, hopeless ---


@pytest.mark.parametrize(("a", "b"), [("half", "half"), ("half", "copy"), ("good", "@reference")])
def test_a_system_against_itself_or_a_copy_does_not_differ(toy, a, b):
    found = row(toy, a, b, "four")
    assert (found["difference"], found["lo"], found["hi"]) == (0.0, 0.0, 0.0)
    assert (found["p_bootstrap"], found["p_randomization"]) == (1.0, 1.0)


@pytest.mark.parametrize("metric", ["accuracy", "errors"])
@pytest.mark.parametrize(("a", "b", "test_set"), [("odd", "early", "flat"), ("right", "odd", "documents")])
def test_exchanging_the_systems_mirrors_the_row(toy, a, b, test_set, metric):
    found, mirrored = row(toy, a, b, test_set, metric=metric), row(toy, b, a, test_set, metric=metric)
    assert found["difference"] != 0
    assert mirrored["difference"] == -found["difference"]
    assert (mirrored["lo"], mirrored["hi"]) == (-found["hi"], -found["lo"])
    for one, other in (("a", "b"), ("a_mean", "b_mean"), ("a_ci", "b_ci")):
        assert (mirrored[one], mirrored[other]) == (found[other], found[one])
    assert [mirrored[key] for key in ("p_bootstrap", "p_randomization")] == [
        found[key] for key in ("p_bootstrap", "p_randomization")
    ]
    assert (found["baseline"], mirrored["baseline"]) == (a, b)


@pytest.mark.parametrize(("resamples", "trials"), [(1000, 10_000), (99, 199)])
def test_no_p_is_smaller_than_one_draw_and_a_hopeless_system_has_that(toy, resamples, trials):
    """Right everywhere against wrong everywhere: no resample and (but for 2 in 2^40) no swap changes anything."""
    found = row(toy, "right", "wrong", "flat", "--resamples", str(resamples), "--trials", str(trials))
    assert (found["difference"], found["lo"], found["hi"]) == (1.0, 1.0, 1.0)
    assert found["p_bootstrap"] == pytest.approx(1 / (resamples + 1), rel=1e-12)
    assert found["p_randomization"] == pytest.approx(1 / (trials + 1), rel=1e-12)


def test_systems_that_differ_a_little_are_between_the_extremes(toy):
    """20 and 16 of 40 are right, 12 of them only by one and 8 only by the other.

    The difference has a standard error of sqrt((20 - 16 * 0.1) / 40) / sqrt(40) and steps of 1 / 40.
    """
    found = row(toy, "odd", "early", "flat")
    assert (found["a"], found["b"], found["difference"]) == (0.5, 0.4, pytest.approx(0.1))
    assert found["lo"] < 0 < found["difference"] < found["hi"]
    assert found["p_bootstrap"] == pytest.approx(0.4, abs=0.12)
    assert found["p_randomization"] == pytest.approx(0.5, abs=0.05)  # P(|X - 10| >= 2) for 20 coins: 0.5034


# --- blocks ---


def test_segments_of_a_document_are_resampled_together(toy):
    """The difference is how many of ten draws fall on five documents: P(at most 1) = 1.1 %, P(at most 2) = 5.5 %."""
    found = row(toy, "right", "odd", "documents")
    assert (found["lo"], found["hi"]) == (pytest.approx(0.2), pytest.approx(0.8))
    assert found["n"] == DOCUMENTS * COPIES, "n counts segments, whatever is resampled"


def test_as_if_copies_were_independent_the_interval_is_narrower(toy):
    """Forty draws of one half: 0.5 -+ 1.96 sqrt(0.25 / 40) is 0.345 and 0.655."""
    found = row(toy, "right", "odd", "flat")
    assert (found["lo"], found["hi"]) == (pytest.approx(0.345, abs=0.026), pytest.approx(0.655, abs=0.026))


def test_documents_are_swapped_as_a_whole(toy):
    """Five documents differ, and as much so if five coins fall alike: 2 / 32; of twenty segments: 2 / 2^20."""
    assert row(toy, "right", "odd", "documents")["p_randomization"] == pytest.approx(2 / 32, abs=0.01)
    assert row(toy, "right", "odd", "flat")["p_randomization"] <= 0.001


# --- what cannot be said ---


def test_outputs_that_cannot_be_swapped_have_no_randomization_and_a_reason(toy):
    found, accuracy = (row(toy, "good", "half", "four", metric=name) for name in ("together", "accuracy"))
    assert (found["p_randomization"], found["p_bootstrap"]) == (None, accuracy["p_bootstrap"])
    assert found["reason"]
    assert f"together: {found['reason']}" in compare(toy, "good", "half", "--test-set", "four").out


def test_a_metric_without_intervals_has_values_and_a_reason(toy):
    found = row(toy, "good", "half", "four", metric="plain")
    assert (found["a"], found["b"], found["difference"]) == (1.0, 0.5, 0.5)
    assert {found[key] for key in ("lo", "hi", "a_mean", "a_ci", "p_bootstrap", "p_randomization")} == {None}
    assert found["reason"]


def test_an_undefined_value_is_null_and_a_reason(toy):
    """`silent` answers nothing: its precision is 0 of 0."""
    found = row(toy, "good", "silent", "four", metric="precision")
    assert (found["a"], found["b"], found["difference"], found["p_bootstrap"]) == (1.0, None, None, None)
    assert found["reason"]


def test_an_undefined_value_is_an_empty_cell_of_the_table(toy):
    lines = [line.split() for line in compare(toy, "good", "silent", "--test-set", "four").out.splitlines()]
    assert ["precision", "1.000"] in lines
    assert ["accuracy", "1.000", "0.000", "1.000"] in [found[:4] for found in lines]


# --- chance ---


def test_the_same_seed_gives_the_same_bytes(toy):
    arguments = ("odd", "early", "--test-set", "flat", "--json")
    assert compare(toy, *arguments, "--seed", "7").out == compare(toy, *arguments, "--seed", "7").out


def test_zero_is_a_seed_like_any_other_and_the_default(toy):
    arguments = ("odd", "early", "--test-set", "flat", "--json")
    assert compare(toy, *arguments, "--seed", "0").out == compare(toy, *arguments).out


def test_another_seed_gives_other_p_but_the_same_difference(toy):
    found = [row(toy, "odd", "early", "flat", "--seed", seed) for seed in ("0", "1", "2")]
    assert len({one["difference"] for one in found}) == 1
    for key in ("a_mean", "b_mean", "p_bootstrap", "p_randomization"):
        assert len({one[key] for one in found}) > 1


# --- what is compared ---


def test_every_metric_is_compared_on_every_test_set_that_both_have(toy):
    found = compare(toy, "right", "odd", "--json").json
    assert [(one["test_set"], one["metric"]) for one in found] == [
        (test_set, metric) for test_set in ("flat", "documents") for metric in METRICS
    ]


def test_a_test_set_that_only_one_has_is_left_out(toy):
    assert {one["test_set"] for one in compare(toy, "odd", "early", "--json").json} == {"flat"}


def test_a_system_may_be_named_with_its_task(toy):
    arguments = ("--test-set", "four", "--json")
    assert compare(toy, "toy/good", "toy/half", *arguments).out == compare(toy, "good", "half", *arguments).out


# --- forms ---


def test_the_table_has_one_line_per_metric(toy):
    lines = [line.split() for line in compare(toy, "good", "half", "--test-set", "four").out.splitlines()]
    assert ["accuracy", "1.000", "0.500", "0.500", "[.000,", "1.000]"] in [found[:6] for found in lines]
    assert [found[0] for found in lines if found and found[0] in METRICS] == METRICS


def test_markdown_is_a_table(toy):
    done = compare(toy, "good", "half", "--test-set", "four", "--metric", "accuracy", "--as", "markdown")
    header, rule, line = done.out.splitlines()
    assert header.startswith("| metric | A | B | A - B |")
    assert set(rule) <= set("|-: ")
    assert line.startswith("| accuracy | 1.000 | 0.500 | 0.500 |")


def test_latex_is_a_tabular(toy):
    done = compare(toy, "good", "half", "--test-set", "four", "--metric", "accuracy", "--as", "latex")
    lines = done.out.splitlines()
    assert (lines[0][:15], lines[-1]) == (r"\begin{tabular}", r"\end{tabular}")
    assert any(line.startswith("accuracy & 1.000 & 0.500 & 0.500 &") for line in lines)


# --- the arithmetic of sacrebleu ---

ENGLISH = (
    "The cat sat on the mat near the door.",
    "A dog ran through the old town at night.",
    "It rains, and nobody minds the rain.",
    "We saw two ships leave the harbour.",
    "She wrote a long letter to her friend.",
    "They sold the house last summer.",
)
ONE = (*ENGLISH[:3], "We saw ships leave a harbour.", "She wrote letters to a friend.", "They sold a house in summer.")
OTHER = ("The cat on the mat.", "Dogs ran through town.", *ENGLISH[2:5], "The house is sold.")


@pytest.fixture(scope="module")
def translations(tmp_path_factory):
    root = tmp_path_factory.mktemp("translations")
    folder = toys.task(
        root / "tasks" / "toy", test_sets=("dev",), scorer=None, metrics=["bleu", "chrf2++"], primary="bleu"
    )
    rows = [{"id": str(n), "source": text, "reference": text} for n, text in enumerate(ENGLISH, start=1)]
    toys.write(folder / "data" / "dev.jsonl", toys.json_lines(rows))
    for system, texts in (("one", ONE), ("other", OTHER)):
        toys.submission(root / "submissions" / "toy" / system, {"dev": texts})
    toy = Toy(root)
    assert toy.run("score", "--workers", "1").code == 0
    return toy


def official(metric, test):
    """What sacrebleu gives for `one` (the baseline) and `other`: scores, and the p-value of `other`."""
    from sacrebleu.metrics import BLEU, CHRF
    from sacrebleu.significance import PairedTest

    scorer = BLEU(references=[ENGLISH]) if metric == "bleu" else CHRF(word_order=2, references=[ENGLISH])
    systems = [("one", list(ONE)), ("other", list(OTHER))]
    samples = {"bs": 1000, "ar": 10_000}[test]
    paired = PairedTest(systems, {metric: scorer}, references=None, test_type=test, n_samples=samples)
    results = paired()[1]
    (key,) = set(results) - {"System"}
    return results[key]


@pytest.mark.parametrize("metric", ["bleu", "chrf2++"])
def test_the_arithmetic_of_sacrebleu_gives_its_figures(translations, metric, monkeypatch):
    monkeypatch.delenv("SACREBLEU_SEED", raising=False)
    found = row(translations, "one", "other", "dev", "--arithmetic", "sacrebleu", metric=metric)
    one, other = official(metric, "bs")
    assert (found["a"], found["b"]) == (one.score, other.score)
    assert (found["a_mean"], found["b_mean"]) == (float(one.mean), float(other.mean))
    assert (found["a_ci"], found["b_ci"]) == (float(one.ci), float(other.ci))
    assert found["p_bootstrap"] == other.p_value
    assert found["p_randomization"] == official(metric, "ar")[1].p_value


def test_sacrebleu_has_no_figures_for_other_metrics(toy):
    found = row(toy, "good", "half", "four", "--arithmetic", "sacrebleu")
    assert (found["a"], found["b"], found["difference"]) == (1.0, 0.5, 0.5)
    assert (found["a_mean"], found["p_bootstrap"], found["p_randomization"]) == (None, None, None)
    assert found["reason"]


@pytest.mark.parametrize("metric", ["bleu", "chrf2++"])
def test_exact_arithmetic_gives_the_same_corpus_scores(translations, metric):
    exact, theirs = (
        row(translations, "one", "other", "dev", "--arithmetic", name, metric=metric) for name in ("exact", "sacrebleu")
    )
    assert [exact[key] for key in ("a", "b", "difference")] == [theirs[key] for key in ("a", "b", "difference")]


# --- errors ---


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("good", "haff", "--test-set", "four"), "U017", "'haff'"),
        (("godo", "half", "--test-set", "four"), "U017", "did you mean 'good'?"),
        (("toy/good", "haff"), "U017", "'haff'"),
        (("good", "right"), "U017", "'right'"),
        (("good", "right", "--test-set", "four"), "U017", "'right'"),
        (("good", "half", "--metric", "acuracy"), "U016", "did you mean 'accuracy'?"),
        (("toy/good", "half", "--test-set", "fuor"), "U014", "did you mean 'four'?"),
        (("tyo/good", "half"), "T017", "did you mean 'toy'?"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(toy, arguments, code, words):
    done = toy.run("compare", *arguments)
    assert (done.code, done.out, done.err[:11]) == (2, "", f"error[{code}]")
    assert words in done.err
    assert "  help: " in done.err


@pytest.mark.parametrize("seed", ["0", "abc", "-1"])
def test_a_seed_of_the_environment_that_sacrebleu_cannot_keep_is_refused(seed):
    done = toys.run("compare", "a", "b", "--arithmetic", "sacrebleu", SACREBLEU_SEED=seed)
    assert done.returncode == 2
    assert "error[U019]" in done.stderr
    assert f"seed {seed}" in done.stderr
