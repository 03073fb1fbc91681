"""Attacks on other processes: see them, read them, steer them, outlive them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import struct
import time
from typing import TYPE_CHECKING

from harness.sandbox.attacks.calls import Denied, Unsupported, call, child_status, reveal, syscall

if TYPE_CHECKING:
    from harness.sandbox.attacks.calls import Bait

GIVEN = 9
"""The one descriptor, besides the first three, that the program was given."""
_PR_GET_NO_NEW_PRIVS, _PTRACE_SEIZE, _TIOCSTI = 39, 0x4206, 0x5412
_EFAULT, _EIO, _ENXIO = 14, 5, 6


def environment_of_another(bait: Bait) -> str:
    """Read the environment of a process of the harness."""
    return reveal(f"/proc/{bait['neighbour']}/environ", bait)


def environment_of_the_first(_: Bait) -> str:
    """Read the environment of process 1, which a sandbox may have inherited from the harness."""
    with open("/proc/1/environ", "rb") as stream:  # noqa: PTH123 - inside, where start-up counts
        if not stream.read():
            raise Denied("it is empty")
    return "read the environment of process 1"


def command_lines(bait: Bait) -> str:
    """Find a path of the harness in the command line of any process."""
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - inside, where start-up counts
        try:
            return reveal(f"/proc/{name}/cmdline", bait)
        except (OSError, Denied):
            continue
    raise Denied("no command line in sight tells")


def secrets_in_environment(bait: Bait) -> str:
    """Find a variable of the harness in the own environment."""
    found = sorted(set(os.environ) & set(bait["variables"]))
    if not found:
        raise Denied("nothing was inherited")
    return f"inherited {', '.join(found[:3])}"


def further_descriptors(_: Bait) -> str:
    """Find an open file that was not given."""
    found = {int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2, GIVEN}  # noqa: PTH208 - start-up counts
    kept = [number for number in found if _is_inherited(number)]
    if not kept:
        raise Denied("nothing was inherited")
    return f"inherited descriptors {kept}"


def _is_inherited(number: int) -> bool:
    """Python marks what it opens itself to be closed on exec; what came through an exec is not marked."""
    try:
        return not fcntl.fcntl(number, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    except OSError:
        return False  # the descriptor by which the list was read


def seen_process(bait: Bait) -> str:
    """See that a process of the harness exists."""
    path = f"/proc/{bait['neighbour']}"
    os.stat(path)  # noqa: PTH116 - inside, where start-up counts
    try:
        reveal(f"{path}/cmdline", bait)
    except OSError:
        return "saw it, though not what it is"
    return "saw it, and what it is"


def signalled_process(bait: Bait) -> str:
    """Send a signal (a harmless one) to a process of the harness."""
    os.kill(bait["neighbour"], signal.SIGCONT)
    return "sent it a signal"


def traced_process(bait: Bait) -> str:
    """Trace a process outside of the own tree; inside a sandbox, its first one."""
    syscall("ptrace", _PTRACE_SEIZE, bait["target"], 0, 0)
    return "traces it, and could have stopped it"


def read_memory(bait: Bait) -> str:
    """Read the memory of that process."""
    buffer = ctypes.create_string_buffer(8)
    here = struct.pack("=QQ", ctypes.addressof(buffer), 8)
    there = struct.pack("=QQ", bait["address"], 8)
    try:
        syscall("process_vm_readv", bait["target"], here, 1, there, 1, 0)
    except OSError as error:
        if error.errno != _EFAULT:
            raise
    return "read its memory"


def written_memory(bait: Bait) -> str:
    """Open the memory of that process for writing."""
    os.close(os.open(f"/proc/{bait['target']}/mem", os.O_RDWR))
    return "could have written to its memory"


def taken_descriptor(bait: Bait) -> str:
    """Take an open file out of that process."""
    os.close(syscall("pidfd_getfd", os.pidfd_open(bait["target"]), 0, 0))
    return "took its standard input"


def becoming_root(_: Bait) -> str:
    """Become root."""
    os.setuid(0)
    return "is root"


def regained_privileges(_: Bait) -> str:
    """Get more rights by starting a program that gives them."""
    if call("prctl", _PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0):
        raise Denied("no program gives more rights")
    return "setuid programs give their rights"


def words_in_a_terminal(_: Bait) -> str:
    """Type into the terminal that one runs in."""
    master, slave = os.openpty()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        name = os.ttyname(slave)
        try:
            terminal = os.open(name, os.O_RDWR)  # becomes the terminal of the new session
            fcntl.ioctl(terminal, _TIOCSTI, b"x")
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    status = child_status(pid)
    os.close(master)
    os.close(slave)
    if status == _EIO:
        raise Unsupported("the kernel has no TIOCSTI any more")
    if status:
        raise OSError(status, os.strerror(status))
    return "typed a letter"


def higher_priority(_: Bait) -> str:
    """Run before others."""
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    return "runs before others"


def real_time(_: Bait) -> str:
    """Run in real time, before everything."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return "runs in real time"


def more_processors(bait: Bait) -> str:
    """Run on processors that were not given."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, bait["processors"])
    gained = os.sched_getaffinity(0) - before
    if not gained and len(bait["processors"]) > len(before):
        raise Denied("it was ignored")
    if not gained:
        raise Unsupported("the machine has no further processor")
    return f"runs on {len(gained)} processors more"


def daemon(_: Bait) -> str:
    """Leave a process behind, in a session of its own. Whether it outlives its box is seen from outside."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(GIVEN):
                try:
                    os.close(number)
                except OSError:
                    continue
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
        os._exit(0)
    child_status(pid)
    return "left a process behind"


ATTACKS = (
    environment_of_another,
    environment_of_the_first,
    command_lines,
    secrets_in_environment,
    further_descriptors,
    seen_process,
    signalled_process,
    traced_process,
    read_memory,
    written_memory,
    taken_descriptor,
    becoming_root,
    regained_privileges,
    words_in_a_terminal,
    higher_priority,
    real_time,
    more_processors,
    daemon,
)
