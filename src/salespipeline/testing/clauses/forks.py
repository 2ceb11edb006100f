"""X: forks."""

from __future__ import annotations

import pytest

from salespipeline.entries import Stored
from salespipeline.errors import StoreClosed
from salespipeline.testing.clauses.base import Handle, StoreClauses, needs
from salespipeline.testing.clauses.together import result_of_process
from salespipeline.testing.clauses.vocabulary import (
    CATALOG,
    body,
    deal,
    found,
    put,
)

__all__ = ["Forks"]


class Forks(StoreClauses):
    """Forks: a child leaves what it inherited alone."""

    @needs("fork")
    def test_x13_an_inherited_handle_is_closed(self, handle: Handle) -> None:
        """A forked child that uses the handle of its parent gets StoreClosed, and the parent's handle goes on."""
        store = handle()
        put(store, deal("a"))

        def use() -> str:
            with pytest.raises(StoreClosed), store.transaction():
                pass
            with pytest.raises(StoreClosed), store.transaction(write=False):
                pass
            with pytest.raises(StoreClosed):
                store.prepare(CATALOG)
            store.close()
            return "refused"

        assert result_of_process(use) == "refused"
        put(store, deal("b"))
        assert found(store) == "ab"

    @needs("fork")
    def test_x14_a_fork_does_not_end_a_transaction(self, handle: Handle, opener: Handle) -> None:
        """A child that is forked inside a transaction, and ends, neither commits nor rolls back for its parent."""
        store = handle()
        with store.transaction() as tx:
            tx.put(deal("a"))
            assert result_of_process(lambda: "ended") == "ended"
            tx.put(deal("b"))
        assert found(handle()) == "ab"

        def own() -> str:
            mine = opener()
            mine.prepare(CATALOG)
            seen = found(mine)
            put(mine, deal("c"))
            mine.close()
            return seen

        with store.transaction(write=False) as tx:
            assert result_of_process(own) == "ab"
            assert tx.get("deal", "a") == Stored("a", 1, body("a"))
        assert found(store) == "abc"
