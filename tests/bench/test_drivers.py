"""What driving a system costs, beside a driver in C that does nothing else.

Lock-step: the median time of one request of 100 bytes, against two C programs over the same kind of pipes; both sides
in turn, and the median of their ratios. Where both run on one processor nothing but the drivers differs; between two
processors most of the time is that of waking the other one. Bulk: lines a second, stamped by chunk.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness import system
from harness.timing import Asked, nulls
from harness.timing.drivers import Lockstep, Stream, blocks_of
from harness.timing.wire import JsonLines, Lines

SOURCE = Path(__file__).resolve().parents[1] / "timing" / "children" / "echo.c"
ROUNDS, REQUESTS, SIZE = 7, 3000, 100
LINES = 1_000_000
SERVED = "import runpy, sys; serve = runpy.run_path(sys.argv[1])['serve']; serve(lambda request: request['source'])"
"""A participant's program with `harness.system`."""


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    if (compiler := shutil.which("cc")) is None or not hasattr(os, "sched_setaffinity"):
        pytest.skip("no C compiler (cc), or processes cannot be pinned here")
    made = tmp_path_factory.mktemp("echo") / "echo"
    subprocess.run([compiler, "-O2", "-o", made, SOURCE], check=True)
    return str(made)


@contextmanager
def child(*command, on=None):
    """Our ends of the pipes of a program, which runs on one processor or on any."""
    source, write_fd = os.pipe()
    read_fd, sink = os.pipe()
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, here if on is None else {on})
    process = subprocess.Popen(command, stdin=source, stdout=sink)
    os.sched_setaffinity(0, here)
    os.close(source)
    os.close(sink)
    yield write_fd, read_fd
    os.close(write_fd)
    os.close(read_fd)
    process.wait()


@contextmanager
def staying(processor):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})
    yield
    os.sched_setaffinity(0, before)


def pair(echo, here, there):
    command = [echo, "pair", str(REQUESTS), str(SIZE), str(here), str(there)]
    done = subprocess.run(command, check=True, capture_output=True)
    return statistics.median(map(int, done.stdout.split()))


def driven(command, wire, here, there):
    """The median of the driver's stamps; encoding lies outside of them."""
    found = []
    with staying(here), child(*command, on=there) as descriptors:
        driver = Lockstep(*descriptors)
        if wire.has_banner:
            driver.exchange(wire.hello(), 30)
        for number in range(REQUESTS):
            sent, received, _ = driver.exchange(wire.encode(Asked(f"{number:x}", "x" * (SIZE - 1))), 30)
            found.append(received - sent)
    return statistics.median(found)


@pytest.mark.bench
def test_lockstep(echo):
    null = [sys.executable, "-I", nulls.__file__]
    sides = {
        "C echo": ([echo, "block"], Lines),
        "null system, lines": ([*null, "lines"], Lines),
        "null system, jsonl": ([*null, "jsonl"], JsonLines),
        "harness.system.serve": ([sys.executable, "-c", SERVED, system.__file__], JsonLines),
    }
    processors = sorted(os.sched_getaffinity(0))
    print()  # noqa: T201 - the numbers are what this is run for
    for here, there in sorted({(processors[0], processors[0]), (processors[0], processors[-1])}):
        rounds = [
            {"two C programs": pair(echo, here, there)}
            | {name: driven(command, wire(), here, there) for name, (command, wire) in sides.items()}
            for _ in range(ROUNDS)
        ]
        where = "one processor " if here == there else "two processors"
        for name in rounds[0]:
            found = statistics.median(one[name] for one in rounds)
            ratio = statistics.median(one[name] / one["two C programs"] for one in rounds)
            print(f"{where} {name:21} p50 {found / 1000:5.1f} us, {ratio:4.2f} times two C programs")  # noqa: T201


@pytest.mark.bench
def test_bulk(echo):
    block = (b"x" * (SIZE - 1) + b"\n") * (65_536 // SIZE)
    print()  # noqa: T201
    for how in ("block", "line"):
        rates = []
        for _ in range(3):
            used = time.process_time()
            with child(echo, how) as descriptors:
                stream = Stream(*descriptors)
                stream.pour_bytes(block, LINES * SIZE // len(block), 120)
            rates.append((rate(stream), time.process_time() - used))
        print(said(f"bytes, C echo by {how}", *max(rates)))  # noqa: T201


@pytest.mark.bench
def test_bulk_requests(echo):
    null = [sys.executable, "-I", nulls.__file__]
    print()  # noqa: T201
    for command, wire in (([*null, "lines"], Lines()), ([*null, "jsonl"], JsonLines())):
        used = time.process_time()
        with child(*command) as descriptors:
            stream = Stream(*descriptors, lambda lines, *_: [wire.decode(line) for line in lines])  # noqa: B023
            if wire.has_banner:
                Lockstep(*descriptors).exchange(wire.hello(), 30)
            requests = (wire.encode(Asked(f"{number:x}", "x" * SIZE)) for number in range(LINES // 5))
            stream.run(blocks_of(requests), LINES // 5, 120)
        print(said(f"requests, null system, {command[-1]}", rate(stream), time.process_time() - used))  # noqa: T201


def rate(stream):
    return stream.answered * 1e9 / (stream.last - stream.first)


def said(what, lines_a_second, used_s):
    return f"{what:30} {lines_a_second / 1e6:5.2f} million lines/s, driver {1000 * used_s:4.0f} ms of CPU"
