"""From a query to SQL: one compiler for every SQL store, with the differences in a small ``Dialect``.

Identifiers come from the catalog and are quoted; values are always parameters. SQL's logic has three values and
the query language two: a condition that stands alone may be unknown, which selects nothing, just as false does;
under ``Not`` it is made two-valued with ``IS NOT TRUE``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import attrs

from salespipeline.entries import Field, Kind, Scalar
from salespipeline.query import (
    All,
    AnyOf,
    Cmp,
    Contains,
    Count,
    Group,
    Has,
    HasBetween,
    Linked,
    Max,
    Measure,
    Min,
    Missing,
    Not,
    OneOf,
    Predicate,
    Prefix,
    Query,
    Sum,
    Words,
    nodes,
)
from salespipeline.stores.dialect import Dialect, Parameter, Statement, quoted, side_table
from salespipeline.stores.kinds import paths_of
from salespipeline.stores.sql_words import candidates, conjuncts

__all__ = [
    "DEEPEST",
    "Compiler",
    "depth",
    "finer_groups",
]

DEEPEST = 16  # how deep a predicate may nest before a parser's stack, a hundred symbols in SQLite, is in danger
_FEW = 64  # up to so many values of OneOf are written out; more travel in one parameter


def depth(predicate: Predicate) -> int:
    """Return how deep *predicate* nests; a comparison alone has the depth 1."""
    deepest, stack = 0, [(predicate, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        parts: tuple[Predicate, ...] = ()
        match node:
            case All(parts) | AnyOf(parts):
                pass
            case Not(part) | Linked(_, _, _, part):
                parts = (part,)
        stack.extend((part, level + 1) for part in parts)
    return deepest


@attrs.frozen
class Compiler:
    """Writes the statements that read one kind.

    *rare* are those of its conditions on ``many`` fields that few entries satisfy: for a database that does not find out
    by itself that those few are the quickest way to the rest.
    """

    kind: Kind
    dialect: Dialect
    alias: str = "e"
    rare: Collection[Predicate] = ()

    @property
    def name(self) -> str:
        """The name of the kind."""
        return self.kind.name

    def page(self, query: Query, columns: Sequence[str], *, indexed: Statement | bool = True) -> Statement:
        """Return the statement that reads these *columns* (fields, ``id``, ``version``, ``body``) of the page."""
        values: list[Parameter] = []
        conditions = self._conditions(query, values, indexed=indexed)
        direction = " DESC" if query.descending else ""
        order = ", ".join(self._column(name) + direction for name in self._order(query.order))
        selected = ", ".join(map(self._column, columns)) or "NULL"
        text = f"SELECT {selected} FROM {self.dialect.table(self.kind.name)} e{conditions} ORDER BY {order}"  # noqa: S608
        if query.limit is not None:
            text += f" LIMIT {self.dialect.mark}"
            values.append(query.limit)
        return text, values

    def tally(
        self, query: Query, by: Sequence[Group], measures: Sequence[Measure], finer: Sequence[str] = ()
    ) -> Statement:
        """Return the statement that groups and measures what the predicate selects: by *finer* fields first, if any."""
        values: list[Parameter] = []
        keys, source = [], f"{self.dialect.table(self.kind.name)} e"
        for group in by:
            if isinstance(group, Prefix):
                keys.append(f"substr({self._column(group.field)}, 1, {int(group.length)})")
            elif self.kind.field(group).many:
                source += f" LEFT JOIN {self._side(group)} g ON {self._same('g')}"
                keys.append("g.value")
            else:
                keys.append(self._column(group))
        measured = [*map(self._measure, measures)]
        source += self.where(query.where, values)
        if finer:
            inner = [f"{self._column(name)} AS {quoted(name)}" for name in finer]
            inner += [f'{one} AS "{place}"' for place, one in enumerate(measured)]  # no field begins with a digit
            groups = ", ".join(map(self._column, finer))
            source = f"(SELECT {', '.join(inner)} FROM {source} GROUP BY {groups}) e"  # noqa: S608
            measured = [_joined_up(one, f'e."{place}"') for place, one in enumerate(measures)]
        text = f"SELECT {', '.join([*keys, *measured]) or 'NULL'} FROM {source}"  # noqa: S608
        if keys:
            places = range(1, len(keys) + 1)
            text += f" GROUP BY {', '.join(map(str, places))}"
            text += f" ORDER BY {', '.join(f'{place} NULLS FIRST' for place in places)}"
        return text, values

    def where(self, predicate: Predicate, values: list[Parameter], *, indexed: Statement | bool = True) -> str:
        """Return the ``WHERE`` clause of *predicate*, empty where everything is meant; append to *values*.

        Words are followed to the entries that may hold them, unless *indexed* says that they are not, or what selects those.
        """
        parts = [*self._home(values), *self._sought(predicate, values, indexed)]
        parts += [self._condition(part, values) for part in conjuncts(predicate)]
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def _sought(self, predicate: Predicate, values: list[Parameter], indexed: Statement | bool) -> list[str]:
        found = candidates(self, predicate) if indexed is True else indexed or None
        if found is None:
            return []
        values += found[1]
        return [self.dialect.within(self._column("id"), found[0])]

    def _order(self, names: tuple[str, ...]) -> tuple[str, ...]:
        # After fields that no two entries share the id decides nothing, and planners would sort again for it.
        return names if any(set(unique) <= set(names) for unique in self.kind.unique) else (*names, "id")

    def _conditions(self, query: Query, values: list[Parameter], *, indexed: Statement | bool) -> str:
        if query.after is None:
            return self.where(query.where, values, indexed=indexed)
        sign = "<" if query.descending else ">"
        mark = self.dialect.mark
        columns = ", ".join(map(self._column, (*query.order, "id")))
        marks = ", ".join([mark] * len(query.after))
        parts = [*self._home(values), *self._sought(query.where, values, indexed)]
        parts += [self._condition(part, values) for part in _raised(query)]
        if query.order:  # an index search begins at a plain bound; not every planner derives it from the row
            parts.append(f"{self._column(query.order[0])} {sign}= {mark}")
            values.append(query.after[0])
            parts.append(f"({columns}) {sign} ({marks})")
        else:
            parts.append(f"{columns} {sign} {mark}")
        values.extend(query.after)
        return f" WHERE {' AND '.join(parts)}"

    def _condition(self, predicate: Predicate, values: list[Parameter]) -> str:
        mark = self.dialect.mark
        match predicate:
            case Cmp(field, op, value):
                values.append(value)
                return f"{self._column(field)} {op} {mark}"
            case Contains(field, needle):
                values.append(self.dialect.needle(needle))
                return self.dialect.contains.format(column=self._column(field))
            case OneOf(field, several):
                return self._one_of(self._column(field), several, values)
            case Has(field, value):
                values.append(value)
                return self._holding(predicate, field, f"m.value = {mark}")
            case HasBetween(field, low, high):
                values += (low, high)
                return self._holding(predicate, field, f"m.value >= {mark} AND m.value < {mark}")
            case Words(field):  # an index has found those that may hold them: see ``_sought``
                parts = [f"{self._column(field)} IS NOT NULL"] if not predicate.pieces else []
                parts += [self._condition(Contains(field, piece), values) for piece in predicate.pieces]
                return f"({' AND '.join(parts)})"
            case Linked():
                return self._linked(predicate, values)
            case Missing(field) if self.kind.field(field).many:
                return f"NOT EXISTS ({self._held(field)})"
            case Missing(field):
                return f"{self._column(field)} IS NULL"
            case Not(Missing(field)) if not self.kind.field(field).many:
                return f"{self._column(field)} IS NOT NULL"
            case Not(part):
                return f"({self._condition(part, values)}) IS NOT TRUE"
            case All(parts):
                return self._joined(" AND ", parts, values, "1 = 1")
            case AnyOf(parts):
                return self._joined(" OR ", parts, values, "1 = 0")
        raise AssertionError(predicate)

    def _linked(self, link: Linked, values: list[Parameter]) -> str:
        source, conditions = self._others(link, values)
        if link.to == "id":  # one that many entries are linked to is looked at once
            return f"{self._column(link.field)} IN (SELECT l.id {source}{conditions})"
        same = f"l.{quoted(link.to)} = {self._column(link.field)}"
        return f"EXISTS (SELECT 1 {source}{f'{conditions} AND ' if conditions else ' WHERE '}{same})"

    def _others(self, link: Linked, values: list[Parameter]) -> tuple[str, str]:
        fields = (Field(one.field, str) for one in _leaves(link.where))
        other = Compiler(Kind(link.kind, tuple(fields)), self.dialect, "l")
        return f"FROM {self.dialect.table(link.kind)} l", other.where(link.where, values)

    def linked(self, link: Linked, values: list[Parameter]) -> str:
        """Return the statement that selects the ids of the entries that *link* is true of."""
        if link.field == "id":
            source, conditions = self._others(link, values)
            return f"SELECT l.{quoted(link.to)} AS id {source}{conditions}"
        own = attrs.evolve(self, alias="x")
        parts = own._home(values)
        source, conditions = self._others(link, values)
        parts.append(f"{own._column(link.field)} IN (SELECT l.{quoted(link.to)} {source}{conditions})")
        return f"SELECT x.id FROM {self.dialect.table(self.kind.name)} x WHERE {' AND '.join(parts)}"  # noqa: S608

    def _one_of(self, column: str, several: Collection[Scalar], values: list[Parameter]) -> str:
        if not several:
            return "1 = 0"
        if len(several) <= _FEW:
            values.extend(several)
            return f"{column} IN ({', '.join([self.dialect.mark] * len(several))})"
        values.append(self.dialect.many_values(several))
        return self.dialect.among.format(column=column)

    def _joined(self, word: str, parts: Sequence[Predicate], values: list[Parameter], nothing: str) -> str:
        if not parts:
            return nothing
        return f"({word.join([self._condition(part, values) for part in parts])})"

    def _column(self, name: str) -> str:
        return f"{self.alias}.{quoted(name)}"

    def _home(self, values: list[Parameter]) -> list[str]:
        if self.dialect.workspace is None:
            return []
        values.append(self.dialect.workspace)
        return [f"{self.alias}.workspace = {self.dialect.mark}"]

    def _same(self, alias: str) -> str:
        same = f"{alias}.id = e.id"
        return same if self.dialect.workspace is None else f"{alias}.workspace = e.workspace AND {same}"

    def _side(self, field: str) -> str:
        return self.dialect.table(side_table(self.kind.name, field))

    def _held(self, field: str) -> str:
        return f"SELECT 1 FROM {self._side(field)} m WHERE {self._same('m')}"  # noqa: S608

    def _holding(self, predicate: Predicate, field: str, which: str) -> str:
        if predicate in self.rare:
            return f"{self._column('id')} IN (SELECT m.id FROM {self._side(field)} m WHERE {which})"  # noqa: S608
        return f"EXISTS ({self._held(field)} AND {which})"

    def _measure(self, measure: Measure) -> str:
        match measure:
            case Count():
                return "count(*)"
            case Sum(field, None):
                return f"coalesce(sum({self._column(field)}), 0)"
            case Sum(field, str(times)):
                product = self.dialect.product.format(field=self._column(field), times=self._column(times))
                return f"coalesce(sum({product}), 0)"
            case Min(field):
                return f"min({self._column(field)})"
            case Max(field):
                return f"max({self._column(field)})"
        raise AssertionError(measure)


def finer_groups(kind: Kind, where: Predicate, by: Sequence[Group], measures: Sequence[Measure]) -> tuple[str, ...]:
    """Return the fields to group by at first where an index holds all that is asked, in its own order; else nothing.

    Groups come out of such an index one after the other, and only they, few beside the entries, are left to be sorted.
    """
    names = [group for group in by if isinstance(group, str) and not kind.field(group).many]
    if len(names) < len(by) or not by:
        return ()
    asked = {*names, "id"}
    for measure in measures:
        if not isinstance(measure, Count):
            asked |= {measure.field, getattr(measure, "times", None) or measure.field}
    # Where another index leads to few entries, sorting those few is quicker than reading all of this one.
    fixed = {part.field for part in conjuncts(where) if isinstance(part, Cmp | OneOf)}
    asked |= {one.field for one in _leaves(where) if one.field == "id" or not kind.field(one.field).many}
    for path in paths_of(kind):
        elsewhere = {other[0] for other in (*kind.unique, *paths_of(kind))} - {path[0]}
        if asked <= {*path, "id"} and not fixed & (elsewhere | {"id"}):
            finer = path[: 1 + max(map(path.index, names))]
            return () if set(finer) == set(names) else finer
    return ()


def _leaves(predicate: Predicate) -> Iterator[Any]:
    return (one for one in nodes(predicate) if not isinstance(one, All | AnyOf | Not))


def _joined_up(measure: Measure, column: str) -> str:
    """Return the measure of a group whose parts are measured in *column*."""
    match measure:
        case Min():
            return f"min({column})"
        case Max():
            return f"max({column})"
    return f"coalesce(sum({column}), 0)"


def _raised(query: Query) -> Iterator[Predicate]:
    """Yield the conditions that the cursor does not imply.

    A planner that is given two lower bounds for one column searches from whichever comes first. The cursor's is
    the tighter one, so the looser one is left out.
    """
    implied = ("<", "<=") if query.descending else (">", ">=")
    for part in conjuncts(query.where):
        if query.after and query.order and isinstance(part, Cmp) and part.field == query.order[0]:
            edge, start = part.value, query.after[0]
            if part.op in implied and edge != start and (edge > start) == query.descending:  # type: ignore[operator]
                continue
        yield part
