"""What the host may give for files, what blobs may offer beyond the contract, and a disk's errors in our words. (SPEC ATT-1)"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from salespipeline.errors import ReadOnly, StorageFull, Unavailable
from salespipeline.ports import Blobs

__all__ = ["KeepsAll", "Scanner", "Sweepable", "Unchecked", "kept_together", "on_disk"]


class Scanner(Protocol):
    """Something that looks for what is harmful in a file, such as a virus scanner.

    Until it has said that a file is clean, nobody can read the file: one that raises leaves the file in quarantine.
    """

    def __call__(self, name: str, chunks: Iterator[bytes]) -> str | None:
        """Read the file called *name*; return what was found in it, or ``None`` where it is clean."""
        ...


@runtime_checkable
class Sweepable(Protocol):
    """What blobs may offer beyond the contract: to find and remove what nobody refers to.

    The age of bytes counts from the last time that somebody kept them, by the clock of the blobs.
    """

    def stale(self, seconds: float) -> Iterator[str]:
        """Yield the digests that nobody has kept for so long."""
        ...

    def discard(self, digest: str, seconds: float) -> bool:
        """Remove the bytes, unless somebody has kept them within so many seconds; say whether they are removed."""
        ...


@runtime_checkable
class KeepsAll(Protocol):
    """What blobs may offer beyond the contract, where each that is kept costs a transaction."""

    def keep_all(self, contents: Sequence[bytes]) -> list[str]:
        """Keep several contents as ``keep`` does each, all or none of them, and return their digests in order."""
        ...


def kept_together(blobs: Blobs, contents: Sequence[bytes]) -> list[str]:
    """Keep several contents and return their digests: in one transaction, where *blobs* can."""
    if isinstance(blobs, KeepsAll):
        return blobs.keep_all(contents)
    return [blobs.keep([content]) for content in contents]


@runtime_checkable
class Unchecked(Protocol):
    """What blobs may offer beyond the contract: to be read without the SHA-256 that ``read`` compares at the end.

    For whoever checks the bytes by another sum that has to be made anyway, as a ZIP's is.
    """

    def unchecked(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes in chunks, as they are kept. Raises ``NotFound`` at once."""
        ...


@contextmanager
def on_disk(path: Path, passing: type[OSError] | tuple[()] = ()) -> Iterator[None]:
    """Raise ``StorageFull``, ``ReadOnly`` or ``Unavailable`` for an error of the system at *path*; some may be *passing*."""
    try:
        yield
    except passing:
        raise
    except OSError as error:
        match error.errno:
            case errno.ENOSPC | errno.EDQUOT:
                message = f"there is no room left in {path}; make room and try again, nothing was kept"
                raise StorageFull(message) from error
            case errno.EROFS | errno.EACCES | errno.EPERM:
                raise ReadOnly(f"{path} cannot be used ({error.strerror}); check its permissions") from error
        raise Unavailable(f"{path} cannot be read or written: {error.strerror}", retry=False) from error
