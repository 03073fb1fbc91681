"""One fixture per code of the catalogue: the smallest workspace and command line that provoke it.

`prepare` spoils a good workspace. `file` is relative to the workspace; None where the problem
concerns no file. `says` are parts of the message, both numbers among them where two exist.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unittest import mock

import filelock

from harness.catalogue import problem
from harness.errors import EnvironmentFault
from harness.sandbox import Level
from harness.sandbox.box import Box
from harness.sandbox.selftest import SelfTest
from harness.timing.process import QUICK

from .toy import DATA, GOLD, MANIFEST, OUTPUTS, ROWS, TASK, TEST_SET, TOML, lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .toy import Toy

ALPHA = "submissions/toy/alpha"
CHECK = ("check", "{}/" + ALPHA)
IMPORT = ("import", "wmt25-terminology", "{}/archive")
ARCHIVED = "archive/submissions/track1/team/sys.ende.proper.jsonl"
ANSWERED = """\
from harness.api import Metric, Statistics, answers_to, ratio


def statistics(test_set, outputs):
    import numpy as np

    rows = [[len(answers_to(request, outputs)), 1] for request in test_set.requests]
    return Statistics(("answers", "requests"), np.array(rows))


METRICS = {
    "answered": Metric(
        name="answered",
        title="Answers per request",
        formula="answers / requests",
        citation="-",
        statistics=statistics,
        value=ratio("answers", "requests"),
        signature=lambda test_set: "answered:v1",
    )
}
"""
READY = 'print(\'{"ready":true,"protocol":1}\', flush=True)\n'
GOOD, FAILED, USAGE, INVALID, SYSTEM, INTEGRITY, ENVIRONMENT, POLICY = 0, 1, 2, 3, 4, 5, 6, 7


@dataclass(frozen=True)
class Case:
    """How to provoke one code, and what the command then says."""

    code: str
    prepare: Callable[[Toy], object]
    argv: tuple[str, ...] = CHECK
    exit: int = INVALID
    file: str | None = OUTPUTS
    line: int | None = None
    says: tuple[str, ...] = ()


def derived(toy: Toy) -> None:
    """A task with a number over several test sets."""
    toy.task(f'{TASK}{TEST_SET}\n[[derived]]\nname = "mean-bleu"\nmetric = "bleu"\ntag = "mode"\n')


def scored(toy: Toy) -> None:
    """A good workspace with its results."""
    assert toy.run("score").code == GOOD


def nothing(toy: Toy) -> None:
    """A good workspace; the command line is what is wrong."""


def outputs(content: bytes) -> Callable[[Toy], object]:
    """Other bytes as outputs."""
    return lambda toy: toy.submission(outputs=content)


def tokens(toy: Toy) -> None:
    """A task of tokens, and an output with too many of them."""
    rows = (
        '{"id": "1", "output": ["a"]}',
        '{"id": "2", "output": [""]}',
        '{"id": "3", "output": ["a", "b", "c", "d"]}',
    )
    gold = [{"id": str(n), "source": source} for n, source in enumerate((["a"], ["."], ["3", "."]), start=1)]
    toy.task(f'outputs = "tokens"\n{TASK}{TEST_SET}', lines(*map(json.dumps, gold)))
    toy.submission(outputs=lines(*rows))


def answered(answers: str, *rows: str) -> Callable[[Toy], object]:
    """A test set that accepts other numbers of answers than one, and a metric that counts them."""

    def prepare(toy: Toy) -> None:
        toy.task(f'{TASK.replace("bleu", "answered")}{TEST_SET}answers = "{answers}"\n')
        toy.write("tasks/toy/scorer.py", ANSWERED)
        toy.submission(outputs=lines(*rows))

    return prepare


def third(row: str) -> Callable[[Toy], object]:
    """Another third row."""
    return outputs(lines(*ROWS[:2], row))


def key(text: str) -> Callable[[Toy], object]:
    """A further line of submission.toml, line 4."""
    return lambda toy: toy.submission(more=text + "\n")


def manifest(text: str) -> Callable[[Toy], object]:
    """Another submission.toml."""
    return lambda toy: toy.write(MANIFEST, text)


def task(text: str) -> Callable[[Toy], object]:
    """Another task.toml."""
    return lambda toy: toy.task(text)


def gold(*rows: str) -> Callable[[Toy], object]:
    """Other gold."""
    return lambda toy: toy.task(gold=lines(*rows))


def remove(name: str) -> Callable[[Toy], object]:
    """One file less."""
    return lambda toy: (toy.root / name).unlink()


def scorer(source: str) -> Callable[[Toy], object]:
    """A task with a metric `own` that runs `source`, indented by four, for its statistics."""
    code = f"""\
