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
    left-processes    processes outlived the system
    cpu-time          more processor time than the backend has
    affinity          threads that left the processors of the backend
    fell-back         no process was ever on the GPU that it was asked to use
"""

from __future__ import annotations

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


def look_for_cache(visits: Sequence[tuple[Card, int]], floor_ns: int) -> list[Flag]:
    """Whether repeats are faster than first visits: per request the median repeat over the first, hi < .9.

    Each request is compared with itself, so lengths play no part. Savings within the noise of the driver
    (three times its floor) are no cache.
    """
    first: dict[str, int] = {}
    repeats: dict[str, list[int]] = {}
    for card, latency in visits:
        if card.request is not None:
            if card.visit == 0:
                first[card.request] = latency
            else:
                repeats.setdefault(card.request, []).append(latency)
    both = [request for request in first if request in repeats]
    if not both:
        return []
    ratio = repeat_ratio([first[request] for request in both], [repeats[request] for request in both])
    saved = median(first[request] - median(repeats[request]) for request in both)
    if ratio.hi is None or ratio.hi >= FASTER or saved < 3 * floor_ns:
        return []
    detail = f"repeats take {ratio.value:.2f} of the first visit [{ratio.lo:.2f}, {ratio.hi:.2f}]; first visits count"
    return [Flag(name="cached", detail=detail, voids=False)]


def look_for_known_items(visits: Sequence[tuple[Card, int]], floor_ns: int) -> list[Flag]:
    """Whether scored requests are faster than decoys of like length, at the first visit of both."""
    scored = [(card.characters, latency) for card, latency in visits if card.kind == "scored" and card.visit == 0]
    decoys = [(card.characters, latency) for card, latency in visits if card.kind == "decoy"]
    if not scored or not decoys:
        return []
    lengths, times = [[one[part] for one in scored] for part in (0, 1)]
    ratio = matched_ratio(lengths, times, [length for length, _ in decoys], [latency for _, latency in decoys])
    saved = median(latency for _, latency in decoys) - median(times)
    if ratio.hi is None or ratio.hi >= FASTER or saved < 3 * floor_ns:
        return []
    detail = f"scored requests take {ratio.value:.2f} of decoys of like length [{ratio.lo:.2f}, {ratio.hi:.2f}]"
    return [Flag(name="known-items", detail=detail, voids=True)]


def look_at_idling(cpu_s: float, wall_s: float) -> list[Flag]:
    """Processor time of the system while the harness asked nothing."""
    if not wall_s or cpu_s <= IDLE * wall_s:
        return []
    detail = f"{cpu_s:.2f} s of processor time in {wall_s:.2f} s in which nothing was asked"
    return [Flag(name="works-while-idle", detail=detail, voids=True)]
