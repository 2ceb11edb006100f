"""A batch of *send all*: written durably, carried out, paused, gone on with, cancelled. (SPEC SEND-3, SEND-7)"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import attrs

from salespipeline.collection import retried
from salespipeline.delivery import Delivered, Sender
from salespipeline.domain import protocol
from salespipeline.domain.document import Document
from salespipeline.domain.sending import Batch, BatchState, DeliveryState, Reason
from salespipeline.errors import Conflict, Invalid, Problem, StorageError, shown
from salespipeline.planning import check_durable
from salespipeline.ports import NotSent
from salespipeline.query import All, Cmp, OneOf, Query
from salespipeline.rehearsing import rehearse
from salespipeline.sending_report import Plan, SendReport, SendRow
from salespipeline.settling import free
from salespipeline.starting import CHUNK, QUEUE, UNFINISHED, start, waiting
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = [
    "Breaker",
    "cancel",
    "carried_out",
    "carry_out",
    "check_on_error",
    "close",
    "go_on",
    "pause",
    "report",
    "run",
]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())
S = DeliveryState
MOST_CONNECTIONS = 5
Progress: TypeAlias = Callable[[int, int, SendRow], None]


class Breaker:
    """Says when a batch should pause: the server refuses whoever asks, or cannot be reached five times in a row."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def trouble(self, delivered: Delivered) -> str:
        """Return why the batch should pause after this letter; empty where it should not."""
        outcome = delivered.outcome
        if not isinstance(outcome, NotSent) or not outcome.everything:
            self._in_a_row = 0 if outcome is not None else self._in_a_row
            return ""
        self._in_a_row += 1
        if outcome.temporary and self._in_a_row < MOST_CONNECTIONS:
            return ""
        return outcome.reason


# --- starting ---------------------------------------------------------------------------------------------


def run(
    sales: Sales,
    plan: Plan,
    *,
    progress: Progress | None = None,
    on_error: str = "continue",
    per_second: float | None = None,
    key: str | None = None,
) -> SendReport:
    """Write the deliveries of *plan* durably, try all their mails, then carry them out one by one. See ``Plan.run``."""
    check_on_error(on_error)
    check_durable(sales)
    mailer = sales.mailer  # refuse before anything is written
    del mailer
    sales.deliveries.recover()
    batch = start(sales, plan, per_second=per_second, key=key)
    return carried_out(sales, batch, progress=progress, on_error=on_error)


def carried_out(sales: Sales, batch: Batch, *, progress: Progress | None, on_error: str) -> SendReport:
    """Carry out what was begun, with nobody asked again: no policy stops a letter halfway. Report what may be read of it."""
    free = sales.unguarded()
    whole = carry_out(free, batch, Sender(free), progress=_as_seen(sales, batch, progress), on_error=on_error)
    return report(sales, batch) if sales.asks else whole


def _as_seen(sales: Sales, batch: Batch, progress: Progress | None) -> Progress | None:
    """Return what is called for the documents that who acts may read, and counts no others."""
    if progress is None or not sales.asks:
        return progress
    seen = {row.delivery_id for row in report(sales, batch).rows}
    done: list[SendRow] = []

    def told(_done: int, _total: int, row: SendRow) -> None:
        if row.delivery_id in seen:
            done.append(row)
            progress(len(done), len(seen), row)

    return told


def check_on_error(on_error: str) -> None:
    """Refuse what is neither ``continue`` nor ``abort``."""
    if on_error not in ("continue", "abort"):
        raise Invalid(Problem("on_error", "choice", f"on_error is 'continue' or 'abort', not {shown(on_error)}"))


# --- carrying out -----------------------------------------------------------------------------------------


def carry_out(
    sales: Sales,
    batch: Batch,
    sender: Sender,
    *,
    progress: Progress | None = None,
    on_error: str = "continue",
) -> SendReport:
    """Try the mails of *batch*, unless that was done, work through what is queued, and report on every document."""
    trouble = "" if batch.rehearsed else rehearse(sales, sender.composer, batch, on_error=on_error)
    breaker = Breaker()
    done, total = batch.planned - _count(sales, batch, QUEUE), batch.planned
    for letter in () if trouble else waiting(sales, batch):
        try:
            delivered = sender.deliver(letter)
        except StorageError as error:  # the rest is not turned into failures
            trouble = f"storage: {error}"
            log.warning("batch %s paused: the store failed at letter %s", batch.id, letter)
            break
        if delivered.paused:  # by somebody else, meanwhile
            return report(sales, batch)
        for one in delivered.deliveries:
            done += 1
            if progress is not None:
                progress(done, total, SendRow.of(one))
        trouble = breaker.trouble(delivered)
        if on_error == "abort" and delivered.failed is not None:
            trouble = f"stopped at the first failure: {delivered.failed.reason}"
        if trouble:
            break
    close(sales, batch.id, trouble)
    return report(sales, batch)


