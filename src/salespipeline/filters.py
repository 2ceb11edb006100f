"""From ``where(stage="Quoted", value__ge="10000 GBP")`` to a predicate: what each filter means. (SPEC OPP-10)"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, TypeAlias

import attrs

from salespipeline.catalog import instant
from salespipeline.criteria import as_data
from salespipeline.domain.activity import Json
from salespipeline.domain.checks import Checks, as_date, aware, suggestion
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Money, decimal
from salespipeline.query import All, AnyOf, Cmp, Contains, Has, Missing, Not, OneOf, Op, Predicate, starts_with
from salespipeline.text import fold

if TYPE_CHECKING:
    from salespipeline.work import Work

__all__ = [
    "Filter",
    "as_written",
    "choice",
    "day",
    "department",
    "flag",
    "identity",
    "moment",
    "money",
    "pair_of",
    "percent",
    "predicates",
    "search",
    "several",
    "values_of",
    "words",
]

Make: TypeAlias = Callable[[str, object, Settings, str], Predicate]
Plain: TypeAlias = Callable[[str, object, Settings, str], Json]
Ask: TypeAlias = "Callable[[Work, object], object]"
Resolve: TypeAlias = Callable[[Settings, object, str], str]
_COMPARISONS: Mapping[str, Op] = {"": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@attrs.frozen
class Filter:
    """One filter: the suffixes that it takes (``""`` is equality), and how it becomes a predicate."""

    operators: tuple[str, ...]
    make: Make
    plain: Plain = lambda _operator, value, _settings, path: as_data(value, path)  # the value as it is saved
    ask: Ask | None = None  # what the store, or the clock, makes of a value before it becomes a predicate


def predicates(
    given: Iterable[tuple[str, object]],
    filters: Mapping[str, Filter],
    settings: Settings,
    kind: str,
    work: Work | None = None,
) -> tuple[Predicate, ...]:
    """Return a predicate for each filter that was *given*, or raise ``Invalid`` with every problem.

    *work* is where filters ask that need more than the settings; where there is none they make of the value what they can.
    """
    checks = Checks()
    made: list[Predicate] = []
    for path, value in given:
        name, _, operator = path.partition("__")
        if name not in filters:
            checks.add(
                path, "unknown", f"{kind} lists have no filter {shown(name)}: {suggestion(name, sorted(filters))}"
            )
            continue
        found = filters[name]
        if operator not in found.operators:
            offered = ", ".join(name + (f"__{one}" if one else "") for one in found.operators)
            checks.add(path, "operator", f"{shown(path)} is not offered; there is {offered}")
            continue
        if found.ask is not None and work is not None:
            value = found.ask(work, value)
        part = checks.take(found.make, operator, value, settings, path)
        if part is not None:
            made.append(part)
    checks.done(action="where")
    return tuple(made)


def values_of(value: object, path: str) -> list[object]:
    """Return the values of a list that was given, or raise ``Invalid``."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise Invalid(Problem(path, "type", f"a list is needed, not {shown(value)}"))
    return list(value)


def identity(field: str, resolve: Resolve) -> Filter:
    """A reference to something else: ``x=``, ``x__not=``, ``x__in=[…]``; ``None`` finds those without one."""

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        if operator == "in":
            return OneOf(field, tuple(resolve(settings, one, path) for one in values_of(value, path)))
        found: Predicate = Missing(field) if value is None else Cmp(field, "=", resolve(settings, value, path))
        return Not(found) if operator == "not" else found

    def plain(operator: str, value: object, settings: Settings, path: str) -> Json:
        if operator == "in":
            return [resolve(settings, one, path) for one in values_of(value, path)]
        return None if value is None else resolve(settings, value, path)

    return Filter(("", "not", "in"), make, plain)


def as_written(_settings: Settings, value: object, path: str) -> str:
    """Return a text that is compared as it is written."""
    return _str(value, path)


