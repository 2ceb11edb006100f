"""Making mails without sending them: before the first of a batch leaves, for a preview, for the sizes in a plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from salespipeline.claiming import letter_of
from salespipeline.composing import Composer, Letter
from salespipeline.deal_plans import drafted
from salespipeline.domain import protocol
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.sending import Batch, Delivery, DeliveryState, Reason
from salespipeline.domain.settings import Settings
from salespipeline.domain.templates import MailTemplate
from salespipeline.errors import MailError, NotFound, RenderError, TemplateError, shown
from salespipeline.issuing import as_issued, foreseen, tried
from salespipeline.sending_report import Plan, PlannedFile, PlanRow
from salespipeline.starting import batch_of, deliveries_of, waiting
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.sales import Sales

__all__ = ["letter_for", "preview", "rehearse", "rehearsed"]

S = DeliveryState


def rehearse(sales: Sales, composer: Composer, batch: Batch, *, on_error: str) -> str:
    """Make every mail of *batch* once, and keep none: what cannot be made fails before the first one leaves.

    Returns why nothing at all should leave: with ``abort``, the first mail that cannot be made. Once it has gone through,
    the batch says so, and whoever goes on with it needs no other.
    """
    for letter in waiting(sales, batch, rest=False):
        with sales.work(write=False) as work:
            deliveries = [one for one in letter_of(work, letter) if one.state is S.QUEUED]
            documents = work.get_many(Document, [one.document_id for one in deliveries])
            deliveries = [one for one in deliveries if one.document_id in documents]
            script = _script(work, [documents[one.document_id] for one in deliveries]) if deliveries else None
        if script is None:
            continue
        try:
            _letter(sales, composer, batch, deliveries, script)
        except (TemplateError, RenderError, MailError) as error:
            if on_error == "abort":
                return f"nothing was sent: {error}"
            with sales.work() as work:
                for one in deliveries:
                    before = work.need(Delivery, one.id)
                    if before.state is S.QUEUED:
                        work.keep(protocol.failed(before, reason=str(error)), before, action="failed")
    with sales.work() as work:
        kept = work.need(Batch, batch.id)
        work.keep(attrs.evolve(kept, rehearsed=True), kept, action="rehearsed")
    return ""


@attrs.frozen
class _Script:
    """What a letter is made of, as it stood in one transaction; *issued* is ``None`` where numbers must be tried."""

    documents: list[Document]
    issued: list[Document] | None
    contact: Contact | None
    settings: Settings
    at: datetime


def _script(work: Work, documents: list[Document]) -> _Script:
    contact = work.get(Contact, documents[0].client_id)
    issued = foreseen(work, documents, contact) if contact is not None else None
    return _Script(documents, issued, contact, work.settings, work.at)


def _letter(sales: Sales, composer: Composer, batch: Batch, deliveries: list[Delivery], script: _Script) -> Letter:
    contact, settings = script.contact, script.settings
    if contact is None:
        raise MailError("the contact is not there any more")
    issued = script.issued if script.issued is not None else as_issued(sales, script.documents)
    pdfs = [composer.pdf(one, contact, settings) for one in issued]
    return composer.letter(batch, deliveries, issued, pdfs, contact, settings, script.at)


def preview(sales: Sales, plan: Plan, document: str | None) -> Letter:
    """Return the mail that *document* would leave in. See ``Plan.preview``."""
    chosen = [
        row
        for row in plan.included
        if document is None or document in (row.key, row.document_id, row.reference, row.expected)
    ]
    if not chosen:
        raise NotFound(f"the plan mails no document {shown(document)}", kind="document", key=str(document))
    rows = [row for row in plan.included if row.letter == chosen[0].letter]
    return letter_for(sales, Composer(sales), plan, rows)


def letter_for(sales: Sales, composer: Composer, plan: Plan, rows: Sequence[PlanRow]) -> Letter:
    """Return the mail in which these rows of *plan* would leave together; nothing is kept."""
    batch = batch_of(sales, composer, plan)
    digests: dict[MailTemplate | None, str] = {
        row.template: composer.held(row.template) for row in rows if row.template is not None
    }
    drafting = any(row.drafts for row in rows)
    with tried(sales) if drafting else sales.work(write=False) as work:
        there = drafted(sales, work, rows)
        deliveries = list(deliveries_of(work, batch, there, plan.options, digests))
        documents = work.get_many(Document, [row.document_id for row in there])
        if gone := [row.why or "it is not there any more" for row in there if row.document_id not in documents]:
            raise NotFound(f"the mail cannot be shown: {gone[0]}", kind="document", key=rows[0].key)
        script = _script(work, [documents[row.document_id] for row in there])
    return _letter(sales, composer, batch, deliveries, script)


def rehearsed(sales: Sales, plan: Plan) -> Plan:
    """Return *plan* with every mail made once: the sizes, and the reasons of those that cannot be made."""
    composer = Composer(sales)
    letters: dict[str, list[PlanRow]] = {}
    for row in plan.included:
        letters.setdefault(row.letter, []).append(row)
    learnt: dict[str, PlanRow] = {}
    for rows in letters.values():
        try:
            letter = letter_for(sales, composer, plan, rows)
        except (TemplateError, RenderError, MailError, NotFound) as error:
            reason = {TemplateError: Reason.TEMPLATE, RenderError: Reason.RENDER, MailError: Reason.MAIL}.get(
                type(error), Reason.DELETED
            )
            learnt |= {
                row.key: attrs.evolve(row, reasons=(reason,), detail=str(error), files=(), template=None)
                for row in rows
            }
            continue
        sizes = iter(map(len, letter.pdfs))
        files = tuple(PlannedFile(one.name, one.size if one.size is not None else next(sizes)) for one in rows[0].files)
        learnt |= {row.key: attrs.evolve(row, files=files, size=len(letter.mail.content)) for row in rows}
    return Plan(tuple(learnt.get(row.key, row) for row in plan.rows), options=plan.options, sales=sales)
