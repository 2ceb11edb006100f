"""Blobs in memory: for tests, demonstrations, and stores that are not kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from salespipeline.blobs.digests import checked, not_found

__all__ = ["MemoryBlobs"]


class MemoryBlobs:
    """Blobs in a dictionary. May be shared between threads; a forked child has a copy."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"<MemoryBlobs: {len(self._contents)} kept>"

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Keep the bytes and return their SHA-256 as 64 hex digits.

        >>> blobs = MemoryBlobs()
        >>> digest = blobs.keep([b"a", b"bc"])
        >>> digest[:8], b"".join(blobs.read(digest))
        ('ba7816bf', b'abc')
        >>> blobs.forget(digest)
        """
        content = b"".join(chunks)
        digest = hashlib.sha256(content).hexdigest()
        self._contents[digest] = content
        return digest

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes. Raises ``NotFound`` at once, ``Corrupt`` where they were changed."""
        content = self._contents.get(digest)
        if content is None:
            raise not_found(digest)
        return checked(digest, [content] if content else [])

    def forget(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        self._contents.pop(digest, None)
