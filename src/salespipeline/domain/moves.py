"""The moves of a financial document: each asks the rules, then returns the new value. (SPEC DOC-2 to DOC-5)"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Approval, ClientAnswer, Document, Fact, Payment, Seal
from salespipeline.domain.rules import Move, refuse
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, NotAllowed, Problem
from salespipeline.money import Money

__all__ = [
    "answered",
    "approval_refused",
    "approval_requested",
    "approved",
    "assigned",
    "cancelled",
    "deletable",
    "edited",
    "held",
    "marked_sent",
    "paid",
    "released",
]


def _why(why: str) -> str:
    return text.clean(why, "why", most=2000, lines=True)


def assigned(document: Document, job_id: str | None) -> Document:
    """Return it assigned to a job, or to none; everything else stays as it is. (SPEC DOC-11)"""
    refuse(document, Move.ASSIGN if job_id is not None else Move.UNASSIGN)
    return attrs.evolve(document, job_id=job_id)


def edited(
    document: Document,
    given: Mapping[str, object],
    settings: Settings,
    *,
    contact: Contact | None,
    by: str,
    checks: Checks | None = None,
) -> Document:
    """Return it with the *given* values replaced. An approval or an earlier issue no longer holds."""
    refuse(document, Move.EDIT)
    changed = document.with_values(given, settings, contact=contact, by=by, checks=checks)
    if changed == document:
        return document
    approval = Approval.PENDING if document.approval in (Approval.APPROVED, Approval.REFUSED) else document.approval
    # Seller, buyer and date were copied for a try that did not leave: they are copied again. The number stays.
    return attrs.evolve(changed, approval=approval, seller=None, buyer=None, logo=None, payment_details=())


def held(document: Document, *, at: datetime, by: str, why: str = "") -> Document:
    """Return it on hold: *send all* leaves it out. (SPEC SEND-2)"""
    refuse(document, Move.HOLD)
    return attrs.evolve(document, held=Fact(at=at, by=by, why=_why(why)))


def released(document: Document) -> Document:
    """Return it no longer on hold."""
    refuse(document, Move.RELEASE)
    return attrs.evolve(document, held=None)


def approval_requested(document: Document, *, at: datetime, by: str) -> Document:
    """Return it waiting for somebody to agree; until then it is not mailed. (SPEC DOC-8)

    >>> refused = sales.documents.refuse(sales.documents.request_approval(quote), "too cheap")
    >>> sales.documents.can(refused, "send").reason
    "Quote 'QUO/00001' cannot be sent: its approval was refused; ..."
    >>> again = sales.documents.request_approval(sales.documents.edit(refused, lines=deal.lines))
    >>> str(sales.documents.approve(again).approval)
    'approved'
    """
    refuse(document, Move.REQUEST_APPROVAL)
    return attrs.evolve(document, approval=Approval.PENDING, approval_fact=Fact(at=at, by=by))


def approved(document: Document, *, at: datetime, by: str, why: str = "") -> Document:
    """Return it approved."""
    refuse(document, Move.APPROVE)
    return attrs.evolve(document, approval=Approval.APPROVED, approval_fact=Fact(at=at, by=by, why=_why(why)))


def approval_refused(document: Document, *, at: datetime, by: str, why: str = "") -> Document:
    """Return it with its approval refused."""
    refuse(document, Move.REFUSE)
    return attrs.evolve(document, approval=Approval.REFUSED, approval_fact=Fact(at=at, by=by, why=_why(why)))


def marked_sent(document: Document, *, at: datetime, by: str, seal: Seal) -> Document:
    """Return it sent: the content is locked for ever. *document* was issued, and *seal* is of that. (SPEC DOC-3)"""
    refuse(document, Move.SEND)
    return attrs.evolve(document, sent_at=at, sent_by=by, seal=seal)


def answered(
    document: Document,
    *,
    accepted: bool,
    at: datetime,
    by: str,
    note: str = "",
    signature: str = "",
    image: str | None = None,
    by_link: bool = False,
) -> Document:
    """Return it with the client's answer; a yes is bound to the content that was sealed. (SPEC DOC-7, DOC-9)"""
    refuse(document, Move.ACCEPT if accepted else Move.REJECT)
    if document.sent_at is not None and at < document.sent_at:
        message = (
            f"the client cannot have answered at {at.isoformat()}, before it was sent at {document.sent_at.isoformat()}"
        )
        raise Invalid(Problem("at", "range", message), record=document.name)
    content = document.seal.content if document.seal is not None else ""
    who = text.clean(by, "by", required=True)
    answer = ClientAnswer(
        accepted=accepted,
        at=at,
        by=who,
        note=_why(note),
        content=content,
        signature=signature,
        image=image,
        by_link=by_link,
    )
    return attrs.evolve(document, answer=answer)


def paid(document: Document, amount: Money, *, on: date, by: str, note: str = "") -> Document:
    """Return it with a payment; never more than its balance. (SPEC DOC-2, DOC-4)"""
    refuse(document, Move.PAY)
    due = document.balance
    amount = Money.of(amount, document.currency)
    # A credit note is negative: it is paid out. Either way a payment brings the balance nearer to nothing.
    if not amount or (amount.amount > 0) != (due.amount > 0) or abs(amount) > abs(due):
        message = f"{amount} cannot be booked: the balance is {due}"
        raise Invalid(Problem("amount", "range", message), record=document.name, action="pay")
    payment = Payment(amount=amount, on=on, by=by, note=_why(note))
    return attrs.evolve(document, payments=(*document.payments, payment))


def cancelled(document: Document, *, at: datetime, by: str, why: str = "") -> Document:
    """Return it cancelled; the document is kept. (SPEC DOC-5)"""
    refuse(document, Move.CANCEL)
    return attrs.evolve(document, cancelled=Fact(at=at, by=by, why=_why(why)))


def deletable(document: Document, *, force: bool) -> None:
    """Raise where it may not be deleted: a sent one only with *force*. (SPEC DOC-5)"""
    refuse(document, Move.DELETE)
    if document.sent and not force:
        message = (
            f"{document.name[0].upper()}{document.name[1:]} was sent on {document.sent_at:%Y-%m-%d}, so deleting it is "
            "discouraged: cancel() keeps it. To delete it all the same, pass force=True; its number is never used again."
        )
        raise NotAllowed(message, record=document.name, action="delete")
