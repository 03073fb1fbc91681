"""Leaves a process behind, in a session of its own, that ignores every signal it can: python orphan.py MARK."""

from __future__ import annotations

import os
import signal
import sys
import time

from trade import reply, requests, translate, write


def leave():
    """Fork twice, so that the grandchild has no parent and no group that anybody knows."""
    if os.fork():
        os.wait()
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for descriptor in range(3):
        os.close(descriptor)
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


leave()
for _, identifier, text in requests():
    write(reply(identifier, translate(text)))
print("bye", sys.argv[1:], file=sys.stderr)  # noqa: T201 - the end of an honest face
