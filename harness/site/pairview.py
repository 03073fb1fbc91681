"""Where two systems differ, segment by segment: who is right, by how much, and the texts behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.site import charts, segmentpages, segmentview
from harness.site.segmentview import Text, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.records import SegmentRow, Segments
    from harness.site.pairs import Duel
    from harness.site.segmentview import About, Asked, Finding, Value, View

SHOWN = 20
"""Segments that are shown for each of the two."""


@dataclass(frozen=True, slots=True)
class Case:
    """A segment on which the two differ: what both said, what evidence says of one only, by how much a is better."""

    id: str
    anchor: str
    tags: tuple[tuple[str, str], ...]
    links: tuple[str, str]
    asked: tuple[Asked, ...]
    findings: tuple[tuple[Finding, ...], tuple[Finding, ...]]
    values: tuple[Value | None, Value | None]
    gain: float
    keys: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """In how many segments both, one or none is right by the primary metric; `same` outputs are letter by letter."""

    both: int
    only_a: int
    only_b: int
    neither: int
    unknown: int
    same: int


def context(
    duel: Duel, facts: About, paths: tuple[Path, ...], read: Callable[[Path], Segments]
) -> Mapping[str, object]:
    """What the page of a pair shows: read when it is rendered, from the records of both."""
    if not paths:
        return {"duel": duel, "agreement": None, "for_a": (), "for_b": (), "verdicts": (), "histogram": None, "by": ""}
    a, b = (read(path) for path in paths)
    rows = list(zip(a.rows, b.rows, strict=False))
    places = segmentview.place_of(a.metrics, facts), segmentview.place_of(b.metrics, facts)
    rights = [(segmentview.is_right(x, places[0], facts), segmentview.is_right(y, places[1], facts)) for x, y in rows]
    gains, by = _gains(rows, rights, places, facts)
    order = sorted(range(len(rows)), key=lambda number: (-gains[number], number))

    def case(number: int) -> Case:
        views = [segmentview.view(row, own.metrics, facts) for row, own in zip(rows[number], (a, b), strict=True)]
        return _case(duel, number, (views[0], views[1]), gains[number], rights[number])

    for_a = [case(number) for number in order[:SHOWN] if gains[number] > 0]
    for_b = [case(number) for number in sorted(order[-SHOWN:], key=lambda one: (gains[one], one)) if gains[number] < 0]
    return {
        "duel": duel,
        "agreement": agreement(rows, rights),
        "for_a": for_a,
        "for_b": for_b,
        "verdicts": segmentpages.legend(one for found in (*for_a, *for_b) for own in found.findings for one in own),
        "histogram": charts.distribution(gains) if any(gains) else None,
        "by": by,
    }


def _case(
    duel: Duel, number: int, views: tuple[View, View], gain: float, right: tuple[bool | None, bool | None]
) -> Case:
    sides = (duel.a, duel.b)
    pages = [side.paging.page_of(number) if side.paging else 1 for side in sides]
    links = [f"{side.system}-{page}" for side, page in zip(sides, pages, strict=True)]
    a, b = views
    found = [{(one.verdict, one.label): one for one in view.findings} for view in views]
    own = [tuple(one for key, one in mine.items() if key not in other) for mine, other in (found, found[::-1])]
    return Case(
        id=a.id,
        anchor=a.anchor,
        tags=a.tags,
        links=(links[0], links[1]),
        asked=tuple(_both(x, y, (duel.a.name, duel.b.name)) for x, y in zip(a.asked, b.asked, strict=False)),
        findings=(own[0], own[1]),
        values=(a.primary, b.primary),
        gain=gain,
        keys="ab" if right == (True, False) else "ba" if right == (False, True) else "",
    )


def _both(a: Asked, b: Asked, names: tuple[str, str]) -> Asked:
    """A request with the outputs of both; source and references unmarked, since evidence there is of one system."""
    shared = [replace(line, text=_plain(line.text)) for line in a.lines if line.kind != "output"]
    outputs = [
        replace(line, label=name)
        for asked, name in zip((a, b), names, strict=True)
        for line in asked.lines
        if line.kind == "output"
    ]
    shared_kinds = tuple(kind for kind in a.kinds if kind != "output")
    tokens = [
        Token((*map(_plain, x.texts[: len(shared_kinds)]), *outs), (*x.changed[: len(shared_kinds)], *differ))
        for x, y in zip(a.tokens, b.tokens, strict=False)
        for outs, differ in [_outputs((x, y), (a.kinds, b.kinds))]
    ]
    kinds = (*shared_kinds, "output", "output") if tokens else ()
    return replace(a, lines=(*shared, *outputs), tokens=tuple(tokens), kinds=kinds, findings=())


def _outputs(
    tokens: tuple[Token, Token], kinds: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple[list[Text], list[bool]]:
    """What each of the two made of a token, and whether that is not the token itself."""
    known = [(token, "output" in own) for token, own in zip(tokens, kinds, strict=True)]
    texts = [token.texts[-1] if has else Text((), "no output") for token, has in known]
    return texts, [token.changed[-1] if has else True for token, has in known]


def _plain(text: Text) -> Text:
    return replace(text, pieces=tuple(replace(piece, tone="", says="") for piece in text.pieces))


def agreement(
    rows: Sequence[tuple[SegmentRow, SegmentRow]], rights: Sequence[tuple[bool | None, bool | None]]
) -> Agreement:
    """Count who is right where, and where the two say the same."""
    kinds = (True, True), (True, False), (False, True), (False, False)
    both, only_a, only_b, neither = map(rights.count, kinds)
    same = sum([said.output for said in x.said] == [said.output for said in y.said] for x, y in rows)
    return Agreement(both, only_a, only_b, neither, len(rights) - both - only_a - only_b - neither, same)


def _gains(
    rows: Sequence[tuple[SegmentRow, SegmentRow]],
    rights: Sequence[tuple[bool | None, bool | None]],
    places: tuple[int | None, int | None],
    facts: About,
) -> tuple[list[float], str]:
    """By how much a is better on every segment: by the primary metric's value, else by its evidence."""
    measure = facts.measures.get(facts.primary)
    if measure is None or None in places:
        return [float(bool(x)) - float(bool(y)) if None not in (x, y) else 0.0 for x, y in rights], "evidence"
    values = [(segmentview.value_at(x, places[0]), segmentview.value_at(y, places[1])) for x, y in rows]
    return [measure.gain(x, y) if x is not None and y is not None else 0.0 for x, y in values], "value"
