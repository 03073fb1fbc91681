"""Run and time the systems of a workspace: from a submission's folder to its outputs and to Timing records.

The first run over a test set makes the outputs that are scored, and is watched for memory; timings come after and
must say the same again.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness import __version__, canonical, staging, submissions
from harness.catalogue import problem
from harness.errors import SystemFailed, printable
from harness.records import TIMING_SCHEMA, Quantity, Timing
from harness.runs import RUN, Runs
from harness.sandbox import Level, Limits, Room
from harness.store import replace_file
from harness.timing import Asked, SystemFault, measuring, memory, nulls, sizes
from harness.timing.backends import available, backends, cpu
from harness.timing.deck import Deck
from harness.timing.kinds.place import Place
from harness.timing.kinds.streaming import Streaming
from harness.timing.machine import fingerprint
from harness.timing.process import FULL, NS, QUICK, Process, Reference, Subject
from harness.timing.wire import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.api import Output, TestSet
    from harness.manifest import RunTable
    from harness.plan import Cell
    from harness.staging import Stage
    from harness.submissions import Submission
    from harness.timing.backends import Backend
    from harness.timing.energy import Energy
    from harness.timing.memory import MemoryMeter
    from harness.timing.process import Rules
    from harness.timing.scenarios import Scenario
    from harness.workspace import Workspace

SILENT = {"lines", "batch"}
"""Protocols without a sign of readiness."""
SEEN_S = 1.0
"""How long a sandbox may take until the system's first process is there."""
IDLE_S = 10.0
"""How long the machine is watched before a timing; energy counters tell nothing of less."""
PROBED = 3
"""Requests by which a participant's check tries a system."""


@dataclass(frozen=True, kw_only=True)
class _Made:
    """How a record came about, beside what was measured."""

    scenario: str
    seed: int
    outputs: str
    quick: bool = False


