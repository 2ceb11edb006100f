"""Blobs as files of a folder."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from salespipeline.errors import Corrupt, NotFound

__all__ = ["FolderBlobs"]

CHUNK = 256 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FolderBlobs:
    """Files named by their SHA-256, in 256 folders. No name that a user gave ever becomes a path.

    >>> blobs = FolderBlobs(tempfile.mkdtemp())
    >>> digest = blobs.keep([b"a", b"bc"])
    >>> b"".join(blobs.read(digest))
    b'abc'
    >>> blobs.forget(digest)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._path.mkdir(parents=True, exist_ok=True)

    def _file(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise NotFound(f"{digest[:80]!r} is not a SHA-256 in 64 hex digits", kind="blob", key=digest[:80])
        return self._path / digest[:2] / digest

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Write to a temporary file, sync, and rename: a file is there whole or not at all."""
        hasher = hashlib.sha256()
        handle, name = tempfile.mkstemp(dir=self._path)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    hasher.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            target = self._file(hasher.hexdigest())
            target.parent.mkdir(exist_ok=True)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return hasher.hexdigest()

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks; ``Corrupt`` at the end where they were changed."""
        file = self._file(digest)
        if not file.is_file():
            raise NotFound(f"no file has the digest {digest!r}", kind="blob", key=digest)
        return self._chunks(file, digest)

    @staticmethod
    def _chunks(file: Path, digest: str) -> Iterator[bytes]:
        hasher = hashlib.sha256()
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                hasher.update(chunk)
                yield chunk
        if hasher.hexdigest() != digest:
            raise Corrupt(f"the file {digest} was changed; restore it from a backup")

    def forget(self, digest: str) -> None:
        """Remove the file, if it is there."""
        self._file(digest).unlink(missing_ok=True)
