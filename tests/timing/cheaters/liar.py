"""Answers requests that were not asked: python liar.py wrong|twice. The second time an answer would cost nothing."""

from __future__ import annotations

import sys

from trade import HONEST, reply, requests, translate, write

before = ("", "")
for number, identifier, text in requests():
    if number <= HONEST:
        before = identifier, translate(text)
        write(reply(*before))
    elif sys.argv[1] == "wrong":
        write(reply("f" * 16, text.upper()))
    else:
        write(reply(*before))
