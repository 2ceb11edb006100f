"""What the host may give for files, and what blobs may offer beyond the contract: protocols only. (SPEC ATT-1, EXT-1)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

__all__ = ["Scanner", "Sweepable"]


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
