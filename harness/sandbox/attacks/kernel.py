"""Attacks by calls that few programs need: namespaces, mounts, the machine itself.

Nothing is changed: a call that would do something is made with arguments that are wrong, or that say what is
already so, and the error tells whether the right to make it was there.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
import tempfile
from typing import TYPE_CHECKING

from harness.sandbox.attacks.calls import Denied, Unsupported, call, child_status, reaches, syscall
from harness.sandbox.syscalls import X32

if TYPE_CHECKING:
    from harness.sandbox.attacks.calls import Bait

_CLONE_NEWUSER, _CLONE_NEWNS = 0x10000000, 0x20000
_ADDR_NO_RANDOMIZE, _THIS_PROCESS = 0x0040000, -2
_WRONG = (errno.EINVAL, errno.EFAULT, errno.EBADF, errno.ENOEXEC, errno.EBUSY, errno.ENOTBLK)
_GETPID_BY_INT80 = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"  # mov eax, 20; int 0x80; ret


def nested_user_namespace(_: Bait) -> str:
    """Become root of a new user namespace, where much of the kernel can be reached."""
    syscall("unshare", _CLONE_NEWUSER)
    return "has a user namespace"


def cloned_user_namespace(_: Bait) -> str:
    """The same by clone."""
    pid = syscall("clone", _CLONE_NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    child_status(pid)
    return "has a child in a user namespace"


def cloned_by_structure(_: Bait) -> str:
    """The same by clone3, whose flags no filter can see."""
    arguments = struct.pack("=11Q", _CLONE_NEWUSER, 0, 0, 0, signal.SIGCHLD, *[0] * 6)
    try:
        pid = syscall("clone3", arguments, len(arguments))
    except OSError as error:
        if error.errno == errno.ENOSYS:
            raise Denied("there is no clone3") from None
        raise
    if pid == 0:
        os._exit(0)
    child_status(pid)
    return "has a child in a user namespace"


def entered_namespace(bait: Bait) -> str:
    """Enter the network of a process outside."""
    with open(f"/proc/{bait['target']}/ns/net", "rb") as stream:  # noqa: PTH123 - inside, where start-up counts
        syscall("setns", stream.fileno(), 0)
    return "entered its network"


def mounted_file_system(_: Bait) -> str:
    """Mount something."""
    with tempfile.TemporaryDirectory() as folder:
        syscall("mount", b"none", os.fsencode(folder), b"tmpfs", 0, 0)
        syscall("umount2", os.fsencode(folder), 0)
    return "mounted a file system"


def opened_file_system(_: Bait) -> str:
    """Mount something by the newer calls."""
    os.close(syscall("fsopen", b"tmpfs", 0))
    return "opened a file system to mount"


def copied_mount(_: Bait) -> str:
    """Copy the tree of mounts, to see what lies below one of them."""
    os.close(syscall("open_tree", -100, b"/", 1))
    return "copied the tree of mounts"


def removed_mount(_: Bait) -> str:
    """Take away a mount that covers something."""
    with tempfile.TemporaryDirectory() as folder:
        return reaches("umount2", os.fsencode(folder), 0, beyond=_WRONG)


def pivoted_root(_: Bait) -> str:
    """Change the root of all."""
    with tempfile.TemporaryDirectory() as folder:
        return reaches("pivot_root", os.fsencode(folder), os.fsencode(folder), beyond=_WRONG)


def changed_root(_: Bait) -> str:
    """Change the own root, the first step of an old way out."""
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            try:
                os.chroot(folder)
            except OSError as error:
                os._exit(error.errno or 255)
            os._exit(0)
        status = child_status(pid)
    if status:
        raise OSError(status, os.strerror(status))
    return "changed its root"


def kernel_program(_: Bait) -> str:
    """Load something into the kernel's virtual machine."""
    attributes = struct.pack("=IIIII", 2, 4, 8, 1, 0) + bytes(52)  # an array of one value
    os.close(syscall("bpf", 0, attributes, len(attributes)))
    return "made a BPF map"


def submission_ring(_: Bait) -> str:
    """Make calls by a ring, past any filter."""
    os.close(syscall("io_uring_setup", 1, bytes(120)))
    return "made a ring"


