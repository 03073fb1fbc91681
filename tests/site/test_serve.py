"""The server for the organizer's own eyes: builds on reload, listens here alone, answers nobody else's page."""

from __future__ import annotations

import http.client
import threading

import pytest

from harness.catalogue import problem
from harness.errors import EnvironmentFault
from harness.site import pages, serve
from harness.site.site import Records


class Board:
    """A server on a free port, with results that can be changed between requests."""

    def __init__(self, folder, make):
        self.folder, self.results, self.fault, self.builds = folder, [make.result()], None, 0
        self.server = serve.Server(folder, self.rebuild, 0)

    def rebuild(self):
        self.builds += 1
        if self.fault:
            raise self.fault
        pages.build(Records(results=self.results), self.folder, self.folder.parent / "own")

    def ask(self, path, *, host=None, method="GET"):
        connection = http.client.HTTPConnection(serve.LOOPBACK, self.server.server_port, timeout=30)
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or f"{serve.LOOPBACK}:{self.server.server_port}")
        connection.endheaders()
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content


@pytest.fixture
def board(tmp_path, make):
    made = Board(tmp_path / "site", make)
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(30)


def test_a_page_is_built_when_it_is_loaded(board, make):
    status, headers, content = board.ask("/")
    assert (status, b"Alpha" in content, b"Beta" in content) == (200, True, False)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    board.results = [make.result("beta")]
    assert b"Beta" in board.ask("/terminology/en-de.html?x=1")[2]
    built = board.builds
    assert board.ask("/static/site.css")[0] == 200
    assert board.builds == built


def test_what_only_a_header_can_say_is_said(board):
    headers = board.ask("/")[1]
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


def test_it_listens_to_this_machine_alone(board):
    assert board.server.server_address[0] == "127.0.0.1"
    assert board.server.address == f"http://127.0.0.1:{board.server.server_port}/"


@pytest.mark.parametrize("host", ["evil.example.org", "evil.example.org:80", "127.0.0.1.evil.org", "", "[::2]:1"])
def test_another_name_is_refused_before_anything_is_built(board, host):
    assert board.ask("/", host=host or " ")[0] == 403
    assert board.builds == 0


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_names_of_this_machine_are_good(board, host):
    assert board.ask("/", host=host)[0] == 200


@pytest.mark.parametrize("path", ["/nowhere.html", "/terminology/", "/%2e%2e/own", "/.inputs.json", "/.lock", "/a/.b"])
def test_what_is_not_there_is_not_found(board, path):
    board.ask("/")
    (board.folder / ".lock").touch()
    status, _, content = board.ask(path)
    assert status == 404
    assert b"no such page" in content


def test_a_fault_is_shown_and_the_next_reload_tries_again(board):
    board.fault = EnvironmentFault(problem("E010", file="site", what="disk full"))
    status, headers, content = board.ask("/")
    assert (status, headers["Content-Type"]) == (500, "text/plain; charset=utf-8")
    assert b"error[E010]" in content
    board.fault = None
    assert board.ask("/")[0] == 200


def test_a_head_has_no_body(board):
    status, headers, content = board.ask("/", method="HEAD")
    assert (status, content) == (200, b"")
    assert int(headers["Content-Length"]) > 0
    assert board.ask("/nowhere.html", method="HEAD")[2] == b""


def test_nothing_can_be_sent(board):
    assert board.ask("/", method="POST")[0] == 501
