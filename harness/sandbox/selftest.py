"""Whether a level does here what it says: all attacks are made in a box of that level, in about a second.

An installed sandbox is not a working one, so nothing else decides which level is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import harness
from harness.errors import HarnessError
from harness.sandbox import Level, attacks, bait, box, bubblewrap, identity, levels

SUCCEEDED, DENIED, UNSUPPORTED, UNCLEAR = "succeeded", "denied", "unsupported", "unclear"
"""How an attack can end. Unsupported: the kernel of this machine has not what it needs."""
CANDIDATES = (Level.BUBBLEWRAP, Level.LANDLOCK, Level.LIMITS)
"""Levels that can be tested anywhere, the best first; containers need an image."""
_PATIENCE_S = 60.0
_CACHE = "sandbox.json"


@dataclass(frozen=True, slots=True)
class Probe:
    """How one attack ended. `is_claimed` says whether the level promises to deny it."""

    name: str
    verdict: str
    detail: str
    is_claimed: bool


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a level did here.

    passed  everything that it claims to deny was denied (or is unsupported)
    digest  SHA-256 of the attacks, the level, and how each attack ended
    gaps    what the level does not close, in sentences
    reason  in `test`, why it did not pass; in `best`, why no better level did; empty if there is nothing to say
    """

    level: Level
    passed: bool
    probes: tuple[Probe, ...]
    digest: str
    gaps: tuple[str, ...]
    reason: str = ""

    @property
    def denied(self) -> int:
        """How many attacks got nothing."""
        return sum(probe.verdict in {DENIED, UNSUPPORTED} for probe in self.probes)


def best(cache_folder: Path | None = None) -> SelfTest:
    """The best level that passes its self-test on this machine; level NONE if none does.

    A pass of the best level of all is kept in `cache_folder`, under everything that it depends on: kernel, harness,
    bubblewrap, attacks, interpreter, user. What did not pass is tested again, since people mend their machines.
    """
    cache = None if cache_folder is None else cache_folder / _CACHE
    found = None if cache is None else _load(cache)
    if found is not None:
        return found
    reasons: list[str] = []
    for level in CANDIDATES:
        tested = test(level)
        if tested.passed:
            answer = replace(tested, reason="; ".join(reasons))
            if cache is not None and level == CANDIDATES[0]:
                _keep(cache, answer)
            return answer
        reasons.append(f"{level}: {tested.reason}")
    return _result(Level.NONE, (), "; ".join(reasons), passed=True)


def test(level: Level) -> SelfTest:
    """Make all attacks in a box of this level."""
    reason = "boxes need Linux" if sys.platform != "linux" else levels.of(level).available()
    if reason is not None:
        return _result(level, (), reason, passed=False)
    try:
        probes = _attacked(level)
    except HarnessError as error:
        return _result(level, (), error.problems[0].message, passed=False)
    leaks = [probe for probe in probes if probe.is_claimed and probe.verdict not in {DENIED, UNSUPPORTED}]
    missing = len(attacks.NAMES) - len(probes)
    reason = "; ".join(f"{leak.name}: {leak.detail}" for leak in leaks[:3])
    if missing:
        reason = f"{missing} attacks were not made{'; ' if reason else ''}{reason}"
    return _result(level, probes, reason, passed=not leaks and not missing)


def _result(level: Level, probes: tuple[Probe, ...], reason: str, *, passed: bool) -> SelfTest:
    verdicts = sorted(f"{probe.name} {probe.verdict}" for probe in probes)
    digest = hashlib.sha256("\n".join([suite_digest(), str(level), *verdicts]).encode()).hexdigest()
    return SelfTest(level, passed, probes, digest, tuple(levels.of(level).gaps), reason)


def _attacked(level: Level) -> tuple[Probe, ...]:
    """Make the attacks. Raises EnvironmentFault if the box cannot be started or cannot be ended."""
    opened = levels.of(level).open
    held, holding = os.pipe()
    try:
        with bait.laid(level) as laid:
            answers, said = _conversation(level, laid, holding)
            os.close(holding)
            holding = -1
            is_over = bool(select.select([held], [], [], 0.5)[0])
    finally:
        os.close(held)
        if holding >= 0:
            os.close(holding)
    if not answers:
        last = said.decode("utf-8", "replace").strip().split("\n")[-1] or "the attacks said nothing"
        answers = [{"name": "start", "verdict": UNCLEAR, "detail": last}]
    return tuple(_probe(answer, opened, is_over=is_over) for answer in answers)


def _probe(answer: dict[str, Any], opened: frozenset[str], *, is_over: bool) -> Probe:
    """What was left behind has ended if nobody holds the pipe any more that the whole box was given."""
    name = answer["name"]
    if name == "daemon" and is_over and answer["verdict"] == SUCCEEDED:
        return Probe(name, DENIED, "it ended with its box", name not in opened)
    return Probe(name, answer["verdict"], answer["detail"], name not in opened)


def _conversation(level: Level, laid: bait.Bait, holding: int) -> tuple[list[dict[str, Any]], bytes]:
    """Start the attacks, tell them of the bait, and take their answers."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    command = [sys.executable, "-I", "-S", "run.py"]
    passed = {attacks.processes.GIVEN: holding}
    try:
        running = box.start(command, laid.room, bait.LIMITS, level, stdin=theirs_in, stdout=theirs_out, pass_fds=passed)
    except BaseException:
        os.close(ours_in)
        os.close(ours_out)
        raise
    finally:
        os.close(theirs_in)
        os.close(theirs_out)
    with running, os.fdopen(ours_in, "rb") as answers:
        with os.fdopen(ours_out, "wb") as bait_for:
            bait_for.write(json.dumps(dict(laid.facts)).encode())
        lines = _read(answers.fileno(), time.monotonic() + _PATIENCE_S).splitlines()
        said = running.stop(1.0).stderr
    return [json.loads(line) for line in lines], said


def _read(descriptor: int, deadline: float) -> bytes:
    """All that comes until the end, or until the deadline."""
    content = b""
    while (rest := deadline - time.monotonic()) > 0 and select.select([descriptor], [], [], rest)[0]:
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            break
        content += chunk
    return content


def suite_digest() -> str:
    """SHA-256 of all that the attacks are made of."""
    folder = Path(attacks.__file__).parent
    hashed = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *(folder.with_name(name) for name in ("bait.py", "neighbour.py"))]):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def key() -> str:
    """All that the outcome of a self-test depends on, as far as we know."""
    kernel = os.uname()
    facts = (kernel.release, kernel.version, kernel.machine, harness.__version__, bubblewrap.version())
    return json.dumps([*facts, suite_digest(), sys.executable, sys.version, identity.is_root()])


def _load(cache: Path) -> SelfTest | None:
    """What was kept under the same key; None if there is nothing, or it cannot be read."""
    try:
        kept = json.loads(cache.read_text("utf-8"))
        if kept["key"] != key():
            return None
        facts = kept["result"]
        probes = tuple(Probe(**probe) for probe in facts["probes"])
        return SelfTest(**{**facts, "level": Level(facts["level"]), "probes": probes, "gaps": tuple(facts["gaps"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(cache: Path, tested: SelfTest) -> None:
    """Keep a result; a folder that cannot be written costs a second at the next run."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=cache.parent, delete=False, encoding="utf-8") as file:
            json.dump({"key": key(), "result": asdict(tested)}, file)
        Path(file.name).replace(cache)
    except OSError:
        return
