"""Many files as one ZIP that is made while it is read: same files, same bytes, and no more memory than a chunk. (SPEC ATT-2)

The files are stored as they are: what is worth attaching is mostly compressed already, and the bytes of a compressed
file depend on the library that made it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, cast

import attrs

from salespipeline.errors import Corrupt

__all__ = ["Packed", "zipped"]

_FIRST, _LAST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)  # the dates that a ZIP can hold
_LARGE = 2**31  # from here on sizes are written in 64 bits


@attrs.frozen
class Packed:
    """One file of a ZIP: its name there, its date, its size, and its bytes when somebody asks for them.

    *crc32* is what the bytes must come to, where that is known.
    """

    name: str
    at: datetime
    size: int
    chunks: Iterable[bytes]
    crc32: int | None = None


class _Pipe:
    """What a ZIP is written to: it cannot be sought, and gives what it has."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: it is taken, not flushed."""

    def taken(self) -> Iterator[bytes]:
        parts, self._parts = self._parts, []
        yield from parts


def zipped(files: Iterable[Packed]) -> Iterator[bytes]:
    """Yield the bytes of a ZIP of *files*, whose names are safe and distinct: see ``mail.safe_filenames``.

    >>> import io
    >>> from datetime import datetime, timezone
    >>> made = b"".join(zipped([Packed("a.txt", datetime(2026, 1, 5, tzinfo=timezone.utc), 2, [b"h", b"i"])]))
    >>> zipfile.ZipFile(io.BytesIO(made)).read("a.txt")
    b'hi'
    """
    pipe = _Pipe()
    with zipfile.ZipFile(cast("IO[bytes]", pipe), "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            at = min(max(file.at.astimezone(UTC), _FIRST), _LAST)
            entry = zipfile.ZipInfo(file.name, at.timetuple()[:6])
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # the same on every system
            with archive.open(entry, "w", force_zip64=file.size >= _LARGE) as target:
                for chunk in file.chunks:
                    target.write(chunk)
                    yield from pipe.taken()
            if file.crc32 is not None and file.crc32 != entry.CRC:
                raise Corrupt(f"the bytes of {file.name} are not what was kept; restore them from a backup")
    yield from pipe.taken()
