"""Orders by what a record only points to: its stage, its owner, the name of its contact. (SPEC OPP-10)

A record's index holds the id of its stage, never the place of that stage among others, so that moving a stage touches
no record. Such a list is read group by group instead: the store says which groups there are and how many records each
holds, the groups are put in order here, and a page reads only those that it needs, from where it was left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from salespipeline.catalog import index_of
from salespipeline.domain.document import DocumentType
from salespipeline.query import LAST_CHARACTER, All, AnyOf, Cmp, Count, Missing, OneOf, Predicate, Query
from salespipeline.text import fold

if TYPE_CHECKING:
    from salespipeline.domain.listed import Listed
    from salespipeline.domain.settings import Settings
    from salespipeline.entries import Scalar
    from salespipeline.work import Work

__all__ = ["CONTACT", "DEPARTMENT", "OWNER", "PROBABILITY", "STAGE", "TYPE", "Ranked", "ranked_ids", "read_ranked"]

Group: TypeAlias = tuple[str, ...]  # what the fields hold, "" for nothing
Key: TypeAlias = int | str
Keys: TypeAlias = Mapping[Group, Key]
LAST = LAST_CHARACTER  # behind every name: what has none


@attrs.frozen
class Ranked:
    """Sorted by a key of what text *fields* hold, and by the moment of creation where that is the same.

    *keys* takes all groups at once, so that what they are called is looked up in one read.
    """

    fields: tuple[str, ...]
    keys: Callable[[Work, Iterable[Group]], Keys]

    @property
    def order(self) -> tuple[str, ...]:
        """What a cursor holds before the id."""
        return (f"rank of {self.fields[0]}", "created")

    def position(self, record: Any, keys: Keys) -> tuple[Scalar, ...]:
        """Return where *record* stands: its key, the moment of its creation, its id."""
        index: Mapping[str, Any] = index_of(record)
        return (keys[tuple(index.get(name, "") for name in self.fields)], index["created"], record.id)


def read_ranked(
    work: Work, ranked: Ranked, query: Query, after: tuple[Scalar, ...] | None, limit: int
) -> Iterator[tuple[Any, tuple[Scalar, ...]]]:
    """Yield up to *limit* records of *query* by rank, each with its position; *query* itself sorts by creation."""
    held: Counter[Group] = Counter()
    for *values, number in work.tally(query, ranked.fields, (Count(),)):
        held[tuple(str(value or "") for value in values)] += int(number or 0)
    keys = ranked.keys(work, held)
    groups: dict[Any, list[Group]] = {}
    for group in held:
        groups.setdefault(keys[group], []).append(group)
    places = sorted(groups, reverse=query.descending)
    begun: Any = after[0] if after is not None else None
    if begun is not None:
        places = [place for place in places if (place <= begun if query.descending else place >= begun)]
    start = 0
    while start < len(places) and limit > 0:
        resumed = after is not None and places[start] == begun
        wanted, stop = list(groups[places[start]]), start + 1
        size = sum(held[group] for group in wanted)
        # Small groups are read together, whole ones only, so that nothing is read in vain.
        while not resumed and stop < len(places):
            size += sum(held[group] for group in groups[places[stop]])
            if size > limit:
                break
            wanted += groups[places[stop]]
            stop += 1
        part = attrs.evolve(query, where=All((query.where, _in(ranked.fields, wanted))), limit=limit)
        if resumed and after is not None:
            part = attrs.evolve(part, after=after[1:])
        found = [(record, ranked.position(record, keys)) for record in work.find(part)]
        if stop > start + 1:
            found.sort(key=lambda one: one[1], reverse=query.descending)
        yield from found
        limit -= len(found)
        start = stop


def _in(fields: tuple[str, ...], groups: Iterable[Group]) -> Predicate:
    """Return the predicate that is true of the records of *groups*: few conditions, however many groups there are."""
    lasts: dict[Group, list[str]] = {}
    for *firsts, last in groups:
        lasts.setdefault(tuple(firsts), []).append(last)
    return AnyOf(
        tuple(
            All(
                (
                    *(_holds(name, [value]) for name, value in zip(fields, firsts, strict=False)),
                    _holds(fields[-1], last),
                )
            )
            for firsts, last in lasts.items()
        )
    )


def _holds(name: str, values: list[str]) -> Predicate:
    held = OneOf(name, tuple(values)) if len(values) > 1 else Cmp(name, "=", values[0])
    return AnyOf((held, Missing(name))) if "" in values else held


def ranked_ids(work: Work, ranked: Ranked, query: Query) -> list[str]:
    """Return the ids of all records of *query* by rank, without reading them."""
    rows: list[tuple[Group, Scalar | None, Scalar | None]] = [
        (tuple(str(value or "") for value in values), created, id)
        for *values, created, id in work.columns(query, (*ranked.fields, "created", "id"))
    ]
    keys = ranked.keys(work, {group for group, _, _ in rows})
    rows.sort(key=lambda row: (keys[row[0]], *row[1:]), reverse=query.descending)
    return [str(id) for _, _, id in rows]


# --- what there is to sort by ---------------------------------------------------------------------------------------


def _by_place(field: str, choose: Callable[[Settings], Listed[Any]]) -> Ranked:
    """By the place in a list of the settings, archived ones too; what is not in it comes last."""

    def keys(work: Work, groups: Iterable[Group]) -> Keys:
        listed = choose(work.settings).all
        places = {record.id: place for place, record in enumerate(listed)}
        return {group: places.get(group[0], len(listed)) for group in groups}

    return Ranked((field,), keys)


def _owners(work: Work, groups: Iterable[Group]) -> Keys:
    return {group: fold(work.settings.users.label(group[0])) or LAST for group in groups}


def _departments(work: Work, groups: Iterable[Group]) -> Keys:
    return {(own, owner): fold(work.settings.department_of(owner, own or None)) or LAST for own, owner in groups}


def _contacts(work: Work, groups: Iterable[Group]) -> Keys:
    query = Query(kind="contact", where=OneOf("id", tuple({id for (id,) in groups})))
    names = {str(id): str(name) for id, name in work.columns(query, ("id", "name"))}
    return {group: names.get(group[0], LAST) for group in groups}


def _types(_work: Work, groups: Iterable[Group]) -> Keys:
    places = [type.value for type in DocumentType]
    return {group: places.index(group[0]) for group in groups}


STAGE = _by_place("stage", lambda settings: settings.stages)
PROBABILITY = _by_place("probability", lambda settings: settings.probabilities)
OWNER = Ranked(("owner",), _owners)
DEPARTMENT = Ranked(("department", "owner"), _departments)
CONTACT = Ranked(("contact",), _contacts)
TYPE = Ranked(("type",), _types)
