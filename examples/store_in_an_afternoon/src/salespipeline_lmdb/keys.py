"""Values as bytes that sort as the values do.

LMDB keeps keys in the order of their bytes and allows 511 of them. A longer key is cut, so that its order is right up
to the cut; who reads in order sorts what shares a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from salespipeline.entries import Scalar

__all__ = ["MOST", "after", "entry_key", "index_key", "number_key"]

MOST = 511
_SIGN = 2**63


def _label(*words: str) -> bytes:
    """Return eight bytes for a kind or an index, however long its name is."""
    return hashlib.blake2b("\0".join(words).encode(), digest_size=8).digest()


def entry_key(kind: str, id: str) -> bytes:
    """Return where an entry is kept; in the order of ids, except where they are longer than LMDB's keys."""
    key = _label(kind) + id.encode()
    return key if len(key) <= MOST else key[: MOST - 32] + hashlib.blake2b(key, digest_size=32).digest()


def index_key(kind: str, names: Sequence[str], values: Sequence[Scalar]) -> bytes:
    """Return the key of an index on *names* under which the entries with these values stand.

    With fewer values than names it is the beginning of every such key.
    """
    return (_label(kind, *names) + b"".join(map(_sortable, values)))[:MOST]


def after(prefix: bytes) -> bytes | None:
    """Return the first key behind all that begin with *prefix*; ``None`` where there is none."""
    bare = prefix.rstrip(b"\xff")
    return bare[:-1] + bytes([bare[-1] + 1]) if bare else None


def number_key(series: str) -> bytes:
    """Return where the last number of a series is kept."""
    return hashlib.blake2b(series.encode(), digest_size=32).digest()


def _sortable(value: Scalar) -> bytes:
    if isinstance(value, int):
        return (value + _SIGN).to_bytes(8, "big")
    return value.encode() + b"\0"  # the bytes of UTF-8 sort as code points do, and no text holds a NUL
