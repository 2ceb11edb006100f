"""Blobs in memory: for tests, demonstrations, and stores that are not kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator

from salespipeline.blobs.digests import checked, not_found

__all__ = ["MemoryBlobs"]


class MemoryBlobs:
    """Blobs in a dictionary. May be shared between threads; a forked child has a copy.

    >>> blobs = MemoryBlobs()
    >>> digest = blobs.keep([b"a", b"bc"])
    >>> digest[:8], b"".join(blobs.read(digest)), b"".join(blobs.unchecked(digest))
    ('ba7816bf', b'abc', b'abc')
    >>> list(blobs.stale(3600)), blobs.discard(digest, 3600)  # somebody has just kept it
    ([], False)
    >>> blobs.forget(digest)
    """

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._kept: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<MemoryBlobs: {len(self._contents)} kept>"

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Keep the bytes and return their SHA-256 as 64 hex digits."""
        content = b"".join(chunks)
        digest = hashlib.sha256(content).hexdigest()
        self._contents[digest], self._kept[digest] = content, time.time()
        return digest

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes. Raises ``NotFound`` at once, ``Corrupt`` where they were changed."""
        return checked(digest, self.unchecked(digest))

    def unchecked(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes, as they are. Raises ``NotFound`` at once."""
        content = self._contents.get(digest)
        if content is None:
            raise not_found(digest)
        return iter([content] if content else [])

    def forget(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        self._contents.pop(digest, None)

    def stale(self, seconds: float) -> Iterator[str]:
        """Yield the digests that nobody has kept for so long."""
        before = time.time() - seconds
        yield from sorted(digest for digest in list(self._contents) if self._kept[digest] < before)

    def discard(self, digest: str, seconds: float) -> bool:
        """Remove the bytes, unless somebody has kept them within so many seconds; say whether they are removed."""
        if self._kept.get(digest, float("inf")) >= time.time() - seconds:
            return False
        return self._contents.pop(digest, None) is not None
