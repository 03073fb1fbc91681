"""Uses every processor of the machine where it was given one: python hog.py threads|processes."""

from __future__ import annotations

import os
import sys

from trade import reply, requests, translate, write


def burn():
    """Leave, and never rest. A machine's highest number is not known here: the kernel takes those that there are."""
    try:
        os.sched_setaffinity(0, range(1024))
    except PermissionError:
        sys.stderr.write("not permitted\n")
    while True:
        pass


helpers = []
for _ in range(3):
    child = os.fork()
    if not child:
        burn()
    helpers.append(child)
for _, identifier, text in requests():
    write(reply(identifier, translate(text)))
for child in helpers:
    os.kill(child, 9)
    os.waitpid(child, 0)
