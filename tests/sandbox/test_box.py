"""A program in a box, at every level: what it gets, how it ends, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import EnvironmentFault
from harness.sandbox import Level, Limits, bubblewrap, identity, processes
from harness.sandbox.box import start

from .conftest import ALL, CONFINED, has_ended

every_level = pytest.mark.parametrize("level", ALL, indirect=True)
every_confined_level = pytest.mark.parametrize("level", CONFINED, indirect=True)
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(0); os.close(1); os.close(2)
        time.sleep(60)
    os._exit(0)
os.wait()
"""


@every_level
def test_a_program_gets_its_input_and_its_output_comes_back(run, level):
    said = run("import sys; sys.stdout.write(sys.stdin.read().upper())", level, stdin=b"hello")
    assert said.stdout == b"HELLO"
    assert (said.status, said.orphans) == (0, 0)


@every_level
def test_nothing_of_our_environment_is_inherited(run, level, monkeypatch):
    monkeypatch.setenv("HARNESS_TEST_SECRET", "secret")
    program = "import os; print(sorted(set(os.environ) - {'PWD', 'TMPDIR', 'LC_CTYPE'}))"
    said = run(program, level, environment={"A": "1", "B": "two words"})
    assert said.stdout == b"['A', 'B']\n"


@every_level
def test_it_starts_in_its_own_folder(run, level, room):
    (room.folder / "file").write_text("found")
    assert run("print(open('file').read())", level).stdout == b"found\n"


@pytest.mark.sandbox
def test_from_bubblewrap_on_the_folder_is_called_submission(run):
    assert run("import os; print(os.getcwd())", Level.BUBBLEWRAP).stdout == b"/submission\n"


@every_level
@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9)])
def test_the_status_is_that_of_the_program(run, level, code, status):
    assert run(code, level).status == status


@every_level
def test_of_error_output_the_end_is_kept_and_however_much_there_is_nothing_hangs(run, level):
    program = "import os\nfor number in range(3000): os.write(2, b'%01000d' % number)\nprint('done')"
    said = run(program, level, limits=Limits(stderr=2500))
    assert said.stdout == b"done\n"
    assert said.stderr == (b"%01000d" % 2997)[-500:] + b"%01000d" % 2998 + b"%01000d" % 2999


@every_level
def test_a_flood_of_error_output_does_not_keep_a_program_alive(room, level):
    ours, theirs = os.pipe()
    program = "import os\nos.write(1, b'x')\nwhile True: os.write(2, bytes(65536))"
    box = start([sys.executable, "-I", "-S", "-c", program], room, Limits(stderr=100), level, stdout=theirs)
    os.close(theirs)
    assert os.read(ours, 1) == b"x"
    os.close(ours)
    ended = box.stop(0.2)
    assert ended.status == -9
    assert ended.stderr == bytes(100)


@every_level
def test_descriptors_arrive_under_their_numbers_and_no_others_do(room, level):
    reading, writing = os.pipe()
    ours, theirs = os.pipe()
    program = """
import fcntl, os
def is_open(number):
    try:
        return fcntl.fcntl(number, fcntl.F_GETFD) >= 0
    except OSError:
        return False
os.write(9, os.read(6, 5) + b" %r" % [number for number in range(300) if is_open(number)])
"""
    with start(
        [sys.executable, "-I", "-S", "-c", program], room, Limits(), level, pass_fds={6: reading, 9: theirs}
    ) as box:
        os.close(reading)
        os.close(theirs)
        os.write(writing, b"hello")
        assert box.wait(20) == 0
        assert os.read(ours, 100) == b"hello [0, 1, 2, 6, 9]"
    os.close(writing)
    os.close(ours)


@every_level
def test_without_descriptors_there_is_nothing_to_read_and_nowhere_to_write(room, level):
    program = "import sys; assert sys.stdin.read() == ''; print('nobody hears this')"
    with start([sys.executable, "-I", "-S", "-c", program], room, Limits(), level) as box:
        assert box.wait(20) == 0


@every_level
def test_our_own_standard_descriptors_can_be_given(room, level):
    ours, theirs = os.pipe()
    saved = os.dup(1)
    os.dup2(theirs, 1)
    try:
        box = start(["echo", "hello"], room, Limits(), level, stdout=1)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(theirs)
    with box, os.fdopen(ours, "rb") as answers:
        assert answers.read() == b"hello\n"


