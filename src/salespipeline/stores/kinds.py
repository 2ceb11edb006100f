"""What every store refuses in the same words: catalogs that cannot be kept, and entries that do not fit them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import attrs

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import (
    Conflict,
    Corrupt,
    Duplicate,
    ReadOnly,
    StorageError,
    TransactionOpen,
    UpgradeNeeded,
    shown,
)
from salespipeline.query import INT_MAX, INT_MIN

__all__ = [
    "check_catalog",
    "conflict",
    "default",
    "dumped",
    "duplicate",
    "encodable",
    "loaded",
    "merged",
    "misfit",
    "not_open",
    "not_prepared",
    "not_unique",
    "older_format",
    "paths_of",
    "read_only",
    "transaction_open",
]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = frozenset({"workspace", "id", "version", "body"})
_TYPE_OF: Mapping[str, type[int | str]] = {"int": int, "str": str}


def check_catalog(catalog: Catalog) -> None:
    """Refuse a catalog that some store could not keep: names are plain, uniques hold single, declared fields."""
    for kind in catalog.kinds:
        for fault in _kind_faults(kind):
            raise StorageError(f"kind {shown(kind.name)} cannot be kept: {fault}")


def _kind_faults(kind: Kind) -> Iterator[str]:
    named = "use up to 63 lower-case letters, digits and underscores, beginning with a letter"
    if not _NAME.fullmatch(kind.name) or kind.name.startswith("sqlite_"):
        yield f"its name cannot name a table; {named}"
    for field in kind.fields:
        if not _NAME.fullmatch(field.name) or field.name in _RESERVED:
            yield f"the field name {shown(field.name)} cannot name a column; {named}, and not workspace, id, version or body"
        if field.many and field.sortable:
            yield f"{field.name} holds many values and so has no order"
    if len(kind.by_name) != len(kind.fields):
        yield "it declares a field twice"
    for names in (*kind.unique, *kind.paths):
        for name in names:
            if name not in kind.by_name:
                yield f"{shown(names)} names {shown(name)}, which is not one of its fields"
            elif kind.field(name).many and names in kind.unique:
                yield f"{name} holds many values and so cannot be part of a unique"
    for name in kind.texts:
        if name not in kind.by_name or kind.field(name).many or kind.field(name).type is not str:
            yield f"its text {shown(name)} is not one of its single text fields"
    if kind.sealed is not None and (kind.sealed not in kind.by_name or kind.field(kind.sealed).many):
        yield f"it is sealed by {shown(kind.sealed)}, which is not one of its single fields"


def merged(kept: Kind | None, wanted: Kind) -> Kind:
    """Return *wanted* with whatever else is already *kept*: preparing only ever adds.

    A field that only the kept kind has is no longer required of anybody. Raises ``StorageError`` where a field
    changes its meaning: what is in the table already could not be read as the new type.
    """
    if kept is None:
        return wanted
    for field in wanted.fields:
        old = kept.by_name.get(field.name, field)
        if (old.type, old.many) != (field.type, field.many):
            message = (
                f"{wanted.name}.{field.name} is kept as {_described(old)} and cannot become {_described(field)}; "
                f"declare a field with another name and index the entries again"
            )
            raise StorageError(message)
    return Kind(
        wanted.name,
        tuple(wanted.by_name.get(field.name) or attrs.evolve(field, sortable=False) for field in kept.fields)
        + tuple(field for field in wanted.fields if field.name not in kept.by_name),
        tuple(dict.fromkeys(kept.unique + wanted.unique)),
        tuple(dict.fromkeys(kept.paths + wanted.paths)),
        wanted.sealed or kept.sealed,
        tuple(dict.fromkeys(kept.texts + wanted.texts)),
    )


def _described(field: Field) -> str:
    return f"many {field.type.__name__} values" if field.many else f"one {field.type.__name__}"


def dumped(kind: Kind) -> str:
    """Return *kind* as text to keep beside its table."""
    fields = [[field.name, field.type.__name__, field.many, field.sortable] for field in kind.fields]
    facts = {"fields": fields, "unique": kind.unique, "paths": kind.paths, "sealed": kind.sealed, "texts": kind.texts}
    return json.dumps(facts)


def loaded(name: str, definition: str) -> Kind:
    """Return the kind that was dumped, or raise ``Corrupt``."""
    try:
        facts = json.loads(definition)
        return Kind(
            name,
            tuple(Field(name, _TYPE_OF[type_], many, sortable) for name, type_, many, sortable in facts["fields"]),
            tuple(map(tuple, facts["unique"])),
            tuple(map(tuple, facts["paths"])),
            facts.get("sealed"),  # the first layout did not know it
            tuple(facts.get("texts", ())),  # nor this
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Corrupt(f"the definition of {name} cannot be read; restore it from a backup") from error


def default(field: Field) -> int | str:
    """Return what a field that became sortable holds in the entries that were there before: 0 or ``""``."""
    return field.type()


def paths_of(kind: Kind) -> tuple[tuple[str, ...], ...]:
    """Return the access paths of *kind* without their ``many`` fields, which have an access path of their own."""
    paths = (tuple(name for name in path if not kind.field(name).many) for path in kind.paths)
    return tuple(dict.fromkeys(path for path in paths if path))


def misfit(entry: Entry, kind: Kind) -> StorageError | None:
    """Return the error for an entry that a store could not give back unchanged, or ``None`` where it fits."""
    for fault in _entry_faults(entry, kind):
        return StorageError(f"{kind.name} {shown(entry.id)} cannot be kept: {fault}")
    return None


def _entry_faults(entry: Entry, kind: Kind) -> Iterator[str]:
    yield from _scalar_faults("id", entry.id, str)
    if not entry.id:
        yield "its id is empty"
    yield from _scalar_faults("body", entry.body, str)
    yield from _scalar_faults("version", entry.version, int)
    for name, value in entry.index.items():
        field = kind.by_name.get(name)
        if field is None:
            yield f"its index has {shown(name)}, which the catalog does not declare"
            continue
        if field.many != isinstance(value, tuple):
            yield f"{name} holds {'a tuple of values' if field.many else 'one value'}, not {shown(value)}"
            continue
        for one in value if isinstance(value, tuple) else (value,):
            yield from _scalar_faults(name, one, field.type)
    for field in kind.fields:
        if field.sortable and field.name not in entry.index:
            yield f"{field.name} is sortable and so must be present"


def _scalar_faults(name: str, value: object, type_: type[int | str]) -> Iterator[str]:
    if type(value) is not type_:
        yield f"{name} is {type_.__name__}, not {shown(value)}"
    elif isinstance(value, int):
        if not INT_MIN <= value <= INT_MAX:
            yield f"{name} {shown(value)} does not fit 64 bits"
    elif isinstance(value, str):
        if "\0" in value:
            yield f"{name} holds a NUL character"
        if not encodable(value):
            yield f"{name} holds a lone surrogate, which is not a character"


def encodable(text: str) -> bool:
    """Say whether *text* holds characters only: a lone surrogate is none."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def conflict(kind: str, id: str, version: int, kept: int | None) -> Conflict:
    """Return the error for an entry that was changed, deleted or created meanwhile."""
    if kept is None:
        why = f"it does not exist; version {version} was expected"
    elif version == 0:
        why = f"it exists already, in version {kept}"
    else:
        why = f"version {kept} is kept, version {version} was expected"
    return Conflict(f"{kind} {shown(id)} was not written: {why}; read it again", kind=kind, id=id)


