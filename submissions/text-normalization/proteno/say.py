"""Proteno as a system that runs: one reading for each token.

    python say.py [FOLDER]

FOLDER holds a model for each language, `en`, `es` …; without it, `model` beside this file. Which language is asked
for, the first message says.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proteno import model

from harness.system import serve

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reader:
    """A trained model, once it is known for which language."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.model: model.Model | None = None

    def prepare(self, hello: Mapping[str, Any]) -> None:
        """Load the model; OSError for a language that was not trained."""
        self.model = model.load(self.models / hello["tags"]["language"])

    def say(self, request: Mapping[str, Any]) -> list[str]:
        """One reading per token."""
        if self.model is None:
            raise RuntimeError("asked before it was prepared")
        return self.model.say(request["source"])


if __name__ == "__main__":
    reader = Reader(Path(*sys.argv[1:2]) if sys.argv[1:] else Path(__file__).with_name("model"))
    serve(reader.say, reader.prepare)
