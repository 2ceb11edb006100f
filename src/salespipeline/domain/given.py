"""Checking the values that opportunities and documents share, all problems at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks, an, as_date, suggestion
from salespipeline.domain.contacts import Contact, person_in
from salespipeline.domain.fields import Answer, check_answers
from salespipeline.domain.lines import Discount, Line
from salespipeline.domain.numbering import check_reference
from salespipeline.domain.reading import as_lines
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.exchange import ExchangeRate
from salespipeline.money import Amount, Currency, decimal, product, round_half_up

__all__ = ["HasDeal", "converted", "discounted", "factor_of", "in_currency", "shared_values"]


class HasDeal(Protocol):
    """What an opportunity and a financial document have in common."""

    @property
    def contact_id(self) -> str:
        """The contact."""
        ...

    @property
    def person_id(self) -> str | None:
        """The person dealt with there."""
        ...

    @property
    def currency(self) -> Currency:
        """The currency of every amount."""
        ...

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines."""
        ...

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The answers to custom fields."""
        ...

    @property
    def owner_id(self) -> str:
        """The owner."""
        ...


def shared_values(
    given: Mapping[str, object],
    settings: Settings,
    checks: Checks,
    *,
    record_type: str,
    allowed: Iterable[str],
    contact: Contact | None,
    before: HasDeal | None,
    by: str,
) -> dict[str, Any]:
    """Return the clean values for those of *given* that every deal has; the caller checks the rest.

    *contact* is the contact that the record will have; *before* is the record as it is, ``None`` for a new one.
    """
    allowed = set(allowed)
    for name in given.keys() - allowed:
        checks.add(
            str(name), "unknown", f"{an(record_type)} has no {shown(name)}: {suggestion(str(name), sorted(allowed))}"
        )
    values: dict[str, Any] = {}
    if "subject" in given:
        values["subject"] = checks.take(text.clean, given["subject"], "subject", required=record_type == "opportunity")  # type: ignore[arg-type]
    if "note" in given:
        values["note"] = checks.take(text.clean, given["note"], "note", most=100_000, lines=True)  # type: ignore[arg-type]
    if "due" in given:
        values["due"] = None if given["due"] is None else checks.take(as_date, given["due"], "due")
    if given.get("reference") is not None:
        values["reference"] = checks.take(check_reference, given["reference"])  # type: ignore[arg-type]
    if contact is not None and (before is None or before.contact_id != contact.id):
        values["contact_id"] = contact.id
        values["person_id"] = None  # somebody at the former contact does not move with the deal
    if "person" in given:
        values["person_id"] = checks.take(
            person_in, given["person"], contact, kept=before.person_id if before is not None else None
        )
    if given.get("owner") is not None:
        owner = getattr(given["owner"], "id", given["owner"])
        # Whoever acts may own, known to the settings or not: the host says who acts.
        kept = before.owner_id if before is not None else None
        values["owner_id"] = owner if owner in (by, kept) else checks.take(settings.users.chosen, owner, "owner")
    currency = _currency(given, checks, before, settings)
    values |= _money(given, checks, before, currency)
    if "custom" in given or before is None:
        values["answers"] = _answers(given.get("custom"), settings, checks, record_type, before)
    return values


def _currency(
    given: Mapping[str, object], checks: Checks, before: HasDeal | None, settings: Settings
) -> Currency | None:
    if given.get("currency") is not None:
        return checks.take(Currency, given["currency"])  # type: ignore[arg-type]
    return before.currency if before is not None else settings.organisation.currency


def _money(
    given: Mapping[str, object], checks: Checks, before: HasDeal | None, currency: Currency | None
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    changed = before is not None and currency is not None and before.currency != currency
    if before is None or changed:
        values["currency"] = currency
    if "lines" in given:
        lines = as_lines(given["lines"], checks, currency)
        if not lines and not any(problem.path.startswith("lines") for problem in checks.problems):
            checks.add("lines", "missing", "at least one line item is needed: add sp.Line('…', unit_price='…')")
        values["lines"] = lines
    elif before is None:
        checks.add("lines", "missing", "at least one line item is needed: add sp.Line('…', unit_price='…')")
    elif changed:
        values["lines"] = checks.take(in_currency, before.lines, before.currency, currency, given.get("rate"))
    if given.get("rate") is not None and not changed:
        checks.add("rate", "unknown", f"a rate is for another currency, and it stays {currency}: leave it out")
    return values


def in_currency(lines: tuple[Line, ...], before: Currency, after: object, rate: object) -> tuple[Line, ...]:
    """Return *lines* in the currency *after*; another one than *before* needs a *rate*. (SPEC OPP-1)"""
    currency = before if after is None else Currency(after)  # type: ignore[arg-type]
    if currency == before:
        return lines
    if rate is None:
        message = f"to go from {before} to {currency}, give rate= (1 {before} = rate {currency}) or new lines="
        raise Invalid(Problem("rate", "missing", message))
    return converted(lines, factor_of(rate, before, currency), currency)


def factor_of(rate: object, before: Currency, after: Currency) -> Decimal:
    """Return the number in *rate*, which is one or an ``ExchangeRate`` between these two currencies."""
    if isinstance(rate, ExchangeRate):
        if (rate.base, rate.quote) != (before, after):
            message = f"the rate is of {rate.base} to {rate.quote}, and the amounts go from {before} to {after}"
            raise Invalid(Problem("rate", "currency", message))
        return rate.rate
    factor = decimal(rate, "rate")  # type: ignore[arg-type]
    if factor <= 0:
        raise Invalid(Problem("rate", "range", f"a rate is more than 0, not {factor}"))
    return factor


def converted(lines: Iterable[Line], rate: Amount, currency: Currency) -> tuple[Line, ...]:
    """Return *lines* with every price, amount of discount and cost × *rate*, rounded to *currency*. (SPEC OPP-1)"""
    factor = decimal(rate, "rate")

    def convert(amount: Decimal) -> Decimal:
        return round_half_up(product(amount, factor), currency.digits)

    result = []
    for line in lines:
        values = {field.name: getattr(line, field.name) for field in attrs.fields(Line)}
        values["unit_price"] = convert(line.unit_price)
        values["discount"] = discounted(line.discount, factor, currency)
        values["cost"] = None if line.cost is None else convert(line.cost)
        result.append(Line(**values))
    return tuple(result)


def discounted(discount: Discount | None, factor: Decimal, currency: Currency) -> Discount | None:
    """Return *discount* with its amount × *factor*."""
    if discount is None or discount.amount is None:
        return discount
    return Discount(amount=round_half_up(product(discount.amount, factor), currency.digits))


def _answers(
    given: object, settings: Settings, checks: Checks, record_type: str, before: HasDeal | None
) -> tuple[Answer, ...] | None:
    if given is not None and not isinstance(given, Mapping):
        checks.add("custom", "type", f"a mapping of answers by key is needed, not {shown(given)}")
        return None
    kept = before.answers if before is not None else ()
    answers: dict[str, Any] = {answer.key: answer.value for answer in kept}
    answers.update(given or {})
    merged = {key: value for key, value in answers.items() if value is not None}  # None takes an answer back
    return checks.take(check_answers, settings.schemas(record_type), merged, kept=kept)
