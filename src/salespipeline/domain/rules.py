"""What may follow what, for each type of document: one table. ``can`` and every refusal answer from it. (SPEC DOC-3)"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs

from salespipeline.domain.checks import Verdict
from salespipeline.domain.document import Approval, Document, DocumentType
from salespipeline.errors import Invalid, NotAllowed, NotEditable, Problem, shown

__all__ = ["CONVERSIONS", "RULES", "Bar", "Move", "Phase", "Rule", "can", "phase", "refuse"]

T = DocumentType


class Phase(StrEnum):
    """How far the content has gone: it is locked from ``in_transit`` on."""

    DRAFT = "draft"
    IN_TRANSIT = "in_transit"
    SENT = "sent"


class Move(StrEnum):
    """What can be done with a document."""

    EDIT = "edit"
    HOLD = "hold"
    RELEASE = "release"
    REQUEST_APPROVAL = "request_approval"
    APPROVE = "approve"
    REFUSE = "refuse"
    SEND = "send"
    ACCEPT = "accept"
    REJECT = "reject"
    PAY = "pay"
    CANCEL = "cancel"
    DELETE = "delete"
    DUPLICATE = "duplicate"
    REVISE = "revise"
    CONVERT = "convert"
    DEPOSIT = "deposit"
    CONSOLIDATE = "consolidate"
    ASSIGN = "assign"
    UNASSIGN = "unassign"


class Bar(StrEnum):
    """A fact that stands in the way of a move; the value is how a message says it."""

    HELD = "it is on hold; release() it first"
    NOT_HELD = "it is not on hold"
    PENDING = "its approval is pending; approve() it first"
    NOT_PENDING = "no approval was asked for; call request_approval() first"
    REFUSED = "its approval was refused; edit it and call request_approval() again"
    ACCEPTED = "the client has accepted it already"
    REJECTED = "the client rejected it; make a new one with revise() or duplicate()"
    CANCELLED = "it was cancelled; make a new one with duplicate()"
    SUPERSEDED = "another document, such as a later revision, took its place; use that one"
    PAYMENTS = "payments were booked on it; issue a credit note instead"
    PAID = "it is paid in full"
    TAKEN = "other documents take from it (credit notes, delivery notes, deposits); cancel or delete those first"
    UNASSIGNED = "it is assigned to no job"


def _bars(document: Document) -> frozenset[Bar]:
    facts = {
        Bar.HELD: document.held is not None,
        Bar.NOT_HELD: document.held is None,
        Bar.PENDING: document.approval is Approval.PENDING,
        Bar.NOT_PENDING: document.approval is not Approval.PENDING,
        # An allow-list: whatever is neither approved nor in no need of it counts as refused. (SPEC SEND-2)
        Bar.REFUSED: document.approval not in (Approval.NOT_NEEDED, Approval.APPROVED, Approval.PENDING),
        Bar.ACCEPTED: document.answer is not None and document.answer.accepted,
        Bar.REJECTED: document.answer is not None and not document.answer.accepted,
        Bar.CANCELLED: document.cancelled is not None,
        Bar.SUPERSEDED: document.superseded_by is not None,
        Bar.PAYMENTS: bool(document.payments),
        Bar.PAID: bool(document.payments) and not document.balance,
        Bar.TAKEN: bool(document.taken),
        Bar.UNASSIGNED: document.job_id is None,
    }
    return frozenset(bar for bar, stands in facts.items() if stands)


@attrs.frozen(kw_only=True)
class Rule:
    """When a move is possible: for which types, in which phases, and unless which facts stand in the way."""

    types: frozenset[DocumentType] = frozenset(DocumentType)
    phases: frozenset[Phase] = frozenset(Phase)
    unless: frozenset[Bar] = frozenset()
    instead: str = ""


_DRAFT, _SENT = frozenset({Phase.DRAFT}), frozenset({Phase.SENT})
_SETTLED = frozenset({Phase.DRAFT, Phase.SENT})
_LEGAL = frozenset({T.INVOICE, T.CREDIT_NOTE})

RULES: Mapping[Move, Rule] = {
    Move.EDIT: Rule(phases=_DRAFT, unless=frozenset({Bar.CANCELLED, Bar.SUPERSEDED})),
    Move.HOLD: Rule(phases=_SETTLED, unless=frozenset({Bar.HELD, Bar.CANCELLED, Bar.SUPERSEDED})),
    Move.RELEASE: Rule(phases=_SETTLED, unless=frozenset({Bar.NOT_HELD})),
    Move.REQUEST_APPROVAL: Rule(phases=_DRAFT, unless=frozenset({Bar.PENDING, Bar.CANCELLED})),
    Move.APPROVE: Rule(phases=_DRAFT, unless=frozenset({Bar.NOT_PENDING, Bar.CANCELLED})),
    Move.REFUSE: Rule(phases=_DRAFT, unless=frozenset({Bar.NOT_PENDING, Bar.CANCELLED})),
    Move.SEND: Rule(
        phases=_DRAFT,
        unless=frozenset({Bar.HELD, Bar.PENDING, Bar.REFUSED, Bar.REJECTED, Bar.CANCELLED, Bar.SUPERSEDED}),
    ),
    Move.ACCEPT: Rule(phases=_SENT, unless=frozenset({Bar.ACCEPTED, Bar.CANCELLED, Bar.SUPERSEDED})),
    Move.REJECT: Rule(phases=_SENT, unless=frozenset({Bar.REJECTED, Bar.CANCELLED, Bar.SUPERSEDED})),
    Move.PAY: Rule(
        types=frozenset({T.INVOICE, T.PRO_FORMA, T.PURCHASE_ORDER, T.CREDIT_NOTE}),
        phases=_SENT,
        unless=frozenset({Bar.CANCELLED, Bar.SUPERSEDED, Bar.PAID}),
        instead="make an invoice from it with documents.convert() and book the payment there",
    ),
    Move.CANCEL: Rule(phases=_SETTLED, unless=frozenset({Bar.CANCELLED, Bar.PAYMENTS, Bar.TAKEN})),
    Move.DELETE: Rule(phases=_SETTLED, unless=frozenset({Bar.TAKEN})),
    Move.DUPLICATE: Rule(
        types=frozenset(DocumentType) - {T.PURCHASE_ORDER},
        instead="stock has moved for it (SPEC DOC-4); draft a new one with documents.draft()",
    ),
    Move.REVISE: Rule(
        types=frozenset(DocumentType) - _LEGAL,
        phases=_SENT,
        unless=frozenset({Bar.CANCELLED, Bar.SUPERSEDED, Bar.TAKEN}),
        instead="correct it with a credit note, by documents.convert(…, 'credit_note')",
    ),
    Move.CONVERT: Rule(phases=_SETTLED, unless=frozenset({Bar.REJECTED, Bar.CANCELLED, Bar.SUPERSEDED})),
    Move.DEPOSIT: Rule(
        types=frozenset({T.QUOTE, T.PRO_FORMA}),
        phases=_SETTLED,
        unless=frozenset({Bar.REJECTED, Bar.CANCELLED, Bar.SUPERSEDED}),
        instead="a deposit is invoiced on a quote or a pro forma",
    ),
    Move.CONSOLIDATE: Rule(
        types=frozenset({T.INVOICE}),
        phases=_DRAFT,
        unless=frozenset({Bar.HELD, Bar.CANCELLED, Bar.SUPERSEDED, Bar.TAKEN}),
        instead="only unsent invoices are put together; use documents.convert() to make one first",
    ),
    Move.ASSIGN: Rule(phases=_SETTLED),
    Move.UNASSIGN: Rule(phases=_SETTLED, unless=frozenset({Bar.UNASSIGNED})),
}

CONVERSIONS: Mapping[DocumentType, frozenset[DocumentType]] = {
    T.QUOTE: frozenset({T.PRO_FORMA, T.INVOICE, T.PURCHASE_ORDER, T.DELIVERY_NOTE, T.APPLICATION_FOR_PAYMENT}),
    T.PRO_FORMA: frozenset({T.INVOICE, T.DELIVERY_NOTE}),
    T.PURCHASE_ORDER: frozenset({T.DELIVERY_NOTE}),
    T.DELIVERY_NOTE: frozenset({T.INVOICE}),
    T.APPLICATION_FOR_PAYMENT: frozenset({T.INVOICE}),
    T.INVOICE: frozenset({T.CREDIT_NOTE, T.DELIVERY_NOTE}),
    T.CREDIT_NOTE: frozenset(),
}


def phase(document: Document) -> Phase:
    """Return how far the content of *document* has gone."""
    if document.in_transit is not None:
        return Phase.IN_TRANSIT
    return Phase.SENT if document.sent else Phase.DRAFT


def can(document: Document, move: Move | str, *, into: DocumentType | None = None) -> Verdict:
    """Say whether *move* is possible, and if not, why and what to do instead. *into* is for ``convert``."""
    if move not in RULES:
        raise Invalid(Problem("move", "unknown", f"{shown(move)} is not one of {', '.join(Move)}"))
    reason = _reason(document, Move(move), into)
    return Verdict(reason is None, reason or "")


def refuse(document: Document, move: Move, *, into: DocumentType | None = None) -> None:
    """Raise ``NotEditable`` or ``NotAllowed`` where *move* is not possible."""
    reason = _reason(document, move, into)
    if reason is not None:
        locked = move is Move.EDIT and phase(document) is not Phase.DRAFT
        kind = NotEditable if locked or phase(document) is Phase.IN_TRANSIT else NotAllowed
        raise kind(reason, record=document.name, action=move.value)


_WORDS = {Move.EDIT: "edited", Move.HOLD: "put on hold", Move.RELEASE: "released", Move.SEND: "sent",
          Move.REQUEST_APPROVAL: "put up for approval", Move.APPROVE: "approved", Move.REFUSE: "refused",
          Move.ACCEPT: "accepted", Move.REJECT: "rejected", Move.PAY: "paid", Move.CANCEL: "cancelled",
          Move.DELETE: "deleted", Move.DUPLICATE: "duplicated", Move.REVISE: "revised",
          Move.CONVERT: "converted", Move.DEPOSIT: "invoiced in advance",
          Move.CONSOLIDATE: "put together with others", Move.ASSIGN: "assigned",
          Move.UNASSIGN: "taken from its job"}  # fmt: skip


def _reason(document: Document, move: Move, into: DocumentType | None) -> str | None:
    rule, where = RULES[move], phase(document)
    refused = f"{document.name[0].upper()}{document.name[1:]} cannot be {_WORDS[move]}: "
    if document.type not in rule.types:
        return f"{refused}no {document.type.words} can; {rule.instead}."
    if where not in rule.phases:
        if where is Phase.IN_TRANSIT:
            return f"{refused}it is being sent by delivery {document.in_transit}; wait until that is settled."
        if where is Phase.SENT:
            return f"{refused}it was sent on {document.sent_at:%Y-%m-%d}; {_way_out(document)}."
        return f"{refused}it was not sent yet; send it, or call documents.mark_sent(), first."
    for bar in Bar:  # in the order of the enumeration, so that the same bar is named every time
        if bar in rule.unless and bar in _bars(document):
            return f"{refused}{bar.value}."
    if move is Move.CONVERT and into is not None:
        if into not in CONVERSIONS[document.type]:
            options = ", ".join(sorted(one.words for one in CONVERSIONS[document.type])) or "nothing"
            return f"{refused}a {document.type.words} becomes {options}, not a {into.words}."
        if into is T.CREDIT_NOTE and where is not Phase.SENT:
            return f"{refused}it was not issued yet; edit or delete the draft instead."
    return None


def _way_out(document: Document) -> str:
    if document.type in _LEGAL:
        return "make a new one with documents.duplicate(), or correct it with a credit note"
    if document.type is T.PURCHASE_ORDER:
        return "make a revision with documents.revise()"
    return "make a revision with documents.revise(), or a new one with documents.duplicate()"
