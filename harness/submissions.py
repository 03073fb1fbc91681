"""Find submissions and read their outputs: refuse or accept exactly, repair nothing.

A submission is a folder `submissions/<task>/<system>/` with a `submission.toml` and one file of
outputs per test set, `outputs/<test set>.jsonl` (`.txt` where the task's reader is `lines`); or with a system
that runs, whose outputs the harness keeps in the workspace's `results/outputs/<task>/<system>/`.

A row of JSON Lines is `{"id": …, "output": …}`, one per request, in any order; the output is a text,
or a list of texts, one per token, as the task says. Where a test set accepts other numbers of answers
than one, missing and repeated rows are counted as notices. Plain text holds one output a line, in the
order of the requests.
"""

from __future__ import annotations

import hashlib
import io
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from harness import canonical, manifest, strictjson
from harness.api import Outputs
from harness.catalogue import problem, suggestion
from harness.errors import EnvironmentFault, HarnessError, InvalidInput, Problem, printable
from harness.manifest import SubmissionManifest
from harness.textio import Findings, not_regular, open_beneath, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import BinaryIO

    from harness.api import Output, TestSet
    from harness.registry import Task

SUFFIX = {"jsonl": ".jsonl", "lines": ".txt"}
_FORMAT_CATEGORIES = {"Cc", "Cf"}


@dataclass(frozen=True)
class Submission:
    """A submission whose manifest is sound; its outputs have not been read yet. They lie in `outputs`."""

    folder: Path
    manifest: SubmissionManifest
    manifest_digest: str
    outputs: Path

    @property
    def task(self) -> str:
        """The name of the task."""
        return self.manifest.task

    @property
    def system(self) -> str:
        """The id of the system."""
        return self.manifest.system

    def outputs_file(self, test_set: str, reader: str) -> Path:
        """Where the outputs for a test set lie."""
        return self.outputs / f"{test_set}{SUFFIX[self.reader(reader)]}"

    def reader(self, reader: str) -> str:
        """How its outputs are read: as the task says, but what a system that runs has said is kept as JSON Lines."""
        return reader if self.manifest.run is None else "jsonl"

    def test_sets(self, reader: str) -> list[str]:
        """The test sets for which there is an outputs file, by its name."""
        return [name.removesuffix(SUFFIX[reader]) for name in self._listing() if self._is_outputs(name, reader)]

    def strays(self, reader: str) -> list[str]:
        """Files in `outputs/` that are no outputs of this task."""
        return [name for name in self._listing() if not self._is_outputs(name, reader)]

    def _listing(self) -> list[str]:
        return sorted(path.name for path in self.outputs.iterdir()) if self.outputs.is_dir() else []

    @staticmethod
    def _is_outputs(name: str, reader: str) -> bool:
        return name.endswith(SUFFIX[reader]) and not name.startswith(".")


@dataclass(frozen=True)
class ReadOutputs:
    """The outputs of one submission on one test set, complete and by request id."""

    outputs: Mapping[str, Output]
    digest: str
    notices: Mapping[str, int]


def find(root: Path, produced: Path | None = None) -> Iterator[tuple[Path, Submission | HarnessError]]:
    """Every submission folder below `root` (a workspace's `submissions/`), read or with the reason why not."""
    for parent in sorted(root.glob("*/")):
        names = names_in(parent)
        for folder in sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(".")):
            try:
                yield folder, load(folder, names, produced)
            except (InvalidInput, EnvironmentFault) as error:
                yield folder, error


def is_in_place(folder: Path) -> bool:
    """Whether a folder lies as `submissions/<task>/<system>`, where its names have a meaning."""
    return home_of(folder).name == "submissions"


def home_of(folder: Path) -> Path:
    """The folder two levels up, as its path is written: links are not followed, `..` is."""
    return Path(os.path.abspath(folder)).parents[1]  # noqa: PTH100 - Path.absolute keeps `..`


