"""Small archives of Proteno's two forms, and what is said of one that is refused."""

from __future__ import annotations

import json
import pickle

import pytest

from harness.errors import InvalidInput

from ..importers import proteno

TOKENS = [["On", "5", "May", "."], ["Call", "me", "."], ["II", "."], ["3", "-", "1"], ["Yes", "."]]
READINGS = [["On", "the fifth of", "May", ""], ["Call", "me", ""], ["two", ""], ["three", "to", "one"], ["Yes", ""]]
TAGGED = [
    'El <error what="cinco">5</error> de mayo.',
    "Llama.",
    'El <error what="noventa y siete por ciento">97 %</error>.',
]
SPANISH = [["el", "5", "de", "mayo", "."], ["llama", "."], ["el", "97", "%", "."]]


def write_pickles(folder, tokens, readings, protocol=4):
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in (("unnorm_list.pkl", tokens), ("norm_list.pkl", readings)):
        (folder / name).write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol))
    return folder


def write_lines(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def row(tokens, reading):
    return {"unnorm": tokens, "norm": reading}


def refusal(source):
    """What an InvalidInput says, with its code."""
    with pytest.raises(InvalidInput) as caught:
        proteno(source)
    (problem,) = caught.value.problems
    return problem.code, problem.message
