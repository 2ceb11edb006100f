"""The rules of *send all*: who is eligible, and who is left out and why; and what is kept of a batch. (SPEC section 6)

How a delivery goes from state to state is in ``domain.protocol``.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import attrs

from salespipeline.domain.document import Approval, Document, Fact
from salespipeline.domain.templates import Enclosure

__all__ = ["LIVE", "Batch", "BatchState", "Delivery", "DeliveryState", "Enclosure", "Reason", "reasons"]


class Reason(StrEnum):
    """Why a document is left out; the value is how people read it."""

    HELD = "on hold"
    APPROVAL_PENDING = "approval pending"
    APPROVAL_REFUSED = "approval refused"
    REJECTED = "rejected by the client"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded by a later revision"
    IN_TRANSIT = "being sent already"
    ALREADY_SENT = "sent already"
    EXPIRED = "the quote has expired"
    NO_ADDRESS = "no e-mail address"
    SOLD = "a stock item is sold already"
    TEMPLATE = "template error"
    RENDER = "the PDF could not be drawn"
    MAIL = "the mail could not be made"
    EINVOICE = "not ready as an electronic invoice"
    CHANGED = "changed since it was planned"
    DELETED = "deleted since it was planned"
    STOPPED = "the batch was cancelled"
    NOT_ACCEPTED = "not accepted by the client"
    NO_DOCUMENT = "no document of this type"
    NOT_DRAFTED = "no document could be drafted"


def reasons(
    document: Document,
    *,
    today: date,
    recipient: bool,
    again: bool = False,
    delivery_id: str | None = None,
    purpose: str = "send",
) -> tuple[Reason, ...]:
    """Return every reason to leave *document* out; nothing means that it is eligible. (SPEC SEND-2)

    An allow-list: an approval in any state but *not needed* and *approved* is not eligible. Documents sent
    already are left out unless they are asked for with *again*. *delivery_id* is the delivery that asks: the one
    that holds the document itself is not in its own way. A receipt is mailed for what was sent and accepted.
    """
    approval = document.approval
    answer = document.answer
    last_day = document.due
    stands = {
        Reason.HELD: document.held is not None,
        Reason.APPROVAL_PENDING: approval is Approval.PENDING,
        Reason.APPROVAL_REFUSED: approval not in (Approval.NOT_NEEDED, Approval.APPROVED, Approval.PENDING),
        Reason.REJECTED: answer is not None and not answer.accepted,
        Reason.CANCELLED: document.cancelled is not None,
        Reason.SUPERSEDED: document.superseded_by is not None,
        Reason.IN_TRANSIT: document.in_transit not in (None, delivery_id),
        Reason.ALREADY_SENT: document.sent and not again and purpose == "send",
        Reason.EXPIRED: document.type == "quote" and last_day is not None and last_day < today and answer is None,
        Reason.NO_ADDRESS: not recipient,
        Reason.NOT_ACCEPTED: purpose == "receipt" and (answer is None or not answer.accepted),
    }
    return tuple(reason for reason, is_so in stands.items() if is_so)


class DeliveryState(StrEnum):
    """Where the mailing of one document stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    PREPARED = "prepared"
    SENDING = "sending"
    SENT = "sent"
    SENT_PARTIAL = "sent in part"
    RETRY_WAIT = "waiting to retry"
    FAILED = "failed"
    SKIPPED = "left out"
    UNCERTAIN = "uncertain"


LIVE = frozenset(DeliveryState) - {
    DeliveryState.SENT,
    DeliveryState.SENT_PARTIAL,
    DeliveryState.FAILED,
    DeliveryState.SKIPPED,
}


@attrs.frozen(kw_only=True)
class Delivery:
    """The mailing of one revision of one document for one purpose; at most one of these lives at a time.

    Deliveries with the same *letter* leave in one mail. *fence* grows with each claim, so that a worker that was away
    too long notices. *lease_until* and *retry_at* are moments of the store's clock, in microseconds. *mail*, *pdf*
    and *template* are the SHA-256 of what is kept among the blobs.
    """

    id: str
    version: int = 0
    batch_id: str
    position: int
    letter: str
    document_id: str
    document_version: int
    document_reference: str = ""
    opportunity_id: str | None = None
    purpose: str = "send"
    revision: int = 0
    again: bool = False
    state: DeliveryState = DeliveryState.QUEUED
    fence: int = 0
    worker: str = ""
    lease_until: int | None = None
    retry_at: int | None = None
    attempts: int = 0
    to: tuple[str, ...] = ()
    subject: str = ""
    template: str = ""
    message_id: str = ""
    mail: str | None = None
    pdf: str | None = None
    content: str | None = None
    reason: str = ""
    refused: tuple[tuple[str, str], ...] = ()
    planned_at: datetime
    sent_at: datetime | None = None
    resolved: Fact | None = None

    @property
    def live(self) -> str | None:
        """The key that no two living deliveries share; ``None`` when it is over."""
        return f"{self.document_id}|{self.purpose}|{self.revision}" if self.state in LIVE else None


class BatchState(StrEnum):
    """Where a batch stands."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"


@attrs.frozen(kw_only=True)
class Batch:
    """One press of *send all*: the deliveries that belong together, and all that another process needs to go on.

    *key* is the idempotency key: a second press with the same one starts nothing new. *interval* is the time between
    two mails in microseconds, kept by all workers together. *rehearsed* says that every mail was made once, and could be.
    """

    id: str
    version: int = 0
    state: BatchState = BatchState.RUNNING
    key: str | None = None
    planned: int = 0
    reason: str = ""
    started_at: datetime
    started_by: str
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    interval: int = 0
    rehearsed: bool = False
