"""The error tree, the exit codes, and the `Problem` that every message is made of.

    HarnessError
    ├── UsageError           2   the command asks for something that does not exist
    ├── InvalidInput         3   files that people wrote are wrong; carries every problem at once
    ├── SystemFailed         4   the system under test ended, hung, or broke the protocol
    ├── IntegrityError       5   bytes are not what their hash says
    ├── EnvironmentFault     6   the machine: no space, no permission, a lock that is held
    └── PolicyError          7   refused on purpose, for instance to protect what exists

Nothing below `harness.cli` prints or exits: it raises one of these, and `harness.cli.app` turns
the error into text and an exit code in one place. Messages carry no markup, and text that came
from a file is escaped by `printable` before it enters a message.
"""

from __future__ import annotations

import enum
import unicodedata
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


PATH_LIMIT = 400
"""Characters of a path, or of a text from a file, that a message shows."""


WHERE = "{where}"
"""Stands in help lines where a command takes `--workspace` and `--tasks`."""


class ExitCode(enum.IntEnum):
    """What the process says when it ends; documented in `docs/errors.md`."""

    GOOD = 0
    SOME_FAILED = 1
    USAGE = 2
    INVALID = 3
    SYSTEM_FAILED = 4
    INTEGRITY = 5
    ENVIRONMENT = 6
    POLICY = 7
    BUG = 70
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, said so that its owner can mend it.

    `code` is a key of `harness.catalogue.FAULTS`; `line` counts from 1 and is None where the
    problem concerns a whole file; `help` is the next command or the next edit. Commands in it hold
    `WHERE` in the place of the options that say which workspace is meant: `at` fills it.
    """

    code: str
    message: str
    help: str
    file: str | None = None
    line: int | None = None

    def at(self, where: str) -> Problem:
        """The same problem with the options that its commands need, for instance ` --workspace w`."""
        return replace(self, help=self.help.replace(WHERE, where))

    def __str__(self) -> str:
        place = "" if self.file is None else f" {printable(self.file, PATH_LIMIT)}"
        if self.line is not None:
            place += f":{self.line}"
        return f"error[{self.code}]{place}: {self.message}\n  help: {self.at('').help}"

    def to_dict(self) -> dict[str, str | int | None]:
        """The same facts for `--json`."""
        return asdict(self.at(""))


class HarnessError(Exception):
    """Root of every error that the harness raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems: Sequence[Problem] = problems

    def __reduce__(self) -> tuple[type[HarnessError], tuple[Problem, ...]]:
        return type(self), tuple(self.problems)  # so that it arrives whole from a child process


class UsageError(HarnessError):
    """The command line names something that does not exist or cannot be combined."""

    exit_code = ExitCode.USAGE


class InvalidInput(HarnessError):
    """A manifest, an outputs file or gold is wrong; `problems` holds all that was found."""

    exit_code = ExitCode.INVALID


class SystemFailed(HarnessError):
    """The system under test ended, did not answer, passed a limit, or broke the protocol."""

    exit_code = ExitCode.SYSTEM_FAILED


class IntegrityError(HarnessError):
    """Stored bytes differ from their hash, or gold from its pinned digest."""

    exit_code = ExitCode.INTEGRITY


class EnvironmentFault(HarnessError):
    """The machine refuses: disk full, no permission, a lock held by another process."""

    exit_code = ExitCode.ENVIRONMENT


class PolicyError(HarnessError):
    """Refused although possible, for instance because existing work would be overwritten."""

    exit_code = ExitCode.POLICY


_INVISIBLE = frozenset(["Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"])


def printable(text: str, limit: int = 120) -> str:
    r"""Escape what a terminal or a reader could mistake for something else.

    Control, format (bidirectional marks, zero-width characters), surrogate, private-use and
    unassigned characters and line separators become `\xNN`, `\uNNNN` or `\UNNNNNNNN`; text over `limit` characters
    ends in an ellipsis.
    """
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    if shown.isprintable():  # most texts are, and pages print many
        return shown
    return "".join(_escaped(char) if unicodedata.category(char) in _INVISIBLE else char for char in shown)


def _escaped(char: str) -> str:
    if char <= "\xff":
        return f"\\x{ord(char):02x}"
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
