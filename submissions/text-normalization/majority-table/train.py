"""Make the table of `say.py`: the most frequent reading of each token, by language.

    python train.py en=…/en-train.jsonl es=…/es-train.jsonl

Each argument names a language and a file of gold rows as JSON Lines, `source` and `reference` token by token. Of
readings that are equally frequent the first seen wins. Tokens that stay as they are need no entry. The table is
written to `table.json` beside this file.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path


def majority(gold: Path) -> dict[str, str]:
    """By token: its most frequent reading, where that is not the token itself."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with gold.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for token, reading in zip(row["source"], row["reference"], strict=True):
                counts[token][reading] += 1
    best = {token: max(readings, key=readings.__getitem__) for token, readings in counts.items()}
    return {token: reading for token, reading in sorted(best.items()) if reading != token}


def main() -> None:
    """Write the table for all languages that were given."""
    named = (argument.split("=", 1) for argument in sys.argv[1:])
    table = {language: majority(Path(gold)) for language, gold in named}
    text = json.dumps(table, ensure_ascii=False, indent=1)
    Path(__file__).with_name("table.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
