"""Attacks over sockets and shared memory: reach the harness, the machine, or the world."""

from __future__ import annotations

import ctypes
import errno
import socket
from typing import TYPE_CHECKING

from harness.sandbox.attacks.calls import Denied, Unsupported, call

if TYPE_CHECKING:
    from harness.sandbox.attacks.calls import Bait

PATIENCE_S = 0.5
_ANYWHERE = ("192.0.2.1", 9)  # reserved for documentation (RFC 5737); connecting a UDP socket sends nothing
_AF_ALG, _AF_NETLINK, _AF_PACKET, _AF_VSOCK, _AF_BLUETOOTH, _AF_KEY = 38, 16, 17, 40, 31, 15


def local_connection(bait: Bait) -> str:
    """Connect to a server of the harness on this machine."""
    return _hear(socket.AF_INET, ("127.0.0.1", bait["tcp"]), bait)


def local_datagram(bait: Bait) -> str:
    """Send a datagram to a server of the harness, and get an answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(PATIENCE_S)
        asking.connect(("127.0.0.1", bait["udp"]))
        asking.send(b"?")
        return _token_of(asking, bait)


def outside_network(bait: Bait) -> str:
    """Find a way to another machine (nothing is sent)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(_ANYWHERE)
        except OSError as error:
            if error.errno == errno.ENETUNREACH and not bait["has_route"]:
                raise Unsupported("the machine itself has no network") from None
            raise
    return "found a way out"


def abstract_socket(bait: Bait) -> str:
    """Connect to an abstract Unix socket of the harness."""
    return _hear(socket.AF_UNIX, "\0" + bait["abstract"], bait)


def socket_file(bait: Bait) -> str:
    """Connect to a Unix socket of the harness that everybody may connect to."""
    return _hear(socket.AF_UNIX, bait["socket_file"], bait)


def system_v_memory(bait: Bait) -> str:
    """Attach shared memory of the harness by its number."""
    attach = ctypes.CDLL(None, use_errno=True).shmat
    attach.restype = ctypes.c_void_p
    address = attach(bait["segment"], None, 0o10000)  # SHM_RDONLY
    if address in {None, ctypes.c_void_p(-1).value}:
        raise OSError(ctypes.get_errno(), "shmat")
    content = ctypes.string_at(address, len(bait["token"]))
    if content != bait["token"].encode():
        raise Denied("it is other memory")
    return "read shared memory"


def netlink_socket(_: Bait) -> str:
    """Ask the kernel about its network."""
    return _make(_AF_NETLINK, socket.SOCK_RAW)


def packet_socket(_: Bait) -> str:
    """Listen to all packets."""
    return _make(_AF_PACKET, socket.SOCK_RAW)


def raw_socket(_: Bait) -> str:
    """Make up packets."""
    return _make(socket.AF_INET, socket.SOCK_RAW, 1)


def crypto_socket(_: Bait) -> str:
    """Use the kernel's ciphers."""
    return _make(_AF_ALG, socket.SOCK_SEQPACKET)


def vsock_socket(_: Bait) -> str:
    """Speak to the host of a virtual machine, which no network namespace prevents."""
    return _make(_AF_VSOCK, socket.SOCK_STREAM)


def bluetooth_socket(_: Bait) -> str:
    """Speak to devices nearby."""
    return _make(_AF_BLUETOOTH, socket.SOCK_RAW, 1)


def key_socket(_: Bait) -> str:
    """Manage the keys of encrypted connections."""
    return _make(_AF_KEY, socket.SOCK_RAW, 2)


def _make(family: int, kind: int, protocol: int = 0) -> str:
    descriptor = call("socket", family, kind, protocol)
    socket.socket(fileno=descriptor).close() if family == socket.AF_INET else call("close", descriptor)
    return f"made a socket of family {family}"


def _hear(family: int, address: tuple[str, int] | str, bait: Bait) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as asking:
        asking.settimeout(PATIENCE_S)
        asking.connect(address)
        return _token_of(asking, bait)


def _token_of(asking: socket.socket, bait: Bait) -> str:
    if asking.recv(1024) != bait["token"].encode():
        raise Denied("somebody else answered")
    return "the harness answered"


ATTACKS = (
    local_connection,
    local_datagram,
    outside_network,
    abstract_socket,
    socket_file,
    system_v_memory,
    netlink_socket,
    packet_socket,
    raw_socket,
    crypto_socket,
    vsock_socket,
    bluetooth_socket,
    key_socket,
)
