"""One segment of one system as a page shows it: texts with marks, values, findings; computed from a record's row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

import msgspec

from harness.catalogue import problem
from harness.errors import IntegrityError
from harness.records import Segments
from harness.site.evidence import Run, anchor, language, marked, runs, tone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.records import Result, Said, SegmentRow, Span, Spoken

    Best = Literal["higher", "lower", "zero", "none"]

TEXT_LIMIT = 20_000
"""Characters of one text that a page shows; what is left out is said."""
_DECIMALS = {"fraction": 4, "points": 2}
_TOP = {"fraction": 1.0, "points": 100.0}
_CLOSE = 1e-9
_SOURCE, _TARGET = ("source_language", "language"), ("target_language", "language")
_WORST_FIRST = ("bad", "good", "other")


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric as far as single segments need it."""

    metric: str
    unit: str
    best: Best

    def is_best(self, value: float) -> bool | None:
        """Whether nothing could be better; None where the metric has no best."""
        if self.best == "none" or (self.best == "higher" and self.unit not in _TOP):
            return None
        return value >= _TOP[self.unit] - _CLOSE if self.best == "higher" else abs(value) <= _CLOSE

    def gain(self, a: float, b: float) -> float:
        """By how much a is better than b; 0 where the metric does not judge."""
        return {"higher": a - b, "lower": b - a, "zero": abs(b) - abs(a), "none": 0.0}[self.best]


@dataclass(frozen=True, slots=True)
class About:
    """What all segments of a result have in common."""

    primary: str
    measures: Mapping[str, Measure]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Noted:
    """What evidence says of a place, with the metrics that say so."""

    start: int
    end: int
    verdict: str
    label: str
    metrics: tuple[str, ...]

    def says(self, primary: str) -> str:
        """The finding in words; metrics are named where the primary one is not among them."""
        by = "" if primary in self.metrics else f" ({', '.join(self.metrics)})"
        return f"{self.verdict}: {self.label}{by}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of text; one with a tone is marked, and says why."""

    runs: tuple[Run, ...]
    tone: str = ""
    says: str = ""

    @property
    def plain(self) -> str | None:
        """The text where it can be printed as it is."""
        return self.runs[0].text if len(self.runs) == 1 and not self.runs[0].name else None


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a segment; `state` says what it is if there is nothing to read, `rest` how much is not shown."""

    pieces: tuple[Shown, ...]
    state: str = ""
    rest: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A source, a reference or an output: one text, or in `Asked.tokens` one per token."""

    kind: str
    label: str
    language: str
    text: Text


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the source, and what became of it: texts in the order of the labels; `changed` says which differ."""

    texts: tuple[Text, ...]
    changed: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence as a list names it: each verdict on each thing once."""

    tone: str
    verdict: str
    label: str
    by: str
    count: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a segment: its lines, or its tokens where it has one text per token."""

    id: str
    lines: tuple[Line, ...]
    tokens: tuple[Token, ...]
    kinds: tuple[str, ...]
    language: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A metric's value on a segment."""

    metric: str
    value: float
    unit: str

    @property
    def shown(self) -> str:
        """The value in as many digits as a single segment deserves."""
        return f"{self.value:z.{_DECIMALS.get(self.unit, 2)}f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class View:
    """One segment, ready to be printed; `keys` holds the words by which a list can be narrowed."""

    id: str
    anchor: str
    block: str
    tags: tuple[tuple[str, str], ...]
    asked: tuple[Asked, ...]
    primary: Value | None
    others: tuple[Value, ...]
    keys: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What evidence says of all its requests."""
        return tuple(finding for asked in self.asked for finding in asked.findings)


def read(path: Path) -> Segments:
    """A record of segments. Raises OSError, and IntegrityError (R011) for what is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Segments)
    except msgspec.DecodeError as error:
        raise IntegrityError(problem("R011", file=path, what=str(error))) from error


def about(result: Result) -> About:
    """What the segments of a result need to know of it."""
    measures = {score.metric: Measure(score.metric, score.unit, score.best) for score in result.scores}
    return About(result.primary, measures, result.tags)


def place_of(metrics: Sequence[str], facts: About) -> int | None:
    """Where the values of a record's rows have the primary metric."""
    return metrics.index(facts.primary) if facts.primary in metrics else None


def value_at(row: SegmentRow, place: int | None) -> float | None:
    """A segment's value at a place; None where it has none, or the record lacks the metric."""
    return row.values[place] if place is not None and place < len(row.values) else None


def is_right(row: SegmentRow, place: int | None, facts: About) -> bool | None:
    """Whether the primary metric has nothing against a segment: by its value, else by its evidence; None: unknown."""
    value, measure = value_at(row, place), facts.measures.get(facts.primary)
    if value is not None and measure is not None:
        return measure.is_best(value)
    tones = {tone(span.verdict) for span in row.evidence if span.metric == facts.primary}
    return False if "bad" in tones else True if "good" in tones else None


