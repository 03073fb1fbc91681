"""A filter of system calls: classic BPF, made here, without a library.

The filter denies what a program under test has no use for, and lets everything else pass: reading other processes,
new namespaces and mounts, kernel interfaces that were often broken out through, the clock, kinds of sockets
that no network namespace confines. A denied call fails with EPERM, so that a program can say so.

Only the number and the values of arguments can be looked at, no paths: those are what mounts and Landlock are for.
"""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass

from harness.sandbox.syscalls import AUDIT_ARCH, NUMBERS, X32

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, JUMP, RETURN = 0x20, 0x15, 0x35, 0x45, 0x05, 0x06
"""The instructions of classic BPF that are used (linux/bpf_common.h): word loads, jumps on constants, return."""
ALLOW, ERROR = 0x7FFF0000, 0x00050000
"""What a filter returns (linux/seccomp.h); the number of the error is added to ERROR."""
NUMBER_AT, ARCH_AT, ARGUMENTS_AT = 0, 4, 16
"""Where the parts of struct seccomp_data stand; arguments have 8 bytes, the low half first."""

UNIX, INET, INET6 = 1, 2, 10
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # both put words into the mouth of a terminal

_OTHER_PROCESSES = ("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease")
_TAKING = ("kcmp", "pidfd_getfd")
_KERNEL = ("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register")
_KERNEL_TOO = ("add_key", "request_key", "keyctl", "fanotify_init", "lookup_dcookie", "syslog", "nfsservctl")
_MOUNTS = ("mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount")
_MOUNTS_TOO = ("open_tree", "open_tree_attr", "mount_setattr", "statmount", "listmount")
_NAMESPACES = ("unshare", "setns", "open_by_handle_at", "name_to_handle_at")
_MACHINE = ("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "vhangup")
_MACHINE_TOO = ("swapon", "swapoff", "quotactl", "quotactl_fd", "acct", "sethostname", "setdomainname")
_CLOCK = ("settimeofday", "clock_settime", "clock_adjtime", "adjtimex")
_OLD = ("iopl", "ioperm", "modify_ldt", "uselib", "ustat", "sysfs", "_sysctl")

DENIED = (
    *(*_OTHER_PROCESSES, *_TAKING, *_KERNEL, *_KERNEL_TOO, *_MOUNTS, *_MOUNTS_TOO, *_NAMESPACES),
    *(*_MACHINE, *_MACHINE_TOO, *_CLOCK, *_OLD),
)
"""Calls that are always denied: a program under test needs none of them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A call that is denied, always or by one argument (its low 32 bits, as the kernel reads all of these).

    flags    denied if one of these bits is set
    denied   denied for these values
    allowed  denied for all but these values
    """

    call: str
    argument: int | None = None
    flags: int = 0
    denied: tuple[int, ...] = ()
    allowed: tuple[int, ...] = ()
    error: int = errno.EPERM


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: jumps go `if_true` or `if_false` instructions beyond the next one."""

    code: int
    value: int
    if_true: int = 0
    if_false: int = 0


def rules(*, families: tuple[int, ...] = (UNIX, INET, INET6), pins: bool = False) -> tuple[Rule, ...]:
    """What is denied.

    families  of sockets that may be made; a pair of connected Unix sockets always may
    pins      also deny choosing other processors than those that were given
    """
    return (
        *(Rule(call) for call in (*DENIED, *(["sched_setaffinity"] if pins else []))),
        Rule("clone3", error=errno.ENOSYS),  # its flags lie in memory, out of sight; libraries fall back to clone
        Rule("clone", 0, flags=_NEW_NAMESPACES),
        Rule("ioctl", 1, denied=(_TIOCSTI, _TIOCLINUX)),
        Rule("personality", 0, allowed=(0, 0xFFFFFFFF)),
        Rule("socketpair", 0, allowed=(UNIX,)),
        Rule("socket", 0, allowed=families) if families else Rule("socket"),
    )


def supported(machine: str | None = None) -> bool:
    """Whether there is a table for a machine (by default this one)."""
    return (machine or os.uname().machine) in NUMBERS


def program(rules_: tuple[Rule, ...], machine: str | None = None) -> bytes:
    """The filter as the kernel takes it. Raises KeyError for a machine without a table."""
    return b"".join(
        struct.pack("=HBBI", step.code, step.if_true, step.if_false, step.value)
        for step in instructions(rules_, machine or os.uname().machine)
    )


def instructions(rules_: tuple[Rule, ...], machine: str) -> list[Instruction]:
    """The filter as data. Calls of another architecture, which have other numbers, are denied altogether."""
    refuse = Instruction(RETURN, ERROR | errno.EPERM)
    steps = [
        Instruction(LOAD, ARCH_AT),
        Instruction(JUMP_EQUAL, AUDIT_ARCH[machine], if_true=1),
        refuse,
        Instruction(LOAD, NUMBER_AT),
    ]
    if machine == "x86_64":
        steps += [Instruction(JUMP_AT_LEAST, X32, if_false=1), refuse]
    numbers = NUMBERS[machine]
    for rule in rules_:
        if rule.call in numbers:
            body = _body(rule)
            steps += [Instruction(JUMP_EQUAL, numbers[rule.call], if_false=len(body)), *body]
    return [*steps, Instruction(RETURN, ALLOW)]


def _body(rule: Rule) -> list[Instruction]:
    """What follows when the number is that of the rule; it always returns."""
    refuse, allow = Instruction(RETURN, ERROR | rule.error), Instruction(RETURN, ALLOW)
    if rule.argument is None:
        return [refuse]
    load = Instruction(LOAD, ARGUMENTS_AT + 8 * rule.argument)
    if rule.flags:
        return [load, Instruction(JUMP_ANY_BIT, rule.flags, if_false=1), refuse, allow]
    values, hit, miss = (rule.denied, refuse, allow) if rule.denied else (rule.allowed, allow, refuse)
    tests = [Instruction(JUMP_EQUAL, value, if_true=len(values) - place) for place, value in enumerate(values)]
    return [load, *tests, miss, hit]
