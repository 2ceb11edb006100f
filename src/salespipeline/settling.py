"""T2: writing down what became of a mail, and how a report shows it. (SPEC SEND-6)"""

from __future__ import annotations

from typing import Any

import attrs

from salespipeline.domain.document import Document
from salespipeline.domain.sending import Delivery, DeliveryState, moved
from salespipeline.ports import Accepted, NotSent, Outcome, Unknown
from salespipeline.sending_report import PlanRow, SendRow
from salespipeline.work import Work

__all__ = ["left_out_row", "row_of", "settle"]

SECOND = 1_000_000
BACK_OFF = 60 * SECOND
MOST_TRIES = 5
S = DeliveryState


def settle(work: Work, before: Delivery, outcome: Outcome) -> Delivery:
    """Return the delivery, and keep its document, as *outcome* leaves them."""
    document = work.get(Document, before.document_id)
    match outcome:
        case Accepted(refused=refused):
            if document is not None:
                sent = attrs.evolve(
                    document, in_transit=None, sent_at=document.sent_at or work.at, sent_by=document.sent_by or work.by
                )
                work.keep(sent, document, action="sent")
            state = S.SENT_PARTIAL if refused else S.SENT
            facts: dict[str, Any] = {"sent_at": work.at, "refused": tuple(sorted(refused.items()))}
            return work.keep(moved(before, state, lease_until=None, **facts), before, action=state.value)
        case NotSent() as refusal:
            version = before.document_version
            if document is not None:
                # Editable again, after a definite no; the number stays with it.
                free = attrs.evolve(document, in_transit=None, seal=document.seal if document.sent else None)
                version = work.keep(free, document, action="not sent").version
            again = refusal.everything or (refusal.temporary and before.attempts < MOST_TRIES)
            code = f"{refusal.code} " if refusal.code is not None else ""
            reason = ("!" if refusal.everything else "") + f"{code}{refusal.reason}"[:500]
            if not again:
                return work.keep(moved(before, S.FAILED, reason=reason, lease_until=None), before, action="failed")
            wait = 0 if refusal.everything else BACK_OFF * 2 ** (before.attempts - 1)
            waiting = moved(
                before, S.RETRY_WAIT, reason=reason, lease_until=None, retry_at=work.tx.now() + wait,
                document_version=version,
            )  # fmt: skip
            return work.keep(waiting, before, action="waiting to retry")
        case Unknown(reason=why):
            uncertain = moved(before, S.UNCERTAIN, reason=why[:500], lease_until=None)
            return work.keep(uncertain, before, action="uncertain")
    raise AssertionError(outcome)


def left_out_row(row: PlanRow) -> SendRow:
    """Return how a report shows a document that a plan left out."""
    why = "; ".join(reason.value for reason in row.reasons) + (f" ({row.detail})" if row.detail else "")
    return SendRow(document_id=row.document_id, reference=row.reference, state=S.SKIPPED, to=row.to, reason=why)


def row_of(delivery: Delivery) -> SendRow:
    """Return how a report shows a delivery."""
    return SendRow(
        document_id=delivery.document_id,
        reference=delivery.document_reference,
        state=delivery.state,
        to=delivery.to,
        subject=delivery.subject,
        reason=delivery.reason.removeprefix("!"),
        delivery_id=delivery.id,
    )
