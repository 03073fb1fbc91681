"""Systems that speak jsonl, well and badly: python jsonl.py HOW."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time

HOW = sys.argv[1]


def write(content):
    while content:
        content = content[os.write(1, content) :]


def line(message):
    return (json.dumps(message, ensure_ascii=False) + "\n").encode()


def reply(request, **other):
    return line({"id": request["id"], "output": request["source"], **other})


def dies(request):
    sys.stderr.write("out of words\n")
    sys.stderr.flush()
    os._exit(3)


def floods(request):
    while True:
        write(b"x" * 65_536)


def closes_stdout(request):
    os.close(1)
    time.sleep(60)


BADLY = {
    "wrong-id": lambda request: write(reply(request, id="q999")),
    "same-id": lambda request: write(reply(request, id="q0")),
    "two-lines": lambda request: write(2 * reply(request)),
    "half-a-line": lambda request: write(reply(request)[:10]),
    "garbage": lambda _: write(b"translating...\n"),
    "not-utf8": lambda request: write(reply(request).replace(b"one", b"\xff")),
    "early": lambda request: write(reply(request) + reply(request, id="q2")),
    "chatty": lambda request: write(reply(request) + b"\nthank you\n"),
    "ignores": lambda _: None,
    "killed": lambda _: os.kill(os.getpid(), 9),
    "dies": dies,
    "floods": floods,
    "closes-stdout": closes_stdout,
}
FIRST = {"wrong-id": 2, "same-id": 2, "early": 2, "dies": 3, "killed": 3}
"""The first request that is answered badly, where it is not the first of all."""


def load(hello):
    if HOW == "slow-without-banner":
        time.sleep(60)
    if HOW == "dies-loading":
        sys.exit("no model")
    if HOW == "talks-before-it-is-ready":
        write(b"Loading checkpoint shards: 100%\n")
    write(line({"ready": True, "protocol": 2 if HOW == "protocol-2" else 1}))
    if HOW == "talks-after-it-is-ready":
        write(b"ready!\n")


def answer(requests, hello):
    for number, request in enumerate(requests, 1):
        if HOW in BADLY and number >= FIRST.get(HOW, 1):
            BADLY[HOW](request)
        else:
            write(reply(request, **({"output": json.dumps(hello)} if HOW == "hello" else {})))


def answer_at_the_end(requests):
    kept = list(requests)
    for request in kept:
        write(reply(request, output=f"{len(kept)} {request['source']}"))


def answer_backwards(requests):
    while three := list(itertools.islice(requests, 3)):
        for request in reversed(three):
            write(reply(request))


def until_the_end(source):
    for content in iter(source.readline, b""):
        request = json.loads(content)
        if "end" in request:
            return
        yield request


def main():
    source = sys.stdin.buffer
    hello = json.loads(source.readline())
    load(hello)
    requests = until_the_end(source)
    if HOW == "corpus":
        answer_at_the_end(requests)
    elif HOW == "backwards":
        answer_backwards(requests)
    else:
        answer(requests, hello)
    if HOW == "goes-on":
        write(line({"id": "q0", "output": "again"}))
    if HOW == "will-not-end":
        time.sleep(60)


main()
