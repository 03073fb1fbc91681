"""Where the small systems of these tests run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import harness
from harness.sandbox import Level, Limits, Room
from harness.timing.kinds.place import Place

CHILDREN = Path(__file__).parent / "children"


def place(level=Level.NONE, *, ours=True):
    """The folder of the children as a room, with the harness or without."""
    package = Path(harness.__file__).parent
    room = Room(
        folder=CHILDREN,
        environment={"PATH": os.environ["PATH"]} | ({"PYTHONPATH": str(package.parent)} if ours else {}),
        readable=tuple({Path(sys.prefix), Path(sys.base_prefix), *([package] if ours else [])}),
    )
    return Place(room=room, limits=Limits(), level=level, python=sys.executable)
