"""Find and load test sets: a table of facts, and gold.

A test set is a `[[test_sets]]` table of its task, with gold in the task's folder, or a folder
`testsets/<task>/<id>/` of the workspace with a `testset.toml`. Both hold the same table.

Gold is JSON Lines, one segment a line: `id`, as a rule `source` and `reference` or `references`
(the task's `requests` decides), and further keys. Of these, what is sent to systems belongs to the
request; other strings are tags of the segment, and the rest is for the task's scorer alone. A row whose
requests are context is no segment: it is asked and not scored. Or it
is plain text: a file of sources and parallel files of references, whose ids are line numbers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from harness import canonical, manifest, strictjson
from harness.api import Segment, TestSet
from harness.catalogue import problem, suggestion
from harness.errors import WHERE, EnvironmentFault, IntegrityError, InvalidInput, Problem, UsageError, printable
from harness.manifest import TestSetTable
from harness.textio import Findings, open_trusted, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.api import Request
    from harness.registry import Task

Ask: TypeAlias = "Callable[[Mapping[str, Any], Mapping[str, str]], Sequence[Request]]"
"""How a row of gold, with the tags of its test set, becomes requests."""

_RESERVED = {"id", "source", "reference", "references"}


@dataclass(frozen=True)
class TestSetSource:
    """Where a test set lies: its table and the manifest that holds it."""

    __test__ = False

    task: Task
    table: TestSetTable
    file: Path

    @property
    def id(self) -> str:
        """The id of the test set."""
        return self.table.id

    @property
    def next(self) -> str:
        """The command that shows whether mended gold can be read."""
        return f"harness tasks {self.task.name} --requests {self.table.id}{WHERE}"


def find(task: Task, workspace_testsets: Path) -> dict[str, TestSetSource]:
    """The test sets of a task by id, bundled ones first. Raises InvalidInput with every fault."""
    bundled = [TestSetSource(task, table, task.folder / "task.toml") for table in task.manifest.test_sets]
    found: dict[str, TestSetSource] = {}
    faults: list[Problem] = []
    for source in [*bundled, *_in_workspace(task, workspace_testsets, faults)]:
        faults += manifest.require_id(source.id, source.file)
        faults += _unknown_compat(source)
        faults += _contradictions(source)
        first = found.setdefault(source.id, source)
        if first is not source:
            what = f"test set '{printable(source.id)}' of task '{task.name}'"
            faults.append(problem("T016", file=source.file, what=what, first=first.file, other=source.file))
    if faults:
        raise InvalidInput(*faults)
    return found


def get(task: Task, name: str, workspace_testsets: Path) -> TestSetSource:
    """One test set by id. Raises UsageError (U014)."""
    found = find(task, workspace_testsets)
    if name not in found:
        hint = suggestion(name, found)
        raise UsageError(problem("U014", task=task.name, id=f"'{printable(name)}'", hint=hint))
    return found[name]


def load(source: TestSetSource) -> TestSet:
    """Read and check the gold of a test set.

    Raises InvalidInput with every fault of the gold, EnvironmentFault (G013) if it is not here, and
    IntegrityError (G011) if it is not the gold that the table pins.
    """
    table = source.table
    files = [table.sources, *table.references] if table.sources else [table.gold or "gold.jsonl"]
    contents = [_read(source, name) for name in files]
    found = canonical.digest(b"".join(contents))
    if table.gold_sha256 not in {None, found}:
        expected = table.gold_sha256
        raise IntegrityError(problem("G011", file=source.file, test_set=table.id, found=found, expected=expected))
    rows = _plain_rows(source, files, contents) if table.sources else _json_rows(source, files[0], contents[0])
    segments, context = _parted(rows)
    if not segments:
        raise InvalidInput(problem("G010", file=source.file, what=f"test set '{table.id}' has 0 segments"))
    facts = msgspec.to_builtins(table) | {"gold_sha256": found, "task": source.task.name}
    del facts["decoys"]  # which no score depends on
    return TestSet(
        id=table.id,
        task=source.task.name,
        segments=segments,
        tags=table.tags,
        digest=canonical.digest(canonical.encode(facts)),
        title=table.title or table.id,
        collection=table.collection or table.id,
        compat=tuple(table.compat),
        answers=table.answers or source.task.manifest.answers,
        context=context,
    )


def decoys(source: TestSetSource) -> tuple[Request, ...]:
    """Requests of the same domain that are never scored, from the file that the table names; none without one.

    Raises InvalidInput with every fault of the file.
    """
    name = source.table.decoys
    if name is None:
        return ()
    rows = _json_rows(source, name, _read(source, name))
    return tuple(request for segment in rows for request in segment.requests)


def of_rows(rows: Sequence[Mapping[str, Any]], ask: Ask, table: TestSetTable, task: str = "") -> TestSet:
    """A test set from rows of gold that lie in no file; `ask` is the `requests` of its task.

    Raises ValueError for a row that is none, saying which.
    """
    found = []
    for number, row in enumerate(rows, start=1):
        try:
            found.append(_segment(_row(dict(row)), ask, table))
        except ValueError as error:
            message = f"row {number} of gold: {error}"
            raise ValueError(message) from error
    digest = canonical.digest(canonical.encode({"rows": list(rows), "tags": table.tags, "task": task}))
    segments, context = _parted(found)
    return TestSet(table.id, task, segments, table.tags, digest, answers=table.answers or "one", context=context)


def _parted(found: Iterable[Segment]) -> tuple[tuple[Segment, ...], tuple[Request, ...]]:
    """What is scored, and the requests of rows that are context."""
    segments: list[Segment] = []
    context: list[Request] = []
    for segment in found:
        if segment.requests[0].is_context:
            context += segment.requests
        else:
            segments.append(segment)
    return tuple(segments), tuple(context)


def _in_workspace(task: Task, folder: Path, faults: list[Problem]) -> Iterator[TestSetSource]:
    for toml in sorted((folder / task.name).glob("*/testset.toml")):
        try:
            table, _ = manifest.load(toml, TestSetTable)
        except InvalidInput as error:
            faults += error.problems
            continue
        if table.id != toml.parent.name:
            line, found = manifest.line_of(toml, "id"), f"'{printable(table.id)}'"
            faults.append(problem("T014", file=toml, line=line, key="id", found=found, expected=toml.parent.name))
        yield TestSetSource(task, table, toml)


def _unknown_compat(source: TestSetSource) -> Iterator[Problem]:
    known = source.task.manifest.compat
    for name in source.table.compat:
        if name not in known:
            what = f"the task has no compat list '{printable(name)}'{suggestion(name, known)}"
            line = manifest.line_of(source.file, "compat")
            yield problem("T013", file=source.file, line=line, key="compat", what=what)


def _contradictions(source: TestSetSource) -> Iterator[Problem]:
    """Gold is JSON Lines or plain text: keys of both, or of half of one, are a mistake; so are answers without ids."""
    table = source.table
    key, what = "gold" if table.gold else "references", None
    if table.sources and table.gold:
        what = "'gold' and 'sources' exclude each other"
    elif table.references and not table.sources:
        what = "'references' needs 'sources'"
    elif table.answers not in {None, "one"} and source.task.manifest.reader == "lines":
        key, what = "answers", "lines are paired by number, so each request has one"
    if what:
        line = manifest.line_of(source.file, key)
        yield problem("T013", file=source.file, line=line, key=f"test set '{printable(table.id)}'", what=what)


def _read(source: TestSetSource, name: str) -> bytes:
    path = source.file.parent / name
    if not os.path.lexists(path):
        raise EnvironmentFault(problem("G013", file=path, test_set=source.id))
    with open_trusted(path) as stream:
        return stream.read()


def _json_rows(source: TestSetSource, name: str, content: bytes) -> Iterator[Segment]:
    findings = Findings(str(source.file.parent / name), source.next)
    lines_by_id: dict[str, int] = {}
    segments = []
    for number, text in _lines(content, findings):
        try:
            segments.append(_segment(_row(strictjson.parse(text)), source.task.requests, source.table))
        except strictjson.Refused as refused:
            findings.add(refused.code, number, **refused.facts)
            continue
        except ValueError as error:
            findings.add("G010", number, what=printable(str(error), 300))
            continue
        for request in segments[-1].requests:
            first = lines_by_id.setdefault(request.id, number)
            if first != number:
                findings.add("S032", number, id=f"'{printable(request.id)}'", first=first)
    findings.check()
    return iter(segments)


def _row(row: object) -> dict[str, Any]:
    """Check the keys that every gold row has. Raises ValueError saying what is wrong."""
    if not isinstance(row, dict):
        message = "a row of gold is a JSON object"
        raise ValueError(message)  # noqa: TRY004 - a fault of data, reported with its line
    identifier = row.get("id")
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        row["id"] = str(identifier)
    elif not isinstance(identifier, str) or not identifier:
        message = "the key 'id' must be a non-empty string or an integer"
        raise ValueError(message)
    if "reference" in row:
        row["references"] = [row.pop("reference")]
    if not isinstance(row.setdefault("references", []), list):
        message = "the key 'references' must be a list, and 'reference' one of its items"
        raise ValueError(message)  # noqa: TRY004 - as above
    return row


def _segment(row: Mapping[str, Any], ask: Ask, table: TestSetTable) -> Segment:
    """Build a segment. Raises ValueError if the task's `requests` refuses the row."""
    try:
        requests = tuple(ask(row, table.tags))
    except ValueError:
        raise
    except Exception as error:  # a plugin's fault, told with the line on which it shows
        message = f"the task's requests() fails: {type(error).__name__}: {error}"
        raise ValueError(message) from error
    if not requests:
        message = "the segment has 0 requests"
        raise ValueError(message)
    if len({request.is_context for request in requests}) > 1:
        message = "of the segment's requests some are context; all are, or none"
        raise ValueError(message)
    sent = {key for request in requests for key in request.fields}
    further = {key: value for key, value in row.items() if key not in _RESERVED | sent}
    block = table.block
    if block is not None and not isinstance(row.get(block), str):
        message = f"the key '{block}', which names the resampling block, must be a string"
        raise ValueError(message)
    return Segment(
        id=row["id"],
        requests=requests,
        block=row[block] if block else row["id"],
        tags={key: value for key, value in further.items() if isinstance(value, str)},
        gold={key: value for key, value in further.items() if not isinstance(value, str)},
    )


def _plain_rows(source: TestSetSource, files: Sequence[str], contents: Sequence[bytes]) -> Iterator[Segment]:
    columns: list[list[str]] = []
    for name, content in zip(files, contents, strict=True):
        findings = Findings(str(source.file.parent / name), source.next)
        columns.append([text for _, text in _lines(content, findings)])
        findings.check()
        if len(columns[-1]) != len(columns[0]):
            expected, found = len(columns[0]), len(columns[-1])
            raise InvalidInput(problem("G012", file=findings.file, expected=expected, found=found, other=files[0]))
    findings = Findings(str(source.file.parent / files[0]), source.next)
    for number, (text, *references) in enumerate(zip(*columns, strict=True), start=1):
        try:
            row = {"id": str(number), "source": text, "references": references}
            yield _segment(row, source.task.requests, source.table)
        except ValueError as error:
            findings.add("G010", number, what=str(error))
    findings.check()


def _lines(content: bytes, findings: Findings) -> Iterator[tuple[int, str]]:
    import io

    for number, text in read_lines(io.BytesIO(content), findings):
        if text is not None:
            yield number, text
