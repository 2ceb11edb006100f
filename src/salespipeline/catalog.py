"""The kinds of entries: which class each one keeps, what can be queried of it, and what is unique.

An index is computed from a record alone, never from settings: it holds ids, days and folded text, so that
renaming a stage, moving a user to another department or changing a percentage touches no record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from salespipeline import indexes
from salespipeline.domain.activity import Activity
from salespipeline.domain.alerts import Alert, Follow
from salespipeline.domain.attachments import Attachment
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.facts import Chain
from salespipeline.domain.items import Item
from salespipeline.domain.jobs import Job
from salespipeline.domain.merging import Merger
from salespipeline.domain.notes import Note
from salespipeline.domain.notices import Notice
from salespipeline.domain.opportunity import Opportunity
from salespipeline.domain.sending import Batch, Delivery
from salespipeline.domain.sortable import instant
from salespipeline.domain.stock import StockItem
from salespipeline.entries import Catalog, Field, Index, Kind
from salespipeline.indexes import SETTING_LISTS, Values

__all__ = ["CATALOG", "FORMAT", "INDEX", "KEPT", "KIND_OF", "SETTING_LISTS", "Kept", "Stamp", "index_of", "instant"]

FORMAT = 1  # of the bodies; a higher one comes with a function in codec.UPCASTS
INDEX = 2  # of what index_of() computes; a higher one makes an older store ask for an upgrade


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


@attrs.frozen
class Kept:
    """How one class is kept: its kind, and the function that computes its index. ``None`` values are left out."""

    kind: Kind
    classes: tuple[type[Any], ...]
    index: Callable[[Any], Values]


def _text(name: str) -> Field:
    return Field(name, str)


def _texts(*names: str) -> tuple[Field, ...]:
    return tuple(map(_text, names))


def _sorted(name: str, type: type[int | str] = str) -> Field:
    return Field(name, type, sortable=True)


KEPT: tuple[Kept, ...] = (
    Kept(Kind("stamp"), (Stamp,), indexes.nothing_index),
    Kept(
        Kind("setting", (_text("list"), _text("label")), unique=(("list", "label"),)),
        tuple(SETTING_LISTS),
        indexes.setting_index,
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
        indexes.item_index,
    ),
    Kept(
        Kind(
            "stock_item",
            (_sorted("reference"), _sorted("serial"), _text("text"), Field("sold", int), Field("archived", int)),
            unique=(("reference", "serial"),),
            paths=(("reference",), ("serial",)),
        ),
        (StockItem,),
        indexes.stock_item_index,
    ),
    Kept(
        Kind(
            "contact",
            (
                _sorted("name"),
                *_texts("email", "country", "text", "words", "parent"),
                Field("stopped", int),
                Field("marks", str, many=True),
                _sorted("created"),
            ),
            paths=(("name",), ("email",), ("parent",), ("created",)),
            texts=("words",),
        ),
        (Contact,),
        indexes.contact_index,
    ),
    Kept(
        Kind(
            "opportunity",
            (
                _sorted("reference"),
                _text("import_key"),
                _sorted("subject"),
                *_texts("text", "words", "contact", "person", "owner", "department", "stage", "probability"),
                _sorted("status"),
                _text("lost_reason"),
                Field("tags", str, many=True),
                Field("answers", str, many=True),
                Field("sources", str, many=True),
                _sorted("currency"),
                _sorted("value", int),
                _text("due"),
                _sorted("due_sort"),
                _text("next_on"),
                _sorted("next_sort"),
                _text("stage_since"),
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
                ("next_sort",),
                ("contact",),
                ("stage", "created"),
                ("owner", "status"),
                ("closed_on",),
                # One scan of this index answers the reports: it holds every column that they group and add.
                ("status", "stage", "owner", "department", "probability", "currency", "due", "value", "cycle"),
            ),
            texts=("words",),
        ),
        (Opportunity,),
        indexes.opportunity_index,
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
                *_texts("current", "opportunity", "source", "contact", "person", "owner", "text", "words"),
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
                Field("balance", int),
                _text("job"),
                Field("link", int),
                _sorted("created"),
            ),
            unique=(("reference",), ("series", "number"), ("current",)),
            paths=(("created",), ("type", "sent", "created"), ("opportunity",), ("contact",), ("source",)),
            sealed="link",
            texts=("words",),
        ),
        (Document,),
        indexes.document_index,
    ),
    Kept(
        Kind(
            "job",
            (
                _sorted("reference"),
                *_texts("text", "project", "opportunity", "contact"),
                _sorted("created"),
            ),
            unique=(("reference",),),
            paths=(("created",), ("opportunity",)),
        ),
        (Job,),
        indexes.job_index,
    ),
    Kept(
        Kind(
            "attachment",
            (
                _text("record"),
                _text("opportunity"),
                _sorted("name"),
                _text("text"),
                _text("media_type"),
                _sorted("size", int),
                Field("web", int),
                Field("resources", int),
                _text("scan"),
                _text("digest"),
                _sorted("created"),
            ),
            paths=(("created",), ("record", "created"), ("opportunity", "created"), ("name",), ("digest",)),
        ),
        (Attachment,),
        indexes.attachment_index,
    ),
    Kept(
        Kind(
            "note",
            (
                *_texts("record", "opportunity", "thread", "reply_to", "kind", "status", "author", "owner"),
                Field("tags", str, many=True),
                Field("flags", str, many=True),
                Field("mentions", str, many=True),
                _text("call"),
                _text("message_id"),
                _sorted("subject"),
                _text("text"),
                _text("words"),
                _sorted("created"),
            ),
            unique=(("message_id",),),
            paths=(
                ("created",),
                ("record", "created"),
                ("opportunity", "created"),
                ("thread", "created"),
                ("reply_to",),
                ("owner", "status"),
                ("subject",),
            ),
            texts=("words",),
        ),
        (Note,),
        indexes.note_index,
    ),
    Kept(
        Kind(
            "notice",
            (
                *_texts("record", "opportunity", "purpose", "key", "to", "state"),
                Field("retry_at", int),
                Field("lease_until", int),
                _text("message_id"),
                _sorted("created"),
            ),
            unique=(("key",), ("message_id",)),
            paths=(("created",), ("state", "created"), ("opportunity", "created"), ("record", "created")),
        ),
        (Notice,),
        indexes.notice_index,
    ),
    Kept(
        Kind(
            "alert",
            (
                *_texts("record", "opportunity", "message"),
                Field("recipients", str, many=True),
                _sorted("next"),
                Field("ringing", int),
                _sorted("created"),
            ),
            paths=(("next",), ("created",), ("record", "created"), ("opportunity", "created"), ("message",)),
        ),
        (Alert,),
        indexes.alert_index,
    ),
    Kept(
        Kind("follow", (_text("record"), _text("user"), _sorted("created")), unique=(("record", "user"),)),
        (Follow,),
        indexes.follow_index,
    ),
    Kept(Kind("chain"), (Chain,), indexes.nothing_index),
    Kept(
        Kind(
            "merger",
            (_text("kind"), _text("name"), _text("import_key"), _text("into")),
            paths=(("name",), ("into",), ("import_key",)),
        ),
        (Merger,),
        indexes.merger_index,
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
                _text("opportunity"),
                Field("position", int),
                Field("fresh", int),
            ),
            unique=(("record", "record_version"), ("position",)),
            paths=(("at",), ("opportunity", "at"), ("fresh", "at")),
        ),
        (Activity,),
        indexes.activity_index,
    ),
    Kept(
        Kind(
            "delivery",
            (
                _text("batch"),
                _sorted("position", int),
                *_texts("letter", "document", "purpose", "state", "live"),
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
        indexes.delivery_index,
    ),
    Kept(
        Kind(
            "batch",
            (_text("state"), _text("key"), _sorted("started")),
            unique=(("key",),),
            paths=(("started",), ("state",)),
        ),
        (Batch,),
        indexes.batch_index,
    ),
)

CATALOG = Catalog(tuple(kept.kind for kept in KEPT), format=FORMAT)
KIND_OF: dict[type[Any], Kept] = {cls: kept for kept in KEPT for cls in kept.classes}


def index_of(record: object) -> Index:
    """Return the index of *record*: what a store may query of it."""
    kept = KIND_OF[type(record)]
    return {name: value for name, value in kept.index(record) if value is not None}
