"""Small results for the tests of the site; every fact that a test is about is an argument."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.records import REFERENCE, SCHEMA, Interval, Provenance, Result, Score

if TYPE_CHECKING:
    from collections.abc import Mapping

METHOD = "percentile|resamples:1000|seed:0|level:0.95"
BLEU_SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"


def score(metric: str = "term_success", value: float | None = 0.8, **facts: Any) -> Score:
    """A fraction with an interval and its counts, unless `facts` say otherwise."""
    known: dict[str, Any] = {"unit": "fraction", "n": 958, "signature": f"{metric}|v:1", "method": METHOD}
    if value is not None:
        half = 0.012345678901 if facts.get("unit", "fraction") == "fraction" else 1.2345678901
        known["interval"] = Interval(lo=value - half, hi=value + half)
    if metric == "term_success":
        known["numerator"] = 0 if value is None else round(value * 958)
    return Score(metric=metric, value=value, **{**known, **facts})


def scores(primary: float | None, bleu: float | None = 31.25) -> list[Score]:
    """The primary metric and BLEU, in the order of a task's manifest."""
    reason = None if primary is not None else "undefined: 0 of 0"
    points = score("bleu", bleu, unit="points", signature=BLEU_SIGNATURE)
    return [score(value=primary, reason=reason), points]


def result(system: str = "alpha", primary: float | None = 0.8, **facts: Any) -> Result:
    """One record; `facts` replace fields of `Result`."""
    known: dict[str, Any] = {
        "schema": SCHEMA,
        "task": "terminology",
        "test_set": "en-de",
        "collection": "wmt25",
        "system": system,
        "name": system.title(),
        "team": "team-a",
        "kind": "primary",
        "segments": 500,
        "scores": scores(primary),
        "notices": {},
        "provenance": provenance(),
        "primary": "term_success",
        "tags": {"source_language": "en", "target_language": "de", "mode": "proper"},
    }
    return Result(**{**known, **facts})


def reference(**facts: Any) -> Result:
    """The ceiling row."""
    return result(REFERENCE, 1.0, name="Reference", team=REFERENCE, kind="ceiling", **facts)


def provenance(packages: Mapping[str, str] | None = None) -> Provenance:
    """Digests that look like digests."""
    versions = {"numpy": "2.4.6", "sacrebleu": "2.6.0"} if packages is None else dict(packages)
    return Provenance(
        gold="a1" * 32,
        manifest="b2" * 32,
        outputs="c3" * 32,
        task_version="1.0.0",
        harness="0.1.0",
        python="3.11",
        packages=versions,
    )


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The factories: tests are modules without a package, so they cannot import them."""
    return SimpleNamespace(score=score, scores=scores, result=result, reference=reference)