def load(folder: Path, names: Mapping[str, Sequence[str]] | None = None, produced: Path | None = None) -> Submission:
    """Read the manifest of a submission folder. Raises InvalidInput with every fault.

    In a workspace, the names of the folders must be those of the task and the system; a
    participant who checks a folder at home may call it anything. `names` is `names_in` of the
    folder around it, for those who load many; `produced` is where a workspace keeps what systems that run have said.
    """
    path = folder / "submission.toml"
    for part in (folder, folder / "outputs"):
        if part.is_symlink():
            raise InvalidInput(not_regular(part, "symbolic link"))
    table, content = manifest.load(path, SubmissionManifest, trusted=False)
    faults: list[Problem] = []
    for key in ("task", "team", "system"):
        faults += manifest.require_id(getattr(table, key), path, manifest.line_of(path, key))
    if table.name is not None:
        faults += manifest.require_name(table.name, path, manifest.line_of(path, "name"))
    faults += _collisions(folder, names) if is_in_place(folder) else ()
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - as above
    for key, expected in (("system", place.name), ("task", place.parent.name)) if is_in_place(folder) else ():
        found = getattr(table, key)
        if found != expected:
            line, shown = manifest.line_of(path, key), f"'{printable(found)}'"
            faults.append(problem("T014", file=path, line=line, key=key, found=shown, expected=printable(expected)))
    faults += _faults_of_run(folder, table)
    if faults:
        raise InvalidInput(*faults)
    outputs = produced / table.task / table.system if produced and table.run else folder / "outputs"
    return Submission(folder, table, canonical.digest(content), outputs)


def _faults_of_run(folder: Path, table: SubmissionManifest) -> Iterator[Problem]:
    """T013 where the table [run] contradicts itself, or where outputs lie beside it."""
    run = table.run
    if run is None:
        return
    needed = {"callable": "callable", "container": "image"}.get(run.protocol, "command")
    wanted = [] if getattr(run, needed) else [f"protocol '{run.protocol}' needs the key '{needed}'"]
    wanted += ["a corpus is answered at once, and lines have no end"] * (
        run.unit == "corpus" and run.protocol == "lines"
    )
    wanted += ["a system that runs has no folder 'outputs'"] * (folder / "outputs").is_dir()
    path = folder / "submission.toml"
    for what in wanted:
        yield problem("T013", file=path, line=manifest.line_of(path, "run"), key="run", what=what)
    for fault in filter(None, (_fault_of_use(folder, name) for name in run.uses)):
        yield problem("T013", file=path, line=manifest.line_of(path, "run", "uses"), key="run.uses", what=fault)


def _fault_of_use(folder: Path, name: str) -> str | None:
    """Why a submission cannot use the files of another, or None."""
    other = folder.parent / name
    if any(manifest.require_id(name, folder)) or other.is_symlink() or not (other / "submission.toml").is_file():
        return f"there is no submission '{printable(name)}' beside this one"
    if name == folder.name or (folder / name).exists():
        return f"'{name}' is already a name in this folder"
    return None


def parts(submission: Submission) -> Mapping[str, Path]:
    """The folders that a system that runs is made of, by their place in its room: its own is `.`."""
    used = submission.manifest.run.uses if submission.manifest.run else []
    return {".": submission.folder, **{name: submission.folder.parent / name for name in used}}


def _collisions(folder: Path, names: Mapping[str, Sequence[str]] | None) -> Iterator[Problem]:
    """S041 for each submission beside `folder` whose name differs in case or normal form only."""
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - as above
    for other in (names_in(place.parent) if names is None else names)[_folded(place.name)]:
        if other != place.name:
            yield problem("S041", file=folder, id=f"'{place.name}'", other=f"'{other}'")


def names_in(folder: Path) -> Mapping[str, Sequence[str]]:
    """The names in a folder by what a case-insensitive file system takes them for."""
    names: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()):
        names.setdefault(_folded(path.name), []).append(path.name)
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def digest(submission: Submission, test_set: str, reader: str) -> str:
    """The sha256 of an outputs file, without reading it as text. Raises InvalidInput (S0xx)."""
    name = submission.outputs_file(test_set, reader).name
    with open_beneath(submission.outputs.parent, f"{submission.outputs.name}/{name}") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type] # a file has readinto


