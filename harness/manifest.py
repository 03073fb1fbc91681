"""The manifests that people write: task.toml, testset.toml, submission.toml.

Every fault of a file is reported at once, each with its line. The happy path is one strict
conversion; only a file that fails it is walked again, key by key, for the list of faults.
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec

from harness.catalogue import problem, suggestion
from harness.errors import InvalidInput, Problem, printable
from harness.records import ID
from harness.textio import BOM, MANIFEST_BYTES, read_small

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OUTPUT_BYTES = 64 * 1024
DEPTH = 16
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_ID = re.compile(ID)
_SHA256 = r"^[0-9a-f]{64}$"

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s<>\"']+$", max_length=2048)]
Sha256 = Annotated[str, msgspec.Meta(pattern=_SHA256)]
Answers = Literal["one", "at-most-one", "any"]
"""How many outputs a request may have."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the manifests: frozen, unknown keys refused."""


class TestSetTable(Manifest, frozen=True, kw_only=True):
    """A test set: the content of a `testset.toml`, or one `[[test_sets]]` table of a task.

    Gold is either `gold` (JSON Lines, one segment a line) or plain text: `sources` with one file
    per reference in `references`, parallel line by line. Paths are relative to the manifest and
    may lead out of the repository, for references that must stay blind. `block` names the key of
    gold whose equal values are resampled together. Test sets of one `collection` belong together:
    who takes part in one is expected in all. `answers` replaces the task's. `decoys` names a file of rows
    like gold, of the same domain and never scored, that are mixed among the requests when a system is timed.
    `gold_sha256` pins the gold.
    """

    __test__ = False

    id: Text
    title: Text | None = None
    collection: Text | None = None
    gold: Text | None = None
    sources: Text | None = None
    references: list[Text] = []
    tags: dict[str, str] = {}
    block: Text | None = None
    answers: Answers | None = None
    compat: list[Text] = []
    decoys: Text | None = None
    licence: Text | None = None
    citation: Text | None = None
    gold_sha256: Sha256 | None = None


class Limits(Manifest, frozen=True, kw_only=True):
    """Limits of one task. `output_bytes`: the longest single output, in UTF-8 bytes."""

    output_bytes: Annotated[int, msgspec.Meta(ge=1, le=MANIFEST_BYTES * 16)] = OUTPUT_BYTES


class EvaluateTable(Manifest, frozen=True, kw_only=True):
    """A metric that is a Hugging Face `evaluate` module: a script in the task's folder, never one of a hub.

    `path` leads to the script, or to a folder with a script of its name; `result` is the key of what
    the module returns; `config` names a configuration of it.
    """

    path: Text
    result: Text
    config: Text | None = None
    title: Text | None = None
    citation: Text | None = None
    unit: Literal["fraction", "points", "count"] = "fraction"
    best: Literal["higher", "lower"] = "higher"


class DerivedTable(Manifest, frozen=True, kw_only=True):
    """A number over several test sets of one metric, which differ in the value of `tag`.

    With `difference` it is the value for the first of two values of the tag minus that for the second,
    without it the mean over all values. Test sets belong together whose other tags are equal.
    """

    name: Text
    metric: Text
    tag: Text
    title: Text | None = None
    difference: Annotated[list[Text], msgspec.Meta(min_length=2, max_length=2)] | None = None


class TaskManifest(Manifest, frozen=True, kw_only=True):
    """A `task.toml`. A task of text in, text out needs nothing but this file.

    `outputs` says what one output is: a text, or a list of texts, one per token of the source.
    """

    name: Text
    version: Text
    title: Text
    licence: Text
    citation: Text
    primary: Text
    metrics: Annotated[list[Text], msgspec.Meta(min_length=1)]
    description: Text | None = None
    reader: Literal["jsonl", "lines"] = "jsonl"
    outputs: Literal["text", "tokens"] = "text"
    answers: Answers = "one"
    compat: dict[str, list[Text]] = {}
    importers: list[Text] = []
    evaluate: dict[str, EvaluateTable] = {}
    derived: list[DerivedTable] = []
    limits: Limits = Limits()
    test_sets: list[TestSetTable] = []


