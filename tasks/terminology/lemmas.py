"""Lemmas by simplemma: a dictionary lookup per word form, offline, the same on every machine."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version

_CODES = (
    "ar ast bg ca cs cy da de el en enm eo es et fa fi fr ga gd gl grc gv hbs he hi hu hy id is it ka la lb lt lv mk "
    "ml ms nb nl nn pl pt ro ru se sk sl sq sv sw tl tr uk"
)
LANGUAGES = frozenset(_CODES.split(" "))
"""What simplemma 2 has data for; in other languages only surface forms count."""


@lru_cache(maxsize=1 << 17)
def lemma(token: str, language: str) -> str:
    """The lemma of one word form in its original case; the form itself where there is none.

    Upper and lower case matter ("Reisen" and "reisen" differ), so fold case after, not before.
    """
    if language not in LANGUAGES:
        return token
    from simplemma import lemmatize  # slow to import, needed only when outputs are scored

    return lemmatize(token, lang=language, greedy=False)


def signature(language: str) -> str:
    """How lemmas are made, for a metric signature."""
    return f"simplemma-{version('simplemma')}" if language in LANGUAGES else "none"
