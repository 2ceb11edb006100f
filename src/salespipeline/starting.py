"""Starting a batch: the batch and its deliveries are written in one transaction, and nothing leaves yet. (SPEC SEND-3)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from salespipeline.collection import retried
from salespipeline.composing import Composer
from salespipeline.deal_plans import drafted
from salespipeline.domain import protocol
from salespipeline.domain.sending import Batch, Delivery, DeliveryState, Reason
from salespipeline.domain.templates import MailTemplate
from salespipeline.errors import Conflict, Duplicate, Invalid, Problem, shown
from salespipeline.planning import check_sender
from salespipeline.query import All, Cmp, OneOf, Query
from salespipeline.sending_report import Plan, PlanRow
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales
    from salespipeline.send_options import SendOptions

__all__ = ["CHUNK", "QUEUE", "UNFINISHED", "batch_of", "deliveries_of", "start", "waiting"]

S = DeliveryState
QUEUE = (S.QUEUED, S.RETRY_WAIT)
UNFINISHED = (S.QUEUED, S.CLAIMED, S.PREPARED, S.SENDING, S.RETRY_WAIT)
CHUNK = 500


def start(sales: Sales, plan: Plan, *, per_second: float | None = None, key: str | None = None) -> Batch:
    """Write the batch and its deliveries in one transaction; a document that is being sent already is left out."""
    check_sender(sales)
    composer = Composer(sales)
    batch = batch_of(sales, composer, plan, key=key, planned=len(plan.rows), interval=_interval(per_second))
    digests: dict[MailTemplate | None, str] = {None: ""}
    digests |= {words: composer.held(words) for words in {row.template for row in plan.included} if words is not None}
    composer.keep()  # before the transaction that names it

    def write(work: Work) -> Batch:
        if key is not None:
            same = list(work.find(Query(kind="batch", where=Cmp("key", "=", key), limit=1)))
            if same:
                found: Batch = same[0]
                if found.started_by != work.by:
                    work.demand("change", found, move="resumed")
                return found
        kept = work.keep(batch, action="started")
        rows = drafted(sales, work, plan.rows)
        work.keep_new(deliveries_of(work, kept, rows, plan.options, digests), action="planned")
        return kept

    return retried(sales, write, passing=(Conflict, Duplicate))  # somebody else pressed at the same moment


def batch_of(
    sales: Sales, composer: Composer, plan: Plan, *, key: str | None = None, planned: int = 0, interval: int = 0
) -> Batch:
    """Return the batch of a plan; its files are at hand with *composer*."""
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
        unsubscribe=options.unsubscribe,
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


def deliveries_of(
    work: Work,
    batch: Batch,
    rows: Sequence[PlanRow],
    options: SendOptions,
    digests: Mapping[MailTemplate | None, str],
) -> Iterator[Delivery]:
    """Yield what is kept of each row of a plan: one delivery, queued or left out."""
    ids = {row.key: work.new_id() for row in rows}
    alive = _alive(work, rows)
    for position, row in enumerate(rows):
        delivery = Delivery(
            id=ids[row.key],
            batch_id=batch.id,
            position=position,
            letter=ids[row.letter or row.key],
            document_id=row.document_id,
            document_version=row.document_version,
            document_reference=row.reference,
            opportunity_id=row.opportunity_id or None,
            revision=row.revision,
            again=options.again,
            purpose=options.purpose,
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


def _alive(work: Work, rows: Iterable[PlanRow]) -> set[str | None]:
    """Return the keys of living deliveries of these documents."""
    found: set[str | None] = set()
    ids = [row.document_id for row in rows if not row.reasons]
    for at in range(0, len(ids), CHUNK):
        where = OneOf("document", tuple(ids[at : at + CHUNK]))
        states = OneOf("state", tuple(state.value for state in (*UNFINISHED, S.UNCERTAIN)))
        found.update(one.live for one in work.find(Query(kind="delivery", where=All((where, states)))))
    return found


def waiting(sales: Sales, batch: Batch, *, rest: bool = True) -> Iterator[str]:
    """Yield the letters of *batch* that wait, in their order; without *rest*, only those that were never tried."""
    states = QUEUE if rest else (S.QUEUED,)
    where = All((Cmp("batch", "=", batch.id), OneOf("state", tuple(state.value for state in states))))
    after: tuple[int | str, ...] | None = None
    last = ""
    while True:
        query = Query(kind="delivery", where=where, order=("position",), limit=CHUNK, after=after)
        with sales.work(write=False) as work:
            rows = list(work.columns(query, ("letter", "position", "id")))
        for letter, _, _ in rows:
            if letter != last:
                last = str(letter)
                yield last
        if len(rows) < CHUNK:
            return
        after = (rows[-1][1] or 0, str(rows[-1][2]))