@dataclass
class Runner:
    """Runs the systems of one workspace. A context manager: its temporary files go when it ends.

    `policy` says who may run below the level that strangers need, `backends` where systems can run, by name.
    """

    workspace: Workspace
    policy: staging.Policy = field(default_factory=staging.Policy)
    limits: Limits = field(default_factory=Limits)
    backends: Mapping[str, Backend] = field(default_factory=backends)

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(prefix="harness-run-", ignore_cleanup_errors=True)
        self._folder = Path(self._temporary.name)
        self._folder.chmod(0o755)  # systems run as another user
        self._stages: dict[tuple[Path, str], Stage] = {}
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.cleanup()

    def stage(self, cell: Cell) -> Stage:
        """A prepared system, once. Raises PolicyError (P011), InvalidInput and EnvironmentFault."""
        folder = self.workspace.submissions / cell.task / cell.system
        submission = submissions.load(folder, produced=self.workspace.results.outputs)
        return self._prepared(submission, cell.test_set)

    def _prepared(self, submission: Submission, test_set: str) -> Stage:
        key = submission.folder, test_set
        if key not in self._stages:
            into = self._folder / str(len(self._stages))
            self._stages[key] = staging.prepare(self.workspace, submission, test_set, into, self.policy)
        return self._stages[key]

    def probe(self, submission: Submission, test_set: str, count: int = PROBED) -> int:
        """Ask a system a few requests, as it will be asked, and keep nothing; how many it answered.

        Raises SystemFailed (X0xx), PolicyError (P011), InvalidInput and EnvironmentFault.
        """
        stage = self._prepared(submission, test_set)
        process = self._start(stage, self._backend_of(stage.run), 0, QUICK)
        try:
            process.open()
            cards = process.deck.permutation()[:count]
            process.pour(cards, end=process.subject.is_corpus)
        except SystemFault as fault:
            process.close()
            raise self._failed(stage, fault, process) from None
        process.close()
        return len(cards)

    def run(self, cell: Cell, rules: Rules | None = None) -> Timing:
        """Let a system answer a test set, keep its outputs, and store the record of the run.

        Of the `rules` those for warming up and for waiting matter. Raises SystemFailed (X0xx), PolicyError (P011),
        InvalidInput and EnvironmentFault.
        """
        stage = self.stage(cell)
        backend, seed = self._backend_of(stage.run), secrets.randbits(32)
        process = self._start(stage, backend, seed, rules or QUICK)
        meter = memory.TreeMemory() if process.subject.is_batch else memory.best()
        try:
            process.start()
            _begin(meter, process)
            process.load()
            said = _answers(process)
        except SystemFault as fault:
            process.close()
            raise self._failed(stage, fault, process) from None
        finally:
            peak = meter.stop()
        process.close()
        content = _as_rows(stage.test_set, said)
        replace_file(stage.submission.outputs_file(cell.test_set, "jsonl"), content)
        noted = process.noted
        quantities = [
            Quantity(name="load", unit="s", value=noted.load_s, n=1),
            Quantity(name="first-output", unit="s", value=noted.first_output_s, n=1),
            Quantity(name="end-to-end", unit="s", value=(noted.load_s or 0.0) + noted.asked_wall_s, n=1),
            Quantity(name="peak-memory", unit="bytes", value=peak, n=1, method=meter.method),
            Quantity(name="model-size", unit="bytes", value=_size(stage), n=1),
        ]
        flags = measuring.look_at_the_end(noted)
        measured = measuring.Measured(quantities=quantities, flags=flags, processes=1, blocks=1)
        record = self._record(
            stage, backend, measured, _Made(scenario=RUN, seed=seed, outputs=canonical.digest(content))
        )
        self.workspace.results.timings.put([record])
        return record

    def time(
        self,
        cell: Cell,
        backend: str,
        scenario: Scenario,
        *,
        rules: Rules = FULL,
        tell: Callable[[str], object] = str,
    ) -> Timing:
        """Time a system that has run. What breaks stands in the record as a flag that voids it.

        Raises PolicyError (P011), InvalidInput and EnvironmentFault.
        """
        stage, on = self.stage(cell), self.backends[backend]
        scored = submissions.read_outputs(stage.submission, stage.task, stage.test_set)
        seed, may = secrets.randbits(32), available()
        with _pinned(_driver_on(on.cpus, may, scenario), may):
            idle = on.idle(0.0 if rules.quick else IDLE_S)
            floor = nulls.floor(stage.run.protocol, stage.place(on, self.limits))
            subject = self._subject(stage, on, scored.outputs, floor.p50_ns)
            found = measuring.measure(subject, scenario, rules, seed, tell)
        found.quantities += [
            Quantity(name="driver-floor-p50", unit="s", value=floor.p50_ns / NS, n=floor.n),
            Quantity(name="driver-floor-p99", unit="s", value=floor.p99_ns / NS, n=floor.n),
            *(_idle_power(part, energy) for part, energy in sorted(idle.energy.items())),
            *self._of_the_run(stage),
        ]
        made = _Made(scenario=scenario.name, seed=seed, outputs=scored.digest, quick=rules.quick)
        record = self._record(stage, on, found, made)
        self.workspace.results.timings.put([record])
        return record

    def _start(self, stage: Stage, backend: Backend, seed: int, rules: Rules) -> Process:
        try:
            return Process(self._subject(stage, backend, {}, 0), rules, None, seed)
        except SystemFault as fault:
            raise self._failed(stage, fault) from None

    def _backend_of(self, run: RunTable) -> Backend:
        """Where a system makes the outputs that are scored: the first of its backends that is here."""
        wanted = [{"cpu": "cpuN"}.get(name, name) for name in run.backends]
        known = [self.backends[name] for name in wanted if name in self.backends]
        return next((found for found in known if found.missing() is None), self.backends["cpuN"])

    def _subject(self, stage: Stage, backend: Backend, scored: Mapping[str, Output], floor_ns: int) -> Subject:
        requests = stage.test_set.asked
        decoys = () if stage.is_corpus else stage.decoys
        return Subject(
            make=lambda: stage.system(backend, self.limits),
            deck=lambda seed: Deck(requests, decoys, seed),
            backend=backend,
            scored=scored,
            requests=requests,
            is_corpus=stage.is_corpus,
            has_banner=stage.run.protocol not in SILENT,
            is_batch=stage.run.protocol == "batch",
            floor_ns=floor_ns,
            reference=lambda: _reference(backend, self._folder),
        )

    def _failed(self, stage: Stage, fault: SystemFault, process: Process | None = None) -> SystemFailed:
        """The fault with the facts of its submission; what the system said on stderr is kept in a file."""
        ending = None if process is None else process.noted.ending
        stderr = b"" if ending is None else ending.stderr
        name = f"{stage.task.name}-{stage.submission.system}-{stage.test_set.id}.txt"
        log = self.workspace.root / ".harness" / "logs" / name
        replace_file(log, stderr)
        facts: dict[str, Any] = {"what": "", "request": 0, "detail": "", "limit": 0.0, "found": 0, "log": log}
        facts |= {
            "task": stage.task.name,
            "test_set": stage.test_set.id,
            "expected": len(stage.test_set.asked),
        }
        facts |= fault.facts
        said = printable(stderr.decode("utf-8", "replace").strip().rpartition("\n")[2], 300)
        if said and fault.code == "X010":
            facts["what"] = f"{facts['what']}, last words: {said}"
        return SystemFailed(problem(fault.code, file=stage.submission.folder, **facts))

    def _of_the_run(self, stage: Stage) -> list[Quantity]:
        """What the run that made the outputs was watched for."""
        found = Runs(self.workspace).current(stage.submission, stage.test_set)
        runs = [timing for timing in found if timing.scenario == RUN][-1:]
        wanted = (timing.quantity(name) for timing in runs for name in ("peak-memory", "model-size"))
        return [quantity for quantity in wanted if quantity is not None]

    def _record(self, stage: Stage, backend: Backend, found: measuring.Measured, made: _Made) -> Timing:
        table, machine = stage.submission.manifest, fingerprint(*backend.facts())
        return Timing(
            schema=TIMING_SCHEMA,
            task=stage.task.name,
            test_set=stage.test_set.id,
            system=table.system,
            name=table.name or table.system,
            team=table.team,
            kind=table.kind,
            backend=backend.name,
            scenario=made.scenario,
            quick=made.quick,
            protocol=stage.run.protocol,
            unit=stage.run.unit,
            flags=found.flags,
            quantities=found.quantities,
            latencies=found.latencies,
            isolation=stage.isolation,
            machine_id=machine.machine_id,
            env_id=machine.env_id,
            machine=dict(machine.facts),
            processes=found.processes,
            blocks=found.blocks,
            rejected=found.rejected,
            decoys=found.decoys,
            seed=made.seed,
            gold=stage.test_set.digest,
            submission=stage.digest,
            outputs=made.outputs,
            harness=__version__,
        )


