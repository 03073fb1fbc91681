"""Answers at once and works afterwards, in a thread, where nobody waits for it."""

from __future__ import annotations

import queue
import sys
import threading

from trade import reply, requests, work, write


def catch_up():
    """Do what was put off."""
    while True:
        work(debts.get())


sys.setswitchinterval(0.000_1)  # so that the next answer does not wait for the work
debts = queue.SimpleQueue()
threading.Thread(target=catch_up, daemon=True).start()
for _, identifier, text in requests():
    debts.put(text)
    write(reply(identifier, text.upper()))
