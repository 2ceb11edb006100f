"""Which records name an entry of a list of the settings: how many, and what they have once it is gone. (SPEC SET-1)

One table for all lists. A list counts with one grouped query a kind of record, and what is rewritten goes to the store in
bulk, inside the transaction that takes the entry away; each record has its activity, as where a person edits it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from salespipeline.domain.checks import counted
from salespipeline.domain.settings import LostReason, NoteTag, Probability, Stage, Tag, User
from salespipeline.query import EVERYTHING, All, Cmp, Count, Has, Missing, Predicate, Query
from salespipeline.work import Work

__all__ = ["CHUNK", "DRAFTS", "USES", "Use", "rewritten", "said", "tallied", "used"]

CHUNK = 1000  # how many are rewritten at a time
#: What may still be changed of documents: what was sent, or is being sent, says what it said. (SPEC DOC-3)
DRAFTS = All((Cmp("sent", "=", 0), Missing("in_transit")))


@attrs.frozen(kw_only=True)
class Use:
    """One kind of record that names entries of a list: in which field, and by which field of its index.

    *many* says that a record names several; *among* which of the records are counted, *free* which may be rewritten.
    """

    kind: str
    index: str
    field: str
    many: bool = False
    among: Predicate = EVERYTHING
    free: Predicate = EVERYTHING

    def where(self, name: str) -> Predicate:
        """Return which records name it."""
        held: Predicate = Has(self.index, name) if self.many else Cmp(self.index, "=", name)
        return All((held, self.among))

    def changed(self, record: Any, old: str, new: str | None) -> Any:
        """Return *record* with *new* in the place of *old*, or without either."""
        value: Any = new
        if self.many:
            kept = (new if one == old else one for one in getattr(record, self.field))
            value = tuple(dict.fromkeys(one for one in kept if one is not None))
        return attrs.evolve(record, **{self.field: value})


USES: Mapping[type[Any], tuple[Use, ...]] = {
    Stage: (Use(kind="opportunity", index="stage", field="stage_id"),),
    Probability: (Use(kind="opportunity", index="probability", field="probability_id"),),
    Tag: (Use(kind="opportunity", index="tags", field="tags", many=True),),
    NoteTag: (Use(kind="note", index="tags", field="tags", many=True),),
    LostReason: (Use(kind="opportunity", index="lost_reason", field="lost_reason_id"),),
    User: (
        Use(kind="opportunity", index="owner", field="owner_id"),
        Use(kind="document", index="owner", field="owner_id", free=DRAFTS),
        Use(kind="note", index="owner", field="owner_id"),
    ),
}


def used(work: Work, uses: Sequence[Use], name: str) -> Counter[str]:
    """Return how many records of each kind name an entry."""
    found: Counter[str] = Counter()
    for use in uses:
        found[use.kind] += work.count(use.kind, use.where(name))
    return +found


def tallied(work: Work, uses: Sequence[Use]) -> Counter[str]:
    """Return how many records name each entry, by its name, in one grouped query a kind."""
    found: Counter[str] = Counter()
    for use in uses:
        for name, number in work.tally(Query(kind=use.kind, where=use.among), (use.index,), (Count(),)):
            if name is not None:
                found[str(name)] += int(number or 0)
    return found


def said(found: Mapping[str, int]) -> str:
    """Return how many there are in words.

    >>> said({"opportunity": 2, "document": 1, "note": 3})
    '2 opportunities, 1 document and 3 notes'
    """
    *firsts, last = [counted(number, kind) for kind, number in found.items()]
    return f"{', '.join(firsts)} and {last}" if firsts else last


def rewritten(work: Work, uses: Sequence[Use], old: str, new: str | None, *, action: str) -> int:
    """Give every record that names *old*, and may be changed, *new* or nothing in its place; return how many."""
    return sum(
        _in_bulk(work, Query(kind=use.kind, where=All((use.where(old), use.free))), _changing(use, old, new), action)
        for use in uses
    )


def _changing(use: Use, old: str, new: str | None) -> Callable[[Any], Any]:
    return lambda record: use.changed(record, old, new)


def _in_bulk(work: Work, query: Query, change: Callable[[Any], Any], action: str) -> int:
    """Keep what *change* makes of each record of *query*; what was changed is found by it no more."""
    done = 0
    for records in _chunks(work, query):
        done += work.keep_many(((change(record), record) for record in records), action=action)
    return done


def _chunks(work: Work, query: Query) -> Iterator[Iterable[Any]]:
    after = None
    while records := list(work.find(attrs.evolve(query, after=after, limit=CHUNK))):
        yield records
        after = (records[-1].id,)