def duplicate(kind: str, id: str, fields: tuple[str, ...]) -> Duplicate:
    """Return the error for a unique that another entry has taken."""
    message = f"{kind} {shown(id)} was not written: another {kind} has the same {' and '.join(fields)}"
    return Duplicate(message, kind=kind, id=id, fields=fields)


def not_prepared(kind: str) -> StorageError:
    """Return the error for a kind that this handle was not prepared for."""
    return StorageError(f"kind {shown(kind)} is not known: call prepare() with a catalog that declares it first")


def older_format(kept: int, wanted: int) -> UpgradeNeeded:
    """Return the error for entries in an older format than the program's."""
    message = (
        f"the entries are in format {kept} and this program writes {wanted}: "
        f"call salespipeline.maintenance.upgrade(), which makes a backup first"
    )
    return UpgradeNeeded(message)


def not_unique(kind: str, fields: tuple[str, ...]) -> StorageError:
    """Return the error for a unique that cannot be added, because entries that are there break it."""
    message = (
        f"{kind} cannot be made unique by {' and '.join(fields)}: entries that are there share a value; mend them first"
    )
    return StorageError(message)


def not_open() -> StorageError:
    """Return the error for a transaction that was not entered yet, or has ended."""
    return StorageError("this transaction is not open: use it inside its 'with' block")


def read_only() -> ReadOnly:
    """Return the error for writing in a transaction that was opened for reading."""
    return ReadOnly("this transaction was opened with write=False; open one with transaction() to write")


def transaction_open() -> TransactionOpen:
    """Return the error for what cannot be done while a transaction is open: in this thread, or on a lent connection."""
    return TransactionOpen("a transaction is open here already, and transactions do not nest: end it first")
