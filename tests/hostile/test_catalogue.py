"""Every code of the catalogue can be provoked, and says where, what, how much and what to do."""

from __future__ import annotations

import re
import shlex
from collections import Counter

import pytest

from harness.catalogue import FAULTS, NOTICES

from .cases import FAULT_CASES, NOTICE_CASES

VERBS = {"score", "check", "tasks", "import", "export", "verify", "rank", "compare", "explain", "doctor", "--version"}


def of(case):
    return case.code


def test_every_code_has_exactly_one_fixture():
    assert Counter(case.code for case in FAULT_CASES) == Counter(dict.fromkeys(FAULTS, 1))
    assert Counter(case.code for case in NOTICE_CASES) == Counter(dict.fromkeys(NOTICES, 1))


@pytest.mark.parametrize("case", FAULT_CASES, ids=of)
def test_a_fault_is_said_with_place_numbers_and_help(toy, case):
    case.prepare(toy)
    outcome = toy.run(*case.argv)
    place = "" if case.file is None else f" {toy.root / case.file}"
    place += "" if case.line is None else f":{case.line}"
    said = re.search(rf"^error\[{case.code}\]{re.escape(place)}: (.+)\n  help: (.+)$", outcome.err, re.MULTILINE)
    assert said, outcome.text
    assert [part for part in case.says if part not in said[1]] == []
    assert outcome.code == case.exit
    assert not re.search(r"[{}]", said[2].replace('{"id": …, "output": …}', "")), "a placeholder was not filled"


@pytest.mark.parametrize("case", FAULT_CASES, ids=of)
def test_json_says_the_same(toy, case):
    case.prepare(toy)
    outcome = toy.run(*case.argv, "--json")
    found = [fault for fault in outcome.json["problems"] if fault["code"] == case.code]
    place = None if case.file is None else str(toy.root / case.file)
    assert (place, case.line) in [(fault["file"], fault["line"]) for fault in found], outcome.text
    assert [part for part in case.says if not any(part in fault["message"] for fault in found)] == []
    assert all(fault["help"] for fault in found)
    assert outcome.code == case.exit
    assert outcome.err == ""


@pytest.mark.parametrize("case", NOTICE_CASES, ids=of)
def test_a_notice_is_counted_and_refuses_nothing(toy, case):
    case.prepare(toy)
    outcome = toy.run(*case.argv)
    assert f"{toy.root / case.file}: notice[{case.code}] 1 {NOTICES[case.code]}\n" in outcome.out
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize("case", NOTICE_CASES, ids=of)
def test_json_counts_the_same_notice(toy, case):
    case.prepare(toy)
    outcome = toy.run(*case.argv, "--json")
    assert outcome.json["notices"][str(toy.root / case.file)][case.code] == 1
    assert (outcome.code, outcome.json["problems"]) == (0, [])


@pytest.mark.parametrize("case", [case for case in NOTICE_CASES if case.code != "N018"], ids=of)
def test_a_notice_is_stored_in_the_record(toy, case):
    case.prepare(toy)
    scored = toy.run("score", "--json")
    alpha = next(result for result in scored.json["results"] if result["system"] == "alpha")
    assert (scored.code, alpha["notices"][case.code]) == (0, 1)


@pytest.mark.parametrize("code", FAULTS)
def test_help_names_only_commands_that_exist(code):
    named = re.findall(r"harness (-?-?[a-z]+)", FAULTS[code].help)
    assert [verb for verb in named if verb not in VERBS] == []
    assert FAULTS[code].help.strip()


@pytest.mark.parametrize("case", FAULT_CASES, ids=of)
def test_a_command_that_help_names_runs_and_is_another_one(toy, case):
    """Commands that wait for a missing file, or hold a placeholder, cannot be tried here."""
    case.prepare(toy)
    outcome = toy.run(*case.argv, "--json")
    for fault in outcome.json["problems"]:
        for command in re.findall(r"(?:^|: |or )harness ([a-z][^,;()]*)(?=$|[,;(])", fault["help"]):
            words = shlex.split(command)
            if "--help" in words or any(word.isupper() for word in words) or fault["help"].startswith("write it"):
                continue
            assert tuple(words) != case.argv or not fault["help"].startswith("harness")
            again = toy.run(*words)
            assert again.code != 2, again.text
