"""The plan of *send all*: who would get what, and who is left out and why. Nothing leaves. (SPEC SEND-1 to SEND-4)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from salespipeline.composing import SEVERAL, Composer
from salespipeline.domain.checks import Checks
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document, Party
from salespipeline.domain.sending import Reason, reasons
from salespipeline.errors import Invalid, MailError, Problem, Refused, TemplateError, shown
from salespipeline.issuing import as_issued
from salespipeline.sending_report import Plan, PlanRow
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.mail import Attachment, InlineImage
    from salespipeline.render.bodies import MailTemplate
    from salespipeline.sales import Sales

__all__ = ["SendOptions", "Templates", "Written", "plan"]

Written: TypeAlias = "str | MailTemplate"
Templates: TypeAlias = "Written | Mapping[str, Written] | None"
RECIPIENTS = ("person", "contact", "both")


@attrs.frozen(kw_only=True)
class SendOptions:
    """What is asked of *send all*; the arguments of ``plan_send_all``."""

    template: Templates = None
    again: bool = False
    recipients: str = "person"
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    images: tuple[InlineImage, ...] = ()
    together: bool = False

    @classmethod
    def of(cls, given: Mapping[str, object]) -> SendOptions:
        """Return the options as they were *given*, or raise ``Invalid`` with every problem."""
        from salespipeline.mail import Attachment, InlineImage

        checks = Checks()
        values: dict[str, Any] = dict(given)
        known = [field.name for field in attrs.fields(cls)]
        for name in [name for name in values if name not in known]:
            checks.add(name, "unknown", f"send all has no option {shown(name)}; there are {', '.join(known)}")
            values.pop(name)
        for name in ("to", "cc", "bcc", "reply_to"):
            values[name] = _addresses(checks, name, values.get(name, ()))
        for name, kind in (("attachments", Attachment), ("images", InlineImage)):
            values[name] = _files(checks, name, values.get(name, ()), kind)
        if values.get("recipients", "person") not in RECIPIENTS:
            message = f"recipients are 'person', 'contact' or 'both', not {shown(values['recipients'])}"
            checks.add("recipients", "choice", message)
        checks.done(action="send all")
        return cls(**values)


def _addresses(checks: Checks, name: str, given: object) -> tuple[str, ...]:
    from salespipeline.mail import Address

    several = (given,) if isinstance(given, str | Address) else tuple(given) if isinstance(given, Iterable) else None
    if several is None:
        checks.add(name, "type", f"an address or a list of them is needed, not {shown(given)}")
        return ()
    kept = []
    for position, one in enumerate(several):
        try:
            kept.append(str(Address.of(one)))
        except MailError as error:
            checks.add(f"{name}[{position}]", "address", str(error))
    return tuple(kept)


def _files(checks: Checks, name: str, given: object, kind: type[object]) -> tuple[object, ...]:
    several = (given,) if isinstance(given, kind) else tuple(given) if isinstance(given, Iterable) else (given,)
    if wrong := [one for one in several if not isinstance(one, kind)]:
        checks.add(name, "type", f"make each of them a mail.{kind.__name__}, not {shown(wrong[0])}")
    return several


def plan(sales: Sales, documents: Iterable[Document], options: SendOptions) -> Plan:
    """Return what *send all* would do with these documents. Nothing is written, nothing leaves. (SPEC SEND-3)"""
    composer = Composer(sales)
    check_sender(sales)
    listed = list(documents)
    rows: list[PlanRow] = []
    with sales.work(write=False) as work:
        contacts = work.get_many(Contact, {document.contact_id for document in listed})
        rows = [_row(work, composer, document, contacts.get(document.contact_id), options) for document in listed]
        if options.together:
            rows = _together(work, composer, rows, listed, contacts, options)
    return Plan(tuple(_numbered(sales, rows, listed)), options=options, sales=sales)


def check_durable(sales: Sales) -> None:
    """Refuse to mail inside a transaction that somebody may yet roll back: the mail would be forgotten, and go again."""
    if sales.in_transaction or getattr(sales.store, "lent", False):
        message = (
            "mails are not sent inside a transaction of others, which may yet be rolled back when they have left: "
            "send outside of it, or queue() them there and let a worker with a connection of its own send them"
        )
        raise Refused(message, action="send")


def check_sender(sales: Sales) -> None:
    """Refuse to begin without a sender's address."""
    if not sales.settings.organisation.email:
        message = "mails need a sender: settings.edit_organisation(name='…', email='sales@…') first"
        raise Invalid(Problem("organisation.email", "missing", message))


