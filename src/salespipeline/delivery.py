"""Send all: a plan that people look at, then a run that never mails a document twice. (SPEC section 6)

Each document goes QUEUED → CLAIMED → PREPARED → T1 → SENDING → T2 → SENT. T1 is the point of no return: in one
transaction the document is checked again, numbered, frozen and sealed, and the intent is written. Nobody holds
a transaction while a PDF is drawn or a mail server talks. What was drawn before T1 assumed a number and a day;
T1 compares the hash of what was drawn with the hash of what it freezes, and draws again where they differ.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from salespipeline.codec import content_digest
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document, Party, Seal
from salespipeline.domain.sending import Batch, BatchState, Delivery, DeliveryState, Reason, moved, reasons
from salespipeline.errors import Invalid, MailError, Problem, RenderError, StorageError, TemplateError
from salespipeline.issuing import issue
from salespipeline.ports import Mail, NotSent, Outcome, Unknown
from salespipeline.query import Cmp, Query
from salespipeline.sending_report import Plan, PlanRow, SendReport, SendRow
from salespipeline.settling import left_out_row, row_of, settle
from salespipeline.views import view_of
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.documents import DocumentListing
    from salespipeline.render.bodies import MailTemplate
    from salespipeline.sales import Sales

__all__ = ["LEASE", "Sender", "plan"]

log = logging.getLogger(__name__)
SECOND = 1_000_000
LEASE = 15 * 60 * SECOND  # RFC 5321 asks for ten minutes after the final dot: a shorter lease would make duplicates
S = DeliveryState
Progress = Callable[[int, int, SendRow], None]


class _Redraw(Exception):
    """What was drawn is not what T1 would freeze: somebody else took the number, or the day changed."""


@attrs.frozen
class _Prepared:
    mail: Mail
    subject: str
    content: str
    pdf: str
    mail_digest: str
    version: int


def plan(
    sales: Sales, listing: DocumentListing, *, template: str | MailTemplate | None = None, again: bool = False
) -> Plan:
    """Return what *send all* would do with these documents: who gets what, who is left out and why. (SPEC SEND-3)

    *template* is a ``MailTemplate``, the name of a document type, or ``None`` for each document's own default.
    *again* also takes documents that were sent already. Nothing is written, nothing leaves.
    """
    sender = Sender(sales, template)
    sender.check_sender()
    rows = []
    with sales.work(write=False) as work:
        documents = list(listing)
        contacts = work.get_many(Contact, {document.contact_id for document in documents})
        today = work.settings.day_of(work.at)
        for document in documents:
            contact = contacts.get(document.contact_id)
            buyer = Party.buying(contact, document.person_id) if contact is not None else Party(name="")
            left_out = list(reasons(document, today=today, recipient=bool(buyer.email), again=again))
            subject, detail = "", ""
            if not left_out:
                try:
                    subject = sender.subject(document, contact, work)
                except TemplateError as error:
                    left_out, detail = [Reason.TEMPLATE], str(error)
            rows.append(
                PlanRow(
                    document_id=document.id,
                    document_version=document.version,
                    reference=document.reference or "",
                    type=document.type.value,
                    contact=buyer.name,
                    to=(buyer.email,) if buyer.email else (),
                    subject=subject,
                    total=document.total,
                    reasons=tuple(left_out),
                    detail=detail,
                    revision=document.revision,
                )
            )
    return Plan(tuple(rows), again=again, runner=sender)


class Sender:
    """Carries out a plan. *template* is as in ``plan``; *worker* names who holds a claim."""

    def __init__(self, sales: Sales, template: str | MailTemplate | None = None, *, worker: str = "") -> None:
        self.sales = sales
        self.template = template
        self.worker = worker or sales.ids()

    # --- what goes out ------------------------------------------------------------------------------------

    def check_sender(self) -> None:
        """Refuse to begin without a sender's address."""
        if not self.sales.settings.organisation.email:
            message = "mails need a sender: settings.edit_organisation(name='…', email='sales@…') first"
            raise Invalid(Problem("organisation.email", "missing", message))

    def _template(self, document: Document, locale: str) -> MailTemplate:
        from salespipeline.render.bodies import default_template

        if self.template is None or isinstance(self.template, str):
            return default_template(self.template or document.type.value, locale)
        return self.template

    def subject(self, document: Document, contact: Contact | None, work: Work) -> str:
        """Return the subject that the mail of *document* will have."""
        from salespipeline.render.bodies import render_bodies, template_data

        today = work.settings.day_of(work.at)
        view = view_of(document, contact, work.settings, today=today)
        return render_bodies(self._template(document, view.locale), template_data(view)).subject

    # --- the batch ----------------------------------------------------------------------------------------

    def run(self, plan: Plan, *, progress: Progress | None = None, on_error: str = "continue") -> SendReport:
        """Write the deliveries of *plan* durably, then carry them out one by one."""
        if on_error not in ("continue", "abort"):
            raise Invalid(Problem("on_error", "choice", f"on_error is 'continue' or 'abort', not {on_error!r}"))
        mailer = self.sales.mailer  # refuse before anything is written
        del mailer
        self.check_sender()
        self.sales.deliveries.recover()
        batch, rows = self._enqueue(plan)
        return self.carry_out(batch, rows, progress=progress, on_error=on_error)

    def _enqueue(self, plan: Plan) -> tuple[Batch, list[SendRow]]:
        """Write the batch and its deliveries in one transaction; a document that is being sent already is left out."""
        rows: list[SendRow] = [left_out_row(row) for row in plan.left_out]
        with self.sales.work() as work:
            name = self.template if isinstance(self.template, str) or self.template is None else self.template.name
            batch = Batch(
                id=work.new_id(), template=name or "", planned=len(plan.rows), started_at=work.at, started_by=work.by
            )
            batch = work.keep(batch, action="started")
            for position, row in enumerate(plan.included):
                delivery = Delivery(
                    id=work.new_id(),
                    batch_id=batch.id,
                    position=position,
                    document_id=row.document_id,
                    document_version=row.document_version,
                    document_reference=row.reference,
                    revision=row.revision,
                    again=plan.again,
                    to=row.to,
                    subject=row.subject,
                    template=batch.template,
                    planned_at=work.at,
                )
                alive = Query(kind="delivery", where=Cmp("live", "=", str(delivery.live)), limit=1)
                if any(True for _ in work.find(alive)):
                    rows.append(left_out_row(attrs.evolve(row, reasons=(Reason.IN_TRANSIT,))))
                else:
                    work.keep(delivery, action="queued")
        return batch, rows

    def carry_out(
        self, batch: Batch, rows: list[SendRow], *, progress: Progress | None = None, on_error: str = "continue"
    ) -> SendReport:
        """Work through what is queued in *batch* and report; *rows* are reported as they are."""
        pending = self.sales.deliveries.of_batch(batch, (S.QUEUED, S.RETRY_WAIT))
        total, paused = len(pending) + len(rows), ""
        done = len(rows)
        for delivery in pending:
            try:
                settled = self.deliver(delivery.id)
            except StorageError as error:  # the rest is not turned into failures
                paused = f"storage: {error}"
                log.warning("batch %s paused: the store failed at delivery %s", batch.id, delivery.id)
                break
            done += 1
            if progress is not None:
                progress(done, total, row_of(settled))
            if settled.state is S.FAILED and on_error == "abort":
                paused = f"stopped at the first failure: {settled.reason}"
                break
            if settled.reason.startswith("!"):
                paused = settled.reason[1:]
                break
        self._close(batch, paused)
        everything = [row_of(delivery) for delivery in self.sales.deliveries.of_batch(batch)]
        return SendReport(tuple(everything + rows), batch_id=batch.id, paused=paused)

    def _close(self, batch: Batch, paused: str) -> None:
        with self.sales.work() as work:
            before = work.need(Batch, batch.id)
            alive = self.sales.deliveries.of_batch(batch, (S.QUEUED, S.CLAIMED, S.PREPARED, S.SENDING, S.RETRY_WAIT))
            state = BatchState.PAUSED if paused or alive else BatchState.DONE
            work.keep(attrs.evolve(before, state=state, reason=paused), before, action=state.value)

    # --- one delivery -------------------------------------------------------------------------------------

    def deliver(self, id: str) -> Delivery:
        """Carry one delivery as far as it goes now, and return it."""
        claimed = self._claim(id)
        if claimed is None:
            with self.sales.work(write=False) as work:
                return work.need(Delivery, id)
        while True:
            prepared = self._prepare(claimed)
            if isinstance(prepared, Delivery):
                return prepared
            try:
                started = self._start(claimed, prepared)  # T1
            except _Redraw:
                continue
            if started.state is not S.SENDING:
                return started
            return self._settle(started, self._send(prepared.mail))  # T2

    def _claim(self, id: str) -> Delivery | None:
        with self.sales.work() as work:
            before = work.need(Delivery, id)
            now = work.tx.now()
            if before.state not in (S.QUEUED, S.RETRY_WAIT) or (before.retry_at or 0) > now:
                return None
            after = moved(
                before,
                S.CLAIMED,
                fence=before.fence + 1,
                worker=self.worker,
                lease_until=now + LEASE,
                retry_at=None,
                reason="",
            )
            return work.keep(after, before, action="claimed")

    def _prepare(self, delivery: Delivery) -> _Prepared | Delivery:
        """Draw the PDF and the mail and keep their bytes, outside any transaction."""
        if delivery.resolved is not None and delivery.mail is not None:
            return self._as_kept(delivery)
        with self.sales.work(write=False) as work:
            document = work.get(Document, delivery.document_id)
            contact = work.get(Contact, document.contact_id) if document is not None else None
            settings, at = work.settings, work.at
        if document is None or contact is None:
            return self._skip(delivery, Reason.DELETED)
        if reason := self._obstacle(delivery, document, work, at):
            return self._skip(delivery, reason)
        preview = self._preview(document, at)
        try:
            if document.seal is not None and document.seal.pdf is not None:
                pdf = b"".join(self.sales.blobs.read(document.seal.pdf))
            else:
                pdf = self.sales.documents.render(preview, contact, settings).content
            mail, subject = self._mail(delivery, preview, contact, work, pdf)
        except (RenderError, TemplateError, MailError) as error:
            return self._fail(delivery, str(error))
        return _Prepared(
            mail=mail,
            subject=subject,
            content=content_digest(preview),
            pdf=self.sales.blobs.keep([pdf]),
            mail_digest=self.sales.blobs.keep([mail.content]),
            version=document.version,
        )

    def _preview(self, document: Document, at: datetime) -> Document:
        """Return *document* as T1 will issue it, with the number that is next now; nothing is taken."""
        if document.seller is not None:
            return document
        found: list[Document] = []
        try:
            with self.sales.work() as work:
                found.append(issue(work, document, at))
                raise _Redraw
        except _Redraw:
            return found[0]

    def _mail(
        self, delivery: Delivery, document: Document, contact: Contact, work: Work, pdf: bytes
    ) -> tuple[Mail, str]:
        from salespipeline.mail import Address, Attachment, build_mail, message_id_for
        from salespipeline.render.bodies import render_bodies, template_data

        view = view_of(document, contact, work.settings, today=work.settings.day_of(work.at))
        bodies = render_bodies(self._template(document, view.locale), template_data(view))
        organisation = work.settings.organisation
        buyer = document.buyer or Party.buying(contact, document.person_id)
        name = f"{(document.reference or document.type.words).replace('/', '-')}.pdf"
        mail = build_mail(
            message_id=message_id_for(delivery.id, organisation.email),
            date=delivery.planned_at,
            sender=Address(organisation.email, organisation.name),
            to=[Address(one, buyer.person or buyer.name) for one in delivery.to],
            subject=bodies.subject,
            text=bodies.text,
            html=bodies.html,
            attachments=[Attachment(name, pdf, "application/pdf")],
        )
        return mail, bodies.subject

    def _as_kept(self, delivery: Delivery) -> _Prepared:
        """Return the very bytes of the first try: a resend carries the same Message-ID. (SPEC SEND-6)"""
        content = b"".join(self.sales.blobs.read(str(delivery.mail)))
        organisation = self.sales.settings.organisation
        mail = Mail(message_id=delivery.message_id, sender=organisation.email, recipients=delivery.to, content=content)
        return _Prepared(mail, delivery.subject, str(delivery.content), str(delivery.pdf), str(delivery.mail), 0)

    def _obstacle(self, delivery: Delivery, document: Document, work: Work, at: datetime) -> Reason | None:
        """Return why *document* may not leave at this moment. (SPEC SEND-5)"""
        again = delivery.again
        found = reasons(document, today=work.settings.day_of(at), recipient=bool(delivery.to), again=again)
        if found:
            return found[0]
        return Reason.CHANGED if document.version != delivery.document_version else None

    def _start(self, claimed: Delivery, prepared: _Prepared) -> Delivery:
        """T1: check again, number, freeze, seal, and write the intent, in one transaction."""
        with self.sales.work() as work:
            before = work.need(Delivery, claimed.id)
            if before.fence != claimed.fence or before.state is not S.CLAIMED:
                return before  # somebody else holds it now
            facts: dict[str, Any] = {
                "subject": prepared.subject,
                "message_id": prepared.mail.message_id,
                "mail": prepared.mail_digest,
                "pdf": prepared.pdf,
                "content": prepared.content,
                "lease_until": work.tx.now() + LEASE,
                "attempts": before.attempts + 1,
            }
            document = work.get(Document, before.document_id)
            resend = document is not None and document.in_transit == before.id and before.resolved is not None
            if not resend:
                obstacle = Reason.DELETED if document is None else self._obstacle(before, document, work, work.at)
                if document is None or obstacle is not None:
                    reason = obstacle or Reason.DELETED
                    skipped = moved(before, S.SKIPPED, reason=reason.value, lease_until=None)
                    return work.keep(skipped, before, action="left out")
                issued = issue(work, document, work.at)
                if content_digest(issued) != prepared.content:
                    raise _Redraw
                seal = issued.seal or Seal(content=prepared.content, pdf=prepared.pdf)
                frozen = attrs.evolve(issued, in_transit=before.id, seal=seal)
                kept = work.keep(frozen, document, action="sending")
                facts |= {"document_version": kept.version, "document_reference": kept.reference or ""}
            sending = moved(moved(before, S.PREPARED), S.SENDING, **facts)
            return work.keep(sending, before, action="sending")

    def _send(self, mail: Mail) -> Outcome:
        try:
            return self.sales.mailer.send(mail)
        except MailError as error:
            return NotSent(reason=str(error))
        except Exception as error:  # noqa: BLE001 - whatever a foreign mailer raises, nobody knows what left
            return Unknown(reason=f"the mailer failed with {type(error).__name__}")

    def _settle(self, sending: Delivery, outcome: Outcome) -> Delivery:
        """T2: write down what became of it. Where this fails, the delivery stays in SENDING, and becomes uncertain."""
        with self.sales.work() as work:
            before = work.need(Delivery, sending.id)
            if before.fence != sending.fence or before.state is not S.SENDING:
                return before
            return settle(work, before, outcome)

    def _skip(self, delivery: Delivery, reason: Reason) -> Delivery:
        return self._end(delivery, S.SKIPPED, reason.value, "left out")

    def _fail(self, delivery: Delivery, why: str) -> Delivery:
        return self._end(delivery, S.FAILED, why[:500], "failed")

    def _end(self, delivery: Delivery, state: DeliveryState, reason: str, action: str) -> Delivery:
        with self.sales.work() as work:
            before = work.need(Delivery, delivery.id)
            if before.fence != delivery.fence or before.state is not S.CLAIMED:
                return before
            return work.keep(moved(before, state, reason=reason, lease_until=None), before, action=action)
