"""The plan of *send all*: who would get what, and who is left out and why. Nothing leaves. (SPEC SEND-1 to SEND-4)"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from salespipeline.codec import uncollected
from salespipeline.composing import Composer, enclosure_of, pdf_name
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document, Party
from salespipeline.domain.sending import Reason, reasons
from salespipeline.domain.templates import SEVERAL, MailTemplate
from salespipeline.einvoice import problems_of
from salespipeline.einvoicing import invoice_of, wanted
from salespipeline.errors import Invalid, Problem, Refused, TemplateError
from salespipeline.issuing import expected
from salespipeline.send_options import SendOptions
from salespipeline.sending_report import Plan, PlannedFile, PlanRow
from salespipeline.stock import unsellable
from salespipeline.wording import Wording
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["check_durable", "check_sender", "numbered", "plan", "rows_of"]


def plan(sales: Sales, documents: Iterable[Document], options: SendOptions) -> Plan:
    """Return what *send all* would do with these documents. Nothing is written, nothing leaves. (SPEC SEND-3)"""
    check_sender(sales)
    listed = list(documents)
    with uncollected():
        with sales.work(write=False) as work:
            rows = rows_of(sales, work, listed, options)
        return Plan(tuple(numbered(sales, rows, listed)), options=options, sales=sales)


def rows_of(sales: Sales, work: Work, documents: Sequence[Document], options: SendOptions) -> list[PlanRow]:
    """Return one row for each document, as they stand in *work*."""
    composer, wording = Composer(sales), Wording(options, work.settings)
    enclosures = (*map(enclosure_of, options.attachments), *map(enclosure_of, options.images))
    files = tuple(PlannedFile(one.name, one.size) for one in enclosures)
    contacts = work.get_many(Contact, {document.client_id for document in documents})
    rows = [
        _row(work, composer, wording, document, contacts.get(document.client_id), options, files)
        for document in documents
    ]
    sold = unsellable(work, [one for one, row in zip(documents, rows, strict=True) if not row.reasons])
    rows = [
        attrs.evolve(row, reasons=(Reason.SOLD,), detail=sold[row.key], files=()) if row.key in sold else row
        for row in rows
    ]
    if options.together:
        rows = _together(work, composer, wording, rows, documents, contacts, files)
    return rows


def check_durable(sales: Sales) -> None:
    """Refuse to mail where that could be forgotten, and the mail go again.

    Inside a transaction that somebody may yet roll back; and in a forked child, on a copy of what its parent knows.
    """
    if sales.in_transaction or getattr(sales.store, "lent", False):
        message = (
            "mails are not sent inside a transaction of others, which may yet be rolled back when they have left: "
            "send outside of it, or queue() them there and let a worker with a connection of its own send them"
        )
        raise Refused(message, action="send")
    if sales.opened_by != os.getpid():
        message = (
            "mails are not sent by a forked child on what its parent opened: both might send the same ones; "
            "open a pipeline of its own in the child"
        )
        raise Refused(message, action="send")


def check_sender(sales: Sales) -> None:
    """Refuse to begin without a sender's address."""
    if not sales.settings.organisation.email:
        message = "mails need a sender: settings.edit_organisation(name='…', email='sales@…') first"
        raise Invalid(Problem("organisation.email", "missing", message))


def _row(
    work: Work,
    composer: Composer,
    wording: Wording,
    document: Document,
    contact: Contact | None,
    options: SendOptions,
    files: tuple[PlannedFile, ...],
) -> PlanRow:
    settings = work.settings
    buyer = Party.buying(contact, document.person_id) if contact is not None else Party(name="")
    to = _recipients(buyer, contact, options)
    left_out = list(
        reasons(
            document,
            today=settings.day_of(work.at),
            recipient=bool(to),
            again=options.again,
            purpose=options.purpose,
        )
    )
    subject, detail, template = "", "", None
    if not left_out and contact is not None:
        try:
            template = wording.of(document.type.value, document.locale or settings.organisation.locale)
            subject = composer.subject(template, [document], contact, settings, work.at)
        except TemplateError as error:
            left_out, detail = [Reason.TEMPLATE], str(error)
    if not left_out and wanted(settings, document) and (problems := problems_of(invoice_of(work, document))):
        left_out, detail = [Reason.EINVOICE], "; ".join(map(str, problems))
    return PlanRow(
        key=document.id,
        document_id=document.id,
        document_version=document.version,
        opportunity_id=document.deal_id or "",
        reference=document.reference or "",
        type=document.type.value,
        contact=buyer.name,
        to=to,
        subject=subject,
        total=document.total,
        reasons=tuple(left_out),
        detail=detail,
        revision=document.revision,
        template=template,
        letter=document.id,
        files=() if left_out else (PlannedFile(pdf_name(document)), *_enclosed(template), *files),
    )


def _enclosed(template: MailTemplate | None) -> tuple[PlannedFile, ...]:
    return () if template is None else tuple(PlannedFile(one.name, one.size) for one in template.enclosures)


def _recipients(buyer: Party, contact: Contact | None, options: SendOptions) -> tuple[str, ...]:
    """Return who gets it: the person dealt with, or the contact where that one has no address; and *to*."""
    general = contact.email if contact is not None else ""
    chosen = {"person": [buyer.email], "contact": [general], "both": [buyer.email, general]}[options.recipients]
    return tuple(dict.fromkeys(one for one in (*chosen, *options.to) if one))


def _together(
    work: Work,
    composer: Composer,
    wording: Wording,
    rows: Sequence[PlanRow],
    documents: Sequence[Document],
    contacts: Mapping[str, Contact],
    files: tuple[PlannedFile, ...],
) -> list[PlanRow]:
    """Return the rows with the documents of one contact, recipient and language in one letter."""
    letters: dict[tuple[object, ...], list[int]] = {}
    for at, (row, document) in enumerate(zip(rows, documents, strict=True)):
        if not row.reasons:
            letters.setdefault((document.client_id, row.to, document.locale), []).append(at)
    grouped = list(rows)
    for places in letters.values():
        if len(places) == 1:
            continue
        several = [documents[at] for at in places]
        locale = several[0].locale or work.settings.organisation.locale
        changes: dict[str, Any] = {"letter": several[0].id}
        try:
            template = wording.of(SEVERAL, locale)
            pdfs = tuple(PlannedFile(pdf_name(one)) for one in several)
            changes |= {"template": template, "files": (*pdfs, *_enclosed(template), *files)}
            contact = contacts[several[0].client_id]
            changes["subject"] = composer.subject(template, several, contact, work.settings, work.at)
        except TemplateError as error:
            changes |= {"subject": "", "reasons": (Reason.TEMPLATE,), "detail": str(error)}
        for at in places:
            grouped[at] = attrs.evolve(rows[at], **changes)
    return grouped


def numbered(sales: Sales, rows: Sequence[PlanRow], documents: Sequence[Document]) -> list[PlanRow]:
    """Return the rows with the numbers that they would get if nobody else sent anything meanwhile; none is taken."""
    without = [at for at, row in enumerate(rows) if not row.reasons and not row.reference]
    if not without or sales.in_transaction:  # which could not give them back
        return list(rows)
    references = expected(sales, [documents[at] for at in without])
    numbered = list(rows)
    for at, reference in zip(without, references, strict=True):
        numbered[at] = attrs.evolve(rows[at], expected=reference)
    return numbered
