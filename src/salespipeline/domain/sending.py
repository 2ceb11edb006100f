"""The rules of *send all*: who is eligible, who is left out and why, and the life of a delivery. (SPEC section 6)

The promise: at most once without a person's decision, and never a silent loss. Where a crash or a dropped line
leaves it unknown whether the server took a message, the delivery says *uncertain*, and nothing resends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import attrs

from salespipeline.domain.document import Approval, Document, Fact
from salespipeline.errors import NotAllowed

__all__ = [
    "LIVE",
    "NEXT",
    "Batch",
    "BatchState",
    "Delivery",
    "DeliveryState",
    "Reason",
    "moved",
    "reasons",
]


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
    TEMPLATE = "template error"
    RENDER = "the PDF could not be drawn"
    CHANGED = "changed since it was planned"
    DELETED = "deleted since it was planned"


def reasons(document: Document, *, today: date, recipient: bool, again: bool = False) -> tuple[Reason, ...]:
    """Return every reason to leave *document* out; nothing means that it is eligible. (SPEC SEND-2)

    An allow-list: an approval in any state but *not needed* and *approved* is not eligible. Documents sent
    already are left out unless they are asked for with *again*.
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
        Reason.IN_TRANSIT: document.in_transit is not None,
        Reason.ALREADY_SENT: document.sent and not again,
        Reason.EXPIRED: document.type == "quote" and last_day is not None and last_day < today and answer is None,
        Reason.NO_ADDRESS: not recipient,
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


S = DeliveryState
NEXT: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    S.QUEUED: frozenset({S.CLAIMED, S.SKIPPED}),
    S.CLAIMED: frozenset({S.CLAIMED, S.PREPARED, S.QUEUED, S.SKIPPED, S.FAILED}),
    S.PREPARED: frozenset({S.CLAIMED, S.SENDING, S.QUEUED, S.SKIPPED}),
    S.SENDING: frozenset({S.SENT, S.SENT_PARTIAL, S.RETRY_WAIT, S.FAILED, S.UNCERTAIN}),
    S.RETRY_WAIT: frozenset({S.CLAIMED, S.SKIPPED, S.FAILED}),
    S.UNCERTAIN: frozenset({S.SENT, S.FAILED, S.RETRY_WAIT}),  # by a person, recorded
    S.SENT: frozenset(),
    S.SENT_PARTIAL: frozenset(),
    S.FAILED: frozenset(),
    S.SKIPPED: frozenset(),
}
LIVE = frozenset({S.QUEUED, S.CLAIMED, S.PREPARED, S.SENDING, S.RETRY_WAIT, S.UNCERTAIN})


@attrs.frozen(kw_only=True)
class Delivery:
    """The mailing of one revision of one document for one purpose; at most one of these lives at a time.

    *fence* grows with each claim, so that a worker that was away too long notices. *lease_until* and *retry_at*
    are moments of the store's clock, in microseconds. *mail* and *pdf* are the SHA-256 of the bytes as kept.
    """

    id: str
    version: int = 0
    batch_id: str
    position: int
    document_id: str
    document_version: int
    document_reference: str = ""
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


def moved(delivery: Delivery, state: DeliveryState, **facts: Any) -> Delivery:
    """Return *delivery* in its next state, or raise ``NotAllowed`` where there is no such way."""
    if state not in NEXT[delivery.state]:
        message = f"delivery {delivery.id} cannot go from {delivery.state.value!r} to {state.value!r}"
        raise NotAllowed(message, record=f"delivery {delivery.id}", action=state.value)
    return attrs.evolve(delivery, state=state, **facts)


class BatchState(StrEnum):
    """Where a batch stands."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"


@attrs.frozen(kw_only=True)
class Batch:
    """One press of *send all*: the deliveries that belong together, and why it paused, if it did."""

    id: str
    version: int = 0
    state: BatchState = BatchState.RUNNING
    template: str = ""
    planned: int = 0
    reason: str = ""
    started_at: datetime
    started_by: str