def choice(field: str, options: Iterable[str]) -> Filter:
    """One of a closed set of words."""
    options = tuple(options)

    def resolve(_settings: Settings, value: object, path: str) -> str:
        name = str(value).strip().lower().replace(" ", "_").replace("-", "_") if isinstance(value, str) else ""
        if name not in options:
            message = f"{shown(value)} is not one of {', '.join(options)}"
            raise Invalid(Problem(path, "choice", message))
        return name

    return identity(field, resolve)


def words(field: str) -> Filter:
    """A text that is compared folded: exact, ``__startswith``, ``__contains``, ``__in``."""

    def make(operator: str, value: object, _settings: Settings, path: str) -> Predicate:
        if operator == "in":
            return OneOf(field, tuple(fold(_str(one, path)) for one in values_of(value, path)))
        if value is None and not operator:
            return Missing(field)
        folded = fold(_str(value, path))
        if operator == "startswith":
            return starts_with(field, folded)
        return Contains(field, folded) if operator == "contains" else Cmp(field, "=", folded)

    return Filter(("", "startswith", "contains", "in"), make)


def search(field: str) -> Filter:
    """Free text: every word must occur somewhere, in any case and without accents."""

    def make(_operator: str, value: object, _settings: Settings, path: str) -> Predicate:
        return All(tuple(Contains(field, word) for word in fold(_str(value, path)).split()[:20]))

    return Filter(("",), make)


def day(field: str) -> Filter:
    """A plain date: exact, before, after, ``__between=(first, last)``; ``None`` finds those without one."""

    def make(operator: str, value: object, _settings: Settings, path: str) -> Predicate:
        if value is None and not operator:
            return Missing(field)
        if operator == "between":
            first, last = pair_of(value, path)
            return All(
                (Cmp(field, ">=", as_date(first, path).isoformat()), Cmp(field, "<=", as_date(last, path).isoformat()))
            )
        return Cmp(field, _COMPARISONS[operator], as_date(value, path).isoformat())

    return Filter((*_COMPARISONS, "between"), make)


def moment(day_field: str, instant_field: str) -> Filter:
    """A moment (an aware datetime), or a whole day where the organisation is (a date)."""
    by_day = day(day_field)

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        value = _moment(value, path)
        if isinstance(value, datetime):
            return Cmp(instant_field, _COMPARISONS[operator], instant(aware(value, path)))
        return by_day.make(operator, value, settings, path)

    return Filter(by_day.operators, make)


def _moment(value: object, path: str) -> object:
    """Return *value*, of which a text with a time of day is the moment that it says."""
    if not isinstance(value, str) or "T" not in value:
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        message = f"{shown(value)} is not a moment; write for example '2026-11-24T09:30:00+00:00'"
        raise Invalid(Problem(path, "datetime", message)) from None


def instants(field: str) -> Filter:
    """A moment (an aware datetime), or a whole day where the organisation is (a date), of what keeps only the moment."""

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        if operator == "between":
            first, last = pair_of(value, path)
            return All((make("ge", first, settings, path), make("le", last, settings, path)))
        value = _moment(value, path)
        if isinstance(value, datetime):
            return Cmp(field, _COMPARISONS[operator], instant(aware(value, path)))
        found = as_date(value, path)
        start, end = (
            instant(datetime.combine(one, time(), settings.zone)) for one in (found, found + timedelta(days=1))
        )
        if not operator:
            return All((Cmp(field, ">=", start), Cmp(field, "<", end)))
        return Cmp(field, "<" if operator in ("lt", "le") else ">=", start if operator in ("lt", "ge") else end)

    return Filter((*_COMPARISONS, "between"), make)


