"""The project ships only what it wrote: no file of the parity data is in it, or ever was."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

pytestmark = pytest.mark.parity


def blob_id(content: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def test_no_file_of_the_data_is_in_the_history(repository, parity_root):
    command = ["git", "-c", "safe.directory=*", "rev-list", "--objects", "HEAD"]
    listing = subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True).stdout
    ours = dict(line.partition(" ")[::2] for line in listing.split("\n"))
    data = [path for path in (parity_root / "data").rglob("*") if path.is_file()]
    assert data, "there is something to compare with"
    assert "pyproject.toml" in ours.values(), "and something to compare"
    assert {ours[name]: str(path) for path in data if (name := blob_id(path.read_bytes())) in ours} == {}
