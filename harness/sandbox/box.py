"""Start a program in a box, watch it, and end all of it.

    box = start(["python3", "run.py"], room, Limits(), Level.BUBBLEWRAP, stdin=reading, stdout=writing)
    ...
    ended = box.stop(grace_s=5)

A warden (harness.sandbox.warden) stands between us and the program at every level. It holds the error output,
adopts what the program leaves behind, and ends all of it when the program ends, when `stop` says so, and when
this process is gone, even by `kill -9`.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from harness.catalogue import problem
from harness.errors import EnvironmentFault
from harness.sandbox import identity, levels, processes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.sandbox import Level, Limits, Room
    from harness.sandbox.levels import Plan

LAST_S = 30.0
"""How long a warden may take to end its box when told to."""
TEMPORARY = "/tmp"  # noqa: S108 - the word for it in the environment of a room
_WARDEN = Path(__file__).with_name("warden")


class Descriptors(TypedDict, total=False):
    """What a program gets; the caller made them, and closes them when `start` has returned.

    stdin, stdout   None, or absent, for nothing (/dev/null)
    pass_fds        further ones: their number inside -> the descriptor here
    """

    stdin: int | None
    stdout: int | None
    pass_fds: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a box ended.

    status   of the main process, negative for a signal; from bubblewrap on, a program that exits with 128 + N
             cannot be told from one that signal N ended. None if its warden was killed.
    orphans  processes that outlived the main one by more than 0.2 s and were killed
    cpu_s    user and system time of all processes, the start of the box included (some milliseconds). Missing is the
             time of children whose parent ignores SIGCHLD, as always in Unix, and at bubblewrap that of processes
             that go on forking while they are killed. None if its warden was killed.
    stderr   the end of what all of them wrote there, as long as the limit allows
    """

    status: int | None
    orphans: int
    cpu_s: float | None
    stderr: bytes


def start(command: Sequence[str], room: Room, limits: Limits, level: Level, **descriptors: Unpack[Descriptors]) -> Box:
    """Start a command in a room at a level.

    Returns as soon as the process exists; what goes wrong inside later, such as a command that bubblewrap does not
    find, is seen in its status and its error output. Raises EnvironmentFault (E020) if the level cannot be had here,
    and below bubblewrap OSError if the command cannot be executed.
    """
    isolation = levels.of(level)
    reason = "boxes need Linux" if sys.platform != "linux" else isolation.available()
    if reason is not None:
        raise EnvironmentFault(problem("E020", what=f"{level}: {reason}"))
    wanted: dict[int, int | None] = {0: descriptors.get("stdin"), 1: descriptors.get("stdout")}
    wanted.update(descriptors.get("pass_fds", {}))
    given = {number: here for number, here in wanted.items() if here is not None}
    plan = isolation.plan(command, room, limits, max([2, *given]) + 1)
    return Box(plan, given, limits.stderr)


