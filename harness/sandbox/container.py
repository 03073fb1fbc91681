"""Level CONTAINER: an image under docker, podman or apptainer, without network, rights, or anything to write.

The first word of a command is the image, pinned by its digest; the others are passed to it. The engine's own
process tree is out of our sight, so a container has a name, and is ended by it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

from harness.sandbox import INSIDE, Level
from harness.sandbox.levels import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.sandbox import Limits, Room

ENGINES = ("podman", "docker", "apptainer")
"""In the order in which they are looked for: the first two need no daemon, or may have one."""
_PINNED = re.compile(r".+@sha256:[0-9a-f]{64}|.+\.sif")
_ANSWER_S = 10.0
_CLIENT = ("PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONFIG", "CONTAINER_HOST")
"""What the engine's client needs of our environment; nothing of it reaches the container."""


class Container:
    """What every engine can do, asked for explicitly; never `--privileged`, never the engine's own socket inside."""

    level = Level.CONTAINER
    gaps = (
        "The kernel is shared, and the engine's filter of system calls is not ours.",
        "What the image holds is not looked at; its digest says which one it was.",
        "A device that is given (a GPU) is not limited, and its driver is part of the kernel.",
    )
    open: frozenset[str] = frozenset()
    runtime: str | None = None

    def available(self) -> str | None:
        """Whether an engine answers."""
        return None if self.engine() else "no engine answers: none of " + ", ".join(ENGINES)

    def engine(self) -> str | None:
        """The first engine that answers."""
        return next((name for name in ENGINES if answers(name)), None)

    def plan(self, command: Sequence[str], room: Room, limits: Limits, spare: int) -> Plan:  # noqa: ARG002 - no descriptors
        """The engine's client, and how to end what it started. Raises ValueError for an image without digest."""
        engine = self.engine() or ENGINES[0]
        name = f"harness-{secrets.token_hex(8)}"
        program, *words = arguments(engine, name, command, room, limits, self.runtime)
        path = shutil.which(program) or program
        farewell = () if engine == "apptainer" else (path, "rm", "--force", name)
        client = {key: os.environ[key] for key in _CLIENT if key in os.environ}
        return Plan(command=(path, *words), environment=client, farewell=farewell)


def arguments(
    engine: str, name: str, command: Sequence[str], room: Room, limits: Limits, runtime: str | None = None
) -> tuple[str, ...]:
    """The command line of an engine. Raises ValueError for an image that no digest pins."""
    image, *words = command
    if not _PINNED.fullmatch(image):
        message = f"the image {image} is not pinned by a digest"
        raise ValueError(message)
    if engine == "apptainer":
        return (engine, "run", *_of_apptainer(room, limits), image, *words)
    runs_under = () if runtime is None else ("--runtime", runtime)
    options = ("--rm", "--interactive", "--name", name, *runs_under, *_of_docker(room, limits))
    return (engine, "run", *options, image, *words)


def _of_docker(room: Room, limits: Limits) -> Iterator[str]:
    """Options of docker and of podman, which are the same."""
    yield from ("--pull", "never", "--log-driver", "none", "--network", "none", "--ipc", "private")
    yield from ("--hostname", "sandbox", "--user", "65534:65534", "--read-only")
    yield from ("--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    yield from ("--memory", str(limits.memory), "--memory-swap", str(limits.memory))
    yield from ("--pids-limit", str(limits.processes), "--shm-size", str(limits.temporary))
    for limit in (f"fsize={limits.file_size}", f"nofile={limits.open_files}", "core=0"):
        yield from ("--ulimit", limit)
    yield from ("--tmpfs", f"/tmp:rw,nosuid,nodev,size={limits.temporary}")  # noqa: S108 - inside
    if room.cpus is not None:
        yield from ("--cpuset-cpus", ",".join(map(str, sorted(room.cpus))))
    yield from ("--mount", f"type=bind,source={room.folder},target={INSIDE},readonly", "--workdir", INSIDE)
    for place in room.readable:
        yield from ("--mount", f"type=bind,source={place},target={place},readonly")
    for place in room.masked:
        yield from ("--mount", f"type=tmpfs,target={place},tmpfs-size=4096,readonly")
    for device in room.devices:
        yield from ("--device", str(device))
    for key, value in sorted(room.environment.items()):
        yield from ("--env", f"{key}={value}")


def _of_apptainer(room: Room, limits: Limits) -> Iterator[str]:
    yield from ("--containall", "--no-eval", "--no-home", "--no-init", "--writable-tmpfs")
    yield from ("--net", "--network", "none", "--no-privs", "--drop-caps", "all", "--hostname", "sandbox")
    yield from ("--memory", str(limits.memory), "--pids-limit", str(limits.processes))
    if room.cpus is not None:
        yield from ("--cpuset-cpus", ",".join(map(str, sorted(room.cpus))))
    yield from ("--bind", f"{room.folder}:{INSIDE}:ro", "--pwd", INSIDE)
    for place in room.readable:
        yield from ("--bind", f"{place}:{place}:ro")
    if any("nvidia" in device.name for device in room.devices):
        yield "--nv"
    for key, value in sorted(room.environment.items()):
        yield from ("--env", f"{key}={value}")


def answers(engine: str, runtime: str | None = None) -> bool:
    """Whether an engine works (and knows a runtime); a client alone is not enough."""
    path = shutil.which(engine)
    if path is None:
        return False
    question = [path, "--version"] if engine == "apptainer" else [path, "info", "--format", "{{json .}}"]
    try:
        done = subprocess.run(question, capture_output=True, text=True, timeout=_ANSWER_S, check=False)  # noqa: S603 - found in PATH
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0 and (runtime is None or f'"{runtime}"' in done.stdout)


CONTAINER = Container()