import multiprocessing, os, signal
from harness.api import Metric

def statistics(test_set, outputs):
    {source}

METRICS = {{"own": Metric(name="own", title="Own", formula="1", citation="none", statistics=statistics,
                         value=lambda totals: 1.0, signature=lambda test_set: "own:1")}}
"""

    def prepare(toy: Toy) -> None:
        toy.task(TASK.replace('["bleu"]', '["bleu", "own"]') + TEST_SET)
        toy.write("tasks/toy/scorer.py", code)
        for number in range(6):
            toy.submission(f"system-{number}")

    return prepare


def fifo(toy: Toy) -> None:
    """A named pipe in place of the outputs: reading it would wait for ever."""
    (toy.root / OUTPUTS).unlink()
    os.mkfifo(toy.root / OUTPUTS)


def parallel_files(toy: Toy) -> None:
    """Plain text gold whose reference is one line short."""
    toy.task(TASK + '[[test_sets]]\nid = "dev"\nsources = "data/dev.en"\nreferences = ["data/dev.de"]\n')
    toy.write("tasks/toy/data/dev.en", "a\nb\nc\n")
    toy.write("tasks/toy/data/dev.de", "a\nb\n")


def lone_return(toy: Toy) -> None:
    """Plain text outputs with a CR inside a line."""
    toy.task(TASK + 'reader = "lines"\n' + TEST_SET)
    (toy.root / OUTPUTS).unlink()
    toy.write("submissions/toy/alpha/outputs/dev.txt", b"a\rb\nc\nd\n")


def archive(toy: Toy, row: str = '{"en": "a", "de": "b"}', name: str = ARCHIVED) -> None:
    """A WMT25 archive of one segment."""
    toy.write("archive/references/track1/full_data.ende.jsonl", '{"en": "a", "de": "b", "proper": {}}\n')
    toy.write(name, row + "\n")


def imported_before(toy: Toy) -> None:
    """The archive was imported, then changed."""
    archive(toy)
    assert toy.run(*IMPORT).code == GOOD
    archive(toy, '{"en": "a", "de": "another"}')


def records(toy: Toy) -> list[Path]:
    """Score and return the records, that of `alpha` last."""
    assert toy.run("score").code == GOOD
    return sorted((toy.root / "results/records").rglob("*.json"), key=lambda path: b'"alpha"' in path.read_bytes())


def altered_record(toy: Toy) -> None:
    """One byte more in a record, under the old name."""
    record = records(toy)[-1]
    record.write_bytes(record.read_bytes() + b" ")
    record.rename(record.with_name("0" * 64 + ".json"))


def foreign_record(toy: Toy) -> None:
    """A JSON file under its right name that is no record."""
    records(toy)[-1].with_name(hashlib.sha256(b"{}").hexdigest() + ".json").write_bytes(b"{}")


def forged_record(toy: Toy) -> None:
    """A record with another score, and the name that its bytes ask for."""
    record = records(toy)[-1]
    content = record.read_bytes().replace(b"100.00000000000004", b"99.5", 1)
    record.unlink()
    record.with_name(hashlib.sha256(content).hexdigest() + ".json").write_bytes(content)


def locked_site(toy: Toy) -> None:
    """Another process is publishing and does not come to an end."""
    (toy.root / "site").mkdir()
    toy.stack.enter_context(mock.patch("harness.site.publish._LOCK_SECONDS", 0.05))
    toy.stack.enter_context(filelock.FileLock(toy.root / "site/.lock"))


def unreadable(toy: Toy) -> None:
    """No permission to open the outputs; said by a stand-in, since root may read anything."""
    real = os.open

    def refuse(path, *arguments, **settings):
        if os.fspath(path) == "dev.jsonl":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path, *arguments, **settings)

    toy.stack.enter_context(mock.patch("os.open", refuse))


def runs(program: str, command: str = "python") -> Callable[[Toy], None]:
    """A system in the place of outputs, which half a second is enough for, at the lowest level."""

    def prepare(toy: Toy) -> None:
        shutil.rmtree(toy.root / ALPHA)
        toy.submission(outputs=None, more=f'[run]\ncommand = ["{command}", "system.py"]\n')
        toy.write(f"{ALPHA}/system.py", program)
        hasty = replace(QUICK, load_s=20, answer_s=0.5, stop_s=0)
        toy.stack.enter_context(mock.patch("harness.running.QUICK", hasty))
        tested(toy, Level.NONE)

    return prepare


def tested(toy: Toy, level: Level) -> None:
    """The self-test says so."""
    found = SelfTest(level, passed=True, probes=(), digest="0" * 64, gaps=(), reason="nothing else is here")
    toy.stack.enter_context(mock.patch("harness.sandbox.selftest.best", return_value=found))


def no_bubblewrap(toy: Toy) -> None:
    """The sandbox that was tested has gone."""
    runs("")(toy)
    tested(toy, Level.BUBBLEWRAP)
    gone = "bwrap is not installed"
    toy.stack.enter_context(mock.patch("harness.sandbox.bubblewrap.Bubblewrap.available", return_value=gone))


def unkillable(toy: Toy) -> None:
    """Two processes of a system survive; said by a stand-in, since the kernel lets nobody survive."""
    runs("")(toy)
    real = Box.stop

    def stop(box, grace_s=0):
        real(box, grace_s)
        raise EnvironmentFault(problem("E022", found=2, what="python", expected=0))

    toy.stack.enter_context(mock.patch("harness.sandbox.box.Box.stop", stop))


def timed_elsewhere(toy: Toy) -> None:
    """Another process times something and does not come to an end."""
    lock = toy.write("lock", "")
    toy.stack.enter_context(mock.patch("harness.timing.quiet.lock_file", return_value=lock))
    toy.stack.enter_context(mock.patch("harness.timing.quiet.SCORING_WAIT_S", 0.05))
    held = toy.stack.enter_context(lock.open("rb"))
    fcntl.flock(held, fcntl.LOCK_EX)


def no_card(toy: Toy) -> None:
    """No GPU."""
    toy.stack.enter_context(mock.patch("harness.timing.backends.cuda.Cuda.missing", return_value="no driver"))


def stranger(toy: Toy) -> None:
    """Somebody's system, and no sandbox."""
    runs(READY)(toy)
    tested(toy, Level.LIMITS)


