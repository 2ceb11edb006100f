"""How documents are listed: their filters, their orders, and what a row shows. (SPEC OPP-10)"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Unpack

from salespipeline.arguments import SendFacts
from salespipeline.deal_filters import (
    answered,
    as_currency,
    as_id,
    contact_filter,
    deal_filter,
    free_text,
    owner_filter,
)
from salespipeline.domain.document import Approval, Document, DocumentType
from salespipeline.domain.settings import Settings
from salespipeline.filters import choice, day, flag, identity, instants, money, words
from salespipeline.listing import Listing, Shape
from salespipeline.person_filter import person_filter
from salespipeline.ranking import CONTACT, OWNER, TYPE

if TYPE_CHECKING:
    from salespipeline.sending_report import Plan

__all__ = ["SHAPE", "DocumentListing"]


def _row(document: Document, settings: Settings, names: Mapping[str, str]) -> dict[str, object]:
    return {
        "reference": document.reference,
        "type": document.type.value,
        "contact": names.get(document.client_id, document.client_id),
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

    def plan_send_all(self, **options: Unpack[SendFacts]) -> Plan:
        """Return who would get what, and who is left out and why; nothing leaves. (SPEC SEND-3)

        *template* is the name of a template of ``settings.templates``, a ``MailTemplate`` that was written on the spot, the
        name of a document type for its default words, or a mapping from types to any of these; without it, each document
        gets the template that fits its type and language best. *purpose* is ``receipt`` for mails that confirm acceptances.
        *again* also takes documents that were sent already. *recipients* is ``person`` (the person dealt with, or else the
        contact), ``contact`` or ``both``; *to*, *cc*, *bcc* and *reply_to* are further addresses. *attachments* and *images*
        go with every mail (``mail.Attachment``, ``mail.InlineImage``). With *together*, the documents of one contact leave in
        one mail. *unsubscribe* is where a recipient leaves the list, ``https:`` or ``mailto:`` addresses, with ``{contact}``
        in place of the contact's id. They leave in the order of the listing; without one, the oldest first.

        >>> print(sales.documents.all().plan_send_all(cc="boss@northgate.example", together=True))
        Send all: 1 to mail, 0 left out
          QUO/00001           10,080.00 GBP  → buyer@acme.example: Quotation QUO/00001: New warehouse
        """
        from salespipeline.planning import plan
        from salespipeline.send_options import SendOptions

        return plan(self._sales, self._to_send(), SendOptions.of(options))


SHAPE = Shape(
    kind="document",
    filters={
        "type": choice("type", DocumentType),
        "sent": flag("sent"),
        "held": flag("held"),
        "cancelled": flag("cancelled"),
        "superseded": flag("superseded"),
        "approval": choice("approval", Approval),
        "answer": choice("answer", ("accepted", "rejected")),
        "opportunity": deal_filter,
        "source": identity("source", as_id),
        "job": identity("job", as_id),
        "balance": money("balance"),
        "contact": contact_filter,
        "person": person_filter,
        "owner": owner_filter,
        "reference": words("reference"),
        "text": free_text(),
        "custom": answered(DocumentType),
        "date": day("date"),
        "due": day("due"),
        "created": instants("created"),
        "currency": identity("currency", as_currency),
        "total": money("total"),
        "net": money("net"),
    },
    orders={
        "created": "created",
        "reference": "reference_sort",
        "date": "date_sort",
        "due": "due_sort",
        "total": "total",
        "type": TYPE,
        "contact": CONTACT,
        "owner": OWNER,
    },
    default="-created",
    row=_row,
    columns=dict.fromkeys(("reference", "type", "contact", "subject", "state"), str)
    | {"net": Decimal, "total": Decimal, "currency": str}
    | {"date": date, "due": date, "sent": datetime, "owner": str},
    titles=lambda document: document.client_id,
)
