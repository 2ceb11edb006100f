"""What can be queried of each record: one function a kind. ``None`` values are left out. See ``salespipeline.catalog``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, TypeAlias

from salespipeline.domain.activity import Activity
from salespipeline.domain.alerts import Alert, Follow
from salespipeline.domain.attachments import Attachment
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.fields import Answer, FieldSchema
from salespipeline.domain.items import Item
from salespipeline.domain.jobs import Job
from salespipeline.domain.likeness import marks, words_of
from salespipeline.domain.links import Keyring
from salespipeline.domain.merging import Merger
from salespipeline.domain.notes import Note
from salespipeline.domain.notices import Notice
from salespipeline.domain.numbering import Series, counter
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.organisation import Organisation
from salespipeline.domain.saved import SavedFilter
from salespipeline.domain.sending import Batch, Delivery
from salespipeline.domain.settings import Department, LostReason, NoteTag, Probability, Tag, TaxRate, User
from salespipeline.domain.sortable import answer_marks, instant
from salespipeline.domain.stages import DEFAULT, Pipeline, Stage
from salespipeline.domain.stock import StockItem
from salespipeline.domain.templates import Template
from salespipeline.entries import Scalar
from salespipeline.text import fold
from salespipeline.words import holding

__all__ = [
    "SETTING_LISTS",
    "WORD",
    "Values",
    "activity_index",
    "alert_index",
    "attachment_index",
    "batch_index",
    "contact_index",
    "delivery_index",
    "document_index",
    "follow_index",
    "item_index",
    "job_index",
    "merger_index",
    "note_index",
    "nothing_index",
    "notice_index",
    "opportunity_index",
    "setting_index",
    "stock_item_index",
]

LAST_DAY = "9999-12-31"  # what sorts in place of a day that is missing: last
WORD = "word:"  # what a mark begins with that is a word of a contact, to be found while somebody types it
NEVER = "9999-12-31T23:59:59.999999Z"
Value: TypeAlias = Scalar | tuple[Scalar, ...] | None
Values: TypeAlias = Iterable[tuple[str, Value]]


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


SETTING_LISTS: dict[type[Any], str] = {
    Pipeline: "pipeline",
    Stage: "stage",
    Probability: "probability",
    Tag: "tag",
    NoteTag: "note_tag",
    TaxRate: "tax_rate",
    User: "user",
    Department: "department",
    LostReason: "lost_reason",
    Series: "series",
    FieldSchema: "field",
    Template: "template",
    SavedFilter: "saved_filter",
    Keyring: "link_keys",
    Organisation: "organisation",
}


def setting_index(record: Any) -> Values:
    """Yield what can be queried of one."""
    yield "list", SETTING_LISTS[type(record)]
    match record:
        case User() | Organisation():
            yield "label", record.id  # two users may share a name
        case SavedFilter():  # each has names of their own
            yield "label", f"{record.owner_id}:{fold(record.label)}"
        case FieldSchema():
            yield "label", f"{record.record_type}.{record.key}"
        case Stage() if record.pipeline != DEFAULT:
            yield "label", f"{fold(record.label)}\x1f{fold(record.pipeline)}"  # unique within its pipeline
        case _:
            yield "label", fold(record.label)


def nothing_index(_record: object) -> Values:
    """Yield what can be queried of one."""
    yield from ()


def item_index(item: Item) -> Values:
    """Yield what can be queried of one."""
    yield "reference", fold(item.reference)
    yield "group", fold(item.group)
    yield "text", fold(f"{item.reference} {item.description} {item.group}")
    yield "archived", int(item.archived)
    yield "parts", tuple(dict.fromkeys(part.item_id for part in item.parts))


def stock_item_index(item: StockItem) -> Values:
    """Yield what can be queried of one."""
    yield "reference", fold(item.reference)
    yield "serial", fold(item.serial)
    yield "text", fold(f"{item.reference} {item.serial} {item.description}")
    yield "sold", int(bool(item.sold))
    yield "archived", int(item.archived)


def contact_index(contact: Contact) -> Values:
    """Yield what can be queried of one."""
    yield "name", fold(contact.name)
    yield "email", contact.email.casefold() or None
    yield "country", contact.country or None
    yield "parent", contact.parent_id
    yield "stopped", int(contact.stopped)
    names = f"{contact.name} {' '.join(person.name for person in contact.persons)}"
    yield "text", fold(f"{contact.name} {contact.email} {' '.join(person.name for person in contact.persons)}")
    yield "marks", tuple(dict.fromkeys((*marks(contact), *(f"{WORD}{word}" for word in words_of(names)))))
    people = (word for person in contact.persons for word in (person.name, person.email))
    yield "words", holding((contact.name, contact.email, *people))
    yield "created", instant(contact.created_at)


def _said(answers: Iterable[Answer]) -> Iterator[str]:
    """Yield what was written in answers, for free text to find."""
    for answer in answers:
        if isinstance(answer.value, str):
            yield answer.value
        elif isinstance(answer.value, tuple):
            yield from answer.value


def opportunity_index(deal: Opportunity) -> Values:
    """Return what can be queried of one."""
    due, closed = _day(deal.due), deal.closed_at
    said = (deal.reference, deal.subject, deal.note, deal.next_step, *_said(deal.answers))
    values: dict[str, Value] = {
        "reference": fold(deal.reference),
        "import_key": deal.import_key,
        "subject": fold(deal.subject),
        "text": fold(" ".join(said)),
        "words": holding(said),
        "contact": deal.contact_id,
        "person": deal.person_id,
        "owner": deal.owner_id,
        "department": deal.department,
        "stage": deal.stage_id,
        "probability": deal.probability_id,
        "status": str(deal.status),
        "lost_reason": deal.lost_reason_id,
        "tags": deal.tags,
        "answers": tuple(answer_marks(deal.answers)),
        "sources": tuple({line.source: None for line in deal.lines}),
        "currency": str(deal.currency),
        "value": deal.value.minor,
        "due": due,
        "due_sort": due or LAST_DAY,
        "next_on": (step := _day(deal.next_step_on)),
        "next_sort": step or LAST_DAY,
        "stage_since": instant(deal.in_stage_since),
        "created": instant(deal.created_at),
        "created_on": _day(deal.created_on),
        "closed_sort": NEVER if closed is None else instant(closed),
        "closed_on": _day(deal.closed_on),
        "cycle": None if closed is None else int((closed - deal.created_at).total_seconds()),
    }
    return values.items()  # a third quicker than yielding each, and there are many opportunities


def document_index(document: Document) -> Values:
    """Yield what can be queried of one."""
    reference = document.reference
    yield "type", document.type.value
    yield "reference", None if reference is None else fold(reference)
    yield "reference_sort", "" if reference is None else fold(reference)
    if document.number is not None and not document.revision:
        yield "series", counter(document.series, document.run)
        yield "number", document.number
    # One current revision: two writers who revise the same document put the same unique value.
    yield "current", None if document.superseded_by else document.root_id or document.id
    yield "opportunity", document.deal_id
    yield "source", document.source_id
    yield "job", document.job_id
    yield "contact", document.client_id
    yield "person", document.person_id
    yield "owner", document.owner_id
    said = (reference or "", document.subject, document.note, *_said(document.answers))
    yield "text", fold(" ".join(said))
    yield "words", holding(said)
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
    yield "balance", document.balance.minor
    yield "link", None if document.seal is None else document.seal.position
    yield "created", instant(document.created_at)


def activity_index(activity: Activity) -> Values:
    """Yield what can be queried of one."""
    yield "record", f"{activity.record_kind}:{activity.record_id}"
    yield "record_version", activity.record_version
    yield "record_kind", activity.record_kind
    yield "action", activity.action
    yield "at", instant(activity.at)
    yield "by", activity.by
    yield "opportunity", activity.opportunity_id
    yield "position", activity.position
    yield "fresh", 1 if activity.position is None else None


def delivery_index(delivery: Delivery) -> Values:
    """Yield what can be queried of one."""
    yield "batch", delivery.batch_id
    yield "position", delivery.position
    yield "letter", delivery.letter
    yield "document", delivery.document_id
    yield "purpose", delivery.purpose
    yield "state", delivery.state.value
    yield "live", delivery.live
    yield "lease_until", delivery.lease_until
    yield "retry_at", delivery.retry_at
    yield "message_id", delivery.message_id or None
    yield "planned", instant(delivery.planned_at)


def batch_index(batch: Batch) -> Values:
    """Yield what can be queried of one."""
    yield "state", batch.state.value
    yield "key", batch.key
    yield "started", instant(batch.started_at)


def job_index(job: Job) -> Values:
    """Yield what can be queried of one."""
    yield "reference", fold(job.reference)
    yield "text", fold(f"{job.reference} {job.subject} {job.project}")
    yield "project", fold(job.project)
    yield "opportunity", job.opportunity_id
    yield "contact", job.contact_id
    yield "created", instant(job.created_at)


def attachment_index(attachment: Attachment) -> Values:
    """Yield what can be queried of one."""
    yield "record", attachment.record_id
    yield "opportunity", attachment.opportunity_id
    yield "name", fold(attachment.name)
    yield "text", fold(f"{attachment.name} {attachment.comment}")
    yield "media_type", attachment.media_type
    yield "size", attachment.size
    yield "web", int(attachment.seen_by("web"))
    yield "resources", int(attachment.seen_by("resources"))
    yield "scan", attachment.scan.value
    yield "digest", attachment.digest
    yield "created", instant(attachment.created_at)


def note_index(note: Note) -> Values:
    """Yield what can be queried of one."""
    yield "record", note.record_id
    yield "opportunity", note.opportunity_id
    yield "thread", note.thread_id
    yield "reply_to", note.reply_to
    yield "kind", note.kind.value
    yield "status", note.status.value
    yield "author", note.author
    yield "owner", note.owner_id
    yield "tags", note.tags
    yield "flags", note.flags
    yield "mentions", tuple(dict.fromkeys(one.id for one in note.mentions))
    yield "call", None if note.call is None else note.call.value
    yield "message_id", None if note.message_id is None else fold(note.message_id)
    yield "subject", fold(note.subject)
    yield "text", fold(f"{note.subject} {note.text}")
    yield "words", holding((note.subject, note.text))
    yield "created", instant(note.created_at)


def notice_index(notice: Notice) -> Values:
    """Yield what can be queried of one."""
    yield "record", notice.record_id
    yield "opportunity", notice.opportunity_id
    yield "purpose", notice.purpose
    yield "key", notice.key
    yield "to", notice.to.id
    yield "state", notice.state.value
    yield "retry_at", notice.retry_at or 0
    yield "lease_until", notice.lease_until
    yield "message_id", fold(notice.message_id) or None
    yield "created", instant(notice.created_at)


def alert_index(alert: Alert) -> Values:
    """Yield what can be queried of one."""
    yield "record", alert.record_id
    yield "opportunity", alert.opportunity_id
    yield "message", fold(alert.message)
    yield "recipients", tuple(dict.fromkeys(one.id for one in alert.recipients))
    yield "next", instant(alert.next_at) if alert.next_at is not None else NEVER
    yield "ringing", int(alert.rang_at is not None)
    yield "created", instant(alert.created_at)


def merger_index(merger: Merger) -> Values:
    """Yield what can be queried of one."""
    yield "kind", merger.record_kind
    yield "name", fold(merger.name)
    yield "import_key", merger.import_key
    yield "into", merger.into_id


def follow_index(follow: Follow) -> Values:
    """Yield what can be queried of one."""
    yield "record", follow.record_id
    yield "user", follow.user_id
    yield "created", instant(follow.created_at)