def digest_of_files(submission: Submission) -> str:
    """The sha256 over names and contents of all files of a system that runs, used ones among them.

    Raises InvalidInput (S0xx).
    """
    found = {}
    for place, folder in parts(submission).items():
        for name in sorted(path.relative_to(folder).as_posix() for path in _files(folder)):
            with open_beneath(folder, name) as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type] # as above
            found[str(PurePosixPath(place, name))] = content
    return canonical.digest(canonical.encode(found))


def _files(folder: Path) -> Iterator[Path]:
    """Everything in a folder but folders; caches of Python are nobody's work."""
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(parent) / name for name in names)


def read_outputs(submission: Submission, task: Task, test_set: TestSet) -> ReadOutputs:
    """Read the outputs for one test set. Raises InvalidInput with every fault of the file."""
    reader = submission.reader(task.manifest.reader)
    file = submission.outputs_file(test_set.id, reader)
    findings = Findings(str(file))
    with open_beneath(submission.outputs.parent, f"{submission.outputs.name}/{file.name}") as raw:
        stream = _Hashing(raw)
        source = io.BufferedReader(stream, 1 << 20)
        rows = _Rows(task, test_set, findings)
        for number, text in read_lines(source, findings):
            rows.add(number, text) if reader == "jsonl" else rows.add_line(number, text)
    rows.finish()
    findings.check()
    return ReadOutputs(
        Outputs(rows.outputs, rows.repeated), stream.hash.hexdigest(), dict(sorted(findings.notices.items()))
    )


class _Hashing(io.RawIOBase):
    """Passes bytes on and hashes them, so that what is scored is what is named in the record."""

    def __init__(self, inner: BinaryIO) -> None:
        self.inner = inner
        self.hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self.inner.read(len(buffer))
        buffer[: len(content)] = content
        self.hash.update(content)
        return len(content)


