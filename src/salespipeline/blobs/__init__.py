"""Where files are kept: in memory, in a folder, or in the SQLite file. Any of them goes with any store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salespipeline.blobs.folder import FolderBlobs as Folder
    from salespipeline.blobs.memory import MemoryBlobs as Memory

__all__ = ["Folder", "Memory"]


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> Any:
        if name == "Folder":
            from salespipeline.blobs.folder import FolderBlobs

            return FolderBlobs
        if name == "Memory":
            from salespipeline.blobs.memory import MemoryBlobs

            return MemoryBlobs
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
