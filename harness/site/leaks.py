"""Whether anything that is still hidden stands in a site: a test set before its day, a name before `reveal`.

The build leaves all of it out. This looks at the bytes, as a second pair of eyes, also at files that somebody put
beside ours. A name that is a word like any other (a system called "rules") is looked for only where it is all that an
element, an attribute or a cell holds, and not among the texts of segments.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.catalogue import NOTICES
from harness.errors import printable
from harness.site import aliases, downloads, model
from harness.site.check import Finding
from harness.site.render import theme

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from harness.site.config import Config
    from harness.site.site import Records

_SHORTEST = 2
_SEGMENTS = 'class="segs'
_ENDING = r"\.(?:html|json|csv)\b"


def findings(site: Path, records: Records, settings: Config, today: date) -> list[Finding]:
    """Every file that says what should not be said yet."""
    secrets = hidden(records, settings, today)
    secrets = {name: what for name, what in secrets.items() if len(name) >= _SHORTEST}
    if not secrets or not site.is_dir():
        return []
    shown = model.visible(records, settings, today)
    by_how = _sorted_out(secrets, {*_said(shown), *_keys(json.loads(downloads.schema()))})
    everywhere = [_pattern(by_how[how], how) for how in ("word", "id") if by_how[how]]
    alone = [_pattern(by_how["alone"], "alone")] if by_how["alone"] else []
    forms = {form: name for name in secrets for form in _forms(name)}
    found = []
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        place = path.relative_to(site).as_posix()
        text = path.read_bytes().decode("utf-8", "replace")
        if _SEGMENTS in text:  # what systems said holds every word
            text, own = f'"{place}"\n{text}', f'"{place}"'
        else:
            text = own = f'"{place}"\n{text}'
        met = {forms[match["name"]] for pattern in everywhere for match in pattern.finditer(text)}
        met |= {forms[match["name"]] for pattern in alone for match in pattern.finditer(own)}
        found += [Finding(place, "leak", f"it names the {secrets[name]} {name}, which is hidden") for name in met]
    return sorted(found)


def hidden(records: Records, settings: Config, today: date) -> dict[str, str]:
    """What must not be read anywhere, and what it is."""
    found: dict[str, str] = {}
    shown = [one for one in records.results if not settings.is_hidden(one.task, one.test_set, today)]
    open_cells = {(task, name) for task, name, _ in records.absent if not settings.is_hidden(task, name, today)}
    known = {one.task for one in shown} | {one.test_set for one in shown} | {one.title for one in shown}
    known |= {one.collection for one in shown} | {part for cell in open_cells for part in cell}
    for one in records.results:
        if settings.is_hidden(one.task, one.test_set, today):
            facts = {one.test_set: "test set", one.title: "test set", one.collection: "collection", one.task: "task"}
            found |= {name: what for name, what in facts.items() if name and name not in known}
    for task, name, _ in records.absent:
        if settings.is_hidden(task, name, today) and name not in known:
            found.setdefault(name, "test set")
    if settings.hides_names(today):
        kinds = {"system": "system", "name": "system", "team": "team"}
        found |= {name: kinds[kind] for name, kind in aliases.names_in(records).items()}
    return found


@cache
def vocabulary() -> str:
    """The words of the pages themselves: templates, script, style, and what Python adds to them."""
    folders = ((theme() / "templates", "*"), (theme() / "static", "*"), (Path(__file__).parent, "*.py"))
    texts = [
        path.read_text("utf-8") for folder, what in folders for path in sorted(folder.glob(what)) if path.is_file()
    ]
    return "\n".join([*texts, *NOTICES.values()])


def _said(shown: Records) -> Iterator[str]:
    """What the visible records say beside names, as it may stand alone somewhere."""
    for one in shown.results:
        yield from (one.task, one.test_set, one.title, one.collection, *one.tags, *one.tags.values(), one.kind)
        for score in one.scores:
            yield from (score.metric, score.unit, *re.split(r"[|:]", f"{score.signature}|{score.method}"))
        yield from one.provenance.packages
    for found in shown.derived:
        yield from (found.name, found.title, found.metric)
    for timing in shown.timings:
        yield from (timing.backend, timing.scenario, timing.protocol, *timing.machine, *timing.machine.values())
    for meaning in shown.metrics.values():
        yield from (meaning.title, meaning.formula, meaning.citation)


def _keys(value: object) -> Iterator[str]:
    """Every key and text of a JSON value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)
    elif isinstance(value, str):
        yield value


def _sorted_out(secrets: Mapping[str, str], said: set[str]) -> dict[str, list[str]]:
    """How each secret is looked for: as a `word`, as an `id`, `alone`; not at all if it is said for another reason."""
    words = vocabulary() + "\n" + "\n".join(sorted(said))
    found: dict[str, list[str]] = {"word": [], "id": [], "alone": []}
    for name, what in secrets.items():
        if name in said or _pattern([name], "alone").search(vocabulary()):
            continue
        is_plain = name.isalpha() or re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words)
        how = "alone" if is_plain else "id" if what in {"test set", "task", "collection"} else "word"
        found[how].append(name)
    return found


def _pattern(names: Iterable[str], how: str) -> re.Pattern[str]:
    forms = sorted({form for name in names for form in _forms(name)}, key=len, reverse=True)
    each = rf"(?P<name>{'|'.join(map(re.escape, forms))})"
    if how == "word":
        return re.compile(rf"(?<!\w){each}(?!\w)")
    if how == "id":
        return re.compile(rf"(?<![\w.+-]){each}(?:(?![\w.+-])|(?={_ENDING})|(?=\.(?:\s|$)))")
    ends = rf"(?(tag)\s*<|(?(quote)\"|(?(part)(?:[/\"]|{_ENDING}|-\d+{_ENDING}|--vs--)|,)))"
    return re.compile(rf"(?:(?P<tag>>\s*)|(?P<quote>\")|(?P<part>/|--vs--)|(?:^|,)){each}{ends}", re.MULTILINE)


def _forms(name: str) -> set[str]:
    """How a name may be written in a file."""
    shown = printable(name, len(name) + 1)
    return {
        name,
        shown,
        html.escape(shown),
        str(html.escape(shown)).replace("&#x27;", "&#39;"),
        quote(name, safe=""),
        json.dumps(name)[1:-1],
    }
