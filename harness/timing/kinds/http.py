"""A server that answers POST / with the reply, over one connection that is kept.

HTTP/1.1 is spoken here and not by http.client: one write per request, one stamp before it, one after the last
byte of the reply, and a deadline for all of it.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from harness.timing import REPLY_BYTES, Asked, Ending, Replied, SystemFault, relay
from harness.timing.drivers import NS, ended, late
from harness.timing.kinds.place import ending_of, how_it_ended
from harness.timing.wire import JsonLines, broken, too_long

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.box import Box
    from harness.timing.kinds.place import Place

CONTROL = 3
"""The descriptor over which the relay hands the connection out."""
HEAD_BYTES = 16 * 1024
"""The longest head of a response."""
PORT = "{port}"


class Http:
    """A System behind an HTTP server. Requests follow each other over one connection, in a pour as well."""

    def __init__(self, command: Sequence[str], place: Place) -> None:
        self.command, self.place = tuple(command), place
        self.first_output: int | None = None
        """The stamp of the first reply."""
        self._wire = JsonLines()
        self._box: Box | None = None
        self._control: socket.socket | None = None
        self._connection: Connection | None = None
        self._asked = self._answered = 0

    def start(self) -> None:
        """Start the relay, which starts the server."""
        port = str(_free_port())
        words = [word.replace(PORT, port) for word in self.command]
        if words == list(self.command):
            raise SystemFault("X013", what=f'protocol "http" needs the word {PORT} in its command')
        words[0] = self.place.python if words[0] == "python" else words[0]
        self._control, theirs = socket.socketpair()
        with theirs:
            command = self.place.running(relay, str(CONTROL), port, *words)
            self._box = self.place.start(command, pass_fds={CONTROL: theirs.fileno()})

    def load(self, deadline_s: float) -> int:
        """Wait for the connection, which comes when GET /ready was answered."""
        assert self._control is not None  # noqa: S101 - start comes first
        self._control.settimeout(deadline_s)
        facts = {"request": "0 (ready)", "expected": 0}
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        except TimeoutError:
            detail = f"; GET /ready on 127.0.0.1:{PORT} was not answered with 200"
            raise SystemFault("X011", limit=deadline_s, found=0, detail=detail, **facts) from None
        if not message or not descriptors:
            raise SystemFault("X010", what=how_it_ended(self._box), **facts)
        self._connection = Connection(socket.socket(fileno=descriptors[0]))
        return time.monotonic_ns()

    def ask(self, request: Asked, deadline_s: float) -> Replied:
        """One POST and its whole response."""
        assert self._connection is not None  # noqa: S101 - load comes first
        self._asked += 1
        line = self._wire.encode(request)
        try:
            sent, received, body = self._connection.post(line.removesuffix(b"\n"), deadline_s)
            identifier, output = self._wire.decode(body.strip())
        except SystemFault as fault:
            raise self._explained(fault) from None
        self._answered += 1
        self.first_output = self.first_output or received
        return Replied(identifier, output, sent, received)

    def pour(
        self,
        requests: Sequence[Asked],
        deadline_s: float,
        *,
        end: bool = False,  # noqa: ARG002 - a server is not told of an end
        due: Sequence[int] | None = None,
    ) -> list[Replied]:
        """One after the other; a request that is due while another is under way waits, and its stamp does not."""
        started, replies = time.monotonic_ns(), []
        for number, request in enumerate(requests):
            moment = 0 if due is None else started + due[number]
            time.sleep(max(0, moment - time.monotonic_ns()) / NS if moment else 0)
            replied = self.ask(request, deadline_s - (time.monotonic_ns() - started) / NS)
            replies.append(Replied(replied.id, replied.output, moment or replied.sent, replied.received))
        return replies

    def pids(self) -> set[int]:
        """The processes of the system that live now, the relay among them."""
        return set() if self._box is None else self._box.pids()

    def stop(self, grace_s: float = 5.0) -> Ending:
        """Close the connection, let the relay end the server, kill what is left."""
        if self._connection is not None:
            self._connection.close()
        if self._control is not None:
            self._control.close()
        return ending_of(self._box, grace_s)

    def _explained(self, fault: SystemFault) -> SystemFault:
        facts = {"request": self._answered + 1, "expected": self._asked, **fault.facts}
        if fault.code == "X010":
            facts["what"] = f"{facts['what']}: {how_it_ended(self._box)}"
        return SystemFault(fault.code, **facts)


class Connection:
    """HTTP/1.1 over a connected socket: POST / and nothing else."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._held = b""
        self._limit_s, self._until = 0.0, 0

    def post(self, body: bytes, deadline_s: float) -> tuple[int, int, bytes]:
        """Both stamps and the body of the response. Raises SystemFault (X010, X011, X012)."""
        head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        request = head % len(body) + body
        self._socket.setblocking(False)  # noqa: FBT003 - its only parameter
        self._refuse_early()
        sent = time.monotonic_ns()
        self._limit_s, self._until = deadline_s, sent + int(deadline_s * NS)
        try:
            self._socket.settimeout(max(deadline_s, 1e-6))
            self._socket.sendall(request)
        except TimeoutError:
            raise late(deadline_s, 0, ever=True, detail="; the request was not read") from None
        except OSError:
            raise ended("the connection was closed; it has to be kept") from None
        response = self._response()
        received = time.monotonic_ns()
        if self._held:
            raise broken(self._held, "it sent more than one response")
        return sent, received, response

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _refuse_early(self) -> None:
        try:
            early = self._socket.recv(HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            early = b""
        if early:
            raise broken(early, "it wrote before the request was written")
        raise ended("the connection was closed; it has to be kept")

    def _response(self) -> bytes:
        head = self._until_mark(b"\r\n\r\n", HEAD_BYTES)
        status, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = status.partition(" ")
        if not version.startswith("HTTP/1.") or rest[:3] != "200":
            raise broken(head, "the response is not 200")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            raise broken(head, "the response has neither Content-Length nor chunks")
        return self._exactly(int(length))

    def _chunks(self) -> bytes:
        body = b""
        while True:
            size = self._until_mark(b"\r\n", HEAD_BYTES).partition(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError:
                raise broken(size, "a chunk has no length") from None
            if len(body) + length > REPLY_BYTES:
                raise too_long()
            if not length:
                break
            body += self._exactly(length)
            self._until_mark(b"\r\n", 2)
        while self._until_mark(b"\r\n", HEAD_BYTES):  # trailers, then an empty line
            pass
        return body

    def _until_mark(self, mark: bytes, limit: int) -> bytes:
        """Everything before the mark, which is passed over."""
        while mark not in self._held:
            if len(self._held) > limit:
                raise broken(self._held, "the head of the response has no end")
            self._receive()
        found, _, self._held = self._held.partition(mark)
        return found

    def _exactly(self, length: int) -> bytes:
        if length > REPLY_BYTES:
            raise too_long()
        while len(self._held) < length:
            self._receive()
        found, self._held = self._held[:length], self._held[length:]
        return found

    def _receive(self) -> None:
        try:
            self._acknowledge_at_once()
            self._socket.settimeout(max((self._until - time.monotonic_ns()) / NS, 1e-6))
            chunk = self._socket.recv(1 << 16)
        except TimeoutError:
            raise late(self._limit_s, len(self._held), ever=True) from None
        except OSError:
            chunk = b""
        if not chunk:
            raise ended("the connection was closed; it has to be kept", found=len(self._held))
        self._held += chunk

    def _acknowledge_at_once(self) -> None:
        """Else a server that writes head and body apart waits 40 ms for our delayed acknowledgement (Nagle)."""
        if hasattr(socket, "TCP_QUICKACK"):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _free_port() -> int:
    """A port that nobody listens on here; in a network of its own every port is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
