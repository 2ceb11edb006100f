"""Records to entries and back: one strict converter. (SPEC EXT-5)

The body is compact JSON with a format number; values that are a field's default are left out. What is read
must be exactly what could have been written: an unknown key, a float or a wrong type is ``Corrupt``, a newer
format ``NewerFormat``. Rows that were checked when they were made are rebuilt without checking them again.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_unstructure_fn

from salespipeline.catalog import FORMAT, KEPT, KIND_OF, SETTING_LISTS, index_of, instant
from salespipeline.domain.activity import Change, Json
from salespipeline.domain.attachments import Audience, Scan
from salespipeline.domain.document import Approval, Document, DocumentType
from salespipeline.domain.fields import Answer, AnswerType
from salespipeline.domain.lines import Tax
from salespipeline.domain.notes import Call, NoteKind, NoteStatus
from salespipeline.domain.notices import NoticeState
from salespipeline.domain.opportunity import Status
from salespipeline.domain.sending import BatchState, DeliveryState
from salespipeline.entries import Entry, Stored
from salespipeline.errors import Corrupt, NewerFormat, shown
from salespipeline.money import Currency, Money
from salespipeline.reading import Reader, Unreadable, at_version, part_of_optional, reader

__all__ = [
    "at_version",
    "body_of",
    "content_digest",
    "decode",
    "decode_all",
    "encode",
    "plain",
    "restore",
    "uncollected",
]

R = TypeVar("R")
_CLASS_OF_LIST = {name: cls for cls, name in SETTING_LISTS.items()}
_MOST_SHARED = 1000
_CLASSES_OF_KIND = {kept.kind.name: kept.classes for kept in KEPT}


# From a body in format n to one in format n + 1, by n. Pure, and kept for ever: old stores are read by them.
UPCASTS: dict[int, Callable[[str, dict[str, Any]], dict[str, Any]]] = {}


# What hooks raise, ours and those of cattrs, when they meet something else than what they expect.
_UNREADABLE = (
    Unreadable,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


def _exactly(kind: type[Any]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise Unreadable(f"{kind.__name__} expected, found {type(value).__name__}")
        return value

    return structure


def _from_text(read: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not str:
            raise Unreadable(f"text expected, found {type(value).__name__}")
        return read(value)

    return structure


def _money(text: str) -> Money:
    amount, _, currency = text.partition(" ")
    return Money(_number(amount), currency)


@lru_cache(maxsize=4096)  # prices, quantities and percentages come again and again
def _number(text: str) -> Decimal:
    number = Decimal(text)
    if str(number) != text or not number.is_finite():
        raise Unreadable(f"{shown(text)} is not a number as it is written")
    return number


def _instant(text: str) -> datetime:
    if text[-1:] != "Z":
        raise Unreadable(f"{shown(text)} is not an instant in UTC")
    return datetime.fromisoformat(text)


# The values of custom answers are tagged, because a body must be readable without the schema.
_TAGS: dict[type[Any], tuple[str, Callable[[Any], Any], type[Any]]] = {
    str: ("text", str, str),
    bool: ("boolean", bool, bool),
    int: ("integer", int, int),
    Decimal: ("decimal", str, Decimal),
    Money: ("money", lambda value: f"{value.amount} {value.currency}", Money),
    datetime: ("datetime", instant, datetime),
    date: ("date", date.isoformat, date),
    tuple: ("choices", list, tuple[str, ...]),
}


def _answer_out(answer: Answer) -> list[Any]:
    tag, write, _ = _TAGS[type(answer.value)]
    return [answer.key, tag, write(answer.value)]


def _answer_in(converter: cattrs.Converter) -> Callable[[Any, Any], Answer]:
    reading = {tag: (converter.get_structure_hook(kind), kind) for tag, _, kind in _TAGS.values()}

    def structure(value: Any, _: Any) -> Answer:
        key, tag, written = value
        if type(value) is not list or type(key) is not str:
            raise Unreadable("an answer is a key, a tag and a value")
        read, kind = reading[tag]
        return Answer(key, read(written, kind))

    return structure


def _row(kind: Any, converter: cattrs.Converter) -> Callable[[Any, Any], tuple[Any, ...]]:
    """Return a hook for ``tuple[X, ...]``, which is written as a list."""
    one = get_args(kind)[0]
    read = converter.get_structure_hook(one)

    def structure(value: Any, _: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise Unreadable(f"a list expected, found {type(value).__name__}")
        return tuple([read(item, one) for item in value])

    return structure


def _optional(kind: Any, converter: cattrs.Converter) -> Reader:
    """Return a hook for ``X | None``."""
    one = part_of_optional(kind)
    read = converter.get_structure_hook(one)

    def structure(value: Any, _: Any) -> Any:
        return None if value is None else read(value, one)

    return structure


def _is_row(kind: Any) -> bool:
    return get_origin(kind) is tuple and get_args(kind)[1:] == (...,)


_WORDS = (
    Status,
    DocumentType,
    Approval,
    AnswerType,
    DeliveryState,
    BatchState,
    Audience,
    Scan,
    NoteKind,
    NoteStatus,
    Call,
    NoticeState,
)


def _make_converter() -> cattrs.Converter:
    # Detailed validation is for input of people; rows are read fast, and refused whole (measured: 1.5 times faster).
    converter = cattrs.Converter(omit_if_default=True, detailed_validation=False)
    for primitive in (str, int, bool):
        converter.register_structure_hook(primitive, _exactly(primitive))
    # By class, because each of these enumerations is also a str.
    for words in _WORDS:
        converter.register_structure_hook(words, _from_text(words))
        converter.register_unstructure_hook(words, str)
    converter.register_structure_hook(Decimal, _from_text(_number))
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(datetime, _from_text(_instant))
    converter.register_unstructure_hook(datetime, instant)
    converter.register_structure_hook(date, _from_text(date.fromisoformat))
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_structure_hook(Currency, _from_text(Currency))
    converter.register_unstructure_hook(Currency, str)
    converter.register_structure_hook(Money, _from_text(_money))
    converter.register_unstructure_hook(Money, lambda money: f"{money.amount} {money.currency}")
    converter.register_structure_hook_factory(attrs.has, lambda cls: reader(cls, converter.get_structure_hook))
    converter.register_structure_hook_factory(_is_row, _row)
    converter.register_structure_hook_factory(lambda kind: part_of_optional(kind) is not None, _optional)
    converter.register_structure_hook(Answer, _answer_in(converter))
    converter.register_unstructure_hook(Answer, _answer_out)
    converter.register_structure_hook(Change, lambda value, _: Change(*value))
    converter.register_unstructure_hook(Change, lambda change: [change.field, change.before, change.after])
    converter.register_structure_hook(Tax, _shared(Tax, converter))
    return converter


def _shared(cls: type[R], converter: cattrs.Converter) -> Callable[[Any, Any], R]:
    """Return a hook that reads equal texts into one record: a few taxes stand in a million lines."""
    read = reader(cls, converter.get_structure_hook)
    known: dict[tuple[Any, ...], R] = {}

    def structure(value: Any, _: Any) -> R:
        key = tuple(value.items())
        found = known.get(key)
        if found is None:
            found = read(value, cls)
            if len(known) >= _MOST_SHARED:
                known.clear()
            known[key] = found
        return found

    return structure


def _no_float(text: str) -> Any:
    raise Unreadable(f"a floating-point number ({text[:20]}) where none can be")


_CONVERTER = _make_converter()
# Made once: json.loads() and json.dumps() make new ones a call when they are given arguments.
_READER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)
_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
# What stands in a body between its format and what is written of the record.
_LISTS = {cls: f',"list":"{name}"' for cls, name in SETTING_LISTS.items()}
_OUT: dict[type[Any], Callable[[Any], dict[str, Any]]] = {}
_IN: dict[type[Any], Callable[[Any, str, int], Any]] = {}


def _hooks(cls: type[Any]) -> tuple[Callable[[Any], dict[str, Any]], Callable[[Any, str, int], Any]]:
    if cls not in _OUT:
        attrs.resolve_types(cls)
        own: dict[str, Any] = {"id": cattrs.override(omit=True), "version": cattrs.override(omit=True)}
        _OUT[cls] = make_dict_unstructure_fn(cls, _CONVERTER, _cattrs_omit_if_default=True, **own)
        _IN[cls] = reader(cls, _CONVERTER.get_structure_hook, beside=("id", "version"))
    return _OUT[cls], _IN[cls]


def plain(record: object) -> dict[str, Json]:
    """Return the stored form of *record* as plain JSON values, without id and version."""
    return _hooks(type(record))[0](record)


def restore(cls: type[R], id: str, version: int, values: Mapping[str, Json]) -> R:
    """Return the record whose stored form is *values*: the inverse of ``plain``."""
    try:
        return _hooks(cls)[1](values, id, version)  # type: ignore[no-any-return]
    except _UNREADABLE as error:
        message = f"{cls.__name__} {id!r} cannot be read: {error}; restore it from a backup"
        raise Corrupt(message) from error


def body_of(record: object, values: Mapping[str, Json] | None = None) -> str:
    """Return the body of *record*; *values* is its stored form, where the caller has it already."""
    text = _WRITER.encode(plain(record) if values is None else dict(values))
    head = f'{{"format":{FORMAT}{_LISTS.get(type(record), "")}'
    return f"{head}}}" if text == "{}" else f"{head},{text[1:]}"


def encode(record: Any, values: Mapping[str, Json] | None = None) -> Entry:
    """Return the entry that keeps *record*; its version is the one that was read."""
    kind = KIND_OF[type(record)].kind.name
    return Entry(kind, record.id, record.version, index_of(record), body_of(record, values))


def decode(kind: str, stored: Stored) -> Any:
    """Return the record that was kept, or raise ``Corrupt`` or ``NewerFormat``."""
    try:
        values = _READER.decode(stored.body)
        format = values.pop("format")
        if type(format) is not int or format < 1:
            raise Unreadable("the format is not a number")
    except (*_UNREADABLE, RecursionError) as error:
        message = f"{kind} {stored.id!r} cannot be read: {error}; restore it from a backup"
        raise Corrupt(message) from error
    for older in range(format, FORMAT):
        values = UPCASTS[older](kind, values)
    if format > FORMAT:
        message = f"{kind} {stored.id!r} has format {format}; this version reads up to {FORMAT}: upgrade salespipeline"
        raise NewerFormat(message)
    cls = _CLASSES_OF_KIND[kind][0]
    if kind == "setting":
        name = values.pop("list", None)
        if name not in _CLASS_OF_LIST:
            raise Corrupt(f"setting {stored.id!r} belongs to no known list; restore it from a backup")
        cls = _CLASS_OF_LIST[name]
    return restore(cls, stored.id, stored.version, values)


@contextmanager
def uncollected() -> Iterator[None]:
    """Hold the garbage collector off where much is made that stays alive: it would walk over all of it again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def decode_all(kind: str, several: Iterable[Stored]) -> list[Any]:
    """Return the records that were kept, as ``decode`` does one."""
    with uncollected():
        return [decode(kind, stored) for stored in several]


_CONTENT = [
    "type",
    "series",
    "run",
    "number",
    "reference",
    "root_id",
    "revision",
    "takes",
    "deducts",
    "opportunity_id",
    "contact_id",
    "person_id",
    "currency",
    "lines",
    "discount",
    "charges",
    "exchange",
    "subject",
    "date",
    "due",
    "delivered",
    "customer_reference",
    "note",
    "terms",
    "legal_notes",
    "locale",
    "answers",
    "seller",
    "buyer",
    "logo",
    "payment_details",
]


def content_digest(document: Document) -> str:
    """Return the SHA-256 of the content of *document*, the part that is locked when it is sent. (SPEC DOC-7)"""
    values = plain(document)
    content = {name: values[name] for name in _CONTENT if name in values}
    canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
