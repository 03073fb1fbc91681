"""Code stays small: one page for a function, one sitting for a module. Ruff counts branches (C901)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MODULE_LINES = 400
FUNCTION_LINES = 60  # without the docstring
PARAMETERS = 6
PUBLIC_METHODS = 12

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted(path for folder in ("harness", "tasks", "submissions") for path in (REPOSITORY / folder).rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_module_and_what_it_defines_keep_to_the_budget(module):
    source = module.read_text("utf-8")
    assert source.count("\n") <= MODULE_LINES
    assert list(excesses(ast.parse(source))) == []


def excesses(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, Function):
            if (lines := function_lines(node)) > FUNCTION_LINES:
                yield f"line {node.lineno}: {node.name} has {lines} lines, {FUNCTION_LINES} are allowed"
            if (count := parameters(node)) > PARAMETERS:
                yield f"line {node.lineno}: {node.name} has {count} parameters, {PARAMETERS} are allowed"
        elif isinstance(node, ast.ClassDef) and (count := public_methods(node)) > PUBLIC_METHODS:
            yield f"line {node.lineno}: {node.name} has {count} public methods, {PUBLIC_METHODS} are allowed"


def function_lines(node: Function) -> int:
    first = node.body[0]
    has_docstring = ast.get_docstring(node, clean=False) is not None
    return node.end_lineno - node.lineno + 1 - (first.end_lineno - first.lineno + 1 if has_docstring else 0)


def parameters(node: Function) -> int:
    """How many there are to know, `self`, `cls`, `*args` and `**kwargs` aside."""
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in named)


def public_methods(node: ast.ClassDef) -> int:
    return sum(isinstance(member, Function) and not member.name.startswith("_") for member in node.body)


def test_the_budget_notices_what_is_too_large():
    body = "\n".join("    pass" for _ in range(FUNCTION_LINES))
    methods = "\n".join(f"    def m{number}(self): ..." for number in range(PUBLIC_METHODS + 1))
    source = f"def long():\n{body}\ndef wide(a, b, c, d, /, e, f, *, g): ...\nclass Large:\n{methods}\n"
    assert [excess.split(" are ")[0] for excess in excesses(ast.parse(source))] == [
        "line 1: long has 61 lines, 60",
        "line 62: wide has 7 parameters, 6",
        "line 63: Large has 13 public methods, 12",
    ]


def test_a_docstring_costs_nothing():
    source = 'def short():\n    """One.\n\n    Two.\n    """\n    return 1\n'
    assert function_lines(ast.parse(source).body[0]) == 2
