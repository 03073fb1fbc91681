from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org"])
def test_connecting_to_another_machine_fails(host):
    with socket.socket() as client, pytest.raises(pytest.fail.Exception, match="off limits"):
        client.connect((host, 80))


def test_datagrams_to_another_machine_fail():
    with (
        socket.socket(type=socket.SOCK_DGRAM) as client,
        pytest.raises(pytest.fail.Exception, match="off limits"),
    ):
        client.sendto(b"", ("192.0.2.1", 53))


def test_connecting_to_this_machine_is_allowed():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_local_sockets_are_allowed():
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"
