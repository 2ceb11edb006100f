"""Tools for those who write a store, a place for files, or anything else that the library is built on.

``StoreTests`` and ``BlobsTests`` are the storage contract as pytest classes; subclass one and say how a handle is
opened. They need the extra ``testing``: pytest and Hypothesis, which nothing else of the package imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salespipeline.testing.suite import BlobsTests, StoreTests

__all__ = ["BlobsTests", "StoreTests"]


def __getattr__(name: str) -> object:
    if name in __all__:  # on use: the pytest plugin, which is loaded first, has the suite's assertions rewritten
        from salespipeline.testing import suite

        return getattr(suite, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
