"""What all blobs have in common: the shape of a digest, and bytes that are gathered before and checked after."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, cast

from salespipeline.errors import Corrupt, NotFound, shown

__all__ = ["AHEAD", "CHUNK", "checked", "gathered", "is_digest", "not_found"]

CHUNK = 256 * 1024  # how many bytes are held at a time
AHEAD = 4  # so many chunks are read from a database at once
_SPOOL = 4 * 1024 * 1024  # what is larger waits in a temporary file until its digest is known
_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(digest: str) -> bool:
    """Say whether *digest* looks like a SHA-256: anything else is never looked for, least of all as a path.

    >>> is_digest("../../etc/passwd")
    False
    """
    return _DIGEST.fullmatch(digest) is not None


def checked(digest: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *chunks*, and raise ``Corrupt`` at their end where they are not what *digest* names."""
    found = hashlib.sha256()
    for chunk in chunks:
        found.update(chunk)
        yield chunk
    if found.hexdigest() != digest:
        raise Corrupt(f"the bytes of {digest} are not what was kept; restore them from a backup")


def not_found(digest: str) -> NotFound:
    """Return the error for a digest under which nothing is kept."""
    return NotFound(f"nothing is kept under {shown(digest)}", kind="blob", key=digest)


@contextmanager
def gathered(chunks: Iterable[bytes]) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Gather *chunks*, in memory or in a temporary file: yields their digest, their size, and a file to read them from.

    So a slow source never holds the lock of whatever they are written to.
    """
    found, size = hashlib.sha256(), 0
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
        for chunk in chunks:
            found.update(chunk)
            size += len(chunk)
            spool.write(chunk)
        spool.seek(0)
        yield found.hexdigest(), size, cast("IO[bytes]", spool)
