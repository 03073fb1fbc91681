"""Importer `mt-geneval`: the test sets of MT-GenEval, gold only.

SOURCE is the archive's `data` folder:

    sentences/<split>/geneval-sentences-{masculine,feminine}-<split>.<source>_<target>.<language>
    context/geneval-context-wikiprofessions-{2to1,original,flipped}-<split>.<source>_<target>.<language>

Plain text, one segment a line, files parallel. Splits and languages are what the files say; nothing is
listed here. A counterfactual test set is made of four files (both genders in both languages), a contextual
one of three: `2to1` (source), `original` and `flipped` (target). A line of `2to1` is context, `<sep>`,
segment; it starts with `<sep>` where there is no context. Lines and parts are stripped at both ends. The
`annotated` folders hold other text than the plain files, so nothing is derived from them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.api import (
    Collection,
    Findings,
    ImportedTestSet,
    Importer,
    InvalidInput,
    identifier,
    open_beneath,
    read_lines,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Row = Mapping[str, Any]

SENTENCES, CONTEXT = "sentences", "context"
PREFIX = "mt-geneval"
SEPARATOR = "<sep>"
NEXT = "harness import mt-geneval SOURCE"
LICENCE = "CC-BY-SA-3.0"
CITATION = "Currey et al. 2022: MT-GenEval: a counterfactual and contextual dataset for evaluating gender accuracy in machine translation, EMNLP 2022"  # noqa: E501 - one title
_PAIR = r"(?P<split>[A-Za-z0-9]+)\.(?P<source>[A-Za-z-]+)_(?P<target>[A-Za-z-]+)\.(?P<language>[A-Za-z-]+)"
_NAMES = {
    SENTENCES: re.compile(rf"geneval-sentences-(?P<part>masculine|feminine)-{_PAIR}"),
    CONTEXT: re.compile(rf"geneval-context-wikiprofessions-(?P<part>2to1|original|flipped)-{_PAIR}"),
}


@dataclass(frozen=True, order=True)
class Group:
    """The files of one test set."""

    kind: str
    split: str
    source: str
    target: str

    @property
    def files(self) -> Sequence[str]:
        """Every file of the test set, below the archive's folder."""
        pair = f"{self.split}.{self.source}_{self.target}"
        if self.kind == SENTENCES:
            start = f"{SENTENCES}/{self.split}/geneval-sentences"
            languages = (self.source, self.target)
            return [f"{start}-{part}-{pair}.{end}" for part in ("masculine", "feminine") for end in languages]
        parts = (("2to1", self.source), ("original", self.target), ("flipped", self.target))
        return [f"{CONTEXT}/geneval-context-wikiprofessions-{part}-{pair}.{end}" for part, end in parts]

    @property
    def subset(self) -> str:
        """What the test set is, in the words of its paper."""
        return "counterfactual" if self.kind == SENTENCES else "contextual"


def mt_geneval(source: Path) -> Collection:
    """Read the archive. Raises InvalidInput (G020) if `source` is not its `data` folder."""
    groups, strays = _listing(source)
    if not groups:
        nothing = Findings(str(source))
        patterns = f"{SENTENCES}/<split>/geneval-sentences-… and no {CONTEXT}/geneval-context-wikiprofessions-…"
        nothing.add("G020", what=f"there is no {patterns} in this folder")
        nothing.check()
    findings: list[Findings] = []
    test_sets = []
    for group, files in sorted(groups.items()):
        columns = _columns(source, group, files, findings)
        rows = _rows(source, group, columns, findings) if columns else None
        test_sets += [_test_set(group, rows)] if rows else []
    return Collection(test_sets, [], strays, [found for found in findings if found.problems])


def _listing(source: Path) -> tuple[dict[Group, set[str]], list[str]]:
    """The files of each test set, and what belongs to none, a folder of such files in one word."""
    groups: dict[Group, set[str]] = defaultdict(set)
    others: dict[str, list[str]] = defaultdict(list)
    for path in sorted(path for path in source.rglob("*") if path.is_symlink() or not path.is_dir()):
        name = path.relative_to(source).as_posix()
        group = _group(name)
        if group:
            groups[group].add(name)
        else:
            others[name.rpartition("/")[0]].append(name)
    read = {"", *(name.rpartition("/")[0] for names in groups.values() for name in names)}
    strays = [name for folder, names in others.items() if folder in read for name in names]
    strays += [f"{folder} ({len(names)} files)" for folder, names in others.items() if folder not in read]
    return groups, sorted(strays)


