"""Systems that hide nothing, each with habits of its own: python honest.py constant|length|lognormal|batches|pauses."""

from __future__ import annotations

import json
import os
import random
import sys
import time

from trade import reply, requests, translate, write


def busy(seconds):
    """Keep a processor busy."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def costs(number, how):
    """Seconds of work beside the length of the text."""
    if how == "lognormal":
        return 0.002 * random.lognormvariate(0.0, 0.5)
    return 0.02 if how == "pauses" and number % 40 == 0 else 0.002  # now and then it collects garbage


def in_batches():
    """Take whatever waits at once, and answer the last first."""
    held, is_over = os.read(0, 65_536), False
    while b"\n" not in held:
        held += os.read(0, 65_536)
    held = held.partition(b"\n")[2]
    write('{"ready": true, "protocol": 1}\n')
    while not is_over:
        chunk = os.read(0, 65_536)
        *lines, held = (held + chunk).split(b"\n")
        asked = [json.loads(line) for line in lines]
        is_over = not chunk or any("id" not in request for request in asked)
        batch = [request for request in asked if "id" in request]
        busy(0.001 * bool(batch) + 0.000_5 * len(batch))
        write("".join(reply(request["id"], request["source"].upper()) for request in reversed(batch)))


if sys.argv[1] == "batches":
    in_batches()
else:
    for number, identifier, text in requests():
        if sys.argv[1] == "length":
            output = translate(text)
        else:
            busy(costs(number, sys.argv[1]))
            output = text.upper()
        write(reply(identifier, output))