OUTPUTS_FAULTS = (
    Case("S010", outputs(lines(*ROWS[:2])), line=2, says=("expected 3 outputs, found 2", "'3'")),
    Case("S011", outputs(b"\xef\xbb\xbf" + lines(*ROWS)), line=1, says=("byte order mark",)),
    Case("S012", outputs(lines(*ROWS).replace(b"\n", b"\r\n")), line=1, says=("3 of 3 lines",)),
    Case("S013", third('{"id": "3", "output": "\\ud800"}'), line=3, says=("surrogate", "at byte 24")),
    Case("S014", third('{"id": "3", "output": "\0"}'), line=3, says=("U+0000 at byte 24",)),
    Case("S015", third("x" * (1024 * 1024 + 1)), line=3, says=("1,048,577 bytes", "1,048,576 allowed")),
    Case(
        "S016",
        third('{"id": "3", "output": "%s"}' % ("x" * 65537)),
        line=3,
        says=("request '3'", "65,537 bytes", "65,536 that the task allows"),
    ),
    Case("S017", third('{"id": "4", "output": ""}'), line=3, says=("no request '4'", "dev")),
    Case("S018", third('{"id": "3"}'), line=3, says=("'output' is missing",)),
    Case("S019", remove(MANIFEST), ("score",), FAILED, MANIFEST, says=("submission.toml",)),
    Case("S022", fifo, says=("FIFO",)),
    Case("S023", tokens, line=3, says=("'3' has 4 texts", "expected 2")),
    Case("S030", third("[" * 100_000), line=3, says=("100000 deep", "64 allowed")),
    Case("S031", third('{"id": "3", "id": "3", "output": ""}'), line=3, says=("'id' stands twice",)),
    Case("S032", outputs(lines(ROWS[0], ROWS[1], ROWS[1])), line=3, says=("'2'", "line 2 already")),
    Case("S033", third('{"id": "3", "output": "", "p": NaN}'), line=3, says=("NaN",)),
    Case("S035", third('{"id": "3", "output": }'), line=3, says=("not a JSON value", "character 23")),
    Case(
        "S050",
        lambda toy: toy.write(f"{ALPHA}/outputs/deb.jsonl", lines(*ROWS)),
        file=f"{ALPHA}/outputs/deb.jsonl",
        says=("'deb'", "did you mean 'dev'?"),
    ),
    Case("S060", outputs(lines(*["x"] * 53)), says=("and 34 more problems",)),
    Case("S051", remove(OUTPUTS), file=ALPHA, says=("0 files like outputs/",)),
)

