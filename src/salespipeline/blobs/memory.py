"""Blobs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from salespipeline.errors import NotFound

__all__ = ["MemoryBlobs"]


class MemoryBlobs:
    """Byte strings in a dictionary, by their SHA-256.

    >>> blobs = MemoryBlobs()
    >>> b"".join(blobs.read(blobs.keep([b"a", b"b"])))
    b'ab'
    """

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Keep the bytes and return their digest."""
        content = b"".join(chunks)
        digest = hashlib.sha256(content).hexdigest()
        self._kept[digest] = content
        return digest

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes."""
        if digest not in self._kept:
            raise NotFound(f"no file has the digest {digest!r}", kind="blob", key=digest)
        return iter([self._kept[digest]])

    def forget(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        self._kept.pop(digest, None)
