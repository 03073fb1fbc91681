"""In the warden: guard the program, and end all of it.

Run beside `__main__.py` with `python -I -S`: the standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.warden import entering
else:
    import entering  # it lies beside this file; the package that both belong to is not imported

SETTLE_S = 0.2
"""How long processes may take to follow the main one before they count as left behind."""
LAST_S = 10.0
"""How long what was killed may take to be gone."""
EMPTY_S = 0.5
"""How long the first process inside of bubblewrap may take to reap all others."""
SWEEP_EVERY = 5
"""Rounds of killing one by one before all processes of the user are killed at once."""

_PTRACE_CONT, _PTRACE_GETEVENTMSG, _PTRACE_SEIZE, _PTRACE_LISTEN = 7, 0x4201, 0x4206, 0x4208
_PTRACE_O_TRACEEXIT, _EVENT_EXIT, _EVENT_STOP = 0x40, 6, 128
_WALL = 0x40000000
_OF_SIGNAL = 128  # what shells, and bubblewrap, add to the number of the signal that ended a program


def descendants(pid: int) -> list[int]:
    """The processes below one, from /proc; what forks meanwhile may be missed."""
    found = children(pid)
    for child in found:
        found.extend(children(child))  # the list grows while it is walked
    return found


def children(pid: int) -> list[int]:
    """The children of all threads of a process. Empty if it has ended."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - no pathlib
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as stream:  # noqa: PTH123 - no pathlib
                found += map(int, stream.read().split())
    return found


