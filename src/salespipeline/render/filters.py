"""What templates may do with a value: ``FILTERS``, each measured before it builds anything.

A filter takes the ``Run`` that it works for, the value and its arguments. It sees plain values only, and its
result is never longer than ``MOST_TEXT``.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import Undefined
from jinja2.exceptions import TemplateRuntimeError

from salespipeline.errors import shown
from salespipeline.money import ROUNDING, Money
from salespipeline.render import formats
from salespipeline.render.labels import label

__all__ = ["FILTERS", "MOST_TEXT", "Run", "Wrong", "characters", "is_amount", "shown_as_text"]

MOST_STEPS = 250_000  # a third of a second
MOST_TEXT = 256 * 1024
MOST_WIDTH = 200
_LINK = re.compile(r"(?:https?://|mailto:|tel:)[^\s\x00-\x20\x7f-\x9f\"'<>\\^`{|}]+", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


_ONES = frozenset((Decimal, int, dict, date, type(None)))  # what costs one step, whatever it holds


class Wrong(TemplateRuntimeError):
    """What a template asked for is refused; the message names no value of the record."""

    lineno: int | None = None


class Run:
    """One filling of one template: what it may still spend, and in which language it speaks."""

    __slots__ = ("left", "locale", "type")

    def __init__(self, locale: str, type: str) -> None:
        self.locale = locale
        self.type = type
        self.left = MOST_STEPS

    def spend(self, steps: int) -> None:
        """Take *steps* off what is left, and refuse when nothing is."""
        self.left -= steps
        if self.left < 0:
            raise Wrong("it does too much: fewer loops, or shorter texts, are needed")

    def sized(self, value: Any) -> Any:
        """Return *value*, paid for by its size; anything but plain data is refused."""
        kind = type(value)  # most values are of these, and a page has hundreds of them
        self.spend(
            1 + (len(value) // 16 if kind is str or kind is list else 0 if kind in _ONES else _size(value) // 16)
        )
        return value


def _size(value: Any) -> int:
    if isinstance(value, str | list | tuple):
        return len(value)
    if value is None or isinstance(value, int | Decimal | float | date | Mapping):
        return 1
    if isinstance(value, Undefined):
        str(value)  # raises: it is the strict kind
    raise Wrong("templates take plain data only: text, numbers, dates, lists and mappings")


def _fitting(length: int) -> None:
    if length > MOST_TEXT:
        raise Wrong(f"a text would be longer than {MOST_TEXT:,} characters")


def characters(text: str) -> str:
    """Return *text* as a mail may hold it: no control characters, no half characters, line breaks as one."""
    text = str.__str__(text)  # whatever kind of text it was, it is plain now, and will be escaped
    if text.isprintable():
        return text
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def is_amount(value: Any) -> bool:
    """Tell whether *value* is money: a mapping of amount and currency."""
    return isinstance(value, Mapping) and value.keys() == {"amount", "currency"}


def shown_as_text(run: Run, value: Any) -> str:
    """Return *value* as it stands in a mail: amounts, numbers and dates as the document's language writes them."""
    if isinstance(value, str):
        run.sized(value)
        return value if type(value) is str and value.isprintable() else characters(value)
    if isinstance(value, bool):
        raise Wrong("yes or no cannot be shown; ask for it with {% if … %}")
    if isinstance(value, int | float | Decimal):
        return _number(run, value)
    if isinstance(value, date):
        return formats.day(value, run.locale)
    if is_amount(value):
        return _money(run, value)
    if value is None:
        raise Wrong("there is no value to show here; ask for it first with {% if … %}")
    if isinstance(value, Mapping):
        raise Wrong("this has parts; name the one to show")
    if isinstance(value, list | tuple):
        raise Wrong("this is a list; go through it with {% for … %}, or use join")
    _size(value)
    raise Wrong("this cannot be shown")


# --- texts ------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if not isinstance(value, str):
        _size(value)
        raise Wrong("this filter takes text")
    return str.__str__(value)


def _default(_run: Run, value: Any, other: Any = "", empty: bool = False) -> Any:
    return other if isinstance(value, Undefined) or value is None or (empty and not value) else value


def _same(_run: Run, value: Any) -> Any:
    return value  # HTML is escaped by itself, and text needs no escaping


def joined(run: Run, value: Any, between: str = "") -> str:
    """Return the items of a list as one text."""
    items = [shown_as_text(run, one) for one in _list(value)]
    _fitting(sum(map(len, items)) + len(_text(between)) * len(items))
    return between.join(items)


def _replace(_run: Run, value: Any, old: str, new: str) -> str:
    text, old, new = _text(value), _text(old), _text(new)
    if not old:
        raise Wrong("replace needs something to look for")
    _fitting(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _title(_run: Run, value: Any) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in _text(value).split(" "))


def _rows(run: Run, value: Any) -> list[str]:
    found = characters(_text(value)).splitlines()
    run.spend(4 * len(found))
    return found


