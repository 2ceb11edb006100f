"""What is at a record goes with it into another: notes, files, alerts, followers, jobs, documents, and what else names it. (SPEC OPP-8)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs

from salespipeline.catalog import KIND_OF
from salespipeline.domain.alerts import Follow
from salespipeline.domain.document import Document
from salespipeline.domain.notices import Notice, NoticeState
from salespipeline.domain.rules import Phase, phase
from salespipeline.query import AnyOf, Cmp, Predicate, Query
from salespipeline.work import Work

__all__ = ["counted_moves", "move_all"]

# Which index fields of a kind may hold the id of an opportunity, or of a contact.
_NAMED_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "opportunity": {
        "note": ("record", "opportunity"),
        "attachment": ("record", "opportunity"),
        "alert": ("record", "opportunity"),
        "notice": ("record", "opportunity"),
        "follow": ("record",),
        "job": ("opportunity",),
        "document": ("opportunity",),
    },
    "contact": {
        "note": ("record",),
        "attachment": ("record",),
        "alert": ("record",),
        "notice": ("record",),
        "follow": ("record",),
        "contact": ("parent",),
        "opportunity": ("contact",),
        "job": ("contact",),
        "document": ("contact",),
    },
}


def counted_moves(work: Work, kind: str, id: str) -> dict[str, int]:
    """Return how many records of each kind would go along."""
    found = {other: work.count(other, _names(fields, id)) for other, fields in _NAMED_BY[kind].items()}
    return {other: number for other, number in found.items() if number}


def move_all(work: Work, kind: str, old: str, new: Any) -> Counter[str]:
    """Put everything that is at the record *old* to the record *new* of the same kind; return how many of each kind."""
    moved: Counter[str] = Counter()
    for other, fields in _NAMED_BY[kind].items():
        for record in list(work.find(Query(kind=other, where=_names(fields, old)))):
            if record.id == new.id:
                continue  # a site that takes in what it was a site of: it is kept once, as a whole
            if isinstance(record, Follow):
                _follow(work, record, new)
            elif isinstance(record, Notice) and record.state is NoticeState.SENDING:
                continue  # whoever sends it is about to say what became of it
            else:
                work.keep(attrs.evolve(record, **dict(_values(record, kind, old, new))), record, action="moved")
            moved[other] += 1
    return moved


def _names(fields: tuple[str, ...], id: str) -> Predicate:
    return AnyOf(tuple(Cmp(field, "=", id) for field in fields))


def _values(record: Any, kind: str, old: str, new: Any) -> Iterator[tuple[str, str]]:
    """Yield what becomes of the fields of *record* that name *old*."""
    if getattr(record, "record_id", None) == old and record.record_kind == kind:
        yield "record_id", new.id
    field = f"{kind}_id"
    filed = isinstance(record, Document) and phase(record) is not Phase.DRAFT
    if filed and old in (getattr(record, field), getattr(record, f"filed_{field}")):
        yield f"filed_{field}", new.id  # what it says is sealed
    elif getattr(record, field, None) == old:
        yield field, new.id
    if kind == "contact" and getattr(record, "parent_id", None) == old:
        yield "parent_id", new.id
    person = getattr(record, "person_id", None)
    if kind == "contact" and person is not None and not filed and (found := new.person(person)) is not None:
        yield "person_id", found.id  # two persons became one


def _follow(work: Work, follow: Follow, new: Any) -> None:
    """Let whoever follows the one follow the other, from here on; nobody follows anything twice."""
    kind = KIND_OF[type(new)].kind.name
    there = list(work.find(Query(kind="follow", where=Cmp("record", "=", new.id))))
    if any((one.record_kind, one.user_id) == (kind, follow.user_id) for one in there):
        work.remove(follow, action="moved")
    else:
        place = attrs.evolve(follow, record_id=new.id, from_version=new.version)
        work.keep(
            attrs.evolve(place, opportunity_id=new.id) if kind == "opportunity" else place, follow, action="moved"
        )
