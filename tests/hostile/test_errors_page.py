"""docs/errors.md explains every code of the catalogue and every exit code, and no others."""

from __future__ import annotations

import re

import pytest

from harness.catalogue import FAULTS, NOTICES
from harness.errors import ExitCode

CODES = [*FAULTS, *NOTICES]


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs/errors.md").read_text("utf-8")


def section(page: str, code: str) -> str:
    return page.split(f"\n### {code}: ", maxsplit=1)[1].split("\n## ", maxsplit=1)[0].split("\n### ", maxsplit=1)[0]


def test_every_code_is_a_heading_in_order_and_none_is_stale(page):
    assert re.findall(r"^### ([A-Z]\d{3}): ", page, re.MULTILINE) == CODES


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_explained_with_an_example_as_printed(page, code):
    text = section(page, code)
    assert text.startswith(FAULTS[code].title + "\n")
    assert "**Why:**" in text
    assert "**What to do:**" in text
    assert re.search(rf"```\nerror\[{code}\].*: .+\n  help: .+\n```", text)
    constant = re.split(r"\{[^{}]*\}", FAULTS[code].message)
    assert [part for part in constant if part not in text] == []


@pytest.mark.parametrize("code", NOTICES)
def test_a_notice_is_explained_with_an_example_as_printed(page, code):
    assert re.search(rf"```\n.+: notice\[{code}\] \d+ {re.escape(NOTICES[code])}\n```", section(page, code))


def test_no_code_is_mentioned_that_does_not_exist(page):
    assert set(re.findall(r"\b[A-Z]\d{3}\b", page)) <= set(CODES)


def test_exit_codes_are_explained(page):
    named = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert named == set(map(int, ExitCode))
