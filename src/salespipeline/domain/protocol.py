"""How a delivery goes from state to state: pure moves, so that every order of them can be tried. (SPEC SEND-6)

QUEUED → CLAIMED → PREPARED → SENDING → SENT. The promise: at most once without a person's decision, and never a silent
loss. Where a crash or a dropped line leaves it unknown whether the server took a message, the delivery says
*uncertain*, and nothing resends it. Moments are those of the store's clock, in microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from salespipeline.domain.document import Fact
from salespipeline.domain.sending import Delivery, DeliveryState
from salespipeline.errors import Invalid, NotAllowed, Problem, shown

__all__ = [
    "BACK_OFF", "LEASE", "MOST_TRIES", "NEXT", "OLDEST", "accepted", "claimed", "due", "expired", "failed", "not_sent",
    "queued_again", "resolved", "skipped", "started", "uncertain", "wait",
]  # fmt: skip

SECOND = 1_000_000
LEASE = 15 * 60 * SECOND  # RFC 5321 asks for ten minutes after the final dot: a shorter lease would make duplicates
BACK_OFF = 60 * SECOND  # before the second try; twice as long before each further one
LONGEST_WAIT = 4 * 3600 * SECOND
MOST_TRIES = 12
OLDEST = 3 * 24 * 3600 * SECOND  # since the batch was started: after that, a temporary refusal is a failure

S = DeliveryState
NEXT: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    S.QUEUED: frozenset({S.CLAIMED, S.SKIPPED, S.FAILED}),
    S.CLAIMED: frozenset({S.PREPARED, S.QUEUED, S.RETRY_WAIT, S.SKIPPED, S.FAILED}),
    S.PREPARED: frozenset({S.SENDING, S.QUEUED, S.RETRY_WAIT, S.SKIPPED, S.FAILED}),
    S.SENDING: frozenset({S.SENT, S.SENT_PARTIAL, S.RETRY_WAIT, S.FAILED, S.UNCERTAIN}),
    S.RETRY_WAIT: frozenset({S.CLAIMED, S.SKIPPED, S.FAILED}),
    S.UNCERTAIN: frozenset({S.SENT, S.FAILED, S.RETRY_WAIT}),  # by a person, or by a mailer that can look it up
    S.SENT: frozenset(),
    S.SENT_PARTIAL: frozenset(),
    S.FAILED: frozenset(),
    S.SKIPPED: frozenset(),
}


def _moved(delivery: Delivery, state: DeliveryState, **facts: Any) -> Delivery:
    if state not in NEXT[delivery.state]:
        message = f"delivery {delivery.id} cannot go from {delivery.state.value!r} to {state.value!r}"
        raise NotAllowed(message, record=f"delivery {delivery.id}", action=state.value)
    return attrs.evolve(delivery, state=state, **facts)


def due(delivery: Delivery, *, now: int) -> bool:
    """Say whether a worker may take it now."""
    return delivery.state in (S.QUEUED, S.RETRY_WAIT) and (delivery.retry_at or 0) <= now


def claimed(delivery: Delivery, *, worker: str, now: int) -> Delivery:
    """Return it in the hands of *worker*, with the next fence: whoever held it before notices."""
    return _moved(
        delivery,
        S.CLAIMED,
        fence=delivery.fence + 1,
        worker=worker,
        lease_until=now + LEASE,
        retry_at=None,
        reason="",
    )


def started(
    delivery: Delivery,
    *,
    now: int,
    document_version: int,
    document_reference: str,
    subject: str,
    message_id: str,
    mail: str,
    pdf: str,
    content: str,
) -> Delivery:
    """T1: return it with the intent to send exactly these bytes. From here on nobody else may send them."""
    return _moved(
        _moved(delivery, S.PREPARED),
        S.SENDING,
        lease_until=now + LEASE,
        attempts=delivery.attempts + 1,
        document_version=document_version,
        document_reference=document_reference,
        subject=subject,
        message_id=message_id,
        mail=mail,
        pdf=pdf,
        content=content,
    )


def accepted(delivery: Delivery, *, at: datetime, refused: Mapping[str, str]) -> Delivery:
    """T2: the server took it, for all recipients but those in *refused*."""
    state = S.SENT_PARTIAL if refused and delivery.state is S.SENDING else S.SENT
    return _moved(delivery, state, sent_at=at, refused=tuple(sorted(refused.items())), lease_until=None)


def not_sent(
    delivery: Delivery,
    *,
    reason: str,
    again: bool,
    at_once: bool,
    now: int,
    age: int,
    jitter: float,
    document_version: int,
) -> Delivery:
    """T2: the message certainly did not leave. *again*: it may be tried later, after ``wait``, or *at_once*.

    *age* is the time since the batch was started, *jitter* a number from 0 to 1.
    """
    reason = reason[:500]
    if not again or delivery.attempts >= MOST_TRIES or age >= OLDEST:
        return _moved(delivery, S.FAILED, reason=reason, lease_until=None, document_version=document_version)
    return _moved(
        delivery,
        S.RETRY_WAIT,
        reason=reason,
        lease_until=None,
        retry_at=now if at_once else now + wait(delivery.attempts, jitter),
        document_version=document_version,
    )


def wait(attempts: int, jitter: float) -> int:
    """Return how long to wait after so many tries: twice as long each time, spread by *jitter* (0 to 1).

    >>> [wait(attempts, 0.5) // SECOND for attempts in (1, 2, 3, 12)]
    [60, 120, 240, 14400]
    """
    full = min(BACK_OFF * 2 ** (max(attempts, 1) - 1), LONGEST_WAIT)
    return int(full * (0.75 + 0.5 * jitter))


def uncertain(delivery: Delivery, *, why: str) -> Delivery:
    """T2: nobody can know whether the server took it; a person decides, with ``resolved``."""
    return _moved(delivery, S.UNCERTAIN, reason=why[:500], lease_until=None)


def expired(delivery: Delivery, *, now: int) -> Delivery | None:
    """Return what becomes of a delivery whose lease is over, or ``None`` where it is not.

    What was only prepared goes back to the queue; what was being sent may have left.
    """
    if delivery.lease_until is None or delivery.lease_until >= now:
        return None
    if delivery.state is S.SENDING:
        return uncertain(
            delivery, why="the sender stopped while it was sending; nobody knows whether the server took it"
        )
    return _moved(delivery, S.QUEUED, lease_until=None) if delivery.state in (S.CLAIMED, S.PREPARED) else None


def queued_again(delivery: Delivery) -> Delivery:
    """Return it as it was before the claim: its worker stops before anything left."""
    return _moved(delivery, S.QUEUED, lease_until=None)


def skipped(delivery: Delivery, *, reason: str) -> Delivery:
    """Return it left out: its document may not leave, or not any more."""
    return _moved(delivery, S.SKIPPED, reason=reason, lease_until=None, retry_at=None)


def failed(delivery: Delivery, *, reason: str) -> Delivery:
    """Return it failed before anything left: its mail could not be made."""
    return _moved(delivery, S.FAILED, reason=reason[:500], lease_until=None, retry_at=None)


def resolved(delivery: Delivery, how: str, *, fact: Fact, now: int) -> Delivery:
    """Return an uncertain one as a person decided: ``sent``, ``not_sent`` or ``resend``, with the same bytes."""
    if how not in ("sent", "not_sent", "resend"):
        raise Invalid(Problem("how", "choice", f"say 'sent', 'not_sent' or 'resend', not {shown(how)}"))
    if delivery.state is not S.UNCERTAIN:
        message = f"delivery {delivery.id} is {delivery.state.value}, not uncertain: there is nothing to decide"
        raise NotAllowed(message, record=f"delivery {delivery.id}", action="resolve")
    decided = attrs.evolve(delivery, resolved=fact)
    if how == "resend":
        return _moved(decided, S.RETRY_WAIT, retry_at=now)
    if how == "sent":
        return accepted(decided, at=fact.at, refused={})
    return _moved(decided, S.FAILED, reason=f"a person decided that it was not sent: {fact.why}"[:500])