def _wrap(_run: Run, value: Any, width: int = 72, indent: int = 0) -> str:
    width, indent = _within(width, 20), _within(indent, 0)
    margin = " " * min(indent, width - 10)
    rows = characters(_text(value)).splitlines()
    _fitting(len(rows) * (indent + 1) + len(value) * (1 + indent // 8))
    return "\n".join([_wrapped(row, width, margin) for row in rows])


def _wrapped(row: str, width: int, margin: str) -> str:
    if 0 < len(row) <= width - len(margin) and "\t" not in row and row[0] != " " != row[-1]:
        return margin + row  # most of what is wrapped is short, and to find that out otherwise takes long
    return textwrap.fill(row, width, initial_indent=margin, subsequent_indent=margin,
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip


def _within(width: Any, least: int) -> int:
    if not isinstance(width, int) or not least <= width <= MOST_WIDTH:
        raise Wrong(f"a width is a whole number from {least} to {MOST_WIDTH}")
    return width


def columns(text: str) -> int:
    """Return how many columns *text* takes where all letters are equally wide.

    >>> columns("Total"), columns("￥1"), columns("e\u0301")
    (5, 3, 1)
    """
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in text)


def _left(run: Run, value: Any, width: int) -> str:
    text = shown_as_text(run, value)
    return text + " " * max(1, _within(width, 1) - columns(text))


def _right(run: Run, value: Any, width: int) -> str:
    text = shown_as_text(run, value)
    return " " * (_within(width, 1) - columns(text)) + text


def _url(_run: Run, value: Any) -> str:
    if not _LINK.fullmatch(_text(value)):
        raise Wrong("a link begins with https://, http://, mailto: or tel:, and has no spaces or quotes")
    return str.__str__(value)


def _label(run: Run, value: Any) -> str:
    return label(_text(value)[:200], run.locale, run.type)


# --- lists ------------------------------------------------------------------------------------------------


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        _size(value)
        raise Wrong("this takes a list")
    return list(value)


def _first(_run: Run, value: Any) -> Any:
    return _list(value)[0]


def _last(_run: Run, value: Any) -> Any:
    return _list(value)[-1]


def _length(_run: Run, value: Any) -> int:
    return len(value) if isinstance(value, str) else len(_list(value))


# --- numbers, money and dates -----------------------------------------------------------------------------


def exact(value: Any) -> Decimal:
    """Return a number as a decimal that is not too long to write."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        _size(value)
        raise Wrong("a number is needed here")
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite() or number.adjusted() > 18 or int(number.as_tuple().exponent) < -30:
        raise Wrong("a number has at most 18 digits before the point and 30 after it")
    return number


def _round(_run: Run, value: Any, digits: int = 0) -> Decimal:
    if not isinstance(digits, int) or not 0 <= digits <= 12:
        raise Wrong("round takes 0 to 12 digits")
    return exact(value).quantize(Decimal(1).scaleb(-digits), context=ROUNDING)


def _int(_run: Run, value: Any) -> int:
    return int(exact(value))


def _money(run: Run, value: Any) -> str:
    if not is_amount(value):
        raise Wrong("money takes an amount, such as document.total")
    return formats.money(Money(value["amount"], value["currency"]), run.locale)


def _price(run: Run, value: Any, currency: str) -> str:
    return formats.price(exact(value), _text(currency), run.locale)


def _number(run: Run, value: Any, locale: str | None = None) -> str:
    return formats.number(exact(value), _language(run, locale))


def _percent(run: Run, value: Any, locale: str | None = None) -> str:
    return formats.percent(exact(value), _language(run, locale))


def _date(run: Run, value: Any, locale: str | None = None, length: Any = "long") -> str:
    if not isinstance(value, date):
        raise Wrong("date takes a date; where there may be none, ask first with {% if … %}")
    if length not in ("short", "medium", "long", "full"):
        raise Wrong(f"a date is short, medium, long or full, not {shown(length, 20)}")
    return formats.day(value, _language(run, locale), length)


def _language(run: Run, locale: str | None) -> str:
    return run.locale if locale is None else _text(locale)


FILTERS: dict[str, Callable[..., Any]] = {
    "capitalize": lambda _run, value: _text(value)[:1].upper() + _text(value)[1:],
    "d": _default,
    "date": _date,
    "default": _default,
    "e": _same,
    "escape": _same,
    "first": _first,
    "int": _int,
    "join": joined,
    "label": _label,
    "last": _last,
    "left": _left,
    "length": _length,
    "lower": lambda _run, value: _text(value).lower(),
    "money": _money,
    "number": _number,
    "percent": _percent,
    "price": _price,
    "replace": _replace,
    "right": _right,
    "round": _round,
    "rows": _rows,
    "title": _title,
    "trim": lambda _run, value: _text(value).strip(),
    "upper": lambda _run, value: _text(value).upper(),
    "url": _url,
    "wrap": _wrap,
}
