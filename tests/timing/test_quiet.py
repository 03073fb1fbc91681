"""One timing at a time, and no scoring beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import harness
from harness.errors import EnvironmentFault
from harness.timing.quiet import alone, lock_file, together

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systems are timed on Linux")

HOLDER = """
import sys
from pathlib import Path
from harness.timing import quiet
with getattr(quiet, sys.argv[1])(Path(sys.argv[2]), 20.0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


class Holder:
    """Another process that holds the lock until it is told to end."""

    def __init__(self, how, path):
        environment = os.environ | {"PYTHONPATH": str(Path(harness.__file__).parents[1])}
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, how, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.pid = self.process.pid

    def __enter__(self):
        assert self.process.stdout.readline() == b"held\n"
        return self

    def __exit__(self, *exception):
        self.process.communicate(timeout=20)


def refused(context):
    """The problem that entering raises."""
    with pytest.raises(EnvironmentFault) as raised, context:
        pass
    (problem,) = raised.value.problems
    return problem


class TestTogether:
    def test_two_scorers_hold_it_at_once(self, path):
        with Holder("together", path), together(path, 0.0), together(path, 0.0):
            pass

    def test_a_scorer_waits_for_a_timing_and_says_who_it_is(self, path):
        with Holder("alone", path) as holder:
            problem = refused(together(path, 0.0))
        assert problem.code == "E021"
        assert f"process {holder.pid} " in problem.message


class TestAlone:
    def test_a_timing_waits_for_another_and_says_who_it_is(self, path):
        with Holder("alone", path) as holder:
            problem = refused(alone(path, 0.1))
        assert problem.code == "E021"
        assert f"process {holder.pid} " in problem.message
        assert "more than 0.1 s" in problem.message

    def test_a_timing_waits_for_a_scorer_and_says_who_it_is(self, path):
        with Holder("together", path) as holder:
            assert f"process {holder.pid} " in refused(alone(path, 0.0)).message

    def test_of_two_scorers_it_names_the_one_that_is_left(self, path):
        with Holder("together", path) as first:
            with Holder("together", path):
                pass
            assert f"process {first.pid} " in refused(alone(path, 0.0)).message

    def test_nobody_who_held_it_earlier_is_named(self, path):
        with alone(path, 0.0):
            pass
        with Holder("together", path) as holder:
            assert f"process {holder.pid} " in refused(alone(path, 0.0)).message

    def test_it_is_free_again_when_the_holder_has_ended(self, path):
        with Holder("alone", path):
            pass
        with alone(path, 0.0):
            pass

    def test_it_is_free_again_when_the_holder_was_killed(self, path):
        with Holder("alone", path) as holder:
            os.kill(holder.pid, signal.SIGKILL)
            with alone(path, 20.0):
                pass

    def test_one_that_waits_gets_it_when_it_is_free(self, path):
        with Holder("together", path) as holder:
            holder.process.stdin.close()
            holder.process.stdin = None
            with alone(path, 20.0):
                pass

    def test_an_error_inside_frees_it(self, path):
        with pytest.raises(ZeroDivisionError), alone(path, 0.0):
            raise ZeroDivisionError
        with alone(path, 0.0):
            pass

    def test_a_child_does_not_keep_it(self, path):
        with alone(path, 0.0):
            child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        with alone(path, 0.0):
            pass
        child.communicate(timeout=20)


class TestTheFile:
    def test_it_lies_where_all_harnesses_of_the_machine_find_it(self):
        assert lock_file() == Path(tempfile.gettempdir()) / "shared-task-harness.lock"

    def test_one_that_cannot_be_written_can_be_locked(self, path, monkeypatch):
        """As where another user made it: that the owner is refused is a matter of the system, and is played here."""
        path.touch()
        opened = os.open

        def may_read(file, flags, mode=0o777):
            if flags & os.O_RDWR:
                raise PermissionError(13, "Permission denied", str(file))
            return opened(file, flags, mode)

        monkeypatch.setattr(os, "open", may_read)
        with alone(path, 0.0):
            assert refused(together(path, 0.0)).code == "E021"

    def test_a_link_is_not_followed(self, path, tmp_path):
        path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="symbolic links"), alone(path, 0.0):
            pass
        assert not (tmp_path / "elsewhere").exists()

    def test_where_the_kernel_does_not_tell_who_holds_it_nobody_is_named(self, path, monkeypatch):
        def hidden(self, *_, **__):
            raise FileNotFoundError(str(self))

        monkeypatch.setattr(Path, "read_text", hidden)
        with alone(path, 0.0):
            assert "process ? " in refused(together(path, 0.0)).message
