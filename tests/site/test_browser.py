"""A real browser opens the site from the disk: quiet console, no request elsewhere, no sideways scroll."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from fcntl import F_DUPFD_CLOEXEC, fcntl
from select import select

import pytest

from harness.site import pages
from harness.site.site import Records

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
TROUBLE = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


class Browser:
    """Chromium over its debugging pipe: JSON messages that end in NUL, read from 3, written to 4."""

    def __init__(self, profile):
        (child_in, self.out), (self.inbox, child_out) = os.pipe(), os.pipe()
        ends = [fcntl(end, F_DUPFD_CLOEXEC, 64) for end in (child_in, child_out)]
        program = next(filter(None, map(shutil.which, NAMES)))
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(3, 4),
            preexec_fn=lambda: [os.dup2(end, place) for end, place in zip(ends, (3, 4), strict=True)],  # noqa: PLW1509
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (child_in, child_out, *ends):
            os.close(end)
        self.buffer, self.events, self.number, self.session = b"", [], 0, None

    def close(self):
        self.process.kill()
        self.process.wait(timeout=30)
        os.close(self.out)
        os.close(self.inbox)

    def call(self, method, **parameters):
        """Send a command and return its result; events that arrive meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self.number:
            self.events.append(answer)
        assert "result" in answer, answer
        return answer["result"]

    def _read(self):
        while b"\0" not in self.buffer:
            assert select([self.inbox], [], [], 60)[0], "the browser is silent"
            piece = os.read(self.inbox, 1 << 16)
            assert piece, "the browser died"
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def open(self, url, width):
        """Load a page in a fresh tab of this width."""
        self.session, self.events = None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=False)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def evaluate(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]

    def seen(self, *methods):
        return [event["params"] for event in self.events if event.get("method") in methods]


@pytest.fixture
def browser(tmp_path):
    running = Browser(tmp_path / "profile")
    yield running
    running.close()


@pytest.mark.browser
def test_the_site_opens_from_the_disk(tmp_path, make, browser):
    hostile = make.result("evil", 0.2, name="<script>document.title='hacked'</script>" + "x" * 90, test_set="en+zh")
    site = tmp_path / "site"
    results = [hostile, make.result("good", test_set="en+zh"), make.reference(test_set="en+zh")]
    pages.build(Records(results=results, absent=[("terminology", "en+zh", "late")]), site, tmp_path / "none")
    for place in ("index.html", "terminology/en+zh.html"):
        for width in (390, 1280):
            browser.open((site / place).as_uri(), width)
            assert browser.evaluate("document.documentElement.scrollWidth") <= width
            assert browser.evaluate("getComputedStyle(document.querySelector('th')).position") == "sticky"
            assert "hacked" not in browser.evaluate("document.title")
            assert browser.seen(*TROUBLE) == []
            urls = [request["request"]["url"] for request in browser.seen("Network.requestWillBeSent")]
            assert urls
            assert all(url.startswith(site.as_uri()) for url in urls)
