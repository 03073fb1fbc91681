"""Importer `wmt25-terminology`: the archive of the WMT25 terminology shared task, track 1.

SOURCE is the archive's `ranking` folder:

    references/track1/full_data.<pair>.jsonl            {<src>, <tgt>, <mode>: {term: target}, …}
    submissions/track1/<team>/<system>.<pair>.<mode>.jsonl   {<src>, <tgt>, …}, one line per segment

Pairs, modes, teams and systems are what the files say; nothing is listed here. A pair is the two
language keys of its reference rows, written one after the other (`en` + `de` = `ende`); a mode is
a key that holds a dictionary. Outputs are stripped at both ends, as the official scorer does, and
paired by line; each line's source must equal the reference's. Files that are neither references
nor outputs are named as strays.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TRACK = "track1"
PREFIX = "wmt25-t1"
NEXT = "harness import wmt25-terminology SOURCE"
LICENCE = "CC-BY-NC-4.0"
CITATION = "Semenov et al. 2025: Findings of the WMT25 terminology translation task"
_REFERENCE = re.compile(r"full_data\.(?P<pair>[a-z]+)\.jsonl")
_OUTPUTS = re.compile(r"(?P<system>.+)\.(?P<pair>[a-z]+)\.(?P<mode>[a-z]+)\.jsonl")


@dataclass(frozen=True)
class Pair:
    """The references of a language pair: its languages, its modes, its rows."""

    source_language: str
    target_language: str
    modes: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]

    def test_set(self, mode: str) -> str:
        """The id of the test set of one mode."""
        return f"{PREFIX}-{self.source_language}-{self.target_language}-{mode}"


def wmt25_terminology(source: Path) -> Collection:
    """Read the archive. Raises InvalidInput (G020) if `source` is not its `ranking` folder."""
    findings: list[Findings] = []
    pairs = _references(source, findings)
    if not pairs and not any(found.problems for found in findings):
        nothing = Findings(str(source))
        nothing.add("G020", what=f"there is no references/{TRACK}/full_data.<pair>.jsonl in this folder")
        nothing.check()
    read: set[Path] = {source / "references" / TRACK / f"full_data.{pair}.jsonl" for pair in pairs}
    outputs: dict[tuple[str, str], dict[str, list[tuple[str, str]]]] = defaultdict(dict)
    for path in sorted((source / "submissions" / TRACK).glob("*/*")):
        named = _OUTPUTS.fullmatch(path.name)
        if not named or named["pair"] not in pairs or named["mode"] not in pairs[named["pair"]].modes:
            continue
        read.add(path)
        pair = pairs[named["pair"]]
        rows = _outputs(source, path, pair, findings)
        if rows is not None:
            outputs[path.parent.name, named["system"]][pair.test_set(named["mode"])] = rows
    return Collection(
        test_sets=[_test_set(pair, mode) for _, pair in sorted(pairs.items()) for mode in pair.modes],
        submissions=_submissions(source, outputs, findings),
        strays=_strays(source, read),
        findings=[found for found in findings if found.problems],
    )


def _references(source: Path, findings: list[Findings]) -> dict[str, Pair]:
    pairs = {}
    for path in sorted((source / "references" / TRACK).glob("*")):
        if named := _REFERENCE.fullmatch(path.name):
            rows = _rows(source, path, findings)
            pair = _pair(named["pair"], rows, findings[-1]) if rows else None
            if pair:
                pairs[named["pair"]] = pair
    return pairs


def _pair(name: str, rows: Sequence[Mapping[str, Any]], findings: Findings) -> Pair | None:
    """Tell languages from modes by the first row: languages hold text, modes hold dictionaries."""
    texts = [key for key, value in rows[0].items() if isinstance(value, str)]
    orders = [(a, b) for a in texts for b in texts if a + b == name]
    if len(orders) != 1:
        findings.add("G020", 1, what=f"the text keys {texts} do not make the language pair '{name}'")
        return None
    languages = orders[0]
    modes = tuple(key for key, value in rows[0].items() if isinstance(value, dict))
    for number, row in enumerate(rows, start=1):
        dictionaries = all(isinstance(row.get(mode), dict) for mode in modes)
        if not dictionaries or not all(isinstance(row.get(key), str) for key in languages):
            findings.add("G020", number, what=f"the row lacks one of the keys {[*languages, *modes]}")
            return None
    return Pair(*languages, modes, rows)


def _rows(source: Path, path: Path, findings: list[Findings]) -> Sequence[Mapping[str, Any]] | None:
    """Every row of a file, or None if one of them cannot be read; the reasons are in `findings`."""
    rows, found = read_objects(source, path, NEXT)
    findings.append(found)
    return rows


def _outputs(source: Path, path: Path, pair: Pair, findings: list[Findings]) -> list[tuple[str, str]] | None:
    """Outputs by line number; None if the file is unreadable or answers other sources.

    A file with too few or too many lines is imported as it is: `harness check` refuses it, with
    the numbers.
    """
    rows = _rows(source, path, findings)
    if rows is None:
        return None
    outputs = []
    for number, row in enumerate(rows, start=1):
        output = row.get(pair.target_language)
        if not isinstance(output, str):
            findings[-1].add("G020", number, what=f"the row has no text under the key '{pair.target_language}'")
            continue
        gold = pair.rows[number - 1] if number <= len(pair.rows) else {}
        expected, found = gold.get(pair.source_language), row.get(pair.source_language)
        if gold and found is not None and found != expected:
            shown = {"what": "the source differs", "expected": repr(expected)[:60], "found": repr(found)[:60]}
            findings[-1].add("G021", number, **shown)
        outputs.append((str(number), output.strip()))
    return None if findings[-1].problems else outputs


def _test_set(pair: Pair, mode: str) -> ImportedTestSet:
    with_terms = [name for name in pair.modes if any(row[name] for row in pair.rows)]
    rows = [
        {
            "id": str(number),
            "source": row[pair.source_language],
            "reference": row[pair.target_language],
            **{name: {term: [target] for term, target in row[name].items()} for name in with_terms},
        }
        for number, row in enumerate(pair.rows, start=1)
    ]
    table = {
        "title": f"WMT25 track 1, {pair.source_language} to {pair.target_language}, mode {mode}",
        "collection": PREFIX,
        "gold": "gold.jsonl",
        "tags": {
            "source_language": pair.source_language,
            "target_language": pair.target_language,
            "mode": mode,
        },
        "compat": ["wmt25-t1"],
        "licence": LICENCE,
        "citation": CITATION,
    }
    return ImportedTestSet(pair.test_set(mode), table, rows)


def _submissions(
    source: Path, outputs: Mapping[tuple[str, str], Mapping[str, Sequence[tuple[str, str]]]], findings: list[Findings]
) -> list[ImportedSubmission]:
    """One submission per team and system, called like the system.

    Where two systems would be called alike, the team's name goes before it; what is still not
    unique is refused, since one would overwrite the other.
    """
    names = Counter(identifier(system).casefold() for _, system in outputs)
    submissions: dict[str, ImportedSubmission] = {}
    for (team, system), found in sorted(outputs.items()):
        is_unique = names[identifier(system).casefold()] == 1
        name = identifier(system if is_unique else f"{team}.{system}")
        imported = ImportedSubmission(identifier(team), name, system, found)
        first = submissions.setdefault(name.casefold(), imported)
        if first is not imported:
            findings.append(Findings(str(source / "submissions" / TRACK / team), NEXT))
            what = f"system '{system}' would be called '{name}', like '{first.name}' of team '{first.team}'"
            findings[-1].add("G020", what=what)
    return list(submissions.values())


def _strays(source: Path, read: set[Path]) -> list[str]:
    """Files below `source` that nothing was read from; a whole other track is named once."""
    tracks: dict[str, int] = defaultdict(int)
    strays = []
    for path in sorted(path for path in source.rglob("*") if path.is_file() and path not in read):
        parts = path.relative_to(source).parts
        is_other_track = len(parts) > 2 and parts[1].startswith("track") and parts[1] != TRACK  # noqa: PLR2004
        if is_other_track:
            tracks["/".join(parts[:2])] += 1
        else:
            strays.append("/".join(parts))
    return strays + [f"{folder} ({count} files of another track)" for folder, count in sorted(tracks.items())]


IMPORTERS: Mapping[str, Importer] = MappingProxyType({"wmt25-terminology": wmt25_terminology})