def _group(name: str) -> Group | None:
    """The test set to which a file belongs, by its name below the archive's folder."""
    kind, _, rest = name.partition("/")
    named = _NAMES[kind].fullmatch(rest.rpartition("/")[2]) if kind in _NAMES else None
    group = Group(kind, named["split"], named["source"], named["target"]) if named else None
    return group if group and name in group.files else None


def _columns(source: Path, group: Group, files: set[str], findings: list[Findings]) -> list[list[str]] | None:
    """The lines of every file of a test set, equally many; None if that cannot be, the reasons are in `findings`."""
    read = [_lines(source, name, files) for name in group.files]
    columns, found = [lines for lines, _ in read], [found for _, found in read]
    findings += found
    if not any(file.problems for file in found):
        for lines, file in zip(columns, found, strict=True):
            if len(lines) != len(columns[0]):
                file.add("G012", expected=len(columns[0]), found=len(lines), other=group.files[0])
    return None if any(file.problems for file in found) else columns


def _lines(source: Path, name: str, files: set[str]) -> tuple[list[str], Findings]:
    """The lines of a file, stripped, and what was found while reading.

    A lone CR is refused: it is text to us, and the official reader would break the line there.
    """
    findings = Findings(str(source / name), NEXT)
    lines: list[str] = []
    if name not in files:
        findings.add("G020", what=f"the file is missing; {min(files)} needs it")
        return lines, findings
    try:
        with open_beneath(source, name) as stream:
            for number, text in read_lines(stream, findings):
                lines.append((text or "").strip())
                if text is not None and not lines[-1]:
                    findings.add("G020", number, what="the line is blank")
                if "\r" in lines[-1]:
                    findings.add("G020", number, what="the line holds a CR, where the official reader would break it")
    except InvalidInput as error:
        findings.problems += error.problems
    if not lines and not findings.problems:
        findings.add("G020", what="the file is empty")
    return lines, findings


def _rows(source: Path, group: Group, columns: Sequence[Sequence[str]], findings: list[Findings]) -> list[Row] | None:
    """The gold of a test set; None if a line has no segment to translate."""
    found = Findings(str(source / group.files[0]), NEXT)
    findings.append(found)
    rows: list[Row] = []
    for number, texts in enumerate(zip(*columns, strict=True), start=1):
        if group.kind == SENTENCES:
            keys = ("source", "reference")
            sides = {"masculine": dict(zip(keys, texts[:2], strict=True))}
            sides["feminine"] = dict(zip(keys, texts[2:], strict=True))
            rows.append({"id": str(number), **sides})
            continue
        context, separator, segment = (part.strip() for part in texts[0].partition(SEPARATOR))
        if not separator or not segment:
            found.add("G020", number, what=f"the line has no segment after {SEPARATOR}")
        gold = {"source": segment, "reference": texts[1], "flipped": [texts[2]]}
        rows.append({"id": str(number), "context": context, **gold})
    return None if found.problems else rows


def _test_set(group: Group, rows: Sequence[Row]) -> ImportedTestSet:
    names = (group.split, group.source, group.target)
    table = {
        "title": f"MT-GenEval, {group.subset}, {group.split}, {group.source} to {group.target}",
        "collection": identifier("-".join((PREFIX, *names))),
        "gold": "gold.jsonl",
        "tags": {
            "source_language": group.source,
            "target_language": group.target,
            "subset": group.subset,
            "split": group.split,
        },
        "compat": [PREFIX],
        "licence": LICENCE,
        "citation": CITATION,
    }
    return ImportedTestSet(identifier("-".join((PREFIX, group.subset, *names))), table, rows)


IMPORTERS: Mapping[str, Importer] = MappingProxyType({PREFIX: mt_geneval})
