"""A command for files: python batch.py HOW PAIR BATCH < requests > replies."""

from __future__ import annotations

import sys
import time

how, pair, size = sys.argv[1:]
if how == "hangs":
    time.sleep(60)
lines = sys.stdin.buffer.read().split(b"\n")[:-1]
if how == "fails":
    sys.exit("no model for " + pair)
if how == "drops-one":
    del lines[1]
for line in lines:
    sys.stdout.buffer.write(pair.encode() + b" " + size.encode() + b" " + line + b"\n")