def view(row: SegmentRow, metrics: Sequence[str], facts: About) -> View:
    """A row of a record, ready to be printed."""
    units = {name: measure.unit for name, measure in facts.measures.items()}
    values = [
        Value(name, value, units.get(name, ""))
        for name, value in zip(metrics, row.values, strict=False)
        if value is not None
    ]
    is_wrong = is_right(row, place_of(metrics, facts), facts) is False
    has_bad = any(tone(span.verdict) == "bad" for span in row.evidence)
    return View(
        id=row.id,
        anchor=anchor(row.id),
        block="" if row.block == row.id else row.block,
        tags=tuple(sorted(row.tags.items())),
        asked=tuple(_asked(said, row, facts) for said in row.said),
        primary=next((value for value in values if value.metric == facts.primary), None),
        others=tuple(value for value in values if value.metric != facts.primary),
        keys=" ".join(key for key, holds in (("wrong", is_wrong), ("bad", is_wrong or has_bad)) if holds),
    )


def _findings(spans: Iterable[Span], primary: str) -> Iterator[Finding]:
    """Every verdict on every label once, with how often it stands: what is bad first, then the order of the record."""
    metrics: dict[tuple[str, str], dict[str, None]] = {}
    places: Counter[tuple[str, str, str, str]] = Counter()
    for span in spans:
        metrics.setdefault((span.verdict, span.label), {})[span.metric] = None
        places[span.verdict, span.label, span.metric, span.text] += 1
    most: dict[tuple[str, str], int] = {}
    for (verdict, label, *_), count in places.items():
        most[verdict, label] = max(count, most.get((verdict, label), 0))
    for verdict, label in sorted(metrics, key=lambda key: _WORST_FIRST.index(tone(key[0]))):
        by = metrics[verdict, label]
        named = "" if primary in by else ", ".join(by)
        yield Finding(tone(verdict), verdict, label, named, most[verdict, label])


def _asked(said: Said, row: SegmentRow, facts: About) -> Asked:
    """The lines of a request, or its tokens."""
    known = (row.tags, facts.tags)
    languages = {"source": language(known, _SOURCE), "reference": language(known, _TARGET)}
    languages["output"] = languages["reference"]
    spans = [span for span in row.evidence if span.request == said.id]
    findings = tuple(_findings(spans, facts.primary))
    if isinstance(said.source, list):
        tokens, kinds = _tokens(said, spans, facts.primary)
        return Asked(said.id, (), tokens, kinds, languages["output"], findings)
    many = len(said.references) > 1
    texts: list[tuple[str, str, Spoken | None]] = [
        ("source", "Source", said.source),
        *(("reference", f"Reference {n}" if many else "Reference", text) for n, text in enumerate(said.references, 1)),
        ("output", "Output", said.output),
    ]
    lines = [
        Line(kind, label, languages[kind], _text(_flat(spoken), _at(spans, kind, label, None), facts.primary))
        for kind, label, spoken in texts
    ]
    return Asked(said.id, tuple(lines), (), (), languages["output"], findings)


def _flat(spoken: Spoken | None) -> str | None:
    """A text; one per token that stands where a text is expected is joined."""
    return " ".join(spoken) if isinstance(spoken, list) else spoken


def _tokens(said: Said, spans: Sequence[Span], primary: str) -> tuple[tuple[Token, ...], tuple[str, ...]]:
    """What became of every token; the first text is the source."""
    columns: list[tuple[str, Spoken]] = [("source", said.source), *(("reference", text) for text in said.references)]
    columns += [] if said.output is None else [("output", said.output)]
    kinds = tuple(kind for kind, _ in columns)
    found = []
    for number, texts in enumerate(zip_longest(*(spoken for _, spoken in columns), fillvalue="")):
        shown = [
            _text(text, _at(spans, kind, "", number) if kind != "reference" or place == 1 else [], primary)
            for place, (kind, text) in enumerate(zip(kinds, texts, strict=True))
        ]
        found.append(Token(tuple(shown), tuple(text != texts[0] for text in texts)))
    return tuple(found), kinds


def _at(spans: Iterable[Span], kind: str, label: str, token: int | None) -> list[Noted]:
    """What is said of one text; what several metrics say of a place stands once. Spans of references mean the first."""
    places: dict[tuple[int, int, str, str], list[str]] = {}
    for span in spans:
        if span.text == kind and span.token == token and label in ("", kind.title(), f"{kind.title()} 1"):
            places.setdefault((span.start, span.end, span.verdict, span.label), []).append(span.metric)
    return [Noted(*place, tuple(metrics)) for place, metrics in places.items()]


def _text(text: str | None, notes: Sequence[Noted], primary: str) -> Text:
    if not text:
        return Text((), "no output" if text is None else "empty")
    if not notes:
        return Text((Shown(runs(text[:TEXT_LIMIT])),), rest=max(0, len(text) - TEXT_LIMIT))
    shown = [
        Shown(
            runs(piece.text),
            _tone(piece.spans, primary) if piece.spans else "",
            "; ".join(dict.fromkeys(note.says(primary) for note in piece.spans)),
        )
        for piece in marked(text[:TEXT_LIMIT], notes)
    ]
    return Text(tuple(shown), rest=max(0, len(text) - TEXT_LIMIT))


def _tone(notes: Sequence[Noted], primary: str) -> str:
    """The tone of a place: the primary metric's word counts before that of others, and a bad one before a good one."""
    said = [note for note in notes if primary in note.metrics] or notes
    tones = {tone(note.verdict) for note in said}
    return next(name for name in _WORST_FIRST if name in tones)
