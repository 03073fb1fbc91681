"""What a box costs: the start of `true`, and a round trip with a child that echoes, bare and in bubblewrap."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import pytest

from harness.sandbox import Level, Limits, Room, rooms
from harness.sandbox.box import start

STARTS = 30
BLOCKS = 20
ROUNDS = 2000
LINE = b'{"id":"q1","source":"hello"}\n'
ECHO = "import os\nwhile line := os.read(0, 65536): os.write(1, line)"


@pytest.fixture
def room(tmp_path):
    folder = tmp_path / "submission"
    folder.mkdir(mode=0o755)
    readable, masked = rooms.runtime()
    return Room(folder=folder, environment={"PATH": "/usr/bin:/bin"}, readable=readable, masked=masked)


def milliseconds(once):
    times = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        once()
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


class Echo:
    """A child that sends back every line."""

    def __init__(self, begin):
        theirs_in, self.sink = os.pipe()
        self.source, theirs_out = os.pipe()
        self.child = begin([sys.executable, "-I", "-S", "-c", ECHO], theirs_in, theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        self.block(100)  # until it has started

    def block(self, rounds=ROUNDS):
        """Times of round trips in microseconds."""
        times = []
        for _ in range(rounds):
            begun = time.perf_counter_ns()
            os.write(self.sink, LINE)
            os.read(self.source, 65536)
            times.append((time.perf_counter_ns() - begun) / 1000)
        return times

    def close(self):
        os.close(self.sink)
        os.close(self.source)


@pytest.mark.bench
@pytest.mark.sandbox
def test_start_up(room):
    def bare():
        subprocess.run(["true"], env={}, check=True)  # noqa: S607 - any

    def boxed(level):
        with start(["true"], room, Limits(), level) as box:
            assert box.stop(10).status == 0

    base = milliseconds(bare)
    print(f"\n{'true, bare':20} {base:6.1f} ms")  # noqa: T201 - the numbers are what this is run for
    for level in (Level.NONE, Level.LIMITS, Level.LANDLOCK, Level.BUBBLEWRAP):
        found = milliseconds(lambda level=level: boxed(level))
        print(f"{f'true, {level}':20} {found:6.1f} ms, {found - base:+.1f} ms")  # noqa: T201 - as above


@pytest.mark.bench
@pytest.mark.sandbox
def test_round_trip(room):
    """A child in a session of its own is a group of its own to the scheduler, which costs more than the sandbox."""

    def bare(command, stdin, stdout):
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, env={})

    def apart(command, stdin, stdout):
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, env={}, start_new_session=True)

    def boxed(command, stdin, stdout):
        return start(command, room, Limits(), Level.BUBBLEWRAP, stdin=stdin, stdout=stdout)

    echoes = {"bare": Echo(bare), "bare, own session": Echo(apart), "L3": Echo(boxed)}
    medians = {name: [] for name in echoes}
    for _ in range(BLOCKS):  # in turns, so that whatever else the machine does hits all of them
        for name, echo in echoes.items():
            medians[name].append(statistics.median(echo.block()))
    for echo in echoes.values():
        echo.close()
        echo.child.wait()
    echoes["L3"].child.stop(5)
    print()  # noqa: T201 - the numbers are what this is run for
    for name, found in medians.items():
        difference = statistics.median(b - a for a, b in zip(medians["bare"], found, strict=True))
        print(f"round trip p50, {name:18} {statistics.median(found):.2f} us, {difference:+.2f} us")  # noqa: T201 - as above
