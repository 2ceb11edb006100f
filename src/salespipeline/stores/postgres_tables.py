"""The tables of a kind in PostgreSQL: their names, and the statements that read and write them.

Every statement says which workspace it is about, in every table that it names: row-level security is a second lock,
not the only one, and a database that is distributed by workspace answers from one shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from salespipeline.entries import Entry, Field, Kind, Scalar
from salespipeline.query import (
    LAST_CHARACTER,
    All,
    AnyOf,
    Cmp,
    Contains,
    Has,
    HasBetween,
    Linked,
    Not,
    OneOf,
    Predicate,
    Words,
)
from salespipeline.stores.dialect import Dialect, Parameter, Statement, quoted, side_table, word_table
from salespipeline.stores.kinds import paths_of
from salespipeline.stores.rows import Rows
from salespipeline.stores.sql import Compiler

__all__ = ["LONGEST", "TYPES", "Index", "Place", "Table", "clipped", "index_name", "without_nul"]

TYPES: Mapping[type, str] = {int: "bigint", str: 'text COLLATE "C"'}  # strings sort by code point
_ARRAYS: Mapping[type, str] = {int: "bigint[]", str: "text[]"}
LONGEST = 200  # characters of a word that its index holds: a longer row would not fit
_LONGEST = 63  # PostgreSQL cuts longer names without a word, and two may become one


def clipped(name: str) -> str:
    """Return *name*, shortened to what PostgreSQL keeps of a name, yet unlike every other.

    >>> clipped("opportunity__tags")
    'opportunity__tags'
    """
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 13]}_{hashlib.sha256(name.encode()).hexdigest()[:12]}"


@attrs.frozen
class Place(Dialect):
    """The dialect of PostgreSQL, in one schema and for one workspace."""

    mark: str = "%s"
    contains: str = "{column} LIKE %s"  # an index of trigrams, where there is one, serves LIKE
    among: str = "{column} = ANY(%s)"
    product: str = "{field}::numeric * {times}"
    workspace: str = "main"
    schema: str = "salespipeline"

    def table(self, name: str) -> str:
        """Return the table called *name*, in its schema: nothing depends on the search path."""
        return f"{quoted(self.schema)}.{quoted(clipped(name))}"

    def needle(self, text: str) -> str:
        r"""Return the pattern of what contains *text*.

        >>> Place().needle("4%_x")
        '%4\\%\\_x%'
        """
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"%{escaped}%"

    def within(self, column: str, source: str) -> str:
        """Return the condition that *column* is one of the values that *source* selects: an array can be searched for."""
        return f"{column} = ANY(ARRAY({source}))"

    def holders(self, kind: str, asked: Words) -> Statement:
        """Return the statement that selects the ids of all entries that may hold the words: see ``postgres_words``."""
        table, parts, values = self.table(word_table(kind, asked.field)), list[str](), list[Parameter]()
        for word in asked.words:
            parts.append("w.value = %s")
            values += (self.workspace, word[:LONGEST])
        for start in asked.beginnings:
            parts.append("w.value >= %s AND w.value < %s")
            values += (self.workspace, start[:LONGEST], start[:LONGEST] + LAST_CHARACTER)
        held = f"SELECT w.id FROM {table} w WHERE w.workspace = %s AND "  # noqa: S608
        return " INTERSECT ".join(held + part for part in parts), values

    def many_values(self, values: Collection[Scalar]) -> Parameter:
        """Return *values* as an array, without texts that PostgreSQL cannot hold."""
        return [value for value in values if "\0" not in str(value)]


def index_name(kind: str, what: str, names: tuple[str, ...]) -> str:
    """Return the name of an index of a kind's table: *what* is ``by`` or ``unique``."""
    return clipped(f"{kind}__{what}__{'__'.join(names)}")


@attrs.frozen
class Index:
    """An index of a kind's table: its columns behind the workspace, and those that must be *present*."""

    name: str
    columns: tuple[str, ...]
    present: tuple[str, ...] = ()
    unique: bool = False


class Side:
    """A ``many`` field's table, and the parts of statements that keep it."""

    def __init__(self, kind: Kind, field: Field, place: Place) -> None:
        table, self.field, self.name = place.table(side_table(kind.name, field.name)), field, field.name
        many = _ARRAYS[field.type]
        self.copy = f"COPY {table} (workspace, id, value) FROM STDIN"
        self.add = (
            f"INSERT INTO {table} (workspace, id, value) "  # noqa: S608
            f"SELECT %s, kept.id, v FROM kept, unnest(%s::{many}) v ON CONFLICT DO NOTHING"
        )
        self.drop = (
            f"DELETE FROM {table} s USING kept "  # noqa: S608
            f"WHERE s.workspace = %s AND s.id = kept.id AND s.value <> ALL(%s::{many})"
        )
        self.all = (
            f"ARRAY(SELECT m.value FROM {table} m "  # noqa: S608
            "WHERE m.workspace = e.workspace AND m.id = e.id ORDER BY m.value)"
        )


