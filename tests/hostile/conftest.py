"""The tiny workspace, good until a test spoils it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .toy import Toy, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    """A workspace with a good task and a good submission."""
    made = make(tmp_path)
    with made.stack:
        yield made
