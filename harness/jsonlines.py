"""JSON Lines of somebody's archive: every object, or every reason why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import InvalidInput
from harness.strictjson import Refused, parse
from harness.textio import Findings, open_beneath, read_lines

if TYPE_CHECKING:
    from pathlib import Path


def read_objects(root: Path, path: Path, command: str) -> tuple[list[dict[str, Any]] | None, Findings]:
    """The objects of a file below `root`, one a line, and what was found while reading.

    None if one line cannot be read: the findings say which and why, and name `command` as the one to
    run once it is mended. A file that is no regular one is a finding like any other, so that it stops
    no other file of an archive.
    """
    findings = Findings(str(path), command)
    objects: list[dict[str, Any]] = []
    try:
        with open_beneath(root, path.relative_to(root).as_posix()) as stream:
            for number, text in read_lines(stream, findings):
                if text is not None:
                    objects += _object(text, number, findings)
    except InvalidInput as error:
        findings.problems += error.problems
    return None if findings.problems else objects, findings


def _object(text: str, number: int, findings: Findings) -> list[dict[str, Any]]:
    try:
        value = parse(text)
    except Refused as refused:
        findings.add(refused.code, number, **refused.facts)
        return []
    if not isinstance(value, dict):
        findings.add("G020", number, what="a row is a JSON object")
        return []
    return [value]
