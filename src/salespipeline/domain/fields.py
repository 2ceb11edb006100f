"""Custom fields: their schemas, and the answers to them. (SPEC SET-4)"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks, as_date, aware, suggestion
from salespipeline.domain.cleaning import as_flag, as_place
from salespipeline.domain.display import Labelled
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Money, decimal

__all__ = ["Answer", "AnswerType", "AnswerValue", "FieldSchema", "check_answer", "check_answers"]

AnswerValue: TypeAlias = str | int | Decimal | Money | date | datetime | bool | tuple[str, ...]

RECORD_TYPES = (
    "opportunity",
    "quote",
    "pro_forma",
    "invoice",
    "purchase_order",
    "credit_note",
    "delivery_note",
    "application_for_payment",
)


class AnswerType(StrEnum):
    """What kind of answer a field takes."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    MONEY = "money"
    DATE = "date"
    DATETIME = "datetime"
    YES_NO = "yes_no"
    CHOICE = "choice"
    MULTIPLE_CHOICE = "multiple_choice"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    STATEMENT = "statement"


_CHOOSING = (AnswerType.CHOICE, AnswerType.MULTIPLE_CHOICE)


@attrs.frozen
class Answer:
    """The answer to one field, by the key of its schema."""

    key: str
    value: AnswerValue


@attrs.frozen(kw_only=True)
class FieldSchema(Labelled):
    """A custom field of one record type: what is asked, which answers are taken, and whether one is needed.

    *required_answer* is the one answer that is let through; with any other, *required_message* is shown. A
    ``statement`` is shown to people, never answered and never mandatory.

    >>> _ = sales.settings.fields.add("opportunity", "heard", "How they found us", "choice", choices=["fair", "web"])
    >>> sales.opportunities.edit(deal, custom={"heard": "fair"}).custom
    {'heard': 'fair'}
    """

    id: str
    version: int = 0
    record_type: str
    key: str
    label: str
    type: AnswerType
    mandatory: bool = False
    position: int = 0
    help: str = ""
    default: Answer | None = None
    choices: tuple[str, ...] = ()
    required_answer: Answer | None = None
    required_message: str = ""
    archived: bool = False

    def checked(self) -> FieldSchema:
        """Return the schema with clean values, or raise ``Invalid`` with every problem."""
        checks = Checks()
        if self.record_type not in RECORD_TYPES:
            checks.add("record_type", "choice", f"{shown(self.record_type)} is not one of {', '.join(RECORD_TYPES)}")
        key = checks.take(text.key, self.key)
        label = checks.take(text.clean, self.label, "label", required=True)
        help = checks.take(text.clean, self.help, "help", most=2000, lines=True)
        message = checks.take(text.clean, self.required_message, "required_message", most=2000, lines=True)
        if self.type not in list(AnswerType):
            checks.add("type", "choice", f"{shown(self.type)} is not one of {', '.join(AnswerType)}")
            checks.done()
        checks.take(as_flag, self.mandatory, "mandatory")
        checks.take(as_flag, self.archived, "archived")
        checks.take(as_place, self.position, "position")
        kind = AnswerType(self.type)
        choices = _choices(self.choices, checks)
        if (kind in _CHOOSING) != bool(choices):
            needed = "needs choices=(…)" if kind in _CHOOSING else "takes no choices"
            checks.add("choices", "choice", f"a field of type {kind} {needed}")
        if len({text.fold(choice) for choice in choices}) != len(choices):
            checks.add("choices", "duplicate", "each choice may stand there once, in any case")
        if kind is AnswerType.STATEMENT and (
            self.mandatory or self.default is not None or self.required_answer is not None
        ):
            checks.add("type", "statement", "a statement is only shown: it cannot be mandatory and has no answer")
        cleaned = attrs.evolve(
            self, key=key or "", label=label, help=help, required_message=message, type=kind, choices=choices
        )
        default, required = self.default, self.required_answer
        if kind is not AnswerType.STATEMENT and not checks.problems:
            default = _of_schema(cleaned, default, "default", checks)
            required = _of_schema(cleaned, required, "required_answer", checks)
        checks.done()
        return attrs.evolve(cleaned, default=default, required_answer=required)


def _choices(given: object, checks: Checks) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        checks.add("choices", "type", f"a list of choices is needed, not {shown(given)}")
        return ()
    return tuple(
        checks.take(text.clean, choice, f"choices[{at}]", required=True) or "" for at, choice in enumerate(given)
    )


def _of_schema(schema: FieldSchema, answer: Answer | None, path: str, checks: Checks) -> Answer | None:
    if answer is None:
        return None
    value = checks.take(check_answer, schema, answer.value, path)
    return None if value is None else Answer(schema.key, value)


