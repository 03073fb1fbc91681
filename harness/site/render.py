"""Templates to text: one environment, in which everything is escaped, and the filters that templates use.

Every template is rendered with autoescaping, undefined names are errors, and every text that a
template prints goes through `harness.errors.printable`, so control and format characters are
visible and nothing from a record becomes markup.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from markupsafe import Markup

from harness.catalogue import NOTICES, problem
from harness.errors import InvalidInput, printable
from harness.site import model

if TYPE_CHECKING:
    from harness.records import Quantity, Score

_DECIMALS = {"fraction": 4, "points": 2}
_UNITS = {"fraction": "0 to 1", "points": "0 to 100", "count": "count"}
_REASONS = ("undefined", "unavailable")
_LEVEL = re.compile(r"\blevel:(0\.\d+)")
_TEXT_LIMIT = 2000
_DIGEST_SHOWN = 12


def theme() -> Path:
    """Templates and static files: inside the package in a wheel, beside it in a checkout."""
    here = Path(__file__).resolve()
    packaged = here.parent / "theme"
    return packaged if packaged.is_dir() else here.parents[2] / "leaderboard"


def environment(overrides: Path) -> Environment:
    """The theme's templates, and those of `overrides/templates`, which win and find the theme's as `theme/<name>`."""
    own = FileSystemLoader(theme() / "templates")
    loader = ChoiceLoader([FileSystemLoader(overrides / "templates"), own, PrefixLoader({"theme": own})])
    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_visible,
    )
    made.filters.update(
        brief=printable, exact=repr, number=number, measured=measured, level=level, why=why, url=_url, short=_short
    )
    made.globals.update(notices=NOTICES, units=_UNITS, yardsticks=model.YARDSTICKS)
    return made


def _visible(value: object) -> object:
    """What a template prints: text with its invisible characters escaped, or a number as it is."""
    return printable(value, _TEXT_LIMIT) if isinstance(value, str) and not isinstance(value, Markup) else value


def number(value: float, unit: str) -> str:
    """A value in as many digits as its unit deserves: fractions 4, points 2, whole counts none.

    The page carries the full precision beside it. A rounded zero has no sign.
    """
    if unit not in _DECIMALS and value == int(value):
        return str(int(value))
    return f"{value:z.{_DECIMALS.get(unit, 2)}f}"


def measured(quantity: Quantity) -> str:
    """A measured value in three digits and a unit of its size: `1.52 ms`, `48.1 MiB`, `212 requests/s`."""
    value, unit = quantity.value or 0.0, quantity.unit
    steps = {
        "s": (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)),
        "bytes": (("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10)),
    }
    for name, size in steps.get(unit, ()):
        if value >= size or name in {"µs", "KiB"}:
            value, unit = value / size, name
            break
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{digits}f} {unit}"


def level(method: str) -> str:
    """The confidence level in an interval's method, `95 %`; empty where it names none."""
    found = _LEVEL.search(method)
    return f"{float(found[1]) * 100:g} %" if found else ""


def why(score: Score) -> tuple[str, str]:
    """Why a score has no value: one word, `undefined` or `unavailable`, and the reason if known."""
    word, _, detail = (score.reason or _REASONS[0]).partition(": ")
    return (word, detail) if word in _REASONS else (_REASONS[1], score.reason or "")


def _url(name: str) -> str:
    """One segment of a relative link; `+` is encoded because servers disagree about it."""
    return quote(name, safe="")


def _short(digest: str) -> str:
    return digest[:_DIGEST_SHOWN]


def template_fault(error: TemplateError) -> InvalidInput:
    """What is wrong with a template, as far as Jinja tells."""
    file, line = (error.filename, error.lineno) if isinstance(error, TemplateSyntaxError) else (None, None)
    what = printable(error.message or type(error).__name__, 300)
    return InvalidInput(problem("T013", file=file, line=line, key="template", what=what))
