"""The kinds of entries: which class each one keeps, what can be queried of it, and what is unique.

An index is computed from a record alone, never from settings: it holds ids, days and folded text, so that
renaming a stage, moving a user to another department or changing a percentage touches no record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

import attrs

from salespipeline.domain.activity import Activity
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.fields import Answer, FieldSchema
from salespipeline.domain.items import Item
from salespipeline.domain.numbering import Series
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.sending import Batch, Delivery
from salespipeline.domain.settings import Probability, Stage, Tag, TaxRate, User
from salespipeline.domain.sortable import answer_marks, instant
from salespipeline.entries import Catalog, Field, Index, Kind, Scalar
from salespipeline.text import fold

__all__ = ["CATALOG", "FORMAT", "INDEX", "KEPT", "KIND_OF", "SETTING_LISTS", "Kept", "Stamp", "index_of", "instant"]

FORMAT = 1  # of the bodies; a higher one comes with a function in codec.UPCASTS
INDEX = 1  # of what index_of() computes; a higher one makes an older store ask for an upgrade
LAST_DAY = "9999-12-31"  # what sorts in place of a day that is missing: last
NEVER = "9999-12-31T23:59:59.999999Z"


@attrs.frozen(kw_only=True)
class Stamp:
    """A fact about the store itself.

    ``settings`` is a counter that every change of the settings bumps, so that a cached copy knows when it is stale;
    ``index`` says with which index the entries were written, and how far writing them anew has come.
    """

    id: str
    version: int = 0
    number: int = 0
    done: tuple[str, str] | None = None


Values = Iterator[tuple[str, "Scalar | tuple[Scalar, ...] | None"]]


@attrs.frozen
class Kept:
    """How one class is kept: its kind, and the function that computes its index. ``None`` values are left out."""

    kind: Kind
    classes: tuple[type[Any], ...]
    index: Callable[[Any], Values]


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


SETTING_LISTS: dict[type[Any], str] = {
    Stage: "stage",
    Probability: "probability",
    Tag: "tag",
    TaxRate: "tax_rate",
    User: "user",
    Series: "series",
    FieldSchema: "field",
    Organisation: "organisation",
}


def _setting(record: Any) -> Values:
    yield "list", SETTING_LISTS[type(record)]
    match record:
        case User() | Organisation():
            yield "label", record.id  # two users may share a name
        case FieldSchema():
            yield "label", f"{record.record_type}.{record.key}"
        case _:
            yield "label", fold(record.label)


def _nothing(_record: Stamp) -> Values:
    yield from ()


def _item(item: Item) -> Values:
    yield "reference", fold(item.reference)
    yield "group", fold(item.group)
    yield "text", fold(f"{item.reference} {item.description} {item.group}")
    yield "archived", int(item.archived)
    yield "parts", tuple(dict.fromkeys(part.item_id for part in item.parts))


def _contact(contact: Contact) -> Values:
    yield "name", fold(contact.name)
    yield "email", contact.email.casefold() or None
    yield "country", contact.country or None
    yield "text", fold(f"{contact.name} {contact.email} {' '.join(person.name for person in contact.persons)}")
    yield "created", instant(contact.created_at)


def _said(answers: Iterable[Answer]) -> Iterator[str]:
    """Yield what was written in answers, for free text to find."""
    for answer in answers:
        if isinstance(answer.value, str):
            yield answer.value
        elif isinstance(answer.value, tuple):
            yield from answer.value


def _opportunity(deal: Opportunity) -> Values:
    yield "reference", fold(deal.reference)
    yield "import_key", deal.import_key
    yield "subject", fold(deal.subject)
    yield "text", fold(" ".join((deal.reference, deal.subject, deal.note, *_said(deal.answers))))
    yield "contact", deal.contact_id
    yield "person", deal.person_id
    yield "owner", deal.owner_id
    yield "department", deal.department
    yield "stage", deal.stage_id
    yield "probability", deal.probability_id
    yield "status", deal.status.value
    yield "tags", deal.tags
    yield "answers", tuple(answer_marks(deal.answers))
    yield "sources", tuple(dict.fromkeys(line.source for line in deal.lines))
    yield "currency", str(deal.currency)
    yield "value", deal.value.minor
    yield "due", _day(deal.due)
    yield "due_sort", _day(deal.due) or LAST_DAY
    yield "created", instant(deal.created_at)
    yield "created_on", _day(deal.created_on)
    yield "closed_sort", instant(deal.closed_at) if deal.closed_at is not None else NEVER
    yield "closed_on", _day(deal.closed_on)
    if deal.closed_at is not None:
        yield "cycle", int((deal.closed_at - deal.created_at).total_seconds())


def _document(document: Document) -> Values:
    reference = document.reference
    yield "type", document.type.value
    yield "reference", None if reference is None else fold(reference)
    yield "reference_sort", "" if reference is None else fold(reference)
    if document.number is not None and not document.revision:
        yield "series", document.series
        yield "number", document.number
    # One current revision: two writers who revise the same document put the same unique value.
    yield "current", None if document.superseded_by else document.root_id or document.id
    yield "opportunity", document.opportunity_id
    yield "source", document.source_id
    yield "contact", document.contact_id
    yield "owner", document.owner_id
    yield "text", fold(" ".join((reference or "", document.subject, document.note, *_said(document.answers))))
    yield "answers", tuple(answer_marks(document.answers))
    yield "currency", str(document.currency)
    totals = document.totals
    yield "net", totals.net.minor
    yield "total", totals.total.minor
    yield "date", _day(document.date)
    yield "date_sort", _day(document.date) or LAST_DAY
    yield "due", _day(document.due)
    yield "due_sort", _day(document.due) or LAST_DAY
    yield "sent", int(document.sent)
    yield "sent_at", instant(document.sent_at) if document.sent_at is not None else None
    yield "held", int(document.held is not None)
    yield "approval", document.approval.value
    yield "answer", None if document.answer is None else ("accepted" if document.answer.accepted else "rejected")
    yield "cancelled", int(document.cancelled is not None)
    yield "superseded", int(document.superseded_by is not None)
    yield "in_transit", document.in_transit
    yield "paid", document.paid.minor
    yield "created", instant(document.created_at)


def _activity(activity: Activity) -> Values:
    yield "record", f"{activity.record_kind}:{activity.record_id}"
    yield "record_version", activity.record_version
    yield "record_kind", activity.record_kind
    yield "action", activity.action
    yield "at", instant(activity.at)
    yield "by", activity.by


def _delivery(delivery: Delivery) -> Values:
    yield "batch", delivery.batch_id
    yield "position", delivery.position
    yield "letter", delivery.letter
    yield "document", delivery.document_id
    yield "state", delivery.state.value
    yield "live", delivery.live
    yield "lease_until", delivery.lease_until
    yield "retry_at", delivery.retry_at
    yield "message_id", delivery.message_id or None
    yield "planned", instant(delivery.planned_at)


def _batch(batch: Batch) -> Values:
    yield "state", batch.state.value
    yield "key", batch.key
    yield "started", instant(batch.started_at)


def _text(name: str) -> Field:
    return Field(name, str)


def _sorted(name: str, type: type[int | str] = str) -> Field:
    return Field(name, type, sortable=True)


KEPT: tuple[Kept, ...] = (
    Kept(Kind("stamp"), (Stamp,), _nothing),
    Kept(
        Kind("setting", (_text("list"), _text("label")), unique=(("list", "label"),)),
        tuple(SETTING_LISTS),
        _setting,
    ),
    Kept(
        Kind(
            "item",
            (
                _sorted("reference"),
                _sorted("group"),
                _text("text"),
                Field("archived", int),
                Field("parts", str, many=True),
            ),
            unique=(("reference",),),
        ),
        (Item,),
        _item,
    ),
    Kept(
        Kind(
            "contact",
            (_sorted("name"), _text("email"), _text("country"), _text("text"), _sorted("created")),
            paths=(("name",), ("email",), ("created",)),
        ),
        (Contact,),
        _contact,
    ),
    Kept(
        Kind(
            "opportunity",
            (
                _sorted("reference"),
                _text("import_key"),
                _sorted("subject"),
                _text("text"),
                _text("contact"),
                _text("person"),
                _text("owner"),
                _text("department"),
                _text("stage"),
                _text("probability"),
                _sorted("status"),
                Field("tags", str, many=True),
                Field("answers", str, many=True),
                Field("sources", str, many=True),
                _sorted("currency"),
                _sorted("value", int),
                _text("due"),
                _sorted("due_sort"),
                _sorted("created"),
                _text("created_on"),
                _sorted("closed_sort"),
                _text("closed_on"),
                Field("cycle", int),
            ),
            unique=(("reference",), ("import_key",)),
            paths=(
                ("created",),
                ("value",),
                ("due_sort",),
                ("contact",),
                ("stage", "created"),
                ("owner", "status"),
                ("closed_on",),
                # One scan of this index answers the reports: it holds every column that they group and add.
                ("status", "stage", "owner", "department", "probability", "currency", "due", "value", "cycle"),
            ),
        ),
        (Opportunity,),
        _opportunity,
    ),
    Kept(
        Kind(
            "document",
            (
                _text("type"),
                _text("reference"),
                _sorted("reference_sort"),
                _text("series"),
                Field("number", int),
                _text("current"),
                _text("opportunity"),
                _text("source"),
                _text("contact"),
                _text("owner"),
                _text("text"),
                Field("answers", str, many=True),
                _text("currency"),
                Field("net", int),
                _sorted("total", int),
                _text("date"),
                _sorted("date_sort"),
                _text("due"),
                _sorted("due_sort"),
                Field("sent", int),
                _text("sent_at"),
                Field("held", int),
                _text("approval"),
                _text("answer"),
                Field("cancelled", int),
                Field("superseded", int),
                _text("in_transit"),
                Field("paid", int),
                _sorted("created"),
            ),
            unique=(("reference",), ("series", "number"), ("current",)),
            paths=(("created",), ("type", "sent", "created"), ("opportunity",), ("contact",), ("source",)),
        ),
        (Document,),
        _document,
    ),
    Kept(
        Kind(
            "activity",
            (
                _text("record"),
                _sorted("record_version", int),
                _text("record_kind"),
                _text("action"),
                _sorted("at"),
                _text("by"),
            ),
            unique=(("record", "record_version"),),
            paths=(("at",),),
        ),
        (Activity,),
        _activity,
    ),
    Kept(
        Kind(
            "delivery",
            (
                _text("batch"),
                _sorted("position", int),
                _text("letter"),
                _text("document"),
                _text("state"),
                _text("live"),
                Field("lease_until", int),
                Field("retry_at", int),
                _text("message_id"),
                _sorted("planned"),
            ),
            unique=(("live",), ("batch", "position")),
            paths=(
                ("document",),
                ("letter",),
                ("state", "retry_at"),
                ("state", "planned", "position"),
                ("batch", "state", "position"),
                ("planned",),
            ),
        ),
        (Delivery,),
        _delivery,
    ),
    Kept(
        Kind("batch", (_text("state"), _text("key"), _sorted("started")), unique=(("key",),), paths=(("started",),)),
        (Batch,),
        _batch,
    ),
)

CATALOG = Catalog(tuple(kept.kind for kept in KEPT), format=FORMAT)
KIND_OF: dict[type[Any], Kept] = {cls: kept for kept in KEPT for cls in kept.classes}


def index_of(record: object) -> Index:
    """Return the index of *record*: what a store may query of it."""
    kept = KIND_OF[type(record)]
    return {name: value for name, value in kept.index(record) if value is not None}
