"""The attacks: that they bite where nothing stops them, and what each level makes of them."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from harness.sandbox import Level, attacks, bait, identity, levels, selftest
from harness.sandbox.attacks import calls, probe

from .conftest import CONFINED


@pytest.fixture(scope="module")
def without_a_box():
    return selftest.test(Level.NONE)


def verdicts(tested):
    return {found.name: found.verdict for found in tested.probes}


def test_there_are_many_attacks_each_with_a_name_and_a_description():
    assert len(attacks.NAMES) == len(attacks.ATTACKS) >= 40
    assert all(attack.__doc__ for attack in attacks.ATTACKS)
    assert attacks.WARDEN | attacks.LIMITS | attacks.NAMESPACES <= attacks.NAMES


def test_without_a_box_most_attacks_succeed(without_a_box):
    succeeded = [name for name, verdict in verdicts(without_a_box).items() if verdict == "succeeded"]
    assert len(succeeded) >= 30


def test_without_a_box_the_others_are_refused_by_the_kernel_or_ended_by_the_warden(without_a_box):
    for found in without_a_box.probes:
        if found.verdict != "succeeded" and found.name not in attacks.WARDEN:
            assert "[Errno " in found.detail or found.verdict == "unsupported", found


@pytest.mark.sandbox
def test_in_bubblewrap_every_attack_is_denied():
    tested = selftest.test(Level.BUBBLEWRAP)
    depends = {"home_folder", "machine_identity", "device_nodes", "more_processors", "calls_of_x32", "calls_of_i386"}
    others = {name: verdict for name, verdict in verdicts(tested).items() if verdict != "denied"}
    assert others.keys() <= depends, others  # a machine may lack what these look for
    assert set(others.values()) <= {"unsupported"}
    assert set(verdicts(tested)) == attacks.NAMES
    assert tested.passed
    assert tested.denied == len(attacks.NAMES)
    assert tested.reason == ""


@pytest.mark.parametrize("level", CONFINED, indirect=True)
def test_every_level_denies_what_it_claims_to(level):
    tested = selftest.test(level)
    assert tested.reason == ""
    assert tested.passed
    claimed = {found.name for found in tested.probes if found.is_claimed}
    assert claimed == attacks.NAMES - levels.of(level).open


def test_higher_levels_claim_more():
    claims = [attacks.NAMES - levels.of(level).open for level in sorted(Level)]
    assert all(lower <= higher for lower, higher in pairwise(claims))
    assert claims[Level.BUBBLEWRAP] == attacks.NAMES


@pytest.mark.sandbox
def test_a_sandbox_with_a_hole_does_not_pass(monkeypatch):
    laid = bait._room
    monkeypatch.setattr(bait, "_room", lambda folder: replace(laid(folder), masked=()))
    tested = selftest.test(Level.BUBBLEWRAP)
    assert not tested.passed
    assert tested.reason.startswith("gold_of_packages: read ")


@pytest.mark.sandbox
def test_the_first_process_inside_must_be_covered_or_its_memory_could_be_written(monkeypatch):
    """Bubblewrap installs the filter in the program only: its own process inside would be a way around it."""
    from harness.sandbox import bubblewrap

    options = bubblewrap._memory_file_systems

    def uncovered(limits):
        words = list(options(limits))
        place = words.index("/proc/1") - 3
        return [*words[:place], *words[place + 6 :]]

    monkeypatch.setattr(bubblewrap, "_memory_file_systems", uncovered)
    assert "written_memory" in selftest.test(Level.BUBBLEWRAP).reason


def test_a_level_that_cannot_be_had_does_not_pass_and_says_why(monkeypatch):
    monkeypatch.setattr(levels.of(Level.BUBBLEWRAP).__class__, "available", lambda _: "it is not here")
    tested = selftest.test(Level.BUBBLEWRAP)
    assert (tested.passed, tested.probes, tested.reason) == (False, (), "it is not here")


def answer(level, *, passed, reason=""):
    return selftest._result(level, (), reason, passed=passed)


def test_the_best_level_that_passes_is_taken_and_says_why_it_is_not_a_better_one(monkeypatch):
    works = {Level.BUBBLEWRAP: False, Level.LANDLOCK: True}
    monkeypatch.setattr(selftest, "test", lambda level: answer(level, passed=works[level], reason="broken"))
    best = selftest.best()
    assert best.level == Level.LANDLOCK
    assert best.reason == "L3: broken"


def test_if_nothing_passes_there_is_no_sandbox(monkeypatch):
    monkeypatch.setattr(selftest, "test", lambda level: answer(level, passed=False, reason="broken"))
    best = selftest.best()
    assert (best.level, best.passed) == (Level.NONE, True)
    assert best.reason == "L3: broken; L2: broken; L1: broken"


def test_a_pass_of_the_best_is_kept_as_long_as_nothing_changes(monkeypatch, tmp_path):
    made = []

    def tested(level):
        made.append(level)
        return selftest._result(level, (selftest.Probe("x", "denied", "", is_claimed=True),), "", passed=True)

    monkeypatch.setattr(selftest, "test", tested)
    first = selftest.best(tmp_path / "cache")
    assert selftest.best(tmp_path / "cache") == first
    assert made == [Level.BUBBLEWRAP]
    monkeypatch.setattr(selftest, "key", lambda: "another kernel")
    selftest.best(tmp_path / "cache")
    assert made == [Level.BUBBLEWRAP] * 2


def test_a_lower_level_is_tested_again_each_time(monkeypatch, tmp_path):
    made = []

    def tested(level):
        made.append(level)
        return answer(level, passed=level == Level.LIMITS, reason="broken")

    monkeypatch.setattr(selftest, "test", tested)
    assert selftest.best(tmp_path) == selftest.best(tmp_path)
    assert made == [Level.BUBBLEWRAP, Level.LANDLOCK, Level.LIMITS] * 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1}', "null"])
def test_a_cache_that_cannot_be_read_is_not_believed(monkeypatch, tmp_path, content):
    monkeypatch.setattr(selftest, "test", lambda level: answer(level, passed=True))
    (tmp_path / "sandbox.json").write_text(content)
    assert selftest.best(tmp_path).level == Level.BUBBLEWRAP
    assert json.loads((tmp_path / "sandbox.json").read_text())["key"] == selftest.key()


def test_a_folder_that_cannot_be_written_costs_a_test_and_no_more(monkeypatch, tmp_path):
    monkeypatch.setattr(selftest, "test", lambda level: answer(level, passed=True))
    (tmp_path / "file").touch()
    assert selftest.best(tmp_path / "file").level == Level.BUBBLEWRAP


def test_the_digest_says_how_every_attack_ended():
    one, other = (
        selftest._result(Level.LIMITS, (selftest.Probe("x", verdict, "", is_claimed=True),), "", passed=True)
        for verdict in ("denied", "succeeded")
    )
    assert one.digest != other.digest
    assert len(one.digest) == 64


def test_bait_is_taken_away():
    with bait.laid(Level.NONE) as laid:
        folder = Path(laid.facts["outside"]).parents[1]
        assert Path(laid.facts["shared_memory_file"]).exists()
        assert folder.exists()
    assert not folder.exists()
    assert not Path(laid.facts["shared_memory_file"]).exists()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermissionError(1, "no"), ("denied", "[Errno 1] no")),
        (OSError(38, "no such call"), ("unsupported", "[Errno 38] no such call")),
        (calls.Denied("empty"), ("denied", "empty")),
        (calls.Unsupported("no disk"), ("unsupported", "no disk")),
        (MemoryError(), ("denied", "MemoryError")),
    ],
)
def test_an_attack_ends_in_one_of_three_ways(error, expected):
    def attack(_):
        raise error

    assert probe.attempt(attack, {}) == expected
    assert probe.attempt(lambda _: "got it", {}) == ("succeeded", "got it")


def test_an_attack_that_is_killed_was_denied_and_one_that_hangs_is_unclear(monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE_S", 0.2)

    def killed(_):
        os.kill(os.getpid(), 9)

    def hanging(_):
        time.sleep(60)

    assert probe.apart(killed, {}) == {
        "name": "killed",
        "verdict": "denied",
        "detail": "its process ended with status -9",
    }
    assert probe.apart(hanging, {})["verdict"] == "unclear"


def test_an_unclear_attack_does_not_pass(monkeypatch):
    unclear = tuple(selftest.Probe(name, "unclear", "hung", is_claimed=True) for name in attacks.NAMES)
    monkeypatch.setattr(selftest, "_attacked", lambda _: unclear)
    assert not selftest.test(Level.LIMITS).passed


def test_missing_attacks_do_not_pass(monkeypatch):
    monkeypatch.setattr(selftest, "_attacked", lambda _: ())
    tested = selftest.test(Level.LIMITS)
    assert not tested.passed
    assert tested.reason == f"{len(attacks.NAMES)} attacks were not made"


def test_a_key_names_the_user_because_limits_do_not_bind_root(monkeypatch):
    before = selftest.key()
    monkeypatch.setattr(identity, "is_root", lambda: "somebody")
    assert selftest.key() != before
