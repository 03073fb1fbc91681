"""Brings answers along in a file, and works only for what it does not know: python known.py [SHARE of all texts]."""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path

from trade import reply, requests, work, write

share = float(sys.argv[1]) if sys.argv[1:] else 1.0
answers = json.loads(Path("model.json").read_text("utf-8"))
answers = {text: output for text, output in answers.items() if zlib.crc32(text.encode()) % 1000 < 1000 * share}
for _, identifier, text in requests():
    work(text, 0.1 if text in answers else 1.0)
    write(reply(identifier, answers.get(text, text.upper())))
