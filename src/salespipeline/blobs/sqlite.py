"""Blobs in a SQLite file, in chunks: by default in the same file as the entries."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import IO, TYPE_CHECKING

from salespipeline.blobs.digests import AHEAD, CHUNK, checked, gathered, not_found
from salespipeline.errors import Corrupt

if TYPE_CHECKING:
    from salespipeline.stores.sqlite_file import SqliteFile

__all__ = ["SqliteBlobs"]

# With the first chunk: most files have no other.
_FIRST = "SELECT b.blob, b.size, c.content FROM _blobs b LEFT JOIN _chunks c ON c.blob = b.blob AND c.place = 0 WHERE digest = ?"
_MORE = f"SELECT content FROM _chunks WHERE blob = ? AND place >= ? ORDER BY place LIMIT {AHEAD}"  # noqa: S608


class SqliteBlobs:
    """Blobs in a SQLite file: in one of their own, given by its path, or in a store's (``SqliteStore.blobs``).

    What is kept is first gathered, in memory or in a temporary file, so that a slow source never holds the file's
    lock; then it is written in one transaction. May be shared between threads; a forked child opens its own.
    """

    def __init__(self, source: str | os.PathLike[str] | SqliteFile) -> None:
        self._own = isinstance(source, str | os.PathLike)
        if isinstance(source, str | os.PathLike):
            from salespipeline.stores.sqlite_file import SqliteFile

            source = SqliteFile(source)
        self._file = source

    def __repr__(self) -> str:
        return f"<SqliteBlobs {str(self._file.path)!r}>"

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Keep the bytes and return their SHA-256 as 64 hex digits. Keeping them again is fine.

        Raises ``TransactionOpen`` inside a transaction of the same file: bytes are kept before the entry that names
        them, so that a lost transaction leaves an orphan at most.
        """
        self._file.alone()
        with gathered(chunks) as (digest, size, content):
            self._file.alone()
            with self._file.transaction(write=True) as connection:
                _write(connection, digest, size, content)
        return digest

    def keep_all(self, contents: Sequence[bytes]) -> list[str]:
        """Keep several contents, as ``keep`` does each, in one transaction; return their digests in order."""
        self._file.alone()
        digests = [hashlib.sha256(content).hexdigest() for content in contents]
        with self._file.transaction(write=True) as connection:
            for digest, content in zip(digests, contents, strict=True):
                _write(connection, digest, len(content), BytesIO(content))
        return digests

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks. Raises ``NotFound`` at once, ``Corrupt`` where they were changed."""
        return checked(digest, self.unchecked(digest))

    def unchecked(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks, as they are. Raises ``NotFound`` at once."""
        row = self._file.row(_FIRST, (digest,))
        if row is None:
            raise not_found(digest)
        return self._chunks(digest, *row)

    def _chunks(self, digest: str, blob: int, size: int, content: bytes | None) -> Iterator[bytes]:
        # A transaction for a few chunks: a slow reader does not hold back the file's clean-up.
        found = [content] if content is not None else []
        for place in range(-(-size // CHUNK)):
            found = found or [row[0] for row in self._file.rows(_MORE, (blob, place))]
            if not found:
                raise Corrupt(f"a part of {digest} is missing: it was forgotten meanwhile, or the file is damaged")
            yield found.pop(0)

    def forget(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        self._file.alone()
        with self._file.transaction(write=True) as connection:
            connection.execute("DELETE FROM _blobs WHERE digest = ?", (digest,))

    def stale(self, seconds: float) -> Iterator[str]:
        """Yield the digests that nobody has kept for so long."""
        text = "SELECT digest FROM _blobs WHERE kept < ? AND digest > ? ORDER BY digest LIMIT 1"
        last = ""
        while (row := self._file.row(text, (time.time() - seconds, last))) is not None:
            (last,) = row
            yield last

    def discard(self, digest: str, seconds: float) -> bool:
        """Remove the bytes, unless somebody has kept them within so many seconds; say whether they are removed."""
        self._file.alone()
        with self._file.transaction(write=True) as connection:
            row = (digest, time.time() - seconds)
            return connection.execute("DELETE FROM _blobs WHERE digest = ? AND kept < ?", row).rowcount > 0

    def close(self) -> None:
        """Close the file, unless it belongs to a store."""
        if self._own:
            self._file.close()


def _write(connection: sqlite3.Connection, digest: str, size: int, content: IO[bytes]) -> None:
    now = time.time()
    if connection.execute("UPDATE _blobs SET kept = ? WHERE digest = ?", (now, digest)).rowcount:
        return
    cursor = connection.execute("INSERT INTO _blobs (digest, size, kept) VALUES (?, ?, ?)", (digest, size, now))
    blob, place = cursor.lastrowid, 0
    while chunk := content.read(CHUNK):
        row = (blob, place, chunk)
        connection.execute("INSERT INTO _chunks (blob, place, content) VALUES (?, ?, ?)", row)
        place += 1
