"""Time a system that runs: drive it, watch the machine meanwhile, and say what the numbers are worth.

`wire` and `kinds` know how a system is asked, `drivers` move the bytes and stamp them, `scenarios` decide
what is asked when, `backends` watch the machine, `honesty` looks for what a fast system may hide, and
`measuring` makes one Timing record of it all. The clock is CLOCK_MONOTONIC in nanoseconds, on the harness' side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPLY_BYTES = 64 * 1024
"""The longest reply line."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request under the id that the harness made up for it."""

    id: str
    source: Any
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replied:
    """What came back, with both stamps (ns): the request was about to be written, the reply was complete."""

    id: str
    output: Any
    sent: int
    received: int


class SystemFault(Exception):
    """The system under test broke the protocol, ended, or did not answer.

    `code` is one of the catalogue's X codes and `facts` what its wording needs, so that whoever knows the
    submission can make the message.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(f"{code} {facts}")
        self.code, self.facts = code, facts


class System(Protocol):
    """A running system, whatever its kind. One object is one process, started once, never again.

    Every method may raise SystemFault; after one only `stop` may be called.
    """

    def start(self) -> None:
        """Start the process; returns as soon as it exists."""
        ...

    def load(self, deadline_s: float) -> int:
        """Wait until it is ready; the stamp (ns) of readiness. Kinds without a signal return at once."""
        ...

    def ask(self, request: Asked, deadline_s: float) -> Replied:
        """One request, and its reply before anything else is sent (lock-step)."""
        ...

    def pour(
        self,
        requests: Sequence[Asked],
        deadline_s: float,
        *,
        end: bool = False,
        due: Sequence[int] | None = None,
    ) -> list[Replied]:
        """All requests as fast as they are taken; replies in the order of arrival, stamped by chunk.

        `end` sends the end of input after the last request, which corpus systems wait for. With `due`, one
        offset (ns from the call) per request, each is sent when it is due, and `sent` of its reply is that moment.
        """
        ...

    def pids(self) -> set[int]:
        """The processes of the system that live now."""
        ...

    def stop(self, grace_s: float = 5.0) -> Ending:
        """End the input, wait, then kill what is left of the tree. Never raises for what the system did."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """How a system ended.

    `status` is its exit status, negative for a signal; `orphans` counts processes that outlived the main one and had
    to be killed; `cpu_s` is of the whole tree, where known; `stderr` is the end of what it said there.
    """

    status: int | None
    orphans: int
    cpu_s: float | None
    stderr: bytes
