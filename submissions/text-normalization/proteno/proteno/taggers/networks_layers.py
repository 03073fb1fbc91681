"""The networks: tokens become vectors, an encoder lets them see their neighbours, and labels get scores.

Shapes: B sentences of T tokens, padded; D numbers for a token; L labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from proteno.taggers.networks_inputs import (
    CATEGORIES,
    CATEGORIES_OF_UNICODE,
    CHARACTERS,
    LENGTH,
    PADDING,
    UNKNOWN,
    WIDTH,
    WORD,
    batches,
    padded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from proteno.decoding import Floats
    from proteno.taggers.networks_inputs import Integers

BILSTM, BILSTM_CRF, TRANSFORMER = "bilstm", "bilstm-crf", "transformer"
KINDS = (BILSTM, BILSTM_CRF, TRANSFORMER)


@dataclass(frozen=True)
class Shape:
    """How large a network is.

    word        numbers for a word
    character   numbers for a character
    filters     windows of three characters that a token is searched for
    hidden      size of an encoder's states: of one direction of an LSTM, of a Transformer's tokens
    layers      how many of them stand on each other
    heads       of a Transformer's attention; divides `hidden`
    """

    word: int = 64
    character: int = 16
    filters: int = 64
    hidden: int = 96
    layers: int = 1
    heads: int = 4


class Tokens(nn.Module):
    """Each token by itself: its word, its length, and a convolution over its characters, at their highest."""

    def __init__(self, sizes: tuple[int, int], shape: Shape, word_dropout: float) -> None:
        super().__init__()
        words, characters = sizes
        self.words = nn.Embedding(words, shape.word, padding_idx=PADDING)
        self.lengths = nn.Embedding(WIDTH + 1, shape.character, padding_idx=PADDING)
        self.characters = nn.Embedding(characters, shape.character, padding_idx=PADDING)
        self.categories = nn.Embedding(len(CATEGORIES_OF_UNICODE) + 1, shape.character, padding_idx=PADDING)
        self.windows = nn.Conv1d(shape.character, shape.filters, kernel_size=3, padding=1)
        self.size = shape.word + shape.character + shape.filters
        self.word_dropout = word_dropout

    def forward(self, features: Tensor) -> Tensor:
        """(tokens, COLUMNS) -> (tokens, D); in training some words are hidden, to be told by their characters."""
        words = features[:, WORD]
        if self.training:
            hidden = torch.rand(words.shape, device=words.device) < self.word_dropout
            words = torch.where(hidden & (words != PADDING), UNKNOWN, words)
        characters = self.characters(features[:, CHARACTERS]) + self.categories(features[:, CATEGORIES])
        found = torch.relu(self.windows(characters.transpose(1, 2))).amax(2)
        return torch.cat([self.words(words), self.lengths(features[:, LENGTH]), found], 1)


class BiLSTM(nn.Module):
    """Two LSTMs, one in each direction: a token sees all of its sentence, near tokens best."""

    def __init__(self, size: int, shape: Shape, dropout: float) -> None:
        super().__init__()
        between = dropout if shape.layers > 1 else 0.0
        self.lstm = nn.LSTM(size, shape.hidden, shape.layers, batch_first=True, dropout=between, bidirectional=True)
        self.size = 2 * shape.hidden

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), (B,) -> (B, T, size)."""
        packed = pack_padded_sequence(tokens, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=tokens.shape[1])[0]


