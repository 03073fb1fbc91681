"""Train Proteno on rows {"source": [token, …], "reference": [reading, …]}, one JSON object a line."""

# ruff: noqa: T201 - a script prints

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from proteno import model
from proteno.taggers import TAGGERS

EXAMPLE = "example:\n  python train.py en ../../../tasks/text_normalization/data/en-train.jsonl"


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("language", metavar="LANGUAGE", help="a file of proteno/languages without .toml")
    parser.add_argument("gold", metavar="GOLD", type=Path, help="the training rows")
    parser.add_argument("--tagger", choices=TAGGERS, default="crf", help="default: crf; the others need torch")
    parser.add_argument("--core", action="store_true", help="with the smaller set of predefined classes only")
    parser.add_argument("--keep-marks", action="store_true", help="learn marks that are silent as marks that stay")
    parser.add_argument("--model", type=Path, metavar="DIR", help="where to write (default: model/LANGUAGE)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the tagger, its value in JSON"
    )
    return parser.parse_args()


def main() -> None:
    """Train and write the model."""
    chosen = arguments()
    rows = [json.loads(line) for line in chosen.gold.read_text("utf-8").split("\n") if line]
    settings = {name: json.loads(value) for name, _, value in (one.partition("=") for one in chosen.set)}
    trained = model.train(
        chosen.language,
        [row["source"] for row in rows],
        [row["reference"] for row in rows],
        tagger=chosen.tagger,
        core=chosen.core,
        keep_marks=chosen.keep_marks,
        **settings,
    )
    folder = chosen.model or Path(__file__).with_name("model") / chosen.language
    trained.save(folder)
    counts = trained.counts
    print(f"{len(rows)} sentences, {counts['predefined']} predefined classes and {counts['generated']} generated ones")
    print(f"{counts['kept']} of these are kept; written to {folder}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        sys.exit(f"error: {error}")
