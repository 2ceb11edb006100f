"""Amounts, numbers, percents and dates as people write them in the document's locale.

The rules come from CLDR through Babel; they are asked for once a locale and currency, and then applied here to
the exact decimals, because a document of a thousand lines writes thousands of them (about 1 µs each instead of
20). The result is Babel's own, with two differences: no digit is ever rounded away, and a currency code is kept
apart from the digits by a no-break space, ``KWD 1.500``, as CLDR asks. French separators are U+202F and U+00A0.

A language that CLDR does not know is written in international English, ``en_001``.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from salespipeline.money import Currency, Money

if TYPE_CHECKING:
    from babel import Locale
    from babel.numbers import NumberPattern

__all__ = ["day", "money", "number", "percent", "plain_money", "price", "territory"]

FALLBACK = "en_001"
NO_BREAK_SPACE = "\u00a0"


def money(value: Money, locale: str) -> str:
    """Return *value* with its currency, such as ``£1,234.50``.

    >>> from salespipeline.money import Money
    >>> money(Money("-1234.50", "GBP"), "en_GB"), money(Money("1234", "JPY"), "en_GB")
    ('-£1,234.50', 'JP¥1,234')
    """
    style = _money_style(locale, str(value.currency))
    return style.write(value.amount, value.currency.digits)


def plain_money(value: Money, locale: str) -> str:
    """Return *value* with the digits of its currency but without naming it: ``1,234.50``.

    >>> from salespipeline.money import Money
    >>> plain_money(Money("1234.500", "KWD"), "de_DE")
    '1.234,500'
    """
    return _number_style(locale).write(value.amount, value.currency.digits)


def price(value: Decimal, currency: str, locale: str) -> str:
    """Return a unit price with at least the digits of its currency, and more where it has more.

    >>> price(Decimal("0.0375"), "EUR", "de_DE"), price(Decimal("12"), "EUR", "de_DE")
    ('0,0375', '12,00')
    """
    return _number_style(locale).write(value, Currency(currency).digits)


def number(value: Decimal, locale: str) -> str:
    """Return a number, such as a quantity, with the decimals that it needs and no more.

    >>> number(Decimal("1500.50"), "en_GB"), number(Decimal("40.00"), "en_GB")
    ('1,500.5', '40')
    """
    return _number_style(locale).write(value, 0)


def percent(value: Decimal, locale: str) -> str:
    """Return a percentage, where ``Decimal(20)`` is twenty percent.

    >>> percent(Decimal("5.50"), "en_GB"), percent(Decimal("20"), "tr_TR")
    ('5.5%', '%20')
    """
    return _percent_style(locale).write(value, 0)


@lru_cache(maxsize=4096)
def day(value: date, locale: str, length: Literal["short", "medium", "long", "full"] = "long") -> str:
    """Return a date, by default with the month's name.

    >>> day(date(2026, 11, 2), "en_GB"), day(date(2026, 11, 2), "de_DE", "medium")
    ('2 November 2026', '02.11.2026')
    """
    from babel.dates import format_date

    return format_date(value, length, _locale(locale))


@lru_cache(maxsize=4096)
def territory(country: str, locale: str) -> str:
    """Return the name of a country where *country* is its code in ISO 3166, and otherwise what it is.

    >>> territory("DE", "fr_FR"), territory("Wales", "en_GB")
    ('Allemagne', 'Wales')
    """
    return str(_locale(locale).territories.get(country, country)) if len(country) == 2 else country


class _Style(NamedTuple):
    """How a locale writes numbers. *before* and *after* come twice: for positive and negative numbers."""

    before: tuple[str, str]
    after: tuple[str, str]
    separators: dict[int, str]  # from Python's "," and "." to the locale's
    groups: tuple[int, int]  # digits in the last group, and in the others: (3, 2) in India

    def write(self, value: Decimal, least: int) -> str:
        """Write *value* exactly, with at least *least* decimals."""
        digits = f"{value:,f}"
        if self.groups != (3, 3):
            digits = _grouped(digits, *self.groups)
        negative = digits[0] == "-"
        if negative:
            digits = digits[1:]
            negative = bool(value)  # minus zero is written as zero
        whole, _point, decimals = digits.partition(".")
        if len(decimals) > least and decimals[-1] == "0":
            decimals = decimals[:least] + decimals[least:].rstrip("0")
        if len(decimals) < least:
            decimals = decimals.ljust(least, "0")
        digits = f"{whole}.{decimals}" if decimals else whole
        return f"{self.before[negative]}{digits.translate(self.separators)}{self.after[negative]}"


def _grouped(digits: str, last: int, others: int) -> str:
    whole, point, decimals = digits.replace(",", "").partition(".")
    sign, whole = ("-", whole[1:]) if whole[0] == "-" else ("", whole)
    groups = [whole[-last:]]
    whole = whole[:-last]
    while whole:
        groups.append(whole[-others:])
        whole = whole[:-others]
    return sign + ",".join(reversed(groups)) + point + decimals


@lru_cache(maxsize=256)
def _locale(tag: str) -> Locale:
    from babel import Locale, UnknownLocaleError

    tag = tag[:40].replace("-", "_")
    for candidate in (tag, tag.partition("_")[0]):  # fr_XX is French
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(FALLBACK)


@lru_cache(maxsize=512)
def _number_style(tag: str) -> _Style:
    locale = _locale(tag)
    return _style(locale.decimal_formats[None], locale)


@lru_cache(maxsize=512)
def _percent_style(tag: str) -> _Style:
    locale = _locale(tag)
    return _style(locale.percent_formats[None], locale)


@lru_cache(maxsize=2048)
def _money_style(tag: str, currency: str) -> _Style:
    from babel.numbers import get_currency_symbol

    locale = _locale(tag)
    style = _style(locale.currency_formats["standard"], locale)
    symbol = get_currency_symbol(currency, locale)

    # CLDR's currencySpacing: letters next to a digit are kept apart from it.
    gap_left = NO_BREAK_SPACE if symbol[-1].isalpha() else ""
    gap_right = NO_BREAK_SPACE if symbol[0].isalpha() else ""
    before = [affix + gap_left if affix.endswith("¤") else affix for affix in style.before]
    after = [gap_right + affix if affix.startswith("¤") else affix for affix in style.after]
    return style._replace(
        before=(before[0].replace("¤", symbol), before[1].replace("¤", symbol)),
        after=(after[0].replace("¤", symbol), after[1].replace("¤", symbol)),
    )


def _style(pattern: NumberPattern, locale: Locale) -> _Style:
    from babel.numbers import get_decimal_symbol, get_group_symbol

    separators = {ord(","): get_group_symbol(locale), ord("."): get_decimal_symbol(locale)}
    return _Style(pattern.prefix, pattern.suffix, separators, pattern.grouping)
