"""Stage 2, representation: what labelled pairs of known classes teach about directions that tell classes apart.

`whitening` stretches directions in which vectors of one class differ little, and shrinks those in which they differ
much: the within-class covariance of the told vectors, halfway regularised towards a sphere, becomes the identity
(linear discriminants, Fisher 1936). NumPy only.

`margin` trains a linear map in torch, by the pairwise margin loss: cosines of pairs of one class below NEAR and of
pairs of different classes above FAR cost what they miss. How many steps it may take is decided on classes that it did
not see, since those to be discovered are such; if it helps them nowhere, it takes none and changes nothing.

`both` whitens what the margin loss has mapped.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from advin.encoders import place, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from advin.evidence import Evidence

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Change = Callable[[Floats], Floats]

SHRINKAGE = 0.5
"""The weight of the sphere in the covariance."""
NEAR, FAR = 0.8, 0.2
STEPS, EVERY = 60, 5
RATE, DECAY = 1e-3, 1e-2
"""Adam's step, and the penalty for the squared distance of the map from the identity."""
HARD = 5.0
"""The weight of pairs of different classes: most of them are far apart already."""
MOST = 1000
"""Told vectors that the map is trained on, at most: it looks at all pairs."""


def nothing(evidence: Evidence, device: str = "cpu") -> Change:  # noqa: ARG001 - the interface of transfers
    """The space of the encoder."""
    return unit


def whitening(evidence: Evidence, device: str = "cpu") -> Change:  # noqa: ARG001 - as above
    """The linear map that whitens within classes; none where no class is told of twice."""
    freedom = len(evidence.told) - evidence.known
    if freedom < 1:
        return unit
    means = np.zeros((evidence.known, evidence.told.shape[1]))
    np.add.at(means, evidence.labels, evidence.told)
    apart = evidence.told - (means / evidence.sizes[:, None])[evidence.labels]
    covariance = apart.T @ apart / freedom
    sphere = np.trace(covariance) / len(covariance)
    if sphere <= 0:  # told vectors of one class are all the same
        return unit
    values, directions = np.linalg.eigh((1 - SHRINKAGE) * covariance + SHRINKAGE * sphere * np.eye(len(covariance)))
    change = directions / np.sqrt(values) @ directions.T
    return lambda rows: unit(rows @ change)


def margin(evidence: Evidence, device: str = "cpu") -> Change:
    """The linear map that the pairwise margin loss finds. Raises ImportError without torch."""
    places = np.linspace(0, len(evidence.told) - 1, min(MOST, len(evidence.told))).round().astype(int)
    rows, labels = evidence.told[places], evidence.labels[places]
    steps = _steps(rows, labels, device)
    if not steps:
        return unit
    *_, change = _maps(rows, labels, steps, device)
    return lambda rows: unit(rows @ change)


def both(evidence: Evidence, device: str = "cpu") -> Change:
    """The margin map, then whitening. Raises ImportError without torch."""
    first = margin(evidence, device)
    second = whitening(evidence.mapped(first), device)
    return lambda rows: second(first(rows))


def _steps(rows: Floats, labels: Ints, device: str) -> int:
    """After how many steps the other half of the classes is told apart best, on average over both halves."""
    halves = [labels % 2 == half for half in (0, 1)]
    if any(len(np.unique(labels[half])) < 2 for half in halves):  # noqa: PLR2004 - no pairs of different classes
        return 0
    curves = []
    for half in halves:
        maps = _maps(rows[half], labels[half], STEPS, device)
        curves.append([separation(unit(rows[~half] @ change), labels[~half]) for change in maps])
    return int(np.argmax(np.mean(curves, axis=0))) * EVERY


def separation(rows: Floats, labels: Ints) -> float:
    """The average precision with which cosines find the pairs of one class among all pairs; 0 where there are none."""
    from sklearn.metrics import average_precision_score

    first, second = np.triu_indices(len(rows), 1)
    same = labels[first] == labels[second]
    return float(average_precision_score(same, (rows @ rows.T)[first, second])) if same.any() else 0.0


def _maps(rows: Floats, labels: Ints, steps: int, device: str) -> Iterator[Floats]:
    """The map before the first step, and after every EVERY steps."""
    import torch

    device = place(device)
    told = torch.tensor(rows, dtype=torch.float32, device=device)
    number = torch.tensor(labels, device=device)
    same = number[:, None] == number[None]
    pairs, others = same & ~torch.eye(len(told), dtype=torch.bool, device=device), ~same
    identity = torch.eye(told.shape[1], device=device)
    change = torch.zeros_like(identity, requires_grad=True)
    optimizer = torch.optim.Adam([change], lr=RATE)
    for step in range(steps + 1):
        if step % EVERY == 0:
            yield (identity + change).detach().cpu().numpy().astype(np.float64)
        mapped = torch.nn.functional.normalize(told @ (identity + change), dim=1)
        cosines = mapped @ mapped.T
        missed = torch.relu(NEAR - cosines)[pairs].mean() if pairs.any() else 0.0
        loss = missed + HARD * torch.relu(cosines - FAR)[others].mean() + DECAY * (change**2).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch has none here
        optimizer.step()


TRANSFERS: Mapping[str, Callable[[Evidence, str], Change]] = MappingProxyType(
    {"none": nothing, "whitening": whitening, "margin": margin, "both": both}
)
