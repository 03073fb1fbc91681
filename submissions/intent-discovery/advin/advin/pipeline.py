"""All stages of ADVIN: a corpus in, one label for each of its texts out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from advin import clustering, counting, detector, domains
from advin.corpus import OUTSIDE
from advin.encoders import ENCODERS, unit
from advin.evidence import Evidence, directions
from advin.transfer import TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from advin.corpus import Corpus

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

NO_INTENT = "outside"
"""What is said about an utterance that is told to belong to no intent."""


@dataclass(frozen=True)
class Settings:
    """Names of an encoder (`encoders.ENCODERS`) and of a transfer (`transfer.TRANSFERS`), and where torch computes."""

    encoder: str = "tfidf-svd"
    transfer: str = "whitening"
    device: str = "cpu"


@dataclass(frozen=True)
class Found:
    """The intent of each asked vector: the numbers of the known ones, then new ones; and on what grounds."""

    labels: Ints
    detection: detector.Detection
    count: counting.Count


def answer(corpus: Corpus, tags: Mapping[str, str], settings: Settings) -> list[str]:
    """The label of each text: a known intent, or `novel-N`; with the tag `level = "domain"` a domain, or `domain-N`."""
    rows = ENCODERS[settings.encoder](corpus.texts, settings.device)
    evidence = read(corpus, rows)
    found = find(evidence, settings)
    numbers = corpus.told.copy()
    numbers[corpus.asked] = found.labels
    names = named(corpus, evidence, found.labels, tags.get("level", "intent"))
    return [NO_INTENT if number == OUTSIDE else names[number] for number in numbers]


def read(corpus: Corpus, rows: Floats) -> Evidence:
    """What a corpus tells about its vectors."""
    is_told = corpus.told >= 0
    return Evidence(rows[is_told], corpus.told[is_told], rows[corpus.told == OUTSIDE], rows[corpus.asked])


def find(evidence: Evidence, settings: Settings) -> Found:
    """Stages 1 and 2: detect, count, learn from pairs, and cluster into as many classes as were counted."""
    evidence = evidence.centred()
    detection = detector.detect(evidence)
    counted = counting.count(evidence, detection)
    change = TRANSFERS[settings.transfer](evidence, settings.device) if evidence.known else unit
    return Found(cluster(evidence.mapped(change), detection, counted.classes), detection, counted)


def cluster(space: Evidence, detection: detector.Detection, classes: int) -> Ints:
    """Asked vectors into so many classes: known ones, then new ones, none of these empty.

    What is near the known classes (as many as their share) joins them, suspected outsiders wait, and Ward's method cuts
    the others into as many clusters as classes are missing. From these centres k-means settles all, outsiders too.
    """
    if not len(space.asked):
        return np.zeros(0, np.int64)
    new = space.asked[_new(space, detection, space.known * (1 - detection.outside) / classes)]
    centres = clustering.discover(new, classes - space.known)
    labels = clustering.settle(space, np.vstack([space.centres, centres]))
    used = np.unique(np.concatenate([np.arange(space.known), labels]))
    return np.searchsorted(used, labels)


def _new(space: Evidence, detection: detector.Detection, share: float) -> NDArray[np.bool_]:
    """Which asked vectors make new clusters: neither the share nearest to known classes, nor suspects. One at least."""
    if not space.known:
        return np.ones(len(space.asked), bool)
    nearness = (space.asked @ space.centres.T).max(axis=1)
    new = ~detector.accepted(nearness, share) & ~detection.suspects()
    return new if new.any() else nearness == nearness.min()


def named(corpus: Corpus, evidence: Evidence, labels: Ints, level: str) -> Sequence[str]:
    """The names of known intents and of all clusters, by their numbers."""
    count = max(int(labels.max(initial=-1)) + 1, evidence.known)
    if level != "domain":
        return [*corpus.names, *(f"novel-{number + 1}" for number in range(count - evidence.known))]
    space = evidence.centred()
    intents = np.vstack([space.centres, directions(space.asked, labels, count)[evidence.known :]])
    told = [*corpus.domains, *[None] * (count - evidence.known)]
    return domains.group(intents, told)[0]
