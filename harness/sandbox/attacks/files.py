"""Attacks on files: read what is secret, write what is not one's own."""

from __future__ import annotations

import ctypes
import os
import stat
import tempfile
from typing import TYPE_CHECKING

from harness.sandbox.attacks.calls import Denied, Unsupported, open_to_write, reveal, syscall, write_in

if TYPE_CHECKING:
    from harness.sandbox.attacks.calls import Bait

_AT_FDCWD = -100
_HANDLE_BYTES = 128


def outside_file(bait: Bait) -> str:
    """Read a file of the harness."""
    return reveal(bait["outside"], bait)


def outside_file_by_way_of_proc(bait: Bait) -> str:
    """Read a file of the harness through /proc/self/root."""
    return reveal("/proc/self/root" + bait["outside"], bait)


def outside_file_by_parents(bait: Bait) -> str:
    """Read a file of the harness through `..`."""
    return reveal("../" * 40 + bait["outside"].lstrip("/"), bait)


def gold_of_packages(bait: Bait) -> str:
    """Read the gold of a task that is installed beside the interpreter's packages."""
    return reveal(bait["gold_of_packages"], bait)


def gold_of_checkout(bait: Bait) -> str:
    """Read the gold of a task in a checkout."""
    return reveal(bait["gold_of_checkout"], bait)


def other_submission(bait: Bait) -> str:
    """Read what another team submitted."""
    return reveal(bait["other_submission"], bait)


def home_folder(bait: Bait) -> str:
    """Look into the home folder of the user of the harness."""
    hidden = set(bait["names_at_home"])
    if not hidden:
        raise Unsupported("it is empty")
    found = hidden.intersection(os.listdir(bait["home"]))  # noqa: PTH208 - inside, where start-up counts
    if not found:
        raise Denied("there is another folder in its place")
    return f"saw {len(found)} names in {bait['home']}"


def accounts(_: Bait) -> str:
    """Read /etc/passwd."""
    return _read_all("/etc/passwd")


def passwords(_: Bait) -> str:
    """Read /etc/shadow."""
    return _read_all("/etc/shadow")


def shared_memory_file(bait: Bait) -> str:
    """Read a file of the harness in /dev/shm."""
    return reveal(bait["shared_memory_file"], bait)


def file_by_handle(bait: Bait) -> str:
    """Open a file by its handle, which knows no root."""
    handle = (_HANDLE_BYTES).to_bytes(4, "little") + bytes(4 + _HANDLE_BYTES)
    buffer, mount = ctypes.create_string_buffer(handle, len(handle)), ctypes.c_int()
    path = os.fsencode(bait["outside"])
    syscall("name_to_handle_at", _AT_FDCWD, path, buffer, ctypes.byref(mount), 0)
    folder = os.open(os.path.dirname(bait["outside"]), os.O_RDONLY)  # noqa: PTH120 - inside, where start-up counts
    os.close(syscall("open_by_handle_at", folder, buffer, os.O_RDONLY))
    return "opened a file by its handle"


def own_folder(_: Bait) -> str:
    """Write into the folder of the submission, where the next run would find it."""
    return write_in(os.getcwd())  # noqa: PTH109 - inside, where start-up counts


def packages_folder(bait: Bait) -> str:
    """Write into the interpreter's packages."""
    return write_in(os.path.dirname(bait["package"]))  # noqa: PTH120 - inside, where start-up counts


def outside_folder(bait: Bait) -> str:
    """Write into a folder of the harness that everybody may write into."""
    return write_in(bait["open_folder"])


def root_folder(_: Bait) -> str:
    """Write into /."""
    return write_in("/")


def devices_folder(_: Bait) -> str:
    """Write into /dev, which lies in memory."""
    return write_in("/dev")


def interpreter_file(_: Bait) -> str:
    """Change the interpreter's library."""
    return open_to_write(os.__file__)


def system_program(_: Bait) -> str:
    """Change a program of the operating system."""
    return open_to_write("/usr/bin/env")


def kernel_setting(_: Bait) -> str:
    """Change what the kernel does when a program crashes."""
    return open_to_write("/proc/sys/kernel/core_pattern")


def kernel_trigger(_: Bait) -> str:
    """Open the file that can restart the machine."""
    return open_to_write("/proc/sysrq-trigger")


def device_nodes(bait: Bait) -> str:
    """Open a disk, the memory or the log of the machine."""
    if not bait["devices"]:
        raise Unsupported("the machine has none of these devices")
    last: OSError | None = None
    for path in bait["devices"]:
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        except OSError as error:
            last = error
        else:
            return f"opened {path}"
    raise last or Denied("nothing could be opened")


def new_device_node(bait: Bait) -> str:
    """Make a device node of the first disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/disk"
        os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(*bait["disk"]))
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    return "opened a disk by a node of its own"


def _read_all(path: str) -> str:
    with open(path, "rb") as stream:  # noqa: PTH123 - inside, where start-up counts
        size = len(stream.read(1 << 16))
    if not size:
        raise Denied("it is empty")
    return f"read {path}"


ATTACKS = (
    outside_file,
    outside_file_by_way_of_proc,
    outside_file_by_parents,
    gold_of_packages,
    gold_of_checkout,
    other_submission,
    home_folder,
    accounts,
    passwords,
    shared_memory_file,
    file_by_handle,
    own_folder,
    packages_folder,
    outside_folder,
    root_folder,
    devices_folder,
    interpreter_file,
    system_program,
    kernel_setting,
    kernel_trigger,
    device_nodes,
    new_device_node,
)
