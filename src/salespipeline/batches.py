"""A batch of *send all*: written durably, carried out, paused, gone on with, cancelled. (SPEC SEND-3, SEND-7)"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import attrs

from salespipeline.composing import Composer, Letter
from salespipeline.delivery import Delivered, Sender, letter_of
from salespipeline.domain import protocol
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.sending import Batch, BatchState, Delivery, DeliveryState, Reason
from salespipeline.errors import Invalid, MailError, NotFound, Problem, RenderError, StorageError, TemplateError, shown
from salespipeline.issuing import as_issued
from salespipeline.planning import check_durable, check_sender
from salespipeline.ports import NotSent
from salespipeline.query import All, Cmp, Count, OneOf, Query
from salespipeline.sending_report import Plan, PlanRow, SendReport, SendRow
from salespipeline.settling import free
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.render.bodies import MailTemplate
    from salespipeline.sales import Sales

__all__ = ["Breaker", "cancel", "carry_out", "pause", "preview", "report", "run", "start", "waiting"]

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())
S = DeliveryState
QUEUE = (S.QUEUED, S.RETRY_WAIT)
UNFINISHED = (S.QUEUED, S.CLAIMED, S.PREPARED, S.SENDING, S.RETRY_WAIT)
CHUNK = 500
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
    return carry_out(sales, batch, Sender(sales), progress=progress, on_error=on_error)


def check_on_error(on_error: str) -> None:
    """Refuse what is neither ``continue`` nor ``abort``."""
    if on_error not in ("continue", "abort"):
        raise Invalid(Problem("on_error", "choice", f"on_error is 'continue' or 'abort', not {shown(on_error)}"))


def start(sales: Sales, plan: Plan, *, per_second: float | None = None, key: str | None = None) -> Batch:
    """Write the batch and its deliveries in one transaction; a document that is being sent already is left out."""
    check_sender(sales)
    composer = Composer(sales)
    batch = _batch(sales, composer, plan, key=key, planned=len(plan.rows), interval=_interval(per_second))
    digests: dict[MailTemplate | None, str] = {None: ""}
    digests |= {words: composer.held(words) for words in {row.template for row in plan.included} if words is not None}
    composer.keep()  # before the transaction that names it
    with sales.work() as work:
        if key is not None:
            same = list(work.find(Query(kind="batch", where=Cmp("key", "=", key), limit=1)))
            if same:
                found: Batch = same[0]
                return found
        kept = work.keep(batch, action="started")
        deliveries = _deliveries(work, kept, plan, digests)
        work.keep_new(deliveries, action="planned")
        return kept


def _batch(
    sales: Sales, composer: Composer, plan: Plan, *, key: str | None = None, planned: int = 0, interval: int = 0
) -> Batch:
    options = plan.options
    return Batch(
        id=sales.ids(),
        key=key,
        planned=planned,
        started_at=sales.now(),
        started_by=sales.actor,
        cc=options.cc,
        bcc=options.bcc,
        reply_to=options.reply_to,
        enclosures=(*map(composer.enclosed, options.attachments), *map(composer.enclosed, options.images)),
        interval=interval,
    )


def _interval(per_second: float | None) -> int:
    if per_second is None:
        return 0
    if isinstance(per_second, bool) or not isinstance(per_second, int | float) or not 0.001 <= per_second <= 10_000:
        message = f"per_second is how many mails may leave in a second, from 0.001 to 10000, not {shown(per_second)}"
        raise Invalid(Problem("per_second", "range", message))
    return int(1_000_000 / per_second)


def _deliveries(work: Work, batch: Batch, plan: Plan, digests: Mapping[MailTemplate | None, str]) -> Iterator[Delivery]:
    ids = {row.document_id: work.new_id() for row in plan.rows}
    alive = _alive(work, plan.included)
    for position, row in enumerate(plan.rows):
        delivery = Delivery(
            id=ids[row.document_id],
            batch_id=batch.id,
            position=position,
            letter=ids[row.letter or row.document_id],
            document_id=row.document_id,
            document_version=row.document_version,
            document_reference=row.reference,
            revision=row.revision,
            again=plan.options.again,
            to=row.to,
            subject=row.subject,
            template=digests.get(row.template, ""),
            planned_at=batch.started_at,
        )
        if row.reasons:
            yield protocol.skipped(delivery, reason=row.why)
        elif delivery.live in alive:
            yield protocol.skipped(delivery, reason=Reason.IN_TRANSIT.value)
        else:
            yield delivery


def _alive(work: Work, rows: tuple[PlanRow, ...]) -> set[str]:
    """Return the keys of living deliveries of these documents."""
    found: set[str] = set()
    ids = [row.document_id for row in rows]
    for at in range(0, len(ids), CHUNK):
        where = OneOf("document", tuple(ids[at : at + CHUNK]))
        states = OneOf("state", tuple(state.value for state in (*UNFINISHED, S.UNCERTAIN)))
        found.update(one.live for one in work.find(Query(kind="delivery", where=All((where, states)))))
    return found


# --- trying everything before the first mail --------------------------------------------------------------


def _rehearse(sales: Sales, composer: Composer, batch: Batch, *, on_error: str) -> str:
    """Make every mail of *batch* once, and keep none: what cannot be made fails before the first one leaves.

    Returns why nothing at all should leave: with ``abort``, the first mail that cannot be made. Once it has gone through,
    the batch says so, and whoever goes on with it needs no other.
    """
    for letter in waiting(sales, batch, rest=False):
        with sales.work(write=False) as work:
            deliveries = [one for one in letter_of(work, letter) if one.state is S.QUEUED]
            documents = work.get_many(Document, [one.document_id for one in deliveries])
            deliveries = [one for one in deliveries if one.document_id in documents]
        if not deliveries:
            continue
        try:
            _letter(sales, composer, batch, deliveries, [documents[one.document_id] for one in deliveries])
        except (TemplateError, RenderError, MailError) as error:
            if on_error == "abort":
                return f"nothing was sent: {error}"
            with sales.work() as work:
                for one in deliveries:
                    before = work.need(Delivery, one.id)
                    if before.state is S.QUEUED:
                        work.keep(protocol.failed(before, reason=str(error)), before, action="failed")
    with sales.work() as work:
        kept = work.need(Batch, batch.id)
        work.keep(attrs.evolve(kept, rehearsed=True), kept, action="rehearsed")
    return ""


def _letter(
    sales: Sales, composer: Composer, batch: Batch, deliveries: list[Delivery], documents: list[Document]
) -> Letter:
    with sales.work(write=False) as work:
        contact, settings, at = work.get(Contact, documents[0].contact_id), work.settings, work.at
    if contact is None:
        raise MailError("the contact is not there any more")
    issued = as_issued(sales, documents)
    pdfs = [composer.pdf(one, contact, settings) for one in issued]
    return composer.letter(batch, deliveries, issued, pdfs, contact, settings, at)


def preview(sales: Sales, plan: Plan, document: str | None) -> Letter:
    """Return the mail that *document* would leave in. See ``Plan.preview``."""
    chosen = [
        row for row in plan.included if document is None or document in (row.document_id, row.reference, row.expected)
    ]
    if not chosen:
        raise NotFound(f"the plan mails no document {shown(document)}", kind="document", key=str(document))
    rows = [row for row in plan.included if row.letter == chosen[0].letter]
    composer = Composer(sales)
    batch = _batch(sales, composer, plan)
    digests: dict[MailTemplate | None, str] = {
        row.template: composer.held(row.template) for row in rows if row.template
    }
    shown_plan = Plan(tuple(rows), options=plan.options, sales=sales)
    with sales.work(write=False) as work:
        deliveries = list(_deliveries(work, batch, shown_plan, digests))
        documents = work.get_many(Document, [row.document_id for row in rows])
    return _letter(sales, composer, batch, deliveries, [documents[row.document_id] for row in rows])


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
    trouble = "" if batch.rehearsed else _rehearse(sales, sender.composer, batch, on_error=on_error)
    breaker = Breaker()
    done, total = batch.planned - _count(sales, batch, QUEUE), batch.planned
    for letter in () if trouble else waiting(sales, batch):
        if _state(sales, batch) is BatchState.PAUSED:  # by somebody else, meanwhile
            return report(sales, batch)
        try:
            delivered = sender.deliver(letter)
        except StorageError as error:  # the rest is not turned into failures
            trouble = f"storage: {error}"
            log.warning("batch %s paused: the store failed at letter %s", batch.id, letter)
            break
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


def waiting(sales: Sales, batch: Batch, *, rest: bool = True) -> Iterator[str]:
    """Yield the letters of *batch* that wait, in their order; without *rest*, only those that were never tried."""
    states = QUEUE if rest else (S.QUEUED,)
    where = All((Cmp("batch", "=", batch.id), OneOf("state", tuple(state.value for state in states))))
    after: tuple[int | str, ...] | None = None
    last = ""
    while True:
        query = Query(kind="delivery", where=where, order=("position",), limit=CHUNK, after=after)
        with sales.work(write=False) as work:
            rows = list(work.tx.columns(query, ("letter", "position", "id")))
        for letter, _, _ in rows:
            if letter != last:
                last = str(letter)
                yield last
        if len(rows) < CHUNK:
            return
        after = (rows[-1][1] or 0, str(rows[-1][2]))


def _count(sales: Sales, batch: Batch, states: tuple[DeliveryState, ...]) -> int:
    where = All((Cmp("batch", "=", batch.id), OneOf("state", tuple(state.value for state in states))))
    with sales.work(write=False) as work:
        ((number,),) = work.tx.tally(Query(kind="delivery", where=where), (), (Count(),))
    return int(number or 0)


def _state(sales: Sales, batch: Batch) -> BatchState:
    with sales.work(write=False) as work:
        return work.need(Batch, batch.id).state


def close(sales: Sales, batch_id: str, trouble: str = "") -> None:
    """Write down where a batch stands: paused, where there is *trouble*, and done, where nothing waits any more."""
    states = OneOf("state", tuple(state.value for state in UNFINISHED))
    left = Query(kind="delivery", where=All((Cmp("batch", "=", batch_id), states)), limit=1)
    with sales.work(write=False) as work:
        finished = not any(True for _ in work.tx.columns(left, ("id",)))
    if not finished and not trouble:
        return
    with sales.work() as work:
        before = work.need(Batch, batch_id)
        if trouble:
            after = attrs.evolve(before, state=BatchState.PAUSED, reason=trouble[:500])
        elif before.state is BatchState.RUNNING:
            after = attrs.evolve(before, state=BatchState.DONE, reason="")
        else:
            return
        work.keep(after, before, action=after.state.value)


# --- by people --------------------------------------------------------------------------------------------


def pause(sales: Sales, batch_id: str, *, why: str) -> Batch:
    """Stop a batch after the letter that is on its way; nothing is lost, ``resume`` goes on."""
    with sales.work() as work:
        before = work.need(Batch, batch_id)
        return work.keep(attrs.evolve(before, state=BatchState.PAUSED, reason=why), before, action="paused")


def go_on(sales: Sales, batch_id: str) -> Batch:
    """Take the pause of a batch away."""
    with sales.work() as work:
        before = work.need(Batch, batch_id)
        if before.state is not BatchState.PAUSED:
            return before
        return work.keep(attrs.evolve(before, state=BatchState.RUNNING, reason=""), before, action="resumed")


def cancel(sales: Sales, batch_id: str, *, why: str) -> Batch:
    """Leave out everything of a batch that has not left yet. What is being sent at this moment is not stopped."""
    reason = f"{Reason.STOPPED.value}: {why}" if why else Reason.STOPPED.value
    with sales.work() as work:
        batch = work.need(Batch, batch_id)
        states = OneOf("state", tuple(state.value for state in (*QUEUE, S.CLAIMED, S.PREPARED)))
        for one in list(work.find(Query(kind="delivery", where=All((Cmp("batch", "=", batch_id), states))))):
            free(work, one, work.get(Document, one.document_id))
            work.keep(protocol.skipped(one, reason=reason), one, action="cancelled")
        return work.keep(attrs.evolve(batch, state=BatchState.DONE, reason=reason), batch, action="cancelled")


def report(sales: Sales, batch: Batch) -> SendReport:
    """Return where every document of *batch* stands."""
    with sales.work(write=False) as work:
        kept = work.need(Batch, batch.id)
        query = Query(kind="delivery", where=Cmp("batch", "=", batch.id), order=("position",))
        rows = tuple(SendRow.of(one) for one in work.find(query))
    return SendReport(rows, batch_id=batch.id, paused=kept.reason if kept.state is BatchState.PAUSED else "")
