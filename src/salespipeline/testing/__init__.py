"""Tools for those who write a store, a place for files, a mailer, or anything else that the library is built on.

``StoreTests``, ``BlobsTests`` and ``MailerTests`` are contracts as pytest classes; subclass one and say how a handle is
opened, or where a mailer mails to. They need the extra ``testing``: pytest and Hypothesis, which nothing else of the
package imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salespipeline.testing.clauses.posting import Arrived, Post, Trouble
    from salespipeline.testing.suite import BlobsTests, MailerTests, StoreTests

__all__ = ["Arrived", "BlobsTests", "MailerTests", "Post", "StoreTests", "Trouble"]


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> object:
        if name in __all__:  # on use: the pytest plugin, which is loaded first, has the suite's assertions rewritten
            home = "suite" if name.endswith("Tests") else "clauses.posting"
            return getattr(import_module(f"{__name__}.{home}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
