"""Blobs as files of a folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from salespipeline.blobs.digests import CHUNK, checked, is_digest, not_found
from salespipeline.files import on_disk

__all__ = ["FolderBlobs"]


class FolderBlobs:
    """Files named by their SHA-256, in up to 256 folders. No name that a user gave ever becomes a path.

    May be shared between threads, processes and forked children. Raises ``StorageFull``, ``ReadOnly`` or
    ``Unavailable`` where the folder cannot be used.

    >>> import tempfile
    >>> blobs = FolderBlobs(tempfile.mkdtemp())
    >>> digest = blobs.keep([b"a", b"bc"])
    >>> digest[:8], b"".join(blobs.read(digest)), b"".join(blobs.unchecked(digest))
    ('ba7816bf', b'abc', b'abc')
    >>> list(blobs.stale(3600)), blobs.discard(digest, 3600)  # somebody has just kept it
    ([], False)
    >>> blobs.forget(digest)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        with self._translated():
            self._path.mkdir(parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return f"<FolderBlobs {str(self._path)!r}>"

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Write to a temporary file, sync, and rename: a file is there whole or not at all."""
        found = hashlib.sha256()
        with self._translated():
            handle, name = tempfile.mkstemp(dir=self._path)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:  # an error of the source is not one of the folder
                    found.update(chunk)
                    with self._translated():
                        file.write(chunk)
                with self._translated():
                    file.flush()
                    os.fsync(file.fileno())
            digest = found.hexdigest()
            target = self._file(digest)
            with self._translated():
                target.parent.mkdir(exist_ok=True)
                temporary.replace(target)
                _sync(target.parent)
                _sync(self._path)
        finally:
            temporary.unlink(missing_ok=True)
        return digest

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks. Raises ``NotFound`` at once, ``Corrupt`` at the end where they were changed."""
        return checked(digest, self.unchecked(digest))

    def unchecked(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks, as they are. Raises ``NotFound`` at once."""
        if not is_digest(digest):
            raise not_found(digest)
        with self._translated():
            try:
                file = self._file(digest).open("rb")
            except FileNotFoundError:
                raise not_found(digest) from None
        return self._chunks(file)

    def forget(self, digest: str) -> None:
        """Remove the file, if it is there."""
        if is_digest(digest):
            with self._translated():
                self._file(digest).unlink(missing_ok=True)

    def stale(self, seconds: float) -> Iterator[str]:
        """Yield the digests that nobody has kept for so long."""
        before = time.time() - seconds
        for file in sorted(self._path.glob("[0-9a-f][0-9a-f]/*")):
            with contextlib.suppress(FileNotFoundError), self._translated(passing=FileNotFoundError):
                if is_digest(file.name) and file.stat().st_mtime < before:
                    yield file.name

    def discard(self, digest: str, seconds: float) -> bool:
        """Remove the file, unless somebody has kept it within so many seconds; say whether it is removed.

        It is first moved aside: whoever keeps it from then on makes a new one, and one that was kept just before
        is seen by its date, and put back.
        """
        if not is_digest(digest):
            return False
        target = self._file(digest)
        aside = target.with_suffix(".swept")
        with self._translated(), contextlib.suppress(FileNotFoundError):
            target.rename(aside)
            if aside.stat().st_mtime >= time.time() - seconds:
                aside.replace(target)
                return False
            aside.unlink()
            return True
        return False

    def _file(self, digest: str) -> Path:
        return self._path / digest[:2] / digest

    def _chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        with file, self._translated():
            while chunk := file.read(CHUNK):
                yield chunk

    def _translated(self, passing: type[OSError] | tuple[()] = ()) -> AbstractContextManager[None]:
        return on_disk(self._path, passing)


def _sync(folder: Path) -> None:
    """Make the names in *folder* outlive a power cut, where the platform can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
