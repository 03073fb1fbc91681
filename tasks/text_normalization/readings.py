"""Two readings of a token: what counts as the same.

`CANONICAL`, by which systems are ranked, compares the canonical form of spoken text:

* Unicode NFC, case-folded (`ß` equals `ss`), NFC again; accents stay;
* white space collapsed to single spaces and cut off at both ends;
* without the word `sil`, which some references hold for a pause;
* and a token that holds nothing but punctuation and symbols (Unicode categories P* and S*) counts as
  silence wherever the reference is silent, so nobody is judged by whether a comma was written down.

`STRICT` compares exact strings: case, `sil` and marks count as they are written.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SILENCE_WORD = "sil"
SILENCE = ""


def canonical(text: str) -> str:
    """The canonical form of a text."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(word for word in folded.split() if word != SILENCE_WORD)


def is_marks(text: str) -> bool:
    """Whether a text holds punctuation or symbols and, but for white space, nothing else."""
    letters = "".join(text.split())
    return bool(letters) and all(unicodedata.category(letter)[0] in "PS" for letter in letters)


@dataclass(frozen=True, slots=True)
class Reading:
    """How tokens are compared.

    `form` gives the text as it is compared, and `is_silenced` says whether a form counts as silence
    where the reference is silent. `signature` names whatever decides what is equal.
    """

    name: str
    form: Callable[[str], str]
    is_silenced: Callable[[str], bool]
    signature: str


CANONICAL = Reading(
    name="canonical",
    form=canonical,
    is_silenced=is_marks,
    signature="norm:nfc,casefold,space,nosil|marks:silent-where-reference-is",
)
STRICT = Reading(
    name="strict",
    form=str,
    is_silenced=lambda _: False,
    signature="norm:none|marks:kept",
)
