"""Queries to SQL: one compiler for every SQL store. Names come from the catalog only; values are parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence

import attrs

from salespipeline.entries import Kind, Scalar
from salespipeline.query import (
    All,
    AnyOf,
    Cmp,
    Contains,
    Count,
    Group,
    Has,
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
)

__all__ = ["Select", "columns", "condition", "find", "many_table", "quoted", "tally"]

MANY = 500  # more values than this go as one JSON array


def quoted(name: str) -> str:
    """Return *name* as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def many_table(kind: Kind, field: str) -> str:
    """Return the name of the side table that holds a ``many`` field."""
    return quoted(f"{kind.name}.{field}")


@attrs.frozen
class Select:
    """A statement and its parameters."""

    sql: str
    values: tuple[Scalar, ...]


def condition(predicate: Predicate, kind: Kind, values: list[Scalar]) -> str:
    """Return *predicate* as a SQL condition, appending its parameters to *values*.

    Unknown (NULL) stands for false everywhere; ``NOT`` turns it into false first, so that logic has two values.
    """
    match predicate:
        case All(parts):
            return "(" + " AND ".join(condition(part, kind, values) for part in parts) + ")" if parts else "1"
        case AnyOf(parts):
            return "(" + " OR ".join(condition(part, kind, values) for part in parts) + ")" if parts else "0"
        case Not(part):
            return f"NOT coalesce({condition(part, kind, values)}, 0)"
        case Missing(field) if kind.field(field).many:
            return f"NOT EXISTS (SELECT 1 FROM {many_table(kind, field)} AS m WHERE m.id = e.id)"
        case Missing(field):
            return f"e.{quoted(field)} IS NULL"
        case Has(field, value):
            values.append(value)
            return f"e.id IN (SELECT id FROM {many_table(kind, field)} WHERE value = ?)"
        case OneOf(_, ()):
            return "0"
        case OneOf(field, several) if len(several) > MANY:
            values.append(json.dumps(several))
            return f"e.{quoted(field)} IN (SELECT value FROM json_each(?))"
        case OneOf(field, several):
            values.extend(several)
            return f"e.{quoted(field)} IN ({', '.join('?' * len(several))})"
        case Contains(field, needle):
            values.append(needle)
            return f"instr(e.{quoted(field)}, ?) > 0"
        case Cmp(field, op, value):
            values.append(value)
            return f"e.{quoted(field)} {op} ?"
    raise AssertionError(predicate)


def _tail(query: Query, kind: Kind, values: list[Scalar]) -> str:
    sql = " WHERE " + condition(query.where, kind, values)
    names = [f"e.{quoted(name)}" for name in query.order] + ["e.id"]
    if query.after is not None:
        op = "<" if query.descending else ">"
        if query.order:  # the leading bound lets every database enter the index at the right place
            sql += f" AND {names[0]} {op}= ?"
            values.append(query.after[0])
        sql += f" AND ({', '.join(names)}) {op} ({', '.join('?' * len(names))})"
        values.extend(query.after)
    direction = " DESC" if query.descending else ""
    sql += " ORDER BY " + ", ".join(name + direction for name in names)
    if query.limit is not None:
        sql += " LIMIT ?"
        values.append(query.limit)
    return sql


def find(query: Query, kind: Kind) -> Select:
    """Return the statement that reads id, version and body."""
    values: list[Scalar] = []
    tail = _tail(query, kind, values)
    return Select(f"SELECT e.id, e.version, e.body FROM {quoted(kind.name)} AS e{tail}", tuple(values))  # noqa: S608


def columns(query: Query, kind: Kind, fields: Sequence[str]) -> Select:
    """Return the statement that reads index fields."""
    values: list[Scalar] = []
    tail = _tail(query, kind, values)
    chosen = ", ".join("e.id" if name == "id" else f"e.{quoted(name)}" for name in fields)
    return Select(f"SELECT {chosen} FROM {quoted(kind.name)} AS e{tail}", tuple(values))  # noqa: S608


def tally(query: Query, kind: Kind, by: Sequence[Group], measures: Sequence[Measure]) -> Select:
    """Return the statement that groups and measures."""
    keys: list[str] = []
    source = f"{quoted(kind.name)} AS e"
    for group in by:
        if isinstance(group, Prefix):
            keys.append(f"substr(e.{quoted(group.field)}, 1, {int(group.length)})")
        elif kind.field(group).many:
            source += f" LEFT JOIN {many_table(kind, group)} AS g ON g.id = e.id"
            keys.append("g.value")
        else:
            keys.append(f"e.{quoted(group)}")
    chosen = keys + [_measure(measure) for measure in measures]
    values: list[Scalar] = []
    sql = f"SELECT {', '.join(chosen) or '1'} FROM {source} WHERE {condition(query.where, kind, values)}"  # noqa: S608
    if keys:
        places = ", ".join(str(place + 1) for place in range(len(keys)))
        sql += f" GROUP BY {places} ORDER BY {places}"
    return Select(sql, tuple(values))


def _measure(measure: Measure) -> str:
    match measure:
        case Count():
            return "count(*)"
        case Sum(field, None):
            return f"coalesce(sum(e.{quoted(field)}), 0)"
        case Sum(field, times):
            return f"coalesce(sum(e.{quoted(field)} * e.{quoted(str(times))}), 0)"
        case Min(field):
            return f"min(e.{quoted(field)})"
        case Max(field):
            return f"max(e.{quoted(field)})"
    raise AssertionError(measure)
