"""Inside a box: make every attack in a process of its own, and say on stdout, one JSON object a line, how it ended."""

from __future__ import annotations

import errno
import json
import os
import resource
import select
import signal
import sys
from typing import TYPE_CHECKING, Any

from harness.sandbox.attacks import ATTACKS
from harness.sandbox.attacks.calls import Denied, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.attacks.calls import Bait

PATIENCE_S = 10.0
_ABSENT = frozenset({errno.ENOSYS, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.ENODEV})
"""Errors that say that the kernel does not know what was asked for."""


def attempt(attack: Callable[[Bait], str], bait: Bait) -> tuple[str, str]:
    """Make one attack here: a verdict (succeeded, denied, unsupported), and why."""
    try:
        return "succeeded", attack(bait)
    except Unsupported as error:
        return "unsupported", str(error)
    except Denied as error:
        return "denied", str(error)
    except (OSError, MemoryError) as error:
        is_absent = isinstance(error, OSError) and error.errno in _ABSENT
        return "unsupported" if is_absent else "denied", str(error) or type(error).__name__


def apart(attack: Callable[[Bait], str], bait: Bait) -> dict[str, Any]:
    """Make one attack in a process of its own.

    One that ends without an answer was stopped; one that hangs is unclear.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.setpgid(0, 0)
        os.write(writing, json.dumps(attempt(attack, bait)).encode())
        os._exit(0)
    os.close(writing)
    is_answered = bool(select.select([reading], [], [], PATIENCE_S)[0])
    answer = os.read(reading, 1 << 16) if is_answered else b""
    os.close(reading)
    if not is_answered:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if answer:
        verdict, detail = json.loads(answer)
    elif is_answered:
        verdict, detail = "denied", f"its process ended with status {status}"
    else:
        verdict, detail = "unclear", f"no answer within {PATIENCE_S:g} s"
    return {"name": attack.__name__, "verdict": verdict, "detail": detail}


def main() -> None:
    """Read the bait from stdin and make all attacks."""
    bait = json.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # some attacks crash where nothing stops them
    for attack in ATTACKS:
        sys.stdout.write(json.dumps(apart(attack, bait)) + "\n")
        sys.stdout.flush()
