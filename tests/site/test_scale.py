"""Many systems: equal records give equal bytes whatever the process, and nothing is made twice."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import harness

SYSTEMS = 100
TASKS = 2
BUILD = textwrap.dedent(
    """
    import hashlib, json, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from crowd import records
    from harness.site import pages
    folder = Path(sys.argv[2])
    made = records(int(sys.argv[3]), int(sys.argv[4]))
    pages.build(made, folder, folder / "none")
    again = pages.build(made, folder, folder / "none")
    digests = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
               for path in sorted(folder.rglob("*")) if path.is_file()}
    json.dump([digests, [str(path) for path in again]], sys.stdout)
    """
)


def build(folder, **environment):
    """Build a site of many systems in a process of its own; digests of its files, and what a second build wrote."""
    search = os.pathsep.join([str(Path(harness.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", BUILD, str(Path(__file__).parent), str(folder), str(SYSTEMS), str(TASKS)]
    known = {**os.environ, "PYTHONPATH": search, "SOURCE_DATE_EPOCH": "1800000000", **environment}
    done = subprocess.run(command, env=known, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_bytes_depend_on_the_records_alone(tmp_path):
    here, again = build(tmp_path / "a", PYTHONHASHSEED="1", TZ="Pacific/Kiritimati", LC_ALL="C")
    there, _ = build(tmp_path / "b", PYTHONHASHSEED="2", TZ="America/New_York", LC_ALL="C.UTF-8")
    assert again == []
    assert len(here) > SYSTEMS
    assert here == there
    assert hashlib.sha256(json.dumps(here).encode()).digest()
