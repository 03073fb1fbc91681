r"""What is said to a system, and how its replies are read: strictly, because a reply is evidence.

    jsonl   `{"id": …, "source": …}` and `{"id": …, "output": …}`, one JSON object a line, replies in any order
    lines   the text of the source and the text of the output, one a line, replies in the order of the requests;
            backslash, LF and CR inside a text are written `\\`, `\n` and `\r`

A wire keeps account of what was asked and not answered yet. Nothing that breaks the protocol is mended: it raises
SystemFault (X012, whose `what` shows the start of the line).
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from harness import strictjson
from harness.catalogue import FAULTS
from harness.errors import printable
from harness.timing import REPLY_BYTES, SystemFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.timing import Asked

PROTOCOL = 1
SHOWN = 60
"""Characters of a reply that a message shows."""

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_UNESCAPES = {escaped: plain for plain, escaped in _ESCAPES.items()}
_SPECIAL = re.compile(r"[\\\n\r]")
_ESCAPED = re.compile(r"\\.?", re.DOTALL)


class Wire(Protocol):
    """A protocol over one line out and one line in. Lines that are returned end in LF; lines that are given do not."""

    has_banner: bool
    """Whether the system says that it is ready before it is asked."""

    def hello(self) -> bytes:
        """What is written when the process starts."""
        ...

    def ready(self, line: bytes) -> None:
        """Check the banner."""
        ...

    def encode(self, asked: Asked) -> bytes:
        """The request as a line; from now on it may be answered once."""
        ...

    def decode(self, line: bytes) -> tuple[str, Any]:
        """The id that is answered, and the output."""
        ...

    def end(self) -> bytes:
        """What is written before the input is closed."""
        ...


class JsonLines:
    """Protocol 1: JSON Lines. `about` says what will be asked: task, test set, unit, tags."""

    has_banner = True

    def __init__(self, about: Mapping[str, Any] | None = None) -> None:
        self._about = dict(about or {})
        self._open: set[str] = set()
        self._closed: set[str] = set()

    def hello(self) -> bytes:
        """`{"harness": 1, …}`."""
        return _line({"harness": PROTOCOL, **self._about})

    def ready(self, line: bytes) -> None:
        """`{"ready": true, "protocol": 1}`."""
        banner = _object(line, "before it was ready: ")
        if banner.get("ready") is not True:
            raise broken(line, "before it was ready it wrote something else")
        if type(banner.get("protocol")) is not int or banner["protocol"] != PROTOCOL:
            raise broken(line, f"it does not speak protocol {PROTOCOL}")

    def encode(self, asked: Asked) -> bytes:
        """The id and the source win over fields of the same name."""
        self._open.add(asked.id)
        named = {"id": asked.id, "source": asked.source}
        return _line({**named, **asked.fields, **named})  # the first puts them in front

    def decode(self, line: bytes) -> tuple[str, Any]:
        """Further keys of a reply are passed over."""
        reply = _object(line)
        identifier, output = reply.get("id"), reply.get("output")
        if not isinstance(identifier, str) or "output" not in reply:
            raise broken(line, "a reply is an object with `id`, a text, and `output`")
        if not isinstance(output, str) and not _is_texts(output):
            raise broken(line, "an output is a text or a list of texts")
        if identifier not in self._open:
            times = "was answered before" if identifier in self._closed else "was not asked"
            raise broken(line, f"id '{printable(identifier, SHOWN)}' {times}")
        self._open.remove(identifier)
        self._closed.add(identifier)
        return identifier, output

    def end(self) -> bytes:
        """`{"end": true}`."""
        return _line({"end": True})


class Lines:
    """One line in, one line out. There is no banner, and only the source is sent, which must be a text."""

    has_banner = False

    def __init__(self) -> None:
        self._open: deque[str] = deque()

    def hello(self) -> bytes:
        """Nothing."""
        return b""

    def ready(self, line: bytes) -> None:
        """Never asked for: the first reply says that it is ready."""
        raise broken(line, "it wrote before it was asked")

    def encode(self, asked: Asked) -> bytes:
        """The source, escaped. Raises SystemFault (X013) if it is a list of tokens."""
        self._open.append(asked.id)
        return text_line(asked)

    def decode(self, line: bytes) -> tuple[str, str]:
        """The oldest request that waits is the one that is answered."""
        if not self._open:
            raise broken(line, "it wrote a line that nothing asked for")
        output = unescape(_text(line))
        return self._open.popleft(), output

    def end(self) -> bytes:
        """Nothing but the end of the input."""
        return b""


def text_line(asked: Asked) -> bytes:
    """A request for systems that read plain lines. Raises SystemFault (X013) if its source is a list of tokens."""
    if not isinstance(asked.source, str):
        raise SystemFault("X013", what="plain lines carry texts, and the sources of this task are lists of tokens")
    return escape(asked.source).encode("utf-8") + b"\n"


def escape(text: str) -> str:
    """A text as one line."""
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)


def unescape(line: str) -> str:
    """The text of a line. Raises SystemFault (X012) for a raw CR and for a backslash before anything else."""
    if "\r" in line:
        raise broken(line.encode("utf-8"), "a raw carriage return in a reply is written \\r")
    return _ESCAPED.sub(_plain, line) if "\\" in line else line


def _plain(found: re.Match[str]) -> str:
    if found[0] not in _UNESCAPES:
        raise broken(found.string.encode("utf-8"), f"'{printable(found[0])}' in a reply; a backslash is written \\\\")
    return _UNESCAPES[found[0]]


def broken(reply: bytes, what: str) -> SystemFault:
    """X012; the start of the reply is part of `what`."""
    shown = printable(reply[: 4 * SHOWN].decode("utf-8", "replace"), SHOWN)
    return SystemFault("X012", what=f"{what}; it wrote: {shown}" if reply else what)


def too_long() -> SystemFault:
    """X012 for a reply that does not end."""
    return broken(b"", f"a reply longer than {REPLY_BYTES // 1024} KiB")


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def _object(line: bytes, prefix: str = "") -> dict[str, Any]:
    """A line as a JSON object."""
    try:
        value = strictjson.parse(_text(line))
    except strictjson.Refused as refused:
        raise broken(line, prefix + FAULTS[refused.code].message.format(**refused.facts)) from None
    if not isinstance(value, dict):
        raise broken(line, f"{prefix}not a JSON object")
    return value


def _text(line: bytes) -> str:
    if len(line) > REPLY_BYTES:
        raise too_long()
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise broken(line, f"not UTF-8 at byte {error.start + 1} of the reply") from None


def _is_texts(output: object) -> bool:
    return isinstance(output, list) and all(isinstance(item, str) for item in output)