class _Rows:
    """Collects the rows of one outputs file and compares them with the requests."""

    def __init__(self, task: Task, test_set: TestSet, findings: Findings) -> None:
        self.findings = findings
        self.limit = task.manifest.limits.output_bytes
        self.ids = [request.id for request in test_set.asked]
        self.optional = {request.id for request in test_set.context}
        self.tokens = {request.id: len(request.source) for request in test_set.asked}
        self.has_tokens = task.manifest.outputs == "tokens"
        self.answers = test_set.answers
        self.facts = {"task": task.name, "test_set": test_set.id}
        self.outputs: dict[str, Output] = {}
        self.repeated: dict[str, tuple[Output, ...]] = {}
        self.lines: dict[str, int] = {}
        self.count = 0
        self.first_blank: int | None = None
        self.refused = False

    def add_line(self, number: int, text: str | None) -> None:
        """Plain text: line n answers request n."""
        self.count = number
        if number <= len(self.ids):
            self._keep(self.ids[number - 1], text or "", number)

    def add(self, number: int, text: str | None) -> None:
        """JSON Lines: the row says which request it answers."""
        self.count = number
        if text is None:
            self.refused = True
            return
        if not text.strip(" \t"):
            self.first_blank = self.first_blank or number
            return
        try:
            row = strictjson.parse(text)
        except strictjson.Refused as refused:
            self.refused = True
            self.findings.add(refused.code, number, **refused.facts)
            return
        if (what := _row_fault(row, has_tokens=self.has_tokens)) is not None:
            self.refused = True
            self.findings.add("S018", number, what=what)
            return
        self.findings.note("N015", int(len(row) > 2))  # noqa: PLR2004 - id and output
        self._keep(str(row["id"]), tuple(row["output"]) if self.has_tokens else row["output"], number)

    def _keep(self, identifier: str, output: Output, number: int) -> None:
        shown = f"'{printable(identifier)}'"
        if identifier not in self.tokens:
            hint = suggestion(identifier, self.tokens) if len(self.findings.problems) < 3 else ""  # noqa: PLR2004 - slow
            self.findings.add("S017", number, id=shown, hint=hint, **self.facts)
            self.refused = True
            return
        first = self.lines.setdefault(identifier, number)
        if first != number and self.answers != "any":
            self.findings.add("S032", number, id=shown, first=first)
            self.refused = True
            return
        if self.has_tokens and len(output) != self.tokens[identifier]:
            found, expected = len(output), self.tokens[identifier]
            self.findings.add("S023", number, id=shown, found=found, expected=expected, **self.facts)
        text = "".join(output)
        size = len(text.encode("utf-8"))
        if size > self.limit:
            self.findings.add("S016", number, id=shown, found=size, expected=self.limit)
        self._note(text)
        if first != number:
            self.findings.note("N020")
            self.repeated[identifier] = (*self.repeated.get(identifier, (self.outputs[identifier],)), output)
        self.outputs[identifier] = output

    def _note(self, output: str) -> None:
        self.findings.note("N016", int(not output.strip()))
        if output.isprintable():  # no format or control character is
            return
        self.findings.note("N013", int("\n" in output))
        odd = any(unicodedata.category(char) in _FORMAT_CATEGORIES and char not in "\n\t" for char in output)
        self.findings.note("N014", int(odd))

    def finish(self) -> None:
        """Compare the rows with the requests once all were read."""
        self.ids = [name for name in self.ids if name in self.outputs or name not in self.optional]
        missing = [identifier for identifier in self.ids if identifier not in self.outputs]
        is_cut = any(found.code == "S015" for found in self.findings.problems)
        if self.answers != "one" and self.count and self.first_blank is None:
            self.findings.note("N019", len(missing))
        elif self.count != len(self.ids) and not is_cut:
            self._refuse_count(self.count, missing)
        elif self.first_blank is not None or (missing and not self.refused):
            self._refuse_count(len(self.outputs), missing)
        if list(self.outputs) != [identifier for identifier in self.ids if identifier in self.outputs]:
            self.findings.note("N017")
        self.findings.note("N021", int(len(self.outputs) > 1 and len(set(self.outputs.values())) == 1))
        for code in [code for code, count in self.findings.notices.items() if not count]:
            del self.findings.notices[code]

    def _refuse_count(self, found: int, missing: list[str]) -> None:
        """S010, with the line where the rows first leave the order of the requests."""
        detail = f"; line {self.first_blank} is empty" if self.first_blank else ""
        if missing:
            detail += f"; the first request without output is '{printable(missing[0])}'"
        pairs = zip(self.lines.items(), self.ids, strict=False)
        divergence = next((line for (identifier, line), wanted in pairs if identifier != wanted), None)
        end = len(self.ids) + 1 if self.count > len(self.ids) else self.count or None
        line = self.first_blank or divergence or end
        self.findings.add("S010", line, expected=len(self.ids), found=found, detail=detail, **self.facts)


def _row_fault(row: object, *, has_tokens: bool) -> str | None:
    """Why a JSON value is not an output row, or None if it is one."""
    if not isinstance(row, dict):
        return f"a row is a JSON object, found {type(row).__name__}"
    for key in ("id", "output"):
        if key not in row:
            return f"the key '{key}' is missing{suggestion(key, row)}"
    identifier, output = row["id"], row["output"]
    if isinstance(identifier, bool) or not isinstance(identifier, str | int):
        return f"'id' is a string or an integer, found {printable(repr(identifier), 40)}"
    if has_tokens and not (isinstance(output, list) and all(isinstance(token, str) for token in output)):
        return f"'output' is a list of strings, one per token, found {printable(repr(output), 40)}"
    if not has_tokens and not isinstance(output, str):
        return f"'output' is a string, found {printable(repr(output), 40)}"
    return None
