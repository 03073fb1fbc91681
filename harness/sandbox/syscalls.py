"""Numbers of the system calls that a filter speaks of, for x86-64 and AArch64 (the kernel's unistd tables)."""

from __future__ import annotations

from types import MappingProxyType

AUDIT_ARCH = MappingProxyType({"x86_64": 0xC000003E, "aarch64": 0xC00000B7})
"""What the kernel calls an architecture in the data of a filter (linux/audit.h)."""

X32 = 0x40000000
"""Numbers from here on are the x32 interface of an x86-64 kernel: the same calls by other numbers."""

_BOTH = (
    "ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, process_madvise 440 440, "
    "process_mrelease 448 448, kcmp 312 272, pidfd_getfd 438 438, bpf 321 280, perf_event_open 298 241, "
    "userfaultfd 323 282, io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427, "
    "add_key 248 217, request_key 249 218, keyctl 250 219, mount 165 40, umount2 166 39, pivot_root 155 41, "
    "chroot 161 51, fsopen 430 430, fsconfig 431 431, fsmount 432 432, fspick 433 433, move_mount 429 429, "
    "open_tree 428 428, open_tree_attr 467 467, mount_setattr 442 442, statmount 457 457, listmount 458 458, "
    "unshare 272 97, setns 308 268, clone 56 220, clone3 435 435, open_by_handle_at 304 265, "
    "name_to_handle_at 303 264, fanotify_init 300 262, lookup_dcookie 212 18, kexec_load 246 104, "
    "kexec_file_load 320 294, init_module 175 105, finit_module 313 273, delete_module 176 106, reboot 169 142, "
    "swapon 167 224, swapoff 168 225, quotactl 179 60, quotactl_fd 443 443, acct 163 89, vhangup 153 58, "
    "syslog 103 116, nfsservctl 180 42, sethostname 170 161, setdomainname 171 162, settimeofday 164 170, "
    "clock_settime 227 112, clock_adjtime 305 266, adjtimex 159 171, personality 135 92, socket 41 198, "
    "socketpair 53 199, ioctl 16 29, sched_setaffinity 203 122, execve 59 221, read 0 63, write 1 64, "
    "openat 257 56, futex 202 98, mmap 9 222, gettimeofday 96 169"
)
_X86_64_ONLY = "iopl 172, ioperm 173, modify_ldt 154, uselib 134, ustat 136, sysfs 139, _sysctl 156"


def _tables() -> dict[str, MappingProxyType[str, int]]:
    rows = [row.split() for row in _BOTH.split(", ")]
    only = (row.split() for row in _X86_64_ONLY.split(", "))
    return {
        "x86_64": MappingProxyType({**{row[0]: int(row[1]) for row in rows}, **{n: int(v) for n, v in only}}),
        "aarch64": MappingProxyType({row[0]: int(row[2]) for row in rows}),
    }


NUMBERS = MappingProxyType(_tables())
"""By machine (as `uname -m` says it) and name."""
