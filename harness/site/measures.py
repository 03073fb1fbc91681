"""What the numbers of a timing are called, and what they mean: words for the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN = "run"
"""The scenario that makes the outputs; it is watched and not timed."""
PHASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Load", ("load",)),
    ("First output", ("first-output",)),
    (
        "Steady",
        (
            "latency-p50",
            "latency-p90",
            "latency-p99",
            "server-rate",
            "throughput",
            "throughput-ratio",
            "throughput-characters",
            "throughput-words",
        ),
    ),
    ("Whole", ("end-to-end", "fixed-cost", "cpu-seconds", "threads", "energy", "peak-memory", "model-size")),
    ("Harness", ("driver-floor-p50", "driver-floor-p99")),
)
"""The quantities in the order of a process' life; what is not named here comes with `Whole`."""
SCALED = frozenset({"s", "bytes"})
"""Units that are shown in a size that fits each number."""
MEANINGS: Mapping[str, tuple[str, str, str]] = {
    "load": ("Load", "from the start of a process until it says that it is ready", "a cold disk: files are cached"),
    "first-output": ("First output", "the first request, until its answer", "part of the throughput"),
    "latency-p50": ("Latency, median", "half of the requests are answered within", "the latency of other texts"),
    "latency-p90": ("Latency, 90th", "nine in ten requests are answered within", "the latency of other texts"),
    "latency-p99": ("Latency, 99th", "99 in 100 requests are answered within", "the latency of other texts"),
    "server-rate": (
        "Server rate",
        "requests that arrive at random, 99 % answered within 200 ms",
        "throughput",
    ),
    "throughput": (
        "Throughput",
        "requests per second; its interval lies between processes",
        "comparable between tasks",
    ),
    "throughput-ratio": ("Ratio", "requests per unit of a reference workload beside it", "a speed of its own"),
    "throughput-characters": ("Characters", "characters of the sources per second", "output speed"),
    "throughput-words": ("Words", "words of the sources per second", "output speed"),
    "end-to-end": ("End to end", "load and one pass over all requests", "reduced by anything"),
    "fixed-cost": ("Fixed cost", "what a command for files takes before its first request", "part of the throughput"),
    "cpu-seconds": ("Processor time", "of the whole process tree", "the time on the wall"),
    "threads": ("Threads", "the most at a time, of the whole process tree", "processors"),
    "energy": ("Energy", "of the whole package or card, idling included", "the system's share"),
    "peak-memory": (
        "Peak memory",
        "of the whole process tree, in the run that was not timed",
        "a sum that counts shared pages twice",
    ),
    "model-size": ("Model size", "bytes of the files under model, each once", "the size of an image"),
    "driver-floor-p50": ("Driver, median", "the harness asking an echo of its own", "subtracted from anything"),
    "driver-floor-p99": ("Driver, 99th", "the same, 99 times in 100", "subtracted from anything"),
}
"""Each quantity: its name in a table, what it is, what it is not."""
SCENARIOS = {
    "latency": "one request, its answer, the next",
    "offline": "all requests at once",
    "server": "arrivals at random, whether or not earlier ones were answered",
    RUN: "every request once; this made the outputs that were scored, and nothing of it is a speed",
}
BACKENDS = {"cpu1": "one processor", "cpuN": "all processors of the machine", "cuda": "one NVIDIA card"}
LEVELS = {
    "L0": "nothing",
    "L1": "limits, an own session and user, an empty environment",
    "L2": "L1 and no files but its own, no network, a filter of system calls",
    "L3": "namespaces of its own for files, processes and network, and the filter",
    "L4": "a container without network and privileges",
    "L5": "a container in a kernel of its own",
}
"""How a system is kept apart."""


def title_of(name: str) -> str:
    """A quantity in words; one that is not known here by its own name."""
    return MEANINGS[name][0] if name in MEANINGS else name.replace("-", " ").capitalize()
