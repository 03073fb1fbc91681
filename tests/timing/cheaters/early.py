"""Answers the next request before it has come. Plain lines carry no ids that it would have to guess."""

from __future__ import annotations

import sys

from trade import HONEST, translate, write

for number, line in enumerate(sys.stdin, start=1):
    write(translate(line))
    if number > HONEST:
        write("MORNING\n")
