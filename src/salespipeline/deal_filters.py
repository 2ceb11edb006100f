"""The filters that opportunities and documents share, beside those of plain fields. (SPEC OPP-10)"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from salespipeline.criteria import as_data
from salespipeline.domain.activity import Json
from salespipeline.domain.checks import Checks, suggestion
from salespipeline.domain.document import DocumentType
from salespipeline.domain.fields import AnswerType, FieldSchema, check_answer
from salespipeline.domain.listed import Listed
from salespipeline.domain.settings import Settings
from salespipeline.domain.sortable import mark
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.filters import Filter, Resolve, identity, pair_of, search, values_of
from salespipeline.money import Currency
from salespipeline.query import (
    EVERYTHING,
    LAST_CHARACTER,
    All,
    AnyOf,
    Cmp,
    Has,
    HasBetween,
    Linked,
    Missing,
    Not,
    OneOf,
    Predicate,
    Words,
)  # fmt: skip
from salespipeline.text import fold
from salespipeline.words import sought

__all__ = [
    "answered",
    "as_currency",
    "as_id",
    "contact_filter",
    "deal_filter",
    "free_text",
    "in_list",
    "owner_filter",
    "pipeline_filter",
    "searched",
    "stage_filter",
    "with_documents",
]

_SUFFIX = "\1"  # what no folded text holds: right behind a mark, and before whatever else begins like it


def as_id(_settings: Settings, value: object, path: str) -> str:
    """Return the id of a record, or the id that was given."""
    name = getattr(value, "id", value)
    if not isinstance(name, str):
        raise Invalid(Problem(path, "type", f"a record or an id is needed, not {shown(value)}"))
    return name


def in_list(choose: Callable[[Settings], Listed[Any]]) -> Resolve:
    """Return what finds an entry of a list of the settings by a record, an id or a label; archived ones too."""

    def resolve(settings: Settings, value: object, path: str) -> str:
        listed, name = choose(settings), as_id(settings, value, path)
        return listed.chosen(name, path, kept=getattr(listed.get(name[:1000]), "id", None))

    return resolve


def _stage() -> Filter:
    """The stage: a record, its id, or a label, of each pipeline that has one so called."""
    one = in_list(lambda settings: settings.stages)

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        if value is None and not operator:
            return Missing("stage")
        given = values_of(value, path) if operator == "in" else [value]
        found: Predicate = OneOf("stage", tuple(meant(settings, given, path)))
        return Not(found) if operator == "not" else found

    def meant(settings: Settings, several: list[object], path: str) -> dict[str, None]:
        ids: dict[str, None] = {}
        for given in several:
            name = fold(given) if isinstance(given, str) and len(given) < 1000 else None
            same = [stage.id for stage in settings.stages.all if fold(stage.label) == name and stage.id != given]
            ids |= dict.fromkeys(same or [one(settings, given, path)])
        return ids

    def plain(operator: str, value: object, settings: Settings, path: str) -> Json:
        if operator == "in":
            return list(meant(settings, values_of(value, path), path))
        if value is None:
            return None
        ids = list(meant(settings, [value], path))
        return ids[0] if len(ids) == 1 else as_data(value, path)  # one label for the stages of several pipelines

    return Filter(("", "not", "in"), make, plain)


stage_filter = _stage()


def _pipeline() -> Filter:
    """The pipeline that the stage is of: a record, its id or its label."""
    one = in_list(lambda settings: settings.pipelines)

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        given = values_of(value, path) if operator == "in" else [value]
        names = {fold(settings.pipelines.label(one(settings, name, path))) for name in given}
        found = OneOf("stage", tuple(stage.id for stage in settings.stages.all if fold(stage.pipeline) in names))
        return Not(found) if operator == "not" else found

    return Filter(("", "not", "in"), make, identity("stage", one).plain)


pipeline_filter = _pipeline()


def as_currency(_settings: Settings, value: object, path: str) -> str:
    """Return the code of a currency, or raise ``Invalid``: a misspelt one would find nothing, and nobody would know why."""
    try:
        return str(Currency(value))  # type: ignore[arg-type]
    except Invalid as error:
        raise Invalid(Problem(path, one.code, one.message) for one in error.problems) from None


def _owner(settings: Settings, value: object, path: str) -> str:
    name = as_id(settings, value, path)
    user = settings.users.get(name[:1000])
    return user.id if user is not None else name  # whoever acted may own, known to the settings or not


owner_filter = identity("owner", _owner)


def _deal() -> Filter:
    """The opportunity; a record brings along what was merged into it, and what somebody was still putting to that."""
    by_id = identity("opportunity", as_id)

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        merged = getattr(value, "merged", ())
        if not merged or operator == "in":
            return by_id.make(operator, value, settings, path)
        found = OneOf("opportunity", (as_id(settings, value, path), *merged))
        return Not(found) if operator == "not" else found

    return Filter(by_id.operators, make)


deal_filter = _deal()


def _contact() -> Filter:
    """The contact: a record, its id, or its name."""
    by_id = identity("contact", as_id)

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        given = values_of(value, path) if operator == "in" else [value]
        ids = tuple(as_id(settings, one, path) for one in given if one is not None)
        names = OneOf("name", tuple(fold(one) for one in given if isinstance(one, str)))
        found: Predicate = OneOf("contact", ids)
        if names.values:
            found = AnyOf((found, Linked("contact", "contact", "id", names)))
        return Not(found) if operator == "not" else found

    return Filter(by_id.operators, make)


contact_filter = _contact()


def free_text() -> Filter:
    """Free text: every word must occur in the record itself, or in its contact and the persons there."""
    own = search("text")

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        words = own.make(operator, value, settings, path)
        assert isinstance(words, All)  # noqa: S101
        return All(tuple(AnyOf((word, Linked("contact", "contact", "id", word))) for word in words.parts))

    return Filter(own.operators, make)


def searched() -> Filter:
    """Words, the last of which may be half typed: each in the record itself, in its contact, or in a note on it."""

    def make(_operator: str, value: object, _settings: Settings, path: str) -> Predicate:
        if not isinstance(value, str):
            raise Invalid(Problem(path, "type", f"text is needed, not {shown(value)}"))
        words, beginnings = sought(value)
        if not (words or beginnings):  # signs alone are in no index, and nothing at all asks for nothing
            return AnyOf(()) if value.strip() else EVERYTHING
        return All((*[_somewhere((word,), ()) for word in words], *[_somewhere((), (one,)) for one in beginnings]))

    return Filter(("",), make)


def _somewhere(words: tuple[str, ...], beginnings: tuple[str, ...]) -> Predicate:
    found = Words("words", words, beginnings)
    contact, notes = Linked("contact", "contact", "id", found), Linked("id", "note", "opportunity", found)
    return AnyOf((found, contact, notes))


def with_documents() -> Filter:
    """Which types of document there are: one, ``__any``, ``__all``, ``__none`` of several; ``None``: none at all."""
    types = tuple(type.value for type in DocumentType)

    def make(operator: str, value: object, _settings: Settings, path: str) -> Predicate:
        if value is None and not operator:
            return Not(_has_document(EVERYTHING))
        checks = Checks()
        parts = []
        for one in values_of(value, path) if operator else [value]:
            name = str(one).strip().lower().replace(" ", "_").replace("-", "_")
            if name not in types:
                checks.add(path, "choice", f"{shown(one)} is not a type of document: {suggestion(name[:200], types)}")
            parts.append(_has_document(Cmp("type", "=", name)))
        checks.done()
        if operator == "none":
            return Not(AnyOf(tuple(parts)))
        return AnyOf(tuple(parts)) if operator == "any" else All(tuple(parts))

    return Filter(("", "any", "all", "none"), make)


def _has_document(where: Predicate) -> Predicate:
    return Linked("id", "document", "opportunity", where)


def answered(record_types: Iterable[str]) -> Filter:
    """Answers to custom fields: ``custom={"heard": "fair", "budget__ge": 5000, "visited": None}``."""
    several = tuple(record_types)

    def make(_operator: str, value: object, settings: Settings, path: str) -> Predicate:
        if not isinstance(value, Mapping):
            message = f"a mapping such as {{'budget__ge': 5000}} is needed, not {shown(value)}"
            raise Invalid(Problem(path, "type", message))
        checks = Checks()
        parts = [checks.take(_answer, several, settings, str(name), wanted, path) for name, wanted in value.items()]
        checks.done()
        return All(tuple(parts))

    return Filter(("",), make)


_ORDERED = frozenset(
    {AnswerType.INTEGER, AnswerType.DECIMAL, AnswerType.MONEY, AnswerType.DATE, AnswerType.DATETIME}
)  # fmt: skip
_CHOSEN = frozenset({AnswerType.CHOICE, AnswerType.MULTIPLE_CHOICE, AnswerType.YES_NO})


def _answer(record_types: tuple[str, ...], settings: Settings, name: str, wanted: object, path: str) -> Predicate:
    key, _, operator = name.partition("__")
    path = f"{path}.{name}"
    schemas = [one for type in record_types for one in settings.schemas(type) if one.key == key]
    if not schemas:
        known = (one.key for type in record_types for one in settings.schemas(type))
        hint = suggestion(key[:200], dict.fromkeys(known))
        raise Invalid(Problem(path, "unknown", f"no custom field is called {shown(key)}: {hint}"))
    if len(record_types) == 1:
        return _of_schema(schemas[0], operator, wanted, path)
    return AnyOf(
        tuple(All((Cmp("type", "=", one.record_type), _of_schema(one, operator, wanted, path))) for one in schemas)
    )


def _of_schema(schema: FieldSchema, operator: str, wanted: object, path: str) -> Predicate:
    key = schema.key
    offered = ["", "in", "not"]
    if schema.type in _ORDERED:
        offered += ["lt", "le", "gt", "ge", "between"]
    elif schema.type not in _CHOSEN:
        offered += ["startswith"]
    if schema.type is AnswerType.STATEMENT or operator not in offered:
        there = ", ".join(key + (f"__{one}" if one else "") for one in offered)
        raise Invalid(Problem(path, "operator", f"{shown(path)} is not offered for a {schema.type}; there is {there}"))
    if wanted is None and operator in ("", "not"):
        return Has("answers", key) if operator else Not(Has("answers", key))
    if operator == "in":
        return AnyOf(tuple(Has("answers", _mark(schema, one, path)) for one in values_of(wanted, path)))
    if operator == "between":
        low, high = (_mark(schema, one, path) for one in pair_of(wanted, path))
        return HasBetween("answers", low, high + _SUFFIX)
    if operator == "startswith":
        if not isinstance(wanted, str):
            raise Invalid(Problem(path, "type", f"text is needed, not {shown(wanted)}"))
        found = f"{key}={fold(wanted)[:200]}"
        return HasBetween("answers", found, found + LAST_CHARACTER)
    found = _mark(schema, wanted, path)
    # Amounts compare within their currency, everything else within the field.
    first, last = (
        (f"{found[: len(key) + 4]} ", f"{found[: len(key) + 4]}!")
        if schema.type is AnswerType.MONEY
        else (f"{key}=", f"{key}>")
    )
    match operator:
        case "lt":
            return HasBetween("answers", first, found)
        case "le":
            return HasBetween("answers", first, found + _SUFFIX)
        case "gt":
            return HasBetween("answers", found + _SUFFIX, last)
        case "ge":
            return HasBetween("answers", found, last)
    return Not(Has("answers", found)) if operator == "not" else Has("answers", found)


def _mark(schema: FieldSchema, value: object, path: str) -> str:
    if schema.type is AnswerType.MULTIPLE_CHOICE:  # found by one of the choices
        schema = attrs.evolve(schema, type=AnswerType.CHOICE)
    return mark(schema.key, check_answer(schema, value, path))
