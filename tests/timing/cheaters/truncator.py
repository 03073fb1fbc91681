"""Translates all of a text until its outputs have been taken, then half of it, in half of the time."""

from __future__ import annotations

from trade import HONEST, reply, requests, translate, write

for number, identifier, text in requests():
    write(reply(identifier, translate(text[: len(text) // 2] if number > HONEST else text)))
