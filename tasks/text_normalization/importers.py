"""Importer `proteno`: the corpora of Proteno, whose first 60 % are for training and the rest for tests.

SOURCE is one of these; which language it is, and which of the two forms, the files themselves say:

    data/English   unnorm_list.pkl and norm_list.pkl: lists of tokens, and lists of readings as long
    data/Spanish   the same names: lists of tokens, and texts in which readings are tagged
    a folder with one JSON Lines file, or the file: {"unnorm": [token, …], "norm": readings or text}

Pickles are the whole corpus and are split, `int(0.6 * n)` sentences for training. **A JSON Lines file is
the training part** and becomes one test set. An id is the number of the sentence in its file, from 1, so
the ids of both parts differ. A sentence whose readings do not belong to its tokens one by one is left out
and named with its number. `pickles.py` reads pickles without running them, `spanish.py` aligns.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.api import Collection, Findings, ImportedTestSet, Importer, read_objects

from . import pickles, spanish
from .pickles import NEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PICKLES = ("unnorm_list.pkl", "norm_list.pkl")
KEYS = {"unnorm", "norm"}
TRAINING_SHARE = 0.6
LICENCE = "CC-BY-SA-3.0"
CITATION = (
    "Tyagi et al. 2021: Proteno: Text normalization with limited data for fast deployment in text to speech systems, "
    "NAACL 2021 industry track"
)
LANGUAGES = {"en": "English", "es": "Spanish"}
PARTS = {"train": "training part", "test": "test part"}


@dataclass(frozen=True)
class Corpus:
    """Sentences as the files hold them, of which the first `training` are for training.

    A reading is a list of strings, or a text with tags: all of one kind.
    """

    tokens: Sequence[Sequence[str]]
    readings: Sequence[Any]
    training: int
    files: Sequence[str]


def proteno(source: Path) -> Collection:
    """Read a corpus. Raises InvalidInput (G020 and others) if `source` holds none, or not one."""
    findings: list[Findings] = []
    if source.is_file():
        rows, found = read_objects(source.parent, source, NEXT)
        found.check()
        corpus = _from_rows(source, rows or [])
    elif all((source / name).exists() for name in PICKLES):
        corpus = _from_pickles(source)
    else:
        corpus = _from_rows(*_rows_in(source, findings))
    strays = [] if source.is_file() else list(_other_files(source, corpus.files))
    test_sets = list(_test_sets(corpus, strays))
    if not test_sets:
        _refuse(source, f"none of its {len(corpus.tokens)} sentences can be aligned")
    return Collection(test_sets=test_sets, submissions=[], strays=strays, findings=findings)


def _refuse(path: Path, what: str) -> None:
    found = Findings(str(path), NEXT)
    found.add("G020", what=what)
    found.check()


def _from_pickles(folder: Path) -> Corpus:
    tokens, readings = (pickles.load(folder, name) for name in PICKLES)
    if any(isinstance(sentence, str) for sentence in tokens):
        _refuse(folder / PICKLES[0], "it holds strings, expected lists of tokens")
    if len(tokens) != len(readings):
        _refuse(folder / PICKLES[1], f"it holds {len(readings)} sentences, {PICKLES[0]} holds {len(tokens)}")
    return Corpus(tokens, readings, int(TRAINING_SHARE * len(tokens)), PICKLES)


def _rows_in(folder: Path, findings: list[Findings]) -> tuple[Path, Sequence[Mapping[str, Any]]]:
    """The one JSON Lines file of a folder whose first row has our keys, and its rows."""
    corpora = []
    for path in sorted(folder.glob("*.jsonl")):
        rows, found = read_objects(folder, path, NEXT)
        findings += [found] if found.problems else []
        corpora += [(path, rows)] if rows and rows[0].keys() >= KEYS else []
    if len(corpora) != 1:
        for found in findings:
            found.check()
        wanted = f"neither {' and '.join(PICKLES)} nor one JSON Lines file with the keys 'unnorm' and 'norm'"
        _refuse(folder, f"the folder holds {wanted}; such files: {len(corpora)}")
    return corpora[0]


def _from_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Corpus:
    """A training part. Raises InvalidInput (G020) with every row that is no sentence."""
    findings = Findings(str(path), NEXT)
    kinds = {type(row.get("norm")) for row in rows}
    for number, row in enumerate(rows, start=1):
        tokens, reading = row.get("unnorm"), row.get("norm")
        if not _are_strings(tokens) or not (isinstance(reading, str) or _are_strings(reading)):
            what = "'unnorm' is a list of strings, and 'norm' a text with tags or such a list"
            findings.add("G020", number, what=what)
    findings.check()
    if len(kinds) != 1:
        _refuse(path, "it holds no sentence" if not kinds else "some 'norm' are texts with tags and some are lists")
    return Corpus([row["unnorm"] for row in rows], [row["norm"] for row in rows], len(rows), (path.name,))


def _are_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _other_files(folder: Path, read: Sequence[str]) -> Iterator[str]:
    """What lies in the folder and was not read."""
    for path in sorted(folder.iterdir()):
        if path.name not in read:
            yield f"{path.name}/" if path.is_dir() else path.name


def _test_sets(corpus: Corpus, strays: list[str]) -> Iterator[ImportedTestSet]:
    """The parts of a corpus that have sentences; those without readings go to `strays`."""
    language = "es" if any(isinstance(reading, str) for reading in corpus.readings) else "en"
    rows: dict[str, list[Mapping[str, Any]]] = {part: [] for part in PARTS}
    for number, (tokens, reading) in enumerate(zip(corpus.tokens, corpus.readings, strict=True), start=1):
        try:
            row = {"id": str(number), "source": list(tokens), "reference": _aligned(tokens, reading)}
        except ValueError as error:
            strays.append(f"sentence {number}: {error}")
        else:
            rows["train" if number <= corpus.training else "test"].append(row)
    for part, found in rows.items():
        if found:
            yield ImportedTestSet(f"proteno-{language}-{part}", _table(language, part), found)


def _aligned(tokens: Sequence[str], reading: Sequence[str] | str) -> list[str]:
    """One reading for each token. Raises ValueError with the reason why there is none."""
    if not tokens:
        raise ValueError("it has no token")
    if isinstance(reading, str):
        return spanish.align(tokens, reading)
    if len(reading) != len(tokens):
        message = f"it has {len(tokens)} tokens and {len(reading)} readings"
        raise ValueError(message)
    return list(reading)


def _table(language: str, part: str) -> Mapping[str, Any]:
    return {
        "title": f"Proteno, {LANGUAGES[language]}, {PARTS[part]}",
        "gold": "gold.jsonl",
        "tags": {"language": language, "split": part},
        "compat": ["proteno"],
        "licence": LICENCE,
        "citation": CITATION,
    }


IMPORTERS: Mapping[str, Importer] = MappingProxyType({"proteno": proteno})
