"""A site for the organizer's own eyes, built again whenever a page is loaded. It listens on this machine alone."""

from __future__ import annotations

import threading
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from harness.errors import HarnessError
from harness.site.check import POLICY
from harness.site.notfound import PLACE as NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable

LOOPBACK = "127.0.0.1"
PORT = 8000
HOSTS = frozenset({LOOPBACK, "localhost", "::1"})
"""Names by which a browser may ask: any other leads here from somebody else's page."""


class Server(ThreadingHTTPServer):
    """Serves a folder; `rebuild` brings it up to date, one request at a time."""

    daemon_threads = True

    def __init__(self, folder: Path, rebuild: Callable[[], object], port: int = PORT) -> None:
        super().__init__((LOOPBACK, port), partial(Handler, directory=str(folder)))
        self._rebuild, self._building = rebuild, threading.Lock()

    @property
    def address(self) -> str:
        """What to open."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def rebuild(self) -> None:
        """Bring the site up to date. Raises HarnessError."""
        with self._building:
            self._rebuild()


class Handler(SimpleHTTPRequestHandler):
    """Answers requests for files; a page that is asked for is built first."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride] # nobody else makes one
    extensions_map = {  # noqa: RUF012 - as the standard library has it
        **SimpleHTTPRequestHandler.extensions_map,
        "": "text/plain; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".xml": "application/atom+xml",
        ".bib": "text/plain; charset=utf-8",
    }

    def do_GET(self) -> None:
        """Build, and answer."""
        if self._is_expected():
            super().do_GET()

    def do_HEAD(self) -> None:
        """Build, and answer with the head alone."""
        if self._is_expected():
            super().do_HEAD()

    def _is_expected(self) -> bool:
        """Whether to go on: whoever asks came here on purpose, and the site could be built."""
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in HOSTS:
            self._say(HTTPStatus.FORBIDDEN, "This site is for this machine alone.")
            return False
        path = unquote(urlsplit(self.path).path)
        if any(part.startswith(".") for part in path.split("/")):
            self._say(HTTPStatus.NOT_FOUND, "There is no such page.")
            return False
        if path.endswith(("/", ".html")):
            try:
                self.server.rebuild()
            except HarnessError as error:
                self._say(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
                return False
        return True

    def end_headers(self) -> None:
        """What no page can say of itself, and what a host should say, too."""
        self.send_header("Content-Security-Policy", f"{POLICY}; frame-ancestors 'none'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The site's own page where there is none."""
        page = Path(self.directory) / NOT_FOUND
        if code == HTTPStatus.NOT_FOUND and page.is_file():
            self._answer(code, "text/html; charset=utf-8", page.read_bytes())
        else:
            super().send_error(code, message, explain)

    def list_directory(self, path: object) -> None:
        """A folder without a page is no page."""
        self.send_error(HTTPStatus.NOT_FOUND, explain=str(path))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing: a browser shows what it got."""

    def _say(self, code: HTTPStatus, text: str) -> None:
        self._answer(code, "text/plain; charset=utf-8", f"{text}\n".encode())

    def _answer(self, code: int, kind: str, content: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
