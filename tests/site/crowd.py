"""Records of many systems, made up: for tests and benches of size."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

from harness.records import (
    COMPARISON_SCHEMA,
    SCHEMA,
    TIMING_SCHEMA,
    Comparison,
    Interval,
    Isolation,
    Pair,
    Provenance,
    Quantity,
    Ranked,
    Result,
    Score,
    Timing,
)
from harness.site.site import Records

METRICS = ("quality", "bleu", "chrf2++", "ter", "term-success", "length-ratio", "coverage", "f1")
STEP = 9301


def records(systems: int, tasks: int) -> Records:
    """Every system on one test set of every task, compared with its neighbours, a tenth of them timed."""
    results, comparisons, timings = [], [], []
    for task in range(tasks):
        own = [result(f"task-{task}", number, systems) for number in range(systems)]
        results += own
        comparisons.append(comparison(own))
        timings += [timing(one, number) for number, one in enumerate(own) if number % 10 == 0]
    return Records(results=results, comparisons=comparisons, timings=timings)


def result(task: str, number: int, systems: int) -> Result:
    """One system; its values are spread over the range, no two alike."""
    values = [((number * STEP + 7 * n) % (10 * systems)) / (10 * systems) for n in range(len(METRICS))]
    scores = [
        Score(
            metric=metric,
            value=value,
            unit="fraction",
            n=1000,
            signature=f"{metric}|v:1",
            method="percentile|resamples:1000|seed:0|level:0.95",
            interval=Interval(lo=value - 0.01, hi=value + 0.01),
        )
        for metric, value in zip(METRICS, values, strict=True)
    ]
    digest = sha256(f"{task} {number}".encode()).hexdigest()
    origin = Provenance(
        gold="a1" * 32,
        manifest=digest,
        outputs=digest,
        task_version="1.0.0",
        harness="0.1.0",
        python="3.11",
        packages={"numpy": "2.4.6"},
    )
    return Result(
        schema=SCHEMA,
        task=task,
        test_set="test",
        collection="crowd",
        system=f"system-{number}",
        name=f"System {number}",
        team=f"team-{number // 3}",
        kind="primary",
        segments=1000,
        scores=scores,
        notices={},
        provenance=origin,
        primary=METRICS[0],
        tags={"source_language": "en", "target_language": "de"},
    )


def comparison(results: list[Result]) -> Comparison:
    """All of them by the primary metric, as records keep it of many: pairs of neighbours only."""
    order = sorted(results, key=lambda one: (-(one.scores[0].value or 0.0), one.system))
    ranked = [
        Ranked(system=one.system, value=one.scores[0].value or 0.0, rank_lo=n, rank_hi=n + 4, cluster=1 + n // 5)
        for n, one in enumerate(order, 1)
    ]
    pairs = [
        Pair(a=a.system, b=b.system, difference=a.value - b.value, lo=0.0, hi=0.1, p=0.04, p_holm=0.2)
        for a, b in pairwise(ranked)
    ]
    return Comparison(
        schema=COMPARISON_SCHEMA,
        task=results[0].task,
        test_set="test",
        metric=METRICS[0],
        unit="fraction",
        best="higher",
        segments=1000,
        blocks=1000,
        gold="a1" * 32,
        outputs={one.system: one.provenance.outputs for one in results},
        task_version="1.0.0",
        signature=f"{METRICS[0]}|v:1",
        method="paired-bootstrap|resamples:1000|seed:0|level:0.95|alpha:0.05|holm:student-tails",
        systems=ranked,
        pairs=pairs,
    )


def timing(one: Result, number: int) -> Timing:
    """A timing; systems with greater numbers are slower."""
    speed = 10_000 / (1 + number)
    numbers = (("latency-p50", "s", 1 / speed), ("throughput", "requests/s", speed), ("load", "s", 1.5))
    return Timing(
        schema=TIMING_SCHEMA,
        task=one.task,
        test_set=one.test_set,
        system=one.system,
        name=one.name,
        team=one.team,
        kind=one.kind,
        backend="cpu1",
        scenario="offline",
        quick=False,
        protocol="jsonl",
        unit="segment",
        flags=[],
        quantities=[Quantity(name=name, unit=unit, value=v, lo=v * 0.9, hi=v * 1.1, n=9) for name, unit, v in numbers],
        latencies=[[1]],
        isolation=Isolation(level="L3", selftest="d4" * 32, gaps=[]),
        machine_id="0123456789abcdef",
        env_id="fedcba9876543210",
        machine={"cpu": "Imaginary CPU"},
        processes=3,
        blocks=40,
        rejected=0,
        decoys=0,
        seed=7,
        gold="a1" * 32,
        submission="e5" * 32,
        outputs=one.provenance.outputs,
        harness="0.1.0",
    )
