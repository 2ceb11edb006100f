"""Blobs in the SQLite file itself, in chunks."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from salespipeline.errors import Corrupt, NotFound

if TYPE_CHECKING:
    import sqlite3

__all__ = ["SqliteBlobs"]

CHUNK = 256 * 1024
SPOOL = 8 * 1024 * 1024


class SqliteBlobs:
    """Chunks in a table of the store's file. *session* opens a transaction of its own and gives the connection."""

    def __init__(self, session: Callable[[bool], AbstractContextManager[sqlite3.Connection]]) -> None:
        self._session = session

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Keep the bytes in one short transaction; they are spooled first, so that no lock waits for their source."""
        hasher = hashlib.sha256()
        with tempfile.SpooledTemporaryFile(max_size=SPOOL) as spool:
            for chunk in chunks:
                hasher.update(chunk)
                spool.write(chunk)
            digest = hasher.hexdigest()
            spool.seek(0)
            with self._session(True) as connection:
                if connection.execute("SELECT 1 FROM blob WHERE digest = ?", (digest,)).fetchone() is None:
                    connection.execute("INSERT INTO blob (digest, size) VALUES (?, ?)", (digest, spool.seek(0, 2)))
                    spool.seek(0)
                    pieces = enumerate(iter(lambda: spool.read(CHUNK), b""))
                    connection.executemany(
                        "INSERT INTO blob_chunk (digest, part, content) VALUES (?, ?, ?)",
                        ((digest, part, piece) for part, piece in pieces),
                    )
        return digest

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks; ``Corrupt`` where they were changed."""
        with self._session(False) as connection:
            row = connection.execute("SELECT size FROM blob WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise NotFound(f"no file has the digest {digest!r}", kind="blob", key=digest)
        return self._chunks(digest)

    def _chunks(self, digest: str) -> Iterator[bytes]:
        hasher, part = hashlib.sha256(), 0
        while True:
            with self._session(False) as connection:
                query = "SELECT content FROM blob_chunk WHERE digest = ? AND part = ?"
                row = connection.execute(query, (digest, part)).fetchone()
            if row is None:
                break
            hasher.update(row[0])
            part += 1
            yield row[0]
        if hasher.hexdigest() != digest:
            raise Corrupt(f"the file {digest} was changed; restore it from a backup")

    def forget(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        with self._session(True) as connection:
            connection.execute("DELETE FROM blob_chunk WHERE digest = ?", (digest,))
            connection.execute("DELETE FROM blob WHERE digest = ?", (digest,))
