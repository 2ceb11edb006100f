"""Money: exact decimal amounts that carry their currency, and the one way in which they are rounded.

Rules: ``Decimal`` only, a float is refused at the door (SPEC MON-1); minor units come from ISO 4217 and
rounding is half away from zero (SPEC MON-2). Every operation uses the context in this module, so that what
the host application did to ``decimal.getcontext()`` changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from functools import lru_cache, reduce
from typing import Protocol, TypeAlias

import attrs

from salespipeline._iso4217 import DIGITS
from salespipeline.errors import Invalid, Problem, shown

__all__ = ["Amount", "Currency", "Money", "MoneyLike", "allocate", "decimal", "product", "round_half_up"]

# Exact: fifty digits, and an operation that would need more raises instead of rounding silently.
EXACT = Context(prec=50, rounding=ROUND_HALF_UP, Emax=MAX_EMAX, Emin=MIN_EMIN,
                traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])  # fmt: skip
# Rounding: the same, and rounding is what it is for.
ROUNDING = Context(prec=50, rounding=ROUND_HALF_UP, Emax=MAX_EMAX, Emin=MIN_EMIN,
                   traps=[InvalidOperation, DivisionByZero, Overflow])  # fmt: skip
MOST_DIGITS = 18  # before and after the point; minor units then fit a signed 64-bit integer
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})", re.ASCII)
_QUANTUM = {digits: Decimal(1).scaleb(-digits) for digits in range(MOST_DIGITS + 1)}


class Currency(str):
    """An ISO 4217 currency code that knows its minor units. Equal to the plain code.

    >>> Currency("JPY").digits, Currency("GBP").digits, Currency("KWD") == "KWD"
    (0, 2, True)
    """

    __slots__ = ()

    def __new__(cls, code: str) -> Currency:
        """Return the currency called *code*, or raise ``Invalid``."""
        if type(code) is str:
            return _currency(code)
        if isinstance(code, Currency):
            return code
        if not isinstance(code, str):
            raise _no_currency(code)
        return _currency(str(code))

    def __reduce__(self) -> tuple[type[Currency], tuple[str]]:
        return Currency, (str(self),)

    @property
    def digits(self) -> int:
        """The number of minor digits: 2 for GBP, 0 for JPY, 3 for KWD."""
        return DIGITS[self]

    @property
    def quantum(self) -> Decimal:
        """The smallest amount: ``Decimal("0.01")`` for GBP."""
        return _QUANTUM[DIGITS[self]]


@lru_cache(maxsize=512)
def _currency(code: str) -> Currency:
    if code not in DIGITS:
        raise _no_currency(code)
    return str.__new__(Currency, code)


def _no_currency(code: object) -> Invalid:
    upper = code.strip().upper() if isinstance(code, str) else ""
    hint = f"; did you mean {upper!r}?" if upper in DIGITS else ""
    return Invalid(
        Problem("currency", "currency", f"{shown(code)} is not an ISO 4217 currency code, such as 'GBP'{hint}")
    )


class MoneyLike(Protocol):
    """Anything with an amount and a currency, such as the ``Money`` of another library."""

    @property
    def amount(self) -> Decimal:
        """The exact amount."""
        ...

    @property
    def currency(self) -> object:
        """The currency; ``str()`` of it is its code."""
        ...


Amount: TypeAlias = Decimal | int | str


def decimal(value: Amount, path: str = "amount") -> Decimal:
    """Return *value* exactly, or raise ``Invalid`` naming *path*.

    Takes ``Decimal``, ``int`` and plain ASCII text such as ``"-12.50"``. A float is refused, because
    ``0.1`` has already lost the number that somebody typed (SPEC MON-1); so are NaN, infinities,
    ``"1_000"``, ``"1e3"`` and thousands separators.

    >>> decimal("12.50")
    Decimal('12.50')
    """
    if type(value) is Decimal:
        number = value
    elif isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        if isinstance(value, float):
            plain = float.__repr__(value)  # of numpy's floats, which show themselves with their type, too
            message = f"a float ({plain}) is refused: write it as text, {plain!r}, or as a Decimal"
            raise Invalid(Problem(path, "float", message))
        raise Invalid(Problem(path, "type", f"a number is needed, not {shown(value)} ({type(value).__name__})"))
    elif isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            message = f"{shown(value)} is not a number; write digits with a point, such as '1234.50'"
            raise Invalid(Problem(path, "number", message))
        number = Decimal(value)
    else:
        if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
            raise Invalid(Problem(path, "range", f"a number has at most {MOST_DIGITS} digits before the point"))
        number = Decimal(value)
    if not number.is_finite():
        raise Invalid(Problem(path, "number", f"{number} is not a finite number"))
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # finite  # noqa: S101
    if number and (number.adjusted() >= MOST_DIGITS or exponent < -MOST_DIGITS):
        message = f"a number has at most {MOST_DIGITS} digits before and after the point, not {shown(str(number))}"
        raise Invalid(Problem(path, "range", message))
    if exponent > 0 or not number:  # 1E+3 is 1000; minus zero is zero
        number = number.quantize(Decimal(1), context=EXACT) if number or exponent > 0 else number.copy_abs()
    return number


def product(first: Decimal, *others: Decimal) -> Decimal:
    """Return the exact product of all, or raise ``Invalid`` where it needs more than fifty digits."""
    try:
        return reduce(EXACT.multiply, others, first)
    except DecimalException:
        raise Invalid(Problem("amount", "range", "the product of these numbers needs more than 50 digits")) from None


def round_half_up(value: Decimal, digits: int) -> Decimal:
    """Round half away from zero to *digits* places, so that −x rounds to minus what x rounds to. (SPEC MON-2)

    >>> round_half_up(Decimal("-1446.375"), 2)
    Decimal('-1446.38')
    """
    rounded = ROUNDING.quantize(value, _QUANTUM[digits])
    return rounded or rounded.copy_abs()


@lru_cache(maxsize=256)  # every sum begins with one
def _zero(currency: str) -> Money:
    return Money(0, currency)


@attrs.frozen(order=False, repr=False, init=False)
class Money:
    """An exact amount in a currency, never with more digits than the currency has.

    ``Money("12.50", "GBP")``; text with both works too. Adding two currencies is refused (SPEC MON-1).
    Raises ``Invalid`` for floats, unknown currencies and too many digits: round first, with ``Money.rounded``.

    >>> Money("12.50", "GBP") + Money("0.50", "GBP")
    Money('13.00', 'GBP')
    >>> Money.of("1250 JPY")
    Money('1250', 'JPY')
    """

    amount: Decimal
    currency: Currency

    def __init__(self, amount: Amount, currency: str) -> None:
        """Check both and keep the amount with exactly the currency's digits."""
        currency = Currency(currency)
        number = decimal(amount)
        try:
            number = EXACT.quantize(number, currency.quantum)
        except DecimalException:
            message = f"{currency} has {currency.digits} minor digits, so {number} cannot be kept; use Money.rounded()"
            raise Invalid(Problem("amount", "digits", message)) from None
        self.__attrs_init__(number, currency)

    @classmethod
    def _exact(cls, number: Decimal, currency: Currency) -> Money:
        """Return *number*, which has the digits of *currency* already, as what arithmetic gives does."""
        if number.adjusted() >= MOST_DIGITS:
            decimal(number)  # raises
        money = cls.__new__(cls)
        money.__attrs_init__(number, currency)
        return money

    @classmethod
    def of(cls, value: str | MoneyLike, currency: str | None = None, *, path: str = "amount") -> Money:
        """Read ``"10000 GBP"``, or anything with an amount and a currency; problems are of *path*.

        With *currency* given, a bare number is in that currency, and another currency is refused.
        """
        try:
            return cls._read(value, currency)
        except Invalid as error:
            raise Invalid(Problem(path, problem.code, problem.message) for problem in error.problems) from None

    @classmethod
    def _read(cls, value: str | MoneyLike, currency: str | None) -> Money:
        if isinstance(value, Money):
            result = value
        elif isinstance(value, str | int | float | Decimal):
            if isinstance(value, float):
                decimal(value)  # raises: whatever else is missing, it is not exact
            text, _, code = value.strip().rpartition(" ") if isinstance(value, str) else (value, "", "")
            if not text:
                text, code = code, ""
            if not code and currency is None:
                message = f"{shown(value)} says no currency; write for example '10000 GBP'"
                raise Invalid(Problem("amount", "currency", message))
            result = cls(text.strip() if isinstance(text, str) else text, code or currency or "")
        elif hasattr(value, "amount") and hasattr(value, "currency"):
            result = cls(value.amount, str(getattr(value.currency, "code", value.currency)))
        else:
            message = f"money is needed, such as '10000 GBP', not {shown(value)}"
            raise Invalid(Problem("amount", "type", message))
        if currency is not None and result.currency != currency:
            message = f"{result} is not in {currency}; convert it with a stated rate first"
            raise Invalid(Problem("amount", "currency", message))
        return result

    @classmethod
    def rounded(cls, amount: Amount, currency: str) -> Money:
        """Round *amount* half away from zero to the currency's minor unit. (SPEC MON-2)

        >>> Money.rounded("2.345", "GBP"), Money.rounded("-2.5", "JPY")
        (Money('2.35', 'GBP'), Money('-3', 'JPY'))
        """
        currency = Currency(currency)
        return cls._exact(round_half_up(decimal(amount), currency.digits), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Return nothing, in *currency*.

        >>> Money.zero("KWD")
        Money('0.000', 'KWD')
        """
        return _zero(currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Money:
        """Return the amount of *minor* smallest units: 1250 in GBP is 12.50.

        >>> Money.from_minor(1250, "GBP")
        Money('12.50', 'GBP')
        """
        currency = Currency(currency)
        if type(minor) is not int:
            raise Invalid(Problem("minor", "type", f"a whole number of smallest units is needed, not {shown(minor)}"))
        return cls(Decimal(minor).scaleb(-currency.digits, context=EXACT), currency)

    @property
    def minor(self) -> int:
        """The amount in the smallest unit of the currency, as an integer."""
        return int(self.amount.scaleb(self.currency.digits, context=EXACT))

    @staticmethod
    def total(amounts: Iterable[Money], currency: str) -> Money:
        """Return the sum of *amounts*, all of which must be in *currency*.

        >>> Money.total([Money(1, "EUR"), Money("0.50", "EUR")], "EUR")
        Money('1.50', 'EUR')
        """
        zero = Money.zero(currency)
        sum = zero.amount
        for one in amounts:
            zero._same(one, "added")
            sum = EXACT.add(sum, one.amount)
        return Money._exact(sum, zero.currency)

    def _same(self, other: Money, verb: str) -> None:
        if self.currency != other.currency:
            message = f"{self} and {other} cannot be {verb}: convert one with a stated rate first"
            raise Invalid(Problem("currency", "mixed", message))

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other, "added")
        return Money._exact(EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other, "subtracted")
        return Money._exact(EXACT.subtract(self.amount, other.amount), self.currency)

    def __neg__(self) -> Money:
        return Money._exact(EXACT.subtract(Decimal(0), self.amount), self.currency)

    def __abs__(self) -> Money:
        return -self if self.amount < 0 else self

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other, "compared")
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        self._same(other, "compared")
        return self.amount <= other.amount

    def __gt__(self, other: Money) -> bool:
        return other.__lt__(self) if isinstance(other, Money) else NotImplemented

    def __ge__(self, other: Money) -> bool:
        return other.__le__(self) if isinstance(other, Money) else NotImplemented

    def __str__(self) -> str:
        return f"{self.amount:,f} {self.currency}"

    def __repr__(self) -> str:
        return f"Money({str(self.amount)!r}, {str(self.currency)!r})"


def allocate(total: Money, weights: Sequence[Decimal | int]) -> tuple[Money, ...]:
    """Split *total* by *weights* into parts that sum to it exactly (largest remainder first).

    >>> allocate(Money("100.00", "GBP"), (1, 1, 1))
    (Money('33.34', 'GBP'), Money('33.33', 'GBP'), Money('33.33', 'GBP'))
    """
    exact = [decimal(weight, f"weights[{at}]") for at, weight in enumerate(weights)]
    if not exact or any(weight < 0 for weight in exact) or not any(exact):
        message = f"weights are 0 or more and not all 0, not {shown(weights)}"
        raise Invalid(Problem("weights", "range", message))
    # Whole numbers from here on: nothing can be lost by a division.
    scale = max(0, *(-int(weight.as_tuple().exponent) for weight in exact))
    whole = [int(weight.scaleb(scale, context=EXACT)) for weight in exact]
    minor, everything = abs(total.minor), sum(whole)
    parts = [minor * weight // everything for weight in whole]
    by_remainder = sorted(range(len(whole)), key=lambda i: (-(minor * whole[i] % everything), i))
    for position in by_remainder[: minor - sum(parts)]:
        parts[position] += 1
    sign = -1 if total.amount < 0 else 1
    return tuple(Money.from_minor(sign * part, total.currency) for part in parts)
