"""Words that are said in another order than they are written: `$ 5` is *five dollars*.

References put such a word at the end of the amount, `$` silent and `5` *five dollars*, and no class of `5` alone
could know the currency. So training readings are realigned, `$` *dollars* and `5` *five*: each token has its own
word, chosen among the classes of that very token. Post-processing swaps them back. Which words swap is data.

    tokens      $        1      .       5      million
    realigned   dollars  one    point   five   million
    restored    ''       one    point   five   million dollars
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proteno.tokens import MARKS, NUMBERS, kind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proteno.classes import Language


def realign(language: Language, tokens: Sequence[str], readings: Sequence[str]) -> list[str]:
    """Each swapped word at the token that it is written as; what `restore` cannot undo stays as it is."""
    found = list(readings)
    for at in reversed(range(len(tokens))):
        end = None if found[at] or tokens[at] not in language.swaps else _end(language, tokens, found, at)
        if end is None:
            continue
        number, _, word = found[end].rpartition(" ")
        if number and word in language.swaps[tokens[at]]:
            found[at], found[end] = word, number
    return found if restore(language, tokens, found) == list(readings) else list(readings)


def restore(language: Language, tokens: Sequence[str], readings: Sequence[str]) -> list[str]:
    """Post-processing: each swapped word said after its number, joined to what is said there."""
    found = list(readings)
    for at in range(len(tokens)):
        if found[at] and found[at] in language.swaps.get(tokens[at], ()):
            end = _end(language, tokens, found, at)
            if end is not None:
                found[at], found[end] = "", f"{found[end]} {found[at]}"
    return found


def with_marks(tokens: Sequence[str], readings: Sequence[str]) -> list[str]:
    """Readings in which a mark that was silent stays as it is written; that is silent for who listens, too."""
    silent_marks = (
        not reading and all(kind_of(char) == MARKS for char in token)
        for token, reading in zip(tokens, readings, strict=True)
    )
    return [token if is_mark else said for token, said, is_mark in zip(tokens, readings, silent_marks, strict=True)]


def _end(language: Language, tokens: Sequence[str], readings: Sequence[str], at: int) -> int | None:
    """The last token of the amount that begins after `at`; None if no number follows.

    A mark between two numbers belongs to the amount if it is spoken (`5 - 10`, *five to ten*), unless its
    word is itself one that swaps (`12 . 50`, *twelve fifty cents*). A magnitude closes it.
    """
    end = at + 1
    if end >= len(tokens) or not _is_number(tokens[end]):
        return None
    while _joins(language, tokens[end + 1 : end + 3], readings[end + 1 : end + 2]):
        end += 2
    return end + 1 if end + 1 < len(tokens) and tokens[end + 1] in language.magnitudes else end


def _joins(language: Language, tokens: Sequence[str], readings: Sequence[str]) -> bool:
    """Whether these two tokens, if there are two, are a mark that is spoken and a number."""
    if len(tokens) < len(("mark", "number")) or not _is_number(tokens[1]):
        return False
    return bool(readings[0]) and not tokens[0].isalnum() and readings[0] not in language.swaps.get(tokens[0], ())


def _is_number(token: str) -> bool:
    return kind_of(token[:1] or " ") == NUMBERS
