"""The peak memory of a whole tree."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from harness.timing.memory import Cgroup2Memory, TreeMemory, best

from . import fakes

MB = 1_000_000
linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

FAMILY = """if True:
    import os, sys
    # 300 MB are touched here, and 100 MB more in a forked child, which shares the first 300.
    held = bytearray(b"x") * 300_000_000
    pid = os.fork()
    if not pid:
        more = bytearray(b"y") * 100_000_000
        print(os.getpid(), flush=True)
        os.read(0, 1)
        os._exit(0)
    os.waitpid(pid, 0)
"""


def put_sizes(root, pid, *, rss_pages, pss_kib):
    fakes.put(root, f"proc/{pid}/statm", f"9999 {rss_pages} 5 1 0 7 0")
    if pss_kib is not None:
        fakes.put(root, f"proc/{pid}/smaps_rollup", f"00-ff [rollup]\nRss: 1 kB\nPss:  {pss_kib} kB\nPss_Anon: 3 kB\n")


class TestSamples:
    def test_sum_the_pss_of_the_tree_and_keep_the_largest(self, tmp_path):
        put_sizes(tmp_path, 1, rss_pages=100, pss_kib=300)
        put_sizes(tmp_path, 2, rss_pages=100, pss_kib=200)
        meter = TreeMemory(tmp_path)
        for pids in ({1, 404}, {1, 2}, {2}):
            meter.look(pids)
        assert (meter.stop(), meter.method) == (500 * 1024, "pss-tree-10ms")

    def test_fall_back_to_rss_where_pss_may_not_be_read(self, tmp_path):
        put_sizes(tmp_path, 1, rss_pages=100, pss_kib=300)
        put_sizes(tmp_path, 2, rss_pages=50, pss_kib=None)
        meter = TreeMemory(tmp_path)
        meter.look({1, 2})
        assert meter.stop() == 150 * os.sysconf("SC_PAGE_SIZE")
        assert meter.method == "rss-tree-10ms"

    def test_let_pass_a_process_that_is_too_small_to_matter(self, tmp_path):
        put_sizes(tmp_path, 1, rss_pages=1000, pss_kib=4000)
        put_sizes(tmp_path, 2, rss_pages=1, pss_kib=None)
        meter = TreeMemory(tmp_path)
        meter.look({1, 2})
        assert (meter.stop(), meter.method) == (4004 * 1024, "pss-tree-10ms")

    def test_of_nothing_are_no_number(self, tmp_path):
        meter = TreeMemory(tmp_path)
        meter.start(set)
        assert meter.stop() is None

    @linux
    def test_of_a_family_count_shared_pages_once(self):
        """Known answer: 300 MB and 100 MB more in a child that shares the first are 400 MB, within 5 %."""
        meter = TreeMemory()
        with subprocess.Popen([sys.executable, "-SEc", FAMILY], stdin=-1, stdout=-1) as child:
            family = {child.pid}
            meter.start(lambda: family)
            family = {child.pid, int(child.stdout.readline())}
            time.sleep(0.3)
            peak = meter.stop()
            child.communicate(b"\n")
        assert meter.method == "pss-tree-10ms"
        assert peak == pytest.approx(400 * MB, rel=0.05)


class TestAGroupOfTheKernel:
    @pytest.fixture
    def groups(self, tmp_path, monkeypatch):
        groups = fakes.FakeGroups(tmp_path, monkeypatch, peak=123456)
        for pid in (7, 8):
            groups.add(pid)
        return groups

    def test_is_taken_where_it_is_delegated(self, groups):
        assert isinstance(best(groups.root), Cgroup2Memory)

    def test_is_not_taken_where_memory_is_not_delegated(self, tmp_path, monkeypatch):
        fakes.FakeGroups(tmp_path, monkeypatch, controllers="cpu pids")
        assert isinstance(best(tmp_path), TreeMemory)

    @pytest.mark.parametrize("own", ["0::/\n", "0::/../other\n", "4:memory:/old\n", ""])
    def test_is_not_taken_where_there_is_none_of_our_own(self, groups, own):
        fakes.put(groups.root, "proc/self/cgroup", own)
        assert isinstance(best(groups.root), TreeMemory)

    def test_takes_the_processes_in_and_tells_the_peak(self, groups):
        meter = best(groups.root)
        meter.start(lambda: {7, 8})
        (made,) = groups.made
        assert (made / "cgroup.procs").read_text().split()[:2] == ["7", "8"]
        assert (meter.stop(), meter.method) == (123456, "cgroup2")

    def test_leaves_nothing_behind(self, groups):
        meter = best(groups.root)
        meter.start(lambda: {7})
        meter.stop()
        assert groups.made == []
        assert "7" in (groups.home / "cgroup.procs").read_text().split()

    def test_leaves_a_container_in_its_own_group_and_samples_it(self, groups):
        groups.add(8, "machine.slice/container")
        put_sizes(groups.root, 7, rss_pages=100, pss_kib=300)
        put_sizes(groups.root, 8, rss_pages=100, pss_kib=40)
        meter = best(groups.root)
        meter.start(lambda: {7, 8})
        time.sleep(0.05)
        assert (meter.stop(), meter.method) == (340 * 1024, "pss-tree-10ms")
        assert groups.made == []
