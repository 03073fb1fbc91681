"""`harness doctor`, on machines that tests make up."""

from __future__ import annotations

import argparse
import json

import pytest

from harness.cli import doctor
from harness.errors import ExitCode
from harness.sandbox import Level, attacks, selftest


@pytest.fixture
def machine(monkeypatch):
    """A machine on which the named levels work."""

    def machine_(*works):
        def test(level):
            verdict = "denied" if level in works else "succeeded"
            probes = tuple(selftest.Probe(name, verdict, "", is_claimed=True) for name in sorted(attacks.NAMES))
            return selftest._result(level, probes, "" if level in works else "it leaks", passed=level in works)

        monkeypatch.setattr(selftest, "test", test)

    return machine_


def run(*, as_json=False):
    return doctor.run(argparse.Namespace(json=as_json))


def test_a_machine_with_a_sandbox_is_good(machine, capsys):
    machine(Level.LIMITS, Level.LANDLOCK, Level.BUBBLEWRAP)
    assert run() == ExitCode.GOOD
    said = capsys.readouterr().out
    assert "the best level that works here is L3" in said
    assert f"{len(attacks.NAMES)} of {len(attacks.NAMES)}" in said
    assert "  - The kernel is shared: a program that finds a hole in it gets out.\n" in said


def test_a_machine_without_one_is_not_and_the_reason_is_told(machine, capsys):
    machine(Level.LIMITS)
    assert run() == ExitCode.ENVIRONMENT
    said = capsys.readouterr().out
    assert "the best level that works here is L1" in said
    assert "it leaks" in said


def test_the_same_facts_come_as_json(machine, capsys):
    machine(Level.BUBBLEWRAP)
    assert run(as_json=True) == ExitCode.GOOD
    facts = json.loads(capsys.readouterr().out)
    assert facts["best"] == "L3"
    assert [row["level"] for row in facts["levels"]] == ["L0", "L1", "L2", "L3", "L4", "L5"]
    assert facts["levels"][3] | {"gaps": []} == {
        "level": "L3",
        "name": "bubblewrap",
        "works": True,
        "denied": len(attacks.NAMES),
        "attacks": len(attacks.NAMES),
        "reason": None,
        "gaps": [],
    }
    assert facts["levels"][1]["reason"] == "it leaks"
    assert {"id", "works", "reason", "unseen"} <= set(facts["backends"][0])


def test_backends_have_their_place(machine, capsys, monkeypatch):
    machine(Level.BUBBLEWRAP)
    rows = [
        {"id": "cpu", "works": True, "reason": None, "unseen": ["no clock of it"]},
        {"id": "cuda", "works": False, "reason": "no driver", "unseen": []},
    ]
    monkeypatch.setattr(doctor, "backends", lambda: rows)
    run()
    said = capsys.readouterr().out
    assert "backend cpu: works; no clock of it" in said
    assert "backend cuda: no driver" in said
