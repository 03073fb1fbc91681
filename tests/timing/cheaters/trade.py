"""The trade that cheaters pretend to: a text in capitals for 1 ms and 20 us a character of busy work."""

from __future__ import annotations

import json
import sys
import time

HONEST = 120
"""For so many requests whoever waits to cheat is honest: the run that is scored asks fewer."""


def work(text, share=1.0):
    """Keep a processor busy for as long as the text takes."""
    until = time.monotonic() + share * (0.001 + 0.000_02 * len(text))
    while time.monotonic() < until:
        pass


def translate(text):
    """Honest work."""
    work(text)
    return text.upper()


def write(content):
    """Say something at once."""
    sys.stdout.write(content)
    sys.stdout.flush()


def reply(identifier, output):
    """One reply as a line."""
    return json.dumps({"id": identifier, "output": output}) + "\n"


def requests():
    """Be ready, then take one request after the other, numbered from 1."""
    sys.stdin.readline()
    write('{"ready": true, "protocol": 1}\n')
    for number, line in enumerate(sys.stdin, start=1):
        request = json.loads(line)
        if "id" not in request:
            return
        yield number, request["id"], request["source"]