def _integer(value: object, path: str) -> int:
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 19:
        return int(value)
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise Invalid(Problem(path, "type", f"a whole number is needed, not {shown(value)}"))
    return value


def _moment(value: object, path: str) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            message = f"{shown(value)} is not a moment; write for example '2026-11-24T09:30:00+00:00'"
            raise Invalid(Problem(path, "datetime", message)) from None
    return aware(value, path)  # type: ignore[arg-type]


_CHECKS: Mapping[AnswerType, Callable[[object, str], AnswerValue]] = {
    AnswerType.TEXT: lambda value, path: text.clean(value, path, most=500),  # type: ignore[arg-type]
    AnswerType.LONG_TEXT: lambda value, path: text.clean(value, path, most=text.LONG, lines=True),  # type: ignore[arg-type]
    AnswerType.INTEGER: _integer,
    AnswerType.DECIMAL: decimal,  # type: ignore[dict-item]
    AnswerType.MONEY: lambda value, path: Money.of(value, path=path),  # type: ignore[arg-type]
    AnswerType.DATE: as_date,
    AnswerType.DATETIME: _moment,
    AnswerType.YES_NO: as_flag,
    AnswerType.EMAIL: text.email,  # type: ignore[dict-item]
    AnswerType.PHONE: text.phone,  # type: ignore[dict-item]
    AnswerType.URL: text.url,  # type: ignore[dict-item]
}


def check_answer(schema: FieldSchema, value: object, path: str) -> AnswerValue:
    """Return *value* as an answer to *schema*, or raise ``Invalid`` naming *path*."""
    if schema.type is AnswerType.STATEMENT:
        raise Invalid(Problem(path, "statement", f"{schema.label!r} is a statement: it is shown, and takes no answer"))
    if schema.type is AnswerType.CHOICE:
        return _chosen(schema, value, path)
    if schema.type is AnswerType.MULTIPLE_CHOICE:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise Invalid(Problem(path, "type", f"a list of choices is needed, not {shown(value)}"))
        checks = Checks()
        chosen = [checks.take(_chosen, schema, one, f"{path}[{at}]") for at, one in enumerate(value)]
        checks.done()
        return tuple(dict.fromkeys(chosen))
    return _CHECKS[schema.type](value, path)


def _chosen(schema: FieldSchema, value: object, path: str) -> str:
    if value not in schema.choices:
        message = f"{shown(value)} is not offered: {suggestion(str(value)[:200], schema.choices)}"
        raise Invalid(Problem(path, "choice", message))
    return str(value)


def check_answers(
    schemas: Iterable[FieldSchema], given: Mapping[str, object], *, kept: Iterable[Answer] = ()
) -> tuple[Answer, ...]:
    """Return the answers to *schemas*, in their order, or raise ``Invalid`` with every problem.

    Defaults are filled in. Answers to archived fields, or to fields that are gone, are kept as they were
    (*kept*); they can no longer be changed.
    """
    checks = Checks()
    schemas = sorted(schemas, key=lambda schema: (schema.position, schema.id))
    old = {answer.key: answer for answer in kept}
    live = {schema.key: schema for schema in schemas if not schema.archived}
    for name in given:
        if name not in live and (name not in old or old[name].value != given[name]):
            archived = any(schema.key == name for schema in schemas)
            reason = "the field is archived" if archived else suggestion(str(name)[:200], live)
            checks.add(f"custom.{name}", "unknown", f"no custom field is called {shown(name)}: {reason}")
    answers: list[Answer] = []
    for schema in live.values():
        path = f"custom.{schema.key}"
        value: object = given.get(schema.key)
        if value is None and schema.default is not None and schema.key not in old:
            value = schema.default.value
        kept_as_it_was = schema.key in old and value == old[schema.key].value  # though the schema may have changed
        if value is None or kept_as_it_was:
            found = None if value is None else old[schema.key].value
        else:
            found = checks.take(check_answer, schema, value, path)
            if found is None:
                continue
        if found is None or found in ("", ()):
            if schema.mandatory:
                checks.add(path, "missing", f"{schema.label!r} needs an answer ({schema.type.replace('_', ' ')})")
            continue
        required = schema.required_answer
        if required is not None and found != required.value:
            said = schema.required_message or f"{schema.label!r} must be answered with {shown(required.value)}"
            checks.add(path, "required", said)
        answers.append(Answer(schema.key, found))
    answers += [answer for name, answer in old.items() if name not in live]
    checks.done()
    return tuple(answers)
