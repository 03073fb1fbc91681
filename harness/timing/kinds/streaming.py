"""A process that is asked over two pipes: the protocols jsonl, lines and callable, and containers."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from harness.timing import Asked, Ending, Replied, SystemFault
from harness.timing.drivers import Lockstep, Stream, blocks_of, scheduled
from harness.timing.kinds.place import ending_of, how_it_ended
from harness.timing.wire import broken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.sandbox.box import Box
    from harness.timing.kinds.place import Place
    from harness.timing.wire import Wire

OWN_CHANNEL: tuple[int, int] = (3, 4)
"""The descriptors of a callable: one to read, one to write. Its stdout is free."""
CALLABLE = "harness.system"
"""The module that serves a callable."""


class Streaming:
    """A System over a pair of pipes: stdin and stdout, or an `own_channel` beside them."""

    def __init__(self, command: Sequence[str], wire: Wire, place: Place, *, own_channel: bool = False) -> None:
        self.command, self.wire, self.place, self.own_channel = tuple(command), wire, place, own_channel
        self.first_output: int | None = None
        """The stamp of the first reply."""
        self._box: Box | None = None
        self._lockstep: Lockstep
        self._write_fd = self._read_fd = -1
        self._asked = self._answered = 0

    def start(self) -> None:
        """Start the process and say what it will be asked."""
        source, self._write_fd = os.pipe()
        self._read_fd, sink = os.pipe()
        try:
            if self.own_channel:
                passed = dict(zip(OWN_CHANNEL, (source, sink), strict=True))
                self._box = self.place.start(self.command, pass_fds=passed)
            else:
                self._box = self.place.start(self.command, stdin=source, stdout=sink)
        finally:
            os.close(source)
            os.close(sink)
        self._lockstep = Lockstep(self._write_fd, self._read_fd)
        self._write_at_once(self.wire.hello())

    def load(self, deadline_s: float) -> int:
        """Wait for the banner; without one, now."""
        since = time.monotonic_ns()
        if not self.wire.has_banner:
            return since
        try:
            stamp, line = self._lockstep.read_line(since, deadline_s)
            self.wire.ready(line)
        except SystemFault as fault:
            raise self._explained(fault, "0 (ready)") from None
        return stamp

    def ask(self, request: Asked, deadline_s: float) -> Replied:
        """Lock-step."""
        line = self.wire.encode(request)
        self._asked += 1
        try:
            sent, received, reply = self._lockstep.exchange(line, deadline_s)
            identifier, output = self.wire.decode(reply)
        except SystemFault as fault:
            raise self._explained(fault) from None
        self._answered += 1
        self.first_output = self.first_output or received
        return Replied(identifier, output, sent, received)

    def pour(
        self, requests: Sequence[Asked], deadline_s: float, *, end: bool = False, due: Sequence[int] | None = None
    ) -> list[Replied]:
        """All requests, when they are taken or when they are due."""
        now = time.monotonic_ns()
        passage = _Passage(self, requests)
        lines = passage.lines()
        blocks = blocks_of(lines) if due is None else scheduled(lines, [now + offset for offset in due])
        self._asked += len(requests)
        try:
            passage.stream.run(blocks, len(requests), deadline_s, end=self.wire.end() if end else None)
        except SystemFault as fault:
            raise self._explained(fault, self._answered + len(passage.replies) + 1) from None
        finally:
            if passage.stream.is_closed:
                self._write_fd = -1
        self._answered += len(passage.replies)
        if passage.replies:
            self.first_output = self.first_output or passage.replies[0].received
        return passage.replies

    def pids(self) -> set[int]:
        """The processes of the system that live now."""
        return set() if self._box is None else self._box.pids()

    def stop(self, grace_s: float = 5.0) -> Ending:
        """End the input, wait, kill what is left."""
        if self._write_fd >= 0:
            self._write_at_once(self.wire.end())
            os.close(self._write_fd)
        try:
            return ending_of(self._box, grace_s)
        finally:
            if self._read_fd >= 0:
                os.close(self._read_fd)
            self._write_fd = self._read_fd = -1

    @property
    def descriptors(self) -> tuple[int, int]:
        """Where it is written to and read from."""
        return self._write_fd, self._read_fd

    def _write_at_once(self, message: bytes) -> None:
        """Write what fits into an empty pipe; whoever does not listen is found out when it should answer."""
        try:
            os.write(self._write_fd, message)
        except (BlockingIOError, BrokenPipeError):
            return

    def _explained(self, fault: SystemFault, number: int | str | None = None) -> SystemFault:
        """The fault with the number of the request, and with how the process ended."""
        facts: dict[str, Any] = {"request": number or self._answered + 1, "expected": self._asked, **fault.facts}
        if fault.code == "X010":
            facts["what"] = f"{facts['what']}: {how_it_ended(self._box)}"
        return SystemFault(fault.code, **facts)


class _Passage:
    """One pour: numbers requests as they are written, and makes replies of lines."""

    def __init__(self, system: Streaming, requests: Sequence[Asked]) -> None:
        self.wire, self.requests = system.wire, requests
        self.stream = Stream(*system.descriptors, self._take)
        self.replies: list[Replied] = []
        self._numbers: dict[str, int] = {}

    def lines(self) -> Iterator[bytes]:
        for number, request in enumerate(self.requests):
            self._numbers[request.id] = number
            yield self.wire.encode(request)

    def _take(self, lines: list[bytes], stamp: int, written: int) -> None:
        sent = self.stream.sent
        for line in lines:
            identifier, output = self.wire.decode(line)
            number = self._numbers[identifier]
            if number >= written:
                raise broken(line, "it answered a request that was not written yet")
            self.replies.append(Replied(identifier, output, sent[number], stamp))
