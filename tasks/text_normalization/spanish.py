"""Align Spanish sentences of Proteno: tokens of written text with a text in which readings are tagged.

    tokens   la, versión, 3, ., 0, sube, un, 97, %
    tagged   La versión <error what="tres">3</error> … un <error what="noventa y siete por ciento">97 %</error>

The tagged text is no XML (stray angle brackets stand in it), and it is not read as XML: four tags are
found as they are written, anything else is text.

1. Text inside `<lang id="…">` is dropped with its tags, because the tokens lack it.
2. White space is removed, and what is left is lower-cased; the tokens likewise. Both must then be the
   same characters, and each stretch of text between tags belongs to the tokens at the same offsets.
3. A token that no `<error what="…">` touches is read as it is written.
4. A token gets the readings of the tags that begin inside it, in order, with what lies between them:
   `<error what="dos mil">2</error> <error what="trescientos cinco">305</error>` is the token `2305`.
5. A tag around several tokens gives its reading to the first; the others are silent. But if its text
   ends with `%` (or `%.`) and its reading with `por ciento`, these belong together, and the rest to the
   rest.
6. A reading of white space is silence. Of tags inside tags the outermost counts.

A sentence that breaks a rule, for instance one whose tokens lack a web address, cannot be aligned.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PERCENT_SPOKEN = "por ciento"
_PERCENT = re.compile(r"%[^\w%]*\Z")
_TAG = re.compile(r'<error what="(?P<reading>[^"]*)">|(?P<end></error>)|<lang id="[^"]*">|(?P<end_lang></lang>)')
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Span:
    """A tagged stretch `[start, end)` of the characters, and how it is read."""

    start: int
    end: int
    reading: str


def align(tokens: Sequence[str], tagged: str) -> list[str]:
    """How each token is read. Raises ValueError with the reason if the sentence cannot be aligned."""
    text, spans = scan(tagged)
    bare = [_bare(token) for token in tokens]
    joined = "".join(bare)
    if joined != text:
        at = next((at for at, (a, b) in enumerate(zip(joined, text, strict=False)) if a != b), None)
        at = min(len(joined), len(text)) if at is None else at
        message = (
            f"at character {at} the tokens go on '{joined[at : at + _SHOWN]}', the text '{text[at : at + _SHOWN]}'"
        )
        raise ValueError(message)
    return list(_readings(tokens, bare, deque(part for span in spans for part in _without_percent(span, text))))


def scan(tagged: str) -> tuple[str, list[Span]]:
    """The characters of a tagged text as they are compared, and its outermost spans.

    Raises ValueError for tags without partner and for a span without text.
    """
    text, spans = "", []
    open_spans: list[Span] = []
    languages = at = 0
    for tag in _TAG.finditer(tagged):
        text += "" if languages else _bare(tagged[at : tag.start()])
        at = tag.end()
        if tag["reading"] is not None:
            open_spans.append(Span(len(text), len(text), " ".join(tag["reading"].split())))
        elif tag["end"]:
            span = _closed(open_spans, len(text))
            if not open_spans and not languages:
                spans.append(span)
        else:
            languages += -1 if tag["end_lang"] else 1
            if languages < 0:
                raise ValueError("</lang> closes nothing")
    if open_spans or languages:
        raise ValueError("a tag is not closed")
    if any(span.start == span.end for span in spans):
        raise ValueError("a tag <error> holds no text")
    return text + _bare(tagged[at:]), spans


def _closed(open_spans: list[Span], end: int) -> Span:
    if not open_spans:
        raise ValueError("</error> closes nothing")
    return replace(open_spans.pop(), end=end)


def _bare(text: str) -> str:
    return "".join(text.split()).lower()


def _without_percent(span: Span, text: str) -> Iterator[Span]:
    """The span, or its number and its percent sign (with what punctuation follows) as two."""
    number = span.reading.removesuffix(PERCENT_SPOKEN).rstrip()
    sign = _PERCENT.search(text, span.start, span.end)
    if sign and number and sign.start() > span.start and span.reading.endswith(PERCENT_SPOKEN):
        yield Span(span.start, sign.start(), number)
        yield Span(sign.start(), span.end, PERCENT_SPOKEN)
    else:
        yield span


def _readings(tokens: Sequence[str], bare: Sequence[str], spans: deque[Span]) -> Iterator[str]:
    """Walk tokens and spans side by side; both cover the same characters."""
    end = 0
    for token, text in zip(tokens, bare, strict=True):
        start, end = end, end + len(text)
        pieces: list[str] = []
        at = start
        is_touched = False
        while spans and spans[0].start < end:
            span, is_touched = spans[0], True
            pieces.append(text[at - start : max(span.start, at) - start])
            if span.start >= start:
                pieces.append(span.reading)
            at = min(span.end, end)
            if span.end > end:
                break
            spans.popleft()
        pieces.append(text[at - start :])
        yield " ".join(filter(None, pieces)) if is_touched else token
