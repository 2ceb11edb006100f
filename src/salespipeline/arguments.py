"""What the keyword arguments of the face are, for type checkers and editors; the domain checks them when they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Required, TypeAlias, TypedDict

from salespipeline.domain.contacts import Contact, Person
from salespipeline.domain.fields import Answer, AnswerValue
from salespipeline.domain.items import Item, Part
from salespipeline.domain.lines import Discount, Line
from salespipeline.domain.settings import Department, Probability, Tag, TaxRate, User
from salespipeline.domain.stages import Pipeline, Stage
from salespipeline.domain.totals import Charge
from salespipeline.exchange import ExchangeRate
from salespipeline.money import Amount, Money

if TYPE_CHECKING:
    from salespipeline.domain.templates import MailTemplate
    from salespipeline.mail import Attachment, InlineImage

__all__ = [
    "ContactEdits", "ContactFacts", "DocumentFacts", "FieldEdits", "FieldFacts", "ItemEdits", "ItemFacts", "LineLike",
    "NamedFacts", "NewOpportunity", "NoteTagFacts", "OpportunityFacts", "OrganisationFacts", "PersonFacts", "ProbabilityFacts",
    "SendFacts", "SeriesFacts", "StageFacts", "StockItemEdits", "StockItemFacts",
    "TagFacts", "TaxRateFacts", "TemplateEdits", "TemplateFacts", "UserFacts",
]  # fmt: skip

LineLike: TypeAlias = (
    Line | Mapping[str, object]
)  # the arguments of a Line, or of an item: {"item": "BAY", "quantity": 2}
_Pairs: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]


class _DealFacts(TypedDict, total=False):
    person: Person | str | None
    currency: str
    due: date | str | None
    note: str
    reference: str | None
    custom: Mapping[str, AnswerValue | list[str] | None]
    owner: User | str


class _Opportunity(_DealFacts, total=False):
    next_step: str
    next_step_on: date | str | None
    stage: Stage | str
    pipeline: Pipeline | str
    probability: Probability | str | None
    tags: Iterable[Tag | str]
    department: Department | str | None


class OpportunityFacts(_Opportunity, total=False):
    """What can be edited of an opportunity."""

    contact: Contact | str
    subject: str
    lines: Iterable[LineLike]
    rate: Amount | ExchangeRate


class NewOpportunity(_Opportunity, total=False):
    """What an opportunity is created from: contact, subject and lines are needed."""

    contact: Required[Contact | str]
    subject: Required[str]
    lines: Required[Iterable[LineLike]]
    at: datetime | None
    import_key: str | None


class DocumentFacts(_DealFacts, total=False):
    """What can be said of a financial document."""

    contact: Contact | str
    subject: str
    lines: Iterable[LineLike]
    rate: Amount | ExchangeRate
    discount: Discount | Amount | None
    charges: Iterable[Charge | Mapping[str, object]]
    delivered: date | str | None
    customer_reference: str
    terms: str
    locale: str


class ContactFacts(TypedDict, total=False):
    """What can be said of a contact."""

    email: str
    phone: str
    website: str
    address: str | Iterable[str]
    postcode: str
    city: str
    country: str
    ids: _Pairs
    electronic_address: str
    locale: str
    note: str
    parent: Contact | str | None


class ContactEdits(ContactFacts, total=False):
    """What can be edited of a contact."""

    name: str


class PersonFacts(TypedDict, total=False):
    """What can be said of a person."""

    name: str
    email: str
    phone: str
    role: str


class _Entry(TypedDict, total=False):
    position: int
    archived: bool


class StageFacts(_Entry, total=False):
    """What can be edited of a stage."""

    label: str
    pipeline: Pipeline | str
    days: int | None


class ProbabilityFacts(_Entry, total=False):
    """What can be edited of a probability."""

    label: str
    percent: Amount
    colour: str


class TagFacts(_Entry, total=False):
    """What can be edited of a tag."""

    label: str
    colour: str


class NoteTagFacts(TagFacts, total=False):
    """What can be edited of a tag of notes."""

    category: str


class TaxRateFacts(_Entry, total=False):
    """What can be edited of a tax rate."""

    code: str
    percent: Amount
    description: str
    category: str
    reason: str


class UserFacts(_Entry, total=False):
    """What can be edited of a user."""

    name: str
    email: str
    department: Department | str
    approval_limit: Money | str | None


class NamedFacts(_Entry, total=False):
    """What can be edited of what is a label alone: a pipeline, a department, a reason for losing."""

    label: str


class SeriesFacts(_Entry, total=False):
    """What can be edited of a series."""

    label: str
    prefix: str
    pattern: str
    at: str


class FieldFacts(TypedDict, total=False):
    """What can be said of a custom field beside its key, label and type."""

    mandatory: bool
    help: str
    default: AnswerValue | Answer | list[str] | None
    choices: Iterable[str]
    required_answer: AnswerValue | Answer | list[str] | None
    required_message: str


class FieldEdits(FieldFacts, _Entry, total=False):
    """What can be edited of a custom field."""

    label: str


class ItemFacts(TypedDict, total=False):
    """What can be said of a predefined item beside its reference, description, price and parts."""

    cost: Amount | None
    currency: str
    tax: TaxRate | Amount
    group: str
    unit: str
    nominal_code: str
    department_code: str


class ItemEdits(ItemFacts, total=False):
    """What can be edited of a predefined item."""

    reference: str
    description: str
    price: Amount
    parts: Iterable[Part | tuple[Item | str, Amount]]
    archived: bool


class StockItemFacts(TypedDict, total=False):
    """What can be said of a stock item beside its reference, description, serial number and price."""

    cost: Amount | None
    currency: str
    tax: TaxRate | Amount
    unit: str


class StockItemEdits(StockItemFacts, total=False):
    """What can be edited of a stock item."""

    reference: str
    description: str
    serial: str
    price: Amount
    archived: bool


class TemplateFacts(TypedDict, total=False):
    """What can be said of a template beside its name, its type and its words."""

    purpose: str
    locale: str
    css: str
    full: bool
    without_link: bool
    images: Iterable[InlineImage]
    attachments: Iterable[Attachment]


class TemplateEdits(TemplateFacts, _Entry, total=False):
    """What can be edited of a template."""

    label: str
    for_type: str
    subject: str
    text: str
    html: str | None


class OrganisationFacts(TypedDict, total=False):
    """What can be said of the organisation."""

    name: str
    address: str | Iterable[str]
    postcode: str
    city: str
    country: str
    ids: _Pairs
    electronic_address: str
    email: str
    phone: str
    website: str
    payment: _Pairs
    terms: Mapping[str, str]
    legal_notes: _Pairs
    einvoice: str
    currency: str
    locale: str
    time_zone: str
    quote_days: int
    payment_days: int
    typed_characters: int
    accept_url: str
    lost_reason_needed: bool
    ids_checked: bool


class SendFacts(TypedDict, total=False):
    """What can be asked of *send all*."""

    purpose: str
    template: MailTemplate | str | Mapping[str, MailTemplate | str] | None
    again: bool
    recipients: str
    to: str | Iterable[str]
    cc: str | Iterable[str]
    bcc: str | Iterable[str]
    reply_to: str | Iterable[str]
    unsubscribe: str | Iterable[str]
    attachments: Iterable[Attachment]
    images: Iterable[InlineImage]
    together: bool