def template_for(options: SendOptions, type: str, locale: str) -> MailTemplate:
    """Return the words for a document of this type: those that were given, or the default ones. (SPEC SEND-4)"""
    from salespipeline.render.bodies import default_template

    chosen = options.template
    if isinstance(chosen, Mapping):
        chosen = chosen.get(type)
    if chosen is None or isinstance(chosen, str):
        return default_template(chosen or type, locale)
    return chosen


def _row(work: Work, composer: Composer, document: Document, contact: Contact | None, options: SendOptions) -> PlanRow:
    settings = work.settings
    buyer = Party.buying(contact, document.person_id) if contact is not None else Party(name="")
    to = _recipients(buyer, contact, options)
    left_out = list(reasons(document, today=settings.day_of(work.at), recipient=bool(to), again=options.again))
    subject, detail, template = "", "", None
    if not left_out and contact is not None:
        try:
            template = template_for(options, document.type.value, document.locale or settings.organisation.locale)
            subject = composer.subject(template, [document], contact, settings, work.at)
        except TemplateError as error:
            left_out, detail = [Reason.TEMPLATE], str(error)
    return PlanRow(
        document_id=document.id,
        document_version=document.version,
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
    )


def _recipients(buyer: Party, contact: Contact | None, options: SendOptions) -> tuple[str, ...]:
    """Return who gets it: the person dealt with, or the contact where that one has no address; and *to*."""
    general = contact.email if contact is not None else ""
    chosen = {"person": [buyer.email], "contact": [general], "both": [buyer.email, general]}[options.recipients]
    return tuple(dict.fromkeys(one for one in (*chosen, *options.to) if one))


def _together(
    work: Work,
    composer: Composer,
    rows: Sequence[PlanRow],
    documents: Sequence[Document],
    contacts: Mapping[str, Contact],
    options: SendOptions,
) -> list[PlanRow]:
    """Return the rows with the documents of one contact, recipient and language in one letter."""
    letters: dict[tuple[object, ...], list[int]] = {}
    for at, (row, document) in enumerate(zip(rows, documents, strict=True)):
        if not row.reasons:
            letters.setdefault((document.contact_id, row.to, document.locale), []).append(at)
    grouped = list(rows)
    for places in letters.values():
        if len(places) == 1:
            continue
        several = [documents[at] for at in places]
        locale = several[0].locale or work.settings.organisation.locale
        template = template_for(options, SEVERAL, locale)
        changes: dict[str, Any] = {"template": template, "letter": several[0].id}
        try:
            contact = contacts[several[0].contact_id]
            changes["subject"] = composer.subject(template, several, contact, work.settings, work.at)
        except TemplateError as error:
            changes |= {"subject": "", "reasons": (Reason.TEMPLATE,), "detail": str(error)}
        for at in places:
            grouped[at] = attrs.evolve(rows[at], **changes)
    return grouped


def _numbered(sales: Sales, rows: Sequence[PlanRow], documents: Sequence[Document]) -> list[PlanRow]:
    """Return the rows with the numbers that they would get if nobody else sent anything meanwhile; none is taken."""
    without = [at for at, row in enumerate(rows) if not row.reasons and not row.reference]
    if not without or sales.in_transaction:  # which could not give them back
        return list(rows)
    issued = as_issued(sales, [documents[at] for at in without])
    numbered = list(rows)
    for at, document in zip(without, issued, strict=True):
        numbered[at] = attrs.evolve(rows[at], expected=document.reference or "")
    return numbered