MANIFEST_FAULTS = (
    Case("S034", key("#" * 70_000), file=MANIFEST, says=("70,045 bytes", "65,536 allowed")),
    Case(
        "S040",
        lambda toy: toy.submission("CON"),
        ("check", "{}/submissions"),
        file="submissions/toy/CON/submission.toml",
        line=3,
        says=("'CON'", "1 to 64"),
    ),
    Case("S041", lambda toy: toy.submission("Alpha"), ("score",), FAILED, ALPHA, says=("'alpha'", "'Alpha'")),
    Case("S042", key('name = "a\u202eb"'), file=MANIFEST, line=4, says=("'a\\u202eb'",)),
    Case("T010", key("x"), file=MANIFEST, line=4, says=("not TOML",)),
    Case("T019", key(f"a = {'[' * 99}{']' * 99}"), file=MANIFEST, says=("more than 16 deep",)),
    Case("T011", key('licens = "x"'), file=MANIFEST, line=4, says=("licens", "did you mean 'licence'?")),
    Case("T012", manifest('task = "toy"\nteam = "x"\n'), file=MANIFEST, says=("system: missing",)),
    Case("T013", key("name = 3"), file=MANIFEST, line=4, says=("name", "found 3")),
    Case(
        "T014", manifest('task = "toy"\nteam = "x"\nsystem = "beta"\n'), file=MANIFEST, line=3, says=("'beta'", "alpha")
    ),
)

TASK_FAULTS = (
    Case(
        "T015",
        task(TASK.replace('["bleu"]', '["bleu", "chrf2+"]') + TEST_SET),
        ("tasks", "toy"),
        file=TOML,
        line=7,
        says=("'chrf2+'", "did you mean 'chrf2++'?"),
    ),
    Case("T016", task(TASK + TEST_SET * 2), ("tasks", "toy"), file=TOML, says=("'dev'", "twice")),
    Case("T017", nothing, ("tasks", "toi"), USAGE, None, says=("'toi'", "did you mean 'toy'?")),
    Case(
        "T018",
        lambda toy: toy.write("tasks/toy/scorer.py", "1 / 0\n"),
        ("tasks", "toy"),
        file="tasks/toy/scorer.py",
        says=("ZeroDivisionError",),
    ),
    Case("G010", gold(*GOLD[:2], '{"id": "3"}'), ("score",), FAILED, DATA, line=3, says=("'source' is missing",)),
    Case(
        "G011",
        task(f'{TASK}{TEST_SET}gold_sha256 = "{"0" * 64}"\n'),
        ("score",),
        INTEGRITY,
        TOML,
        says=(hashlib.sha256(lines(*GOLD)).hexdigest(), f"expected {'0' * 64}"),
    ),
    Case("G013", remove(DATA), CHECK, ENVIRONMENT, DATA, says=("gold of test set dev",)),
    Case(
        "G012",
        parallel_files,
        ("score",),
        FAILED,
        "tasks/toy/data/dev.de",
        says=("expected 3 lines", "found 2", "dev.en"),
    ),
    Case(
        "M001",
        scorer('raise RuntimeError("no \\x1b model")'),
        ("score",),
        FAILED,
        None,
        says=("metric own", "RuntimeError: no \\x1b model"),
    ),
)

