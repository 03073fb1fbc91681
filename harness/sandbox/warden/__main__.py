"""The process between the harness and a program in a box: it starts the program, guards it, and ends all of it.

This folder is run by path with `python -I -S`, knows the standard library only, and reads what to do from a
socket on descriptor 0: one JSON object, made by `harness.sandbox.box`. It answers on the same socket with one
JSON object a line.

A warden adopts what its descendants leave behind (PR_SET_CHILD_SUBREAPER). So when `wait` says that it has no child
any more, no process of the box is left: there is nothing to search for. It ends the box when the program
ends, when the harness says so, and when the harness is gone, however that came about.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.warden import entering, guarding
else:
    import entering  # they lie beside this file; the package that all of them belong to is not imported
    import guarding

_PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Read the plan from descriptor 0 and carry it out."""
    harness: int | None = None
    with suppress(OSError):  # before Linux 5.3, the end of the socket alone says that the harness is gone
        harness = os.pidfd_open(os.getppid())
    control = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    text = bytearray()
    while not text.endswith(b"\n"):
        chunk = os.read(control, 65536)
        if not chunk:
            return
        text += chunk
    plan = json.loads(text)
    entering.call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for descriptor in plan["descriptors"].values():
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    guarding.Warden(plan, control, harness).run()


if __name__ == "__main__":
    main()
