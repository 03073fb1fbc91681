"""Move lines to a system and back over two file descriptors, and stamp them.

    Lockstep   one line out, one line in, nothing else under way. The first stamp is taken right before the write,
               the second right after the read that brought the LF; finding what waits too early, joining and
               decoding lie outside of both
    Stream     as many lines as the system takes. One thread; whatever the system buffers, nothing waits for ever

Both drivers make the descriptors non-blocking. Whoever opened them closes them, but for the end of a Stream's input.
Stamps are CLOCK_MONOTONIC in nanoseconds. SystemFault: X010 (the output ended), X011 (nothing came in time; `found`
bytes of the reply had come) and X012 (more or other lines than asked for). What only the owner of the process
knows, it adds: which request, and how the process ended.

Why one thread and raw system calls: on a 2-core machine a thread for reading doubles the median latency, and an event
loop multiplies it by five to eight, with a 99th percentile in milliseconds.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from harness.timing import REPLY_BYTES, SystemFault
from harness.timing.wire import broken, too_long

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Block = tuple[int, bytes]
    Take = Callable[[list[bytes], int, int], None]

NS: Final = 1_000_000_000
CHUNK: Final = 1 << 16
"""Bytes per read: what a pipe holds."""
BLOCK: Final = 1 << 15
"""Bytes per write, about: small enough that making the next block does not keep replies waiting."""
PENDING: Final = 256
"""Chunks of replies that may wait to be decoded while the system keeps the driver busy: at most 16 MiB."""
MORE: Final = "it wrote more than it was asked for"
SILENCE_S: Final = 2.0
"""How long a system that was told to end is listened to for lines that nobody asked for."""


class Lockstep:
    """One request at a time."""

    def __init__(self, write_fd: int, read_fd: int) -> None:
        self._write_fd, self._read_fd = write_fd, read_fd
        self.received = 0
        """Bytes of replies so far."""
        for descriptor in (write_fd, read_fd):
            os.set_blocking(descriptor, False)
        self._incoming, self._outgoing = select.poll(), select.poll()
        self._incoming.register(read_fd, select.POLLIN)
        self._outgoing.register(write_fd, select.POLLOUT)

    def exchange(self, line: bytes, deadline_s: float) -> tuple[int, int, bytes]:
        """Write a line that ends in LF, read one; both stamps and the reply without its LF."""
        if self._incoming.poll(0):
            self._refuse_early()
        sent = time.monotonic_ns()
        try:
            written = os.write(self._write_fd, line)
        except BrokenPipeError:
            raise ended("it closed its input") from None
        except BlockingIOError:
            written = 0
        if written < len(line):
            self._push(line[written:], sent, deadline_s)
        received, reply = self.read_line(sent, deadline_s)
        self.received += len(reply) + 1
        return sent, received, reply

    def read_line(self, since: int, deadline_s: float) -> tuple[int, bytes]:
        """One line, and nothing after it, until `deadline_s` after the stamp `since`."""
        milliseconds = deadline_s * 1000 - (time.monotonic_ns() - since) / 1_000_000
        reply = b""
        while milliseconds > 0 and self._incoming.poll(milliseconds):
            chunk = os.read(self._read_fd, CHUNK)
            received = time.monotonic_ns()
            reply = reply + chunk if reply else chunk
            if chunk[-1:] == b"\n" and reply.index(b"\n") == len(reply) - 1:
                return received, reply[:-1]
            self._check(chunk, reply)
            milliseconds = deadline_s * 1000 - (received - since) / 1_000_000
        raise late(deadline_s, len(reply), ever=self.received + len(reply) > 0)

    def _push(self, rest: bytes, since: int, deadline_s: float) -> None:
        """Write what did not fit into the pipe, which a system that reads empties."""
        while rest:
            milliseconds = deadline_s * 1000 - (time.monotonic_ns() - since) / 1_000_000
            if milliseconds <= 0 or not self._outgoing.poll(milliseconds):
                raise late(deadline_s, 0, ever=self.received > 0, detail=f"; {len(rest)} bytes of it were not read")
            try:
                rest = rest[os.write(self._write_fd, rest) :]
            except BrokenPipeError:
                raise ended("it closed its input") from None
            except BlockingIOError:
                continue

    def _refuse_early(self) -> None:
        early = os.read(self._read_fd, CHUNK)
        raise broken(early, "it wrote before the request was written") if early else ended("its output ended")

    def _check(self, chunk: bytes, reply: bytes) -> None:
        """Refuse what is not the beginning of one line."""
        if not chunk:
            raise ended("its output ended", found=len(reply))
        if b"\n" in chunk:
            raise broken(reply, "it wrote more than one line")
        if len(reply) > REPLY_BYTES:
            raise too_long()


class Stream:
    """Many requests in one go, on one thread; serves for one run.

    Lines that arrived are handed on when there is nothing to read or write, with the stamp of their read, so that
    decoding does not delay the stamps of what comes after.
    """

    def __init__(self, write_fd: int, read_fd: int, take: Take | None = None) -> None:
        """`take` gets complete lines without LF, their stamp, and how many requests had been written by then.

        Without `take` lines are only counted.
        """
        self._write_fd, self._read_fd, self._take = write_fd, read_fd, take
        self.answered = 0
        """Lines that came back."""
        self.last = 0
        """The stamp of the last read."""
        self._outgoing = _Outgoing(write_fd, (), None)
        self._pending: deque[tuple[bytes, int, int]] = deque()
        self._tail, self._tail_bytes, self._has_read = b"", 0, False
        self._expected = 0

    @property
    def sent(self) -> Sequence[int]:
        """When each request was about to be written, or when it was due."""
        return self._outgoing.sent

    @property
    def first(self) -> int:
        """The stamp of the first write."""
        return self._outgoing.first

    @property
    def is_closed(self) -> bool:
        """Whether the writing end was closed."""
        return self._outgoing.is_closed

    def run(self, blocks: Iterable[Block], expected: int, deadline_s: float, *, end: bytes | None = None) -> None:
        """Write every block, none before its moment, and read until `expected` lines came.

        With an `end`, that is written last and the writing end is closed; then the system is listened to for a
        moment, because lines may still come that nobody asked for.
        """
        for descriptor in (self._write_fd, self._read_fd):
            os.set_blocking(descriptor, False)
        self._outgoing = _Outgoing(self._write_fd, blocks, end, counts=self._take is not None)
        self._expected = expected
        until = time.monotonic_ns() + int(deadline_s * NS)
        while self.answered < expected or (end is not None and not self.is_closed):
            self._step(until, deadline_s)
        self._hand_on(everything=True)
        if self._tail_bytes or self.answered > expected:
            raise broken(self._tail, MORE)
        if end is not None:
            self._listen()

    def pour_bytes(self, block: bytes, times: int, deadline_s: float) -> None:
        """The same block of lines several times; replies are counted and not looked at."""
        self.run(((0, block) for _ in range(times)), times * block.count(b"\n"), deadline_s)

    def _step(self, until: int, deadline_s: float) -> None:
        """Wait until something can be done, and do it. `select` is used for its timeouts of microseconds."""
        now = time.monotonic_ns()
        if now >= until:
            self._hand_on(everything=True)
            raise late(deadline_s, self._tail_bytes, ever=self._has_read)
        due = self._outgoing.due
        can_write = due is not None and due <= now
        wake = until if due is None or can_write else min(until, due)
        wait_s = 0.0 if self._pending else (wake - now) / NS
        readable, writable, _ = select.select([self._read_fd], [self._write_fd] if can_write else [], [], wait_s)
        if readable:
            self._read()
        if writable:
            self._outgoing.write()
        if not (readable or writable) or len(self._pending) > PENDING:
            self._hand_on()

    def _read(self) -> None:
        chunk = os.read(self._read_fd, CHUNK)
        stamp = time.monotonic_ns()
        lines = chunk.count(b"\n")
        self.answered += lines
        self._tail_bytes = len(chunk) - chunk.rfind(b"\n") - 1 if lines else self._tail_bytes + len(chunk)
        if (fault := self._fault(chunk)) is not None:
            self._hand_on(everything=True)  # what is wrong in earlier lines comes first
            raise fault
        self.last, self._has_read = stamp, True
        if self._take is not None:
            self._pending.append((chunk, stamp, self._outgoing.written))

    def _fault(self, chunk: bytes) -> SystemFault | None:
        if not chunk:
            return ended("its output ended", found=self._tail_bytes)
        if self._tail_bytes > REPLY_BYTES:
            return too_long()
        if self._take is None or self.answered <= self._outgoing.written:
            return None
        was_early = self._outgoing.written < self._expected
        return broken(chunk, "it wrote a reply before the request was written" if was_early else MORE)

    def _hand_on(self, *, everything: bool = False) -> None:
        """Give the oldest chunk away, or all of them."""
        while self._pending and self._take is not None:
            chunk, stamp, written = self._pending.popleft()
            lines = (self._tail + chunk).split(b"\n")
            self._tail = lines.pop()
            if lines:
                self._take(lines, stamp, written)
            if not everything:
                break

    def _listen(self) -> None:
        if select.select([self._read_fd], [], [], SILENCE_S)[0] and (more := os.read(self._read_fd, CHUNK)):
            raise broken(more, MORE)


class _Outgoing:
    """What is still to be written, and account of what was."""

    def __init__(self, descriptor: int, blocks: Iterable[Block], end: bytes | None, *, counts: bool = False) -> None:
        self._fd, self._blocks, self._end, self._counts = descriptor, iter(blocks), end, counts
        self.sent: list[int] = []
        self.written = self.first = 0
        self.is_closed = False
        self._block, self._offset, self._moment = b"", 0, 0
        self._load()

    @property
    def due(self) -> int | None:
        """When the next byte may be written; 0 for at once, None where there is nothing left."""
        return self._moment if self._block else None

    def write(self) -> None:
        """As much of the block as is taken."""
        stamp = time.monotonic_ns()
        try:
            count = os.write(self._fd, memoryview(self._block)[self._offset :])
        except BlockingIOError:
            return
        except BrokenPipeError:  # whether that matters, its output will show
            self._blocks, self._end = iter(()), None if self._end is None else b""
            self._load()
            return
        self.first = self.first or stamp
        self._offset += count
        if self._counts:
            self._note(stamp, count)
        if self._offset == len(self._block):
            self._load()

    def _note(self, stamp: int, count: int) -> None:
        """Which requests are written whole, and which have begun."""
        self.written += self._block.count(b"\n", self._offset - count, self._offset)
        started = self.written + (self._block[self._offset - 1] != ord("\n"))
        self.sent += [self._moment or stamp] * (started - len(self.sent))

    def _load(self) -> None:
        """Make the next block ready; after the last one the end, then close."""
        self._moment, self._block = next(self._blocks, (0, b""))
        self._offset = 0
        if not self._block and self._end is not None:
            self._block, self._end = self._end, b""
            self._counts = False  # the end is no request
            if not self._block and not self.is_closed:
                os.close(self._fd)
                self.is_closed = True


def blocks_of(lines: Iterable[bytes]) -> Iterator[Block]:
    """Lines joined to blocks that may be written at once, made when they are wanted."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= BLOCK:
            yield 0, b"".join(held)
            held, size = [], 0
    if held:
        yield 0, b"".join(held)


def scheduled(lines: Iterable[bytes], moments: Sequence[int]) -> Iterator[Block]:
    """Every line by itself, not before its moment (ns)."""
    return ((moment, line) for moment, line in zip(moments, lines, strict=True))


def ended(what: str, found: int = 0) -> SystemFault:
    """X010; `what` says what was noticed."""
    rest = f" in the middle of a line, after {found} bytes" if found else ""
    return SystemFault("X010", what=what + rest)


def late(limit: float, found: int, *, ever: bool, detail: str = "") -> SystemFault:
    """X011; a system that never wrote a byte may have forgotten to flush."""
    return SystemFault("X011", limit=limit, found=found, detail=detail if ever or detail else "; is stdout flushed?")