class RunTable(Manifest, frozen=True, kw_only=True):
    """How a system runs: the table `[run]` of a `submission.toml`.

    `command` is started in the submission's folder; its first word `python` means the harness' own interpreter.
    `protocol` says how it is asked (docs/timing.md); `callable` names `module:function` for the protocol of that
    name, `image` a container's image with its digest. A `corpus` system answers only after the end of the input.
    It is run on the test sets that match one of `test_sets`. `requires` names Python modules and programs without
    which it is not run. `uses` names submissions of the same task whose files it shares: each is laid into its room as
    a folder of that name. `model` lists the paths whose size is reported, by default the whole folder.
    """

    protocol: Literal["jsonl", "lines", "batch", "callable", "http", "container"] = "jsonl"
    command: list[Text] = []
    callable: Text | None = None
    image: Text | None = None
    unit: Literal["segment", "corpus"] = "segment"
    requires: list[Text] = []
    uses: list[Text] = []
    backends: list[Text] = msgspec.field(default_factory=lambda: ["cpu"])
    test_sets: list[Text] = msgspec.field(default_factory=lambda: ["*"])
    model: list[Text] = []


class SubmissionManifest(Manifest, frozen=True, kw_only=True):
    """A `submission.toml`: who built what for which task.

    `kind` says what the row is; `floor` and `gaming` are yardsticks that never compete.
    """

    task: Text
    team: Text
    system: Text
    name: Text | None = None
    kind: Literal["primary", "contrastive", "baseline", "floor", "gaming"] = "primary"
    description: Text | None = None
    url: Url | None = None
    licence: Text | None = None
    citation: Text | None = None
    run: RunTable | None = None


M = TypeVar("M", bound=Manifest)


def load(path: Path, kind: type[M], *, trusted: bool = True) -> tuple[M, bytes]:
    """Read a manifest strictly; also return its bytes, for their digest.

    A manifest that came with a submission is not `trusted`: it must be a regular file with one
    name. Raises InvalidInput with every fault (S0xx for the file, T0xx for keys).
    """
    content = read_small(path, trusted=trusted)
    if content.startswith(BOM):
        raise InvalidInput(problem("S011", file=path, line=1))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"invalid UTF-8 (0x{content[error.start]:02x})"
        raise InvalidInput(problem("S013", file=path, line=line, what=what, byte=error.start + 1)) from None
    data = _parse(text, path)
    try:
        manifest = msgspec.convert(data, kind)
    except msgspec.ValidationError:
        manifest = None
    faults = [*_number_faults(data, path, text), *(explain(data, kind, path, text) if manifest is None else ())]
    if manifest is None or faults:
        raise InvalidInput(*faults)
    return manifest, content


def explain(data: dict[str, Any], kind: type[Manifest], path: Path, text: str) -> Iterator[Problem]:
    """Every fault of `data` as a `kind`, in the order of the fields, with file and line."""
    yield from _explain(data, kind, path, _Lines(text), ())


def require_id(value: str, path: Path, line: int | None = None) -> Iterator[Problem]:
    """Yield S040 if `value` cannot name a folder, a file and a URL alike."""
    if not _ID.fullmatch(value) or _RESERVED.fullmatch(value):
        yield problem("S040", file=path, line=line, id=f"'{printable(value)}'")


def require_name(value: str, path: Path, line: int | None = None) -> Iterator[Problem]:
    """Yield S042 if free text meant for display holds what cannot be seen."""
    invisible = any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} for char in value)
    if invisible or not unicodedata.is_normalized("NFC", value):
        yield problem("S042", file=path, line=line, id=f"'{printable(value)}'")


def line_of(path: Path, *keys: str | int) -> int | None:
    """The line on which a key of a manifest stands, if it can be told."""
    try:
        return _Lines(path.read_bytes().decode("utf-8", "replace")).find(keys)
    except OSError:
        return None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r"\(at line (\d+)", message)
        line = int(found[1]) if found else None
        what = message.split(" (at ", maxsplit=1)[0]
        if "overwrite" in what or "twice" in what or "more than once" in what:
            key = (text.split("\n")[line - 1] if line else "").partition("=")[0].strip(" []")
            raise InvalidInput(problem("S031", file=path, line=line, key=f"'{printable(key)}'")) from None
        raise InvalidInput(problem("T010", file=path, line=line, what=printable(what))) from None
    except ValueError as error:  # Python's own limit on the digits of an integer
        raise InvalidInput(problem("S033", file=path, what=str(error).split(":", maxsplit=1)[0])) from None
    except RecursionError:
        raise InvalidInput(problem("T019", file=path, expected=DEPTH)) from None
    if _is_deep(data):
        raise InvalidInput(problem("T019", file=path, expected=DEPTH))
    return data


