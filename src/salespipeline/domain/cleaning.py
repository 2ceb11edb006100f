"""Cleaning the values of settings, all problems at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Amount, decimal

__all__ = [
    "as_category", "as_days", "as_electronic_address", "as_flag", "as_locale", "as_pairs", "as_percent", "as_place",
    "as_texts", "as_time_zone", "cleaned",
]  # fmt: skip

T = TypeVar("T", bound=attrs.AttrsInstance)
# The Electronic Address Schemes of EN 16931 have four digits, or two letters such as EM for e-mail.
_ELECTRONIC = re.compile(r"([0-9]{4}|[A-Z]{2}) ?: ?(\S{1,120})", re.ASCII)


def cleaned(record: T, **cleaners: Callable[[Any], object]) -> T:
    """Return *record* with each named value passed through its cleaner, or raise ``Invalid`` with every problem.

    What every list has, its place in it and whether it is archived, is checked too.
    """
    checks = Checks()
    for name, cleaner in (("position", as_place), ("archived", as_flag)):
        if hasattr(record, name):
            checks.take(cleaner, getattr(record, name), name)
    values: dict[str, object] = {
        name: checks.take(cleaner, getattr(record, name)) for name, cleaner in cleaners.items()
    }
    checks.done()
    return attrs.evolve(record, **values)  # type: ignore[misc]


def as_flag(value: object, path: str) -> bool:
    """Return yes or no."""
    if type(value) is not bool:
        raise Invalid(Problem(path, "type", f"True or False is needed, not {shown(value)}"))
    return value


def as_place(value: object, path: str) -> int:
    """Return a place in a list."""
    if type(value) is not int or abs(value) > 10**9:
        raise Invalid(Problem(path, "type", f"a place in the list, a whole number, is needed, not {shown(value)}"))
    return value


def as_percent(value: Amount) -> Decimal:
    """Return a percent, 0 to 100."""
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    percent = decimal(value, "percent")
    if not 0 <= percent <= 100:
        raise Invalid(Problem("percent", "range", f"a percent is 0 to 100, not {shown(str(percent))}"))
    return percent


def as_category(value: str) -> str:
    """Return a tax category of UNTDID 5305."""
    if value not in ("S", "Z", "E", "AE", "K", "G", "O", "L", "M"):
        message = f"{shown(value)} is not a tax category; one of S, Z, E, AE, K, G, O, L, M (UNTDID 5305)"
        raise Invalid(Problem("category", "choice", message))
    return value


def as_texts(value: object, path: str) -> tuple[str, ...]:
    """Return lines of text."""
    if isinstance(value, str):
        value = value.splitlines()
    if not isinstance(value, Iterable):
        raise Invalid(Problem(path, "type", f"lines of text are needed, not {shown(value)}"))
    checks = Checks()
    lines = tuple(checks.take(text.clean, line, f"{path}[{position}]") for position, line in enumerate(value))
    checks.done()
    return lines


def as_pairs(value: object, path: str, *, lines: bool = False) -> tuple[tuple[str, str], ...]:
    """Return pairs of names and texts."""
    pairs = value.items() if isinstance(value, Mapping) else value
    if not isinstance(pairs, Iterable) or isinstance(pairs, str):
        raise Invalid(Problem(path, "type", f"a mapping such as {{'VAT': 'GB123'}} is needed, not {shown(value)}"))
    most = 20_000 if lines else 200
    checks = Checks()
    found = []
    for pair in pairs:
        if isinstance(pair, str) or not isinstance(pair, Iterable) or len(both := tuple(pair)) != 2:
            checks.add(path, "type", f"a pair such as ('VAT', 'GB123') is needed, not {shown(pair)}")
            continue
        key = checks.take(text.clean, both[0], path, most=50, required=True)
        found.append(
            (key, checks.take(text.clean, both[1], path if key is None else f"{path}.{key}", most=most, lines=lines))
        )
    checks.done()
    return tuple(found)


def as_days(value: object, path: str) -> int:
    """Return a number of days, 0 to 3650."""
    if type(value) is not int or not 0 <= value <= 3650:
        raise Invalid(Problem(path, "range", f"a number of days from 0 to 3650 is needed, not {shown(value)}"))
    return value


def as_electronic_address(value: str) -> str:
    """Return where electronic invoices reach somebody: a scheme and the address in it, or nothing.

    >>> as_electronic_address("0225: 123456789"), as_electronic_address("EM:invoices@acme.example")
    ('0225:123456789', 'EM:invoices@acme.example')
    """
    cleaned = text.clean(value, "electronic_address", most=130)
    found = _ELECTRONIC.fullmatch(cleaned)
    if cleaned and found is None:
        message = (
            f"{shown(value)} is not an electronic address: write its scheme, a colon and the address, such as "
            "'0225:123456789' or 'EM:invoices@acme.example'"
        )
        raise Invalid(Problem("electronic_address", "scheme", message))
    return f"{found[1]}:{found[2]}" if found is not None else ""


def as_locale(value: str) -> str:
    """Return a locale such as ``en_GB``."""
    cleaned = text.clean(value, "locale", most=20, required=True).replace("-", "_")
    if not all(part.isalnum() and part.isascii() for part in cleaned.split("_")):
        raise Invalid(Problem("locale", "locale", f"{shown(value)} is not a locale such as 'en_GB' or 'fr_FR'"))
    return cleaned


def as_time_zone(value: str) -> str:
    """Return the name of a time zone of the IANA database."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, TypeError, OSError):
        message = f"{shown(value)} is not a time zone of the IANA database, such as 'Europe/London'"
        raise Invalid(Problem("time_zone", "unknown", message)) from None
