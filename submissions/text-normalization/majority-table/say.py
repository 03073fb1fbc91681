"""Majority per token: each token is said as it was most often in training, whatever stands beside it.

`table.json` is what `train.py` counted. A token that is not in it stays as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.system import serve

if TYPE_CHECKING:
    from collections.abc import Mapping


class Majority:
    """A table of readings for one language."""

    def __init__(self) -> None:
        self.readings: Mapping[str, str] = {}

    def prepare(self, hello: Mapping[str, Any]) -> None:
        """Load the table; KeyError for a language that was not trained."""
        table = json.loads(Path(__file__).with_name("table.json").read_text("utf-8"))
        self.readings = table[hello["tags"]["language"]]

    def say(self, request: Mapping[str, Any]) -> list[str]:
        """One reading per token."""
        return [self.readings.get(token, token) for token in request["source"]]


if __name__ == "__main__":
    majority = Majority()
    serve(majority.say, majority.prepare)