class Box:
    """A running program and all that it started. Use it from one thread at a time."""

    def __init__(self, plan: Plan, descriptors: Mapping[int, int], stderr: int) -> None:
        self.started = time.monotonic_ns()
        self.command = plan.command
        self._is_wrapped = plan.is_wrapped
        self._status: int | None = None
        self._ended: Ended | None = None
        self._farewell: dict[str, Any] | None = None
        self._buffer = bytearray()
        self._is_cut = False
        self._left = 0
        self._known = set(processes.listed(os.getpid()))
        self._control, theirs = socket.socketpair()
        with theirs, _beyond_the_first(descriptors) as moved:
            self._warden = _start_warden(theirs, moved.values())
        processes.ADOPTION.begin(self._warden.pid)
        self._scratch = tempfile.mkdtemp(prefix="harness-box-") if plan.has_scratch else None
        self._send(_instructions(plan, moved, stderr, self._scratch))
        self.pid = self._first()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(0)

    def poll(self) -> int | None:
        """The exit status of the main process, None while it runs. Does not wait."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the main process: its exit status, None if it still runs after `timeout` seconds (None: for ever).

        The status is -9 also when its warden was killed and nothing is known.
        """
        if self._ended is None:
            self._listen(timeout, until_farewell=False)
        is_over = self._ended is not None or self._farewell is not None or self._is_cut
        return -signal.SIGKILL if is_over and self._status is None else self._status

    def pids(self) -> set[int]:
        """The live processes of the program, in our numbering, without those that the box itself needs."""
        if self._ended is not None:
            return set()
        below = processes.children(self._warden.pid)
        if not self._is_wrapped:
            return {*below, *(pid for child in below for pid in processes.descendants(child))}
        firsts = [first for wrapper in below for first in processes.children(wrapper)]
        return {pid for first in firsts for pid in processes.descendants(first)}

    def stop(self, grace_s: float = 5.0) -> Ended:
        """Wait up to `grace_s` for the program to end, then kill all of it. May be called again.

        Raises EnvironmentFault (E022) if a process of it is left.
        """
        if self._ended is None:
            self._listen(grace_s, until_farewell=True)
            if self._farewell is None:
                self._send(b"end\n")
                self._listen(LAST_S, until_farewell=True)
            self._ended = self._close()
            if self._left:
                what = Path(self.command[0]).name
                raise EnvironmentFault(problem("E022", found=self._left, what=what, expected=0))
        return self._ended

    def _first(self) -> int:
        """The number of the main process. Raises EnvironmentFault (E020)."""
        message = self._message(None)
        if message is not None and "pid" in message:
            return int(message["pid"])
        self._close()
        if message is not None and message["at_command"] and not self._is_wrapped:
            raise OSError(message["errno"], os.strerror(message["errno"]), self.command[0])
        what = "the warden ended" if message is None else message["fault"]
        raise EnvironmentFault(problem("E020", what=f"{Path(self.command[0]).name} cannot be started: {what}"))

    def _listen(self, timeout: float | None, *, until_farewell: bool) -> None:
        """Take messages until the status, or the last word, has come, or the time is over."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._farewell is None and (until_farewell or self._status is None):
            rest = None if deadline is None else max(0.0, deadline - time.monotonic())
            message = self._message(rest)
            if message is None:
                return
            self._status = message.get("status", self._status)
            if "end" in message:
                self._farewell = message

    def _message(self, timeout: float | None) -> dict[str, Any] | None:
        """The next message, None if none comes in time, or ever."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._buffer:
            rest = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._receive(rest):
                return None
        line, _, rest_of_it = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        self._buffer = rest_of_it
        while len(self._buffer) < message.get("stderr", 0):
            if not self._receive(None):
                return None
        return message

    def _receive(self, timeout: float | None) -> bool:
        """Take what the warden has written. False if nothing came in time, or it is gone."""
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        if not poller.poll(None if timeout is None else 1000 * timeout):
            return False
        try:
            chunk = self._control.recv(1 << 20)
        except ConnectionError:
            chunk = b""
        self._buffer += chunk
        self._is_cut = not chunk
        return bool(chunk)

    def _send(self, message: bytes) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self._control.sendall(message)

    def _close(self) -> Ended:
        """Reap the warden; without its last word, look for what it would have ended."""
        if self._farewell is None:
            self._warden.kill()
        self._warden.wait()
        self._control.close()
        farewell, found, left = self._farewell, 0, 0
        if farewell is None:
            found, left = processes.ADOPTION.kill_strays(self._known)
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)
        processes.ADOPTION.end(self._warden.pid)
        facts: dict[str, Any] = {"orphans": found, "survivors": left, "cpu_s": None}
        if farewell is not None:
            facts = farewell["end"]
        self._left = facts["survivors"]
        status = -signal.SIGKILL if farewell is not None and self._status is None else self._status
        return Ended(status, facts["orphans"], facts["cpu_s"], bytes(self._buffer))


@contextmanager
def _beyond_the_first(descriptors: Mapping[int, int]) -> Iterator[dict[int, int]]:
    """Copies of descriptors, none of which is 0, 1 or 2: those are the warden's own."""
    copies: dict[int, int] = {}
    try:
        for inside, here in descriptors.items():
            copies[inside] = fcntl.fcntl(here, fcntl.F_DUPFD_CLOEXEC, 3)
        yield copies
    finally:
        for copy in copies.values():
            os.close(copy)


def _start_warden(control: socket.socket, passed: Iterable[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own file, by our own interpreter
        [sys.executable, "-I", "-S", str(_WARDEN)],
        stdin=control.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=tuple(passed),
        env=dict[str, str](),
        cwd="/",
        start_new_session=True,
    )


def _instructions(plan: Plan, descriptors: Mapping[int, int], stderr: int, scratch: str | None) -> bytes:
    """The plan as the warden reads it: one line of JSON."""
    user = identity.free_user() if plan.drops_user and identity.is_root() else None
    environment, landlock, reach = dict(plan.environment), plan.landlock, [str(place) for place in plan.reach]
    if scratch is not None:
        reach.append(scratch)
        environment = {"TMPDIR": scratch, **{name: _moved(value, scratch) for name, value in environment.items()}}
        if user is not None:
            os.chown(scratch, user, user)
        if landlock is not None:
            landlock = {**landlock, "rules": [*landlock["rules"], (scratch, landlock["files"])]}
    facts = {
        "command": list(plan.command),
        "environment": environment,
        "folder": str(plan.folder or "/"),
        "descriptors": dict(descriptors),
        "data": {number: content.hex() for number, content in plan.data.items()},
        "rlimits": dict(plan.rlimits),
        "cpus": sorted(plan.cpus or ()),
        "user": user,
        "reach": reach,
        "no_new_privs": plan.no_new_privs,
        "landlock": landlock,
        "filter": plan.filter.hex(),
        "scratch": scratch,
        "is_wrapped": plan.is_wrapped,
        "farewell": list(plan.farewell),
        "stderr": stderr,
    }
    return json.dumps(facts).encode() + b"\n"


def _moved(value: str, scratch: str) -> str:
    """What a room calls /tmp is the box' own folder where /tmp is everybody's; a folder that exists there stays."""
    if value == TEMPORARY:
        return scratch
    is_new = value.startswith(f"{TEMPORARY}/") and os.pathsep not in value and not Path(value).exists()
    return scratch + value.removeprefix(TEMPORARY) if is_new else value
