"""From the table `[run]` of a submission to the system that it describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from harness.timing import SystemFault
from harness.timing.kinds.batch import Batch
from harness.timing.kinds.http import Http
from harness.timing.kinds.streaming import CALLABLE, OWN_CHANNEL, Streaming
from harness.timing.wire import JsonLines, Lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.timing import System
    from harness.timing.kinds.place import Place


class Described(Protocol):
    """What is read of `harness.manifest.RunTable`."""

    @property
    def protocol(self) -> str: ...  # noqa: D102 - named as in the manifest
    @property
    def command(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def callable(self) -> str | None: ...  # noqa: D102
    @property
    def image(self) -> str | None: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102


def make(run: Described, place: Place, hello: Mapping[str, Any], batch: int = 1) -> System:
    """A system that was not started yet.

    `hello` holds task, test_set, unit and tags. `batch` is the size that a command for files is told. Raises
    SystemFault (X013) if the table lacks what its protocol needs.
    """
    if run.protocol == "http" and run.unit == "corpus":
        raise SystemFault("X013", what='protocol "http" has no end of input, which unit = "corpus" waits for')
    match run.protocol:
        case "jsonl":
            return Streaming(_command(run), JsonLines(hello), place)
        case "lines":
            return Streaming(_command(run), Lines(), place)
        case "callable":
            words = ["python", "-m", CALLABLE, _given(run, "callable"), *map(str, OWN_CHANNEL), run.unit]
            return Streaming(words, JsonLines(hello), place, own_channel=True)
        case "batch":
            return Batch([*_command(run), pair(hello), str(batch)], place)
        case "http":
            return Http(_command(run), place)
        case "container":
            return Streaming([_given(run, "image"), *run.command], JsonLines(hello), place.inside())
    raise SystemFault("X013", what=f"there is no protocol {run.protocol}")


def pair(hello: Mapping[str, Any]) -> str:
    """The languages as WMT names them, `en-de`; of a test set without languages its id."""
    tags = hello.get("tags") or {}
    languages = [tags[name] for name in ("source_language", "target_language") if name in tags]
    return "-".join(languages) if len(languages) == 2 else str(hello.get("test_set", ""))  # noqa: PLR2004 - from, to


def _command(run: Described) -> Sequence[str]:
    if not run.command:
        raise SystemFault("X013", what=f'protocol "{run.protocol}" needs a `command`')
    return run.command


def _given(run: Described, key: str) -> str:
    value: str | None = getattr(run, key)
    if not value:
        raise SystemFault("X013", what=f'protocol "{run.protocol}" needs `{key}`')
    return value
