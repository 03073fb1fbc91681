"""What the benches print becomes docs/benchmarks.md: `tox -e bench` on a quiet machine.

Every test prints what it measured. With HARNESS_UPDATE=1 the page is written anew from these lines, under
the first sentence of the module that printed them.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Written by `tox -e bench` from its own output. Ratios are of CPU time, both sides in one process and in turn;
absolute times are those of one machine ({machine}) and of nothing else.
"""
_printed: dict[str, list[str]] = {}


@pytest.fixture(autouse=True)
def _collected(request, capsys):
    yield
    said = capsys.readouterr().out
    with capsys.disabled():
        print(said, end="")  # noqa: T201 - a bench is read
    _printed.setdefault(request.module.__doc__, []).append(said.strip("\n"))


def pytest_sessionfinish(exitstatus):
    """Write the page, if all of it was measured."""
    if os.environ.get("HARNESS_UPDATE") == "1" and exitstatus == 0 and _printed:
        machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
        parts = [HEAD.format(machine=machine)]
        for doc, said in _printed.items():
            title, _, rest = doc.partition("\n\n")
            body = "\n".join(said)
            shown = body if body.startswith("|") else f"```text\n{body}\n```"
            parts.append(f"## {' '.join(title.split()).rstrip('.')}\n\n{' '.join(rest.split())}\n\n{shown}\n")
        PAGE.write_text("\n".join(parts), "utf-8")
