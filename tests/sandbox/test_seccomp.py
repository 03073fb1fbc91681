"""The filter as data: the tests run it, as the kernel would, on calls made up here."""

from __future__ import annotations

import errno
import struct

import pytest

from harness.sandbox import seccomp
from harness.sandbox.syscalls import AUDIT_ARCH, NUMBERS

X86, ARM = "x86_64", "aarch64"
I386 = 0x40000003
ALLOWED = 0


def verdict(program, number, *arguments, arch):
    """What a filter says of a call: the error number, 0 if it may pass. After linux/filter.h."""
    words = [value for argument in (*arguments, *[0] * (6 - len(arguments))) for value in divmod_32(argument)]
    data = struct.pack("<IIQ", number, arch, 0) + struct.pack("<12I", *words)
    steps = list(struct.iter_unpack("=HBBI", program))
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:  # BPF_LD | BPF_W | BPF_ABS
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:  # BPF_RET | BPF_K
            return value & 0xFFFF if value & 0xFFFF0000 == 0x00050000 else {0x7FFF0000: ALLOWED}[value]
        else:
            tests = {
                0x15: accumulator == value,  # BPF_JMP | BPF_JEQ
                0x35: accumulator >= value,  # BPF_JMP | BPF_JGE
                0x45: bool(accumulator & value),  # BPF_JMP | BPF_JSET
            }
            at += if_true if tests[code] else if_false


def divmod_32(argument):
    return argument & 0xFFFFFFFF, argument >> 32


@pytest.fixture(params=[X86, ARM])
def say(request):
    """Ask the default filter of a machine about a call by name."""
    program = seccomp.program(seccomp.rules(), request.param)
    return lambda name, *rest: verdict(program, NUMBERS[request.param][name], *rest, arch=AUDIT_ARCH[request.param])


@pytest.mark.parametrize("name", ["read", "write", "openat", "mmap", "futex", "execve", "sched_setaffinity"])
def test_what_programs_need_passes(say, name):
    assert say(name) == ALLOWED


@pytest.mark.parametrize("name", sorted(set(seccomp.DENIED) & set(NUMBERS[ARM])))
def test_what_they_do_not_need_fails_with_eperm(say, name):
    assert say(name) == errno.EPERM


def test_calls_that_only_x86_64_has_are_denied_there():
    program = seccomp.program(seccomp.rules(), X86)
    only = set(NUMBERS[X86]) - set(NUMBERS[ARM])
    assert {verdict(program, NUMBERS[X86][name], arch=AUDIT_ARCH[X86]) for name in only} == {errno.EPERM}


def test_a_process_may_be_cloned_but_not_into_a_new_namespace(say):
    assert say("clone", 0x00010900 | 17) == ALLOWED  # threads
    for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert say("clone", flag | 17) == errno.EPERM


def test_clone3_is_not_there_so_that_libraries_fall_back_to_clone(say):
    assert say("clone3") == errno.ENOSYS


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (1, ALLOWED),
        (2, ALLOWED),
        (10, ALLOWED),
        (16, errno.EPERM),
        (17, errno.EPERM),
        (38, errno.EPERM),
        (40, errno.EPERM),
    ],
)
def test_only_sockets_that_a_namespace_confines_can_be_made(say, family, expected):
    assert say("socket", family, 1, 0) == expected


def test_without_families_only_a_connected_pair_is_left():
    program = seccomp.program(seccomp.rules(families=()), X86)
    say = lambda name, *rest: verdict(program, NUMBERS[X86][name], *rest, arch=AUDIT_ARCH[X86])  # noqa: E731
    assert say("socket", 1) == say("socket", 2) == errno.EPERM
    assert say("socketpair", 1) == ALLOWED
    assert say("socketpair", 30) == errno.EPERM


def test_terminals_cannot_be_typed_into_whatever_the_high_half_of_the_argument_says(say):
    assert say("ioctl", 0, 0x5412) == errno.EPERM
    assert say("ioctl", 0, 0x1_0000_5412) == errno.EPERM
    assert say("ioctl", 0, 0x541C) == errno.EPERM
    assert say("ioctl", 0, 0x5401) == ALLOWED


def test_a_personality_can_be_asked_for_but_not_set(say):
    assert say("personality", 0xFFFFFFFF) == say("personality", 0) == ALLOWED
    assert say("personality", 0x0040000) == errno.EPERM


def test_processors_are_pinned_on_request_only():
    pinned = seccomp.program(seccomp.rules(pins=True), ARM)
    assert verdict(pinned, NUMBERS[ARM]["sched_setaffinity"], arch=AUDIT_ARCH[ARM]) == errno.EPERM


def test_other_interfaces_of_the_kernel_are_denied_altogether():
    program = seccomp.program(seccomp.rules(), X86)
    assert verdict(program, 20, arch=I386) == errno.EPERM
    assert verdict(program, 0x40000000 | NUMBERS[X86]["read"], arch=AUDIT_ARCH[X86]) == errno.EPERM
    assert verdict(program, 0xFFFFFFFF, arch=AUDIT_ARCH[X86]) == errno.EPERM


@pytest.mark.parametrize("machine", [X86, ARM])
def test_a_filter_is_one_that_the_kernel_takes(machine):
    steps = seccomp.instructions(seccomp.rules(pins=True), machine)
    assert len(steps) <= 4096  # BPF_MAXINSNS
    for at, step in enumerate(steps):
        assert max(step.if_true, step.if_false) < 256
        assert at + 1 + max(step.if_true, step.if_false) < len(steps) or step.code == seccomp.RETURN


def test_a_machine_without_a_table_has_no_filter():
    assert not seccomp.supported("riscv64")
    with pytest.raises(KeyError):
        seccomp.program(seccomp.rules(), "riscv64")


@pytest.mark.parametrize(
    ("name", "x86_64", "aarch64"),  # arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h
    [("ptrace", 101, 117), ("bpf", 321, 280), ("io_uring_setup", 425, 425), ("mount", 165, 40), ("keyctl", 250, 219)],
)
def test_numbers_are_those_of_the_kernel(name, x86_64, aarch64):
    assert NUMBERS[X86][name] == x86_64
    assert NUMBERS[ARM][name] == aarch64
