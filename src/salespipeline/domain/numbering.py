"""References: prefix, digit format and series. (SPEC SET-8, DOC-6)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks, an
from salespipeline.domain.display import Labelled
from salespipeline.errors import Invalid, Problem, shown

__all__ = ["DEFAULT_SERIES", "Series", "check_pattern", "check_reference", "counter", "format_number"]

_REFUSED = {
    ".": "a point is for fractions",
    "%": "a percent sign multiplies",
    "e": "E is for powers of ten",
    ";": "a semicolon separates formats",
    **dict.fromkeys("dmyhs", "it is a letter of dates"),
}


PLACES = ("year", "yy", "month", "currency")
_PLACE = re.compile(r"\{(year|yy|month|currency)\}")


def check_pattern(pattern: str, path: str = "pattern") -> str:
    """Return a digit format that can be used, or raise ``Invalid``: see ``format_number``."""
    checks = Checks()
    pattern = checks.take(text.clean, pattern, path, most=40) or ""
    for character in dict.fromkeys(pattern):
        reason = _REFUSED.get(character.lower())
        if reason is not None:
            checks.add(
                path, "format", f"{shown(character)} may not stand in a digit format: {reason}; put it in the prefix"
            )
    if pattern and not any(placeholder in pattern for placeholder in "0#"):
        checks.add(path, "format", f"{shown(pattern)} has no place for a digit: write 0 (always) or # (where needed)")
    checks.done()
    return pattern


def format_number(pattern: str, number: int) -> str:
    """Return *number* in a spreadsheet's digit format. (SPEC SET-8)

    ``0`` forces a digit, ``#`` is an optional one, other characters are literal. Digits fill from the right;
    what overflows goes to the left-most placeholder: nothing is truncated. A literal is left out where an
    optional placeholder on its left and every one beyond it stays empty.

    >>> format_number("00000", 7), format_number("00-00-00", 1234567), format_number("", 7)
    ('00007', '123-45-67', '7')
    """
    if type(number) is not int or number < 0:
        raise Invalid(Problem("number", "range", f"a number is 0 or more, not {shown(number)}"))
    if not pattern:
        return str(number)
    digits = str(number) if number else ""
    places = [at for at, one in enumerate(pattern) if one in "0#"]
    filled: dict[int, str] = {}
    for at in reversed(places):
        digits, filled[at] = (digits[:-1], digits[-1]) if digits else ("", "0" if pattern[at] == "0" else "")
    filled[places[0]] = digits + filled[places[0]]
    first = next((at for at in places if filled[at]), len(pattern))
    result = []
    for at, one in enumerate(pattern):
        if at in filled:
            result.append(filled[at])
        elif at < places[0] or at > first or at > places[-1]:
            result.append(one)
    return "".join(result)


def check_reference(value: str, path: str = "reference") -> str:
    """Return a reference that somebody typed, or raise ``Invalid``."""
    return text.clean(value, path, most=60, required=True)


def counter(series: str, run: str) -> str:
    """Return the name of the counter of a series, or of one run of it.

    >>> counter("s7", ""), counter("s7", "INV-2026-")
    ('s7', 's7|INV-2026-')
    """
    return f"{series}|{run}" if run else series


@attrs.frozen(kw_only=True)
class Series(Labelled):
    """How the references of one type of record are made: prefix, digit format, and when a number is given.

    *at* is ``creation`` or ``issue``. The number shown is the store's counter for this series plus *offset*, so
    that setting the next number never rewinds a counter. A change affects future references only.

    The prefix may hold ``{year}``, ``{yy}``, ``{month}`` and ``{currency}``: numbers begin anew at 1 with each prefix that
    comes of it, which is called a run. The day is that of creation or issue, in the organisation's time zone. *starts* are
    the offsets of runs; *jumps* are the numbers that were passed over when a next number was set: run, from, to.

    >>> Series(id="q", label="Quotes", for_type="quote", prefix="QUO/", pattern="00000").reference(17)
    'QUO/00017'
    >>> series = sales.settings.series.add("Quotes 2027", "quote", prefix="Q27-", pattern="0000")
    >>> _ = sales.settings.series.set_next(series, 118)
    >>> sales.documents.draft(deal, "quote").reference
    'Q27-0118'
    >>> yearly = Series(id="i", label="Invoices", for_type="invoice", prefix="{year}/", pattern="0000", at="issue")
    >>> yearly.reference(7, yearly.run({"year": "2026"})), yearly.offset_of("2026/")
    ('2026/0007', 0)
    """

    id: str
    version: int = 0
    label: str
    for_type: str
    prefix: str = ""
    pattern: str = ""
    at: Literal["creation", "issue"] = "creation"
    offset: int = 0
    starts: tuple[tuple[str, int], ...] = ()
    jumps: tuple[tuple[str, int, int], ...] = ()
    position: int = 0
    archived: bool = False

    def run(self, names: Mapping[str, str]) -> str:
        """Return the prefix that comes of *names*; nothing where the prefix is always the same."""
        return _PLACE.sub(lambda found: names[found[1]], self.prefix) if _PLACE.search(self.prefix) else ""

    def offset_of(self, run: str) -> int:
        """Return what is added to the counter of a run."""
        return dict(self.starts).get(run, 0) if run else self.offset

    def reference(self, number: int, run: str = "") -> str:
        """Return the reference of *number*, which already includes the offset, in a run of the series."""
        return (run or self.prefix) + format_number(self.pattern, number)

    def checked(self) -> Series:
        """Return the series with clean values, or raise ``Invalid`` with every problem."""
        checks = Checks()
        label = checks.take(text.clean, self.label, "label", required=True)
        prefix = checks.take(text.clean, self.prefix, "prefix", most=40)
        for name in re.findall(r"\{([^{}]*)\}|[{}]", prefix or ""):
            if name not in PLACES or self.for_type in ("opportunity", "note"):
                offered = ", ".join(f"{{{place}}}" for place in PLACES)
                message = (
                    f"a prefix holds no {shown('{' + name + '}')}: documents and jobs take {offered}, other types none"
                )
                checks.add("prefix", "place", message)
        pattern = checks.take(check_pattern, self.pattern)
        if self.at not in ("creation", "issue"):
            checks.add("at", "choice", f"a number is given at 'creation' or at 'issue', not {shown(self.at)}")
        if self.for_type not in DEFAULT_SERIES:
            checks.add("for_type", "choice", f"{shown(self.for_type)} is not one of {', '.join(DEFAULT_SERIES)}")
        elif DEFAULT_SERIES[self.for_type].at == "issue" and self.at == "creation":
            message = f"{an(self.for_type)} gets its number when it is issued, never while a draft"
            checks.add("at", "choice", message)
        if type(self.offset) is not int:
            checks.add("offset", "type", f"a whole number is needed, not {shown(self.offset)}")
        checks.done()
        return attrs.evolve(self, label=label, prefix=prefix, pattern=pattern)


def _default(for_type: str, prefix: str, at: Literal["creation", "issue"] = "creation") -> Series:
    label = for_type.replace("_", " ").capitalize()
    return Series(id=f"default-{for_type}", label=label, for_type=for_type, prefix=prefix, pattern="00000", at=at)


DEFAULT_SERIES = {
    series.for_type: series
    for series in (
        _default("opportunity", "OPP/"),
        _default("quote", "QUO/"),
        _default("pro_forma", "PRO/"),
        _default("invoice", "INV/", "issue"),
        _default("purchase_order", "PO/"),
        _default("credit_note", "CN/", "issue"),
        _default("delivery_note", "DN/"),
        _default("application_for_payment", "APP/"),
        _default("job", "JOB/"),
        _default("note", "NOTE/"),
    )
}
