"""How large a model is: the bytes of its files, and what remains of them when they are compressed.

    bytes       sum of st_size over regular files, every inode once
    compressed  length of one zlib stream of level 6 over their contents, in the order of their paths

Hard links count once, and symbolic links are not followed: what they lead to is either declared too, or not a part of
what a system was given. Compression takes about a second for 30 MB, so that it is left out above a limit.

Source: st_size as in inode(7); zlib of the standard library, RFC 1950.
"""

from __future__ import annotations

import os
import stat
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LEVEL = 6
LIMIT = 4 << 30
"""Bytes above which nothing is compressed."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a model. `compressed` is None above the limit; `compressed_by` names how it was counted."""

    bytes: int
    compressed: int | None
    files: int
    compressed_by: str = f"zlib-{LEVEL}"


def model_size(paths: Iterable[Path], limit: int = LIMIT) -> Sizes:
    """The size of the files at and below these paths. Raises OSError for what cannot be read or is not there."""
    files = dict(_files(paths))
    total = sum(size for _, size in files.values())
    compressed = None if total > limit else _compressed(path for path, _ in files.values())
    return Sizes(total, compressed, len(files))


def _files(paths: Iterable[Path]) -> Iterator[tuple[tuple[int, int], tuple[Path, int]]]:
    """Regular files by inode."""
    for path in sorted(paths):
        facts = path.lstat()
        if stat.S_ISDIR(facts.st_mode):
            yield from _files(path.iterdir())
        elif stat.S_ISREG(facts.st_mode):
            yield (facts.st_dev, facts.st_ino), (path, facts.st_size)


def _compressed(paths: Iterable[Path]) -> int:
    squeeze, length = zlib.compressobj(LEVEL), 0
    for path in paths:
        # NOFOLLOW and NONBLOCK: it may have become a link or a pipe since it was listed.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            while chunk := stream.read(_CHUNK):
                length += len(squeeze.compress(chunk))
    return length + len(squeeze.flush())
