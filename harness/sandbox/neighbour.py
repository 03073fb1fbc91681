"""A process that attacks may look for: it plays the harness, with secrets, servers and memory that hold a token.

This file is run by path with `python -I -S`, and knows the standard library only. It says on stdout, as one JSON
object, where everything is, and lives until its standard input ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import socket
import sys

_IPC_PRIVATE, _IPC_CREATE, _IPC_REMOVE = 0, 0o1000, 0
_PR_SET_PTRACER, _ANYONE = 0x59616D61, -1


def segment(token: bytes) -> int:
    """Shared memory with the token. It is marked for removal at once, and is there as long as this process is."""
    library = ctypes.CDLL(None)
    library.shmat.restype = ctypes.c_void_p
    number: int = library.shmget(_IPC_PRIVATE, len(token), _IPC_CREATE | 0o644)
    address = library.shmat(number, None, 0)
    library.shmctl(number, _IPC_REMOVE, None)
    ctypes.memmove(address, token, len(token))
    return number


def server(family: int, kind: int, address: object) -> socket.socket:
    """A socket that waits for somebody."""
    waiting = socket.socket(family, kind)
    waiting.bind(address)  # type: ignore[arg-type]
    if kind == socket.SOCK_STREAM:
        waiting.listen()
    return waiting


def answer(waiting: socket.socket, token: bytes) -> None:
    """Give the token to whoever asks."""
    if waiting.type == socket.SOCK_DGRAM:
        waiting.sendto(token, waiting.recvfrom(64)[1])
        return
    with waiting.accept()[0] as connection:
        connection.sendall(token)


def main(folder: str, token: str) -> None:
    """Serve until standard input ends."""
    secret = token.encode()
    memory = ctypes.create_string_buffer(secret)
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_long(_ANYONE), 0, 0, 0)  # where Yama asks for it
    path, abstract = f"{folder}/socket", f"harness-{token}"
    servers = {
        "tcp": server(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        "udp": server(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        "abstract": server(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + abstract),
        "socket_file": server(socket.AF_UNIX, socket.SOCK_STREAM, path),
    }
    os.chmod(path, 0o777)  # noqa: S103, PTH101 - whoever can see it shall be able to connect
    facts = {
        "tcp": servers["tcp"].getsockname()[1],
        "udp": servers["udp"].getsockname()[1],
        "abstract": abstract,
        "socket_file": path,
        "segment": segment(secret),
        "address": ctypes.addressof(memory),
    }
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        for waiting in servers.values():
            selector.register(waiting, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == 0:
                    return
                if isinstance(key.fileobj, socket.socket):
                    answer(key.fileobj, secret)


if __name__ == "__main__":
    main(*sys.argv[1:])
