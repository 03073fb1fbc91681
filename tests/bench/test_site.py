"""A site of a thousand systems on four tasks: how long it takes to build, to leave alone, and to mend.

CPU seconds of one process on one core, from records in memory; peak memory of the whole process; sizes of files
as they lie on the disk, and compressed as servers send them. "Unchanged" is the same build once more; before "one
changed" a system got another value, so the tables of its task, its pages and its neighbours' are made again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import harness

SITES = ((100, 4), (1000, 4))
BUILD = textwrap.dedent(
    """
    import gzip, json, resource, sys, time
    from pathlib import Path
    import msgspec
    sys.path.insert(0, sys.argv[1])
    from crowd import records
    from dataclasses import replace
    from harness.site import pages
    folder = Path(sys.argv[2])
    made = records(int(sys.argv[3]), int(sys.argv[4]))
    first = made.results[0]
    scores = [msgspec.structs.replace(first.scores[0], value=0.123), *first.scores[1:]]
    mended = replace(made, results=[msgspec.structs.replace(first, scores=scores), *made.results[1:]])
    def timed(what):
        start = time.process_time()
        written = pages.build(what, folder, folder / "none")
        return [time.process_time() - start, len(written)]
    facts = {"built": timed(made), "unchanged": timed(made), "mended": timed(mended)}
    pages_ = [path.read_bytes() for path in folder.rglob("*.html")]
    facts["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    facts["bytes"] = sum(map(len, pages_))
    facts["heaviest"] = max(len(gzip.compress(page)) for page in sorted(pages_, key=len)[-5:])
    json.dump(facts, sys.stdout)
    """
)


def build(folder, systems, tasks):
    """Figures of a process that builds a site three times."""
    search = os.pathsep.join([str(Path(harness.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    beside = Path(__file__).resolve().parents[1] / "site"
    command = [sys.executable, "-c", BUILD, str(beside), str(folder), str(systems), str(tasks)]
    environment = {**os.environ, "PYTHONPATH": search}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.bench
def test_sites_of_many_systems(tmp_path):
    head = (
        "systems x tasks",
        "files",
        "built",
        "unchanged",
        "one changed",
        "peak memory",
        "pages",
        "heaviest page, gzip",
    )
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")  # noqa: T201 - the numbers are what this is run for
    for systems, tasks in SITES:
        found = build(tmp_path / str(systems), systems, tasks)
        seconds = [f"{found[name][0]:.1f} s" for name in ("built", "unchanged")]
        seconds.append(f"{found['mended'][0]:.1f} s, {found['mended'][1]} files")
        sizes = [
            f"{found['memory'] / 2**20:.0f} MiB",
            f"{found['bytes'] / 2**20:.0f} MiB",
            f"{found['heaviest'] / 1000:.0f} kB",
        ]
        row = (f"{systems} x {tasks}", str(found["built"][1]), *seconds, *sizes)
        print(f"| {' | '.join(row)} |")  # noqa: T201 - as above
    assert found["unchanged"][1] == 0
    assert found["built"][0] <= 60
    assert found["unchanged"][0] <= 2
    assert found["memory"] <= 600 * 2**20
