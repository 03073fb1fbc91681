"""The null system: an echo in the harness' own protocols, to find what driving a system costs by itself.

    python nulls.py lines|jsonl

What it measures is a floor under every latency: two pipes, two changes between processes, and the driver. Nothing
is subtracted from anything; whoever reads a latency is told the floor beside it. The echo for jsonl does not parse:
it relies on how the harness writes a request, so what a system spends on JSON is not in the floor.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from harness.timing.kinds.place import Place

CHUNK = 1 << 16
READY = b'{"ready":true,"protocol":1}\n'
LOAD_S, ANSWER_S = 60.0, 10.0
WARM_UP = 100
"""Requests before those that count."""


class Floor(NamedTuple):
    """Latency of the null system: median and 99th percentile by inverted CDF (ns), and over how many requests."""

    p50_ns: int
    p99_ns: int
    n: int


def floor(protocol: str, place: Place, n: int = 2000, size: int = 100) -> Floor:
    """Ask the null system in lock-step, in the place of the system that is timed.

    `protocol` is "lines", or anything else for jsonl; `size` is the length of a source. Raises SystemFault.
    """
    from harness.timing import Asked
    from harness.timing.kinds.streaming import Streaming
    from harness.timing.wire import JsonLines, Lines

    name = "lines" if protocol == "lines" else "jsonl"
    wire = Lines() if name == "lines" else JsonLines()
    system = Streaming(place.running(sys.modules[__name__], name), wire, place)
    try:
        system.start()
        system.load(LOAD_S)
        replies = [system.ask(Asked(f"{number:016x}", "x" * size), ANSWER_S) for number in range(WARM_UP + n)]
    finally:
        system.stop()
    latencies = sorted(replied.received - replied.sent for replied in replies[WARM_UP:])
    return Floor(latencies[-(-n // 2) - 1], latencies[-(-n * 99 // 100) - 1], n)


def echo_lines() -> None:
    """Every byte comes back."""
    while chunk := os.read(0, CHUNK):
        _write(chunk)


def echo_jsonl() -> None:
    """Every request comes back with its source as the output."""
    held = os.read(0, CHUNK)
    while b"\n" not in held:
        held += os.read(0, CHUNK)
    held = held[held.index(b"\n") + 1 :]
    _write(READY)
    while chunk := os.read(0, CHUNK):
        *lines, held = (held + chunk).split(b"\n")
        _write(
            b"".join(line.replace(b',"source":', b',"output":', 1) + b"\n" for line in lines if line[:6] != b'{"end"')
        )


def _write(content: bytes) -> None:
    while content:
        content = content[os.write(1, content) :]


if __name__ == "__main__":
    {"lines": echo_lines, "jsonl": echo_jsonl}[sys.argv[1]]()
