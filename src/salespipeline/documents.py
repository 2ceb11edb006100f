"""``sales.documents``: financial documents, editable until sent. (SPEC section 3)"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Unpack

import attrs

from salespipeline.arguments import DocumentFacts
from salespipeline.codec import content_digest
from salespipeline.collection import Collection, contact_of
from salespipeline.domain import moves, rules
from salespipeline.domain.checks import Checks, Verdict, as_date, aware
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Approval, Document, DocumentType, Seal, as_type
from salespipeline.domain.given import in_currency
from salespipeline.domain.numbering import Series
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.rules import Move
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, Problem, Refused
from salespipeline.expanding import expanded
from salespipeline.filters import choice, day, flag, identity, moment, money, search, words
from salespipeline.issuing import issue, next_number
from salespipeline.listing import Listing, Shape
from salespipeline.money import Money
from salespipeline.opportunities import as_id, contact_filter, given_contact, owner_filter
from salespipeline.ports import Rendered
from salespipeline.views import view_of
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sending_report import Plan

__all__ = ["DocumentListing", "Documents", "issue"]


def _row(document: Document, settings: Settings, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "reference": document.reference,
        "type": document.type.value,
        "contact": names.get(document.contact_id, document.contact_id),
        "subject": document.subject,
        "state": document.state(document.date or document.created_at.date()),
        "net": document.totals.net.amount,
        "total": document.total.amount,
        "currency": str(document.currency),
        "date": document.date,
        "due": document.due,
        "sent": document.sent_at,
        "owner": settings.users.label(document.owner_id),
    }


class DocumentListing(Listing[Document]):
    """A list of documents, which can be sent in one go.

    >>> print(sales.documents.where(type="quote", sent=False).plan_send_all())
    Send all: 1 to mail, 0 left out
      QUO/00001           10,080.00 GBP  → buyer@acme.example: Quotation QUO/00001: New warehouse
    """

    def plan_send_all(self, **options: Any) -> Plan:
        """Return who would get what, and who is left out and why; nothing leaves. See ``delivery.plan``. (SPEC SEND-3)"""
        from salespipeline.delivery import plan

        return plan(self._sales, self, **options)


class Documents(Collection[Document]):
    """Every financial document; found by id or reference.

    A quote is held, released, sent by hand and accepted; an invoice is made from it, sent and paid:

    >>> desk = sales.documents
    >>> desk.hold(quote, "waiting for the drawing").held.why, desk.release(quote.id).held
    ('waiting for the drawing', None)
    >>> sent = desk.mark_sent(quote.id)
    >>> desk.can(sent, "edit").allowed, bool(desk.verify(sent))
    (False, True)
    >>> invoice = desk.convert(desk.accept(sent, by="Zoë Field"), "invoice")
    >>> invoice.reference, desk.mark_sent(invoice).reference
    (None, 'INV/00001')
    >>> desk.pay(invoice.id, "10000 GBP").balance
    Money('80.00', 'GBP')

    What nobody wants is cancelled, and kept, or deleted while it is a draft; its number is never used again:

    >>> desk.cancel(desk.draft(deal, "quote"), "drawn up twice").state(sent.date)
    'cancelled'
    >>> third = desk.draft(deal, "quote")
    >>> desk.pdf(third)[:5], desk.render(third, acme, sales.settings.snapshot).media_type
    (b'%PDF-', 'application/pdf')
    >>> desk.delete(third)
    >>> desk.reject(desk.mark_sent(desk.draft(deal, "quote"))).reference
    'QUO/00004'
    """

    cls = Document
    shape = Shape(
        kind="document",
        filters={
            "type": choice("type", DocumentType),
            "sent": flag("sent"),
            "held": flag("held"),
            "cancelled": flag("cancelled"),
            "superseded": flag("superseded"),
            "approval": choice("approval", Approval),
            "answer": choice("answer", ("accepted", "rejected")),
            "opportunity": identity("opportunity", as_id),
            "source": identity("source", as_id),
            "contact": contact_filter,
            "owner": owner_filter,
            "reference": words("reference"),
            "text": search("text"),
            "date": day("date"),
            "due": day("due"),
            "created": moment("created", "created"),
            "total": money("total"),
            "net": money("net"),
        },
        orders={
            "created": "created",
            "reference": "reference_sort",
            "date": "date_sort",
            "due": "due_sort",
            "total": "total",
        },
        default="-created",
        row=_row,
        columns=dict.fromkeys(("reference", "type", "contact", "subject", "state"), str)
        | {"net": Decimal, "total": Decimal, "currency": str}
        | {"date": date, "due": date, "sent": datetime, "owner": str},
        titles=contact_of,
    )

    def all(self) -> DocumentListing:
        """Return all of them, as a listing."""
        return DocumentListing(self._sales, self.shape)

    def where(self, **filters: object) -> DocumentListing:
        """Return the documents that fit: see ``Listing.where``."""
        return self.all().where(**filters)

    def draft(
        self,
        source: Opportunity | Contact | str,
        type: DocumentType | str,
        *,
        series: Series | str | None = None,
        **given: Unpack[DocumentFacts],
    ) -> Document:
        """Draft a document from an opportunity, filled with its lines, or stand-alone on a contact. (SPEC DOC-1)

        *source* is an opportunity or its reference, or a ``Contact``. *given* replaces what is filled in:
        lines, subject, contact, person, currency, due, note, terms, reference, custom, owner, locale. Another
        currency needs ``rate=`` or new lines.

        >>> sales.documents.draft(deal, "purchase order", note="Deliver to gate 2").reference
        'PO/00001'
        """
        kind = as_type(type)
        with self._sales.work() as work:
            if isinstance(source, Contact):
                return self._draft(work, kind, {"contact": source}, dict(given), series=series)
            deal: Opportunity = self._sales.opportunities._named(work, source)
            filled: dict[str, Any] = {"contact": deal.contact_id, "currency": deal.currency, "lines": deal.lines}
            filled |= {"subject": deal.subject, "owner": deal.owner_id, "person": deal.person_id}
            return self._draft(work, kind, filled, dict(given), series=series, opportunity_id=deal.id)

    def _draft(
        self,
        work: Work,
        kind: DocumentType,
        filled: dict[str, Any],
        given: dict[str, Any],
        *,
        series: Series | str | None = None,
        opportunity_id: str | None = None,
        source_id: str | None = None,
    ) -> Document:
        """Draft from what is *filled* in, and what was *given* in its place."""
        checks = Checks()
        owner = work.settings.users.get(filled.get("owner", ""))
        if owner is None or owner.archived:
            filled.pop("owner", None)  # whoever made the opportunity need not be a user; whoever acts owns the document
        if "contact" in given:
            filled.pop("person", None)  # somebody at the former contact does not move with the copy
        before = filled.get("currency", work.settings.organisation.currency)
        values = filled | given
        expanded(work, values, checks, before)
        rate = values.pop("rate", None)
        if "lines" in filled and "lines" not in given:
            try:
                values["lines"] = in_currency(filled["lines"], before, values["currency"], rate)
            except Invalid as error:  # a currency that nobody knows is found again below
                checks.problems += [problem for problem in error.problems if problem.path != "currency"]
        contact = checks.take(given_contact, work, self._sales.contacts, values.get("contact"))
        chosen: Series | None = checks.take(work.settings.series_for, kind.value, series)
        number, reference = None, None
        if chosen is not None and chosen.at == "creation" and values.get("reference") is None:
            number, reference = next_number(work, chosen)
        document = Document.drafted(
            values, work.settings, id=work.new_id(), type=kind, series=chosen.id if chosen is not None else "", contact=contact, at=work.at,
            by=work.by, number=number, reference=reference, opportunity_id=opportunity_id, source_id=source_id,
            checks=checks,
        )  # fmt: skip
        return work.keep(document, action="drafted")

    def edit(self, document: Document | str, **given: Unpack[DocumentFacts]) -> Document:
        """Replace some values of a draft; raises ``NotEditable`` once it was sent. (SPEC DOC-3)

        >>> sales.documents.edit(quote, lines=[{"description": "Racking", "unit_price": "199"}]).total
        Money('199.00', 'GBP')
        """

        def move(before: Document, work: Work) -> Document:
            rules.refuse(before, Move.EDIT)
            checks, values = Checks(), dict(given)
            chosen = values.get("contact", before.contact_id)
            contact = checks.take(given_contact, work, self._sales.contacts, chosen)
            expanded(work, values, checks, before.currency)
            return moves.edited(before, values, work.settings, contact=contact, by=work.by, checks=checks)

        return self._change(document, move, "edited")

    def hold(self, document: Document | str, why: str = "") -> Document:
        """Put it on hold: *send all* leaves it out until it is released. (SPEC SEND-2)"""
        return self._change(document, lambda one, work: moves.held(one, at=work.at, by=work.by, why=why), "put on hold")

    def release(self, document: Document | str) -> Document:
        """Take the hold away."""
        return self._change(document, lambda one, _work: moves.released(one), "released")

    def request_approval(self, document: Document | str) -> Document:
        """Ask somebody to agree before it leaves, who may ``approve`` or ``refuse``. (SPEC DOC-8)"""
        return self._change(
            document, lambda one, work: moves.approval_requested(one, at=work.at, by=work.by), "approval requested"
        )

    def approve(self, document: Document | str, why: str = "") -> Document:
        """Agree that it leaves."""
        return self._change(
            document, lambda one, work: moves.approved(one, at=work.at, by=work.by, why=why), "approved"
        )

    def refuse(self, document: Document | str, why: str = "") -> Document:
        """Refuse that it leaves."""
        return self._change(
            document, lambda one, work: moves.approval_refused(one, at=work.at, by=work.by, why=why), "approval refused"
        )

    def mark_sent(self, document: Document | str, *, at: datetime | None = None) -> Document:
        """Mark it sent by hand: it is numbered, dated and sealed, and its content is locked for ever. (SPEC DOC-3)"""

        def move(before: Document, work: Work) -> Document:
            rules.refuse(before, Move.SEND)
            when = work.at if at is None else aware(at)
            issued = issue(work, before, when)
            return moves.marked_sent(issued, at=when, by=work.by, seal=Seal(content=content_digest(issued)))

        return self._change(document, move, "marked sent")

    def accept(
        self, document: Document | str, *, by: str | None = None, note: str = "", at: datetime | None = None
    ) -> Document:
        """Record that the client said yes; it is bound to the sealed content. (SPEC DOC-7)"""
        return self._answer(document, True, by, note, at)

    def reject(
        self, document: Document | str, *, by: str | None = None, note: str = "", at: datetime | None = None
    ) -> Document:
        """Record that the client said no."""
        return self._answer(document, False, by, note, at)

    def _answer(
        self, document: Document | str, accepted: bool, by: str | None, note: str, at: datetime | None
    ) -> Document:
        def move(before: Document, work: Work) -> Document:
            when = work.at if at is None else aware(at)
            return moves.answered(before, accepted=accepted, at=when, by=by or work.by, note=note)

        return self._change(document, move, "accepted" if accepted else "rejected")

    def pay(self, document: Document | str, amount: Money | str, *, on: date | None = None, note: str = "") -> Document:
        """Book a payment, never more than the balance. (SPEC DOC-2)"""

        def move(before: Document, work: Work) -> Document:
            day = work.settings.day_of(work.at) if on is None else as_date(on, "on")
            return moves.paid(before, Money.of(amount, before.currency), on=day, by=work.by, note=note)

        return self._change(document, move, "paid")

    def cancel(self, document: Document | str, why: str = "") -> Document:
        """Cancel it; the document is kept. (SPEC DOC-5)"""
        return self._change(
            document, lambda one, work: moves.cancelled(one, at=work.at, by=work.by, why=why), "cancelled"
        )

    def delete(self, document: Document | str, *, force: bool = False) -> None:
        """Delete a draft; a sent one only with *force*. Its number is never used again. (SPEC DOC-5)

        Where it was a revision, the document that it took the place of is the current one again.
        """
        with self._sales.work() as work:
            record = self._named(work, document)
            moves.deletable(record, force=force)
            work.remove(record)
            former = work.get(Document, record.source_id) if record.revision and record.source_id is not None else None
            if former is not None and former.superseded_by == record.id:
                work.keep(attrs.evolve(former, superseded_by=None), former, action="revision deleted")

    def duplicate(self, document: Document | str, **given: Unpack[DocumentFacts]) -> Document:
        """Return a new draft with the same content, for another contact if wanted; not of a purchase order. (SPEC DOC-4)

        >>> harlow = sales.contacts.add("Harlow Foods")
        >>> sales.documents.duplicate(quote, contact=harlow).contact_id == harlow.id
        True
        """
        with self._sales.work() as work:
            record = self._named(work, document)
            rules.refuse(record, Move.DUPLICATE)
            filled = moves.values_of(record, record.type)
            return self._draft(
                work, record.type, filled, dict(given), opportunity_id=record.opportunity_id, source_id=record.id
            )

    def convert(self, document: Document | str, type: DocumentType | str, **given: Unpack[DocumentFacts]) -> Document:
        """Return a draft of another type made from it: quote to invoice, invoice to credit note… (SPEC DOC-4)"""
        into = as_type(type)
        with self._sales.work() as work:
            record = self._named(work, document)
            rules.refuse(record, Move.CONVERT, into=into)
            filled = moves.values_of(record, into)
            return self._draft(
                work, into, filled, dict(given), opportunity_id=record.opportunity_id, source_id=record.id
            )

    def revise(self, document: Document | str, **given: Unpack[DocumentFacts]) -> Document:
        """Return the draft of the next revision; this one is superseded. (SPEC DOC-4)"""
        with self._sales.work() as work:
            record = self._named(work, document)
            revision = moves.revision_of(record, id=work.new_id(), at=work.at, by=work.by)
            work.keep(moves.superseded(record, by_id=revision.id), record, action="superseded")
            kept = work.keep(revision, action="revised")
            return self.edit(kept, **given) if given else kept

    def can(self, document: Document | str, move: str, *, into: DocumentType | str | None = None) -> Verdict:
        """Say whether a move (a word of ``rules.Move``) is possible, and if not, why. (SPEC EXT-4)"""
        record = self.get(document) if isinstance(document, str) else document
        return rules.can(record, move, into=None if into is None else as_type(into))

    def pdf(self, document: Document | str) -> bytes:
        """Return its PDF: of a sent one the bytes that left, of a draft one that is visibly marked so. (SPEC DOC-10)"""
        with self._sales.work(write=False) as work:
            record = self._named(work, document)
            contact = work.get(Contact, record.contact_id)
            settings = work.settings
        if record.seal is not None and record.seal.pdf is not None:
            return b"".join(self._sales.blobs.read(record.seal.pdf))
        if record.approval in (Approval.PENDING, Approval.REFUSED):
            message = f"{record.name} has no PDF while its approval is {record.approval.value}; approve() it first"
            raise Refused(message, record=record.name, action="pdf")
        return self.render(record, contact, settings).content

    def render(self, record: Document, contact: Contact | None, settings: Settings) -> Rendered:
        """Draw *record* as it stands."""
        logo_id = record.logo if record.seller is not None else settings.organisation.logo
        logo = b"".join(self._sales.blobs.read(logo_id)) if logo_id is not None else None
        today = settings.day_of(self._sales.now())
        return self._sales.renderer.render(view_of(record, contact, settings, today=today, logo=logo))

    def verify(self, document: Document | str) -> Verdict:
        """Say whether a sent document still is what the client saw: its content and its PDF. (SPEC DOC-7)"""
        record = self.get(document) if isinstance(document, str) else document
        if record.seal is None:
            raise Invalid(Problem("document", "unsealed", f"{record.name} was not sent, so nothing is sealed yet"))
        if content_digest(record) != record.seal.content:
            return Verdict(False, f"the content of {record.name} is not what was sealed")
        if record.seal.pdf is not None:
            for _ in self._sales.blobs.read(record.seal.pdf):  # raises where the bytes do not fit their digest
                pass
        return Verdict(True)
