"""A command for files, as in WMT25: `COMMAND PAIR BATCH < requests > replies`. It has a wall time and nothing finer."""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING

from harness.timing import REPLY_BYTES, Ending, Replied, SystemFault
from harness.timing.kinds.place import ending_of, how_it_ended
from harness.timing.wire import Lines, broken, text_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from harness.sandbox.box import Box
    from harness.timing import Asked
    from harness.timing.kinds.place import Place


class Batch:
    """A System whose every call is a process of its own: start, read all, write all, end."""

    def __init__(self, command: Sequence[str], place: Place) -> None:
        self.command, self.place = tuple(command), place
        self.first_output: int | None = None
        """The end of the first process."""
        self._box: Box | None = None
        self._ending: Ending | None = None

    def start(self) -> None:
        """Nothing: a process needs its whole input at once."""

    def load(self, deadline_s: float) -> int:  # noqa: ARG002 - as of every System
        """Now: loading is part of every process."""
        return time.monotonic_ns()

    def ask(self, request: Asked, deadline_s: float) -> Replied:
        """One process for one request."""
        return self.pour([request], deadline_s)[0]

    def pour(
        self,
        requests: Sequence[Asked],
        deadline_s: float,
        *,
        end: bool = False,  # noqa: ARG002 - every input ends
        due: Sequence[int] | None = None,
    ) -> list[Replied]:
        """One process for all requests; every reply is sent at its start and received at its end."""
        if due is not None:
            raise SystemFault("X013", what="a command for files cannot be asked while it runs")
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
            source.writelines(map(text_line, requests))
            source.flush()
            source.seek(0)
            started, ended = self._run(source, sink, len(requests), deadline_s)
            self.first_output = self.first_output or ended
            return _read(sink, requests, started, ended)

    def _run(self, source: IO[bytes], sink: IO[bytes], expected: int, deadline_s: float) -> tuple[int, int]:
        """Both stamps of the process."""
        started = time.monotonic_ns()
        self._box = box = self.place.start(self.command, stdin=source.fileno(), stdout=sink.fileno())
        status = box.wait(deadline_s)
        ended = time.monotonic_ns()
        what = how_it_ended(box) if status else ""
        self.stop(0.0)
        if status is None:
            found = os.fstat(sink.fileno()).st_size
            raise SystemFault("X011", request=1, expected=expected, limit=deadline_s, found=found, detail="")
        if status:
            raise SystemFault("X010", request=1, expected=expected, what=what)
        return started, ended

    def pids(self) -> set[int]:
        """The processes of the system that live now."""
        return set() if self._box is None else self._box.pids()

    def stop(self, grace_s: float = 5.0) -> Ending:
        """Kill what is left; how the last process ended, with orphans and processor time of all."""
        if self._box is not None:
            self._ending, self._box = _added(self._ending, ending_of(self._box, grace_s)), None
        return self._ending or ending_of(None, 0.0)


def _added(before: Ending | None, last: Ending) -> Ending:
    """How the last process ended, with the sums over all of them."""
    if before is None:
        return last
    cpu_s = None if before.cpu_s is None or last.cpu_s is None else before.cpu_s + last.cpu_s
    return Ending(last.status, before.orphans + last.orphans, cpu_s, last.stderr)


def _read(sink: IO[bytes], requests: Sequence[Asked], started: int, ended: int) -> list[Replied]:
    """Line n answers request n. Raises SystemFault (X012)."""
    size, expected = os.fstat(sink.fileno()).st_size, len(requests)
    if size > expected * (REPLY_BYTES + 1):
        raise _numbered(broken(b"", f"{size:,} bytes for {expected} requests"), 1)
    sink.seek(0)
    content = sink.read()
    lines = content.removesuffix(b"\n").split(b"\n") if content else []
    if len(lines) != expected:
        raise _numbered(broken(b"", f"{expected} lines are expected, {len(lines)} came"), min(len(lines), expected))
    wire, replies = Lines(), []
    for number, (request, line) in enumerate(zip(requests, lines, strict=True), 1):
        wire.encode(request)
        try:
            replies.append(Replied(*wire.decode(line), started, ended))
        except SystemFault as fault:
            raise _numbered(fault, number) from None
    return replies


def _numbered(fault: SystemFault, number: int) -> SystemFault:
    return SystemFault(fault.code, **fault.facts, request=number)
