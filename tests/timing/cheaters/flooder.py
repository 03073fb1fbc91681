"""Drowns the harness in a reply that does not end, and in errors."""

from __future__ import annotations

import sys
import threading

from trade import HONEST, reply, requests, translate, write


def complain():
    """Errors without end."""
    while True:
        sys.stderr.write("x" * 65_536)


for number, identifier, text in requests():
    if number > HONEST:
        threading.Thread(target=complain, daemon=True).start()
        while True:
            write("x" * 65_536)
    write(reply(identifier, translate(text)))
