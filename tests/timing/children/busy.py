"""Works for a known time on every line, by its own clock, and says at the end how long that was: python busy.py NS."""

from __future__ import annotations

import os
import sys
import time

wanted, spent = int(sys.argv[1]), []
while os.read(0, 65_536):
    began = time.monotonic_ns()
    while (now := time.monotonic_ns()) - began < wanted:
        pass
    spent.append(now - began)
    os.write(1, b"done\n")
sys.stderr.write(" ".join(map(str, spent)))
