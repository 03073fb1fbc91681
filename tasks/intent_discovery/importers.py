"""Importer `dstc11-intents`: task 1 of DSTC11 track 2, intent clustering.

SOURCE is the archive's `dstc11` folder:

    dstc11-submissions/1/<domain>/<system>/predictions.json   JSON Lines {turn_id, predicted_label, …}

Domains and systems are what the folders say; nothing is listed here. The gold of a domain is the
`reference_label` of its `Baseline`, the only file that carries it, and so are its utterances. Ids are
`turn_id`, whose part before the last `_` is the dialogue. A folder `test-banking` becomes the test
set `dstc11-t1-banking`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.api import (
    Collection,
    Findings,
    ImportedSubmission,
    ImportedTestSet,
    Importer,
    identifier,
    read_objects,
)

from . import open_intents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FOLDER = ("dstc11-submissions", "1")
FILE = "predictions.json"
GOLD = "Baseline"
PREFIX = "dstc11-t1"
NEXT = "harness import dstc11-intents SOURCE"
CITATION = "Gung et al. 2023: Intent induction from conversations for task-oriented dialogue, DSTC11 track 2"
LICENCE = "CDLA-Permissive-2.0"


def dstc11_intents(source: Path) -> Collection:
    """Read the archive. Raises InvalidInput (G020) if `source` is not its `dstc11` folder."""
    root = source.joinpath(*FOLDER)
    findings: list[Findings] = []
    test_sets = []
    outputs: dict[str, dict[str, Sequence[tuple[str, str]]]] = {}
    read = set()
    for domain in sorted(path for path in root.glob("*") if (path / GOLD / FILE).exists()):
        name = f"{PREFIX}-{identifier(domain.name.removeprefix('test-'))}"
        rows = _rows(source, domain / GOLD / FILE, _gold, findings)
        test_sets += [_test_set(name, domain.name.removeprefix("test-"), rows)] if rows is not None else []
        for path in sorted(domain.glob(f"*/{FILE}")) if rows is not None else ():
            read.add(path)
            found = _rows(source, path, _output, findings)
            if found is not None:
                outputs.setdefault(path.parent.name, {})[name] = found
    if not test_sets and not any(found.problems for found in findings):
        nothing = Findings(str(source))
        nothing.add("G020", what=f"there is no {'/'.join(FOLDER)}/<domain>/{GOLD}/{FILE} in this folder")
        nothing.check()
    return Collection(
        test_sets=test_sets,
        submissions=[
            ImportedSubmission(identifier(system), identifier(system), system, found)
            for system, found in sorted(outputs.items())
        ],
        strays=_strays(source, read),
        findings=[found for found in findings if found.problems],
    )


def _rows(source: Path, path: Path, convert: Any, findings: list[Findings]) -> list[Any] | None:  # noqa: ANN401 - below
    """Every row of a file, converted; None if one of them cannot be, the reasons are in `findings`.

    `convert` raises KeyError for a key that is missing, TypeError for one that holds no string.
    """
    objects, found = read_objects(source, path, NEXT)
    findings.append(found)
    rows = []
    for number, row in enumerate(objects or (), start=1):
        try:
            rows.append(convert(row))
        except KeyError as error:
            found.add("G020", number, what=f"the row has no string under the key {error}")
    return None if found.problems else rows


def _text(row: Mapping[str, Any], key: str) -> str:
    """The string under a key. Raises KeyError also for a number, which two readers could write differently."""
    if not isinstance(row.get(key), str):
        raise KeyError(key)
    text: str = row[key]
    return text


def _output(row: Mapping[str, Any]) -> tuple[str, str]:
    return _text(row, "turn_id"), _text(row, "predicted_label")


def _gold(row: Mapping[str, Any]) -> Mapping[str, str]:
    turn = _text(row, "turn_id")
    dialogue = turn.rpartition("_")[0] or turn
    texts = {"source": _text(row, "utterance"), "reference": _text(row, "reference_label")}
    return {"id": turn, **texts, "dialogue": dialogue}


def _test_set(name: str, domain: str, rows: Sequence[Mapping[str, str]]) -> ImportedTestSet:
    table = {
        "title": f"DSTC11 track 2, task 1, {domain}",
        "collection": PREFIX,
        "gold": "gold.jsonl",
        "tags": {"source_language": "en", "domain": domain},
        "block": "dialogue",
        "compat": ["dstc11"],
        "licence": LICENCE,
        "citation": CITATION,
    }
    return ImportedTestSet(name, table, rows)


def _strays(source: Path, read: set[Path]) -> list[str]:
    """Files below `source` that nothing was read from; a whole folder of them is named once."""
    inside = source.joinpath(*FOLDER)
    strays = []
    others: dict[str, int] = {}
    for path in sorted(path for path in source.rglob("*") if path.is_file() and path not in read):
        parts = path.relative_to(source).parts
        if len(parts) == 1 or inside in path.parents:
            strays.append("/".join(parts))
        else:
            folder = "/".join(parts[: len(FOLDER)] if parts[0] == FOLDER[0] else parts[:1])
            others[folder] = others.get(folder, 0) + 1
    return strays + [f"{folder} ({count} files)" for folder, count in sorted(others.items())]


IMPORTERS: Mapping[str, Importer] = MappingProxyType({"dstc11-intents": dstc11_intents, **open_intents.IMPORTERS})