def _is_deep(data: dict[str, Any]) -> bool:
    """Whether tables or arrays are nested deeper than any manifest needs."""
    level: list[object] = [data]
    for _ in range(DEPTH):
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def _number_faults(data: dict[str, Any], path: Path, text: str) -> Iterator[Problem]:
    lines = _Lines(text)
    for keys, value in _leaves(data, ()):
        if isinstance(value, float) and not math.isfinite(value):
            yield problem("S033", file=path, line=lines.find(keys), what=f"{_dotted(keys)} = {value}")


def _leaves(value: object, keys: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*keys, index))
    else:
        yield keys, value


def _explain(
    data: dict[str, Any], kind: type[Manifest], path: Path, lines: _Lines, above: tuple[str | int, ...]
) -> Iterator[Problem]:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for key in (key for key in data if key not in fields):
        place = (*above, key)
        hint = suggestion(key, fields)
        yield problem("T011", file=path, line=lines.find(place), key=_dotted(place), hint=hint)
    for name, field in fields.items():
        place = (*above, name)
        if name not in data:
            if field.required:
                yield problem("T012", file=path, line=lines.find(above) if above else None, key=_dotted(place))
            continue
        yield from _explain_value(data[name], field.type, path, lines, place)


def _explain_value(
    value: object,
    kind: Any,  # noqa: ANN401 - a type annotation
    path: Path,
    lines: _Lines,
    place: tuple[str | int, ...],
) -> Iterator[Problem]:
    if get_origin(kind) is UnionType and isinstance(value, dict):
        kind = next(choice for choice in get_args(kind) if choice is not type(None))  # a table that may be absent
    if isinstance(kind, type) and issubclass(kind, Manifest) and isinstance(value, dict):
        yield from _explain(value, kind, path, lines, place)
        return
    item = get_args(kind)[0] if get_origin(kind) is list else None
    named = get_args(kind)[1] if get_origin(kind) is dict else None
    if isinstance(value, dict) and isinstance(named, type) and issubclass(named, Manifest):
        for key, element in value.items():
            yield from _explain_value(element, named, path, lines, (*place, key))
        return
    if isinstance(value, list) and isinstance(item, type) and issubclass(item, Manifest):
        for index, element in enumerate(value):
            yield from _explain_value(element, item, path, lines, (*place, index))
        return
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what = f"expected {_wanted(kind, str(error))}, found {printable(repr(value), 60)}"
        yield problem("T013", file=path, line=lines.find(place), key=_dotted(place), what=what)


def _wanted(kind: Any, message: str) -> str:  # noqa: ANN401 - a type annotation
    """What a key asks for, in the words of TOML."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f"'{choice}'" for choice in get_args(kind))
    wanted = re.split(r",? got | - at ", message, maxsplit=1)[0].removeprefix("Expected ")
    words = {"`str | null`": "a string", "`str`": "a string", "`int`": "an integer", "`array`": "a list"}
    for name, word in (words | {"`object`": "a table"}).items():
        wanted = wanted.replace(name, word)
    return wanted


def _dotted(keys: tuple[str | int, ...]) -> str:
    return printable("".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix("."))


class _Lines:
    """Finds the line of a key in TOML text; None where the text is too clever for it.

    tomllib does not tell positions, and no parser among our dependencies keeps them.
    """

    _TABLE = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?")
    _KEY = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")

    def __init__(self, text: str) -> None:
        self.places: dict[tuple[str | int, ...], int] = {}
        table: tuple[str | int, ...] = ()
        counts: dict[tuple[str | int, ...], int] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            if found := self._TABLE.fullmatch(line.rstrip("\r")):
                table = self._split(found[2])
                if found[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                self.places.setdefault(table, number)
            elif found := self._KEY.match(line):
                self.places.setdefault((*table, *self._split(found[1])), number)

    @staticmethod
    def _split(dotted: str) -> tuple[str | int, ...]:
        return tuple(part.strip().strip("\"'") for part in dotted.split("."))

    def find(self, keys: Sequence[str | int]) -> int | None:
        """The line of the key, or of the closest table around it."""
        for length in range(len(keys), 0, -1):
            if (line := self.places.get(tuple(keys[:length]))) is not None:
                return line
        return None
