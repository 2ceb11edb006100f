"""Financial documents: quotes, invoices and the like, editable until sent. (SPEC section 3)

A document keeps facts, not one status (SPEC DOC-2); the one word shown to people is derived from them. What
may follow what is data: see ``salespipeline.domain.rules``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

import attrs

from salespipeline import text
from salespipeline.domain.adjusting import adjustments
from salespipeline.domain.checks import Checks, as_date
from salespipeline.domain.cleaning import as_locale
from salespipeline.domain.contacts import Contact
from salespipeline.domain.display import Displayed
from salespipeline.domain.facts import Approval, ClientAnswer, Fact, Party, Payment, Seal, Share, Transmission
from salespipeline.domain.fields import Answer, AnswerValue
from salespipeline.domain.given import shared_values
from salespipeline.domain.lines import Discount, Line
from salespipeline.domain.settings import Settings
from salespipeline.domain.totals import Charge, Margin, Totals, margin, totals
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.exchange import ExchangeRate
from salespipeline.money import Currency, Money

__all__ = [
    "GIVEN", "Approval", "ClientAnswer", "Document", "DocumentType", "Fact", "Party", "Payment", "Seal", "as_type",
]  # fmt: skip

GIVEN = frozenset([
    "subject", "contact", "person", "currency", "rate", "lines", "discount", "charges", "due", "delivered", "note", "terms",
    "reference", "customer_reference", "custom", "owner", "locale",
])  # fmt: skip


class DocumentType(StrEnum):
    """The seven types. (SPEC DOC-1)

    >>> DocumentType("pro_forma").words
    'pro forma'
    """

    QUOTE = "quote"
    PRO_FORMA = "pro_forma"
    INVOICE = "invoice"
    PURCHASE_ORDER = "purchase_order"
    CREDIT_NOTE = "credit_note"
    DELIVERY_NOTE = "delivery_note"
    APPLICATION_FOR_PAYMENT = "application_for_payment"

    @property
    def words(self) -> str:
        """The name as it stands in a message: ``purchase order``."""
        return self.value.replace("_", " ")


_LEGAL = (DocumentType.INVOICE, DocumentType.CREDIT_NOTE)


@attrs.frozen(kw_only=True, order=False)
class Document(Displayed):
    """A financial document. Its content is locked once it is sent; what follows is only facts. (SPEC DOC-3)

    *number* and *reference* are given at creation or at issue, as its series says (SPEC DOC-6). *seller*,
    *buyer*, *logo*, *payment_details* and *date* are copied in when it is issued, so that nothing that changes
    later changes what the client saw. *discount* and *charges* are those of the whole document. *exchange* is the rate
    that its prices were converted by. *takes* is how it takes from its source: ``credit``, ``delivery`` or ``deposit``;
    *deducts* are the deposits that it takes off, *consolidates* the drafts that it took the place of, and *taken* is what
    others take from it. *delivered* is the day on which goods or services were supplied, *customer_reference* the client's
    own, such as the number of its order. *in_transit* is the id of the delivery that is mailing it, *filed_opportunity_id*
    and *filed_contact_id* where it is found since what it names, and was sealed with, went into another.

    >>> settings, today = sales.settings.snapshot, dt.date(2026, 11, 24)
    >>> issued = quote.issued(settings, acme, on=today)
    >>> issued.due == quote.default_due(settings, today), issued.seller.name
    (True, 'Northgate Ltd')
    >>> quote.with_values({"note": "Thank you"}, settings, contact=acme, by="jane").note
    'Thank you'
    >>> sent = sales.documents.mark_sent(quote)
    >>> late = sent.due + dt.timedelta(days=1)
    >>> quote.state(today), sent.state(today), sent.state(late), sent.expired(late), sent.overdue(late)
    ('draft', 'sent', 'expired', True, False)
    """

    id: str
    version: int = 0
    type: DocumentType
    series: str
    run: str = ""
    number: int | None = None
    reference: str | None = None
    root_id: str | None = None
    revision: int = 0
    superseded_by: str | None = None
    opportunity_id: str | None = None
    source_id: str | None = None
    takes: str = ""
    deducts: tuple[str, ...] = ()
    consolidates: tuple[str, ...] = ()
    job_id: str | None = None
    contact_id: str
    person_id: str | None = None
    currency: Currency
    lines: tuple[Line, ...]
    discount: Discount | None = None
    charges: tuple[Charge, ...] = ()
    exchange: ExchangeRate | None = None
    subject: str = ""
    date: dt.date | None = None
    due: dt.date | None = None
    delivered: dt.date | None = None
    customer_reference: str = ""
    note: str = ""
    terms: str = ""
    legal_notes: tuple[tuple[str, str], ...] = ()
    locale: str = ""
    answers: tuple[Answer, ...] = ()
    owner_id: str
    seller: Party | None = None
    buyer: Party | None = None
    logo: str | None = None
    payment_details: tuple[tuple[str, str], ...] = ()
    filed_opportunity_id: str | None = None
    filed_contact_id: str | None = None
    held: Fact | None = None
    approval: Approval = Approval.NOT_NEEDED
    approval_fact: Fact | None = None
    answer: ClientAnswer | None = None
    cancelled: Fact | None = None
    payments: tuple[Payment, ...] = ()
    taken: tuple[Share, ...] = ()
    transmissions: tuple[Transmission, ...] = ()
    in_transit: str | None = None
    sent_at: dt.datetime | None = None
    sent_by: str | None = None
    seal: Seal | None = None
    created_at: dt.datetime
    created_by: str

    @classmethod
    def drafted(
        cls,
        given: Mapping[str, object],
        settings: Settings,
        *,
        id: str,
        type: DocumentType,
        series: str,
        contact: Contact | None,
        at: dt.datetime,
        by: str,
        number: int | None = None,
        reference: str | None = None,
        opportunity_id: str | None = None,
        source_id: str | None = None,
        takes: str = "",
        deducts: tuple[str, ...] = (),
        consolidates: tuple[str, ...] = (),
        job_id: str | None = None,
        exchange: ExchangeRate | None = None,
        checks: Checks | None = None,
    ) -> Document:
        """Return a new draft with the *given* values, or raise ``Invalid`` with every problem.

        *checks* holds what was found already, such as why there is no *contact*.

        >>> facts = {"id": "1", "series": "q", "contact": acme, "at": quote.created_at, "by": "jane", "reference": "Q-1"}
        >>> print(Document.drafted({"lines": deal.lines}, sales.settings.snapshot, type=DocumentType.QUOTE, **facts))
        quote 'Q-1' (10,080.00 GBP)
        """
        checks = checks or Checks()
        values = _values(given, settings, checks, type=type, contact=contact, before=None, by=by)
        name = f"{type.words} {reference}" if reference is not None else f"new {type.words}"
        checks.done(record=name, action="draft")
        assert contact is not None  # that there is none is a problem  # noqa: S101
        values.setdefault("reference", reference)
        values.setdefault("owner_id", by)
        values.setdefault("terms", dict(settings.organisation.terms).get(type.value, ""))
        values.setdefault("locale", contact.locale or settings.organisation.locale)
        values.setdefault("contact_id", contact.id)
        return cls(
            id=id,
            type=type,
            series=series,
            number=number,
            opportunity_id=opportunity_id,
            source_id=source_id,
            takes=takes,
            deducts=deducts,
            consolidates=consolidates,
            job_id=job_id,
            exchange=exchange,
            created_at=at,
            created_by=by,
            **values,
        )

    def with_values(
        self,
        given: Mapping[str, object],
        settings: Settings,
        *,
        contact: Contact | None,
        by: str,
        checks: Checks | None = None,
    ) -> Document:
        """Return it with the *given* values replaced; whether it may be edited is asked of the rules."""
        checks = checks or Checks()
        values = _values(given, settings, checks, type=self.type, contact=contact, before=self, by=by)
        checks.done(record=self.name, action="edit")
        return attrs.evolve(self, **values)

    def issued(
        self,
        settings: Settings,
        contact: Contact,
        *,
        on: dt.date,
        number: int | None = None,
        reference: str | None = None,
    ) -> Document:
        """Return it as it is issued: dated, numbered, with seller and buyer copied in. (SPEC DOC-6, DOC-7)

        What it has already from an earlier try that did not leave, it keeps: a number never moves.
        """
        if self.seller is not None:
            return self
        organisation = settings.organisation
        return attrs.evolve(
            self,
            number=self.number if number is None else number,
            reference=self.reference if reference is None else reference,
            date=on,
            due=self.due or self.default_due(settings, on),
            seller=Party.selling(organisation),
            buyer=Party.buying(contact, self.person_id),
            logo=organisation.logo,
            payment_details=organisation.payment,
            legal_notes=organisation.legal_notes if self.type in _LEGAL else (),
        )

    def default_due(self, settings: Settings, on: dt.date) -> dt.date | None:
        """Return the last day of a quote, or the day to pay by, for one that is issued *on* that day."""
        if self.type is DocumentType.QUOTE:
            return on + dt.timedelta(days=settings.organisation.quote_days)
        if self.type in (DocumentType.INVOICE, DocumentType.PRO_FORMA, DocumentType.APPLICATION_FOR_PAYMENT):
            return on + dt.timedelta(days=settings.organisation.payment_days)
        return None

    @property
    def name(self) -> str:
        """How messages call it: ``quote 'QUO/00017'``."""
        return (
            f"{self.type.words} {self.reference!r}" if self.reference else f"unnumbered {self.type.words} ({self.id})"
        )

    @property
    def deal_id(self) -> str | None:
        """The opportunity that it is found at."""
        return self.filed_opportunity_id or self.opportunity_id

    @property
    def client_id(self) -> str:
        """The contact that it is found at."""
        return self.filed_contact_id or self.contact_id

    @property
    def sent(self) -> bool:
        """Whether it left, by mail or by hand."""
        return self.sent_at is not None

    @cached_property
    def totals(self) -> Totals:
        """Net, tax and total of the lines, less its discount, with its charges. (SPEC MON-3)"""
        return totals(self.lines, self.currency, discount=self.discount, charges=self.charges)

    @property
    def margin(self) -> Margin:
        """What is left when the costs of its lines are paid; for the house, never printed."""
        return margin(self.lines, self.currency, discount=self.discount)

    @property
    def total(self) -> Money:
        """What the client is asked for, including tax."""
        return self.totals.total

    @property
    def paid(self) -> Money:
        """The sum of its payments."""
        return Money.total((payment.amount for payment in self.payments), self.currency)

    @property
    def balance(self) -> Money:
        """What is still to be paid: the total, less payments and credit notes. Below nothing it is owed to the client.

        The balance of a credit note on an invoice is nothing: it is settled there.
        """
        if self.takes == "credit":
            return Money.zero(self.currency)
        return self.total - self.paid - self.credited

    @property
    def credited(self) -> Money:
        """What credit notes that were sent take from it."""
        return Money.total((-one.total for one in self.taken if one.kind == "credit" and one.sent), self.currency)

    def overdue(self, today: dt.date) -> bool:
        """Whether it is a sent invoice with a balance whose last day to pay is over."""
        past = self.due is not None and self.due < today
        owed = self.type is DocumentType.INVOICE and self.sent and self.cancelled is None
        return past and owed and self.balance.amount > 0

    @property
    def custom(self) -> dict[str, AnswerValue]:
        """The answers to custom fields, by key."""
        return {answer.key: answer.value for answer in self.answers}

    def expired(self, today: dt.date) -> bool:
        """Whether it is a sent quote whose last day is over and that nobody answered. (SPEC DOC-9)"""
        past = self.due is not None and self.due < today
        return past and self.type is DocumentType.QUOTE and self.answer is None

    def state(self, today: dt.date) -> str:
        """Return the one word shown to people, derived from the facts. (SPEC DOC-2)"""
        if self.cancelled is not None:
            return "cancelled"
        if self.superseded_by is not None:
            return "superseded"
        if self.in_transit is not None:
            return "in transit"
        if self.held is not None:
            return "on hold"
        if self.approval is Approval.PENDING:
            return "approval pending"
        if self.approval is Approval.REFUSED:
            return "approval refused"
        if not self.sent:
            return "draft"
        if self.overdue(today):
            return "overdue"
        if self.payments:
            return "part paid" if self.balance else "paid"
        if self.credited:
            return "part credited" if self.balance else "credited"
        if self.answer is not None:
            return "accepted" if self.answer.accepted else "rejected"
        return "expired" if self.expired(today) else "sent"

    def __str__(self) -> str:
        return f"{self.name} ({self.total})"


def as_type(given: object) -> DocumentType:
    """Return the document type called *given*: ``"quote"``, ``"pro forma"``, ``"purchase_order"`` …"""
    if isinstance(given, DocumentType):
        return given
    if isinstance(given, str):
        name = given.strip().lower().replace(" ", "_").replace("-", "_")
        for type in DocumentType:
            if type.value == name:
                return type
    message = f"{shown(given)} is not a document type; one of {', '.join(DocumentType)}"
    raise Invalid(Problem("type", "choice", message))


def _values(
    given: Mapping[str, object],
    settings: Settings,
    checks: Checks,
    *,
    type: DocumentType,
    contact: Contact | None,
    before: Document | None,
    by: str,
) -> dict[str, Any]:
    values = shared_values(
        given, settings, checks, record_type=type.value, allowed=GIVEN, contact=contact, before=before, by=by
    )
    if "terms" in given:
        values["terms"] = checks.take(text.clean, given["terms"], "terms", most=20_000, lines=True)  # type: ignore[arg-type]
    if "delivered" in given:
        values["delivered"] = (
            None if given["delivered"] is None else checks.take(as_date, given["delivered"], "delivered")
        )
    if "customer_reference" in given:
        values["customer_reference"] = checks.take(text.clean, given["customer_reference"], "customer_reference")  # type: ignore[arg-type]
    if "locale" in given:
        values["locale"] = checks.take(as_locale, given["locale"]) if given["locale"] else ""  # type: ignore[arg-type]
    values |= adjustments(given, checks, before, values)
    if values.get("reference") is not None and type in _LEGAL:
        message = f"the number of a {type.words} is assigned when it is issued, so that there is no gap; leave it out"
        checks.add("reference", "assigned", message)
    return values
