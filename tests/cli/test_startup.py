"""What a command imports, what its help says, and that nothing needs a network."""

from __future__ import annotations

import pytest

from harness.cli.app import _VERBS

from ..unit import toys

HEAVY = [
    "numpy",
    "scipy",
    "sacrebleu",
    "rich",
    "jinja2",
    "evaluate",
    "simplemma",
    "psutil",
    "filelock",
    "multiprocessing",
]


def imported_by(arguments, candidates):
    """Which of `candidates` are imported once `harness ARGUMENTS` has ended."""
    code = f"""
import sys
from harness.cli.app import main
try:
    main({list(map(str, arguments))!r})
except SystemExit:
    pass
print("\\n" + " ".join(name for name in {candidates!r} if name in sys.modules))
"""
    return toys.python(code).stdout.splitlines()[-1].split()


ARGUMENTS = [["--help"], ["score", "--help"], ["--version"], ["no-such-verb"], ["score", "--no-such-option"]]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_help_and_usage_errors_import_nothing_heavy(arguments):
    assert imported_by(arguments, HEAVY) == []


@pytest.mark.parametrize("module", ["msgspec", "importlib.metadata"])
def test_help_imports_neither_the_reader_of_records_nor_that_of_distributions(module):
    assert imported_by(["--help"], [module]) == []


def test_a_problem_is_told_without_rich(tmp_path):
    assert imported_by(["score", "--workspace", tmp_path], ["numpy", "rich", "jinja2"]) == []


def test_importing_the_harness_imports_nothing_heavy():
    code = "import sys, harness, harness.api, harness.metrics; print(*(n for n in %r if n in sys.modules))"
    assert toys.python(code % HEAVY).stdout.strip() == ""


@pytest.mark.parametrize("verb", _VERBS)
def test_every_verb_has_help_with_examples(verb):
    done = toys.run(verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    examples = done.stdout.partition("\nexamples:\n")[2].splitlines()
    assert examples
    assert all(line.startswith("  harness ") for line in examples if line.strip())
    assert any(line.startswith(f"  harness {verb}") for line in examples)
    for option in ("--workspace", "--tasks", "--json"):
        assert option in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_help_lists_the_verbs_and_the_exit_codes(arguments):
    done = toys.run(*arguments)
    assert done.returncode == 0
    for word in (*_VERBS, "exit codes:", "70 our bug"):
        assert word in done.stdout


@pytest.mark.parametrize("arguments", [[], ["no-such-verb"], ["export", "nothing"]], ids=" ".join)
def test_a_wrong_command_line_is_a_usage_error(arguments):
    done = toys.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: harness")


def test_no_verb_needs_a_network(tmp_path):
    root = toys.workspace(tmp_path, metrics=["accuracy", "bleu", "chrf2++"])
    code = f"""
import socket, sys
def refuse(*_, **__):
    raise SystemExit("the network was asked for")
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = socket.getaddrinfo = refuse
from harness.cli.app import main
root = ["--workspace", {str(root)!r}]
check = ["check", {str(root / "submissions")!r}]
verify = ["verify", "--recompute"]
for arguments in (["score", "--workers", "1"], check, ["tasks", "toy"], ["export", "results"], verify):
    code = main([*arguments, *root])
    assert code == 0, (arguments, code)
"""
    done = toys.python(code)
    assert (done.returncode, done.stderr) == (0, "")
