"""What `harness --help` costs in CPU time, beside the bare interpreter and `sacrebleu --help`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROUNDS = 7
COMMANDS = {
    "python": ["-c", "pass"],
    "harness --help": ["-m", "harness", "--help"],
    "sacrebleu --help": ["-m", "sacrebleu", "--help"],
}


def cpu_seconds(arguments):
    """User and system time of one child."""
    path = os.pathsep.join([str(Path(harness.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.bench
def test_start_up():
    times = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            times[name].append(cpu_seconds(arguments))
    medians = {name: statistics.median(found) for name, found in times.items()}
    own = medians["harness --help"]
    print()  # noqa: T201 - the numbers are what this is run for
    for name, median in medians.items():
        print(f"{name:20} {1000 * median:6.0f} ms CPU, harness --help is {own / median:.2f} times that")  # noqa: T201