def _begin(meter: MemoryMeter, process: Process) -> None:
    """Measure memory from the first process on, which a sandbox needs a moment for: what loading takes counts too."""
    deadline = time.monotonic() + (0.0 if process.subject.is_batch else SEEN_S)  # files come later, and so does it
    while not process.system.pids() and time.monotonic() < deadline:
        time.sleep(0.001)
    meter.start(process.system.pids)


def _answers(process: Process) -> dict[str, Output]:
    """What a system says to every request, asked as it will be when it is timed."""
    subject, cards = process.subject, process.deck.permutation()
    if not subject.is_corpus and not subject.is_batch:
        process.warm_up()
    visits = process.block(lambda: process.pour(cards, end=subject.is_corpus)).visits
    return {card.request: replied.output for card, replied in visits if card.request is not None}


def _as_rows(test_set: TestSet, said: Mapping[str, Output]) -> bytes:
    """Outputs as JSON Lines, in the order of the requests."""
    rows = [{"id": request.id, "output": said[request.id]} for request in test_set.asked]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "surrogatepass")


def _size(stage: Stage) -> int:
    """Bytes of the declared model, by default of the whole submission."""
    declared = [stage.folder / name for name in stage.run.model]
    return sizes.model_size([path for path in declared if path.exists()] or [stage.folder]).bytes


def _driver_on(cpus: frozenset[int], may: frozenset[int], scenario: Scenario) -> frozenset[int]:
    """Where the driver stays: beside the system, but in lock-step with one processor on that one.

    There only one of the two ever runs, and waking another processor costs more than all else (docs/benchmarks.md).
    """
    return cpus if scenario.is_lockstep and len(cpus) == 1 else cpu.beside(cpus, may)


def _idle_power(part: str, energy: Energy) -> Quantity:
    """What the machine, or the card, takes when the system is not there; nothing is subtracted from anything."""
    name = "idle-power" if part == "cpu" else f"idle-power-{part}"
    return Quantity(name=name, unit="W", value=energy.watts, n=1, reason=energy.reason)


@contextmanager
def _pinned(cpus: frozenset[int], may: frozenset[int]) -> Iterator[None]:
    """Keep the driver on some processors for a while."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, may)


@contextmanager
def _reference(backend: Backend, folder: Path) -> Iterator[Reference]:
    """The bundled reference workload, on the processors of the backend."""
    here = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": os.defpath}
    room = Room(folder=folder, environment={**backend.environment, **here}, cpus=backend.cpus)
    place = Place(room=room, limits=Limits(), level=Level.NONE, python=sys.executable)
    system = Streaming(["python", "-m", "harness.timing.reference"], Lines(), place)
    system.start()
    try:
        system.ask(Asked("", ""), 60.0)  # loaded
        yield Reference(system, Asked("", ""))
    finally:
        system.stop(1.0)
