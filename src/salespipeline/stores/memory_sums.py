"""Groups that the in-memory store keeps counted and added up, for the tallies that come again.

The first tally over some fields goes over all records; from then on each write adds to its group and takes from the one
before, and the answer is as quick among a million records as among ten. Groups by fields that hold about as many
different values as there are records are not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs

from salespipeline.entries import Index, Kind
from salespipeline.query import (
    All,
    AnyOf,
    Contains,
    Count,
    Group,
    Linked,
    Measure,
    Not,
    Predicate,
    Prefix,
    Query,
    Sum,
    nodes,
)
from salespipeline.stores.base import Row, in_order, within
from salespipeline.stores.compiled import condition_of

__all__ = ["MOST_KEPT", "Asked", "Sums", "asked"]

MOST_KEPT = 16  # each costs every write a microsecond or two
_ALWAYS = 1000  # so many groups are kept, however few records there are
_SHARE = 8  # and of more, one for so many records
Term: TypeAlias = tuple[str, str | None]


@attrs.frozen
class Asked:
    """What must be kept for a tally: groups by which fields, and the sums of which terms."""

    fields: tuple[str, ...]
    terms: tuple[Term, ...]


def asked(kind: Kind, query: Query, by: Sequence[Group], measures: Sequence[Measure]) -> Asked | None:
    """Return what must be kept to answer, or ``None`` where that cannot be added up group by group."""
    terms: set[Term] = set()
    for measure in measures:
        if isinstance(measure, Sum):
            terms.add((measure.field, measure.times))
        elif not isinstance(measure, Count):
            return None  # the least value of a group is not known when the least is taken away
    names = {group.field if isinstance(group, Prefix) else group for group in by}
    for node in nodes(query.where):
        if isinstance(node, Contains | Linked):
            return None
        if not isinstance(node, All | AnyOf | Not):
            names.add(node.field)
    if any(name == "id" or kind.field(name).many for name in names):
        return None
    return Asked(tuple(sorted(names)), tuple(sorted(terms, key=lambda term: (term[0], term[1] or ""))))


class Sums:
    """The groups of one ``Asked``: how many records each has, and their sums."""

    __slots__ = ("_groups", "asked")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._groups: dict[Row, list[int]] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def fill(self, indexes: Sequence[Index]) -> None:
        """Add every record, or so many of them that there turn out to be too many groups."""
        for index in indexes:
            self.add(index)
            if self.too_many(len(indexes)):
                return

    def too_many(self, count: int) -> bool:
        """Say whether there are so many groups of *count* records that they are not worth keeping."""
        groups = len(self._groups)
        return groups > _ALWAYS and groups * _SHARE > count

    def add(self, index: Index, sign: int = 1) -> None:
        """Add a record, or take one away where *sign* is -1."""
        key: Any = tuple(map(index.get, self.asked.fields))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = [0] * (1 + len(self.asked.terms))
        group[0] += sign
        for place, (field, times) in enumerate(self.asked.terms, 1):
            value: Any = index.get(field, 0)
            group[place] += sign * (value if times is None else value * index.get(times, 0))
        if not group[0]:
            del self._groups[key]

    def answer(self, where: Predicate, by: Sequence[Group], measures: Sequence[Measure]) -> list[Row]:
        """Return the rows of a tally for which these groups are kept."""
        fields, test = self.asked.fields, condition_of(where)
        keys = [
            (fields.index(group.field), group.length) if isinstance(group, Prefix) else (fields.index(group), None)
            for group in by
        ]
        places = [0 if isinstance(one, Count) else 1 + self.asked.terms.index(_term(one)) for one in measures]
        found: dict[Row, list[int]] = {} if by else {(): [0] * len(places)}
        for key, group in self._groups.items():
            if test({name: value for name, value in zip(fields, key, strict=True) if value is not None}, ""):
                row = tuple([_cut(key[place], length) for place, length in keys])
                sums = found.setdefault(row, [0] * len(places))
                for number, place in enumerate(places):
                    sums[number] += group[place]
        rows = [
            (*row, *[within(measure, total) for measure, total in zip(measures, sums, strict=True)])
            for row, sums in found.items()
        ]
        return in_order(rows, len(by))


def _term(measure: Any) -> Term:
    return measure.field, measure.times


def _cut(value: Any, length: int | None) -> Any:
    return value if length is None or value is None else str(value)[:length]
