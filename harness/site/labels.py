"""Names beside the marks of a chart: how wide they are, and where they find room.

A browser sets the text, in a font that nobody knows beforehand. So widths are generous estimates by classes of
characters, and no label is placed where it might touch another.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

LABEL = 22
"""The most characters of a name inside a drawing; its tooltip and the table have all of them."""
FONT = 13.0
"""The largest size at which a stylesheet may set labels: places are found for it."""
MARK = 5.0
"""Half the size of a mark."""

_NARROW, _BROAD = frozenset("fijlrtI.,:;'|!()[]- "), frozenset("mwMW@%")


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle that is drawn into."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Label:
    """A text beside its mark; `box` is the room that it takes."""

    text: str
    x: float
    y: float
    anchor: str
    box: Frame


def width(text: str) -> float:
    """How wide a text will be at most, about: in units of its font size, by classes of characters."""
    return sum(map(_char_width, text))


def shorten(name: str) -> str:
    """A name as it stands inside a drawing."""
    return printable(name, LABEL)


def place(
    marks: Sequence[tuple[float, float, str]], frame: Frame, obstacles: Sequence[Frame] = ()
) -> list[Label | None]:
    """Places for the labels of `marks` (x, y, text), the first ones first; None where no place is left.

    Of eight places around its mark a label takes the first that overlaps no other label, no mark, no obstacle
    and no edge of the frame.
    """
    taken = [Frame(x - MARK, y - MARK, x + MARK, y + MARK) for x, y, _ in marks] + list(obstacles)
    found: list[Label | None] = []
    for x, y, text in marks:
        label = next((one for one in _around(x, y, text) if _fits(one.box, frame, taken)), None)
        if label is not None:
            taken.append(label.box)
        found.append(label)
    return found


def _char_width(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in {"W", "F"}:
        return 1.05
    if char in _NARROW:
        return 0.42
    return 0.98 if char in _BROAD else 0.7 if char.isupper() else 0.63


def _around(x: float, y: float, text: str) -> list[Label]:
    """The eight places: beside the corners first, since whiskers run along the axes."""
    wide, high, gap = round(width(text) * FONT, 1), FONT, MARK + 2
    rows = {"above": y - gap - high, "middle": y - high / 2, "below": y + gap}
    places = [
        ("start", x + gap - 2, rows["above"] + 3),
        ("end", x - gap + 2, rows["above"] + 3),
        ("start", x + gap - 2, rows["below"] - 3),
        ("end", x - gap + 2, rows["below"] - 3),
        ("start", x + gap, rows["middle"]),
        ("end", x - gap, rows["middle"]),
        ("middle", x, rows["above"]),
        ("middle", x, rows["below"]),
    ]
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}
    labels = []
    for anchor, at, top in places:
        left = at - share[anchor] * wide
        box = Frame(round(left, 1), round(top, 1), round(left + wide, 1), round(top + high, 1))
        labels.append(Label(text, round(at, 1), round(top + 0.8 * high, 1), anchor, box))
    return labels


def _fits(box: Frame, frame: Frame, taken: Sequence[Frame]) -> bool:
    inside = frame.left <= box.left and box.right <= frame.right and frame.top <= box.top and box.bottom <= frame.bottom
    return inside and not any(overlap(box, other) for other in taken)


def overlap(one: Frame, other: Frame) -> bool:
    """Whether two rectangles share any area."""
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom
