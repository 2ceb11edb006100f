"""T2: writing down what became of a mail. (SPEC SEND-6)"""

from __future__ import annotations

import attrs

from salespipeline.domain import protocol
from salespipeline.domain.document import Document
from salespipeline.domain.sending import Batch, Delivery
from salespipeline.issuing import follow
from salespipeline.ports import Accepted, NotSent, Outcome, Unknown
from salespipeline.sealing import linked
from salespipeline.stock import give_back
from salespipeline.work import Work

__all__ = ["free", "mark_sent", "settle"]

SECOND = 1_000_000


def mark_sent(work: Work, document: Document) -> None:
    """Keep *document* as sent: the moment is stamped once, and never again."""
    sent = attrs.evolve(
        document, in_transit=None, sent_at=document.sent_at or work.at, sent_by=document.sent_by or work.by
    )
    sent = linked(work, sent)
    work.keep(sent, document, action="sent")
    follow(work, sent)


def free(work: Work, delivery: Delivery, document: Document | None) -> int:
    """Make *document* editable again after a definite no, and return its version; a number that it has stays with it."""
    if document is None or document.in_transit != delivery.id:
        return delivery.document_version
    seal = document.seal if document.sent else None
    if not document.sent:
        give_back(work, document)
    return work.keep(attrs.evolve(document, in_transit=None, seal=seal), document, action="not sent").version


def settle(work: Work, before: Delivery, outcome: Outcome, *, chance: float) -> Delivery:
    """Return the delivery, and keep its document, as *outcome* leaves them. *chance* spreads the tries (0 to 1)."""
    document = work.get(Document, before.document_id)
    match outcome:
        case Accepted(refused=refused):
            if document is not None:
                mark_sent(work, document)
            after = protocol.accepted(before, at=work.at, refused=refused)
        case NotSent() as refusal:
            code = f"{refusal.code} " if refusal.code is not None else ""
            batch = work.get(Batch, before.batch_id)
            begun = batch.started_at if batch is not None else before.planned_at
            after = protocol.not_sent(
                before,
                reason=f"{code}{refusal.reason}",
                # Where the server refuses everything, nothing is wrong with this mail: it goes when the batch goes on.
                again=refusal.temporary or refusal.everything,
                at_once=refusal.everything,
                now=work.now,
                age=int((work.at - begun).total_seconds()) * SECOND,
                jitter=chance,
                document_version=free(work, before, document),
            )
        case Unknown(reason=why):
            after = protocol.uncertain(before, why=why)
    return work.keep(after, before, action=after.state.value)
