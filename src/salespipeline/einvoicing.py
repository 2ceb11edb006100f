"""From a document to its electronic invoice: what it refers to, what stands in its way, and the files. (SPEC section 4)"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.facts import Party
from salespipeline.domain.settings import Settings
from salespipeline.einvoice import Invoice, problems_of, profile_of, terms_of
from salespipeline.errors import Invalid, NotAllowed, Problem, RenderError, shown
from salespipeline.transmission import EInvoice, HybridRenderer
from salespipeline.views import UNTAXED, view_of
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = [
    "FORMATS",
    "as_format",
    "check_einvoice",
    "einvoice_pdf",
    "file_name",
    "invoice_of",
    "made",
    "refuse_type",
    "wanted",
]

FORMATS = ("facturx", "cii", "ubl")
TYPES = (DocumentType.INVOICE, DocumentType.CREDIT_NOTE)
WORDS = ("discount", "credit_note", *(f"untaxed_{category.lower()}" for category in UNTAXED))
PDF, XML = "application/pdf", "application/xml"


def wanted(settings: Settings, document: Document) -> bool:
    """Say whether *document* leaves as Factur-X: the organisation wants it, and it is an invoice or a credit note."""
    return settings.organisation.einvoice == "factur-x" and document.type in TYPES


def refuse_type(document: Document) -> None:
    """Raise ``NotAllowed`` unless *document* is an invoice or a credit note."""
    if document.type not in TYPES:
        message = (
            f"{document.name} has no electronic invoice: those are made of invoices and credit notes; make an invoice "
            "from it with documents.convert()"
        )
        raise NotAllowed(message, record=document.name, action="einvoice")


def invoice_of(work: Work, document: Document) -> Invoice:
    """Return what an electronic invoice of *document* is made of; of a draft, as it would be issued now.

    An issued one has its parties with it; where their country or electronic address was not known yet, it is what is known now.
    """
    from salespipeline.render.labels import label

    settings = work.settings
    organisation, issued = settings.organisation, document.seller is not None
    contact = work.get(Contact, document.client_id)
    seller = Party.selling(organisation)
    buyer = Party.buying(contact, document.person_id) if contact is not None else Party(name="")
    day = document.date or settings.day_of(work.at)
    locale = document.locale or organisation.locale
    return Invoice(
        document=document,
        seller=_completed(document.seller, seller),
        buyer=_completed(document.buyer, buyer),
        date=day,
        due=document.due or document.default_due(settings, day),
        payment=document.payment_details if issued else organisation.payment,
        legal_notes=document.legal_notes if issued else organisation.legal_notes,
        preceding=_preceding(work, document),
        words=tuple((key, label(key, locale)) for key in WORDS),
    )


def _completed(issued: Party | None, now: Party) -> Party:
    if issued is None:
        return now
    names = [name for name in ("country", "electronic_address") if not getattr(issued, name)]
    return attrs.evolve(issued, **{name: getattr(now, name) for name in names}) if names else issued


def _preceding(work: Work, document: Document) -> tuple[tuple[str, dt.date | None, str], ...]:
    """Return the invoice that is credited, or the deposits that are taken off, as far as they are issued."""
    ids = [document.source_id] if document.takes == "credit" and document.source_id is not None else []
    ids += document.deducts
    known = work.get_many(Document, ids)
    found = [known[id] for id in ids if id in known]
    return tuple(
        (one.reference, one.date, "386" if one.takes == "deposit" else "380") for one in found if one.reference
    )


def check_einvoice(invoice: Invoice) -> None:
    """Raise ``Invalid`` with every problem of *invoice*; one that was sent says how it can still be mended."""
    problems, document = problems_of(invoice), invoice.document
    if problems and document.sent:
        message = (
            f"{document.name} was sent, and its content is locked: only a country or an electronic address that was missing is "
            "taken from what is known now; for the rest, credit it with documents.convert() and issue another one"
        )
        problems = (*problems, Problem("document", "locked", message))
    if problems:
        raise Invalid(problems, record=document.name, action="einvoice")


def made(sales: Sales, invoice: Invoice, format: str, settings: Settings) -> EInvoice:
    """Return the file of *invoice*, which has no problems, in *format*."""
    from salespipeline.einvoice import writing

    document = invoice.document
    profile = profile_of(document) if format != "ubl" else "en16931"
    write = writing.ubl if format == "ubl" else writing.cii
    xml = write(terms_of(invoice, profile), profile, name=document.name)
    file = EInvoice(
        reference=document.reference or "",
        content=xml,
        media_type=XML,
        name=file_name(document, "xml"),
        format=format,
        profile=profile,
        xml=xml,
    )
    if format != "facturx":
        return file
    renderer = sales.renderer
    if not isinstance(renderer, HybridRenderer):
        message = (
            f"{document.name} cannot be drawn as Factur-X: {type(renderer).__name__} has no facturx(); open the pipeline "
            "with a render.PdfRenderer, or ask for format='cii' or 'ubl'"
        )
        raise RenderError(message, document=document.name, part="einvoice")
    logo = b"".join(sales.blobs.read(document.logo)) if document.logo is not None else None
    view = view_of(document, None, settings, today=invoice.date, logo=logo)
    drawn = renderer.facturx(view, xml, profile)
    return attrs.evolve(
        file,
        content=drawn.content,
        media_type=PDF,
        name=file_name(document, "pdf"),
        missing_glyphs=drawn.missing_glyphs,
    )


def file_name(document: Document, ending: str) -> str:
    """Return the name of a file with *document*, safe on every system."""
    from salespipeline.mail.filenames import safe_filename

    return safe_filename(
        f"{(document.reference or document.id).replace('/', '-')}.{ending}", otherwise=f"invoice.{ending}"
    )


def einvoice_pdf(sales: Sales, document: Document, settings: Settings) -> bytes:
    """Return the Factur-X of *document* as it is issued, for a mail; raises ``RenderError`` with every problem."""
    with sales.work(write=False) as work:
        invoice = invoice_of(work, document)
    try:
        check_einvoice(invoice)
    except Invalid as error:
        message = f"{document.name} cannot leave as Factur-X: {'; '.join(map(str, error.problems))}"
        raise RenderError(message, document=document.name, part="einvoice") from error
    return made(sales, invoice, "facturx", settings).content


def as_format(given: object) -> str:
    """Return the format called *given*."""
    name = given.strip().lower().replace("-", "").replace("_", "") if isinstance(given, str) else given
    if name not in FORMATS:
        message = f"{shown(given)} is not a format of electronic invoices; one of {', '.join(FORMATS)}"
        raise Invalid(Problem("format", "choice", message))
    return str(name)
