"""The bundled reference systems are folders of their own: tests import them from there."""

from __future__ import annotations

from pathlib import Path

import pytest

SUBMISSIONS = Path(__file__).resolve().parents[2] / "submissions"


@pytest.fixture(scope="session")
def proteno():
    """The folder of Proteno; its package can be imported."""
    folder = SUBMISSIONS / "text-normalization" / "proteno"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder
