"""What attacks look for: gold, secrets, servers and processes that hold a token, laid out for one self-test."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.sandbox import Level, Limits, Room, rooms, syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LIMITS = Limits(memory=1 << 30, processes=48, file_size=16 << 20, temporary=4 << 20, open_files=64, stderr=64 << 10)
"""Small, so that going beyond them is quick and harms nobody."""
_DEVICES = ("/dev/mem", "/dev/kmsg", "/dev/port", "/dev/kvm", "/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0")
_SET_BY_OTHERS = frozenset({"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE", "PATH", "HOME", "TMPDIR"})
"""Variables that a shell, Python, bubblewrap or the room sets: they tell nothing of the harness."""
_RUN = """\
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness.sandbox.attacks.probe import main
main()
"""


@dataclass(frozen=True)
class Bait:
    """A room for the attacks, and what they are told."""

    room: Room
    facts: Mapping[str, Any]


@contextmanager
def laid(level: Level) -> Iterator[Bait]:
    """Lay everything out, and take it away again."""
    token = secrets.token_hex(16)
    folder = Path(tempfile.mkdtemp(prefix="harness-bait-"))
    folder.chmod(0o755)  # only a box shall stand between it and the attacks
    in_memory = Path("/dev/shm") / f"harness-{token}"  # noqa: S108 - it is the one
    try:
        places = _files(folder, token)
        with suppress(OSError):
            in_memory.write_text(token, "utf-8")
        with _neighbour(folder, token) as neighbour:
            room = _room(folder)
            facts = {**places, **neighbour, **_machine(room), "token": token, "shared_memory_file": str(in_memory)}
            target = 1 if level >= Level.BUBBLEWRAP else neighbour["neighbour"]
            yield Bait(room, {**facts, "target": target, "limits": asdict(LIMITS)})
    finally:
        in_memory.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path, token: str) -> dict[str, str]:
    places = {
        "outside": folder / "workspace/references.txt",
        "gold_of_packages": folder / "packages/harness/tasks/some_task/data/gold.jsonl",
        "package": folder / "packages/some_package.py",
        "gold_of_checkout": folder / "checkout/tasks/some_task/data/gold.jsonl",
        "other_submission": folder / "workspace/submissions/some-task/another/outputs/set.jsonl",
    }
    for path in places.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(token, "utf-8")
    (folder / "checkout/.venv").mkdir()
    open_folder = folder / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    return {**{name: str(path) for name, path in places.items()}, "open_folder": str(open_folder)}


def _room(folder: Path) -> Room:
    """The attacks as a submission, beside packages with gold and an environment inside of a checkout."""
    readable, masked = rooms.runtime(gold=[folder / "packages/harness/tasks"])
    shown = (folder / "packages", folder / "checkout/.venv")
    return Room(
        folder=_suite(folder / "suite"),
        environment={"PATH": "/usr/bin:/bin", "HOME": "/tmp"},  # noqa: S108 - inside
        readable=(*readable, *shown),
        masked=(*masked, folder / "packages/harness/tasks"),
        cpus=frozenset(sorted(os.sched_getaffinity(0))[:1]),
    )


def _suite(into: Path) -> Path:
    """The attacks, with the little of us that they need, under the names that they import."""
    ours, attacks = Path(syscalls.__file__), Path(syscalls.__file__).with_name("attacks")
    package = into / "harness" / "sandbox"
    shutil.copytree(attacks, package / "attacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ours, package / ours.name)
    for empty in (into / "harness/__init__.py", package / "__init__.py"):
        empty.touch()
    (into / "run.py").write_text(_RUN, "utf-8")
    for path in (into, *into.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return into


@contextmanager
def _neighbour(folder: Path, token: str) -> Iterator[dict[str, Any]]:
    program = Path(__file__).with_name("neighbour.py")
    with subprocess.Popen(  # noqa: S603 - our own file, by our own interpreter
        [sys.executable, "-I", "-S", str(program), str(folder), token],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"HARNESS_SECRET": token},
    ) as process:
        try:
            facts = json.loads(process.stdout.readline()) if process.stdout else {}
            yield {**facts, "neighbour": process.pid}
        finally:
            if process.stdin is not None:
                process.stdin.close()


def _machine(room: Room) -> dict[str, Any]:
    home = Path.home()
    beneath = [place.relative_to(home).parts for place in room.readable if place.is_relative_to(home)]
    shown = {parts[0] for parts in beneath if parts}
    names = [path.name for path in home.iterdir()] if os.access(home, os.R_OK) else []
    return {
        "home": str(home),
        "names_at_home": sorted(set(names) - shown),
        "devices": [device for device in _DEVICES if Path(device).exists()],
        "disk": _disk(),
        "host": socket.gethostname(),
        "has_machine_id": Path("/etc/machine-id").is_file(),
        "has_route": _has_route(),
        "processors": sorted(os.sched_getaffinity(0)),
        "variables": sorted(set(os.environ) - _SET_BY_OTHERS - set(room.environment)),
    }


def _disk() -> list[int]:
    """The numbers of the first disk, else those of the first loop device."""
    for device in ("/dev/vda", "/dev/sda", "/dev/nvme0n1"):
        with suppress(OSError):
            number = Path(device).stat().st_rdev
            return [os.major(number), os.minor(number)]
    return [7, 0]


def _has_route() -> bool:
    """Whether this machine itself knows a way to others (Linux only; a zero destination is the default route)."""
    with suppress(OSError):
        rows = Path("/proc/net/route").read_text("ascii").splitlines()[1:]
        return any(row.split()[1] == "00000000" for row in rows)
    return False
