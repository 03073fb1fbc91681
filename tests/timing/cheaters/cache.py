"""Remembers what it was asked, and answers it at once when it comes again: python cache.py [SHARE of all texts]."""

from __future__ import annotations

import sys
import zlib

from trade import reply, requests, translate, work, write

share = float(sys.argv[1]) if sys.argv[1:] else 1.0
known = {}
for _, identifier, text in requests():
    if text in known:
        work(text, 0.1)
    elif zlib.crc32(text.encode()) % 1000 < 1000 * share:
        known[text] = translate(text)
    write(reply(identifier, known.get(text) or translate(text)))
