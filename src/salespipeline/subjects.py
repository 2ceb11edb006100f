"""What a note, an attachment or an alert is put to: any record, given as itself, by its id, or by what it is called."""

from __future__ import annotations

from typing import Any

import attrs

from salespipeline.catalog import KIND_OF
from salespipeline.domain.contacts import Contact
from salespipeline.domain.document import Document
from salespipeline.domain.jobs import Job
from salespipeline.domain.notes import Note
from salespipeline.domain.opportunity import Opportunity
from salespipeline.errors import Invalid, NotFound, Problem, shown
from salespipeline.query import Cmp, Query
from salespipeline.survivors import survivor_of
from salespipeline.text import fold
from salespipeline.work import Work, opportunity_of

__all__ = ["SUBJECTS", "Subject", "subject_of"]

# The kinds that things are put to, and the index field by which each is also found.
SUBJECTS: dict[type[Any], str | None] = {
    Opportunity: "reference",
    Document: "reference",
    Job: "reference",
    Contact: "name",
    Note: None,
}


@attrs.frozen(kw_only=True)
class Subject:
    """A record that something is put to, with the opportunity and the contact that it belongs to."""

    kind: str
    id: str
    title: str
    record: Any
    opportunity_id: str | None
    contact_id: str | None


def subject_of(work: Work, given: Any) -> Subject:
    """Return what was *given* as it is kept, or raise ``NotFound``, or ``Invalid`` where it can be several things."""
    if not isinstance(given, str) and type(given) not in SUBJECTS:
        names = ", ".join(KIND_OF[cls].kind.name for cls in SUBJECTS)
        message = f"a record ({names}) is needed, its id or what it is called, not {shown(given)}"
        raise Invalid(Problem("record", "type", message))
    found = _named(work, given) if isinstance(given, str) else [_there(work, given)]
    if not found:
        raise NotFound(f"no record has the id, reference or name {shown(given)}", kind="record", key=str(given)[:200])
    if len(found) > 1:
        several = ", ".join(f"{_kind(one)} {one.id}" for one in found)
        raise Invalid(
            Problem("record", "several", f"{shown(given)} is the name of {several}: pass the record, or its id")
        )
    (record,) = found
    contact = record.id if isinstance(record, Contact) else getattr(record, "contact_id", None)
    if isinstance(record, Document):
        contact = record.client_id
    return Subject(
        kind=_kind(record),
        id=record.id,
        title=str(record),
        record=record,
        opportunity_id=opportunity_of(record),
        contact_id=contact,
    )


def _there(work: Work, given: Any) -> Any:
    """Return a record as it is kept, or the one that it went into."""
    survivor = survivor_of(work, type(given), given.id) if work.get(type(given), given.id) is None else None
    return survivor or work.need(type(given), given.id)


def _kind(record: Any) -> str:
    return KIND_OF[type(record)].kind.name


def _named(work: Work, name: str) -> list[Any]:
    if len(name) > 1000:
        return []
    by_id: list[Any] = [one for cls in SUBJECTS if (one := work.get(cls, name)) is not None]
    if by_id:
        return by_id[:1]
    found: list[Any] = []
    for cls, field in SUBJECTS.items():
        if field is not None:
            where = Cmp(field, "=", fold(name))
            found += work.find(Query(kind=KIND_OF[cls].kind.name, where=where, limit=3))
    if not found:
        found = [one for cls in SUBJECTS if (one := survivor_of(work, cls, name)) is not None]
    return found