def money(field: str) -> Filter:
    """An amount with its currency; only records in that currency can fit. (SPEC MON-4)"""

    def make(operator: str, value: object, _settings: Settings, path: str) -> Predicate:
        if operator == "between":
            low, high = (Money.of(one, path=path) for one in pair_of(value, path))  # type: ignore[arg-type]
        else:
            low = high = Money.of(value, path=path)  # type: ignore[arg-type]
        if low.currency != high.currency:
            raise Invalid(Problem(path, "currency", f"{low} and {high} are not in one currency"))
        currency = Cmp("currency", "=", str(low.currency))
        if operator == "between":
            return All((currency, Cmp(field, ">=", low.minor), Cmp(field, "<=", high.minor)))
        return All((currency, Cmp(field, _COMPARISONS[operator], low.minor)))

    return Filter((*_COMPARISONS, "between"), make)


def flag(field: str) -> Filter:
    """Yes or no, kept as 1 or 0."""

    def make(_operator: str, value: object, _settings: Settings, path: str) -> Predicate:
        if type(value) is not bool:
            raise Invalid(Problem(path, "type", f"True or False is needed, not {shown(value)}"))
        return Cmp(field, "=", int(value))

    return Filter(("",), make)


def several(field: str, resolve: Resolve) -> Filter:
    """A field with many values, such as tags: has one, ``__any``, ``__all``, ``__none``; ``None`` finds those without."""

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        if value is None and not operator:
            return Missing(field)
        given = [value] if not operator else values_of(value, path)
        parts = tuple(Has(field, resolve(settings, one, path)) for one in given)
        if operator == "none":
            return Not(AnyOf(parts))
        return AnyOf(parts) if operator == "any" else All(parts)

    def plain(operator: str, value: object, settings: Settings, path: str) -> Json:
        if not operator:
            return None if value is None else resolve(settings, value, path)
        return [resolve(settings, one, path) for one in values_of(value, path)]

    return Filter(("", "any", "all", "none"), make, plain)


def department(own: str, owner: str) -> Filter:
    """The department of a record: its own, or else its owner's. (SPEC OPP-7)"""

    def make(_operator: str, value: object, settings: Settings, path: str) -> Predicate:
        value = getattr(value, "label", value)
        name = fold(_str(value, path))
        owners = tuple(user.id for user in settings.users.all if fold(user.department) == name)
        spellings = {user.department for user in settings.users.all if fold(user.department) == name}
        itself = OneOf(own, tuple(sorted(spellings | {_str(value, path)})))
        return AnyOf((itself, All((Missing(own), OneOf(owner, owners)))))

    return Filter(("",), make)


def _probability(settings: Settings, value: object, path: str) -> str:
    known = settings.probabilities.get(value) if isinstance(value, str) else value
    return settings.probabilities.chosen(value, path, kept=getattr(known, "id", None))  # archived ones too


def percent(field: str) -> Filter:
    """A probability by its label, or compared by its percent: ``probability__ge=50``."""
    labelled = identity(field, _probability)

    def make(operator: str, value: object, settings: Settings, path: str) -> Predicate:
        if operator not in ("lt", "le", "gt", "ge"):
            return labelled.make(operator, value, settings, path)
        number = decimal(value, path)  # type: ignore[arg-type]
        tests = {"lt": number.__gt__, "le": number.__ge__, "gt": number.__lt__, "ge": number.__le__}
        fitting = (one.id for one in settings.probabilities.all if tests[operator](one.percent))
        return OneOf(field, tuple(fitting))

    def plain(operator: str, value: object, settings: Settings, path: str) -> Json:
        if operator in labelled.operators:
            return labelled.plain(operator, value, settings, path)
        return as_data(value, path)

    return Filter((*labelled.operators, "lt", "le", "gt", "ge"), make, plain)


def pair_of(value: object, path: str) -> tuple[object, object]:
    """Return the two values that were given, or raise ``Invalid``."""
    pair = values_of(value, path)
    if len(pair) != 2:
        raise Invalid(Problem(path, "type", f"two values are needed, the first and the last, not {shown(value)}"))
    return pair[0], pair[1]


def _str(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise Invalid(Problem(path, "type", f"text is needed, not {shown(value)}"))
    return value
