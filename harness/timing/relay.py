"""Run beside an HTTP server, in its box: start it, wait until it is ready, and hand a connection to it out.

    python -c SOURCE CONTROL PORT COMMAND...

CONTROL is an inherited Unix socket. The server is ready when it accepts connections on 127.0.0.1:PORT and answers 200
to GET /ready. A socket that was connected in here stays connected wherever it goes (SCM_RIGHTS), so the harness
talks to a server whose network it does not share. When CONTROL is closed the server is told to end.

Exit status: that of the server; 0 if it was told to end; 127 if it could not be started. The standard library only,
and nothing of the harness, because this runs where the harness may not be seen.
"""

from __future__ import annotations

import http.client
import os
import select
import socket
import subprocess
import sys
import time

WAIT_S = 0.005
"""Between two looks whether the server is ready."""
END_S = 5.0
"""How long a server that was told to end may take."""


def main(arguments: list[str]) -> int:
    """See above."""
    control = socket.socket(fileno=int(arguments[0]))
    port, command = int(arguments[1]), arguments[2:]
    with control:
        try:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2)  # noqa: S603 - the system under test
        except OSError as error:
            sys.stderr.write(f"{command[0]}: {error.strerror}\n")
            return 127
        with server:
            if connection := _connected(server, control, port):
                with connection:
                    socket.send_fds(control, [b"\n"], [connection.fileno()])
                _wait(server, control)
            return _end(server)


def _connected(server: subprocess.Popen[bytes], control: socket.socket, port: int) -> socket.socket | None:
    """A connection to the server, or None if it ended or is not wanted any more."""
    while server.poll() is None and not _is_closed(control, WAIT_S):
        if _is_ready(port):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    return None


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=END_S)
    try:
        connection.request("GET", "/ready", headers={"Connection": "close"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _wait(server: subprocess.Popen[bytes], control: socket.socket) -> None:
    """Sleep until the server ended or the other side of CONTROL was closed."""
    try:
        ends = [os.pidfd_open(server.pid)]
    except (AttributeError, OSError):  # an old kernel, or a filter of system calls: look now and then
        ends = []
    poll = select.poll()
    for descriptor in (control.fileno(), *ends):
        poll.register(descriptor, select.POLLIN)
    while not poll.poll(None if ends else 100) and server.poll() is None:
        pass
    for descriptor in ends:
        os.close(descriptor)


def _is_closed(control: socket.socket, wait_s: float) -> bool:
    return bool(select.select([control], [], [], wait_s)[0])  # nothing is ever sent to here


def _end(server: subprocess.Popen[bytes]) -> int:
    """Tell a server that runs to end; the exit status of one that ended by itself, as a shell gives it."""
    if (status := server.poll()) is not None:
        return status if status >= 0 else 128 - status
    server.terminate()
    until = time.monotonic() + END_S
    while server.poll() is None and time.monotonic() < until:
        time.sleep(WAIT_S)
    if server.poll() is None:
        server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