def kernel_keys(_: Bait) -> str:
    """Keep a key in the kernel."""
    syscall("add_key", b"user", b"harness-attack", b"x", 1, _THIS_PROCESS)
    return "kept a key"


def page_faults(_: Bait) -> str:
    """Handle page faults, which makes races in the kernel easy to win."""
    os.close(syscall("userfaultfd", 1))
    return "handles page faults"


def performance_counters(_: Bait) -> str:
    """Count what the processor does."""
    attributes = struct.pack("=IIQ", 1, 112, 0) + bytes(24) + struct.pack("=Q", 0b1100000) + bytes(64)
    os.close(syscall("perf_event_open", attributes, 0, -1, -1, 0))
    return "counts what the processor does"


def kernel_log(_: Bait) -> str:
    """Read the kernel's messages."""
    buffer = ctypes.create_string_buffer(64)
    syscall("syslog", 3, buffer, 64)
    return "read the kernel's messages"


def kernel_module(_: Bait) -> str:
    """Load a module into the kernel (an empty one, which it refuses)."""
    return reaches("init_module", b"", 0, b"", beyond=_WRONG)


def restarted_machine(_: Bait) -> str:
    """Restart the machine (with a wrong magic number)."""
    return reaches("reboot", 0, 0, 0, 0, beyond=_WRONG)


def swap_file(_: Bait) -> str:
    """Give the kernel a file to swap to (no file)."""
    return reaches("swapon", 0, 0, beyond=_WRONG)


def set_clock(_: Bait) -> str:
    """Set the clock (to the time zone that it has)."""
    zone = ctypes.create_string_buffer(8)
    syscall("gettimeofday", 0, zone)
    syscall("settimeofday", 0, zone)
    return "could have set the clock"


def input_output_ports(_: Bait) -> str:
    """Speak to devices directly."""
    syscall("iopl", 3)
    return "speaks to devices"


def predictable_addresses(_: Bait) -> str:
    """Turn the randomness of addresses off, for programs that are started."""
    before = syscall("personality", 0xFFFFFFFF)
    syscall("personality", before | _ADDR_NO_RANDOMIZE)
    return "turned it off"


def calls_of_x32(_: Bait) -> str:
    """Make a call by the numbers of x32, past a filter that forgot them."""
    if os.uname().machine != "x86_64":
        raise Unsupported("only x86-64 has them")
    call("syscall", ctypes.c_long(X32 | 39))
    return "made a call by another number"


def calls_of_i386(_: Bait) -> str:
    """Make a call by the numbers of i386."""
    if os.uname().machine != "x86_64":
        raise Unsupported("only x86-64 has them")
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(_GETPID_BY_INT80)
        anchor = ctypes.c_char.from_buffer(page)
        result = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(anchor))()
        del anchor
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return "made a call by another number"


def host_name(bait: Bait) -> str:
    """Learn which machine this is, by its name."""
    if socket.gethostname() != bait["host"]:
        raise Denied("it has another name here")
    return "learned its name"


def machine_identity(bait: Bait) -> str:
    """Learn which machine this is, by its identity."""
    if not bait["has_machine_id"]:
        raise Unsupported("the machine has no /etc/machine-id")
    with open("/etc/machine-id", "rb") as stream:  # noqa: PTH123 - inside, where start-up counts
        if not stream.read().strip():
            raise Denied("it is empty")
    return "learned its identity"


def set_host_name(_: Bait) -> str:
    """Rename the machine (to the name that it has)."""
    name = socket.gethostname().encode()
    syscall("sethostname", name, len(name))
    return "could have renamed it"


ATTACKS = (
    nested_user_namespace,
    cloned_user_namespace,
    cloned_by_structure,
    entered_namespace,
    mounted_file_system,
    opened_file_system,
    copied_mount,
    removed_mount,
    pivoted_root,
    changed_root,
    kernel_program,
    submission_ring,
    kernel_keys,
    page_faults,
    performance_counters,
    kernel_log,
    kernel_module,
    restarted_machine,
    swap_file,
    set_clock,
    input_output_ports,
    predictable_addresses,
    calls_of_x32,
    calls_of_i386,
    host_name,
    machine_identity,
    set_host_name,
)