IMPORT_FAULTS = (
    Case(
        "S021",
        lambda toy: archive(toy, name=ARCHIVED.replace("team", "te\\am")),
        IMPORT,
        FAILED,
        "archive",
        says=("sys.ende.proper.jsonl",),
    ),
    Case("G020", nothing, IMPORT, file="archive", says=("no such file or folder",)),
    Case(
        "G021",
        lambda toy: archive(toy, '{"en": "c", "de": "b"}'),
        IMPORT,
        FAILED,
        ARCHIVED,
        1,
        ("expected 'a', found 'c'",),
    ),
    Case(
        "P010",
        imported_before,
        IMPORT,
        POLICY,
        "submissions/terminology/sys/outputs/wmt25-t1-en-de-proper.jsonl",
        says=("exists with other content",),
    ),
    Case(
        "U013", nothing, ("import", "wmt25-terminolgy", "{}"), USAGE, None, says=("did you mean 'wmt25-terminology'?",)
    ),
)

RECORD_FAULTS = (
    Case(
        "R010",
        altered_record,
        ("verify",),
        INTEGRITY,
        f"results/records/toy/dev/{'0' * 64}.json",
        says=("has sha256", "says 000000"),
    ),
    Case(
        "R011",
        foreign_record,
        ("verify",),
        INTEGRITY,
        f"results/records/toy/dev/{hashlib.sha256(b'{}').hexdigest()}.json",
        says=("schema",),
    ),
    Case(
        "R012",
        forged_record,
        ("verify", "--recompute"),
        INTEGRITY,
        None,
        says=("bleu of alpha on dev", "99.5", "100.00000000000004"),
    ),
)

OTHER_FAULTS = (
    Case(
        "E010", lambda toy: toy.write("results", "x"), ("score",), ENVIRONMENT, "results/records", says=("File exists",)
    ),
    Case("E011", locked_site, ("score",), ENVIRONMENT, None, says=("site", "0.05 s")),
    Case("E012", unreadable, CHECK, ENVIRONMENT, says=("Permission denied",)),
    Case(
        "E013",
        scorer("multiprocessing.parent_process() and os.kill(os.getpid(), signal.SIGKILL)"),
        ("score", "--workers", "2"),
        ENVIRONMENT,
        None,
        says=("without an answer",),
    ),
    Case(
        "E014",
        lambda toy: (toy.root / "results/records/toy/dev/folder.json").mkdir(parents=True),
        ("score",),
        ENVIRONMENT,
        "results/records/toy/dev/folder.json",
        says=("Is a directory",),
    ),
    Case("U010", nothing, ("score", "toy/alpah"), USAGE, None, says=("did you mean 'toy/alpha'?",)),
    Case("U011", nothing, ("score", "--workspace", "{}/nowhere"), USAGE, None, says=("nowhere is not a folder",)),
    Case("U012", nothing, ("check", "{}/tasks"), USAGE, None, says=("tasks",)),
    Case("U014", nothing, ("tasks", "toy", "--requests", "deb"), USAGE, None, says=("did you mean 'dev'?",)),
    Case("U016", scored, ("rank", "toy", "--metric", "bleurt"), USAGE, None, says=("'bleurt'", "did you mean 'bleu'?")),
    Case("U017", scored, ("compare", "alpah", "alpha"), USAGE, None, says=("'alpah'", "did you mean 'alpha'?")),
    Case("U018", scored, ("explain", "alpha", "dev", "4"), USAGE, None, says=("'4'", "among the 3")),
    Case(
        "U019",
        nothing,
        ("compare", "alpha", "alpha", "--seed", "0", "--arithmetic", "sacrebleu"),
        USAGE,
        None,
        says=("seed 0",),
    ),
    Case(
        "U021", derived, ("rank", "toy", "--metric", "mean-bleu", "--where", "a=b"), USAGE, None, says=("'mean-bleu'",)
    ),
    Case("U020", scored, ("rank", "toy", "--where", "domain=law"), USAGE, None, says=("'domain=law'", "3 segments")),
    Case("U015", lambda toy: shutil.rmtree(toy.root / "submissions"), ("score",), USAGE, None, says=("submissions",)),
)

