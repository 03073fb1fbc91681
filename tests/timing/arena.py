"""Where cheaters and honest systems meet: a task of texts, submissions that really run, and a machine without noise."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.plan import Cell
from harness.running import Runner
from harness.sandbox import Level
from harness.staging import Policy
from harness.timing import scenarios, usage
from harness.timing.backends import available
from harness.timing.backends.cpu import Cpu
from harness.timing.noise import Reading
from harness.timing.process import QUICK
from harness.workspace import Workspace

from ..unit import toys

if TYPE_CHECKING:
    from harness.timing.noise import NoiseMeter

SYSTEMS = Path(__file__).parent / "cheaters"
TEAM = "strangers"
TRIES = 3
RULES = replace(QUICK, least_s=1.0, most_s=1.5, warm_up_s=0.1, answer_s=5.0, load_s=20.0, stop_s=1.0)
"""Enough for every scored request to come some times, each of which costs 1 to 3 ms."""
THRICE = replace(RULES, processes=3)
PATIENT = replace(RULES, least_s=10.0, most_s=10.0)
"""For systems that break the protocol sooner or later, later on a machine that is busy."""
BRIEF = replace(RULES, warm_up_s=0.04)
"""For the run that is scored: at most 120 requests with those that warm up."""

WORDS = ("river", "stone", "lantern", "orchard", "copper", "window", "harbour", "letter", "silver", "bridge", "engine")


def texts(count, seed):
    """Texts of 2 to 16 words, all different."""
    draws, found = random.Random(seed), {}  # noqa: S311 - texts, not secrets
    while len(found) < count:
        found[" ".join(draws.choices(WORDS, k=draws.randint(2, 16)))] = None
    return tuple(found)


SOURCES = texts(60, 1)
DECOYS = tuple(text for text in texts(110, 2) if text not in SOURCES)[:40]


class Quiet:
    """A meter on a machine whose neighbours never disturb anything: noise decides nothing here."""

    missing = ()

    def read(self, pids):
        return Reading(stamp=time.monotonic_ns(), cpu_s=usage.cpu_seconds(pids))


@dataclass
class Arena:
    """A workspace of one task whose reference is the source in capitals. Without `meter` the machine's noise counts."""

    root: Path
    meter: NoiseMeter | None = field(default_factory=Quiet)
    cells: dict[str, Cell] = field(default_factory=dict)

    def __post_init__(self):
        folder = self.root / "tasks" / "texts"
        toys.task(folder, test_sets=("test",), more='decoys = "data/decoys.jsonl"')
        toys.gold(folder / "data" / "test.jsonl", SOURCES)
        rows = [{"id": f"d{number}", "source": text} for number, text in enumerate(DECOYS)]
        toys.write(folder / "data" / "decoys.jsonl", toys.json_lines(rows))

    def enter(self, script, *words, name=None, protocol="jsonl", **files):
        """Hand in a script of the cheaters' folder, with the module they share and further files."""
        system = name or "-".join([script, *words])
        folder = self.root / "submissions" / "texts" / system
        command = json.dumps(["python", f"{script}.py", *words])
        manifest = f'task = "texts"\nteam = "{TEAM}"\nsystem = "{system}"\n'
        toys.write(folder / "submission.toml", f'{manifest}[run]\nprotocol = "{protocol}"\ncommand = {command}\n')
        for module in (script, "trade"):
            shutil.copyfile(SYSTEMS / f"{module}.py", folder / f"{module}.py")
        for stem, content in files.items():
            toys.write(folder / f"{stem}.json", json.dumps(content))
        self.cells[system] = Cell("texts", "test", system)
        return system

    def runner(self, level=Level.NONE):
        """Whoever uses it says on which level."""
        may = available()
        known = {"cpu1": frozenset([max(may)]), "cpuN": may}
        return Runner(
            Workspace(self.root),
            Policy(trust=frozenset([TEAM]), level=level),
            backends={name: Cpu(name=name, cpus=cpus, meter=self.meter) for name, cpus in known.items()},
        )

    def run(self, system, level=Level.NONE, **how):
        """Let it answer; its record and its outputs, in the order of the sources."""
        with self.runner(level) as runner:
            record = runner.run(self.cells[system], **how)
        lines = self.outputs_file(system).read_text("utf-8").splitlines()
        return record, [json.loads(line)["output"] for line in lines]

    def time(self, system, level=Level.NONE, *, rules=RULES, scenario="latency", backend="cpu1"):
        """Time it; the record."""
        with self.runner(level) as runner:
            return runner.time(self.cells[system], backend, scenarios.find(scenario), rules=rules)

    def pretend(self, system):
        """Put perfect outputs where those of its run would be."""
        rows = [{"id": str(number), "output": text.upper()} for number, text in enumerate(SOURCES, start=1)]
        toys.write(self.outputs_file(system), toys.json_lines(rows))

    def outputs_file(self, system):
        return Workspace(self.root).results.outputs / "texts" / system / "test.jsonl"


def names(record):
    """The flags by name."""
    return {flag.name for flag in record.flags}


def detail(record, name):
    """What a flag says, and whether it voids."""
    return next((flag.detail, flag.voids) for flag in record.flags if flag.name == name)


def mostly(holds, tries=TRIES):
    """Whether it holds in more than half of the tries; as many as that takes to know, as neighbours blur ratios."""
    yes = no = 0
    while max(yes, no) <= tries // 2:
        if holds():
            yes += 1
        else:
            no += 1
    return yes > no


def processes_with(word):
    """The processes of this machine whose command line has a word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if os.fsencode(word) in words:
            found.append(int(folder.name))
    return found
