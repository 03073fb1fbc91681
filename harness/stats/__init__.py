"""Resampling statistics: NumPy only, no knowledge of tasks, metrics or files.

The defaults stand here, where they can be read without importing NumPy.
"""

RESAMPLES = 1000
TRIALS = 10_000
SEED = 0
LEVEL = 0.95
METHOD = f"percentile|resamples:{RESAMPLES}|seed:{SEED}|level:{LEVEL}"
"""How the stored intervals are made; part of a record's identity."""
CORRECTED = f"half-sampling|resamples:{RESAMPLES}|seed:{SEED}|level:{LEVEL}"
"""How they are made for metrics that are biased under resampling."""
NO_METHOD = "none"
"""The method of a metric without intervals."""
