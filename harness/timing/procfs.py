"""Read what Linux tells in /proc and /sys. Every root can be replaced, so that tests bring their own tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def text(path: Path) -> str | None:
    """The content of one of the kernel's files; None where it is absent, refused, or its process has ended."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


def number(path: Path) -> int | None:
    """The integer that a file holds, None where there is none."""
    try:
        return int(text(path) or "")
    except ValueError:
        return None


def tasks(root: Path, pid: int) -> list[Path]:
    """The folders of a process' threads; none if it has ended."""
    try:
        return list((root / "proc" / str(pid) / "task").iterdir())
    except OSError:
        return []


def field(content: str, key: str) -> str | None:
    """The value in the line `key: value` of a table such as /proc/PID/status."""
    for line in content.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == key:
            return value.strip()
    return None


def processors(listed: str) -> frozenset[int]:
    """The numbers in a list as the kernel writes it: `0-3,8` is 0, 1, 2, 3 and 8."""
    found: set[int] = set()
    for part in filter(None, listed.strip().split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)