class Transformer(nn.Module):
    """Self-attention over the sentence, normed first (which trains without warm-up); places as sines and cosines.

    A token enters together with its neighbours: a few thousand sentences do not teach attention where these are.
    """

    def __init__(self, size: int, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.size = shape.hidden
        self.entry = nn.Conv1d(size, shape.hidden, kernel_size=3, padding=1)
        layer = nn.TransformerEncoderLayer(
            shape.hidden, shape.heads, 4 * shape.hidden, dropout, batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(shape.hidden)
        self.layers = nn.TransformerEncoder(layer, shape.layers, norm, enable_nested_tensor=False)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, D), (B,) -> (B, T, size)."""
        count = tokens.shape[1]
        absent = (torch.arange(count) >= lengths[:, None]).to(tokens.device)
        alone = tokens.masked_fill(absent[:, :, None], 0.0)
        entered = self.entry(alone.transpose(1, 2)).transpose(1, 2)
        return self.layers(entered + self._places(count, tokens), src_key_padding_mask=absent)

    def _places(self, count: int, like: Tensor) -> Tensor:
        half = torch.arange(0, self.size, 2, device=like.device, dtype=like.dtype)
        angles = torch.arange(count, device=like.device)[:, None] * torch.exp(half * (-math.log(10_000) / self.size))
        return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, : self.size]


ENCODERS: dict[str, Callable[[int, Shape, float], nn.Module]] = {
    BILSTM: BiLSTM,
    BILSTM_CRF: BiLSTM,
    TRANSFORMER: Transformer,
}


class Network(nn.Module):
    """Tokens -> encoder -> scores of labels; with a matrix of transitions where the kind has one."""

    def __init__(
        self, kind: str, sizes: tuple[int, int], labels: int, shape: Shape, dropout: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """`dropout` in training: the share of numbers between the layers, and of words."""
        super().__init__()
        self.shape = shape
        self.tokens = Tokens(sizes, shape, dropout[1])
        self.encoder = ENCODERS[kind](self.tokens.size, shape, dropout[0])
        self.dropout = nn.Dropout(dropout[0])
        self.scores = nn.Linear(self.encoder.size, labels)
        self.transitions = nn.Parameter(torch.zeros(labels, labels)) if kind == BILSTM_CRF else None

    def forward(self, table: Tensor, rows: Tensor, lengths: Tensor) -> Tensor:
        """Emissions (B, T, L) of sentences whose tokens are rows (B, T) of a table of features.

        lengths  (B,), on the cpu

        The vector of a token that stands in many places is computed once.
        """
        distinct, places = torch.unique(rows, return_inverse=True)
        tokens = self.dropout(self.tokens(table[distinct])[places])
        return self.scores(self.dropout(self.encoder(tokens, lengths)))

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return self.scores.weight.device

    def transition_scores(self) -> Floats:
        """(L, L), from row to column; zeros where the kind has no transitions."""
        if self.transitions is None:
            return np.zeros(2 * (self.scores.out_features,))
        return self.transitions.detach().cpu().double().numpy()

    def loss(self, emissions: Tensor, gold: Tensor, lengths: Tensor) -> Tensor:
        """Minus the log probability of the gold labels (B, T), per token.

        With transitions it is that of whole paths, score of the path - log of the sum over all; else of each label.
        """
        present = (torch.arange(gold.shape[1]) < lengths[:, None]).to(gold.device)
        if self.transitions is None:
            return nn.functional.cross_entropy(emissions[present], gold[present])
        paths = path_score(emissions, self.transitions, gold, present)
        return (log_partition(emissions, self.transitions, present) - paths).sum() / present.sum()


def score(network: Network, table: Tensor, rows: Sequence[Integers], budget: int = 4096) -> list[Floats]:
    """Emissions (tokens, L) of each sentence, whose tokens are rows of a table of features.

    table   on the network's device
    budget  tokens that are computed together, padding among them
    """
    if network.training:
        network.eval()  # costs more than it looks: every part is told
    scores = [np.zeros((0, network.scores.out_features))] * len(rows)
    with torch.inference_mode():
        for group in batches(list(map(len, rows)), budget):
            together = [rows[position] for position in group]
            lengths = torch.tensor([len(row) for row in together])
            emissions = network(table, torch.from_numpy(padded(together)).to(network.device), lengths)
            for position, found in zip(group, emissions.cpu().double().numpy(), strict=True):
                scores[position] = found[: len(rows[position])]
    return scores


def path_score(emissions: Tensor, transitions: Tensor, path: Tensor, present: Tensor) -> Tensor:
    """The score (B,) of one path (B, T): its emissions and its transitions, summed where tokens are present (B, T)."""
    emitted = emissions.gather(2, path[:, :, None])[:, :, 0]
    moved = transitions[path[:, :-1], path[:, 1:]]
    return torch.where(present, emitted, 0).sum(1) + torch.where(present[:, 1:], moved, 0).sum(1)


def log_partition(emissions: Tensor, transitions: Tensor, present: Tensor) -> Tensor:
    """Logarithm of Σ exp(score) over all paths of a sentence: (B,), by the forward algorithm.

        α₁(j) = e₁(j),   αₜ(j) = eₜ(j) + log Σᵢ exp(αₜ₋₁(i) + transition(i, j)),   log Z = log Σⱼ exp αₙ(j)

    emissions    (B, T, L); -inf for a label that may not stand there, and each token has another one
    transitions  (L, L), finite: from row to column
    present      (B, T): which tokens are no padding, the first of each sentence among them
    """
    reached = emissions[:, 0]
    for emitted, here in zip(emissions.unbind(1)[1:], present.unbind(1)[1:], strict=True):
        arriving = torch.logsumexp(reached[:, :, None] + transitions, 1)
        reached = torch.where(here[:, None], emitted + arriving, reached)
    return torch.logsumexp(reached, 1)
