"""What a storage backend keeps: entries, and the catalog that declares their index.

A backend knows nothing of sales. An entry is ``(kind, id, version, index, body)``: *body* is opaque JSON
text that is given back untouched, *index* a small flat mapping of declared ``int`` and ``str`` values,
computed by the core, which is all that can be queried.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias

import attrs

__all__ = ["Catalog", "Entry", "Field", "Index", "Kind", "Scalar", "Stored"]

Scalar: TypeAlias = int | str
Index: TypeAlias = Mapping[str, Scalar | tuple[Scalar, ...]]


@attrs.frozen
class Field:
    """One declared index field.

    *type* is ``int`` (signed 64 bits) or ``str`` (compared by code point). A *many* field holds a tuple of
    distinct values, such as tags. A *sortable* field is present in every entry, so that every page has a
    total order.
    """

    name: str
    type: type[int | str]
    many: bool = False
    sortable: bool = False


@attrs.frozen(slots=False)
class Kind:
    """A kind of entry: its fields, its uniques, and the paths that are worth an index.

    Each *unique* is a tuple of field names that no two entries share; an entry in which one of them is
    missing is exempt. Each *path* is a tuple of field names that queries will use together, in that order.
    Each of *texts* is a text field that holds words between single blanks, one before the first and one behind the last,
    which is worth an index of its words. *sealed* names a field, and an entry that has it is sealed: where others can reach
    the entries beside the store, as with SQL, the store has them refused whatever would change or take away a sealed one.
    Its own writes mean the same with or without.

    >>> Kind("note", (Field("author", str),), paths=(("author",),)).field("author").type
    <class 'str'>
    """

    name: str
    fields: tuple[Field, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    paths: tuple[tuple[str, ...], ...] = ()
    sealed: str | None = None
    texts: tuple[str, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    def field(self, name: str) -> Field:
        """Return the field called *name*, or raise ``KeyError``."""
        return self.by_name[name]


@attrs.frozen(slots=False)
class Catalog:
    """The kinds that a store must be able to hold, and the number of the body format."""

    kinds: tuple[Kind, ...]
    format: int = 1

    @cached_property
    def by_name(self) -> Mapping[str, Kind]:
        """The kinds by their names."""
        return {kind.name: kind for kind in self.kinds}

    def kind(self, name: str) -> Kind:
        """Return the kind called *name*, or raise ``KeyError``."""
        return self.by_name[name]


@attrs.frozen
class Entry:
    """What is put. *version* is the version that was read, 0 for "must not exist"; the store keeps version + 1.

    A field that is absent from *index* is missing; ``many`` fields hold tuples.
    """

    kind: str
    id: str
    version: int
    index: Index
    body: str


@attrs.frozen
class Stored:
    """What reads give back: never the index."""

    id: str
    version: int
    body: str
