"""Two ids: what the machine is, and what runs on it."""

from __future__ import annotations

import platform
import socket
from pathlib import Path

import pytest

import harness
from harness.timing.machine import fingerprint

from . import fakes

CPU = "processor\t: {number}\nmodel name\t: Test CPU 9\nflags\t\t: {flags}\n\n"


@pytest.fixture
def root(tmp_path):
    """Four threads on two cores, in two nodes."""
    flags = "fpu sse2 avx2 pti"
    fakes.put(tmp_path, "proc/cpuinfo", "".join(CPU.format(number=number, flags=flags) for number in range(4)))
    fakes.put(tmp_path, "proc/meminfo", "MemTotal:       32500000 kB\nMemFree: 1 kB\n")
    fakes.put(tmp_path, "proc/sys/kernel/osrelease", "6.1.0-test\n")
    for number in range(4):
        folder = f"sys/devices/system/cpu/cpu{number}"
        fakes.put(tmp_path, f"{folder}/topology/thread_siblings_list", f"{number % 2},{number % 2 + 2}\n")
        fakes.put(tmp_path, f"{folder}/cpufreq/scaling_governor", "performance\n")
    fakes.put(tmp_path, "sys/devices/system/cpu/intel_pstate/no_turbo", "1\n")
    fakes.put(tmp_path, "sys/devices/system/cpu/cpufreq/policy0", "")
    for number in range(2):
        fakes.put(tmp_path, f"sys/devices/system/node/node{number}/cpulist", "")
    fakes.put(tmp_path, "sys/fs/cgroup/cpu.max", "max 100000\n")
    return tmp_path


def test_facts_are_read_from_the_kernel(root):
    facts = fingerprint(root=root).facts
    expected = {
        "cpu": "Test CPU 9",
        "cores": "2",
        "threads": "4",
        "smt": "yes",
        "numa_nodes": "2",
        "memory": "31 GiB",  # 32,500,000 KiB are 30.99 GiB
        "kernel": "6.1.0-test",
        "governor": "performance",
        "turbo": "off",
        "cpu_quota": "max 100000",
        "python": f"CPython {platform.python_version()}",
    }
    assert {name: facts[name] for name in expected} == expected
    assert facts["blas"]
    assert facts["numpy"]


def change_memory(root):
    fakes.put(root, "proc/meminfo", "MemTotal: 65000000 kB\n")


def change_instructions(root):
    fakes.put(root, "proc/cpuinfo", CPU.format(number=0, flags="fpu sse2 pti"))


def change_kernel(root):
    fakes.put(root, "proc/sys/kernel/osrelease", "6.2.0\n")


def change_other_flags(root):
    fakes.put(root, "proc/cpuinfo", CPU.format(number=0, flags="avx2 sse2 fpu retpoline"))


def change_governor(root):
    fakes.put(root, "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave\n")


@pytest.mark.parametrize("change", [change_memory, change_instructions])
def test_another_hardware_is_another_machine(root, change):
    before = fingerprint(root=root)
    change(root)
    assert fingerprint(root=root).machine_id != before.machine_id


@pytest.mark.parametrize("change", [change_kernel, change_other_flags, change_governor])
def test_another_kernel_or_setting_is_the_same_machine_in_another_environment(root, change):
    before = fingerprint(root=root)
    change(root)
    after = fingerprint(root=root)
    assert after.machine_id == before.machine_id
    assert after.env_id != before.env_id


def test_memory_that_a_kernel_keeps_for_itself_makes_no_other_machine(root):
    before = fingerprint(root=root)
    fakes.put(root, "proc/meminfo", "MemTotal: 32400000 kB\n")
    assert fingerprint(root=root) == before


def test_a_card_belongs_to_the_hardware_and_its_driver_does_not(root):
    plain = fingerprint(root=root)
    with_card = fingerprint({"gpu": "Card"}, {}, root)
    with_driver = fingerprint({"gpu": "Card"}, {"gpu_driver": "570"}, root)
    assert with_card.machine_id != plain.machine_id
    assert with_card.env_id == plain.env_id
    assert with_driver.machine_id == with_card.machine_id
    assert with_driver.env_id != with_card.env_id
    assert with_driver.facts["gpu_driver"] == "570"


def test_a_guest_is_called_one(root):
    fakes.put(root, "proc/cpuinfo", CPU.format(number=0, flags="fpu hypervisor"))
    assert fingerprint(root=root).facts["virtualised"] == "yes"


def test_a_bare_root_still_has_ids(tmp_path):
    found = fingerprint(root=tmp_path)
    assert found.facts["governor"] == found.facts["turbo"] == found.facts["cpu_flags"] == "unknown"
    assert len(found.machine_id) == len(found.env_id) == 16


def test_this_machine_is_the_same_when_asked_again_and_says_nothing_of_its_name():
    found = fingerprint()
    assert found == fingerprint()
    said = " ".join(found.facts.values())
    assert str(Path.home()) not in said
    assert str(Path(harness.__file__).parent) not in said
    assert socket.gethostname() not in said.split()
