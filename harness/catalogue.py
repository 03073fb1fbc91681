"""Every fault and every notice that the harness can report, with its wording, in one table.

A *fault* stops the file it concerns; a *notice* is counted and the file is scored exactly as it
is. `docs/errors.md` explains each code and `tests/hostile` provokes each one; tests assert that
neither list has a gap.

Letters: S submissions and their outputs, T manifests (TOML), G gold and importers' sources,
M metrics, R records, X systems under test, E environment, U usage, P policy. N marks notices.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.errors import PATH_LIMIT, WHERE, Problem, printable

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of problem: `message` and `help` are `str.format` templates over the same facts."""

    title: str
    message: str
    help: str


_TEXT_HELP = "write the file again as UTF-8 with LF line ends, then: {next}"
_JSON_HELP = "write each line as one JSON object, then: {next}"
_ROW_HELP = 'each line is one JSON object {{"id": …, "output": …}}; then: {next}'
_REQUESTS = "compare with: harness tasks {task} --requests {test_set}{where}"
_TOML_HELP = "mend the line, then run the command again"

FAULTS = MappingProxyType(
    {
        "S010": Fault("wrong number of outputs", "expected {expected} outputs, found {found}{detail}", _REQUESTS),
        "S011": Fault(
            "byte order mark",
            "the file starts with a UTF-8 byte order mark (3 bytes), which would become part of the text",
            "sed -i '1s/^\\xef\\xbb\\xbf//' {file}",
        ),
        "S012": Fault(
            "CRLF line ends",
            "{found} of {expected} lines end in CR LF; lines end in LF alone",
            "sed -i 's/\\r$//' {file}",
        ),
        "S013": Fault("not Unicode text", "{what} at byte {byte} of the line", _TEXT_HELP),
        "S014": Fault(
            "raw control character",
            "control character U+{char:04X} at byte {byte} of the line; only TAB may stand in a line",
            "remove it, or write it as a JSON escape if it is text; then: {next}",
        ),
        "S015": Fault(
            "too large",
            "{what} has {found:,} bytes, more than the {expected:,} allowed",
            "check that the right file was written; then: {next}",
        ),
        "S016": Fault(
            "output too long",
            "the output of request {id} has {found:,} bytes, more than the {expected:,} that the task allows",
            "shorten it, or ask the organizers to raise limits.output_bytes in task.toml",
        ),
        "S017": Fault("unknown request", "there is no request {id} in test set {test_set}{hint}", _REQUESTS),
        "S018": Fault("not an output row", "{what}", _ROW_HELP),
        "S019": Fault("missing file", "there is no such file: {what}", "write it, then: {next}"),
        "S021": Fault(
            "unsafe path", "the path {what} leaves the folder it belongs to", "use a plain relative file name"
        ),
        "S022": Fault(
            "not a regular file",
            "this is a {what}; only regular files are read",
            "{remedy}",
        ),
        "S023": Fault(
            "not one text per token",
            "the output of request {id} has {found} texts, expected {expected}, one per token of its source",
            _REQUESTS,
        ),
        "S030": Fault(
            "JSON nested too deeply", "brackets are nested {found} deep, more than the {expected} allowed", _JSON_HELP
        ),
        "S031": Fault("duplicate key", "the key {key} stands twice in one object", "keep one of the two"),
        "S032": Fault(
            "duplicate id",
            "id {id} was given on line {first} already",
            "keep one of lines {first} and {line}; then: {next}",
        ),
        "S033": Fault(
            "not a finite number",
            "{what} is not a finite number of ordinary size",
            "write a finite number (at most 18 digits without exponent)",
        ),
        "S034": Fault(
            "manifest too large",
            "the manifest has {found:,} bytes, more than the {expected:,} allowed",
            "a manifest holds a few keys; data belongs in other files",
        ),
        "S035": Fault("not JSON", "not a JSON value: {what} at character {char} of the line", _JSON_HELP),
        "S040": Fault(
            "not an id",
            "{id} is no id: 1 to 64 of the letters A-Z a-z, digits, '.', '_', '-', '+', starting with a letter "
            "or digit, not a reserved device name",
            "rename it; free text belongs in the key 'name'",
        ),
        "S041": Fault(
            "ids collide",
            "{id} and {other} are the same on a file system that ignores case",
            "rename one of the two",
        ),
        "S042": Fault(
            "unprintable name",
            "the name {id} holds control or format characters, or is not in NFC",
            "write the name with visible characters in Unicode normal form C",
        ),
        "S050": Fault(
            "unknown test set",
            "task {task} has no test set {test_set}{hint}",
            "see the list with: harness tasks {task}{where}",
        ),
        "S051": Fault(
            "no outputs",
            "the submission has no outputs: 0 files like {example} found",
            "write the outputs of at least one test set; its requests: harness tasks {task} --requests TEST_SET{where}",
        ),
        "S060": Fault("further problems", "and {found} more problems in this file", "mend these first, then: {next}"),
        "T010": Fault("not TOML", "not TOML: {what}", _TOML_HELP),
        "T011": Fault("unknown key", "{key}: unknown key{hint}", "remove the key or correct its name"),
        "T012": Fault("missing key", "{key}: missing", "add a line: {key} = …"),
        "T013": Fault("wrong value", "{key}: {what}", _TOML_HELP),
        "T014": Fault(
            "name and folder differ",
            "{key} is {found}, but the folder is called {expected}",
            "make the two equal",
        ),
        "T015": Fault(
            "unknown metric",
            "{key}: there is no metric {id}{hint}",
            "known here: {known}; a task's own metrics stand in METRICS of its scorer.py",
        ),
        "T016": Fault(
            "defined twice", "{what} is defined twice: {first} and {other}", "remove or rename one of the two"
        ),
        "T017": Fault("no such task", "there is no task {id}{hint}", "see the list with: harness tasks{where}"),
        "T018": Fault(
            "task code does not load",
            "loading {what} failed: {reason}",
            "correct the module, then: harness tasks {task}{where}",
        ),
        "T019": Fault(
            "TOML nested too deeply",
            "tables or arrays are nested more than {expected} deep",
            "a manifest needs no more than a table in a table",
        ),
        "G010": Fault("wrong gold", "{what}", "correct the line of gold, then run the command again"),
        "G011": Fault(
            "wrong reference version",
            "gold of test set {test_set} has sha256 {found}, expected {expected}",
            "restore the file, or set gold_sha256 in the test set's table if the change is meant",
        ),
        "G012": Fault(
            "wrong number of lines",
            "expected {expected} lines as in {other}, found {found}",
            "the files of a test set are parallel, line by line",
        ),
        "G013": Fault(
            "gold is not here",
            "the gold of test set {test_set} is not here",
            "put it there, or leave it to the organizers: only they can score this test set",
        ),
        "G020": Fault("not this collection", "{what}", "harness import --help"),
        "G021": Fault(
            "row does not match",
            "{what}: expected {expected}, found {found}",
            "the file was not imported; correct it and import again",
        ),
        "M001": Fault(
            "metric unavailable",
            "metric {id} is unavailable on {test_set}: {reason}",
            "the rest was scored; provide what the reason names, then run: harness score{where}",
        ),
        "R010": Fault(
            "record does not match its name",
            "the content has sha256 {found}, the name says {expected}",
            "delete the file and run: harness score{where}",
        ),
        "R011": Fault("not a record", "not a record: {what}", "delete the file and run: harness score{where}"),
        "R012": Fault(
            "record cannot be reproduced",
            "{what} of {system} on {test_set} is {expected} in the record, recomputed {found}",
            "compare the versions in the record's provenance with: harness --version",
        ),
        "X010": Fault(
            "system ended",
            "the system ended ({what}) before it answered request {request} of {expected}",
            "see what it said in {log}; run it by hand with: harness tasks {task} --requests {test_set}{where}",
        ),
        "X011": Fault(
            "no answer in time",
            "no reply to request {request} within {limit:g} s ({found} bytes received{detail})",
            "make the system write and flush one reply per request; see what it said in {log}",
        ),
        "X012": Fault(
            "protocol broken",
            "the system broke the protocol at request {request}: {what}",
            "answer every request exactly once, after it came; docs/timing.md holds the protocol",
        ),
        "X013": Fault(
            "system cannot start",
            "the system cannot start: {what}",
            "correct the table [run] of submission.toml, then: harness check {file}{where}",
        ),
        "E010": Fault(
            "cannot write", "cannot write: {what}", "free space or correct the permissions, then run it again"
        ),
        "E011": Fault(
            "publishing in progress",
            "another process has been publishing to {what} for more than {expected} s",
            "wait for it, then run: harness score{where}",
        ),
        "E012": Fault("cannot read", "cannot read: {what}", "correct the permissions, then run it again"),
        "E013": Fault(
            "scoring process died",
            "a scoring process ended without an answer (was it killed for memory?)",
            "what was stored is kept; if memory is short: harness score --workers 1{where}",
        ),
        "E014": Fault("system error", "the system refuses: {what}", "correct the cause, then run the command again"),
        "E020": Fault(
            "no working sandbox",
            "no sandbox works here: {what}",
            "sudo apt install bubblewrap, then: harness doctor",
        ),
        "E021": Fault(
            "another timing is running",
            "process {found} on this machine has been timing for more than {expected} s",
            "wait for it, then run the command again",
        ),
        "E022": Fault(
            "processes outlived their sandbox",
            "{found} processes of {what} are left, expected {expected}; its run is void",
            "end them, then: harness doctor",
        ),
        "E023": Fault(
            "backend is not here",
            "backend {id} cannot be used on this machine: {what}",
            "see what there is: harness doctor",
        ),
        "U010": Fault(
            "nothing selected", "nothing matches {what}{hint}", "harness tasks{where}; and look into submissions/"
        ),
        "U011": Fault("not a folder", "{what} is not a folder", "name one with --workspace DIR or --tasks DIR"),
        "U012": Fault(
            "not a submission", "{what} is neither a submission folder nor a file in one", "harness check --help"
        ),
        "U013": Fault("unknown collection", "there is no importer {id}{hint}", "harness import --help"),
        "U014": Fault("unknown test set", "task {task} has no test set {id}{hint}", "harness tasks {task}{where}"),
        "U015": Fault(
            "no submissions",
            "there are no submissions in {what}",
            "write submissions/<task>/<system>/ (see harness tasks), or: harness import COLLECTION SOURCE",
        ),
        "U016": Fault("unknown metric", "there is no metric {id} on test set {test_set}{hint}", "known here: {known}"),
        "U017": Fault(
            "no such result",
            "task {task} has no current result of {id} on {test_set}{hint}",
            "harness score{where}; what there is: harness export results{where}",
        ),
        "U018": Fault(
            "unknown segment",
            "there is no segment {id} among the {expected} of test set {test_set}{hint}",
            "see their ids with: harness tasks {task} --requests {test_set}{where}",
        ),
        "U019": Fault(
            "seed that sacrebleu cannot keep",
            "seed {found} leaves half of sacrebleu's draws unseeded, so its numbers cannot be reproduced",
            "take another --seed (12345 is sacrebleu's own), or --arithmetic exact",
        ),
        "U020": Fault(
            "no such segments",
            "none of the {found} segments of test set {test_set} has {id}",
            "tags here: {known}",
        ),
        "U021": Fault(
            "a derived number has no slices",
            "{id} is a number over several test sets, and --where is for one",
            "harness rank TASK --metric METRIC --where TAG=VALUE, with the metric that it is made of",
        ),
        "U022": Fault("unknown backend or scenario", "there is no {what} {id}{hint}", "known here: {known}"),
        "P011": Fault(
            "system without trust",
            "system {id} of team {team} is not run below {expected}, and the best that works here is {found}: {what}",
            "see what is missing with: harness doctor; or, if you trust the team: harness score --trust {team}{where}",
        ),
        "P010": Fault(
            "would overwrite",
            "{what} exists with other content",
            "move it away, or import into another folder with --workspace DIR",
        ),
    }
)

