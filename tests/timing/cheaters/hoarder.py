"""Answers into a buffer of its own and never flushes it, which is no cheat but the commonest mistake."""

from __future__ import annotations

import sys

from trade import reply, requests, translate

hoard = open(1, "w", encoding="utf-8", buffering=1 << 20, closefd=False)  # noqa: SIM115 - a descriptor
for _, identifier, text in requests():
    hoard.write(reply(identifier, translate(text)))
    sys.stdout.flush()  # which holds nothing
