"""CPU time, threads and affinity of a tree."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from harness.timing import procfs, usage

from . import fakes

TICKS = os.sysconf("SC_CLK_TCK")


def test_cpu_time_is_that_of_the_living_and_of_the_dead_they_waited_for(tmp_path):
    fakes.put_process(tmp_path, 5, ticks=(10, 20, 300, 400))
    fakes.put_process(tmp_path, 6, ticks=(1, 2, 0, 0), name=") 1 2 3 (")
    assert usage.cpu_seconds([5, 6, 404], tmp_path) == 733 / TICKS


def test_threads_are_counted_over_the_tree(tmp_path):
    for pid, tid in ((5, 5), (5, 51), (6, 6)):
        fakes.put_thread(tmp_path, pid, tid)
    assert usage.read({5, 6, 404}, root=tmp_path).threads == 3


def test_a_thread_that_may_leave_the_processors_has_escaped(tmp_path):
    fakes.put_thread(tmp_path, 5, 5, cpus="2-3")
    fakes.put_thread(tmp_path, 5, 51, cpus="3")
    fakes.put_thread(tmp_path, 5, 52, cpus="0-1,3")
    assert usage.read({5}, frozenset([2, 3]), tmp_path).escaped == (52,)
    assert usage.read({5}, None, tmp_path).escaped == ()


@pytest.mark.parametrize(("listed", "numbers"), [("", []), ("4", [4]), ("0-2", [0, 1, 2]), ("0,2-3,9\n", [0, 2, 3, 9])])
def test_lists_of_processors_are_read_as_the_kernel_writes_them(listed, numbers):
    assert procfs.processors(listed) == set(numbers)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
class TestOfARealProcess:
    def test_cpu_time_agrees_with_its_own_clock(self):
        """Known answer: a child that reports 0.5 s of CPU time by its own clock, to two ticks."""
        code = "import time\nwhile time.process_time() < .5: pass\nprint(time.process_time(), flush=True)\ninput()"
        with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as child:
            own = float(child.stdout.readline())
            found = usage.cpu_seconds({child.pid})
            child.communicate("\n")
        assert found == pytest.approx(own, abs=2 / TICKS + 0.02)

    def test_cpu_time_of_children_that_ended_is_kept(self):
        code = """if True:
            import os, sys, time
            pid = os.fork()
            if not pid:
                while time.process_time() < .3: pass
                os._exit(0)
            os.waitpid(pid, 0)
            print(flush=True)
            input()"""
        with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as child:
            child.stdout.readline()
            found = usage.cpu_seconds({child.pid})
            child.communicate("\n")
        assert found >= 0.28

    def test_its_threads_are_seen(self):
        over = threading.Event()
        threads = [threading.Thread(target=over.wait) for _ in range(3)]
        before = usage.read({os.getpid()}).threads
        for thread in threads:
            thread.start()
        found = usage.read({os.getpid()}, frozenset(os.sched_getaffinity(0)))
        over.set()
        for thread in threads:
            thread.join()
        assert found.threads == before + 3
        assert found.escaped == ()
