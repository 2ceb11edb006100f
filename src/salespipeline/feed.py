"""The change feed: every activity of a store, one after the other, for those who keep something of their own up to date.

A sequence that is drawn when a change is written lies about order: with many writers on PostgreSQL a change may get
number 7, and be committed after somebody has read number 8. So nothing is numbered when it is written. Whoever reads
the feed first gives places to what has been committed and has none yet, in one short transaction that all readers take
in turns; what is committed later gets a later place. Places have no gaps, and none is ever given below one that was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from salespipeline.catalog import Stamp
from salespipeline.codec import encode
from salespipeline.domain.activity import Activity, in_order
from salespipeline.errors import Conflict, Invalid, Problem, Refused, shown
from salespipeline.query import All, Cmp, OneOf, Query

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Feed", "place", "read_feed"]

STAMP = "feed"
CHUNK = 500
MOST = 10_000


@attrs.frozen
class Feed:
    """Some activities, in the order of the feed, and the *cursor* to go on with: keep it once they are worked off."""

    activities: tuple[Activity, ...]
    cursor: str


def read_feed(sales: Sales, cursor: str | None, limit: int) -> Feed:
    """Return up to *limit* activities behind *cursor*."""
    if type(limit) is not int or not 1 <= limit <= MOST:
        raise Invalid(Problem("limit", "range", f"1 to {MOST:,} activities are read at once, not {shown(limit)}"))
    after = _number(cursor)
    if sales.in_transaction or getattr(sales.store, "lent", False):
        message = (
            "the feed tells what has been committed: read it outside of any transaction, on a connection of its own"
        )
        raise Refused(message, action="since")
    found = _read(sales, after, limit)
    while len(found) < limit and place(sales):
        found += _read(sales, after + len(found), limit - len(found))
    return Feed(tuple(found), f"feed:{after + len(found)}")


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    head, _, number = cursor.partition(":") if isinstance(cursor, str) else ("", "", "")
    if head != "feed" or not (number.isascii() and number.isdigit()) or len(number) > 18:
        raise Invalid(
            Problem("cursor", "cursor", f"{shown(cursor)} is no cursor of the feed: pass what since() gave, or None")
        )
    return int(number)


def _read(sales: Sales, after: int, limit: int) -> list[Activity]:
    where = All((Cmp("position", ">", after), Cmp("position", "<=", after + limit)))
    with sales.work(write=False) as work:
        found: list[Activity] = list(work.find(Query(kind="activity", where=where)))
    return sorted(found, key=lambda one: one.position or 0)


def place(sales: Sales) -> int:
    """Give places to activities that are committed and have none; return how many got one."""
    while True:
        try:
            return _place(sales)
        except Conflict:  # another reader placed them meanwhile
            continue


def _place(sales: Sales) -> int:
    fresh = Cmp("fresh", "=", 1)
    with sales.work(write=False) as work:  # mostly there is nothing, and nobody waits to learn so
        if not list(work.columns(Query(kind="activity", where=fresh, limit=1), ("id",))):
            return 0
    with sales.work() as work:
        kept = work.get(Stamp, STAMP) or Stamp(id=STAMP)
        # First of all the stamp: whoever else is placing waits here, or comes too late and begins again.
        work.tx.put(encode(attrs.evolve(kept, number=kept.number)))
        found: list[Activity] = list(work.find(Query(kind="activity", where=fresh, order=("at",), limit=CHUNK)))
        records = tuple({f"{one.record_kind}:{one.record_id}" for one in found})
        # A clock that was set back may have dated a change before an earlier one of the same record.
        whole = {one.id: one for one in found}
        whole |= {
            one.id: one for one in work.find(Query(kind="activity", where=All((fresh, OneOf("record", records)))))
        }
        ordered = in_order(whole.values())
        for number, one in enumerate(ordered, kept.number + 1):
            work.tx.amend(encode(attrs.evolve(one, position=number)))
        stamp = work.need(Stamp, STAMP)
        work.tx.amend(encode(attrs.evolve(stamp, number=kept.number + len(ordered))))
        return len(ordered)
