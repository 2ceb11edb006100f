"""Who may take which letter, and when: the queue that all workers share, and the pace of a batch. (SPEC SEND-6)

A letter is claimed in one short transaction, and its first delivery decides whose it is: whoever meets another delivery
of a letter while somebody holds the first leaves it alone, so that no two workers ever wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

import attrs

from salespipeline.catalog import Stamp
from salespipeline.codec import encode
from salespipeline.domain import protocol
from salespipeline.domain.sending import Batch, BatchState, Delivery, DeliveryState
from salespipeline.query import All, Cmp, Not, OneOf, Predicate, Query
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["Taken", "any_of", "claim", "letter_of", "open_batches", "take"]

S = DeliveryState
SECOND = 1_000_000


@attrs.frozen
class Taken:
    """What ``take`` or ``claim`` came to: the deliveries now held, and their batch, or why there are none.

    *passed* is a letter that another worker is about to take; *wait* is how many seconds it is to the next turn of a batch
    whose pace is limited, where nothing else is due; *paused* says that the batch pauses.
    """

    held: tuple[Delivery, ...] = ()
    batch: Batch | None = None
    passed: str = ""
    wait: float | None = None
    paused: bool = False


def any_of(sales: Sales, asked: Callable[[Work], Query]) -> bool:
    """Say whether there is anything of what is *asked* for: mostly there is not, and then no writer is held up."""
    with sales.work(write=False) as work:
        return any(True for _ in work.columns(attrs.evolve(asked(work), limit=1), ("id",)))


def letter_of(work: Work, letter: str) -> list[Delivery]:
    """Return the deliveries that leave in one mail, in their order."""
    return list(work.find(Query(kind="delivery", where=Cmp("letter", "=", letter), order=("position",))))


def claim(work: Work, letter: str, *, worker: str, in_turn: bool = False) -> Taken:
    """Claim what is due of *letter* for *worker*, unless its batch pauses.

    Where the pace of the batch is limited, the next turn is taken for it: *wait* says how long it is to it, and nothing
    is claimed before. The turns are kept in the store, so that all who send for a batch keep its pace together. With
    *in_turn*, it has waited already.
    """
    ready = _ready(work, letter)
    if not ready:
        return Taken()
    batch = work.need(Batch, ready[0].batch_id)
    if batch.state is BatchState.PAUSED:
        return Taken(paused=True)
    if batch.interval and not in_turn:
        now = work.now
        at = max(now, _next_turn(work, batch))
        _pass_on(work, batch, at)
        if at > now:
            return Taken(wait=(at - now) / SECOND)
    return Taken(held=tuple(_held(work, ready, worker)), batch=batch)


def take(work: Work, *, worker: str, passing: Collection[str] = ()) -> Taken:
    """Claim the next letter of any batch that runs: those that are tried again first, then the oldest.

    *passing* are letters to leave alone.
    """
    now = work.now
    running, closed, wait = {}, [], None
    for batch in open_batches(work):
        running[batch.id] = batch
        if batch.state is BatchState.PAUSED:
            closed.append(batch.id)
        elif batch.interval and (left := _next_turn(work, batch) - now) > 0:
            closed.append(batch.id)
            wait = min(left / SECOND, wait if wait is not None else left / SECOND)
    for query in _due(now, closed, passing):
        for first in work.claim(query):
            ready = _ready(work, first.letter)
            if not ready or ready[0].id != first.id:
                return Taken(passed=first.letter)
            batch = running.get(first.batch_id) or work.need(Batch, first.batch_id)
            if batch.interval:
                _pass_on(work, batch, now)
            return Taken(held=tuple(_held(work, ready, worker)), batch=batch)
    return Taken(wait=wait)


def _ready(work: Work, letter: str) -> list[Delivery]:
    now = work.now
    return [one for one in letter_of(work, letter) if protocol.due(one, now=now)]


def _held(work: Work, ready: list[Delivery], worker: str) -> list[Delivery]:
    now = work.now
    return [work.keep(protocol.claimed(one, worker=worker, now=now), one, action="claimed") for one in ready]


def open_batches(work: Work) -> Iterator[Batch]:
    """Yield the batches that run or pause."""
    states = OneOf("state", (BatchState.RUNNING.value, BatchState.PAUSED.value))
    return work.find(Query(kind="batch", where=states))


def _due(now: int, closed: Collection[str], passing: Collection[str]) -> Iterator[Query]:
    """Yield the queries for the next delivery that may be taken."""
    free: list[Predicate] = []
    if closed:
        free.append(Not(OneOf("batch", tuple(closed))))
    if passing:
        free.append(Not(OneOf("letter", tuple(passing))))
    again = All((Cmp("state", "=", S.RETRY_WAIT.value), Cmp("retry_at", "<=", now), *free))
    new = All((Cmp("state", "=", S.QUEUED.value), *free))
    for where in (again, new):
        yield Query(kind="delivery", where=where, order=("planned", "position"), limit=1)


def _next_turn(work: Work, batch: Batch) -> int:
    kept = work.get(Stamp, _pace(batch))
    return kept.number if kept is not None else 0


def _pass_on(work: Work, batch: Batch, at: int) -> None:
    """Write down that the turn of the moment *at* is taken."""
    kept = work.get(Stamp, _pace(batch))
    version = kept.version if kept is not None else 0
    work.tx.put(encode(Stamp(id=_pace(batch), version=version, number=at + batch.interval)))


def _pace(batch: Batch) -> str:
    return f"pace:{batch.id}"