def lives(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:  # noqa: PTH123 - no pathlib
            return stream.read().rpartition(b") ")[2][:1] not in {b"Z", b"X"}
    except OSError:
        return False


class Warden:
    """One box: its main process, its error output, and the socket to the harness."""

    def __init__(self, plan: dict[str, Any], control: int, harness: int | None) -> None:
        self.plan, self.control, self.harness = plan, control, harness
        self.wake, sink = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(sink, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.output, self.tail = -1, bytearray()
        self.main, self.orphans = 0, 0
        self.status: int | None = None
        self.is_held = self.is_ending = False

    def run(self) -> None:
        """Start, guard and end the box, and say how it went."""
        self.start()
        if not self.main:
            return
        self.guard()
        if self.status is not None:
            self.say({"status": self.status})
            self.orphans = self.settle()
        survivors = self.destroy()
        self.tidy()
        while self.take():
            pass  # nobody writes any more
        tail = bytes(self.tail[-self.plan["stderr"] :])
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        facts = {"orphans": self.orphans, "survivors": survivors, "cpu_s": usage.ru_utime + usage.ru_stime}
        self.say({"end": facts, "status": self.status, "stderr": len(tail)}, tail)

    def start(self) -> None:
        """Start the main process and say its number, or why it cannot be."""
        self.output, output = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(output, True)
        reading, report = os.pipe2(os.O_CLOEXEC)
        warden, stamp = os.getpid(), time.monotonic_ns()
        pid = os.fork()
        if pid == 0:
            try:
                entering.enter(self.plan, output, report, warden)
            except BaseException as error:  # noqa: BLE001 - whatever it is, the harness has to hear of it
                facts = {"fault": str(error), "errno": getattr(error, "errno", None)}
                facts["at_command"] = "is_ready" in self.plan
                os.write(self.plan.get("report", report), json.dumps(facts).encode())
            os._exit(127)
        for descriptor in {output, report, *self.plan["descriptors"].values()}:
            os.close(descriptor)
        if self.plan["is_wrapped"]:
            self._seize(pid)
        fault = os.read(reading, 4096)
        os.close(reading)
        if fault:
            os.waitpid(pid, _WALL)
            self.say(json.loads(fault))
            return
        self.main = pid
        self.say({"pid": pid, "started": stamp})

    def _seize(self, pid: int) -> None:
        """Have bubblewrap stop when it ends: with it ends all that it holds, and we want to count first."""
        with suppress(OSError):  # on a machine without ptrace, what is left behind ends all the same, uncounted
            entering.call("ptrace", _PTRACE_SEIZE, pid, None, ctypes.c_void_p(_PTRACE_O_TRACEEXIT))

    def guard(self) -> None:
        """Wait until the main process or the harness ends, or the harness says so."""
        poller = select.poll()
        for descriptor in (self.control, self.wake, self.output, self.harness):
            if descriptor is not None:
                poller.register(descriptor, select.POLLIN)
        self.reap()
        while self.status is None:
            for descriptor, _ in poller.poll():
                if descriptor in {self.control, self.harness}:
                    return
                if descriptor == self.output and not self.take():
                    poller.unregister(self.output)
                elif descriptor == self.wake:
                    self.reap()

    def reap(self) -> bool:
        """Take note of what ended. Whether there are children left."""
        with suppress(BlockingIOError):
            os.read(self.wake, 4096)
        while True:
            try:
                pid, status, _ = os.wait4(-1, os.WNOHANG | _WALL)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if os.WIFSTOPPED(status):
                self._stopped(pid, status)
            elif pid == self.main and self.status is None:
                self._ended(status)

    def _stopped(self, pid: int, status: int) -> None:
        """Bubblewrap stopped: it is about to end, or got a signal, which it gets now."""
        event = status >> 16
        if event == _EVENT_EXIT and self.status is None:
            message = ctypes.c_ulong(signal.SIGKILL)  # what it is if the stop is over before we can ask
            with suppress(OSError):
                entering.call("ptrace", _PTRACE_GETEVENTMSG, pid, None, ctypes.byref(message))
            self._ended(message.value)
            self.is_held = not self.is_ending
            if self.is_held:
                return
        request = _PTRACE_LISTEN if event == _EVENT_STOP else _PTRACE_CONT
        passed = 0 if event else os.WSTOPSIG(status)
        self._resume(pid, request, passed)

    def _resume(self, pid: int, request: int = _PTRACE_CONT, passed: int = 0) -> None:
        """Let a stopped bubblewrap go on."""
        self.is_held = False
        with suppress(OSError):  # it was killed meanwhile
            entering.call("ptrace", request, pid, None, ctypes.c_void_p(passed))

    def _ended(self, status: int) -> None:
        """The main process ended; bubblewrap says 128 + N for signal N."""
        code = os.waitstatus_to_exitcode(status)
        is_signal = self.plan["is_wrapped"] and _OF_SIGNAL < code < _OF_SIGNAL + signal.NSIG
        self.status = _OF_SIGNAL - code if is_signal else code

    def settle(self) -> int:
        """Processes that outlived the main one, after a short while to follow it."""
        deadline = time.monotonic() + SETTLE_S
        around = set(children(self.main)) | {self.main} if self.is_held else set()
        poller, left = select.poll(), {}
        for pid in set(descendants(os.getpid())) - around:
            try:
                descriptor = os.pidfd_open(pid)
            except OSError:
                continue
            left[descriptor] = pid
            poller.register(descriptor, select.POLLIN)
        while left and (rest := deadline - time.monotonic()) > 0:
            for descriptor, _ in poller.poll(1000 * rest):
                poller.unregister(descriptor)
                os.close(descriptor)
                del left[descriptor]
        count = sum(map(lives, left.values()))
        for descriptor in left:
            os.close(descriptor)
        return count

    def destroy(self) -> int:
        """Kill everything. How many processes are left; 0 is certain, because what loses its parent becomes ours."""
        deadline = time.monotonic() + LAST_S
        if self.plan["is_wrapped"]:
            self._empty()
        self.is_ending = True
        if self.is_held:
            self._resume(self.main)
        rounds = 0
        while self.reap():
            if time.monotonic() > deadline:
                return max(1, len(descendants(os.getpid())))
            rounds += 1
            for pid in descendants(os.getpid()):
                with suppress(OSError):  # it has ended
                    os.kill(pid, signal.SIGKILL)
            if rounds % SWEEP_EVERY == 0 and self.plan["user"] is not None:
                sweep(self.plan["user"])
            select.select([self.wake], [], [], 0.02)  # until one has ended, or to look again
        return 0

    def _empty(self) -> None:
        """Kill what is inside of bubblewrap before its own processes: if those went first, its time would be lost."""
        deadline = time.monotonic() + EMPTY_S
        around = {self.main, *children(self.main)}
        while time.monotonic() < deadline and (inside := set(descendants(self.main)) - around):
            for pid in inside:
                with suppress(OSError):  # it has ended
                    os.kill(pid, signal.SIGKILL)
            select.select([self.wake], [], [], 0.002)
            self.reap()

    def tidy(self) -> None:
        """Remove the temporary folder, and end what lives outside of our tree (a container)."""
        if self.plan["farewell"]:
            pid = os.posix_spawnp(self.plan["farewell"][0], self.plan["farewell"], self.plan["environment"])
            if not select.select([os.pidfd_open(pid)], [], [], LAST_S)[0]:
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if self.plan["scratch"]:
            import shutil

            shutil.rmtree(self.plan["scratch"], ignore_errors=True)

    def take(self) -> bool:
        """Read one piece of error output, and keep the end of all. False at its end, or if there is none now.

        One piece, because a program that writes faster than we read shall not keep us from ending it.
        """
        try:
            chunk = os.read(self.output, 65536)
        except BlockingIOError:
            return False
        self.tail += chunk
        if len(self.tail) > 2 * self.plan["stderr"]:
            del self.tail[: -self.plan["stderr"]]
        return bool(chunk)

    def say(self, message: dict[str, Any], content: bytes = b"") -> None:
        """One message to the harness, if it is still there."""
        left = memoryview(json.dumps(message).encode() + b"\n" + content)
        try:
            while left:
                left = left[os.write(self.control, left) :]
        except OSError as error:
            if error.errno not in {errno.EPIPE, errno.ECONNRESET}:
                raise


def sweep(user: int) -> None:
    """Kill all processes of a user that is ours alone, at once: what forks meanwhile does not escape."""
    pid = os.fork()
    if pid == 0:
        os.setresuid(user, user, user)
        try:
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
