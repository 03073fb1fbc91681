"""What a fast system may hide, and how it shows.

Every check gives a flag by name, or none. A flag that voids leaves the timing in the record, shown and never
ranked. The checks look at answers and at latencies that the harness stamped; nothing that a system says of
itself counts.

    outputs-differ    a timed answer is not the one that was scored
    truncated         timed answers are shorter or longer in the mean than the scored ones by more than 10 %
                      (MLPerf's TEST09)
    cached            a request that comes again is answered more than 10 % faster: first visits alone count then
    known-items       scored requests are answered faster than decoys of the same length
    works-while-idle  processor time is used while nothing is asked: work was put off, or done ahead

What the backend saw (`more-processors`, `fell-back`, …) and what is left at the end is added where it is known.
"""

from __future__ import annotations

from bisect import bisect_left
from math import comb
from operator import itemgetter
from statistics import mean, median
from typing import TYPE_CHECKING

from harness.records import Flag
from harness.stats.blocks import matched_ratio, repeat_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.api import Output
    from harness.timing.deck import Card

DIFFERENT = 0.05
"""Share of timed answers that may differ from the scored ones before a timing is void (GPUs round differently)."""
LENGTH = 0.10
FASTER = 0.90
SURE = 0.99
"""Level of the interval behind a flag that voids: at .95, two honest timings in a hundred with few decoys were void."""
CHANCE = 0.002
"""How rarely sign tests may suspect an honest system; `looks` share it, one for each process of a timing."""
IDLE = 0.20
"""Share of one processor that may be used while nothing is asked: runtimes that wait by spinning stop within that."""


def compare_outputs(said: Sequence[tuple[str, Output]], scored: Mapping[str, Output], *, corpus: bool) -> list[Flag]:
    """Timed answers beside those of the run that was scored; `said` holds (request, output) of every visit."""
    if not said:
        return []
    if corpus:
        different = 0 if _same_partition(said, scored) else len(said)
    else:
        different = sum(output != scored.get(request) for request, output in said)
    flags = []
    if different:
        detail = f"{different} of {len(said)} timed answers are not the scored ones"
        flags.append(Flag(name="outputs-differ", detail=detail, voids=different > DIFFERENT * len(said)))
    lengths = mean(_length(output) for _, output in said), mean(_length(scored.get(request)) for request, _ in said)
    if abs(lengths[0] - lengths[1]) > LENGTH * lengths[1] and not corpus:
        detail = f"timed answers have {lengths[0]:.1f} characters in the mean, the scored ones {lengths[1]:.1f}"
        flags.append(Flag(name="truncated", detail=detail, voids=True))
    return flags


def _same_partition(said: Sequence[tuple[str, Output]], scored: Mapping[str, Output]) -> bool:
    """Whether two clusterings are equal up to the names of clusters."""
    pairs = {(output, scored.get(request)) for request, output in said}
    return len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def _length(output: Output | None) -> int:
    return 0 if output is None else sum(map(len, output)) if isinstance(output, tuple | list) else len(output)


def look_for_cache(services: Sequence[tuple[Card, int]], floor_ns: int, looks: int = 1) -> list[Flag]:
    """Whether repeats are faster than first visits: per request the median repeat over the first, hi < .9.

    Each request is compared with itself, so lengths play no part. Savings within the noise of the driver
    (three times its floor) are no cache. A cache of fewer than half of the requests shows in the second visits.
    """
    first: dict[str, int] = {}
    repeats: dict[str, list[int]] = {}
    for card, took in services:
        if card.request is not None:
            if card.visit == 0:
                first[card.request] = took
            else:
                repeats.setdefault(card.request, []).append(took)
    both = [request for request in first if request in repeats]
    if not both:
        return []
    ratio = repeat_ratio([first[request] for request in both], [repeats[request] for request in both])
    saved = median(first[request] - median(repeats[request]) for request in both)
    if ratio.hi is not None and ratio.hi < FASTER and saved >= 3 * floor_ns:
        what = f"repeats take {ratio.value:.2f} of the first visit [{ratio.lo:.2f}, {ratio.hi:.2f}]"
    elif fast := _unlikely([(first[request], repeats[request][0]) for request in both], floor_ns, looks):
        what = f"{fast} of {len(both)} requests take less than half of the time when they come again"
    else:
        return []
    return [Flag(name="cached", detail=f"{what}; first visits count", voids=False)]


def look_for_known_items(services: Sequence[tuple[Card, int]], floor_ns: int, looks: int = 1) -> list[Flag]:
    """Whether scored requests are faster than decoys of like length, at the first visit of both.

    Where a system knows fewer than half of them, pairs of like length show it, if there are enough decoys.
    """
    scored = [(card.characters, took) for card, took in services if card.kind == "scored" and card.visit == 0]
    decoys = [(card.characters, took) for card, took in services if card.kind == "decoy"]
    if not scored or not decoys:
        return []
    lengths, times = [[one[part] for one in scored] for part in (0, 1)]
    ratio = matched_ratio(lengths, times, [length for length, _ in decoys], [took for _, took in decoys], SURE)
    saved = (1 - (ratio.value or 1.0)) * median(took for _, took in decoys)
    if ratio.hi is not None and ratio.hi < FASTER and saved >= 3 * floor_ns:
        what = f"scored requests take {ratio.value:.2f} of decoys of like length [{ratio.lo:.2f}, {ratio.hi:.2f}]"
    elif fast := _unlikely(_of_like_length(decoys, scored), floor_ns, looks):
        what = f"{fast} of {len(decoys)} decoys take more than twice the time of scored requests of like length"
    else:
        return []
    return [Flag(name="known-items", detail=what, voids=True)]


def _unlikely(pairs: Sequence[tuple[int, int]], floor_ns: int, looks: int) -> int:
    """How often the second of a pair takes less than half of the time of the first, 0 if that may be chance.

    In an honest system either is as likely to be the fast one: P(Binomial(n, 1/2) >= fast) <= 0.002 / looks over the
    n pairs that differ so much says otherwise (sign test). 9 to 0 do, in one of three looks 11 to 0.
    """
    fast, slow = (
        sum(2 * short < long and long - short >= 3 * floor_ns for long, short in ordered)
        for ordered in (pairs, [pair[::-1] for pair in pairs])
    )
    n = fast + slow
    return fast if sum(comb(n, k) for k in range(fast, n + 1)) <= CHANCE / looks * 2**n else 0


def _of_like_length(decoys: Sequence[tuple[int, int]], scored: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The times of each decoy and of the scored request nearest in length, none used twice: (decoy, scored)."""
    rest = sorted(scored, key=itemgetter(0))  # by length alone, or equal lengths would pair with the fastest
    pairs = []
    for length, took in decoys:
        place = bisect_left(rest, length, key=itemgetter(0))
        near = min(range(max(0, place - 1), min(place + 1, len(rest))), key=lambda one: abs(rest[one][0] - length))
        pairs.append((took, rest.pop(near)[1]))
        if not rest:
            break
    return pairs


def look_at_idling(cpu_s: float, wall_s: float) -> list[Flag]:
    """Processor time of the system while the harness asked nothing."""
    if not wall_s or cpu_s <= IDLE * wall_s:
        return []
    detail = f"{cpu_s:.2f} s of processor time in {wall_s:.2f} s in which nothing was asked"
    return [Flag(name="works-while-idle", detail=detail, voids=True)]
