"""Which records name an entry of a list of the settings: how many, and what they have once it is gone. (SPEC SET-1)

One table for all lists. A list counts with one grouped query a kind of record, and what is rewritten goes to the store in
bulk, inside the transaction that takes the entry away; each record has its activity, as where a person edits it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import attrs

from salespipeline.domain.checks import an, counted
from salespipeline.domain.settings import Department, LostReason, NoteTag, Probability, Settings, Tag, User
from salespipeline.domain.stages import Pipeline, Stage
from salespipeline.errors import Duplicate, shown
from salespipeline.query import EVERYTHING, All, Cmp, Count, Has, Missing, Predicate, Query
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = ["CHUNK", "DRAFTS", "USES", "Use", "Uses", "Within", "rewritten", "said", "tallied", "used"]

CHUNK = 1000  # how many are rewritten at a time
#: What may still be changed of documents: what was sent, or is being sent, says what it said. (SPEC DOC-3)
DRAFTS = All((Cmp("sent", "=", 0), Missing("in_transit")))


class Uses(Protocol):
    """Where an entry of a list is named."""

    @property
    def kind(self) -> str:
        """What people call a record that names it."""
        ...

    def count(self, work: Work, name: str) -> int:
        """Return how many records name it."""
        ...

    def tally(self, work: Work) -> Iterator[tuple[str, int]]:
        """Yield how many records name each entry, by its name: counted in one go."""
        ...

    def rewrite(self, work: Work, old: str, new: str | None, *, action: str) -> int:
        """Give every record that names *old*, and may be changed, *new* or nothing in its place; return how many."""
        ...


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

    def count(self, work: Work, name: str) -> int:
        """Return how many records name it."""
        return work.count(self.kind, self.where(name))

    def tally(self, work: Work) -> Iterator[tuple[str, int]]:
        """Yield how many records name each entry, by its name, in one grouped query."""
        for name, number in work.tally(Query(kind=self.kind, where=self.among), (self.index,), (Count(),)):
            if name is not None:
                yield str(name), int(number or 0)

    def rewrite(self, work: Work, old: str, new: str | None, *, action: str) -> int:
        """Keep what each record becomes, in bulk, chunk by chunk."""
        done, after = 0, None
        query = Query(kind=self.kind, where=All((self.where(old), self.free)), limit=CHUNK)
        while records := list(work.find(attrs.evolve(query, after=after))):
            done += work.keep_many(((self.changed(one, old, new), one) for one in records), action=action)
            after = (records[-1].id,)
        return done


@attrs.frozen(kw_only=True)
class Within:
    """A list of the settings whose entries name those of another one by their label: users their department."""

    kind: str
    choose: Callable[[Settings], Iterable[Any]]
    field: str

    def count(self, work: Work, name: str) -> int:
        """Return how many entries name it."""
        return len(self._named(work, name))

    def tally(self, work: Work) -> Iterator[tuple[str, int]]:
        """Yield how many entries name each other entry; no query is needed for settings."""
        yield from Counter(str(getattr(one, self.field)) for one in self.choose(work.settings)).items()

    def rewrite(self, work: Work, old: str, new: str | None, *, action: str) -> int:
        """Keep what each entry becomes."""
        entries = self._named(work, old)
        for one in entries:
            try:
                work.keep(attrs.evolve(one, **{self.field: new or ""}), one, action=action)
            except Duplicate as error:
                message = (
                    f"{shown(new)} has {an(self.kind)} called {one.label!r} already: rename or replace that one first"
                )
                raise Duplicate(message, kind="setting", id=one.id, fields=error.fields) from error
        if entries:
            work.touch_settings()
        return len(entries)

    def _named(self, work: Work, name: str) -> list[Any]:
        wanted = fold(name)
        return [one for one in self.choose(work.settings) if fold(getattr(one, self.field)) == wanted]


USES: Mapping[type[Any], tuple[Uses, ...]] = {
    Pipeline: (Within(kind="stage", choose=lambda settings: settings.stages.all, field="pipeline"),),
    Stage: (Use(kind="opportunity", index="stage", field="stage_id"),),
    Probability: (Use(kind="opportunity", index="probability", field="probability_id"),),
    Tag: (Use(kind="opportunity", index="tags", field="tags", many=True),),
    NoteTag: (Use(kind="note", index="tags", field="tags", many=True),),
    LostReason: (Use(kind="opportunity", index="lost_reason", field="lost_reason_id"),),
    Department: (
        Within(kind="user", choose=lambda settings: settings.users.all, field="department"),
        Use(kind="opportunity", index="department", field="department"),
    ),
    User: (
        Use(kind="opportunity", index="owner", field="owner_id"),
        Use(kind="document", index="owner", field="owner_id", free=DRAFTS),
        Use(kind="note", index="owner", field="owner_id"),
    ),
}


def used(work: Work, uses: Sequence[Uses], name: str) -> Counter[str]:
    """Return how many records of each kind name an entry."""
    found: Counter[str] = Counter()
    for use in uses:
        found[use.kind] += use.count(work, name)
    return +found


def tallied(work: Work, uses: Sequence[Uses]) -> Counter[str]:
    """Return how many records name each entry, by its name, in one grouped query a kind."""
    found: Counter[str] = Counter()
    for use in uses:
        for name, number in use.tally(work):
            found[name] += number
    return found


def said(found: Mapping[str, int]) -> str:
    """Return how many there are in words.

    >>> said({"opportunity": 2, "document": 1, "note": 3})
    '2 opportunities, 1 document and 3 notes'
    """
    *firsts, last = [counted(number, kind) for kind, number in found.items()] or ["records that you do not see"]
    return f"{', '.join(firsts)} and {last}" if firsts else last


def rewritten(work: Work, uses: Sequence[Uses], old: str, new: str | None, *, action: str) -> int:
    """Give every record that names *old*, and may be changed, *new* or nothing in its place; return how many."""
    return sum(use.rewrite(work, old, new, action=action) for use in uses)
