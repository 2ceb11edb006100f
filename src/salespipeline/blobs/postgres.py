"""Blobs in PostgreSQL, in chunks: in the same schema and workspace as the entries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from salespipeline.blobs.digests import AHEAD, CHUNK, checked, gathered, is_digest, not_found
from salespipeline.errors import Corrupt

if TYPE_CHECKING:
    from salespipeline.stores.postgres_session import Source

__all__ = ["PostgresBlobs"]


class PostgresBlobs:
    """Blobs in a store's schema (``PostgresStore.blobs``).

    What is kept is first gathered, in memory or in a temporary file, so that a slow source never holds a transaction
    open; then it is written in one. May be shared between threads; a forked child opens its own.
    """

    def __init__(self, source: Source[Any]) -> None:
        self._source = source
        self._workspace = source.place.workspace
        blobs, chunks = source.place.table("_blobs"), source.place.table("_chunks")
        self._insert = (
            f"INSERT INTO {blobs} (workspace, digest, size) VALUES (%s, %s, %s) "  # noqa: S608
            "ON CONFLICT DO NOTHING"
        )
        self._add = f"INSERT INTO {chunks} (workspace, digest, place, content) VALUES (%s, %s, %s, %s)"  # noqa: S608
        self._all = (  # a content that is kept already, or just now by somebody else, gets no chunks
            f"WITH kept AS (INSERT INTO {blobs} AS b (workspace, digest, size) "  # noqa: S608
            "SELECT %s, digest, size FROM unnest(%s::text[], %s::bigint[]) AS given (digest, size) ORDER BY digest "
            "ON CONFLICT (workspace, digest) DO UPDATE SET kept_at = clock_timestamp() "
            f"RETURNING digest, xmax = 0 AS fresh) INSERT INTO {chunks} (workspace, digest, place, content) "
            "SELECT %s, digest, place, content FROM (VALUES "
        )
        self._fresh = ") AS given (digest, place, content) JOIN kept USING (digest) WHERE fresh"
        self._first = (  # with the first chunk: most files have no other
            f"SELECT b.size, c.content FROM {blobs} b LEFT JOIN {chunks} c "  # noqa: S608
            "ON c.workspace = b.workspace AND c.digest = b.digest AND c.place = 0 WHERE b.workspace = %s AND b.digest = %s"
        )
        self._more = (
            f"SELECT content FROM {chunks} WHERE workspace = %s AND digest = %s AND place >= %s "  # noqa: S608
            f"ORDER BY place LIMIT {AHEAD}"
        )
        self._again = f"UPDATE {blobs} SET kept_at = clock_timestamp() WHERE workspace = %s AND digest = %s"  # noqa: S608
        old = "workspace = %s AND kept_at < clock_timestamp() - make_interval(secs => %s)"
        self._stale = f"SELECT digest FROM {blobs} WHERE {old} AND digest > %s ORDER BY digest LIMIT 1"  # noqa: S608
        self._discard = f"DELETE FROM {blobs} WHERE {old} AND digest = %s"  # noqa: S608
        self._delete = f"DELETE FROM {blobs} WHERE workspace = %s AND digest = %s"  # noqa: S608

    def __repr__(self) -> str:
        return f"<PostgresBlobs {self._source}: workspace {self._workspace}>"

    def keep(self, chunks: Iterable[bytes]) -> str:
        """Keep the bytes and return their SHA-256 as 64 hex digits. Keeping them again is fine.

        Raises ``TransactionOpen`` inside a transaction of the same store: bytes are kept before the entry that names
        them, so that a lost transaction leaves an orphan at most.
        """
        self._source.alone()
        with gathered(chunks) as (digest, size, content):
            self._source.again(lambda: self._write(digest, size, content))
        return digest

    def keep_all(self, contents: Sequence[bytes]) -> list[str]:
        """Keep several contents, as ``keep`` does each, by one statement; return their digests in order."""
        self._source.alone()
        several = {hashlib.sha256(content).hexdigest(): content for content in contents}
        digests = sorted(several)  # as others do, so that two who keep the same never wait for each other
        chunks = [
            (digest, place, several[digest][start : start + CHUNK])
            for digest in digests
            for place, start in enumerate(range(0, len(several[digest]), CHUNK))
        ]
        if not chunks:
            return [self.keep([content]) for content in contents]
        statement = self._all + ", ".join(["(%s::text, %s::bigint, %s::bytea)"] * len(chunks)) + self._fresh
        sizes = [len(several[one]) for one in digests]
        values = (self._workspace, digests, sizes, self._workspace, *[value for chunk in chunks for value in chunk])

        def write() -> None:
            with self._source.transaction(write=True) as session:
                session.run(statement, values)

        self._source.again(write)
        return [hashlib.sha256(content).hexdigest() for content in contents]

    def _write(self, digest: str, size: int, content: IO[bytes]) -> None:
        content.seek(0)
        with self._source.transaction(write=True) as session:
            if session.run(self._again, (self._workspace, digest)).rowcount:
                return
            if session.run(self._insert, (self._workspace, digest, size)).rowcount == 0:
                return
            place = 0
            while chunk := content.read(CHUNK):
                session.run(self._add, (self._workspace, digest, place, chunk))
                place += 1

    def read(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks. Raises ``NotFound`` at once, ``Corrupt`` where they were changed."""
        return checked(digest, self.unchecked(digest))

    def unchecked(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks, as they are. Raises ``NotFound`` at once."""
        row = self._source.row(self._first, (self._workspace, digest)) if is_digest(digest) else None
        if row is None:
            raise not_found(digest)
        return self._chunks(digest, *row)

    def _chunks(self, digest: str, size: int, content: bytes | None) -> Iterator[bytes]:
        # A transaction for a few chunks: a slow reader holds nothing back.
        found = [content] if content is not None else []
        for place in range(-(-size // CHUNK)):
            found = found or [row[0] for row in self._source.rows(self._more, (self._workspace, digest, place))]
            if not found:
                raise Corrupt(f"a part of {digest} is missing: it was forgotten meanwhile, or the database is damaged")
            yield found.pop(0)

    def forget(self, digest: str) -> None:
        """Remove the bytes, if they are there."""
        self._source.alone()

        def remove() -> None:
            with self._source.transaction(write=True) as session:
                session.run(self._delete, (self._workspace, digest))

        if is_digest(digest):
            self._source.again(remove)

    def stale(self, seconds: float) -> Iterator[str]:
        """Yield the digests that nobody has kept for so long."""
        last = ""
        while (row := self._source.row(self._stale, (self._workspace, float(seconds), last))) is not None:
            (last,) = row
            yield last

    def discard(self, digest: str, seconds: float) -> bool:
        """Remove the bytes, unless somebody has kept them within so many seconds; say whether they are removed."""
        self._source.alone()
        removed = False

        def remove() -> None:
            nonlocal removed
            with self._source.transaction(write=True) as session:
                removed = session.run(self._discard, (self._workspace, float(seconds), digest)).rowcount > 0

        if is_digest(digest):
            self._source.again(remove)
        return removed
