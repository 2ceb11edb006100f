"""``sales.documents``: financial documents, editable until sent. (SPEC section 3)"""

from __future__ import annotations

from typing import Any, Unpack

from salespipeline.arguments import DocumentFacts
from salespipeline.documents.answering import Answering
from salespipeline.documents.checking import Checking
from salespipeline.documents.copies import Copies
from salespipeline.documents.drafting import draft_from, edited_draft
from salespipeline.documents.einvoicing import EInvoicing
from salespipeline.documents.facts import Facts
from salespipeline.documents.listing import SHAPE, DocumentListing
from salespipeline.domain import rules
from salespipeline.domain.approving import approvable
from salespipeline.domain.checks import Verdict
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Approval, Document, DocumentType, as_type
from salespipeline.domain.numbering import Series
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.rules import Move
from salespipeline.domain.settings import Settings
from salespipeline.errors import Refused
from salespipeline.ports import DocumentView, Rendered
from salespipeline.stock import unsellable
from salespipeline.views import view_of

__all__ = ["Documents"]


class Documents(Facts, Copies, Answering, Checking, EInvoicing):
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
    shape = SHAPE

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
                return draft_from(self._sales, work, kind, {"contact": source}, dict(given), series=series)
            deal: Opportunity = self._sales.opportunities._named(work, source)
            filled: dict[str, Any] = {"contact": deal.contact_id, "currency": deal.currency, "lines": deal.lines}
            filled |= {"subject": deal.subject, "owner": deal.owner_id, "person": deal.person_id}
            return draft_from(self._sales, work, kind, filled, dict(given), series=series, opportunity_id=deal.id)

    def edit(self, document: Document | str, **given: Unpack[DocumentFacts]) -> Document:
        """Replace some values of a draft; raises ``NotEditable`` once it was sent. (SPEC DOC-3)

        >>> sales.documents.edit(quote, lines=[{"description": "Racking", "unit_price": "199"}]).total
        Money('199.00', 'GBP')
        """
        return self._change(document, lambda one, work: edited_draft(self._sales, work, one, dict(given)), "edited")

    def can(self, document: Document | str, move: str, *, into: DocumentType | str | None = None) -> Verdict:
        """Say whether a move (a word of ``rules.Move``) is possible for whoever acts, and if not, why. (SPEC EXT-4)"""
        self._expect(document)
        with self._sales.work(write=False) as work:
            record = self._named(work, document) if isinstance(document, str) else document
            settings = work.settings
            sold = unsellable(work, [record]) if move == Move.SEND else {}
        verdict = rules.can(record, move, into=None if into is None else as_type(into))
        if verdict and sold:
            return Verdict(False, f"{record.name} is not sent: {sold[record.id]}.")
        if verdict and move == Move.APPROVE:
            reason = approvable(record, settings, self._sales.actor)
            return Verdict(reason is None, reason or "")
        return verdict

    def pdf(self, document: Document | str) -> bytes:
        """Return its PDF: of a sent one the bytes that left, of a draft one that is visibly marked so. (SPEC DOC-10)"""
        record, contact, settings = self._shown(document, "pdf")
        if record.seal is not None and record.seal.pdf is not None:
            return b"".join(self._sales.blobs.read(record.seal.pdf))
        return self.render(record, contact, settings).content

    def html(self, document: Document | str, *, whole: bool = True) -> str:
        """Return it as HTML that says what its PDF says: a page, or, not the *whole*, an element to put into one. (SPEC DOC-10)

        It is drawn from what was locked when it was sent, in the document's language, with the colours, columns and texts of
        the renderer's theme, where that has one.

        >>> sales.documents.html(quote)[:15], "10,080.00" in sales.documents.html(quote, whole=False)
        ('<!doctype html>', True)
        """
        from salespipeline.render.page import page

        record, contact, settings = self._shown(document, "html")
        theme = getattr(self._sales.renderer, "theme", None)
        return page(self._view(record, contact, settings), theme=theme, whole=whole)

    def render(self, record: Document, contact: Contact | None, settings: Settings) -> Rendered:
        """Draw *record* as it stands."""
        return self._sales.renderer.render(self._view(record, contact, settings))

    def _shown(self, document: Document | str, action: str) -> tuple[Document, Contact | None, Settings]:
        """Return what a document is drawn from, or raise ``Refused`` where nobody may see it yet. (SPEC DOC-8)"""
        with self._sales.work(write=False) as work:
            record = self._named(work, document)
            contact = work.get(Contact, record.client_id)
            settings = work.settings
        if record.approval not in (Approval.NOT_NEEDED, Approval.APPROVED):
            message = f"{record.name} is not drawn while its approval is {record.approval}; approve() it first"
            raise Refused(message, record=record.name, action=action)
        return record, contact, settings

    def _view(self, record: Document, contact: Contact | None, settings: Settings) -> DocumentView:
        logo_id = record.logo if record.seller is not None else settings.organisation.logo
        logo = b"".join(self._sales.blobs.read(logo_id)) if logo_id is not None else None
        return view_of(record, contact, settings, today=settings.day_of(self._sales.now()), logo=logo)
