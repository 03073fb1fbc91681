"""Level VM: a container under gVisor's runsc, whose kernel is a program of its own."""

from __future__ import annotations

from harness.sandbox import Level
from harness.sandbox.container import Container, answers

RUNTIME = "runsc"


class VirtualMachine(Container):
    """A container, under another runtime."""

    level = Level.VM
    gaps = (
        "What the image holds is not looked at; its digest says which one it was.",
        "A device that is given (a GPU) is not limited, and its driver is part of the kernel of the machine.",
        "System calls take longer than on the machine itself, so times are not those of other levels.",
    )
    runtime = RUNTIME

    def available(self) -> str | None:
        """Whether docker answers and knows the runtime."""
        return None if answers("docker", RUNTIME) else f"docker does not answer, or does not know the runtime {RUNTIME}"

    def engine(self) -> str | None:
        """Docker: podman names runtimes by path."""
        return "docker" if answers("docker", RUNTIME) else None


VM = VirtualMachine()
