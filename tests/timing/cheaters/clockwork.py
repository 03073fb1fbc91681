"""Does exactly what it is told, and writes down what that was by its own clocks.

python clockwork.py work FILE NS [LOAD_S]   busy for so long with every request; in FILE, ns for each of them
python clockwork.py burn FILE COUNT KIND    so many threads or processes never rest; in FILE, CPU seconds of all
python clockwork.py hold FILE MB MORE       so much memory, and more in a forked child; in FILE, bytes before
python clockwork.py swell FILE MB           so much memory while it loads, and none later
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import sys
import threading
import time
from pathlib import Path

from trade import reply, requests, write

HOW, FILE, *WORDS = sys.argv[1:]
MB = 1_000_000


def note(*facts):
    """Leave the facts where the test finds them."""
    Path(FILE).write_text(" ".join(map(str, facts)), "ascii")


def answer():
    """Sleep instead of working."""
    for _, identifier, text in requests():
        time.sleep(0.002)
        write(reply(identifier, text.upper()))


def work(nanoseconds, load_s="0"):
    """The clock runs from the line that was read to the line that will be written."""
    wanted, spent = int(nanoseconds), []
    time.sleep(float(load_s))
    sys.stdin.buffer.readline()
    write('{"ready": true, "protocol": 1}\n')
    while line := sys.stdin.buffer.readline():
        began = time.monotonic_ns()
        request = json.loads(line)
        if "id" not in request:
            break
        line = reply(request["id"], request["source"].upper())
        while (now := time.monotonic_ns()) - began < wanted:
            pass
        spent.append(now - began)
        write(line)
    note(*spent)


def burn(count, kind):
    """Threads work where Python lets them, in a hash of a large text."""
    text, tally = b"x" * MB, mmap.mmap(-1, 8 * int(count))

    def burner(number):
        while True:
            hashlib.sha256(text)
            used = time.process_time_ns() if kind == "processes" else 0
            tally[8 * number : 8 * number + 8] = used.to_bytes(8, "little")

    children = []
    for number in range(int(count)):
        if kind == "threads":
            threading.Thread(target=burner, args=[number], daemon=True).start()
        elif pid := os.fork():
            children.append(pid)
        else:
            burner(number)
    began = time.monotonic()
    answer()
    used = (
        time.process_time() + sum(int.from_bytes(tally[at : at + 8], "little") for at in range(0, len(tally), 8)) / 1e9
    )
    note(used, time.monotonic() - began)
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def resident():
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * mmap.PAGESIZE


def hold(megabytes, more):
    """The child shares what the parent holds."""
    note(resident())
    held = bytearray(b"x") * (int(megabytes) * MB)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        own = bytearray(b"y") * (int(more) * MB)
        os.write(writing, b"!")
        while own:
            time.sleep(1)
    os.read(reading, 1)
    answer()
    os.kill(child, 9)
    os.waitpid(child, 0)
    del held


def swell(megabytes):
    """Held for as long as some samples take."""
    held = bytearray(b"x") * (int(megabytes) * MB)
    time.sleep(0.5)
    note(len(held))
    del held
    answer()


{"work": work, "burn": burn, "hold": hold, "swell": swell}[HOW](*WORDS)
