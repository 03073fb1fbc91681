"""Drowns the harness in a reply that does not end, and in errors: python flooder.py."""

from __future__ import annotations

import sys
import threading

from trade import HONEST, reply, requests, translate, write


def complain():
    """Errors without end."""
    while True:
        sys.stderr.write("x" * 65_536)


for number, identifier, text in requests():
    write(reply(identifier, translate(text)))
    if number == HONEST:
        threading.Thread(target=complain, daemon=True).start()
    while number > HONEST:
        write("x" * 65_536)