def _count(sales: Sales, batch: Batch, states: tuple[DeliveryState, ...]) -> int:
    where = All((Cmp("batch", "=", batch.id), OneOf("state", tuple(state.value for state in states))))
    with sales.work(write=False) as work:
        return work.count("delivery", where)


def close(sales: Sales, batch_id: str, trouble: str = "") -> None:
    """Write down where a batch stands: paused, where there is *trouble*, and done, where nothing waits any more."""
    states = OneOf("state", tuple(state.value for state in UNFINISHED))
    left = Query(kind="delivery", where=All((Cmp("batch", "=", batch_id), states)), limit=1)
    with sales.work(write=False) as work:
        finished = not any(True for _ in work.columns(left, ("id",)))
    if not finished and not trouble:
        return

    def write(work: Work) -> None:
        before = work.need(Batch, batch_id)
        if trouble:
            after = attrs.evolve(before, state=BatchState.PAUSED, reason=trouble[:500])
        elif before.state is BatchState.RUNNING:
            after = attrs.evolve(before, state=BatchState.DONE, reason="")
        else:
            return
        work.keep(after, before, action=after.state.value)

    retried(sales, write)  # another worker may come to the end of it at the same moment


# --- by people --------------------------------------------------------------------------------------------


def pause(sales: Sales, batch_id: str, *, why: str) -> Batch:
    """Stop a batch after the letter that is on its way; nothing is lost, ``resume`` goes on."""
    return _put(sales, batch_id, BatchState.PAUSED, why, action="paused")


def go_on(sales: Sales, batch_id: str) -> Batch:
    """Take the pause of a batch away."""
    with sales.work() as work:
        before = work.need(Batch, batch_id)
        work.demand("change", before, move="resumed")
        if before.state is not BatchState.PAUSED:
            return before
        return work.keep(attrs.evolve(before, state=BatchState.RUNNING, reason=""), before, action="resumed")


def cancel(sales: Sales, batch_id: str, *, why: str) -> Batch:
    """Leave out everything of a batch that has not left yet. What is being sent at this moment is not stopped.

    The batch pauses first, so that no worker begins anything more of it; then what is left is taken, some at a time.
    """
    reason = f"{Reason.STOPPED.value}: {why}" if why else Reason.STOPPED.value
    pause(sales, batch_id, why=reason)
    sales = sales.unguarded()  # whoever may stop it stops all of it
    states = OneOf("state", tuple(state.value for state in (*QUEUE, S.CLAIMED, S.PREPARED)))
    left = Query(kind="delivery", where=All((Cmp("batch", "=", batch_id), states)), limit=CHUNK)
    while _leave_out(sales, left, reason):
        pass
    return _put(sales, batch_id, BatchState.DONE, reason, action="cancelled")


def _leave_out(sales: Sales, left: Query, reason: str) -> bool:
    """Leave out some of what is *left*, and say whether there may be more."""
    try:
        with sales.work() as work:
            for one in list(work.claim(left)):
                free(work, one, work.get(Document, one.document_id))
                work.keep(protocol.skipped(one, reason=reason), one, action="cancelled")
    except Conflict:  # a worker was faster: what it has begun either leaves, or is found again
        return True
    with sales.work(write=False) as work:
        return any(True for _ in work.columns(attrs.evolve(left, limit=1), ("id",)))


def _put(sales: Sales, batch_id: str, state: BatchState, reason: str, *, action: str) -> Batch:
    """Keep where a batch stands, over what others write about it meanwhile."""
    while True:
        try:
            with sales.work() as work:
                before = work.need(Batch, batch_id)
                return work.keep(attrs.evolve(before, state=state, reason=reason), before, action=action)
        except Conflict:
            continue


def report(sales: Sales, batch: Batch) -> SendReport:
    """Return where every document of *batch* stands."""
    with sales.work(write=False) as work:
        kept = work.need(Batch, batch.id)
        query = Query(kind="delivery", where=Cmp("batch", "=", batch.id), order=("position",))
        rows = tuple(SendRow.of(one) for one in work.find(query))
    return SendReport(rows, batch_id=batch.id, paused=kept.reason if kept.state is BatchState.PAUSED else "")
