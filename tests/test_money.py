"""Money. (SPEC MON-1, MON-2)"""

from __future__ import annotations

import decimal
import pickle
from decimal import Decimal

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline._iso4217 import DIGITS
from salespipeline.money import allocate, round_half_up
from salespipeline.money import decimal as number

currencies = st.sampled_from(sorted(DIGITS))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.1, "float"),
        ("1_000", "number"),
        ("1e3", "number"),
        ("１２", "number"),
        (" 5", "number"),
        ("NaN", "number"),
        (Decimal("Infinity"), "number"),
        (True, "type"),
        (None, "type"),
        (10**18, "range"),
        (Decimal("1e40"), "range"),
        ("0." + "1" * 19, "range"),
    ],
)
def test_what_is_not_exactly_a_number_is_refused(value, code):
    with pytest.raises(sp.Invalid) as caught:
        number(value)
    assert caught.value.problems[0].code == code


def test_minor_units_are_those_of_iso_4217():
    assert [sp.Currency(code).digits for code in ("JPY", "GBP", "KWD", "CLF")] == [0, 2, 3, 4]
    theirs = {one.code: one.exponent for one in iso4217.Currency if one.exponent is not None}
    differing = {code for code in theirs.keys() & DIGITS.keys() if theirs[code] != DIGITS[code]}
    assert differing == set()


def test_an_unknown_currency_is_refused_with_a_hint():
    with pytest.raises(sp.Invalid, match="did you mean 'GBP'"):
        sp.Currency("gbp")


def test_rounding_is_half_away_from_zero():
    assert [str(round_half_up(Decimal(x), 2)) for x in ("0.005", "-0.005", "1446.375", "-324.995", "-0.004")] == [
        "0.01",
        "-0.01",
        "1446.38",
        "-325.00",
        "0.00",
    ]


@given(st.decimals("-1e12", "1e12", places=6), st.integers(0, 4))
def test_rounding_is_symmetric(value, digits):
    assert round_half_up(-value, digits) == -round_half_up(value, digits)


@given(st.integers(-(10**15), 10**15), currencies, st.lists(st.integers(0, 1000), min_size=1, max_size=9).filter(any))
def test_the_parts_of_an_allocation_sum_exactly(minor, currency, weights):
    total = sp.Money.from_minor(minor, currency)
    parts = allocate(total, weights)
    assert sp.Money.total(parts, currency) == total
    assert all(not part for part, weight in zip(parts, weights, strict=True) if weight == 0)


@given(st.integers(-(10**17), 10**17), st.integers(-(10**17), 10**17), currencies)
def test_what_the_host_did_to_decimal_changes_nothing(a, b, currency):
    with decimal.localcontext(decimal.Context(prec=3, rounding=decimal.ROUND_DOWN)):
        result = sp.Money.from_minor(a, currency) + sp.Money.from_minor(b, currency)
        assert result.minor == a + b


def test_currencies_are_never_mixed():
    with pytest.raises(sp.Invalid, match="cannot be added"):
        sp.Money(1, "GBP") + sp.Money(1, "EUR")
    with pytest.raises(sp.Invalid, match="cannot be compared"):
        assert sp.Money(1, "GBP") < sp.Money(1, "EUR")


def test_too_many_digits_are_refused_and_equal_amounts_are_equal():
    with pytest.raises(sp.Invalid, match="minor digits"):
        sp.Money("1.005", "GBP")
    assert sp.Money("1", "GBP") == sp.Money("1.00", "GBP") == pickle.loads(pickle.dumps(sp.Money(1, "GBP")))
    assert str(sp.Money.of("10000 GBP")) == "10,000.00 GBP"
