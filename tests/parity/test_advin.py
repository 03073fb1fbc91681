"""ADVIN without a model on real queries: BANKING77, a quarter of its intents known, imported and scored by commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.parity, pytest.mark.slow]

TEST_SET = "banking-kir25-seed0"
PUBLISHED = {"AG": 31.62, "KM": 28.62}
"""Accuracy of agglomerative clustering and of k-means on GloVe with the true number of clusters (Zhang et al. 2021)."""


def harness(*words, cwd):
    command = [sys.executable, "-m", "harness", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=cwd, env=os.environ)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def values(parity_root, repository, tmp_path_factory):
    """The metrics of ADVIN, by their names."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    root = tmp_path_factory.mktemp("banking")
    (source,) = (parity_root / "data" / "thuiar" / "TEXTOIR").glob("*/data")
    harness("import", "textoir", source, "--workspace", root, cwd=root)
    system = "submissions/intent-discovery/advin"
    shutil.copytree(repository / system, root / system)
    selection = f"intent-discovery/advin/{TEST_SET}"
    found = json.loads(harness("score", selection, "--workspace", root, "--json", cwd=root))
    (result,) = [result for result in found["results"] if result["test_set"] == TEST_SET]
    return {score["metric"]: score["value"] for score in result["scores"]}


def test_it_is_above_the_published_baselines_that_are_told_the_number_of_intents(values):
    assert 100 * values["acc"] > max(PUBLISHED.values())


def test_the_number_of_clusters_is_within_a_factor_of_one_and_a_half(values):
    assert 77 / 1.5 <= values["k"] <= 77 * 1.5


def test_known_intents_are_told_from_new_ones(values):
    """Above what says "new" always: 58 of 77 intents are new, F1 0.859."""
    assert values["f1-open"] > 0.859
    assert values["f1-known"] > 0.5
