"""``sales.documents``: financial documents, editable until sent. (SPEC section 3)"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from salespipeline.codec import content_digest
from salespipeline.collection import Collection, contact_of
from salespipeline.domain import moves, rules
from salespipeline.domain.checks import Verdict, as_date, aware
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Approval, Document, DocumentType, Seal, as_type
from salespipeline.domain.numbering import DEFAULT_SERIES, Series
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.rules import Move
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, Problem, Refused
from salespipeline.filters import choice, day, flag, identity, moment, money, search, words
from salespipeline.listing import Listing, Shape
from salespipeline.money import Money
from salespipeline.opportunities import as_id, contact_filter, expanded_lines, given_contact, owner_filter
from salespipeline.ports import Rendered
from salespipeline.query import Cmp, Query
from salespipeline.text import fold
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
        series: str | None = None,
        **given: Any,
    ) -> Document:
        """Draft a document from an opportunity, filled with its lines, or stand-alone on a contact. (SPEC DOC-1)

        *source* is an opportunity or its reference, or a ``Contact``. *given* replaces what is filled in:
        lines, subject, contact, person, currency, due, note, terms, reference, custom, owner, locale.

        >>> sales.documents.draft(deal, "purchase order", note="Deliver to gate 2").reference
        'PO/00001'
        """
        kind = as_type(type)
        with self._sales.work() as work:
            values: dict[str, Any] = {}
            opportunity_id = None
            if isinstance(source, Contact):
                values["contact"] = source
            else:
                deal: Opportunity = self._sales.opportunities._named(work, source)
                opportunity_id = deal.id
                values = {"contact": deal.contact_id, "currency": deal.currency, "lines": deal.lines}
                values |= {"subject": deal.subject, "owner": deal.owner_id}
                if deal.person_id is not None and given.get("contact") is None:
                    values["person"] = deal.person_id
            return self._draft(work, kind, values | given, series=series, opportunity_id=opportunity_id)

    def _draft(
        self,
        work: Work,
        kind: DocumentType,
        given: dict[str, Any],
        *,
        series: str | None = None,
        opportunity_id: str | None = None,
        source_id: str | None = None,
    ) -> Document:
        contact = given_contact(work, self._sales.contacts, given.get("contact"))
        expanded_lines(work, given)
        owner = given.get("owner")
        if isinstance(owner, str) and owner not in work.settings.users:
            given.pop("owner")  # whoever made the opportunity need not be a user; whoever acts owns the document
        chosen = work.settings.series_for(kind.value, series)
        number, reference = None, None
        if chosen.at == "creation" and given.get("reference") is None:
            number, reference = _next(work, chosen)
        document = Document.drafted(
            given, work.settings, id=work.new_id(), type=kind, series=chosen.id, contact=contact, at=work.at,
            by=work.by, number=number, reference=reference, opportunity_id=opportunity_id, source_id=source_id,
        )  # fmt: skip
        return work.keep(document, action="drafted")

    def edit(self, document: Document | str, **given: Any) -> Document:
        """Replace some values of a draft; raises ``NotEditable`` once it was sent. (SPEC DOC-3)

        >>> sales.documents.edit(quote, lines=[{"description": "Racking", "unit_price": "199"}]).total
        Money('199.00', 'GBP')
        """

        def move(before: Document, work: Work) -> Document:
            contact = given_contact(work, self._sales.contacts, given.get("contact", before.contact_id))
            values = dict(given)
            expanded_lines(work, values)
            return moves.edited(before, values, work.settings, contact=contact, by=work.by)

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
        """Delete a draft; a sent one only with *force*. Its number is never used again. (SPEC DOC-5)"""
        with self._sales.work() as work:
            record = self._named(work, document)
            moves.deletable(record, force=force)
            work.remove(record)

    def duplicate(self, document: Document | str, *, contact: Contact | str | None = None, **given: Any) -> Document:
        """Return a new draft with the same content, for another contact if wanted; not of a purchase order. (SPEC DOC-4)

        >>> harlow = sales.contacts.add("Harlow Foods")
        >>> sales.documents.duplicate(quote, contact=harlow).contact_id == harlow.id
        True
        """
        with self._sales.work() as work:
            record = self._named(work, document)
            rules.refuse(record, Move.DUPLICATE)
            values = moves.values_of(record, record.type) | self._parties(record, contact) | given
            return self._draft(work, record.type, values, opportunity_id=record.opportunity_id, source_id=record.id)

    def convert(self, document: Document | str, type: DocumentType | str, **given: Any) -> Document:
        """Return a draft of another type made from it: quote to invoice, invoice to credit note… (SPEC DOC-4)"""
        into = as_type(type)
        with self._sales.work() as work:
            record = self._named(work, document)
            rules.refuse(record, Move.CONVERT, into=into)
            values = moves.values_of(record, into) | self._parties(record, None) | given
            return self._draft(work, into, values, opportunity_id=record.opportunity_id, source_id=record.id)

    @staticmethod
    def _parties(record: Document, contact: Contact | str | None) -> dict[str, Any]:
        if contact is not None:
            return {"contact": contact}
        return {"contact": record.contact_id} | ({"person": record.person_id} if record.person_id else {})

    def revise(self, document: Document | str, **given: Any) -> Document:
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


def _next(work: Work, series: Series) -> tuple[int, str]:
    """Take the next number of *series*, passing over references that somebody typed."""
    if series.at == "creation":
        while True:
            number = work.tx.next_number(series.id) + series.offset
            reference = series.reference(number)
            taken = Query(kind="document", where=Cmp("reference", "=", fold(reference)), limit=1)
            if not any(True for _ in work.tx.find(taken)):
                return number, reference
    number = work.tx.next_number(series.id) + series.offset
    return number, series.reference(number)


def issue(work: Work, document: Document, at: datetime) -> Document:
    """Return *document* as it is issued at this moment: numbered if it has no number yet, dated, with its parties."""
    if document.seller is not None:
        return document
    settings = work.settings
    contact = work.need(Contact, document.contact_id)
    number, reference = document.number, document.reference
    if reference is None:
        number, reference = _next(work, _series_of(settings, document))
    return document.issued(settings, contact, on=settings.day_of(at), number=number, reference=reference)


def _series_of(settings: Settings, document: Document) -> Series:
    return settings.series.get(document.series) or DEFAULT_SERIES[document.type.value]
