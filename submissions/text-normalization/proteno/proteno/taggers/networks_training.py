"""How a network learns: steps over shuffled batches, and an end when a held-out share gets no better.

Random numbers come from the generator of torch that the caller has seeded. With the same seed, settings, data and
number of threads a network on the cpu gets the same weights, bit for bit; a card adds in an order of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from proteno.decoding import Lattice, decode
from proteno.taggers.networks_inputs import batches, number, padded
from proteno.taggers.networks_layers import score

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from proteno.taggers.networks_inputs import Integers
    from proteno.taggers.networks_layers import Network

    Allowed = Sequence[Sequence[Collection[str]]]


@dataclass(frozen=True)
class Plan:
    """How long and how boldly a network learns.

    epochs    passes over the training share, at most
    patience  passes in a row that may be no better on the held-out share
    held_out  share of the sentences that is not trained on; with 0, or of one sentence, all epochs are used
    budget    tokens in a step, padding among them
    rate      the first step's learning rate (Adam); it falls by equal amounts to zero after the last epoch
    """

    epochs: int = 20
    patience: int = 3
    held_out: float = 0.05
    budget: int = 768
    rate: float = 0.003


@dataclass(frozen=True)
class Epoch:
    """What a pass over the training share has brought.

    number    counts from 1
    loss      minus the log probability of the right label, per token (nats), mean of the steps
    accuracy  share of held-out tokens with the right label as decoded; None without a held-out share
    seconds   wall time of the pass and of the look at the held-out share
    """

    number: int
    loss: float
    accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Examples:
    """Sentences as numbers: their tokens (rows of a table of features), their labels, the labels that are allowed.

    allowed  by sentence (tokens, L), or None: every label everywhere
    """

    rows: list[Integers]
    gold: list[Integers]
    allowed: list[NDArray[np.bool_]] | None

    def at(self, positions: Sequence[int]) -> Examples:
        """The sentences at these positions."""
        allowed = None if self.allowed is None else [self.allowed[position] for position in positions]
        return Examples([self.rows[p] for p in positions], [self.gold[p] for p in positions], allowed)


def examples(
    sentences: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]],
    allowed: Allowed | None,
    numbers: dict[str, int],
) -> tuple[list[str], Examples]:
    """Distinct tokens, and the sentences by number; labels that `numbers` lacks are no candidates.

    Raises ValueError where tokens, labels and lists of allowed labels differ in number, where no label accepts a
    token, and where there is no token.
    """
    lengths = [list(map(len, part)) for part in (sentences, labels, allowed or sentences)]
    if lengths[0] != lengths[1] or lengths[0] != lengths[2]:
        raise ValueError("sentences, labels and allowed labels differ in number")
    if not any(lengths[0]):
        raise ValueError("no tokens to learn from")
    tokens, rows = number(sentences)
    gold = [np.array([numbers[label] for label in line], np.int64) for line in labels]
    if allowed is None:
        return tokens, Examples(rows, gold, None)
    masks = [_mask(line, numbers) for line in allowed]
    for sentence, mask in zip(sentences, masks, strict=True):
        if not mask.any(1).all():
            message = f"'{sentence[mask.any(1).argmin()]}' is a token that no label accepts"
            raise ValueError(message)
    return tokens, Examples(rows, gold, masks)


def _mask(allowed: Sequence[Collection[str]], numbers: dict[str, int]) -> NDArray[np.bool_]:
    mask = np.zeros((len(allowed), len(numbers)), np.bool_)
    for row, labels in zip(mask, allowed, strict=True):
        row[[numbers[label] for label in labels if label in numbers]] = True
    return mask


def fit(
    network: Network, table: Tensor, known: Examples, plan: Plan, progress: Callable[[Epoch], object] | None
) -> None:
    """Train in place, and leave the weights of the epoch that was best on the held-out share.

    table     (tokens + 1, COLUMNS) on the network's device
    progress  called after each epoch
    """
    held, kept = _parts(list(map(len, known.rows)), plan.held_out)
    training, trial = known.at(kept), known.at(held)
    optimizer = torch.optim.Adam(network.parameters(), plan.rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1 / plan.epochs, max(plan.epochs - 1, 1))
    best, since, weights = -1.0, 0, _copy(network)
    for epoch in range(1, plan.epochs + 1):
        start = time.perf_counter()
        network.train()
        losses = [_step(network, optimizer, table, batch) for batch in _shuffled(training, plan.budget)]
        schedule.step()
        accuracy = _accuracy(network, table, trial)
        if progress is not None:
            progress(Epoch(epoch, sum(losses) / len(losses), accuracy, time.perf_counter() - start))
        if accuracy is None or accuracy > best:
            best, since, weights = accuracy or 0.0, 0, _copy(network)
        else:
            since += 1
        if since == plan.patience:
            break
    network.load_state_dict(weights)


def _parts(lengths: Sequence[int], share: float) -> tuple[list[int], list[int]]:
    """Positions of sentences with tokens: those held out, and those to train on, of which there is one at least."""
    order = [position for position in torch.randperm(len(lengths)).tolist() if lengths[position]]
    held = min(max(round(len(order) * share), 1), len(order) - 1) if share else 0
    return order[:held], order[held:]


def _copy(network: Network) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in network.state_dict().items()}


def _shuffled(known: Examples, budget: int) -> Iterator[Examples]:
    """Batches in random order; sentences that are about as long meet others in every epoch."""
    order = torch.randperm(len(known.rows)).tolist()
    groups = batches([len(known.rows[position]) for position in order], budget)
    for group in torch.randperm(len(groups)).tolist():
        yield known.at([order[position] for position in groups[group]])


def _step(network: Network, optimizer: torch.optim.Optimizer, table: Tensor, batch: Examples) -> float:
    rows, gold = (torch.from_numpy(padded(part)).to(table.device) for part in (batch.rows, batch.gold))
    lengths = torch.tensor([len(row) for row in batch.rows])
    emissions = network(table, rows, lengths)
    if batch.allowed is not None:
        refused = _refused(batch.allowed, emissions.shape).to(table.device).scatter(2, gold[:, :, None], value=False)
        emissions = emissions.masked_fill(refused, -torch.inf)
    loss = network.loss(emissions, gold, lengths)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    return loss.item()


def _refused(allowed: Sequence[NDArray[np.bool_]], shape: torch.Size) -> Tensor:
    """(B, T, L): true where a label does not accept a token; padding refuses none, so that no sum is empty."""
    refused = np.zeros(shape, np.bool_)
    for line, mask in zip(refused, allowed, strict=True):
        line[: len(mask)] = ~mask
    return torch.from_numpy(refused)


def _accuracy(network: Network, table: Tensor, trial: Examples) -> float | None:
    """The share of tokens that get the right label as they would be decoded; None if there are none."""
    tokens = sum(map(len, trial.gold))
    if not tokens:
        return None
    everything = list(range(network.scores.out_features))
    transitions = network.transition_scores()
    right = 0
    for position, emissions in enumerate(score(network, table, trial.rows)):
        if trial.allowed is None:
            allowed = [everything] * len(emissions)
        else:
            allowed = [np.flatnonzero(mask).tolist() for mask in trial.allowed[position]]
        path = decode(Lattice(emissions, transitions), allowed)
        right += int((np.array(path, np.int64) == trial.gold[position]).sum())
    return right / tokens
