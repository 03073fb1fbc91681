"""Functions for the protocol `callable`."""

from __future__ import annotations

import os


def upper(request):
    print("a line on stdout, which is no reply")  # noqa: T201 - that is the point
    os.write(1, b"and one past Python\n")
    return request["source"].upper()


def echo(request):
    return request["source"]


def count(requests):
    print("corpus", len(requests))  # noqa: T201
    return [f"{len(requests)} {request['source']}" for request in requests]


def fails(request):
    message = f"no word for {request['source']}"
    raise KeyError(message)


def short(requests):
    return [request["source"] for request in requests[1:]]


class Counter:
    def __init__(self):
        self.seen = 0

    def __call__(self, request):
        self.seen += 1
        return f"{self.seen} {request['source']}"
