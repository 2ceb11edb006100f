"""What the host gives: the time, rates of exchange, and ids. (SPEC EXT-3)"""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from salespipeline.exchange import ExchangeRate
from salespipeline.money import Currency

__all__ = ["Clock", "Ids", "Rates"]


class Clock(Protocol):
    """Says what time it is: an aware instant. (SPEC EXT-3)"""

    def __call__(self) -> dt.datetime:
        """Return now."""
        ...


class Rates(Protocol):
    """Knows rates of exchange: those of a central bank, a table, a service. (SPEC EXT-3)"""

    def __call__(self, base: Currency, quote: Currency, on: dt.date) -> ExchangeRate | None:
        """Return the rate that held on that day, or ``None`` where it is not known."""
        ...


class Ids(Protocol):
    """Gives a new id: a short text that sorts by time, such as a UUID version 7. (SPEC EXT-3)"""

    def __call__(self) -> str:
        """Return an id that was never given before."""
        ...
