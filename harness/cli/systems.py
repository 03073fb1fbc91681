"""What `harness score` does with systems that run: let them answer, time them, and show their timings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.catalogue import problem, suggestion
from harness.cli import terminal
from harness.errors import EnvironmentFault, InvalidInput, PolicyError, Problem, SystemFailed, UsageError, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from harness.plan import Cell, Plan
    from harness.records import Quantity, Timing
    from harness.timing.backends import Backend
    from harness.timing.scenarios import Scenario
    from harness.workspace import Workspace

SCENARIOS = "latency,offline"
REFUSALS = (SystemFailed, PolicyError, InvalidInput, EnvironmentFault)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options about systems that run."""
    group = parser.add_argument_group("systems that run")
    group.add_argument("--backend", metavar="LIST", help="time them there: cpu (cpu1 and cpuN), cpu1, cpuN, cuda")
    group.add_argument(
        "--scenario", metavar="LIST", help=f"latency, offline, server, batch-N (default: {SCENARIOS}, on cpu)"
    )
    group.add_argument("--quick", action="store_true", help="time for two seconds, in one process, at home")
    group.add_argument(
        "--trust",
        metavar="TEAM",
        action="append",
        default=[],
        help="run the systems of this team without a sandbox; the records and pages say so",
    )


@dataclass(frozen=True)
class Wanted:
    """What is to be timed, where and how."""

    backends: Sequence[Backend]
    scenarios: Sequence[Scenario]
    quick: bool


def wanted(arguments: argparse.Namespace) -> Wanted | None:
    """What the command line asks to be timed; None if nothing. Raises UsageError (U022), EnvironmentFault (E023)."""
    if not (arguments.backend or arguments.scenario or arguments.quick):
        return None
    from harness.timing import scenarios
    from harness.timing.backends import backends, expand

    known = backends()
    names = [name for word in _words(arguments.backend or "cpu") for name in expand(word)]
    for name in names:
        if (missing := known[name].missing()) is not None:
            raise EnvironmentFault(problem("E023", id=f"'{name}'", what=missing))
    found = [(name, scenarios.find(name)) for name in _words(arguments.scenario or SCENARIOS)]
    for name, scenario in found:
        if scenario is None:
            hint, shown = suggestion(name, scenarios.NAMES), ", ".join(scenarios.NAMES)
            raise UsageError(problem("U022", what="scenario", id=f"'{printable(name)}'", hint=hint, known=shown))
    meant = [scenario for _, scenario in found if scenario is not None]
    return Wanted([known[name] for name in dict.fromkeys(names)], meant, arguments.quick)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def run(workspace: Workspace, plan: Plan, arguments: argparse.Namespace) -> list[Problem]:
    """Let every system answer that has not yet; what fails does not stop the others."""
    if not plan.runs:
        return []
    from harness.running import Runner
    from harness.staging import Policy
    from harness.timing import quiet

    problems: list[Problem] = []
    with (
        quiet.together(),
        Runner(workspace, Policy(frozenset(arguments.trust))) as runner,
        terminal.progress("running", len(plan.runs)) as advance,
    ):
        for cell in plan.runs:
            advance(str(cell))
            try:
                runner.run(cell)
            except REFUSALS as error:
                problems += error.problems
    return problems


def time(workspace: Workspace, plan: Plan, asked: Wanted, arguments: argparse.Namespace) -> list[Problem]:
    """Time what is asked for and not timed yet, alone on this machine; the records go to `plan.timings`."""
    from harness.running import Runner
    from harness.runs import best
    from harness.staging import Policy
    from harness.timing import quiet
    from harness.timing.process import FULL, QUICK

    jobs = [job for job in _jobs(workspace, plan, asked) if not _is_timed(plan, job, quick=asked.quick)]
    problems: list[Problem] = []
    if not jobs:
        return []
    with (
        quiet.alone(),
        Runner(workspace, Policy(frozenset(arguments.trust))) as runner,
        terminal.progress("timing", len(jobs)) as advance,
    ):
        for cell, backend, scenario in jobs:
            advance(f"{cell}, {scenario.name} on {backend.name}")
            try:
                plan.timings.append(runner.time(cell, backend.name, scenario, rules=QUICK if asked.quick else FULL))
            except REFUSALS as error:
                problems += error.problems
    plan.timings = best(plan.timings)
    return problems


