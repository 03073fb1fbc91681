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
"""Level of the intervals behind a suspicion: at .95, two honest timings in a hundred with few decoys were void."""
CHANCE = 0.000_1
"""How rarely a sign test may suspect an honest system."""
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


def look_for_cache(services: Sequence[tuple[Card, int]], floor_ns: int) -> list[Flag]:
    """Whether repeats are faster than first visits: per request the median repeat over the first, hi < .9.

    Each request is compared with itself, so lengths play no part. Savings within the noise of the driver
    (three times its floor) are no cache.
    """
    both = _again(services)
    if not both:
        return []
    ratio = repeat_ratio([first for first, _ in both], [repeats for _, repeats in both], SURE)
    saved = median(first - median(repeats) for first, repeats in both)
    if ratio.hi is None or ratio.hi >= FASTER or saved < 3 * floor_ns:
        return []
    return [_cached(f"repeats take {ratio.value:.2f} of the first visit [{ratio.lo:.2f}, {ratio.hi:.2f}]")]


def look_for_known_items(services: Sequence[tuple[Card, int]], floor_ns: int) -> list[Flag]:
    """Whether scored requests are faster than decoys of like length, at the first visit of both."""
    scored, decoys = _fresh(services)
    if not scored or not decoys:
        return []
    lengths, times = [[one[part] for one in scored] for part in (0, 1)]
    ratio = matched_ratio(lengths, times, [length for length, _ in decoys], [took for _, took in decoys], SURE)
    saved = (1 - (ratio.value or 1.0)) * median(took for _, took in decoys)
    if ratio.hi is None or ratio.hi >= FASTER or saved < 3 * floor_ns:
        return []
    return [_known(f"scored requests take {ratio.value:.2f} of decoys of like length [{ratio.lo:.2f}, {ratio.hi:.2f}]")]


def look_for_some(processes: Sequence[Sequence[tuple[Card, int]]], floor_ns: int) -> list[Flag]:
    """The same where fewer than half of the requests are remembered or known, which no median shows.

    Pairs are compared: first and second visit of a request, decoy and scored request of like length. In an honest
    system either is as likely to be the fast one, but for moments in which the machine is slow: so every process
    must show it, and one says nothing.
    """
    again = [[(first, repeats[0]) for first, repeats in _again(services)] for services in processes]
    alike = [_of_like_length(*_fresh(services)) for services in processes]
    flags = []
    if fast := _unlikely(again, floor_ns):
        what = f"{fast} of {sum(map(len, again))} requests take less than half of the time when they come again"
        flags.append(_cached(what))
    if fast := _unlikely(alike, floor_ns):
        what = f"{fast} of {sum(map(len, alike))} decoys take more than twice the time of scored requests like them"
        flags.append(_known(what))
    return flags


def _cached(what: str) -> Flag:
    return Flag(name="cached", detail=f"{what}; first visits count", voids=False)


def _known(what: str) -> Flag:
    return Flag(name="known-items", detail=what, voids=True)


def _again(services: Sequence[tuple[Card, int]]) -> list[tuple[int, list[int]]]:
    """Of each request that came again the time of its first visit, and those of the others in their order."""
    first: dict[str, int] = {}
    repeats: dict[str, list[int]] = {}
    for card, took in services:
        if card.request is not None:
            if card.visit == 0:
                first[card.request] = took
            else:
                repeats.setdefault(card.request, []).append(took)
    return [(first[request], repeats[request]) for request in first if request in repeats]


def _fresh(services: Sequence[tuple[Card, int]]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Lengths and times of scored requests when they came first, and of decoys."""
    scored = [(card.characters, took) for card, took in services if card.kind == "scored" and card.visit == 0]
    return scored, [(card.characters, took) for card, took in services if card.kind == "decoy"]


def _of_like_length(scored: Sequence[tuple[int, int]], decoys: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The times of each decoy and of the scored request nearest in length, none used twice."""
    rest = sorted(scored, key=itemgetter(0))  # by length alone, or equal lengths would pair with the fastest
    pairs = []
    for length, took in decoys[: len(rest)]:
        place = bisect_left(rest, length, key=itemgetter(0))
        near = min(range(max(0, place - 1), min(place + 1, len(rest))), key=lambda one: abs(rest[one][0] - length))
        pairs.append((took, rest.pop(near)[1]))
    return pairs


def _unlikely(processes: Sequence[Sequence[tuple[int, int]]], floor_ns: int) -> int:
    """How often the second of a pair takes less than half of the time of the first; 0 if that may be chance.

    It is no chance if P(Binomial(n, 1/2) >= fast) <= 1/10000 over the n pairs that differ so much (sign test; 14 to 0
    are enough), and if in each of several processes at least three are fast, and twice as many as are slow.
    """
    counts = [
        (_faster(pairs, floor_ns), _faster([(short, long) for long, short in pairs], floor_ns)) for pairs in processes
    ]
    if len(counts) < 2 or any(fast < max(3, 2 * slow) for fast, slow in counts):  # noqa: PLR2004 - several
        return 0
    fast, n = sum(fast for fast, _ in counts), sum(map(sum, counts))
    return fast if sum(comb(n, k) for k in range(fast, n + 1)) <= CHANCE * 2**n else 0


def _faster(pairs: Sequence[tuple[int, int]], floor_ns: int) -> int:
    """In how many pairs the second takes less than half, by more than the noise of the driver."""
    return sum(2 * short < long and long - short >= 3 * floor_ns for long, short in pairs)


def look_at_idling(cpu_s: float, wall_s: float) -> list[Flag]:
    """Processor time of the system while the harness asked nothing."""
    if not wall_s or cpu_s <= IDLE * wall_s:
        return []
    detail = f"{cpu_s:.2f} s of processor time in {wall_s:.2f} s in which nothing was asked"
    return [Flag(name="works-while-idle", detail=detail, voids=True)]