class Table(Rows):
    """The statements of one kind, in one workspace, and their parameters.

    An entry and the values of its ``many`` fields are written by one statement, which returns a row where it wrote.
    *copies* says whether ``COPY`` may write here: it does not know row-level security.
    """

    def __init__(self, kind: Kind, place: Place, *, copies: bool = False) -> None:
        super().__init__(kind)
        self.compiler = Compiler(kind, place)
        self.workspace = place.workspace
        self.copies = copies
        self.sides = [Side(kind, field, place) for field in kind.fields if field.many]
        self.uniques = {index_name(kind.name, "unique", names): names for names in kind.unique}
        self._watched = tuple(dict.fromkeys(name for names in kind.unique for name in names))
        self._place = [self.columns.index(name) for name in self._watched]
        table, names = place.table(kind.name), [quoted(name) for name in self.columns]
        one = "workspace = %s AND id = %s"
        self.get = f"SELECT id, version, body FROM {table} WHERE {one}"  # noqa: S608
        self.get_many = f"SELECT id, version, body FROM {table} WHERE workspace = %s AND id = ANY(%s)"  # noqa: S608
        self.version = f"SELECT version FROM {table} WHERE {one}"  # noqa: S608
        self.delete = f"DELETE FROM {table} WHERE {one} AND version = %s"  # noqa: S608
        self.lock = f"SELECT 1 FROM {table} WHERE workspace = %s AND id = ANY(%s) ORDER BY id FOR UPDATE"  # noqa: S608
        columns = ", ".join(["workspace", "id", "version", "body", *names])
        marks = ", ".join(["%s"] * (len(names) + 4))
        self.copy = f"COPY {table} ({columns}) FROM STDIN"
        self.insert = self._with_sides(
            f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608
            [side.add for side in self.sides],
        )
        changes = ", ".join(["version = %s", "body = %s", *[f"{name} = %s" for name in names]])
        sides = [part for side in self.sides for part in (side.drop, side.add)]
        move = f"UPDATE {table} SET {changes} WHERE {one} AND version = %s"  # noqa: S608
        # What is missing afterwards is unlike every other.
        same = "".join(
            f" AND coalesce(%s, {quoted(name)}) IS NOT DISTINCT FROM {quoted(name)}" for name in self._watched
        )
        self.move = self._with_sides(move, sides)  # whatever changes, a unique too
        self.update = self._with_sides(move + same, sides)  # only where no unique gets a new value: it cannot fail
        self.taken = {
            names: f"SELECT 1 FROM {table} WHERE workspace = %s AND {same} AND id <> %s"  # noqa: S608
            for names in kind.unique
            for same in [" AND ".join(f"{quoted(name)} = %s" for name in names)]
        }
        columns = ", ".join(["e.id", "e.version", "e.body", *[f"e.{name}" for name in names]])
        columns = ", ".join([columns, *[side.all for side in self.sides]])
        self.scan = f"SELECT {columns} FROM {table} e WHERE e.workspace = %s AND e.id > %s ORDER BY e.id"  # noqa: S608

    def _with_sides(self, statement: str, parts: list[str]) -> str:
        if not parts:
            return statement
        named = "".join(f", part{number} AS ({part})" for number, part in enumerate(parts))
        return f"WITH kept AS ({statement} RETURNING id){named} SELECT 1 FROM kept"  # noqa: S608

    def inserting(
        self, entry: Entry, row: list[Scalar | None], many: list[list[Scalar]], becomes: int = 1
    ) -> list[Any]:
        """Return the parameters of ``insert``."""
        values: list[Any] = [self.workspace, entry.id, becomes, entry.body, *row]
        for several in many:
            values += (self.workspace, several)
        return values

    def changing(
        self, entry: Entry, becomes: int, row: list[Scalar | None], many: list[list[Scalar]], *, watched: bool
    ) -> list[Any]:
        """Return the parameters of ``update``, or, where uniques need not be *watched*, of ``move``."""
        values: list[Any] = [becomes, entry.body, *row, self.workspace, entry.id, entry.version]
        if watched:
            values += [row[place] for place in self._place]
        for several in many:
            values += (self.workspace, several, self.workspace, several)
        return values

    def indexes(self) -> Iterator[Index]:
        """Yield what this table needs of indexes, beside its primary key."""
        kind = self.kind
        for name, names in self.uniques.items():
            yield Index(name, names, tuple(one for one in names if not kind.field(one).sortable), unique=True)
        for names in paths_of(kind):
            if names not in kind.unique:
                yield Index(index_name(kind.name, "by", names), (*names, "id"))


def without_nul(predicate: Predicate) -> Predicate:
    r"""Return what *predicate* means where no kept text holds a NUL, in words that PostgreSQL can be told.

    >>> without_nul(Cmp("name", ">=", "a\0b"))
    Cmp(field='name', op='>', value='a')
    """
    match predicate:
        case All(parts):
            return All(tuple(map(without_nul, parts)))
        case AnyOf(parts):
            return AnyOf(tuple(map(without_nul, parts)))
        case Not(part):
            return Not(without_nul(part))
        case Linked(field, kind, to, where):
            return Linked(field, kind, to, without_nul(where))
        case HasBetween(field, low, high):
            return HasBetween(field, _edge(low), _edge(high))
        case OneOf(field, values):
            return OneOf(field, tuple(value for value in values if "\0" not in str(value)))
        case Words() if any("\0" in piece for piece in predicate.pieces):
            return AnyOf(())
        case Contains(_, str(text)) | Has(_, str(text)) | Cmp(_, "=", str(text)) if "\0" in text:
            return AnyOf(())
        case Cmp(field, op, str(text)) if "\0" in text:
            # "a" < "a\0…" < "a\1": what is not greater than the beginning is less than the whole.
            return Cmp(field, "<=" if op in ("<", "<=") else ">", text[: text.index("\0")])
    return predicate


def _edge(text: str) -> str:
    # Where no text holds a NUL, "a\1" is the first one behind "a", and so behind everything that "a\0…" is behind.
    head, nul, _ = text.partition("\0")
    return f"{head}\1" if nul else text
