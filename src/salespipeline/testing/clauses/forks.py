"""X: forks."""

from __future__ import annotations

import pytest

from salespipeline.errors import StoreClosed
from salespipeline.ports import Transaction
from salespipeline.testing.clauses.base import Handle, StoreClauses, needs
from salespipeline.testing.clauses.racing import Halt
from salespipeline.testing.clauses.together import result_of_process
from salespipeline.testing.clauses.vocabulary import (
    CATALOG,
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

    def test_x14_a_fork_does_not_end_a_transaction(self, handle: Handle) -> None:
        """A child that is forked inside a transaction, and ends, neither commits nor rolls back for its parent."""
        store = handle()
        with store.transaction() as tx:
            tx.put(deal("a"))
            assert result_of_process(lambda: "ended") == "ended"
            tx.put(deal("b"))
        with pytest.raises(Halt), store.transaction() as tx:
            tx.put(deal("c"))
            assert result_of_process(lambda: "ended") == "ended"
            raise Halt
        assert found(handle()) == "ab"

    @needs("open-after-fork")
    def test_x17_a_child_opens_its_own(self, handle: Handle, opener: Handle) -> None:
        """A child that is forked while its parent reads opens a handle of its own, and neither disturbs the other."""
        store = handle()
        put(store, deal("a"))

        def own() -> str:
            mine = opener()
            mine.prepare(CATALOG)
            seen = found(mine)
            put(mine, deal("b"))
            mine.close()
            return seen

        with store.transaction(write=False) as tx:
            assert found_by(tx) == "a"
            assert result_of_process(own) == "a"
            assert found_by(tx) == "a"
        assert found(store) == "ab"
        put(store, deal("c"))
        assert result_of_process(lambda: found_in(opener)) == "abc"


def found_by(tx: Transaction) -> str:
    """Return the ids of the deals that a transaction sees."""
    return "".join(entry.id for entry in tx.scan("deal"))


def found_in(opener: Handle) -> str:
    """Return the ids of the deals that a new handle sees."""
    store = opener()
    store.prepare(CATALOG)
    seen = found(store)
    store.close()
    return seen
