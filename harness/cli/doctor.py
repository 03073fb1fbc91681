"""`harness doctor`: what this machine is, and how far programs can be kept apart on it."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING, Any

from harness.cli import terminal
from harness.errors import ExitCode

if TYPE_CHECKING:
    import argparse

    from harness.sandbox import Level
    from harness.sandbox.selftest import SelfTest

SUMMARY = "say what this machine can do: sandboxes, tried out, and backends"
EPILOG = """\
Every level of isolation is tried by making the attacks that it claims to deny, on bait that is laid out for
them: an installed sandbox is not a working one. Exit code 6 if systems of strangers cannot be run here.

examples:
  harness doctor
  harness doctor --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the verb: there are none of its own."""


def run(arguments: argparse.Namespace) -> ExitCode:
    """Examine the machine. Exit code 6 if no level works that strangers need."""
    from harness.sandbox import TRUSTED_FROM, Level
    from harness.sandbox.selftest import CANDIDATES, test

    tested = {level: test(level) for level in sorted(CANDIDATES)}
    rows = [_of_level(level, tested.get(level)) for level in Level]
    best = max((level for level, found in tested.items() if found.passed), default=Level.NONE)
    gaps = next(row["gaps"] for row in rows if row["level"] == str(best))
    facts = {**_machine(), "best": str(best), "gaps": gaps, "levels": rows, "backends": backends()}
    if arguments.json:
        terminal.say_json(facts)
    else:
        _show(facts)
    return ExitCode.GOOD if best >= TRUSTED_FROM else ExitCode.ENVIRONMENT


def backends() -> list[dict[str, Any]]:
    """One row per backend: whether systems can be timed there, and what the machine does not tell about noise."""
    from harness.timing.backends import backends as known

    rows = []
    for backend in known().values():
        reason = backend.missing()
        unseen = [] if reason else list(backend.unseen)
        rows.append({"id": backend.name, "works": reason is None, "reason": reason, "unseen": unseen})
    return rows


def _machine() -> dict[str, Any]:
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return {
        "python": f"{platform.python_version()} ({sys.executable})",
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processors": usable,
    }


def _of_level(level: Level, tested: SelfTest | None) -> dict[str, Any]:
    """What is known of a level: tried out, or only whether it might work (containers need an image)."""
    from harness.sandbox import Level as Known
    from harness.sandbox import levels

    isolation = levels.of(level)
    facts = {"level": str(level), "name": level.name.lower(), "gaps": list(isolation.gaps)}
    if tested is None:
        reason = isolation.available()
        works = False if reason else None if level >= Known.CONTAINER else True
        return {**facts, "works": works, "denied": None, "attacks": None, "reason": reason}
    return {
        **facts,
        "works": tested.passed,
        "denied": tested.denied,
        "attacks": len(tested.probes),
        "reason": tested.reason or None,
    }


def _show(facts: dict[str, Any]) -> None:
    for name in ("python", "machine", "processors"):
        terminal.say(f"{name:11} {facts[name]}")
    words = {True: "works", False: "no", None: "not tried"}
    table = [
        [row["level"], row["name"], words[row["works"]], row["reason"] or "", _count(row)] for row in facts["levels"]
    ]
    terminal.table("isolation", ["level", "name", "", "why not", "attacks denied"], table, text_columns=4)
    for row in facts["backends"]:
        terminal.say(f"backend {row['id']}: {row['reason'] or '; '.join(['works', *row['unseen']])}")
    terminal.say(f"the best level that works here is {facts['best']}; it does not close this:")
    for gap in facts["gaps"]:
        terminal.say(f"  - {gap}")


def _count(row: dict[str, Any]) -> str:
    return f"{row['denied']} of {row['attacks']}" if row["attacks"] else ""