@every_level
def test_while_it_runs_its_processes_are_known_and_afterwards_there_are_none(room, level):
    reading, writing = os.pipe()
    ours, theirs = os.pipe()
    program = "import os; os.fork(); os.write(1, b'x'); os.read(0, 1)"
    box = start([sys.executable, "-I", "-S", "-c", program], room, Limits(), level, stdin=reading, stdout=theirs)
    os.close(reading)
    os.close(theirs)
    with box:
        assert os.read(ours, 1) + os.read(ours, 1) == b"xx"
        pids = box.pids()
        assert len(pids) == 2
        assert {Path(f"/proc/{pid}/exe").resolve() for pid in pids} == {Path(sys.executable).resolve()}
        assert box.poll() is None
        os.close(writing)
        assert box.wait(20) == 0
        box.stop(5)
        assert box.pids() == set()
    os.close(ours)
    assert all(map(has_ended, pids))


@every_level
def test_what_does_not_end_is_killed_with_all_its_processes(room, level):
    ours, theirs = os.pipe()
    program = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork(), os.fork(), os.write(1, b'x'), time.sleep(60)
"""
    box = start([sys.executable, "-I", "-S", "-c", program], room, Limits(), level, stdout=theirs)
    os.close(theirs)
    for _ in range(4):
        assert os.read(ours, 1) == b"x"
    pids = box.pids()
    ended = box.stop(0)
    os.close(ours)
    assert len(pids) == 4
    assert all(map(has_ended, pids))
    assert (ended.status, ended.orphans) == (-9, 0)
    assert box.stop(0) is ended


@every_level
def test_a_process_left_behind_is_counted_and_ended(run, level):
    said = run(DAEMON, level)
    assert (said.status, said.orphans) == (0, 1)


@every_level
def test_a_process_that_follows_soon_is_not_left_behind(run, level):
    said = run("import os, time\nif os.fork() == 0:\n    time.sleep(0.02); os._exit(0)", level)
    assert (said.status, said.orphans) == (0, 0)


BURN = """
import os, time
def burn():
    while time.process_time() < 0.25: pass
for _ in range(2):
    if os.fork() == 0:
        burn(); os.write(1, b"x"); {child}; os._exit(0)
burn(); os.write(1, b"x"); {parent}
"""


@every_level
def test_the_processor_time_of_the_whole_tree_is_known(run, level):
    said = run(BURN.format(child="pass", parent="os.wait(); os.wait()"), level)
    assert said.cpu_s >= 3 * 0.25


@every_level
def test_also_of_a_tree_that_had_to_be_killed(room, level):
    ours, theirs = os.pipe()
    program = BURN.format(child="time.sleep(60)", parent="time.sleep(60)")
    box = start([sys.executable, "-I", "-S", "-c", program], room, Limits(), level, stdout=theirs)
    os.close(theirs)
    assert [os.read(ours, 1) for _ in range(3)] == [b"x"] * 3
    os.close(ours)
    assert box.stop(0).cpu_s >= 3 * 0.25


@every_level
def test_a_program_can_be_waited_for_without_an_answer(room, level):
    with start(["sleep", "60"], room, Limits(), level) as box:
        assert box.wait(0.01) is None
        assert box.poll() is None


@every_level
def test_nothing_survives_when_the_harness_is_killed(tmp_path, level):
    """`kill -9` of a process that started a box with a daemon in it, while all of it runs."""
    folder = tmp_path / "submission"
    folder.mkdir()
    program = f"""