SYSTEM_FAULTS = (
    Case("X010", runs(READY + "raise SystemExit(3)"), CHECK, SYSTEM, ALPHA, says=("exit status 3", "of 3")),
    Case(
        "X011",
        runs(READY + "import time\ntime.sleep(60)"),
        CHECK,
        SYSTEM,
        ALPHA,
        says=("request 1", "0.5 s", "0 bytes"),
    ),
    Case("X012", runs("print('hello')\ninput()"), CHECK, SYSTEM, ALPHA, says=("before it was ready",)),
    Case("X013", runs("", command="traslate"), CHECK, SYSTEM, ALPHA, says=("no program 'traslate'",)),
    Case("E020", no_bubblewrap, CHECK, INVALID, None, says=("L3", "bwrap is not installed")),
    Case(
        "E021",
        timed_elsewhere,
        ("score", "--backend", "cpu1", "--quick"),
        ENVIRONMENT,
        "lock",
        says=("process", "0.05 s"),
    ),
    Case("E022", unkillable, CHECK, INVALID, None, says=("2 processes", "expected 0")),
    Case("E023", no_card, ("score", "--backend", "cuda"), ENVIRONMENT, None, says=("'cuda'", "no driver")),
    Case("U022", nothing, ("score", "--scenario", "latencyy"), USAGE, None, says=("did you mean 'latency'?",)),
    Case("P011", stranger, ("score", "toy/alpha"), POLICY, ALPHA, says=("team team", "below L3", "is L1")),
)

FAULT_CASES = (
    *SYSTEM_FAULTS,
    *OUTPUTS_FAULTS,
    *MANIFEST_FAULTS,
    *TASK_FAULTS,
    *IMPORT_FAULTS,
    *RECORD_FAULTS,
    *OTHER_FAULTS,
)

NOTICE_CASES = (
    Case("N010", outputs(lines(*ROWS)[:-1]), exit=GOOD),
    Case("N011", third('{"id": "3", "output": "a\u2028b"}'), exit=GOOD),
    Case("N012", lone_return, exit=GOOD, file=f"{ALPHA}/outputs/dev.txt"),
    Case("N013", third('{"id": "3", "output": "a\\nb"}'), exit=GOOD),
    Case("N014", third('{"id": "3", "output": "a\u200bb"}'), exit=GOOD),
    Case("N015", third('{"id": "3", "output": "a", "score": 1, "time": 2}'), exit=GOOD),
    Case("N016", third('{"id": "3", "output": ""}'), exit=GOOD),
    Case("N017", outputs(lines(*reversed(ROWS))), exit=GOOD),
    Case(
        "N018", lambda toy: toy.write(f"{ALPHA}/outputs/notes.txt", "x"), exit=GOOD, file=f"{ALPHA}/outputs/notes.txt"
    ),
    Case("N019", answered("at-most-one", *ROWS[:2]), exit=GOOD),
    Case("N021", outputs(lines(*(f'{{"id": "{n}", "output": "x"}}' for n in (1, 2, 3)))), exit=GOOD),
    Case("N020", answered("any", *ROWS, ROWS[0]), exit=GOOD),
)
"""Each is counted once by `harness check`."""
