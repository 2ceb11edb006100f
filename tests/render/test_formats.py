"""Numbers are written as CLDR says, exactly, whatever the host application did to the decimal context."""

from __future__ import annotations

import decimal
from datetime import date
from decimal import Decimal

import pytest
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from salespipeline.money import Money
from salespipeline.render.formats import day, money, number, percent, plain_money, price

LOCALES = st.sampled_from(
    [
        "en",
        "en_GB",
        "en_US",
        "en_IN",
        "fr_FR",
        "fr_CA",
        "fr_CH",
        "de_DE",
        "de_CH",
        "de_AT",
        "es_ES",
        "pl_PL",
        "nl_NL",
        "da_DK",
        "sv_SE",
        "ja_JP",
        "tr_TR",
        "ar",
        "he",
        "fa",
        "hi",
        "bn",
        "ta",
        "pt_PT",
        "pt_BR",
        "it_CH",
        "ru_RU",
        "uk_UA",
        "lt_LT",
        "nb_NO",
    ]
)
CURRENCIES = st.sampled_from(["GBP", "EUR", "USD", "CHF", "JPY", "KWD", "INR", "DKK", "PLN", "BHD", "ISK"])
AMOUNTS = st.decimals(-(10**12), 10**12, places=3, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "locale", "text"),
    [
        (Money("1234.50", "GBP"), "en_GB", "£1,234.50"),
        (Money("-1234.50", "GBP"), "en_GB", "-£1,234.50"),
        (Money("1234567.89", "EUR"), "fr_FR", "1\u202f234\u202f567,89\u00a0€"),
        (Money("-0.05", "EUR"), "fr_FR", "-0,05\u00a0€"),
        (Money("1234567.89", "EUR"), "de_DE", "1.234.567,89\u00a0€"),
        (Money("1234567.89", "CHF"), "de_CH", "CHF\u00a01’234’567.89"),
        (Money("1234567", "JPY"), "ja_JP", "￥1,234,567"),
        (Money("1.500", "KWD"), "en_GB", "KWD\u00a01.500"),
        (Money("1234567.89", "INR"), "en_IN", "₹12,34,567.89"),
        (Money("999999999999999.99", "USD"), "en_US", "$999,999,999,999,999.99"),
        (Money("0", "USD"), "fr_CA", "0,00\u00a0$\u00a0US"),
    ],
)
def test_money(value, locale, text):
    assert money(value, locale) == text


def test_the_same_number_without_its_currency():
    assert plain_money(Money("-1234.5", "EUR"), "de_DE") == "-1.234,50"
    assert plain_money(Money("1234", "JPY"), "de_DE") == "1.234"
    assert plain_money(Money("0.5", "KWD"), "en_US") == "0.500"


def test_a_unit_price_keeps_the_digits_beyond_its_currency():
    assert price(Decimal(12), "GBP", "en_GB") == "12.00"
    assert price(Decimal("4.5"), "JPY", "ja_JP") == "4.5"
    assert price(Decimal("0.03750"), "EUR", "fr_FR") == "0,0375"


@pytest.mark.parametrize(
    ("value", "text"),
    [("40", "40"), ("40.00", "40"), ("1500.50", "1,500.5"), ("0.125", "0.125"), ("-0", "0"), ("1E+3", "1,000")],
)
def test_quantities_have_the_decimals_that_they_need(value, text):
    assert number(Decimal(value), "en_GB") == text


def test_percents():
    assert percent(Decimal(20), "en_GB") == "20%"
    assert percent(Decimal("5.50"), "fr_FR") == "5,5\u00a0%"
    assert percent(Decimal(19), "de_DE") == "19\u00a0%"
    assert percent(Decimal("8.875"), "en_US") == "8.875%"


def test_dates():
    when = date(2026, 11, 2)
    assert [day(when, tag) for tag in ("en_GB", "en_US", "fr_FR", "de_DE", "de_CH", "xx")] == [
        "2 November 2026",
        "November 2, 2026",
        "2 novembre 2026",
        "2. November 2026",
        "2. November 2026",
        "2 November 2026",
    ]
    assert day(when, "en_US", "short") == "11/2/26"


@pytest.mark.parametrize("tag", ["", "xx", "xx_YY", "../../etc", "C", "\ud800", "a" * 10**6])
def test_an_unknown_language_is_written_in_international_english(tag):
    assert money(Money("1234.5", "USD"), tag) == "US$1,234.50"


def test_an_unknown_region_is_written_as_its_language_does():
    assert number(Decimal("1234.5"), "fr_XX") == "1\u202f234,5"
    assert number(Decimal("1234.5"), "fr-FR") == "1\u202f234,5"


def test_the_decimal_context_of_the_host_changes_nothing():
    with decimal.localcontext(prec=3, rounding=decimal.ROUND_DOWN):
        assert money(Money("1234567.89", "GBP"), "en_GB") == "£1,234,567.89"
        assert number(Decimal("-123456.789"), "en_IN") == "-1,23,456.789"
        assert percent(Decimal("12.3456"), "en_GB") == "12.3456%"


@given(AMOUNTS, CURRENCIES, LOCALES)
def test_money_is_babels_own_but_for_the_gap_after_letters(amount, currency, locale):
    value = Money.rounded(amount, currency)
    if value.currency.digits != get_currency_precision(currency):
        return  # CLDR's and ISO's minor units differ for a few currencies; ISO is our law
    peer = format_currency(value.amount, currency, locale=locale)
    ours = money(value, locale)
    symbol_of_letters = any(letter.isalpha() for letter in ours)
    assert ours == peer or (symbol_of_letters and ours.replace("\u00a0", "") == peer.replace("\u00a0", ""))


@given(AMOUNTS, LOCALES)
def test_numbers_and_percents_are_babels_own(amount, locale):
    assert number(amount, locale) == format_decimal(amount or Decimal(0), locale=locale, decimal_quantization=False)
    assert percent(amount, locale) == format_percent(
        (amount or Decimal(0)).scaleb(-2), locale=locale, decimal_quantization=False
    )
