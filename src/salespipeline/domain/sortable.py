"""Values as texts that sort and compare as the values do: what is kept to be found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from salespipeline.domain.fields import Answer, AnswerValue
from salespipeline.money import EXACT, Money
from salespipeline.text import fold

__all__ = ["answer_marks", "instant", "mark", "sortable"]

_INSTANT = "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ"
_LONGEST = 200  # of a text that is kept whole: an index has no room for a novel


def instant(moment: datetime) -> str:
    """Return *moment* as fixed-width UTC text, which sorts as time does.

    >>> instant(datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
    '2026-11-24T09:30:00.000000Z'
    """
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    # Half the time that isoformat() takes, which formats an offset; and strftime() writes the year 7 with one digit.
    return _INSTANT % (utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond)


def sortable(value: AnswerValue) -> str:
    """Return one answer as text. Texts are folded; amounts compare within their currency.

    >>> sortable(-1) < sortable(2) < sortable(10), sortable(Decimal("-0.5")) < sortable(Decimal("0.25"))
    (True, True)
    >>> sortable("Été")
    'ete'
    """
    match value:
        case bool():
            return str(int(value))
        case int():
            return f"{value + 2**63:020d}"
        case Decimal():
            return f"{int(value.scaleb(18, context=EXACT)) + 10**37:038d}"
        case Money():
            return f"{value.currency} {value.minor + 2**63:020d}"
        case datetime():
            return instant(value)
        case date():
            return value.isoformat()
        case tuple():
            return " ".join(map(fold, value))
    folded = fold(value)
    if len(folded) > _LONGEST:
        return f"{folded[:_LONGEST]}\u2026{hashlib.sha256(folded.encode()).hexdigest()}"
    return folded


def mark(key: str, value: AnswerValue) -> str:
    """Return the mark of one answer. Those of one field stand together, between ``key=`` and ``key>``.

    >>> mark("heard", "Fair")
    'heard=fair'
    """
    return f"{key}={sortable(value)}"


def answer_marks(answers: tuple[Answer, ...]) -> Iterator[str]:
    """Yield what records are found by: the key of each field that was answered, and each answer to it."""
    for answer in answers:
        yield answer.key
        for value in answer.value if isinstance(answer.value, tuple) else (answer.value,):
            yield mark(answer.key, value)