NOTICES = MappingProxyType(
    {
        "N010": "the last line has no LF",
        "N011": "lines hold a Unicode line separator (NEL, U+2028, U+2029); it is text, not a line end",
        "N012": "lines hold a lone CR; it is text, not a line end",
        "N013": "outputs hold a line feed; it is text",
        "N014": "outputs hold control or format characters; they are text",
        "N015": "rows hold further keys, which are ignored",
        "N016": "outputs are empty",
        "N017": "rows are not in the order of the requests; they are paired by id",
        "N018": "files are not part of a submission and were not read",
        "N019": "requests have no output; the task says what that costs",
        "N020": "rows answer a request again; this test set accepts that",
        "N021": "files say the same for every request",
    }
)


def problem(code: str, *, file: object = None, line: int | None = None, **facts: object) -> Problem:
    """Build the `Problem` of `code` from its facts.

    Facts may hold what other people wrote: text is escaped, and paths in a help line are quoted
    for the shell. `next` is the command to run once it is mended; `harness check FILE` by default.
    Raises KeyError for a code that the catalogue does not hold or a fact that its wording needs.
    """
    fault = FAULTS[code]
    shown = None if file is None else printable(str(file), PATH_LIMIT)
    safe = {
        key: fact if isinstance(fact, int | float | None) else printable(str(fact), PATH_LIMIT)
        for key, fact in facts.items()
    }
    quoted = shlex.quote(shown or "PATH")
    known = {"line": line, "next": f"harness check {quoted}{WHERE}", "where": WHERE, **safe}
    message, advice = (wording.format_map({"file": quoted, **known}) for wording in (fault.message, fault.help))
    return Problem(code, message, advice, None if file is None else str(file), line)


def suggestion(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the closest of `known`, else an empty string."""
    import difflib  # slow to import and needed only when something is wrong

    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean '{close[0]}'?" if close else ""
