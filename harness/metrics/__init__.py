"""Metrics that several tasks share, one per file, by the name that a `task.toml` uses."""

from __future__ import annotations

from types import MappingProxyType

from harness.metrics.bleu import BLEU
from harness.metrics.chrf import CHRF2, CHRF2_PLUS_PLUS
from harness.metrics.ter import TER

SHARED = MappingProxyType({metric.name: metric for metric in (BLEU, CHRF2, CHRF2_PLUS_PLUS, TER)})
"""Shared metrics by name."""

__all__ = ["SHARED"]