import os, sys, time
from pathlib import Path
from harness.sandbox import Level, Limits, Room, rooms
from harness.sandbox.box import start
inside = {DAEMON!r} + "os.write(1, b'x'); time.sleep(60)"
ours, theirs = os.pipe()
readable, masked = rooms.runtime()
room = Room(folder=Path({str(folder)!r}), readable=readable, masked=masked)
box = start([sys.executable, "-I", "-S", "-c", inside], room, Limits(), Level({int(level)}), stdout=theirs)
assert os.read(ours, 1) == b"x"
print(*box.pids(), box.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as harness:
        pids = list(map(int, harness.stdout.readline().split()))
        lived = [not has_ended(pid) for pid in pids]
        harness.kill()
    assert len(set(pids)) >= 2
    assert all(lived)
    deadline = time.monotonic() + 10
    while not all(map(has_ended, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert all(map(has_ended, pids))


@every_level
def test_a_program_that_kills_its_warden_gains_nothing(room, level):
    """As a user of its own, or in a namespace of its own, it cannot; here the warden is killed from outside."""
    ours, theirs = os.pipe()
    inside = DAEMON + "os.write(1, b'x'); time.sleep(60)"
    box = start([sys.executable, "-I", "-S", "-c", inside], room, Limits(), level, stdout=theirs)
    os.close(theirs)
    assert os.read(ours, 1) == b"x"
    pids = box.pids()
    os.kill(box._warden.pid, signal.SIGKILL)
    assert box.wait(20) == -9
    ended = box.stop(1)
    os.close(ours)
    assert ended.status is None
    assert ended.cpu_s is None
    assert all(map(has_ended, pids))


@pytest.mark.parametrize("level", CONFINED[:2], indirect=True)
def test_a_temporary_folder_of_its_own_goes_with_the_box(run, level):
    program = "import os; open(os.environ['TMPDIR'] + '/x', 'w').close(); print(os.environ['TMPDIR'])"
    folder = Path(run(program, level).stdout.decode().strip())
    assert folder.name.startswith("harness-box-")
    assert not folder.exists()


@pytest.mark.parametrize("level", CONFINED[:2], indirect=True)
def test_what_a_room_calls_tmp_is_that_folder(run, level):
    environment = {"TMPDIR": "/tmp", "CACHE": "/tmp/not-there/cache", "PLACE": "/usr"}  # noqa: S108 - inside
    said = run(
        "import os; print(*[os.environ[n] for n in ('TMPDIR', 'CACHE', 'PLACE')])", level, environment=environment
    )
    folder, cache, place = said.stdout.decode().split()
    assert "/harness-box-" in folder
    assert (cache, place) == (f"{folder}/not-there/cache", "/usr")


@every_confined_level
def test_processes_are_limited(run, level):
    program = """
import os
for count in range(100):
    try:
        pid = os.fork()
    except OSError as error:
        os.write(1, b"%d %d" % (count, error.errno)); break
    if pid == 0:
        os.read(0, 1); os._exit(0)
os._exit(0)
"""
    count, error = map(int, run(program, level, limits=Limits(processes=20)).stdout.split())
    assert error == 11  # EAGAIN
    assert count < 20


@every_confined_level
def test_files_descriptors_and_memory_are_limited(run, level):
    program = """
import resource
for name in ("FSIZE", "NOFILE", "AS", "CORE"):
    print(resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1])
"""
    limits = Limits(file_size=1 << 20, open_files=50, memory=1 << 30)
    assert run(program, level, limits=limits).stdout.split() == [b"1048576", b"50", b"1073741824", b"0"]


@every_confined_level
def test_memory_is_not_limited_where_a_device_is_given(run, level):
    program = "import resource; print(resource.getrlimit(resource.RLIMIT_AS)[1])"
    assert run(program, level, devices=(Path("/dev/full"),)).stdout == b"-1\n"


@every_confined_level
def test_a_device_that_was_given_can_be_used(run, level):
    program = """
try:
    open("/dev/full", "wb", buffering=0).write(b"x")
except OSError as error:
    print(error.errno)
"""
    assert run(program, level, devices=(Path("/dev/full"),)).stdout == b"28\n"  # ENOSPC, as only that device says


@every_level
def test_a_program_runs_on_the_processors_of_its_room(run, level):
    (first, *_) = sorted(os.sched_getaffinity(0))
    said = run("import os; print(*os.sched_getaffinity(0))", level, cpus=frozenset({first}))
    assert said.stdout == f"{first}\n".encode()


@every_confined_level
def test_root_becomes_a_user_that_nobody_is(room, level):
    if not identity.is_root():
        pytest.skip("the tests do not run as root")
    with start(["sleep", "60"], room, Limits(), level) as box:
        (user, *_) = [
            line for line in Path(f"/proc/{box.pid}/status").read_text().splitlines() if line.startswith("Uid")
        ]
        assert set(map(int, user.split()[1:])) <= set(identity.NUMBERS)


@every_level
def test_rooms_below_a_folder_that_is_closed_to_others_can_be_reached(room, level, tmp_path):
    closed = tmp_path / "closed"
    inside = closed / "submission"
    inside.mkdir(parents=True)
    (inside / "run.sh").write_text("#!/bin/sh\necho reached\n")
    (inside / "run.sh").chmod(0o755)
    closed.chmod(0o700)
    ours, theirs = os.pipe()
    box = start(["./run.sh"], replace(room, folder=inside), Limits(), level, stdout=theirs)
    os.close(theirs)
    with box, os.fdopen(ours, "rb") as answers:
        assert answers.read() == b"reached\n"


@pytest.mark.parametrize("level", ALL[:3], indirect=True)
@pytest.mark.parametrize(("name", "error"), [("no-such-program", FileNotFoundError), ("./plain", PermissionError)])
def test_a_command_that_cannot_be_executed_is_an_error_at_once(room, level, name, error):
    (room.folder / "plain").touch()
    with pytest.raises(error):
        start([name], room, Limits(), level)


@pytest.mark.sandbox
def test_at_bubblewrap_it_is_a_status_with_the_reason_in_the_error_output(run):
    said = run(["no-such-program"], Level.BUBBLEWRAP)
    assert said.status == 1
    assert b"execvp no-such-program: No such file or directory" in said.stderr


def test_a_level_that_cannot_be_had_is_refused(room, monkeypatch):
    monkeypatch.setattr(bubblewrap, "version", lambda: None)
    with pytest.raises(EnvironmentFault) as caught:
        start(["true"], room, Limits(), Level.BUBBLEWRAP)
    assert caught.value.problems[0].code == "E020"
    assert "L3: bubblewrap (bwrap) is not installed" in caught.value.problems[0].message


def test_a_process_that_is_left_all_the_same_voids_the_run(room, monkeypatch):
    box = start(["true"], room, Limits(), Level.NONE)
    box.wait(20)
    box._listen(20, until_farewell=True)
    box._farewell["end"]["survivors"] = 2
    with pytest.raises(EnvironmentFault) as caught:
        box.stop()
    assert caught.value.problems[0].code == "E022"
    assert caught.value.problems[0].message == "2 processes of true are left, expected 0; its run is void"


@every_level
def test_boxes_leave_no_descriptor_open(run, level):
    run("pass", level)
    before = set(Path("/proc/self/fd").iterdir())
    run("pass", level)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_two_boxes_do_not_know_each_other(room):
    with start(["sleep", "60"], room, Limits(), Level.NONE) as one:
        with start(["sleep", "60"], room, Limits(), Level.NONE) as other:
            assert not one.pids() & other.pids()
        assert one.poll() is None
        assert len(one.pids()) == 1


def test_children_of_ours_that_have_no_box_are_left_alone(room):
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as mine:
        box = start(["sleep", "60"], room, Limits(), Level.NONE)
        os.kill(box._warden.pid, signal.SIGKILL)
        box.stop(0)
        assert mine.poll() is None
        mine.kill()


def test_a_free_user_is_nobody_elses(tmp_path):
    taken = tmp_path / "1"
    taken.mkdir()
    numbers = list(identity.NUMBERS)
    (taken / "status").write_text("Uid:\t" + "\t".join(map(str, numbers[1:])) + "\n")
    assert identity.free_user(tmp_path) == numbers[0]
    (taken / "status").write_text("Uid:\t" + "\t".join(map(str, numbers)) + "\n")
    with pytest.raises(EnvironmentFault) as caught:
        identity.free_user(tmp_path)
    assert caught.value.problems[0].code == "E020"


def test_processes_below_one_are_found_parents_first():
    program = """
import subprocess, sys
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
sys.stdin.read()
child.kill()
child.wait()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        found = processes.descendants(os.getpid())
        assert found.index(parent.pid) < found.index(child)
        assert processes.children(parent.pid) == [child]
        parent.stdin.close()
    assert processes.children(parent.pid) == []
