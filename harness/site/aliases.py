"""Other names for systems and teams, until the organizers reveal who is who.

An alias is a keyed digest of the name: the same in every build, for every task, whoever else takes part, and nobody
who lacks the key can try names until one fits. What could tell a name by another way goes, too: digests of the
files in which participants wrote their names, and names inside of messages.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from harness.records import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.records import Comparison, Derived, Pair, Result, Timing
    from harness.site.site import Cell, Records

WITHHELD = "withheld"
"""Stands for what would tell a name."""
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class Names:
    """What systems and teams are called in public, by what they are called."""

    systems: Mapping[str, str]
    teams: Mapping[str, str]
    words: re.Pattern[str]
    known: Mapping[str, str]

    def system(self, name: str) -> str:
        """The alias of a system's id, which is an id, too."""
        return self.systems.get(name, name)

    def text(self, text: str) -> str:
        """A message in which every name is replaced."""
        return self.words.sub(lambda match: self.known[match[0]], text)


def names_in(records: Records) -> dict[str, str]:
    """Every name that aliases hide, by what it is: `system`, `name` or `team`."""
    found = dict.fromkeys(_systems(records), "system")
    for record in _records(records):
        if record.system != REFERENCE:
            found.setdefault(record.team, "team")
            found.setdefault(record.name, "name")
    return {name: kind for name, kind in found.items() if name}


def names(records: Records, key: str) -> Names:
    """The aliases of everybody in some records."""
    own = names_in(records)
    systems = _codes(_systems(records), "system", key)
    teams = _codes((record.team for record in _records(records)), "team", key)
    aliases = {name: f"system-{code}" for name, code in systems.items()}
    known = {record.name: f"System {systems[record.system]}" for record in records.results if record.system in systems}
    known |= {team: f"Team {code}" for team, code in teams.items()} | aliases
    shown = {name: known.get(name, WITHHELD) for name in own}
    longest = sorted(map(re.escape, shown), key=len, reverse=True)
    words = re.compile(rf"(?<!\w)(?:{'|'.join(longest)})(?!\w)" if longest else r"(?!)")
    return Names(aliases, {team: f"Team {code}" for team, code in teams.items()}, words, shown)


def applied(records: Records, key: str) -> Records:
    """The same records with aliases in the place of all names."""
    found = names(records, key)

    def cell(one: Cell) -> Cell:
        return one[0], one[1], found.system(one[2])

    return replace(
        records,
        results=[_result(found, one) for one in records.results],
        absent=[cell(one) for one in records.absent],
        comparisons=[_comparison(found, one) for one in records.comparisons],
        derived=[_derived(found, one) for one in records.derived],
        timings=[_timing(found, one) for one in records.timings],
        segments={cell(one): path for one, path in records.segments.items()},
    )


def _records(records: Records) -> list[Result | Timing]:
    """Those that say who a system is."""
    return [*records.results, *records.timings]


def _systems(records: Records) -> set[str]:
    found = {one.system for one in _records(records)}
    found |= {system for _, _, system in (*records.absent, *records.segments)}
    for one in records.comparisons:
        found |= {*one.outputs, *(member.system for member in one.systems)}
    for number in records.derived:
        found |= {*number.outputs, *(member.system for member in number.systems)}
    return found - {REFERENCE}


def _codes(members: Iterable[str], kind: str, key: str) -> dict[str, str]:
    """A code for each of the members: as short as they can be told apart by."""
    digests = {
        name: hmac.new(key.encode(), f"{kind}\0{name}".encode(), "sha256").hexdigest()
        for name in sorted(set(members) - {"", REFERENCE})
    }
    length = next(n for n in range(_SHORTEST, 65) if len({one[:n] for one in digests.values()}) == len(digests))
    return {name: digest[:length] for name, digest in digests.items()}


def _who(found: Names, record: Result | Timing) -> dict[str, str]:
    """The fields of a record that say who a system is."""
    if record.system == REFERENCE:
        return {}
    alias = found.system(record.system)
    return {
        "system": alias,
        "name": f"System {alias.removeprefix('system-')}",
        "team": found.teams.get(record.team, record.team),
    }


def _result(found: Names, record: Result) -> Result:
    scores = [
        msgspec.structs.replace(score, reason=found.text(score.reason)) if score.reason else score
        for score in record.scores
    ]
    origin = record.provenance
    if record.system != REFERENCE:
        origin = msgspec.structs.replace(origin, manifest=WITHHELD)
    return msgspec.structs.replace(record, **_who(found, record), scores=scores, provenance=origin)


def _pair(found: Names, pair: Pair) -> Pair:
    return msgspec.structs.replace(pair, a=found.system(pair.a), b=found.system(pair.b))


def _comparison(found: Names, record: Comparison) -> Comparison:
    outputs = {found.system(system): digest for system, digest in record.outputs.items()}
    return msgspec.structs.replace(
        record,
        outputs=dict(sorted(outputs.items())),
        systems=[msgspec.structs.replace(one, system=found.system(one.system)) for one in record.systems],
        pairs=[_pair(found, pair) for pair in record.pairs],
        reason=found.text(record.reason) if record.reason else record.reason,
    )


def _derived(found: Names, record: Derived) -> Derived:
    outputs = {found.system(system): digests for system, digests in record.outputs.items()}
    systems = [msgspec.structs.replace(one, system=found.system(one.system)) for one in record.systems]
    unknown = sorted((one for one in systems if one.value is None), key=lambda one: one.system)
    ordered = [*(one for one in systems if one.value is not None), *unknown]  # these stood in the order of real names
    return msgspec.structs.replace(record, outputs=dict(sorted(outputs.items())), systems=ordered)


def _timing(found: Names, record: Timing) -> Timing:
    trusted = record.isolation.trusted_by
    return msgspec.structs.replace(
        record,
        **_who(found, record),
        flags=[msgspec.structs.replace(flag, detail=found.text(flag.detail)) for flag in record.flags],
        quantities=[
            msgspec.structs.replace(one, reason=found.text(one.reason)) if one.reason else one
            for one in record.quantities
        ],
        isolation=msgspec.structs.replace(record.isolation, trusted_by=found.text(trusted) if trusted else trusted),
        submission=WITHHELD,
    )
