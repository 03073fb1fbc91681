"""`kill -9` at any instant loses no record that was acknowledged and corrupts none."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from harness.store import _STALE_SECONDS

from ..unit import toys

pytestmark = pytest.mark.alone  # kills are meant to hit what runs, at its usual pace

KILLS = 50
KILLS_PER_WORKSPACE = 5
SYSTEMS = 24
TEST_SETS = ("dev", "test")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A workspace of 50 cells, of which none is scored."""
    root = tmp_path_factory.mktemp("template")
    toys.task(root / "tasks" / "toy", test_sets=TEST_SETS)
    for number in range(SYSTEMS):
        texts = [text.upper() if number >> bit & 1 else text for bit, text in enumerate(toys.SOURCES)]
        toys.submission(root / "submissions" / "toy" / f"system-{number}", dict.fromkeys(TEST_SETS, texts))
    return root


def copy_of(template, folder):
    """The task and the submissions of the template, as links: nobody writes them."""
    folder.mkdir()
    for name in ("tasks", "submissions"):
        (folder / name).symlink_to(template / name)
    return folder


def command(root, workers=1):
    return [sys.executable, "-m", "harness", "score", "-v", "--workers", str(workers), "--workspace", str(root)]


def score(root):
    done = subprocess.run(
        command(root), capture_output=True, text=True, env=toys.environment(), timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


class Writer:
    """A `harness score` whose acknowledgements go to a file, so that no pipe holds it up."""

    def __init__(self, root, log):
        self.root, self.log = root, log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command(root), stdout=subprocess.DEVNULL, stderr=stream, env=toys.environment()
            )

    def kill(self):
        """Kill it unless it has ended; True if it was killed."""
        self.process.kill()
        return self.process.wait(60) == -signal.SIGKILL

    def acknowledged(self):
        """The records that it said are safe."""
        *lines, _ = self.log.read_text("utf-8").split("\n")
        return [self.root / line.removeprefix("stored ") for line in lines if line.startswith("stored ")]


def records_of(root):
    return sorted((root / "results" / "records").glob("*/*/[!.]*"))


def temporaries_of(root):
    return sorted((root / "results" / "records").rglob(".tmp-*"))


def site_of(root):
    return {
        name: page for name, page in toys.tree(root / "site").items() if not name.rpartition("/")[2].startswith(".")
    }


def assert_intact(root, acknowledged):
    for path in acknowledged:
        assert path.is_file(), f"acknowledged and lost: {path}"
    for path in records_of(root):
        assert path.name == f"{hashlib.sha256(path.read_bytes()).hexdigest()}.json"


@pytest.fixture(scope="module")
def undisturbed(template, tmp_path_factory):
    """A workspace that was scored once in peace, and how long two writers took for that."""
    root = copy_of(template, tmp_path_factory.mktemp("undisturbed") / "workspace")
    began = time.monotonic()
    writers = [Writer(root, root / f"{number}.log") for number in range(2)]
    assert [writer.process.wait(120) for writer in writers] == [0, 0]
    duration = time.monotonic() - began
    assert len(records_of(root)) == len(TEST_SETS) * (SYSTEMS + 1)
    assert {path for writer in writers for path in writer.acknowledged()} == set(records_of(root))
    return root, duration


@pytest.mark.slow
def test_fifty_kills_of_two_writers_lose_nothing(template, undisturbed, tmp_path):
    peaceful, duration = undisturbed
    generator = random.Random(20260105)  # noqa: S311 - no secret
    killed = acknowledged_before_a_kill = 0
    for batch in range(KILLS // KILLS_PER_WORKSPACE):
        root = copy_of(template, tmp_path / f"workspace-{batch}")
        acknowledged = []
        for kill in range(KILLS_PER_WORKSPACE):
            writers = [Writer(root, tmp_path / f"{batch}-{kill}-{number}.log") for number in range(2)]
            time.sleep(generator.uniform(0, duration))
            died = [writer.kill() for writer in writers]
            new = [path for writer in writers for path in writer.acknowledged()]
            acknowledged += new
            killed += any(died)
            acknowledged_before_a_kill += any(died) and bool(new)
            assert_intact(root, acknowledged)
        score(root)
        assert toys.records(root) == {**toys.records(peaceful), **leftovers(root)}
        assert site_of(root) == site_of(peaceful)
    assert killed >= KILLS // 2, "the kills hit running writers"
    assert acknowledged_before_a_kill, "some writer had stored something when it was killed"


def leftovers(root):
    """What lies beside the records: temporaries that are too young to be swept, and nothing else."""
    folder = root / "results" / "records"
    return {str(path.relative_to(folder)): path.read_bytes() for path in temporaries_of(root)}


def test_the_next_writer_sweeps_what_killed_writers_left(template, tmp_path):
    root = copy_of(template, tmp_path / "workspace")
    score(root)
    expected = toys.records(root)
    for test_set in TEST_SETS:
        folder = root / "results" / "records" / "toy" / test_set
        next(folder.glob("*.json")).unlink()
        for name, age in ((".tmp-stale", _STALE_SECONDS + 60), (".tmp-young", _STALE_SECONDS // 2)):
            toys.write(folder / name, '{"half')
            os.utime(folder / name, (time.time() - age,) * 2)
    score(root)
    assert [path.name for path in temporaries_of(root)] == [".tmp-young"] * 2
    for path in temporaries_of(root):
        path.unlink()
    assert toys.records(root) == expected


ENDLESS = toys.SCORER.replace(
    "    import numpy as np\n",
    """\
    import os
    import time
    from pathlib import Path

    Path(__file__).with_name(f"{os.getpid()}.scoring").touch()
    time.sleep(600)
    import numpy as np
""",
)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["starting", "scoring"])
def test_no_scoring_process_outlives_a_killed_parent(tmp_path, stage):
    root = toys.workspace(tmp_path / "workspace", scorer=ENDLESS)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command(root, workers=2), stdout=log, stderr=log, env=toys.environment())
    parent, children = psutil.Process(process.pid), []
    started = {
        "starting": lambda: sum("spawn_main" in " ".join(child.cmdline()) for child in parent.children()),
        "scoring": lambda: len(list((root / "tasks" / "toy").glob("*.scoring"))),
    }
    try:
        toys.wait_until(lambda: process.poll() is not None or started[stage]() >= 2)
        assert process.poll() is None, (tmp_path / "log").read_text("utf-8")
        children = parent.children(recursive=True)
    finally:
        process.kill()
        process.wait(60)
    _, alive = psutil.wait_procs(children, timeout=10)
    for child in alive:
        child.kill()
    assert alive == []
