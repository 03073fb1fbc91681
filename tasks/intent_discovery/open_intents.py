"""Importers `textoir` and `clinc150`: collections of queries, as test sets that tell some of the intents.

    textoir    SOURCE is the `data` folder of TEXTOIR: banking, snips and oos, each with train.tsv and test.tsv
    clinc150   SOURCE is the `data` folder of CLINC150: data_full.json and domains.json

The protocol is that of TEXTOIR (Zhang et al. 2021). Of n intents K = round(n x ratio) are known, half to even.
They are drawn by `RandomState(seed).choice(intents, K, replace=False)` from the sorted names, and so is a tenth
of the training utterances of each, one at least: these are given with their intent. The original draws from a
list in an order of its own, so its known intents are others. What is scored is the whole test part.

Out-of-domain utterances are given with no intent. CLINC150 has some of its own for training; to banking and snips
a hundred are lent from `oos/test.tsv`; the set oos has none in its training part, and gives none.

Ids are `train-N`, `test-N` and `ood-N`, where N counts the utterances of a part from 1.

A file of TEXTOIR is a table by the rules of CSV: tabs part its cells, and a cell in quotation marks may hold
line feeds. Read line by line, `banking/train.tsv` has 13 records too many.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.api import Collection, Findings, ImportedTestSet, Importer, InvalidInput, Refused, open_beneath, parse

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from pathlib import Path

RATIOS = (0.25, 0.5, 0.75)
SEEDS = (0, 1, 2)
LABELLED_SHARE = 0.1
LENT = 100
"""Labelled utterances of no intent that are lent to a collection without any."""
OOS = "oos"
"""The label, in both archives, of utterances that belong to no intent."""
LENDER = f"{OOS}/test.tsv"
"""Where those that are lent come from: only what has that label. Some of the others want what some of snips want."""
HEADER = ["text", "label"]
DATA, DOMAINS = "data_full.json", "domains.json"
PARTS = ("train", "test", "oos_train", "oos_test")
SIZES = {
    "banking/train.tsv": 9003,
    "banking/test.tsv": 3080,
    "snips/train.tsv": 13084,
    "snips/test.tsv": 700,
    "oos/train.tsv": 15000,
    "oos/test.tsv": 5700,
    "train": 15000,
    "test": 4500,
    "oos_train": 100,
    "oos_test": 1000,
}
"""How many utterances the published archives hold."""
NEXT = "harness import NAME SOURCE"
PROTOCOL = "known intents drawn as in Zhang et al. 2021: TEXTOIR, ACL demonstrations"
CLINC = "Larson et al. 2019: An evaluation dataset for intent classification and out-of-scope prediction, EMNLP"
CITATIONS = {
    "banking": "Casanueva et al. 2020: Efficient intent detection with dual sentence encoders, NLP4ConvAI",
    "snips": "Coucke et al. 2018: Snips Voice Platform",
    "oos": CLINC,
    "clinc150": CLINC,
}
LICENCES = {"oos": "CC-BY-3.0", "clinc150": "CC-BY-3.0"}
"""Where we know it."""


@dataclass(frozen=True)
class Utterance:
    """A text with its intent; its id says its part and its place there."""

    id: str
    text: str
    intent: str


@dataclass(frozen=True)
class Corpus:
    """A collection of queries: what may be given, what is scored, and the domain of each intent, if it has one.

    `outside` are labelled utterances that belong to no intent.
    """

    name: str
    train: Sequence[Utterance]
    test: Sequence[Utterance]
    outside: Sequence[Utterance]
    domains: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Split:
    """What is drawn from a corpus for one test set: how many names of a level are known, and with which seed."""

    corpus: Corpus
    level: str
    ratio: float
    seed: int

    @property
    def family(self) -> str:
        """The name that all splits of this level share."""
        return f"{self.corpus.name}-domains" if self.level == "domain" else self.corpus.name

    def name_of(self, intent: str) -> str:
        """The intent, or its domain where domains are discovered; `oos` for what has none."""
        return self.corpus.domains.get(intent, OOS) if self.level == "domain" else intent


def textoir(source: Path) -> Collection:
    """Read the archive. Raises InvalidInput (G020) if `source` is not its `data` folder."""
    names = [name for name in ("banking", "snips", OOS) if (source / name).is_dir()]
    if not names:
        raise _refusal(source, "there is no folder banking, snips or oos in this folder")
    files = dict.fromkeys([*(f"{name}/{part}.tsv" for name in names for part in ("train", "test")), LENDER])
    findings = {name: Findings(str(source / name), NEXT) for name in files}
    found = {name: _table(source, name, findings[name]) for name in files}
    lent = [(text, label) for text, label in found[LENDER] if label == OOS]
    test_sets: list[ImportedTestSet] = []
    for name in names:
        train, test = (_utterances(part, found[f"{name}/{part}.tsv"]) for part in ("train", "test"))
        if train and test:
            outside = [] if name == OOS else _utterances("ood", lent)
            test_sets += _test_sets(Corpus(name, train, test, outside), "intent")
    return Collection(
        test_sets=test_sets,
        submissions=[],
        strays=_strays(source, files),
        findings=[one for one in findings.values() if one.problems],
    )


def clinc150(source: Path) -> Collection:
    """Read the archive. Raises InvalidInput (G020, S0xx) if `source` is not its `data` folder, or is damaged."""
    findings = Findings(str(source / DATA), NEXT)
    rows, named = _object(source, DATA), _object(source, DOMAINS)
    missing = [part for part in PARTS if part not in rows]
    if missing:
        raise _refusal(source / DATA, f"it has no part {', '.join(missing)}")
    train, test, oos_train, oos_test = (_pairs(source, part, rows[part], findings) for part in PARTS)
    domains = {intent: domain for domain, intents in named.items() for intent in intents if isinstance(intent, str)}
    strangers = sorted({intent for _, intent in (*train, *test)} - domains.keys())
    if strangers:
        raise _refusal(source / DOMAINS, f"it has no domain for {', '.join(strangers)}")
    scored, outside = _utterances("test", [*test, *oos_test]), _utterances("ood", oos_train)
    corpus = Corpus("clinc150", _utterances("train", train), scored, outside, domains)
    return Collection(
        test_sets=[*_test_sets(corpus, "intent"), *_test_sets(corpus, "domain")],
        submissions=[],
        strays=[*(f"{DATA}: {part}" for part in rows if part not in PARTS), *_strays(source, {DATA, DOMAINS})],
        findings=[findings] if findings.problems else [],
    )


def _refusal(path: Path, what: str) -> InvalidInput:
    """G020: why the archive is not the one that is meant."""
    found = Findings(str(path), NEXT)
    found.add("G020", what=what)
    return InvalidInput(*found.problems)


def _table(source: Path, name: str, findings: Findings) -> list[tuple[str, str]]:
    """The texts and labels of a table by the rules of CSV; none if it cannot be read, as the findings say."""
    rows: list[tuple[str, str]] = []
    try:
        with open_beneath(source, name) as stream:
            reader = csv.reader(io.TextIOWrapper(stream, "utf-8", newline=""), delimiter="\t", strict=True)
            header = next(reader, [])
            if header != HEADER:
                findings.add("G020", 1, what=f"the columns are {', '.join(HEADER)}; found {', '.join(header)}")
            for row in reader:
                if len(row) == len(HEADER) and all(row):
                    rows.append((row[0], row[1]))
                else:
                    what = f"a record is a text and its label; found {len(row)} cells, {row.count('')} of them empty"
                    findings.add("G020", reader.line_num, what=what)
    except InvalidInput as error:
        findings.problems += error.problems
    except (csv.Error, UnicodeDecodeError) as error:
        findings.add("G020", what=f"it is no table in UTF-8: {error}")
    if findings.problems:
        return []
    _check_size(name, len(rows), findings)
    return rows


def _check_size(name: str, found: int, findings: Findings) -> None:
    if found != SIZES[name]:
        what = f"{name} has {found:,} utterances, the published one {SIZES[name]:,}; numbers do not compare"
        findings.add("G020", what=what)


def _object(source: Path, name: str) -> Mapping[str, Sequence[Any]]:
    """The JSON object of lists in a file. Raises InvalidInput."""
    with open_beneath(source, name) as stream:
        content = stream.read()
    try:
        found = parse(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _refusal(source / name, f"it is no UTF-8: {error}") from None
    except Refused as refused:
        findings = Findings(str(source / name), NEXT)
        findings.add(refused.code, None, **refused.facts)
        raise InvalidInput(*findings.problems) from None
    if not isinstance(found, dict) or not all(isinstance(rows, list) for rows in found.values()):
        raise _refusal(source / name, "it is no object of lists")
    return found


def _pairs(source: Path, part: str, rows: Sequence[Any], findings: Findings) -> list[tuple[str, str]]:
    """The texts and intents of a part. Raises InvalidInput (G020) for anything else."""
    for number, row in enumerate(rows, start=1):
        is_pair = isinstance(row, list) and len(row) == len(HEADER)
        if not is_pair or not all(item and isinstance(item, str) for item in row):
            raise _refusal(source / DATA, f"item {number} of {part} is no text with its intent")
    _check_size(part, len(rows), findings)
    return [(text, intent) for text, intent in rows]


def _utterances(part: str, rows: Sequence[tuple[str, str]]) -> list[Utterance]:
    return [Utterance(f"{part}-{number}", text, intent) for number, (text, intent) in enumerate(rows, start=1)]


def _test_sets(corpus: Corpus, level: str) -> Iterator[ImportedTestSet]:
    """One test set for each ratio and seed: what is given, then what is scored."""
    for split in (Split(corpus, level, ratio, seed) for ratio in RATIOS for seed in SEEDS):
        name = f"{split.family}-kir{round(100 * split.ratio)}-seed{split.seed}"
        rows = [*_given(split), *(_scored(split, one) for one in corpus.test)]
        yield ImportedTestSet(name, _facts(split), rows)


def _given(split: Split) -> Iterator[Mapping[str, Any]]:
    """What a system is told: a tenth of each known intent, or of each intent of a known domain, and outsiders."""
    from numpy.random import RandomState

    corpus, draw = split.corpus, RandomState(split.seed)
    by_intent: dict[str, list[Utterance]] = defaultdict(list)
    for one in corpus.train:
        by_intent[one.intent].append(one)
    names = sorted({split.name_of(intent) for intent in by_intent})
    known = set(draw.choice(names, round(len(names) * split.ratio), replace=False))
    told: list[Utterance] = []
    for intent in sorted(by_intent):
        if split.name_of(intent) in known:
            told += _some(draw, by_intent[intent], max(1, round(LABELLED_SHARE * len(by_intent[intent]))))
    told += _some(draw, corpus.outside, min(LENT, len(corpus.outside)))
    for one in told:
        given: dict[str, str | None] = {"intent": None if one.intent == OOS else one.intent}
        given |= {"domain": corpus.domains.get(one.intent)} if split.level == "domain" else {}
        yield {"id": one.id, "source": one.text, "reference": split.name_of(one.intent), "given": given}


def _some(draw: Any, utterances: Sequence[Utterance], count: int) -> list[Utterance]:  # noqa: ANN401 - a RandomState
    """As many of the utterances, in their order."""
    return [utterances[place] for place in sorted(draw.choice(len(utterances), count, replace=False))] if count else []


def _scored(split: Split, one: Utterance) -> Mapping[str, Any]:
    """A row that is scored; its name at the other level is a tag of its segment."""
    row = {"id": one.id, "source": one.text, "reference": split.name_of(one.intent)}
    if split.level == "domain":
        return row | {"intent": one.intent}
    return row | ({"domain": split.corpus.domains[one.intent]} if one.intent in split.corpus.domains else {})


def _facts(split: Split) -> Mapping[str, Any]:
    """The table of a test set."""
    corpus = split.corpus
    names = {split.name_of(one.intent) for one in corpus.test}
    tags = {
        "source_language": "en",
        "dataset": corpus.name,
        "level": split.level,
        "known_ratio": str(split.ratio),
        "seed": str(split.seed),
        "labelled_share": str(LABELLED_SHARE),
        "intents": str(len(names - {OOS})),
    }
    facts = {
        "title": f"{split.family}, {split.ratio:.0%} of the {split.level}s known, seed {split.seed}",
        "collection": f"open-intents-{split.family}",
        "gold": "gold.jsonl",
        "tags": tags | ({"open": OOS} if OOS in names else {}),
        "compat": ["known-intents"],
        "citation": f"{CITATIONS[corpus.name]}; {PROTOCOL}",
    }
    return facts | ({"licence": LICENCES[corpus.name]} if corpus.name in LICENCES else {})


def _strays(source: Path, read: Container[str]) -> list[str]:
    """Files below `source` that nothing was read from."""
    files = (path.relative_to(source).as_posix() for path in sorted(source.rglob("*")) if path.is_file())
    return [name for name in files if name not in read]


IMPORTERS: Mapping[str, Importer] = MappingProxyType({"textoir": textoir, "clinc150": clinc150})
