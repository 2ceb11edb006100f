"""What clauses on concurrency do again and again."""

from __future__ import annotations

from collections.abc import Callable

from salespipeline.errors import Conflict, Unavailable
from salespipeline.ports import Store
from salespipeline.query import Query
from salespipeline.testing.clauses.vocabulary import (
    deal,
)

__all__ = ["EVERY_DEAL", "Halt", "add_one", "trying"]

EVERY_DEAL = Query(kind="deal")


class Halt(Exception):
    """What a clause raises to leave a transaction."""


def trying(task: Callable[[], None]) -> None:
    """Do *task*, again and again while somebody else was faster."""
    while True:
        try:
            task()
        except Conflict:
            continue
        except Unavailable as error:
            if not error.retry:
                raise
            continue
        return


def add_one(store: Store, id: str = "a") -> None:
    """Read a deal whose body is a number, and put it with the next one, in one transaction."""
    with store.transaction() as tx:
        stored = tx.get("deal", id)
        assert stored is not None
        tx.put(deal(id, stored.version, text=str(int(stored.body) + 1)))
