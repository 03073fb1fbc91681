"""Where a system is started, and how it ended."""

from __future__ import annotations

import inspect
import signal
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.errors import printable
from harness.sandbox import Level, box
from harness.timing import Ending, SystemFault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from harness.sandbox import Limits, Room
    from harness.sandbox.box import Box

ENDING_S = 1.0
"""How long a system whose output ended may take to end itself before the fault is reported."""

_OURS = frozenset(["PATH", "PYTHONPATH", "HOME"])


@dataclass(frozen=True, kw_only=True)
class Place:
    """Room, limits and level of a system; `python` is what the word `python` in a command means.

    `starter` starts a program as `harness.sandbox.box.start` does.
    """

    room: Room
    limits: Limits
    level: Level
    python: str
    starter: Callable[..., Box] = box.start

    def start(
        self,
        command: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        pass_fds: Mapping[int, int] | None = None,
    ) -> Box:
        """Start a command here; `pass_fds` says which of our descriptors it finds under which number.

        Raises SystemFault (X013) if the machine refuses.
        """
        words = [self.python, *command[1:]] if command[0] == "python" else list(command)
        try:
            return self.starter(
                words, self.room, self.limits, self.level, stdin=stdin, stdout=stdout, pass_fds=pass_fds or {}
            )
        except OSError as error:
            raise SystemFault("X013", what=f"{printable(words[0])}: {error.strerror or error}") from None
        except ValueError as error:  # a zero byte, or an image without a digest
            raise SystemFault("X013", what=printable(str(error))) from None

    def running(self, module: ModuleType, *arguments: str) -> list[str]:
        """A command for a module of ours that needs the standard library alone.

        Its source is an argument, so nothing of the harness has to be seen in the room.
        """
        return [self.python, "-I", "-S", "-c", inspect.getsource(module), *arguments]

    def inside(self) -> Place:
        """The same for a container's image, which brings its own programs: none of ours, nor where to find them."""
        kept = {key: value for key, value in self.room.environment.items() if key not in _OURS}
        room = replace(self.room, environment=kept, readable=(), masked=())
        return replace(self, room=room, level=max(self.level, Level.CONTAINER))


def how_it_ended(started: Box | None) -> str:
    """Why its output ended, in words."""
    status = None if started is None else started.wait(ENDING_S)
    if status is None:
        return "it closed its output and went on"
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {-status}, {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"


def ending_of(started: Box | None, grace_s: float) -> Ending:
    """Stop a program. Never raises for what it did."""
    if started is None:
        return Ending(None, 0, None, b"")
    ended = started.stop(grace_s)
    return Ending(ended.status, ended.orphans, ended.cpu_s, ended.stderr)