Job = tuple["Cell", "Backend", "Scenario"]


def _jobs(workspace: Workspace, plan: Plan, asked: Wanted) -> Iterator[Job]:
    """Every selected system that has run, on every backend that it names, in every scenario that it can be asked in."""
    from harness import submissions
    from harness.plan import Cell
    from harness.runs import RUN
    from harness.timing.backends import expand

    ran = {Cell(timing.task, timing.test_set, timing.system) for timing in plan.timings if timing.scenario == RUN}
    for cell in plan.selected:
        if cell in ran:
            table = submissions.load(workspace.submissions / cell.task / cell.system).manifest.run
            may = {name for word in table.backends for name in expand(word)} if table else set()
            for backend in asked.backends:
                for scenario in asked.scenarios:
                    if table and backend.name in may and scenario.refuses(table) is None:
                        yield cell, backend, scenario


def _is_timed(plan: Plan, job: Job, *, quick: bool) -> bool:
    """Whether there is a record of it, on this machine; one that was disturbed is worth another try."""
    from harness.timing.machine import fingerprint

    cell, backend, scenario = job
    machine = fingerprint(*backend.facts()).machine_id
    return any(
        (timing.task, timing.test_set, timing.system) == (cell.task, cell.test_set, cell.system)
        and (timing.backend, timing.scenario, timing.machine_id) == (backend.name, scenario.name, machine)
        and (quick or not timing.quick)
        and not any(flag.voids and flag.name == "noise" for flag in timing.flags)
        for timing in plan.timings
    )


def show(timings: Sequence[Timing]) -> None:
    """One table per test set: medians, rates with their intervals, memory, and what a reader must know."""
    from harness import standings
    from harness.runs import RUN

    for key in sorted({(timing.task, timing.test_set) for timing in timings if timing.scenario != RUN}):
        members = [timing for timing in timings if (timing.task, timing.test_set) == key and timing.scenario != RUN]
        ranked = standings.order_timings(members)
        columns = [
            "rank",
            "system",
            "scenario",
            "backend",
            "p50 ms",
            "p90 ms",
            "requests/s",
            "95 % interval",
            "ratio",
            "MiB",
            "level",
        ]
        rows = [[str(rank or ""), *_row(timing), "; ".join(_remarks(timing))] for rank, timing in ranked]
        terminal.table(f"{key[0]} · {key[1]} · speed", [*columns, "remarks"], rows, text_columns=4)
        for _, timing in ranked:
            for flag in timing.flags:
                if flag.voids:
                    terminal.say(f"void: {timing.system}, {timing.scenario} on {timing.backend}: {flag.detail}")


def _row(timing: Timing) -> list[str]:
    rate = timing.quantity("throughput") or timing.quantity("server-rate")
    interval = "" if rate is None or rate.lo is None or rate.hi is None else f"[{rate.lo:.4g}, {rate.hi:.4g}]"
    numbers = [_number(timing.quantity(name), 1000) for name in ("latency-p50", "latency-p90")]
    ratio, memory = _number(timing.quantity("throughput-ratio"), 1), timing.quantity("peak-memory")
    return [
        timing.system,
        timing.scenario,
        timing.backend,
        *numbers,
        _number(rate, 1),
        interval,
        ratio,
        _number(memory, 1 / (1 << 20)),
        timing.isolation.level,
    ]


def _number(quantity: Quantity | None, factor: float) -> str:
    """Four digits; a dash where there is no number."""
    return "-" if quantity is None or quantity.value is None else f"{quantity.value * factor:.4g}"


def _remarks(timing: Timing) -> list[str]:
    """The flags by name, first whether it counts at all."""
    marks = [] if timing.valid else ["void"]
    marks += ["quick"] if timing.quick else []
    marks += [f"trusted by {timing.isolation.trusted_by}"] if timing.isolation.trusted_by else []
    return [*marks, *(flag.name for flag in timing.flags)]


def facts(timings: Sequence[Timing]) -> dict[str, object]:
    """The timings for `--json`, without their raw latencies, which the records hold."""
    import msgspec

    rows = [msgspec.to_builtins(timing) | {"valid": timing.valid} for timing in timings]
    return {"timings": [{key: value for key, value in row.items() if key != "latencies"} for row in rows]}
